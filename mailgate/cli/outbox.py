"""Mail to be sent: list, show, retry, drop."""

import argparse

from mailgate.cli.options import add_config, add_desk, add_json, new_actions, opened
from mailgate.cli.printing import print_json, print_rows
from mailgate.errors import Refused
from mailgate.store import outbox, views
from mailgate.store.engine import reading, transaction

_COLUMNS = ("id", "desk", "ticket", "kind", "at", "to", "subject", "state", "until", "attempts", "reason")
_OPEN: tuple[outbox.State, ...] = ("waiting", "sending", "failed")
_STATES: tuple[outbox.State, ...] = ("waiting", "sending", "sent", "failed", "withdrawn")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate outbox` takes."""
    actions = new_actions(parser)
    listing = actions.add_parser("list", help="what waits, is leaving or failed, oldest first")
    listing.add_argument("--all", action="store_true", help="what was sent or withdrawn too")
    listing.add_argument("--state", action="append", choices=_STATES, help="these alone, repeatable")
    listing.add_argument("--ticket", type=int)
    listing.add_argument("--limit", type=int, default=1000)
    show = actions.add_parser("show", help="one letter, whole")
    retry = actions.add_parser("retry", help="send it now, also one that failed or was withdrawn")
    drop = actions.add_parser("drop", help="do not send it")
    for one in (show, retry, drop):
        one.add_argument("id")
    add_json(listing, show)
    add_desk(listing, is_filter=True)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        if args.action == "list":
            states = args.state or (_STATES if args.all else _OPEN)
            with reading(built.engine) as connection:
                found = outbox.list_letters(
                    connection, desk=args.desk, states=states, ticket=args.ticket, limit=args.limit
                )
            rows = [views.letter_keys(one) for one in found]
            if not args.json:
                rows = [{**row, "until": row["next_at"] if row["state"] == "waiting" else None} for row in rows]
            print_rows(rows, _COLUMNS, as_json=args.json, empty="nothing is to be sent")
            return 0
        with transaction(built.engine) as connection:
            letter = outbox.find(connection, args.id)
            if letter is None:
                raise Refused(f"there is no letter {args.id}; `mailgate outbox list --all` shows those there are")
            if args.action == "retry" and not outbox.retry(connection, args.id, built.house.clock()):
                raise Refused(f"letter {args.id} is {letter.state} already")
            if args.action == "drop" and not outbox.drop(connection, args.id, "dropped by hand"):
                raise Refused(f"letter {args.id} is {letter.state} already")
        if args.action == "show":
            _show(letter, as_json=args.json)
        else:
            done = "is sent now" if args.action == "retry" else "is not sent"
            about = f", ticket {letter.rendered.ticket}" if letter.rendered.ticket else ""
            print(f"{args.id} {done}: {letter.rendered.kind} to {letter.rendered.to}{about}")
    return 0


def _show(letter: outbox.Outgoing, *, as_json: bool) -> None:
    shown = views.letter_keys(letter)
    rendered = letter.rendered
    more = {
        "reply_to": rendered.reply_to, "language": rendered.language, "text": rendered.text, "because": letter.because,
        "attachments": [one.filename for one in letter.attachments],
    }  # fmt: skip
    if as_json:
        print_json({**shown, **more})
        return
    for name, value in {**shown, **more}.items():
        if name != "text" and value not in (None, "", []):
            print(f"{name:<12} {value}")
    print(f"\n{rendered.text}")

"""Mail that could not be processed: list, show, retry, drop."""

import argparse
from typing import Any

from mailgate.app import Built
from mailgate.cli.options import add_config, add_desk, add_json, new_actions, opened
from mailgate.cli.parked import COLUMNS, print_parked, text_of
from mailgate.cli.printing import print_json, print_rows
from mailgate.errors import Refused, TryLater
from mailgate.pipeline import quarantine
from mailgate.store import views
from mailgate.store.engine import reading, transaction
from mailgate.store.inbox import GivenUp, Incoming, arrival_of_value


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate quarantine` takes."""
    actions = new_actions(parser)
    listing = actions.add_parser("list", help="what could not be processed, oldest first")
    listing.add_argument("--all", action="store_true", help="the dropped ones too")
    show = actions.add_parser("show", help="one mail: the error, and what can be read of it")
    retry = actions.add_parser("retry", help="let it be processed anew, with all its tries")
    drop = actions.add_parser("drop", help="let nothing come of it; it is kept, and trace finds it")
    for one in (show, retry, drop):
        one.add_argument("id")
    add_json(listing, show)
    add_desk(listing, is_filter=True)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        match args.action:
            case "list":
                rows = _list(built, args.desk, is_open=not args.all)
                print_rows(rows, COLUMNS, as_json=args.json, empty="nothing is quarantined")
            case "show":
                _show(built, args.id, as_json=args.json)
            case "retry":
                _retry(built, args.id)
                print(f"{args.id} will be processed anew")
            case _:
                _drop(built, args.id)
                print(f"{args.id} dropped")
    return 0


def _list(built: Built, desk: str | None, *, is_open: bool) -> list[dict[str, Any]]:
    """Return what is quarantined; a crash may have left a mail in the inbox alone, it is listed all the same."""
    given_up = {one.arrival.id: one for one in built.inbox.given_up()}
    with reading(built.engine) as connection:
        rows = views.list_parked(connection, "quarantined", desk, is_open=is_open)
    known = {row["id"] for row in rows}
    for row in rows:
        row["attempts"] = given_up[row["id"]].tries if row["id"] in given_up else row["attempts"]
    stray = [_stray(one) for id_, one in given_up.items() if id_ not in known and desk in (None, one.arrival.desk)]
    with reading(built.engine) as connection:
        stray = [row for row in stray if views.find_parked(connection, row["id"]) is None]
    return sorted([*rows, *stray], key=lambda row: str(row["id"]))


def _show(built: Built, which: str, *, as_json: bool) -> None:
    found = next((row for row in _list(built, None, is_open=False) if row["id"] == which), None)
    if found is None:
        raise Refused(_nothing(which))
    with reading(built.engine) as connection:
        row = views.find_parked(connection, which)
    digest = row["digest"] if row else found["digest"]
    shown = {**(row or {}), **found, "digest": digest, "visible_text": text_of(built, digest)}
    if as_json:
        print_json(shown)
    else:
        print_parked(shown, ("channel",))


def _retry(built: Built, which: str) -> None:
    stray = next((one for one in built.inbox.given_up() if one.arrival.id == which), None)
    with reading(built.engine) as connection:
        row = views.find_parked(connection, which)
    if (row is None and stray is None) or (row is not None and row["outcome"] != "quarantined"):
        raise Refused(_nothing(which))
    if stray is None:
        assert row is not None
        _bring_back(built, row)
        return
    # its record must be gone before a worker applies it; should we die now, the inbox still lists it as given up
    with transaction(built.engine) as connection:
        views.forget_arrival(connection, which)
    built.inbox.again(which)


def _bring_back(built: Built, row: dict[str, Any]) -> None:
    """Put a mail that the inbox has moved away already into it anew."""
    raw = built.inbox.raw_of(row["digest"])
    if raw is None:
        raise TryLater(f"the raw mail of {row['id']} cannot be read")
    arrival = arrival_of_value(row["arrival"])
    with transaction(built.engine) as connection:
        views.forget_arrival(connection, row["id"])
        built.inbox.accept([Incoming(raw=raw, arrival=arrival)])


def _drop(built: Built, which: str) -> None:
    stray = next((one for one in built.inbox.given_up() if one.arrival.id == which), None)
    if stray is not None:
        quarantine(built.house, stray.arrival, stray.reason)  # P1: one outcome; nothing where it has its row already
    with transaction(built.engine) as connection:
        row = views.find_parked(connection, which)
        if row is None or row["outcome"] != "quarantined":
            raise Refused(_nothing(which))
        views.drop_parked(connection, which)
    built.inbox.done([which])


def _stray(one: GivenUp) -> dict[str, Any]:
    arrival = one.arrival
    return {
        "id": arrival.id, "desk": arrival.desk, "ticket": None, "at": arrival.received_at,
        "from": arrival.envelope_from,
        "to": ", ".join(arrival.recipients), "subject": "", "state": "quarantined", "reason": one.reason,
        "attempts": one.tries, "digest": arrival.digest,
    }  # fmt: skip


def _nothing(which: str) -> str:
    return f"no mail {which} is quarantined; `mailgate quarantine list` shows those there are"

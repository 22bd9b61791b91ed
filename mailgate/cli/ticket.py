"""Tickets: list, show, history; close, merge, split, assign; export."""

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mailgate import app
from mailgate.byhand.arguments import add_arguments as add_changes
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.printing import print_json, print_rows
from mailgate.config.lexicon import LANGUAGES
from mailgate.errors import Refused
from mailgate.model.search import STATUSES
from mailgate.store import views
from mailgate.store.engine import reading

if TYPE_CHECKING:
    from mailgate.apply import Applied
    from mailgate.web.language import Speech

_FOUND = ("number", "desk", "queue", "status", "requestor", "subject", "found")
_COLUMNS = ("number", "desk", "queue", "status", "priority", "owner", "requestor", "subject")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_changes(parser)
    actions = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    listing = actions.add_parser("list", help="list tickets, the newest first")
    listing.add_argument("--desk")
    listing.add_argument("--queue")
    listing.add_argument("--status", action="append", default=[], help="new, open, waiting, resolved, closed, merged")
    listing.add_argument("--account")
    listing.add_argument("--limit", type=int, default=100)
    finding = actions.add_parser("find", help='find tickets: words, "a phrase", from: status: queue: before: after:')
    finding.add_argument("words", nargs="+", metavar="WORDS")
    finding.add_argument("--desk", help="of this desk alone")
    finding.add_argument("--limit", type=int, default=50)
    show = actions.add_parser("show", help="show one ticket, whole")
    show.add_argument("number", type=int)
    history = actions.add_parser("history", help="what happened to a ticket, and why")
    history.add_argument("number", type=int)
    history.add_argument("--language", choices=LANGUAGES, default="en", help="whose words it is told in (default: en)")
    export = actions.add_parser("export", help="an mbox with all mail of a ticket, on stdout or in a file")
    export.add_argument("number", type=int)
    export.add_argument("--output", "-o", metavar="FILE")
    take = actions.add_parser("import", help="take over tickets of another system; nothing is sent for them")
    take.add_argument("file", nargs="?", metavar="FILE.jsonl", help="a ticket a line (docs/takeover.md)")
    take.add_argument("--rt", metavar="URL", help="the database of Request Tracker 5, as postgresql://rt@host/rt5")
    take.add_argument("--password-file", metavar="FILE", help="the password for --rt")
    take.add_argument("--desk", help="whose tickets they are, where a line does not say")
    take.add_argument(
        "--queue", action="append", default=[], metavar="OLD=NEW",
        help="what a queue is called here, repeatable; NEW may be DESK/QUEUE with --rt",
    )  # fmt: skip
    take.add_argument(
        "--status", action="append", default=[], metavar="OLD=NEW", help="what a status of RT's own is here, repeatable"
    )
    take.add_argument(
        "--dry-run", action="store_true", help="say what would be taken and what is wrong, change nothing"
    )
    for one in (listing, finding, show, history):
        one.add_argument("--json", action="store_true", help="one JSON object a line")
    for one in actions.choices.values():
        one.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    built = app.build(args.config)
    try:
        return _run(args, built)
    finally:
        built.close()


def _none(built: app.Built, as_json: bool) -> str:
    """Say what an empty list means: mail that nobody has read yet is no ticket."""
    waiting = 0 if as_json else built.inbox.waiting()[0]
    return (
        f"no tickets; mail that waits to be read: {waiting} (is `mailgate serve` running?)" if waiting else "no tickets"
    )


def _run(args: argparse.Namespace, built: app.Built) -> int:
    match args.action:
        case "list":
            _check_filters(args, built)
            found = views.each_ticket(
                built.engine, desk=args.desk, queue=args.queue, statuses=args.status, account=args.account,
                limit=args.limit,
            )  # fmt: skip
            print_rows(found, _COLUMNS, as_json=args.json, empty=_none(built, args.json))
        case "find":
            _find(args, built)
        case "show":
            _show(_get(built, args.number), as_json=args.json)
        case "history":
            _get(built, args.number)
            with reading(built.engine) as connection:
                events = views.events_of(connection, args.number)
            from mailgate.web.language import Speeches

            speech = Speeches(built.house.tools.templates).of(args.language, ZoneInfo("UTC"))
            for event in events:
                print_json(event) if args.json else print(_event_line(event, speech))
        case "export":
            from mailgate.cli.export import export_ticket

            export_ticket(built, args.number, args.output)
        case "import":
            from mailgate.cli.takeover import take_over

            return take_over(built, args)
        case _:
            from mailgate.byhand import tickets

            applied = tickets.perform(args, built.house)
            for line in _changes(applied, args.number):
                print(line)
    return 0


def _changes(applied: "Applied", number: int) -> Iterator[str]:
    """Yield what a command has changed, a line a ticket."""
    by_ticket: dict[int, list[str]] = {number: []}
    for one in applied.timeline:
        if one["event"] == "ticket" and one["change"] != "links":
            told = by_ticket.setdefault(one["ticket"], [])
            told.append(f"{one['change']} {_word(one['from'])} → {_word(one['to'])}")
    if len(by_ticket) > 1 and not by_ticket[number]:
        del by_ticket[number]  # a split says all with the ticket that it opens
    for ticket, told in by_ticket.items():
        yield f"ticket {ticket}{' opened' if ticket == applied.number else ''}: {', '.join(told) or 'nothing changed'}"


def _word(value: Any) -> str:
    return (", ".join(map(str, value)) if isinstance(value, list) else str(value or "")) or "none"


def _check_filters(args: argparse.Namespace, built: app.Built) -> None:
    """Raise Refused where a filter names what there is not: an empty list would say that there are no such tickets."""
    desks = [choose_desk(built.settings, args.desk)] if args.desk is not None else list(built.settings.desks.values())
    if wrong := [one for one in args.status if one not in STATUSES]:
        raise Refused(f"{wrong[0]} is no status ({', '.join(STATUSES)})")
    queues = list(dict.fromkeys(name for desk in desks for name in desk.queues))
    if args.queue is not None and args.queue not in queues:
        raise Refused(f"there is no queue {args.queue} (there are {', '.join(queues)})")


def _get(built: app.Built, number: int) -> dict[str, Any]:
    with reading(built.engine) as connection:
        found = views.show_ticket(connection, number)
    if found is None:
        raise Refused(f"there is no ticket {number}; `mailgate ticket list` shows those there are")
    return found


def _find(args: argparse.Namespace, built: app.Built) -> None:
    from mailgate.model.search import BadSearch, read_search
    from mailgate.store.search import find_tickets

    # a phrase that the shell took the quotes of is one still
    line = " ".join(f'"{word}"' if " " in word and '"' not in word else word for word in args.words)
    try:
        search = read_search(line)
    except BadSearch as error:
        raise Refused(str(error)) from error
    for name in (*search.desks, *([args.desk] if args.desk is not None else ())):
        choose_desk(built.settings, name)
    queues = list(dict.fromkeys(name for desk in built.settings.desks.values() for name in desk.queues))
    if wrong := [one for one in search.queues if one not in queues]:
        raise Refused(f"there is no queue {wrong[0]} (there are {', '.join(queues)})")
    with reading(built.engine) as connection:
        hits = find_tickets(connection, search, desks=[args.desk] if args.desk else None, limit=max(1, args.limit))
    shown = [hit.ticket if args.json else {**hit.ticket, "found": hit.excerpt} for hit in hits]
    print_rows(shown, _FOUND, as_json=args.json, empty="nothing found")


def _show(ticket: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(ticket)
        return
    print(f"#{ticket['number']}  {ticket['subject']}")
    facts = (
        "desk",
        "queue",
        "team",
        "status",
        "priority",
        "owner",
        "account",
        "requestor",
        "language",
        "class",
        "level",
    )
    print("  " + "  ".join(f"{name} {ticket[name] or '-'}" for name in facts))
    for name in ("participants", "flags", "missing"):
        if ticket[name]:
            print(f"  {name}: {', '.join(ticket[name])}")
    if ticket["fields"]:
        print("  " + "  ".join(f"{key}: {value}" for key, value in ticket["fields"].items()))
    for link in ticket["links"]:
        print(f"  {link['kind']}: {link['ticket']}")
    for deadline in ticket["deadlines"]:
        due = f"{deadline['due_at']:%Y-%m-%d %H:%M} UTC" if deadline["due_at"] else "paused"
        print(f"  {deadline['kind']}: {due}, {deadline['state']}")
    for message in ticket["messages"]:
        print(f"\n--- {message['at']:%Y-%m-%d %H:%M} UTC  {message['kind']}  {message['from']}  {message['subject']}")
        print(message["visible_text"])
        if message["hidden_lines"]:
            print(f"[{message['hidden_lines']} lines not shown]")
        for file in message["attachments"]:
            print(f"    [{file['filename']}, {file['size']} bytes]")
        for step in message["trace"]:
            print(f"    {step['rule']}: {step['verdict']}" + (f" ({step['because']})" if step["because"] else ""))


def _event_line(event: dict[str, Any], speech: "Speech") -> str:
    from mailgate.store.history import told

    actor = speech.say("by.clock") if event["actor"] == "clock" else event["actor"] or "-"
    return f"{event['at']:%Y-%m-%d %H:%M:%S}  {actor:<24} {told(event, _stamp, speech.say)}"


def _stamp(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%d %H:%M} UTC"

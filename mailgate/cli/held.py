"""Mail kept for a person to decide: list, show, accept, reject."""

import argparse
from typing import Any

from mailgate.app import Built
from mailgate.byhand import held
from mailgate.cli.options import actions_of, add_config, add_desk, add_json, opened
from mailgate.cli.parked import COLUMNS, print_parked, text_of
from mailgate.cli.printing import print_json, print_rows
from mailgate.errors import Refused
from mailgate.store import views
from mailgate.store.engine import reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate held` takes."""
    held.add_arguments(parser)
    actions = actions_of(parser)
    listing = actions.add_parser("list", help="what waits for a decision, oldest first")
    listing.add_argument("--all", action="store_true", help="the decided ones too")
    show = actions.add_parser("show", help="one mail: what it says, why it is held, what it would be")
    show.add_argument("id")
    add_json(listing, show)
    add_desk(listing, is_filter=True)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        match args.action:
            case "list":
                with reading(built.engine) as connection:
                    rows = views.list_held(connection, args.desk, is_open=not args.all)
                print_rows(rows, COLUMNS, as_json=args.json, empty="no mail is held")
            case "show":
                _show(built, args.id, as_json=args.json)
            case _:
                for line in held.perform(args, built.house):
                    print(line)
    return 0


def _show(built: Built, which: str, *, as_json: bool) -> None:
    with reading(built.engine) as connection:
        row = views.find_held(connection, which)
        if row is None:
            raise Refused(f"there is no held mail {which}; `mailgate held list` shows those there are")
        parked = views.find_parked(connection, row["arrival"])
    shown: dict[str, Any] = {**row, "trace": parked["trace"] if parked else []}
    shown["visible_text"] = text_of(built, row["digest"])
    if as_json:
        print_json(shown)
        return
    would_be, number = row["context"].get("would_be"), row["context"].get("would_be_ticket")
    shown["would be"] = f"{would_be} of ticket {number}" if number else would_be
    print_parked(shown, ("would be", "queue", "decided_by", "decided_at"))

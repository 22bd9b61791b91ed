"""Mail that belongs to no ticket, automatic or junk: list, show, release, drop."""

import argparse

from mailgate.byhand import aside
from mailgate.cli.options import actions_of, add_config, add_desk, add_json, opened
from mailgate.cli.parked import COLUMNS, print_parked, text_of
from mailgate.cli.printing import print_json, print_rows
from mailgate.errors import Refused
from mailgate.store import views
from mailgate.store.engine import reading, transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate aside` takes."""
    aside.add_arguments(parser)
    actions = actions_of(parser)
    listing = actions.add_parser("list", help="what was set aside, oldest first")
    listing.add_argument("--all", action="store_true", help="the dropped and the released ones too")
    show = actions.add_parser("show", help="one mail: what it says, and why it was set aside")
    drop = actions.add_parser("drop", help="list it no more; trace still finds it")
    for one in (show, drop):
        one.add_argument("id")
    add_json(listing, show)
    add_desk(listing, is_filter=True)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        if args.action == "release":
            for line in aside.perform(args, built.house):
                print(line)
            return 0
        if args.action == "list":
            with reading(built.engine) as connection:
                rows = views.list_parked(connection, "set_aside", args.desk, is_open=not args.all)
            print_rows(rows, COLUMNS, as_json=args.json, empty="nothing was set aside")
            return 0
        with transaction(built.engine) as connection:
            row = views.find_parked(connection, args.id)
            if row is None or row["outcome"] != "set_aside":
                raise Refused(f"no mail {args.id} was set aside; `mailgate aside list` shows those there are")
            if args.action == "drop":
                views.drop_parked(connection, args.id)
        if args.action == "drop":
            print(f"{args.id} dropped")
            return 0
        shown = {**row, "visible_text": text_of(built, row["digest"])}
        if args.json:
            print_json(shown)
        else:
            print_parked(shown, ("channel", "message_id"))
    return 0

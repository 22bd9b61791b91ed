"""Known outages: open, update, resolve, list."""

import argparse

from mailgate.byhand import incidents as byhand
from mailgate.cli.options import actions_of, add_config, add_desk, add_json, opened
from mailgate.cli.printing import print_rows
from mailgate.store import incidents
from mailgate.store.engine import reading

_COLUMNS = ("number", "desk", "state", "hosts", "services", "domains", "opened_at", "resolved_at", "tickets")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate incident` takes."""
    byhand.add_arguments(parser)
    listing = actions_of(parser).add_parser("list", help="the open ones, oldest first")
    listing.add_argument("--all", action="store_true", help="the resolved ones too")
    add_json(listing)
    add_desk(listing, is_filter=True)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        if args.action == "list":
            with reading(built.engine) as connection:
                rows = incidents.list_incidents(connection, args.desk, is_open=not args.all)
            print_rows(rows, _COLUMNS, as_json=args.json, empty="no incident is known")
            return 0
        for line in byhand.perform(args, built.house):
            print(line)
    return 0

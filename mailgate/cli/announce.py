"""Write to the customers of a desk, by purpose address, once each. After an interruption the same command goes on."""

import argparse

from mailgate.byhand import announcements
from mailgate.cli.options import opened, progress
from mailgate.cli.printing import print_json


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate announce` takes."""
    announcements.add_arguments(parser)
    parser.add_argument("--json", action="store_true", help="with --dry-run: an addressee a line")


def run(args: argparse.Namespace) -> int:
    """Write the letters, or say who would get one."""
    with opened(args.config) as built:
        plan = announcements.make_plan(args, built.house)
        if args.dry_run and args.json:
            for one in plan.addressees:
                print_json({"to": one.address, "name": one.name, "account": one.account, "language": one.language,
                            "because": one.because})  # fmt: skip
            return 0
        with progress("announcing", len(plan.addressees)) as told:
            for line in announcements.perform(args, built.house, lambda done, total: told(done)):
                print(line)
    return 0

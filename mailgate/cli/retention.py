"""Let go of what the configuration keeps no longer, now; or count what that would be."""

import argparse

from mailgate.cli.options import add_config, add_json, new_actions, opened
from mailgate.cli.printing import print_json
from mailgate.operations.retention import Retention


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate retention` takes."""
    actions = new_actions(parser)
    run_ = actions.add_parser("run", help="do now what the daemon does every hour")
    run_.add_argument("--dry-run", action="store_true", help="change nothing, count what it would be")
    add_json(run_)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Go through it once, and print how much it was."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    with opened(args.config) as built:
        desks = built.settings.desks
        for batch in Retention(built.house, built.inbox, is_trial=args.dry_run).batches():
            counts = sums.setdefault((batch.desk, batch.kind), {})
            for name, number in batch.counts.items():
                counts[name] = counts.get(name, 0) + number
    is_on = any(desk.retention.is_on for desk in desks.values())
    if args.json:
        for (desk, kind), counts in sums.items():
            print_json({"desk": desk, "kind": kind, "dry_run": args.dry_run, **counts})
    elif not is_on:
        print("everything is kept: there is no [retention] in the configuration")
    elif not sums:
        print("nothing has been kept for long enough")
    else:
        for (desk, kind), counts in sums.items():
            listed = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in counts.items())
            print(f"{desk} {kind}: {listed}{' (would go)' if args.dry_run else ''}")
    return 0

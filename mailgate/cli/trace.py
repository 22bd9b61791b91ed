"""Print every step that a mail took, with the decision trace and what was sent for it."""

import argparse
from typing import Any

from mailgate.cli.options import opened
from mailgate.cli.printing import print_json
from mailgate.errors import Refused
from mailgate.store import views
from mailgate.store.engine import reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate trace` takes."""
    parser.add_argument(
        "name", metavar="MESSAGE-ID|DIGEST", help="with or without angle brackets; 8 letters of a digest will do"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Print each arrival of that mail; 1 where there is none."""
    with opened(args.config) as built:
        with reading(built.engine) as connection:
            found = views.find_arrivals(connection, args.name)
        known = {one["arrival"] for one in found}
        with reading(built.inbox_engine) as connection:
            found += [one for one in views.find_waiting(connection, args.name) if one["arrival"] not in known]
    if not found:
        raise Refused(f"no mail {args.name} has been seen")
    for one in found:
        if args.json:
            print_json(one)
        else:
            _print(one)
    return 0


def _print(one: dict[str, Any]) -> None:
    number = f", ticket {one['ticket']}" if one["ticket"] else ""
    print(f"{one['message_id'] or '(no Message-ID)'}  {one['desk']}: {one['outcome'] or 'waiting'}{number}")
    print(f"  digest {one['digest']}")
    for step in one["steps"]:
        because = f" ({step['because']})" if step["because"] else ""
        print(f"  {str(step['at'])[:19].replace('T', ' ')}  {step['rule']:<3} {step['verdict']}{because}")
    for letter in one["sent"]:
        print(f"  sent: {letter['kind']} to {letter['to']}, {letter['state']}: {letter['subject']}")

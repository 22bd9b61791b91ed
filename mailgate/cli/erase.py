"""Remove a person's data: their tickets stay, anonymous; their mail, addresses and names go."""

import argparse

from mailgate.app import Built
from mailgate.cli.options import opened
from mailgate.cli.printing import print_json
from mailgate.errors import Refused, TryLater
from mailgate.store import erasure, views
from mailgate.store.engine import reading, transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate erase` takes."""
    parser.add_argument("address", metavar="ADDRESS", help="of a customer, on every desk")
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Erase, and say how much it was."""
    address = args.address.strip().strip("<>").lower()
    if "@" not in address:
        raise Refused(f"{args.address!r} is no mail address")
    with opened(args.config) as built:
        erased = erase(built, address)
    counts = {**erased.counts, "raw": len(erased.digests)}
    if args.json:
        print_json({"address": address, **counts})
    elif not any(counts.values()):
        print(f"nothing is known of {address}")
    else:
        print(f"{address} erased: " + ", ".join(f"{name} {count}" for name, count in counts.items() if count))
    return 0


def erase(built: Built, address: str) -> erasure.Erased:
    """Erase `address`. Raises Refused for a person of a desk, TryLater while mail of theirs waits to be read."""
    with reading(built.inbox_engine) as connection:
        waiting = views.count_waiting_from(connection, address)
    if waiting:
        raise TryLater(f"{waiting} mails of {address} wait to be read: let `mailgate serve` read them first")
    while built.inbox.move_to_blobs():  # so that raw mail is in one place
        pass
    with transaction(built.engine) as connection:
        if erasure.is_staff(connection, address):
            raise Refused(f"{address} is a person of a desk: `mailgate staff remove` comes first")
        erased = erasure.erase(connection, address, f"erased-{built.ids()}@erased.invalid")
    # what was given up is still in the inbox
    given_up = {one.arrival.id for one in built.inbox.given_up()}
    built.inbox.done([one for one in erased.arrivals if one in given_up])
    while built.inbox.move_to_blobs():
        pass
    for digest in erased.digests:
        built.blobs.remove(digest)
    return erased

"""`mailgate ticket import`: tickets of another system, with progress; run again it goes on where it was."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import progress
from mailgate.errors import Refused
from mailgate.takeover.importing import Importer, Tally
from mailgate.takeover.jsonl import JsonLines

_MOST_SHOWN = 50


def take_over(built: Built, args: argparse.Namespace) -> int:
    """Take the tickets over; 1 where one could not be taken."""
    lines = JsonLines(Path(args.file), _desk(built, args.desk), built.house.clock())
    importer = Importer(built.house, built.blobs, _queues(args.queue), is_trial=args.dry_run)
    count, greatest = lines.survey()
    with progress("importing", count) as told:
        tally = importer.run(lines.tickets(), greatest, told)
    return report(tally, [*lines.complaints, *tally.complaints], dict(lines.remarks + tally.remarks), args.dry_run)


def report(tally: Tally, complaints: Sequence[str], remarks: dict[str, int], is_trial: bool) -> int:
    """Print what it came to; return the exit code."""
    for complaint in complaints[:_MOST_SHOWN]:
        print(f"mailgate: {complaint}", file=sys.stderr)
    if len(complaints) > _MOST_SHOWN:
        print(f"mailgate: and {len(complaints) - _MOST_SHOWN} more", file=sys.stderr)
    for remark, count in remarks.items():
        print(f"note: {remark} ({count})", file=sys.stderr)
    statuses = ", ".join(f"{count} {status}" for status, count in sorted(tally.statuses.items()))
    print(
        f"{tally.taken} tickets {'would be taken' if is_trial else 'taken'} over{f' ({statuses})' if statuses else ''}"
        f" with {tally.messages} entries and {tally.files} attachments, {tally.known} known already"
        + (f", {len(complaints)} left out" if complaints else "")
    )
    return 1 if complaints else 0


def _desk(built: Built, name: str | None) -> str | None:
    if name is None and len(built.settings.desks) > 1:
        return None  # each line says
    return choose_desk(built.settings, name).name


def _queues(pairs: Sequence[str]) -> dict[str, str]:
    """Return what OLD=NEW says. Raises Refused for anything else."""
    found: dict[str, str] = {}
    for pair in pairs:
        old, is_pair, new = pair.rpartition("=")
        if not (is_pair and old and new):
            raise Refused(f"--queue {pair}: allowed is OLD=NEW, as --queue 'Customer Support'=support")
        found[old] = new
    return found

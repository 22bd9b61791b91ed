"""`mailgate ticket import`: tickets of another system, with progress; run again it goes on where it was."""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mailgate import phrases
from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import progress
from mailgate.errors import Refused
from mailgate.parse import html_text
from mailgate.takeover.importing import Importer, Tally
from mailgate.takeover.jsonl import JsonLines
from mailgate.takeover.rt import STATUSES, Place, RequestTracker

_MOST_SHOWN = 50


def take_over(built: Built, args: argparse.Namespace) -> int:
    """Take the tickets over; 1 where one could not be taken."""
    if bool(args.file) == bool(args.rt):
        raise Refused("say what to take over: FILE.jsonl, or --rt URL")
    queues = _pairs("--queue", args.queue, "'Customer Support'=support")
    source = _rt(built, args, queues) if args.rt else _json_lines(built, args)
    importer = Importer(built.house, built.blobs, {} if args.rt else queues, is_trial=args.dry_run)
    count, greatest = source.survey()
    with progress("importing", count) as told:
        tally = importer.run(source.tickets(), greatest, told)
    return report(tally, [*source.complaints, *tally.complaints], dict(source.remarks + tally.remarks), args.dry_run)


def report(tally: Tally, complaints: Sequence[str], remarks: Mapping[str, int], is_trial: bool) -> int:
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


def _json_lines(built: Built, args: argparse.Namespace) -> JsonLines:
    for name in ("status", "password_file"):
        if getattr(args, name):
            raise Refused(f"--{name.replace('_', '-')} goes with --rt alone")
    several = args.desk is None and len(built.settings.desks) > 1  # each line says
    return JsonLines(
        Path(args.file), None if several else choose_desk(built.settings, args.desk).name, built.house.clock()
    )


def _rt(built: Built, args: argparse.Namespace, queues: Mapping[str, str]) -> RequestTracker:
    from mailgate.store.foreign import open_foreign

    statuses = _pairs("--status", args.status, "escalated=open")
    for old, new in statuses.items():
        if new not in STATUSES:
            raise Refused(f"--status {old}={new}: allowed is {', '.join(STATUSES)}")
    desks = {one.partition("/")[0] for one in queues.values() if "/" in one}
    unknown = desks - built.settings.desks.keys()
    if unknown:
        raise Refused(
            f"--queue: there is no desk {', '.join(sorted(unknown))} (there are {', '.join(built.settings.desks)})"
        )
    rest = (
        None
        if desks and args.desk is None and len(built.settings.desks) > 1
        else choose_desk(built.settings, args.desk)
    )

    def place(queue: str) -> Place:
        desk, is_named, name = queues.get(queue, queue).rpartition("/")
        if is_named:
            return desk, name
        if rest is None:
            raise Refused(f"RT's queue {queue!r} goes to no desk: say --desk, or --queue '{queue}=DESK/QUEUE'")
        return rest.name, name

    words = phrases.load()
    return RequestTracker(
        open_foreign(args.rt, _password(args.password_file)), place, statuses, lambda html: html_text(html, words),
        built.house.clock(),
    )  # fmt: skip


def _password(file: str | None) -> str:
    try:
        return Path(file).read_text(encoding="utf-8").strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise Refused(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def _pairs(option: str, pairs: Sequence[str], example: str) -> dict[str, str]:
    """Return what OLD=NEW says. Raises Refused for anything else."""
    found: dict[str, str] = {}
    for pair in pairs:
        old, is_pair, new = pair.rpartition("=")
        if not (is_pair and old and new):
            raise Refused(f"{option} {pair}: allowed is OLD=NEW, as {option} {example}")
        found[old] = new
    return found

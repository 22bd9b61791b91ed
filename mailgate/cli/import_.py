"""Take an mbox, a Maildir or a folder of mails. After an interruption the same command goes on."""

import argparse
import hashlib
import mailbox
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mailgate.app import Built
from mailgate.cli.options import opened, progress
from mailgate.errors import Refused
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.intake.pipe import sender_of
from mailgate.pipeline import Worker
from mailgate.store import views
from mailgate.store.engine import reading
from mailgate.store.inbox import Incoming

_GROUP = 200
_HEAD_BYTES = 256 * 1024
_ADDRESSES = re.compile(rb"(?im)^(?:to|cc|delivered-to|x-original-to|envelope-to):[ \t]*(.*)$")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]]{1,64}@[^\s<>,;:\"()\[\]]{1,255}")


@dataclass(slots=True)
class Tally:
    """What an import came to."""

    taken: int = 0
    known: int = 0
    homeless: int = 0
    too_big: int = 0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate import` takes."""
    parser.add_argument("path", metavar="PATH", help="an mbox, a Maildir, a folder of mails, or one mail")
    parser.add_argument(
        "--to", metavar="ADDRESS", help="the mailbox they came to (default: the desk addresses in their headers)"
    )
    parser.add_argument("--ack", action="store_true", help="acknowledge what opens a ticket")
    parser.add_argument("--no-wait", action="store_true", help="leave the work to the daemon's workers")


def run(args: argparse.Namespace) -> int:
    """Take them all; 1 where one could not be taken."""
    sources = list(find_mails(Path(args.path)))
    with opened(args.config) as built:
        recipients = Recipients.of(built.settings)
        if args.to and recipients.desk_of(args.to) is None:
            there = ", ".join(box.address for desk in built.settings.desks.values() for box in desk.mailboxes)
            raise Refused(f"{args.to} is no mailbox (there are {there})")
        tally = take(built, sources, recipients, to=args.to, wants_ack=args.ack)
        if not args.no_wait:
            _work(built)
    print(f"{tally.taken} taken, {tally.known} known already")
    if tally.homeless:
        print(f"mailgate: {tally.homeless} name no mailbox of ours: say which with --to", file=sys.stderr)
    if tally.too_big:
        print(f"mailgate: {tally.too_big} are over the size limit (smtp.size_limit)", file=sys.stderr)
    return 1 if tally.homeless or tally.too_big else 0


def find_mails(path: Path) -> Iterator["Source"]:
    """Yield where each mail lies: in the files of a folder or Maildir, in the entries of an mbox."""
    try:
        if not path.is_dir():
            yield from _of_file(path)
            return
        for file in sorted(path.rglob("*")):
            parts = file.relative_to(path).parts
            if file.is_file() and _is_mail(parts, file.parent):
                yield from _of_file(file)
    except OSError as error:
        raise Refused(f"{error.filename or path}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Source:
    """One mail: a whole file, or an entry of an mbox."""

    file: Path
    box: "mailbox.mbox | None" = None
    key: str | int = ""

    def read(self) -> bytes:
        try:
            return self.file.read_bytes() if self.box is None else self.box.get_bytes(self.key)  # type: ignore[arg-type]
        except OSError as error:
            raise Refused(f"{self.file}: {error.strerror or error}") from error


def take(built: Built, sources: Sequence[Source], recipients: Recipients, *, to: str | None, wants_ack: bool) -> Tally:
    """Put them into the inbox, in their order, in groups; each is durable before the next group is read."""
    tally = Tally()
    with progress("taking", len(sources)) as told:
        for start in range(0, len(sources), _GROUP):
            group: list[Incoming] = []
            for source in sources[start : start + _GROUP]:
                group += _arrivals(built, source.read(), recipients, to, wants_ack, tally)
            fresh = _unknown(built, group)
            built.inbox.accept(fresh)
            tally.taken += len(fresh)
            tally.known += len(group) - len(fresh)
            told(min(len(sources), start + _GROUP))
    return tally


def addresses_of(raw: bytes) -> list[str]:
    """Return the addresses that the header of raw mail says it was sent to."""
    head = re.split(rb"\r?\n\r?\n", raw[:_HEAD_BYTES], maxsplit=1)[0]
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", head)
    lines = (line.decode("utf-8", "replace") for line in _ADDRESSES.findall(unfolded))
    return [address for line in lines for address in _ADDRESS.findall(line)]


def _arrivals(
    built: Built, raw: bytes, recipients: Recipients, to: str | None, wants_ack: bool, tally: Tally
) -> list[Incoming]:
    if len(raw) > built.settings.smtp.size_limit:
        tally.too_big += 1
        return []
    now: datetime = built.house.clock()
    # the operator's own store is like an IMAP account: what stands in it has come through the desk's own server (S2)
    envelope = Envelope(
        channel="import", sender=sender_of(raw), recipients=(to,) if to else tuple(addresses_of(raw)), is_trusted=True,
        wants_ack=wants_ack,
    )  # fmt: skip
    found = arrivals_of(raw, envelope, recipients, built.ids, now)
    tally.homeless += not found
    return found


def _unknown(built: Built, group: Sequence[Incoming]) -> list[Incoming]:
    """Leave out what the desk has already, and what stands twice in the group."""
    digests = sorted({hashlib.sha256(item.raw).hexdigest() for item in group})
    with reading(built.inbox_engine) as connection:
        known = views.known_in_inbox(connection, digests)
    with reading(built.engine) as connection:  # after the inbox: mail moves from there to here
        known |= views.known_arrivals(connection, digests)
    fresh: dict[tuple[str, str], Incoming] = {}
    for item in group:
        key = (item.arrival.desk, item.arrival.digest)
        if key not in known:
            fresh.setdefault(key, item)
    return list(fresh.values())


def _work(built: Built) -> None:
    """Read what waits, beside the daemon's own workers if there are any."""
    worker = Worker(built.house, built.inbox, name=f"import-{os.getpid()}")
    waiting, _ = built.inbox.waiting()
    done = 0
    with progress("reading", waiting) as told:
        while count := worker.work():
            done += count
            told(min(done, waiting))
    while built.inbox.move_to_blobs():
        pass


def _of_file(file: Path) -> Iterator[Source]:
    with file.open("rb") as opened_file:
        is_box = opened_file.read(5) == b"From "
    if not is_box:
        yield Source(file)
        return
    box = mailbox.mbox(file, create=False)
    for key in box.keys():  # noqa: SIM118 (an mbox iterates over its messages)
        yield Source(file, box, key)


def _is_mail(parts: Sequence[str], folder: Path) -> bool:
    """Leave out what mail programs keep beside mail: indexes, half-written files, hidden ones."""
    if parts[-1].startswith(".") or "tmp" in parts[:-1]:
        return False
    is_maildir = (folder / "cur").is_dir() and (folder / "new").is_dir()
    return not is_maildir  # in a Maildir mail lies in cur and new alone

"""What a source says, whole: entries on a file beside memory, a fingerprint of each in it, and what is wrong."""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

import msgspec

from mailgate.accounts.entry import Entry, Reader, Wrong
from mailgate.accounts.sources import Record

MOST_ADDRESSES = 200  # of one account: what a ticket's account may name (T3)
_MOST_KEPT = 1000


@dataclass(slots=True)
class Group:
    """What a source says of an account as a whole: as its owner's entry has it, else the one with the first address.
    `key` is that entry's."""

    is_owners: bool
    key: str
    fingerprint: int
    count: int = 0


@dataclass(slots=True)
class Complaints:
    """What could not be taken: so many in all, the first of them in words."""

    texts: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, text: str) -> None:
        self.count += 1
        if len(self.texts) < _MOST_KEPT:
            self.texts.append(text)


class Gathered:
    """The entries of one reading. Fingerprints are of this process alone."""

    def __init__(self) -> None:
        self.fingerprints: dict[str, int] = {}  # by contact
        self.accounts: dict[str, Group] = {}
        self.kept: set[str] = set()  # contacts whose record is wrong: they do not end by that
        self.shared: dict[str, list[str]] = {}  # address -> numbers, where several accounts claim it
        self.complaints = Complaints()
        self._addresses: dict[int, str] = {}  # of an address's hash: the account that had it first
        self._file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it is closed by close)

    def take(self, records: Iterable[Record], reader: Reader) -> "Gathered":
        """Read all records; what is wrong with one is a complaint, and the rest goes on."""
        for place, record in enumerate(records, 1):
            try:
                entry = reader.read(record)
            except Wrong as error:
                self.complaints.add(f"record {place}: {error}")
                if error.key:
                    self.kept.add(error.key)
                continue
            self._take(entry)
        self._addresses.clear()
        return self

    def entries(self) -> Iterator[Entry]:
        """Yield the entries that were taken, again."""
        self._file.seek(0)
        for line in self._file:
            entry = _SPOOLED.decode(line)
            yield Entry(*entry)

    def leave_out(self, key: str, why: str) -> None:
        """Take an entry back."""
        del self.fingerprints[key]
        self.complaints.add(why)

    def close(self) -> None:
        self._file.close()

    def _take(self, entry: Entry) -> None:
        key, fingerprint = entry.key, fingerprint_of(entry)
        known = self.fingerprints.get(key)
        if known is not None:
            if known != fingerprint:
                self.complaints.add(
                    f"account {entry.number}: {entry.address} comes twice and differs; the first counts"
                )
            return
        group = self._group(entry, key)
        if entry.address and not self._has_room(group, entry, key):
            return
        self._file.write(msgspec.json.encode(entry) + b"\n")
        if not entry.address:
            return
        self.fingerprints[key] = fingerprint
        first = self._addresses.setdefault(hash(entry.address), entry.number)
        if first != entry.number:
            self.shared.setdefault(entry.address, [first]).append(entry.number)

    def _has_room(self, group: Group, entry: Entry, key: str) -> bool:
        group.count += 1
        if group.count <= MOST_ADDRESSES:
            return True
        self.kept.add(key)
        if group.count == MOST_ADDRESSES + 1:
            self.complaints.add(f"account {entry.number}: more than {MOST_ADDRESSES} addresses; the rest is left out")
        return False

    def _group(self, entry: Entry, key: str) -> Group:
        is_owners = bool(entry.address) and "owner" in entry.roles
        group = self.accounts.get(entry.number)
        if group is None:
            group = Group(is_owners, key, account_fingerprint(entry.login, entry.name, entry.language))
            self.accounts[entry.number] = group
        elif group.count < MOST_ADDRESSES and (not is_owners, key) < (not group.is_owners, group.key):
            group.is_owners, group.key = is_owners, key
            group.fingerprint = account_fingerprint(entry.login, entry.name, entry.language)
        return group


def account_fingerprint(login: str, name: str, language: str) -> int:
    """Return what tells whether two say the same of an account."""
    return hash((login, name, language))


def fingerprint_of(one: Any) -> int:
    """Return what tells whether an entry, or a contact of the store, says the same (with this process's own hash)."""
    return hash((one.name, one.roles, one.purposes, one.until))


_SPOOLED = msgspec.json.Decoder(Entry)

"""The difference between what a source says and what is there (S10), in one transaction: added, changed, ended."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine

from mailgate.accounts.entry import Entry, Reader, key_of
from mailgate.accounts.gathered import Complaints, Gathered, account_fingerprint, fingerprint_of
from mailgate.accounts.sources import Reading, read_source
from mailgate.errors import Refused
from mailgate.model.settings import AccountSource, Desk
from mailgate.store import accounts
from mailgate.store.accounts import History, Row
from mailgate.store.engine import hold_alone, reading, transaction

_BATCH = 1000
Told = Callable[[int, int], None]


class TooManyEnd(Refused):
    """More contacts would end at once than the desk allows: nothing was changed."""


class Change(NamedTuple):
    """One line of the difference. `detail`: field -> [before, after]."""

    kind: str  # added, changed, ended
    account: str
    address: str | None  # None: the account itself
    detail: dict[str, Any]


@dataclass(slots=True)
class Outcome:
    """What a reading came to."""

    contacts: int = 0
    added: int = 0
    changed: int = 0
    ended: int = 0
    same: int = 0
    is_same: bool = False  # the source itself says so
    blocked: str = ""  # of a trial: why it would not be done
    complaints: Complaints = field(default_factory=Complaints)
    changes: list[Change] = field(default_factory=list)  # of a trial


@dataclass(slots=True)
class _Difference:
    """`fresh` and `changed` go by contact, the accounts' by number."""

    fresh: set[str]
    fresh_accounts: set[str]
    changed: dict[str, Row] = field(default_factory=dict)
    changed_accounts: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    gone: list[Row] = field(default_factory=list)
    ending: int = 0  # those that count today and would not tomorrow
    active: int = 0  # contacts of this source that count today

    @property
    def is_empty(self) -> bool:
        return not (self.fresh or self.fresh_accounts or self.changed or self.changed_accounts or self.gone)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sync:
    """One source of one desk, to be brought in. `is_trial`: nothing is written, the difference is told. `is_forced`:
    however many end."""

    engine: Engine
    desk: Desk
    source: AccountSource
    new_id: Callable[[], str]
    now: datetime
    is_trial: bool = False
    is_forced: bool = False

    @property
    def today(self) -> date:
        return self.now.astimezone(self.desk.timezone).date()

    def run(self, told: Told = lambda done, total: None) -> Outcome:
        """Read the source and bring in what differs. Raises Unread, Refused, TooManyEnd; nothing is changed then."""
        with reading(self.engine) as connection:
            mark = "" if self.is_trial else accounts.mark_of(connection, self.desk.name, self.source.name)
        asked, gathered = Reading(mark=mark), Gathered()
        try:
            gathered.take(read_source(self.source, asked), Reader(self.desk))
            if asked.is_same:
                return self._noted(Outcome(is_same=True), asked)
            return self._noted(self._bring(gathered, told), asked)
        finally:
            gathered.close()

    def _noted(self, outcome: Outcome, asked: Reading) -> Outcome:
        if not self.is_trial:
            # a source with wrong records is read again: they are complained of as long as they are wrong
            mark = "" if outcome.complaints.count else asked.mark
            said = (None, None) if outcome.is_same else (outcome.contacts, mark)
            with transaction(self.engine) as connection:
                accounts.note_read(connection, self.desk.name, self.source.name, self.now, *said)
        return outcome

    def _bring(self, gathered: Gathered, told: Told) -> Outcome:
        with reading(self.engine) as connection:
            found = self._compare(connection, gathered)
        if self.is_trial:
            return self._tried(gathered, found)
        self._guard(found)
        if found.is_empty:
            return self._outcome(gathered, found)
        with transaction(self.engine) as connection:
            hold_alone(connection, f"accounts:{self.desk.name}", wait=True)
            found = self._compare(connection, gathered)  # now nobody else changes them
            self._guard(found)
            self._write(connection, gathered, found, told)
        return self._outcome(gathered, found)

    def _compare(self, connection: Connection, gathered: Gathered) -> _Difference:
        self._settle_shared(connection, gathered)
        found = _Difference(fresh=set(gathered.fingerprints), fresh_accounts=set(gathered.accounts))
        for number, login, name, language, source in accounts.read_accounts(connection, self.desk.name):
            group = gathered.accounts.get(number)
            if group is None:
                continue
            found.fresh_accounts.discard(number)
            is_ours = source in (None, self.source.name)
            if is_ours and group.fingerprint != account_fingerprint(login, name, language):
                found.changed_accounts[number] = (login, name, language)
        for row in accounts.read_contacts(connection, self.desk.name):
            self._compare_contact(row, gathered, found)
        self._settle_taken(connection, gathered, found)
        if found.changed:
            found.ending += sum(self._ends(entry, found.changed.get(entry.key)) for entry in gathered.entries())
        return found

    def _ends(self, entry: Entry, before: Row | None) -> bool:
        """Does the source itself say that a contact which counts today does so no more?"""
        if before is None or entry.until is None or entry.until >= self.today:
            return False
        return before.source == self.source.name and (before.until is None or before.until >= self.today)

    def _compare_contact(self, row: Row, gathered: Gathered, found: _Difference) -> None:
        key, is_active = key_of(row.number, row.address), row.until is None or row.until >= self.today
        is_own = row.source == self.source.name
        found.active += is_own and is_active
        fingerprint = gathered.fingerprints.get(key)
        if fingerprint is None:
            if is_own and is_active and key not in gathered.kept:
                found.gone.append(row)
                found.ending += 1
            return
        found.fresh.discard(key)
        if row.source not in (None, self.source.name):
            gathered.leave_out(key, f"account {row.number}: {row.address} comes from the source {row.source} already")
        elif fingerprint != fingerprint_of(row) or not is_own:
            found.changed[key] = row

    def _settle_shared(self, connection: Connection, gathered: Gathered) -> None:
        """An address that several accounts claim is that account's which has it already, else the first one's."""
        if self.source.shared_addresses or not gathered.shared:
            return
        has: dict[str, set[str]] = {}
        for _, number, address in accounts.others_with(connection, self.desk.name, list(gathered.shared), self.today):
            has.setdefault(address, set()).add(number)
        for address, numbers in gathered.shared.items():
            owner = next((one for one in numbers if one in has.get(address, ())), numbers[0])
            for number in dict.fromkeys(numbers):
                key = key_of(number, address)
                if number != owner and key in gathered.fingerprints:
                    gathered.leave_out(key, f"account {number}: {address} is an address of account {owner} already")
        gathered.shared.clear()

    def _settle_taken(self, connection: Connection, gathered: Gathered, found: _Difference) -> None:
        """A new contact, or one that would count again, whose address is another account's, and stays it, is left out."""
        back = {key for key, row in found.changed.items() if row.until is not None and row.until < self.today}
        if self.source.shared_addresses or not (found.fresh or back):
            return
        gone = {row.id for row in found.gone}
        wrong: list[tuple[str, str]] = []
        for keys in _batches((*found.fresh, *back) if back else found.fresh):
            addresses = [key.partition("\n")[2] for key in keys]
            taken = accounts.others_with(connection, self.desk.name, addresses, self.today)
            owners = {address: number for id_, number, address in taken if id_ not in gone}
            wrong += [(key, owners[address]) for key, address in zip(keys, addresses, strict=True) if address in owners]
        for key, owner in wrong:
            number, _, address = key.partition("\n")
            if owner != number:
                found.fresh.discard(key)
                found.changed.pop(key, None)
                gathered.leave_out(key, f"account {number}: {address} is an address of account {owner} already")

    def _guard(self, found: _Difference) -> None:
        if self.is_forced or not found.ending:
            return
        if found.ending * 100 > found.active * self.source.most_ended_percent:
            raise TooManyEnd(
                f"{found.ending} of {found.active} contacts would end at once, more than"
                f" {self.source.most_ended_percent} %: nothing was changed"
            )

    def _outcome(self, gathered: Gathered, found: _Difference) -> Outcome:
        added, changed, ended = len(found.fresh), len(found.changed), len(found.gone)
        return Outcome(
            contacts=len(gathered.fingerprints), added=added, changed=changed, ended=ended,
            same=len(gathered.fingerprints) - added - changed, complaints=gathered.complaints,
        )  # fmt: skip

    def _tried(self, gathered: Gathered, found: _Difference) -> Outcome:
        outcome = self._outcome(gathered, found)
        outcome.changes = list(self._changes(gathered, found))
        try:
            self._guard(found)
        except TooManyEnd as error:
            outcome.blocked = str(error)
        return outcome

    def _changes(self, gathered: Gathered, found: _Difference) -> Iterator[Change]:
        for entry in gathered.entries():
            before = found.changed_accounts.get(entry.number)
            if before is not None and entry.key == gathered.accounts[entry.number].key:
                yield Change("changed", entry.number, None, _account_detail(before, entry))
            if entry.key in found.fresh:
                yield Change("added", entry.number, entry.address, _shown(entry))
            elif entry.key in found.changed:
                detail = self._contact_detail(found.changed[entry.key], entry)
                yield Change("changed", entry.number, entry.address, detail)
        for row in found.gone:
            yield Change("ended", row.number, row.address, {})

    def _write(self, connection: Connection, gathered: Gathered, found: _Difference, told: Told) -> None:
        name, desk = self.source.name, self.desk.name
        history = History(f"source:{name}", self.now, self.new_id)
        speaking = (one for one in gathered.entries() if one.key == gathered.accounts[one.number].key)
        for some in _batches(speaking):
            fresh_accounts = [one for one in some if one.number in found.fresh_accounts]
            accounts.add_accounts(connection, name, [_account_row(one, self.new_id(), desk) for one in fresh_accounts])
            changed_accounts = [one for one in some if one.number in found.changed_accounts]
            accounts.change_accounts(connection, desk, name, [_account_row(one, "", desk) for one in changed_accounts])
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        total = len(found.fresh) + len(found.changed)
        done = 0
        for entry in gathered.entries():
            if entry.key in found.fresh:
                fresh.append({"id": self.new_id(), **entry._asdict()})
            elif entry.key in found.changed:
                changed.append({**entry._asdict(), "id": found.changed[entry.key].id})
            if len(fresh) + len(changed) >= _BATCH:
                done += self._put(connection, fresh, changed)
                told(done, total)
        told(done + self._put(connection, fresh, changed), total)
        accounts.end_contacts(connection, [row.id for row in found.gone], self.today - timedelta(days=1))
        for events in _batches(self._changes(gathered, found)):
            accounts.note_events(
                connection, [history.row(desk, one.account, one.address, one.kind, one.detail) for one in events]
            )

    def _put(self, connection: Connection, fresh: list[dict[str, Any]], changed: list[dict[str, Any]]) -> int:
        count = len(fresh) + len(changed)
        accounts.add_contacts(connection, self.desk.name, self.source.name, fresh)
        accounts.change_contacts(connection, self.source.name, changed)
        fresh.clear()
        changed.clear()
        return count

    def _contact_detail(self, old: Row, new: Entry) -> dict[str, Any]:
        before, after = _shown(old), _shown(new)
        detail = {
            name: [before.get(name), after.get(name)]
            for name in ("name", "roles", "purposes", "until")
            if before.get(name) != after.get(name)
        }
        if old.source != self.source.name:
            detail["source"] = [old.source, self.source.name]
        return detail


def _batches(values: Any) -> Iterator[list[Any]]:
    batch: list[Any] = []
    for value in values:
        batch.append(value)
        if len(batch) >= _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _account_row(entry: Entry, id_: str, desk: str) -> dict[str, Any]:
    return {
        "id": id_, "desk": desk, "number": entry.number, "login": entry.login, "name": entry.name,
        "language": entry.language,
    }  # fmt: skip


def _account_detail(old: tuple[str, str, str], new: Entry) -> dict[str, Any]:
    pairs = zip(("login", "name", "language"), old, (new.login, new.name, new.language), strict=True)
    return {name: [before, after] for name, before, after in pairs if before != after}


def _shown(one: Any) -> dict[str, Any]:
    """Return what an entry or a contact says, as the history keeps it; what it does not say is left out."""
    values = {
        "name": one.name, "roles": list(one.roles), "purposes": list(one.purposes),
        "until": one.until.isoformat() if one.until else None,
    }  # fmt: skip
    return {name: value for name, value in values.items() if value}

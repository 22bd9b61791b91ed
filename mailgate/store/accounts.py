"""Accounts as sources bring them (S10): what is there, read as a stream; differences, written in batches; history."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, insert, or_, select, update

from mailgate.store.engine import insert_new
from mailgate.store.rewriting import chunks
from mailgate.store.sources import ACCOUNT_EVENT, ACCOUNT_SOURCE
from mailgate.store.tables import ACCOUNT, CONTACT

_ROWS = 2000


class Row(NamedTuple):
    """A contact as it is stored."""

    id: str
    number: str
    address: str
    name: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    until: date | None
    source: str | None


@dataclass(frozen=True, slots=True)
class History:
    """Writes down who changes accounts, and when. `actor`: "source:whmcs", "command line"."""

    actor: str
    at: datetime
    new_id: Callable[[], str]

    def row(self, desk: str, account: str, address: str | None, kind: str, detail: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": self.new_id(), "desk": desk, "account": account, "address": address, "at": self.at,
            "actor": self.actor, "kind": kind, "detail": dict(detail),
        }  # fmt: skip

    def note(
        self, connection: Connection, desk: str, account: str, address: str | None, kind: str, detail: Mapping[str, Any]
    ) -> None:
        """Keep one event."""
        note_events(connection, [self.row(desk, account, address, kind, detail)])


def note_events(connection: Connection, events: Sequence[Mapping[str, Any]]) -> None:
    if events:
        connection.execute(insert(ACCOUNT_EVENT), list(events))


def events_of(connection: Connection, desk: str | None, account: str | None, limit: int) -> list[dict[str, Any]]:
    """Return what happened to accounts, the newest first."""
    query = select(ACCOUNT_EVENT).order_by(ACCOUNT_EVENT.c.id.desc()).limit(limit)
    if desk:
        query = query.where(ACCOUNT_EVENT.c.desk == desk)
    if account:
        query = query.where(ACCOUNT_EVENT.c.account == account)
    return [dict(row) for row in connection.execute(query).mappings()]


def read_accounts(connection: Connection, desk: str) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Yield (number, login, name, language, source) of the desk's accounts."""
    columns = (ACCOUNT.c.number, ACCOUNT.c.login, ACCOUNT.c.name, ACCOUNT.c.language, ACCOUNT.c.source)
    query = select(*columns).where(ACCOUNT.c.desk == desk).execution_options(yield_per=_ROWS)
    for number, login, name, language, source in connection.execute(query):
        yield number, login, name, language or "", source


def read_contacts(connection: Connection, desk: str) -> Iterator[Row]:
    """Yield the desk's contacts."""
    query = (
        select(
            CONTACT.c.id, ACCOUNT.c.number, CONTACT.c.address, CONTACT.c.name, CONTACT.c.roles, CONTACT.c.purposes,
            CONTACT.c.until, CONTACT.c.source,
        )
        .join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
        .where(CONTACT.c.desk == desk)
    )  # fmt: skip
    for id_, number, address, name, roles, purposes, until, source in connection.execute(
        query.execution_options(yield_per=_ROWS)
    ):
        yield Row(id_, number, address, name, tuple(roles), tuple(purposes), until, source)


def others_with(connection: Connection, desk: str, addresses: Sequence[str], today: date) -> list[tuple[str, str, str]]:
    """Return (id, account number, address) of contacts that have these addresses and count today."""
    found: list[tuple[str, str, str]] = []
    for some in chunks(addresses):
        query = (
            select(CONTACT.c.id, ACCOUNT.c.number, CONTACT.c.address)
            .join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
            .where(
                CONTACT.c.desk == desk, CONTACT.c.address.in_(some),
                or_(CONTACT.c.until.is_(None), CONTACT.c.until >= today),
            )
        )  # fmt: skip
        found += [(row[0], row[1], row[2]) for row in connection.execute(query)]
    return found


def add_accounts(connection: Connection, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(insert(ACCOUNT), [_account(row, source) for row in rows])


def change_accounts(connection: Connection, desk: str, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write login, name and language of the accounts of these numbers."""
    if not rows:
        return
    statement = (
        update(ACCOUNT)
        .where(ACCOUNT.c.desk == desk, ACCOUNT.c.number == bindparam("which"))
        .values(
            login=bindparam("l"), login_key=bindparam("k"), name=bindparam("n"), language=bindparam("g"), source=source
        )
    )
    connection.execute(
        statement,
        [
            {"which": row["number"], "l": row["login"], "k": row["login"].lower(), "n": row["name"],
             "g": row["language"] or None}
            for row in rows
        ],
    )  # fmt: skip


def add_contacts(connection: Connection, desk: str, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert contacts, each to the account of its number, which is there."""
    if not rows:
        return
    ids = _ids(connection, desk, {row["number"] for row in rows})
    connection.execute(
        insert(CONTACT),
        [
            {
                "id": row["id"], "account": ids[row["number"]], "desk": desk, "address": row["address"],
                "domain": row["address"].rpartition("@")[2], "name": row["name"], "roles": list(row["roles"]),
                "purposes": list(row["purposes"]), "until": row["until"], "source": source,
            }
            for row in rows
        ],
    )  # fmt: skip


def change_contacts(connection: Connection, source: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the contacts of these ids, which are the source's from now on."""
    if not rows:
        return
    names = ("name", "roles", "purposes", "until")
    statement = (
        update(CONTACT)
        .where(CONTACT.c.id == bindparam("which"))
        .values(source=source, **{name: bindparam(f"new_{name}", type_=CONTACT.c[name].type) for name in names})
    )
    connection.execute(
        statement,
        [
            {"which": row["id"], "new_name": row["name"], "new_roles": list(row["roles"]),
             "new_purposes": list(row["purposes"]), "new_until": row["until"]}
            for row in rows
        ],
    )  # fmt: skip


def end_contacts(connection: Connection, ids: Iterable[str], last_day: date) -> None:
    """Let contacts count no more after `last_day` (S5); they are not deleted."""
    for some in chunks(list(ids)):
        connection.execute(update(CONTACT).where(CONTACT.c.id.in_(some)).values(until=last_day))


def due_sources(connection: Connection, now: datetime) -> list[tuple[str, str]]:
    """Return (desk, name) of the sources that are to be read now."""
    query = select(ACCOUNT_SOURCE.c.desk, ACCOUNT_SOURCE.c.name).where(ACCOUNT_SOURCE.c.next_at <= now)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(ACCOUNT_SOURCE.c.next_at))]


def add_sources(connection: Connection, names: Iterable[tuple[str, str]], now: datetime) -> None:
    """Let each source be known, to be read at `now`; one that is known is left alone."""
    known = {(row[0], row[1]) for row in connection.execute(select(ACCOUNT_SOURCE.c.desk, ACCOUNT_SOURCE.c.name))}
    fresh = [
        {"desk": desk, "name": name, "next_at": now, "read_at": None, "contacts": 0, "mark": ""}
        for desk, name in names
        if (desk, name) not in known
    ]
    insert_new(connection, ACCOUNT_SOURCE, fresh, "desk", "name")


def claim_source(connection: Connection, desk: str, name: str, now: datetime, every_seconds: int) -> bool:
    """Say whether the source is the caller's to read: one at a time comes in time."""
    mine = update(ACCOUNT_SOURCE).where(
        ACCOUNT_SOURCE.c.desk == desk, ACCOUNT_SOURCE.c.name == name, ACCOUNT_SOURCE.c.next_at <= now
    )
    return bool(connection.execute(mine.values(next_at=now + timedelta(seconds=every_seconds))).rowcount)


def mark_of(connection: Connection, desk: str, name: str) -> str:
    """Return what the last good reading of the source left."""
    where = (ACCOUNT_SOURCE.c.desk == desk, ACCOUNT_SOURCE.c.name == name)
    return connection.execute(select(ACCOUNT_SOURCE.c.mark).where(*where)).scalar() or ""


def read_sources(connection: Connection) -> dict[tuple[str, str], tuple[datetime | None, int]]:
    """Return when each source was last read well, and how many contacts it had, by desk and name."""
    columns = (ACCOUNT_SOURCE.c.desk, ACCOUNT_SOURCE.c.name, ACCOUNT_SOURCE.c.read_at, ACCOUNT_SOURCE.c.contacts)
    return {(row[0], row[1]): (row[2], row[3]) for row in connection.execute(select(*columns))}


def note_read(
    connection: Connection, desk: str, name: str, now: datetime, contacts: int | None = None, mark: str | None = None
) -> None:
    """Remember a good reading; what is None stays as it was."""
    where = (ACCOUNT_SOURCE.c.desk == desk, ACCOUNT_SOURCE.c.name == name)
    said = {key: value for key, value in (("contacts", contacts), ("mark", mark)) if value is not None}
    connection.execute(update(ACCOUNT_SOURCE).where(*where).values(read_at=now, **said))


def _account(row: Mapping[str, Any], source: str) -> dict[str, Any]:
    return {
        "id": row["id"], "desk": row["desk"], "number": row["number"], "number_key": row["number"].lower(),
        "login": row["login"], "login_key": row["login"].lower(), "name": row["name"],
        "language": row["language"] or None, "source": source,
    }  # fmt: skip


def _ids(connection: Connection, desk: str, numbers: Iterable[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(sorted(numbers)):
        query = select(ACCOUNT.c.number, ACCOUNT.c.id).where(ACCOUNT.c.desk == desk, ACCOUNT.c.number.in_(some))
        found.update((row[0], row[1]) for row in connection.execute(query))
    return found

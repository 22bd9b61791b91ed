"""A person's data, taken out of every table: their tickets stay, anonymous."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, Text, cast, delete, or_, select, update

from mailgate.store.outbox import OUTBOX
from mailgate.store.rewriting import changed, chunks, replacer
from mailgate.store.sources import ACCOUNT_EVENT
from mailgate.store.tables import (
    ACCOUNT,
    ADDRESS_MARK,
    ANNOUNCED,
    ARRIVAL,
    CONTACT,
    EVENT,
    HELD,
    MESSAGE,
    REFERENCE,
    STAFF,
    TICKET,
)


@dataclass(slots=True)
class Erased:
    """What was changed, by table, and the raw mails that are to be removed now."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)
    arrivals: list[str] = field(default_factory=list)

    def count(self, table: str, number: int) -> None:
        if number:
            self.counts[table] = self.counts.get(table, 0) + number


def is_staff(connection: Connection, address: str) -> bool:
    return connection.execute(select(STAFF.c.address).where(STAFF.c.address == address)).first() is not None


def erase(connection: Connection, address: str, stand_in: str) -> Erased:
    """Put `stand_in` in the place of `address`, and "—" in that of the person's name, wherever they stand."""
    return _Eraser(connection, address, stand_in).erase()


class _Eraser:
    def __init__(self, connection: Connection, address: str, stand_in: str) -> None:
        self._connection = connection
        self._address = address
        self._stand_in = stand_in
        self._erased = Erased()
        self._replace: Callable[[str], str] = str

    def erase(self) -> Erased:
        tickets = self._tickets()
        names = self._names()
        self._replace = replacer({self._address: self._stand_in}, names)
        own = self._own_digests(tickets)
        self._tickets_and_messages(tickets, own)
        self._outbox(tickets)
        self._arrivals(tickets, own)
        self._people(names)
        self._erased.digests = sorted(own)
        return self._erased

    def _tickets(self) -> list[int]:
        """Return the tickets that the person is on in any way."""
        is_in_cc = cast(TICKET.c.participants, Text).contains(json.dumps(self._address), autoescape=True)
        is_theirs = or_(TICKET.c.requestor == self._address, TICKET.c.reply_address == self._address, is_in_cc)
        found = set(self._numbers(select(TICKET.c.number).where(is_theirs)))
        found |= set(self._numbers(select(MESSAGE.c.ticket).where(MESSAGE.c.author == self._address)))
        found |= set(
            self._numbers(
                select(OUTBOX.c.ticket).where(OUTBOX.c.to_address == self._address, OUTBOX.c.ticket.is_not(None))
            )
        )
        return sorted(found)

    def _names(self) -> set[str]:
        queries = (
            select(TICKET.c.requestor_name).where(TICKET.c.requestor == self._address),
            select(MESSAGE.c.author_name).where(MESSAGE.c.author == self._address).distinct(),
            select(CONTACT.c.name).where(CONTACT.c.address == self._address),
            select(OUTBOX.c.to_name).where(OUTBOX.c.to_address == self._address).distinct(),
            select(ACCOUNT.c.name).join(CONTACT, CONTACT.c.account == ACCOUNT.c.id).where(
                CONTACT.c.address == self._address, ACCOUNT.c.id.in_(self._own_accounts())
            ),
        )  # fmt: skip
        return {name for query in queries for name in self._connection.execute(query).scalars() if name}

    def _own_accounts(self) -> list[str]:
        """Return the accounts that nobody else is registered with."""
        accounts = list(
            self._connection.execute(select(CONTACT.c.account).where(CONTACT.c.address == self._address)).scalars()
        )
        others = select(CONTACT.c.account).where(CONTACT.c.account.in_(accounts), CONTACT.c.address != self._address)
        shared = set(self._connection.execute(others).scalars())
        return [one for one in accounts if one not in shared]

    def _own_digests(self, tickets: Sequence[int]) -> set[str]:
        """Return the raw mails that go: the person's own, and all of tickets they opened, unless another ticket holds
        the same."""
        requested = self._numbers(select(TICKET.c.number).where(TICKET.c.requestor == self._address))
        query = select(MESSAGE.c.digest).where(
            MESSAGE.c.digest.is_not(None), or_(MESSAGE.c.author == self._address, MESSAGE.c.ticket.in_(requested))
        )
        found = {digest for digest in self._connection.execute(query).scalars() if digest}
        found |= set(
            self._connection.execute(select(ARRIVAL.c.digest).where(ARRIVAL.c.sender == self._address)).scalars()
        )
        elsewhere = select(MESSAGE.c.digest).where(
            MESSAGE.c.digest.in_(found), MESSAGE.c.ticket.not_in(tickets), MESSAGE.c.author != self._address
        )
        return found - set(self._connection.execute(elsewhere).scalars())

    def _tickets_and_messages(self, tickets: Sequence[int], digests: set[str]) -> None:
        names = (
            "subject",
            "subject_key",
            "subjects",
            "requestor",
            "requestor_name",
            "reply_address",
            "participants",
            "fields",
        )
        self._rewrite(TICKET, TICKET.c.number, tickets, names)
        texts = ("subject", "visible_text", "body", "html", "author", "author_name", "attachments")
        for row in self._rows(MESSAGE, MESSAGE.c.ticket, tickets):
            values = self._changed(row, texts)
            if row["digest"] in digests:
                values["attachments"] = []
            if row["author"] == self._address:
                if row["message_id"]:
                    gone = delete(REFERENCE).where(REFERENCE.c.message_id == row["message_id"])
                    self._erased.count("reference", self._connection.execute(gone).rowcount)
                values |= {"message_id": None, "refs": []}
            if values:
                self._connection.execute(update(MESSAGE).where(MESSAGE.c.id == row["id"]).values(**values))
                self._erased.count("message", 1)
        self._rewrite(EVENT, EVENT.c.ticket, tickets, ("actor", "detail"))

    def _outbox(self, tickets: Sequence[int]) -> None:
        waiting = update(OUTBOX).where(OUTBOX.c.to_address == self._address, OUTBOX.c.state.in_(("waiting", "failed")))
        self._connection.execute(waiting.values(state="withdrawn", reason="erased"))
        names = (
            "to_address",
            "to_name",
            "subject",
            "text",
            "html",
            "reason",
            "attachments",
            "reply_to",
            "envelope_from",
        )
        self._rewrite(OUTBOX, OUTBOX.c.ticket, tickets, names)
        loose = self._connection.execute(
            select(OUTBOX.c.id).where(OUTBOX.c.to_address == self._address)
        ).scalars()  # fmt: skip
        self._rewrite(OUTBOX, OUTBOX.c.id, list(loose), names)

    def _arrivals(self, tickets: Sequence[int], digests: set[str]) -> None:
        names = ("sender", "envelope_from", "recipient", "subject", "reason", "trace", "arrival")
        ids = set(self._connection.execute(
            select(ARRIVAL.c.id).where(or_(ARRIVAL.c.sender == self._address, ARRIVAL.c.envelope_from == self._address))
        ).scalars())  # fmt: skip
        for chunk in chunks(tickets):
            ids |= set(self._connection.execute(select(ARRIVAL.c.id).where(ARRIVAL.c.ticket.in_(chunk))).scalars())
        gone = [row["id"] for row in self._rows(ARRIVAL, ARRIVAL.c.id, sorted(ids)) if row["digest"] in digests]
        self._rewrite(ARRIVAL, ARRIVAL.c.id, sorted(ids), names)
        for chunk in chunks(gone):
            self._connection.execute(update(ARRIVAL).where(ARRIVAL.c.id.in_(chunk)).values(message_id=None))
        self._erased.arrivals = gone
        held = list(self._connection.execute(select(HELD.c.id).where(HELD.c.sender == self._address)).scalars())
        if held:  # what nobody can read any more cannot be accepted
            self._connection.execute(
                update(HELD)
                .where(HELD.c.id.in_(held), HELD.c.state == "held")
                .values(state="rejected", decided_by="erase", next_at=None)
            )
        self._rewrite(HELD, HELD.c.id, held, ("sender", "subject", "reason", "context"))

    def _people(self, names: set[str]) -> None:
        accounts = self._own_accounts()
        registered = select(CONTACT.c.account).where(CONTACT.c.address == self._address)
        numbers = list(self._connection.execute(select(ACCOUNT.c.number).where(ACCOUNT.c.id.in_(registered))).scalars())
        # what an account is called is in its history as well
        self._rewrite(ACCOUNT_EVENT, ACCOUNT_EVENT.c.account, numbers, ("detail",))
        by_name = update(ACCOUNT).where(ACCOUNT.c.id.in_(registered), ACCOUNT.c.name.in_(names)).values(name="")
        self._erased.count("account", self._connection.execute(by_name).rowcount)
        self._erased.count(
            "contact", self._connection.execute(delete(CONTACT).where(CONTACT.c.address == self._address)).rowcount
        )
        if accounts:
            for desk, number in self._connection.execute(
                select(ACCOUNT.c.desk, ACCOUNT.c.number).where(ACCOUNT.c.id.in_(accounts))
            ).all():
                own = update(ACCOUNT_EVENT).where(ACCOUNT_EVENT.c.desk == desk, ACCOUNT_EVENT.c.account == number)
                self._connection.execute(own.where(ACCOUNT_EVENT.c.address.is_(None)).values(detail={}))
            emptied = update(ACCOUNT).where(ACCOUNT.c.id.in_(accounts)).values(name="", login="", login_key="")
            self._connection.execute(emptied)
        for table in (ADDRESS_MARK, ANNOUNCED, ACCOUNT_EVENT):
            gone = self._connection.execute(delete(table).where(table.c.address == self._address)).rowcount
            self._erased.count(table.name, gone)

    def _rewrite(self, table: Table, key: Any, values: Sequence[Any], names: Sequence[str]) -> None:
        primary = next(iter(table.primary_key.columns))
        for row in self._rows(table, key, values):
            if found := self._changed(row, names):
                self._connection.execute(update(table).where(primary == row[primary.name]).values(found))
                self._erased.count(table.name, 1)

    def _rows(self, table: Table, key: Any, values: Sequence[Any]) -> list[Any]:
        found: list[Any] = []
        for chunk in chunks(values):
            found += self._connection.execute(select(table).where(key.in_(chunk))).mappings().all()
        return found

    def _changed(self, row: Any, names: Sequence[str]) -> dict[str, Any]:
        return changed(row, names, self._replace)

    def _numbers(self, query: Any) -> list[int]:
        return [int(one) for one in self._connection.execute(query).scalars()]

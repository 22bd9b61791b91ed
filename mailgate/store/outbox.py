"""The outbox: letters in words that wait to leave; claimed under a lease, settled once."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Literal

from sqlalchemy import (
    BindParameter,
    Boolean,
    CheckConstraint,
    Column,
    Connection,
    Index,
    Integer,
    String,
    Table,
    bindparam,
    func,
    literal,
    null,
    select,
    text,
)
from sqlalchemy import update as update_

from mailgate.model.letter import LETTER_KINDS, Rendered
from mailgate.model.quick import by_name, quick
from mailgate.model.ticket import StoredFile
from mailgate.store.engine import claimable, insert_of
from mailgate.store.prepared import Listed, Prepared
from mailgate.store.types import METADATA, Instant, partial_index

State = Literal["waiting", "sending", "sent", "failed", "withdrawn"]
SHOWN = "shown on the board"  # why a letter that answers an act there is never sent (W1)
IS_OPEN = text("state IN ('waiting', 'sending')")  # the very words of the index: it is found by them


# A letter on its way out. `next_at` is when it is to be looked at next: when it may leave, or when its lease ends.
# Lists are JSON; `once` is unique where it is not null (P2).
OUTBOX = Table(
    "outbox",
    METADATA,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("desk", String, nullable=False),
    Column("audience", String, nullable=False),
    Column("ticket", Integer),
    Column("to_address", String, nullable=False),
    Column("to_name", String, nullable=False),
    Column("from_address", String, nullable=False),
    Column("from_name", String, nullable=False),
    Column("reply_to", String, nullable=False),
    Column("envelope_from", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("text", String, nullable=False),
    Column("language", String, nullable=False),
    Column("message_id", String, nullable=False),
    Column("in_reply_to", String),
    Column("references", String, nullable=False),
    Column("headers", String, nullable=False),
    Column("html", String, nullable=False),
    Column("is_automatic", Boolean, nullable=False),
    Column("attachments", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("not_before", Instant),
    Column("because", String, nullable=False),
    Column("arrival", String),
    Column("message", String),
    Column("held", String),
    Column("once", String, unique=True),
    Column("state", String, nullable=False),
    Column("next_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("claimer", String, nullable=False),
    Column("lease_until", Instant),
    Column("sent_at", Instant),
    Column("reason", String, nullable=False),
    Column("code", Integer),
    CheckConstraint("state IN ('waiting', 'sending', 'sent', 'failed', 'withdrawn')", name="outbox_state"),
    partial_index("outbox_next", "next_at", "id", where=IS_OPEN),
    Index("outbox_address", "to_address", "created_at"),
    Index("outbox_ticket", "ticket"),
    Index("outbox_arrival", "arrival"),
    Index("outbox_message_id", "message_id"),
)

_NEXT = Prepared(select(func.min(OUTBOX.c.next_at)).where(IS_OPEN))
_DUE = Prepared(
    claimable(
        select(OUTBOX.c.id)
        .where(IS_OPEN, OUTBOX.c.next_at <= bindparam("now"))
        .order_by(OUTBOX.c.next_at, OUTBOX.c.id)
        .limit(bindparam("most", type_=Integer()))
    )
)
_TAKE = Listed(
    lambda names: (
        update_(OUTBOX)
        .where(OUTBOX.c.id.in_(names))
        .values(
            state=literal("sending"), next_at=bindparam("until"), lease_until=bindparam("until"), claimer=bindparam("who"),
            attempts=OUTBOX.c.attempts + literal(1),
        )
        .returning(*OUTBOX.c)
    )
)  # fmt: skip
_WITHDRAWN = Listed(lambda names: _withdrawing(names))  # noqa: PLW0108 (it stands below)
_WITHDRAWN_OF_MESSAGE = Listed(lambda names: _withdrawing(names).where(OUTBOX.c.message == bindparam("m")))
_SENT = Prepared(
    update_(OUTBOX)
    .where(OUTBOX.c.id == bindparam("which"))
    .values(
        state=literal("sent"), sent_at=bindparam("now"), reason=bindparam("why"), code=null(), lease_until=null(),
        claimer=literal(""),
    )
)  # fmt: skip


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Outgoing:
    """A letter of the outbox as a value. Who adds one gives the first part; the outbox keeps the second."""

    id: str
    rendered: Rendered
    created_at: datetime
    is_automatic: bool = True
    attachments: tuple[StoredFile, ...] = ()
    not_before: datetime | None = None
    because: str = ""
    arrival: str | None = None
    message: str | None = None
    held: str | None = None
    once: str | None = None

    state: State = "waiting"
    next_at: datetime | None = None
    attempts: int = 0  # a claim counts one
    claimer: str = ""
    lease_until: datetime | None = None
    sent_at: datetime | None = None
    reason: str = ""
    code: int | None = None

    @property
    def may_leave_at(self) -> datetime:
        """Return the first moment at which it may be sent."""
        return max(self.created_at, self.not_before or self.created_at)


def add(connection: Connection, letters: Sequence[Outgoing]) -> None:
    """Add `letters` to the transaction; one whose `once` is there already is left out."""
    _adding(connection.dialect.name).run_many(connection, [_row_of(letter) for letter in letters])


@cache
def _adding(dialect: str) -> Prepared:
    return Prepared(insert_of(dialect)(OUTBOX).on_conflict_do_nothing(index_elements=["once"]))


def claim(connection: Connection, now: datetime, limit: int, lease_seconds: float, claimer: str) -> list[Outgoing]:
    """Take up to `limit` letters that are due, or whose lease ran out, for `lease_seconds`. Commit before sending."""
    ids = [row[0] for row in _DUE.all(connection, {"now": now, "most": limit})]
    until = now + timedelta(seconds=lease_seconds)
    letters = [_letter_of(row) for row in _TAKE.mapped(connection, ids, until=until, who=claimer)]
    return sorted(letters, key=lambda letter: letter.id)


def claimers(connection: Connection) -> list[str]:
    """Return who has letters in hand at the moment."""
    return list(
        connection.execute(select(OUTBOX.c.claimer).where(IS_OPEN, OUTBOX.c.state == "sending").distinct()).scalars()
    )


def bury(connection: Connection, claimer: str, now: datetime) -> int:
    """End the leases of a sender that died; its letters are due now. Returns how many it had."""
    held = update_(OUTBOX).where(IS_OPEN, OUTBOX.c.state == "sending", OUTBOX.c.claimer == claimer)
    return connection.execute(held.values(next_at=now)).rowcount


def settle_sent(connection: Connection, letter: Outgoing, now: datetime, reason: str = "") -> None:
    """The relay took it. This holds whoever has the lease by now: what left, left."""
    _SENT.run(connection, {"which": letter.id, "now": now, "why": reason})


def settle_retry(
    connection: Connection, letter: Outgoing, next_at: datetime, reason: str, code: int | None = None,
    counts: bool = True,
) -> bool:  # fmt: skip
    """Try it again at `next_at`, if the lease is still ours; not `counts`: as though it had not been claimed."""
    values: dict[str, Any] = {"state": "waiting", "next_at": next_at, "reason": reason, "code": code}
    if not counts:
        values["attempts"] = OUTBOX.c.attempts - 1
    return _settle(connection, letter, values)


def settle_failed(connection: Connection, letter: Outgoing, reason: str, code: int | None = None) -> bool:
    """It cannot be delivered, if the lease is still ours (A6)."""
    return _settle(connection, letter, {"state": "failed", "reason": reason, "code": code})


def withdraw(
    connection: Connection, ticket: int, message: str | None = None, kinds: Sequence[str] = (), reason: str = ""
) -> list[str]:
    """Take back letters of `ticket` that have not left: of a staff message, or of some kinds. Returns their ids."""
    taken = _WITHDRAWN if message is None else _WITHDRAWN_OF_MESSAGE
    named = {} if message is None else {"m": message}
    found = taken.all(connection, list(kinds) or list(LETTER_KINDS), t=ticket, why=reason, **named)
    return sorted(row[0] for row in found)


def hasten(connection: Connection, ticket: int, kinds: Sequence[str], now: datetime) -> None:
    """Let letters of `ticket` to its team leave now."""
    chosen = update_(OUTBOX).where(
        OUTBOX.c.ticket == ticket, OUTBOX.c.state == "waiting", OUTBOX.c.kind.in_(kinds), OUTBOX.c.next_at > now
    )
    connection.execute(chosen.values(next_at=now, not_before=now))


def due_at(connection: Connection) -> datetime | None:
    """Return when something is to be done next (it may be past), or None."""
    found: datetime | None = _NEXT.scalar(connection, {})
    return found


def count_to(connection: Connection, address: str, since: datetime) -> int:
    """Return how many automatic letters to customers went, or are to go, to `address` since then (A3)."""
    query = select(func.count()).where(
        OUTBOX.c.to_address == address,
        OUTBOX.c.created_at >= since,
        OUTBOX.c.is_automatic,
        OUTBOX.c.audience == "customer",
        OUTBOX.c.state != "withdrawn",
    )
    return int(connection.execute(query).scalar_one())


def find(connection: Connection, which: str) -> Outgoing | None:
    """Return the letter with that id, or None."""
    row = connection.execute(select(OUTBOX).where(OUTBOX.c.id == which)).mappings().first()
    return _letter_of(row) if row else None


def list_letters(
    connection: Connection, *, desk: str | None = None, states: Sequence[State] = (), ticket: int | None = None,
    arrival: str | None = None, limit: int = 1000,
) -> list[Outgoing]:  # fmt: skip
    """Return letters, oldest first, that match all that is given."""
    query = select(OUTBOX).order_by(OUTBOX.c.id).limit(limit)
    if desk is not None:
        query = query.where(OUTBOX.c.desk == desk)
    if states:
        query = query.where(OUTBOX.c.state.in_(states))
    if ticket is not None:
        query = query.where(OUTBOX.c.ticket == ticket)
    if arrival is not None:
        query = query.where(OUTBOX.c.arrival == arrival)
    return [_letter_of(row) for row in connection.execute(query).mappings()]


def retry(connection: Connection, which: str, now: datetime) -> bool:
    """A person wants it sent now, also one that failed; the days of A6 begin anew. False: it is not there to retry."""
    values = {"state": "waiting", "next_at": now, "not_before": now, "attempts": 0, "reason": "", "code": None}
    chosen = update_(OUTBOX).where(OUTBOX.c.id == which, OUTBOX.c.state.in_(("waiting", "failed", "withdrawn")))
    return connection.execute(chosen.values(**values)).rowcount > 0


def drop(connection: Connection, which: str, reason: str) -> bool:
    """A person wants it not sent. False: it left, is leaving, or never was."""
    chosen = update_(OUTBOX).where(OUTBOX.c.id == which, OUTBOX.c.state.in_(("waiting", "failed")))
    return connection.execute(chosen.values(state="withdrawn", reason=reason)).rowcount > 0


def _withdrawing(kinds: list[BindParameter[Any]]) -> Any:
    """Return the update that takes back letters of some kinds of a ticket that have not left."""
    waiting = (OUTBOX.c.ticket == bindparam("t"), OUTBOX.c.state == literal("waiting"), OUTBOX.c.kind.in_(kinds))
    return (
        update_(OUTBOX)
        .where(*waiting)
        .values(state=literal("withdrawn"), reason=bindparam("why"))
        .returning(OUTBOX.c.id)
    )


def _settle(connection: Connection, letter: Outgoing, values: Mapping[str, Any]) -> bool:
    ours = (OUTBOX.c.id == letter.id, OUTBOX.c.state == "sending", OUTBOX.c.claimer == letter.claimer)
    # the number of the attempt tells two claims of the same claimer apart
    chosen = update_(OUTBOX).where(*ours, OUTBOX.c.attempts == letter.attempts)
    return connection.execute(chosen.values(lease_until=None, claimer="", **values)).rowcount > 0


# where a column is not called as its field is
_COLUMNS = {"to": "to_address", "from_": "from_address"}
_RENDERED = {field.name: _COLUMNS.get(field.name, field.name) for field in fields(Rendered)}
_OWN = tuple(field.name for field in fields(Outgoing) if field.name not in ("rendered", "attachments"))


def _row_of(letter: Outgoing) -> dict[str, Any]:
    rendered, row = by_name(letter.rendered), by_name(letter)
    del row["rendered"]
    row["next_at"] = letter.next_at or letter.may_leave_at
    for name, column in _COLUMNS.items():
        row[column] = rendered.pop(name)
    lists = {
        "references": json.dumps(letter.rendered.references),
        "headers": json.dumps(letter.rendered.headers),
        "attachments": json.dumps([asdict(stored) for stored in letter.attachments], ensure_ascii=False)
        if letter.attachments
        else "[]",
    }
    return rendered | row | lists


def _letter_of(row: Mapping[Any, Any]) -> Outgoing:
    lists = {
        "references": tuple(json.loads(row["references"])),
        "headers": tuple(map(tuple, json.loads(row["headers"]))),
    }
    rendered = Rendered(**{**{name: row[column] for name, column in _RENDERED.items()}, **lists})
    files = tuple(StoredFile(**stored) for stored in json.loads(row["attachments"]))
    return Outgoing(rendered=rendered, attachments=files, **{name: row[name] for name in _OWN})

"""The inbox: arrivals and their raw mail, durable before anybody says yes, until they have been read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    text,
)
from sqlalchemy import update as update_

from mailgate.blobs import Blobs
from mailgate.errors import TryLater
from mailgate.model.arrival import Arrival
from mailgate.store.engine import claimable, reading, transaction
from mailgate.store.incoming import (
    SMALL_BYTES,
    Incoming,
    arrival_from_json,
    arrival_of_value,
    arrival_to_json,
    row_of,
    value_of_arrival,
)
from mailgate.store.prepared import Listed, Prepared
from mailgate.store.rewriting import chunks
from mailgate.store.types import METADATA, Instant, partial_index

__all__ = [
    "ASKING", "INBOX", "IS_WAITING", "SMALL_BYTES", "GivenUp", "Inbox", "Incoming", "Taken", "arrival_from_json",
    "arrival_of_value", "arrival_to_json", "value_of_arrival",
]  # fmt: skip

ASKING = "asking:"  # begins the name of who waits for what others say of a mail: nobody's turn depends on it
IS_WAITING = text("state = 'waiting'")  # the very words of the index: it is found by them


# An arrival that has not been moved away yet. `raw` is null where the blobs have it, and comes last: SQLite reads
# a row's columns in order, and the others are wanted without it.
INBOX = Table(
    "inbox",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("size", Integer, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("state", String, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("claimer", String, nullable=False),
    Column("lease_until", Instant),
    Column("reason", String, nullable=False),
    Column("arrival", String, nullable=False),
    Column("raw", LargeBinary),
    CheckConstraint("state IN ('waiting', 'done', 'given_up')", name="inbox_state"),
    partial_index("inbox_waiting", "id", where=IS_WAITING),
    partial_index("inbox_done", "id", where=text("state = 'done'")),
    Index("inbox_digest", "digest"),
)

_NEW = Prepared(insert(INBOX))
_WAITING = Prepared(
    claimable(
        select(INBOX.c.id, INBOX.c.tries)
        .where(IS_WAITING, or_(INBOX.c.lease_until.is_(None), INBOX.c.lease_until <= bindparam("now", type_=Instant)))
        .order_by(INBOX.c.id)
        .limit(bindparam("most", type_=Integer))
    )
)
_TAKING = Listed(
    lambda ids: (
        update_(INBOX)
        .where(INBOX.c.id.in_(ids))
        .values(tries=INBOX.c.tries + 1, lease_until=bindparam("until"), claimer=bindparam("me"))
        .returning(INBOX.c.id, INBOX.c.arrival, INBOX.c.tries, INBOX.c.raw)
    )
)
_DONE = Listed(lambda ids: update_(INBOX).where(INBOX.c.id.in_(ids)).values(state="done", lease_until=None, claimer=""))
_PRECEDING = Prepared(
    select(INBOX.c.id)
    .where(
        IS_WAITING, INBOX.c.id < bindparam("first"), INBOX.c.lease_until > bindparam("now"),
        INBOX.c.claimer != bindparam("me"), INBOX.c.claimer != literal(""), INBOX.c.claimer.not_like(f"{ASKING}%"),
    )
    .limit(1)
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Taken:
    """An arrival handed to a reader. `tries` counts this one."""

    arrival: Arrival
    tries: int
    read: Callable[[], bytes] = field(repr=False, compare=False)  # the raw mail; TryLater where the blobs fail


@dataclass(frozen=True, kw_only=True, slots=True)
class GivenUp:
    """An arrival that was tried too often; it stays, raw mail included, until `done` or `again`."""

    arrival: Arrival
    tries: int
    reason: str


class Inbox:
    """Arrivals in a database (SQLite: one of their own) and, beyond SMALL_BYTES, in `blobs`. Every method is one
    transaction, safe from threads and processes; trouble of ours is TryLater."""

    def __init__(self, engine: Engine, blobs: Blobs, trouble: Callable[[], str | None] = lambda: None) -> None:
        """`trouble` says in words why nothing that is written here would stay; None: nothing is the matter."""
        self._engine = engine
        self._blobs = blobs
        self._trouble = trouble

    def stage(self, arrivals: Sequence[Incoming]) -> None:
        """Put the larger mails into the blobs; `accept` does so too, but this may run beside other commits."""
        large = {item.arrival.digest: item.raw for item in arrivals if len(item.raw) > SMALL_BYTES}
        self._blobs.put_all(large.items())

    def accept(self, arrivals: Sequence[Incoming]) -> None:
        """Make them durable, all in one commit. After this returned they are never lost (P1)."""
        self.stage(arrivals)
        self.accept_staged(arrivals)

    def accept_staged(self, arrivals: Sequence[Incoming]) -> None:
        """As `accept`, for arrivals that have been through `stage`."""
        if arrivals:
            with transaction(self._engine) as connection:
                self.insert(connection, arrivals)
            self._check()

    def insert(self, connection: Connection, arrivals: Sequence[Incoming]) -> None:
        """As `accept_staged`, within a transaction of the caller's on the inbox's database."""
        self._check()
        if arrivals:
            _NEW.run_many(connection, [row_of(item) for item in arrivals])

    @property
    def trouble(self) -> str | None:
        """Why nothing that is written here would stay, in words; None: nothing is the matter."""
        return self._trouble()

    def _check(self) -> None:
        """P1: nobody hears yes for what is written into a file that is gone."""
        if (trouble := self._trouble()) is not None:
            raise TryLater(trouble)

    def claim(self, limit: int, now: datetime, lease_seconds: float, claimer: str = "") -> list[Taken]:
        """Take up to `limit` arrivals in the order of their ids, for `lease_seconds`; the try is counted durably
        before this returns (I7). One that has been tried before comes alone, so that it can harm no other."""
        lease = {"until": now + timedelta(seconds=lease_seconds), "me": claimer}
        with transaction(self._engine) as connection:
            ids = _first_batch(_WAITING.all(connection, {"now": now, "most": limit}))
            rows = sorted(_TAKING.all(connection, ids, **lease))
        return [self._taken(arrival, tries, raw) for _, arrival, tries, raw in rows]

    def done(self, ids: Sequence[str]) -> None:
        """They have been read and all that follows is stored: only their raw mail is still to be moved."""
        if ids:
            with transaction(self._engine) as connection:
                _DONE.run_all(connection, ids)

    def give_up(self, which: str, reason: str) -> None:
        """Hand it out no more; it is kept with `reason` until `done` or `again`."""
        self._set([which], state="given_up", lease_until=None, claimer="", reason=reason)

    def again(self, which: str) -> None:
        """Let one that was given up be read anew, with all its tries."""
        self._set([which], state="waiting", lease_until=None, claimer="", tries=0)

    def put_back(self, ids: Sequence[str], not_before: datetime | None = None) -> None:
        """They failed: the try counts, and they are handed out again, one by one."""
        self._set(ids, lease_until=not_before, claimer="")

    def release(self, ids: Sequence[str], not_before: datetime | None = None) -> None:
        """They were not at fault (database, blobs, disk, a shutdown): the try is given back."""
        self._set(ids, lease_until=not_before, claimer="", tries=INBOX.c.tries - 1)

    def lend(self, ids: Sequence[str], claimer: str, until: datetime) -> None:
        """They are in hand under another name, until then."""
        self._set(ids, claimer=claimer, lease_until=until)

    def keep(self, claimer: str, until: datetime) -> None:
        """Let the leases of `claimer`, who is still at it, last until then."""
        held = update_(INBOX).where(IS_WAITING, INBOX.c.claimer == claimer)
        with transaction(self._engine) as connection:
            connection.execute(held.values(lease_until=until))

    def is_preceded(self, which: str, claimer: str, now: datetime) -> bool:
        """Say whether somebody else has arrivals in hand that came before the arrival `which` of `claimer`."""
        with reading(self._engine) as connection:
            return _PRECEDING.first(connection, {"first": which, "me": claimer, "now": now}) is not None

    def bury(self, claimer: str) -> int:
        """End the leases of a worker that died; its mails are handed out one by one. Returns how many it had."""
        held = update_(INBOX).where(IS_WAITING, INBOX.c.claimer == claimer)
        with transaction(self._engine) as connection:
            return connection.execute(held.values(lease_until=None, claimer="")).rowcount

    def claimers(self) -> list[str]:
        """Return who has claimed arrivals at the moment."""
        query = select(INBOX.c.claimer).where(IS_WAITING, INBOX.c.claimer != "").distinct()
        with reading(self._engine) as connection:
            return list(connection.execute(query).scalars())

    def find(self, which: str) -> Arrival | None:
        """Return the arrival that waits under that id, or None."""
        query = select(INBOX.c.arrival).where(INBOX.c.id == which, INBOX.c.state == "waiting")
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar()
        return arrival_from_json(found) if found else None

    def waiting(self) -> tuple[int, datetime | None]:
        """Return how many are not done yet, and when the oldest of them came."""
        query = select(func.count(), func.min(INBOX.c.received_at)).where(IS_WAITING)
        with reading(self._engine) as connection:
            count, oldest = connection.execute(query).one()
        return count, oldest

    def given_up(self, limit: int = 1000) -> list[GivenUp]:
        """Return those that were given up, oldest first."""
        query = select(INBOX.c.arrival, INBOX.c.tries, INBOX.c.reason).where(INBOX.c.state == "given_up")
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(INBOX.c.id).limit(limit)).all()
        return [GivenUp(arrival=arrival_from_json(row.arrival), tries=row.tries, reason=row.reason) for row in rows]

    def raw_of(self, digest: str) -> bytes | None:
        """Return the raw mail of that digest, wherever it is at the moment, or None."""
        query = select(INBOX.c.raw).where(INBOX.c.digest == digest, INBOX.c.raw.is_not(None)).limit(1)
        # the blobs are asked again after the row was not there: it may just have been moved
        return self._blobs.get(digest) or self._raw(query) or self._blobs.get(digest)

    def move_to_blobs(self, limit: int = 200) -> int:
        """Move the raw mail of up to `limit` arrivals that are done, then forget these. A crash at any point leaves a
        mail in one place or in both. Returns how many went."""
        query = select(INBOX.c.id, INBOX.c.digest, INBOX.c.raw).where(INBOX.c.state == "done")
        with reading(self._engine) as connection:
            rows = connection.execute(query.order_by(INBOX.c.id).limit(limit)).all()
        self._blobs.put_all((row.digest, row.raw) for row in rows if row.raw is not None)
        if rows:
            with transaction(self._engine) as connection:
                connection.execute(
                    delete(INBOX).where(INBOX.c.id == bindparam("moved")), [{"moved": row.id} for row in rows]
                )
        return len(rows)

    def forget_raw(self, digests: Sequence[str]) -> None:
        """Remove the raw mail of those digests from blobs and inbox; what still waits to be read is left alone."""
        for some in chunks(digests):
            with transaction(self._engine) as connection:
                waiting = select(INBOX.c.digest).where(INBOX.c.digest.in_(some), INBOX.c.state == "waiting")
                kept = set(connection.execute(waiting).scalars())
                gone = [digest for digest in some if digest not in kept]
                connection.execute(delete(INBOX).where(INBOX.c.digest.in_(gone), INBOX.c.state != "waiting"))
            for digest in gone:
                self._blobs.remove(digest)

    def _set(self, ids: Sequence[str], **values: Any) -> None:
        if ids:
            with transaction(self._engine) as connection:
                connection.execute(update_(INBOX).where(INBOX.c.id.in_(ids)).values(**values))

    def _taken(self, arrival: str, tries: int, raw: bytes | None) -> Taken:
        value = arrival_from_json(arrival)
        return Taken(
            arrival=value, tries=tries, read=lambda: raw if raw is not None else self._from_blobs(value.digest)
        )

    def _from_blobs(self, digest: str) -> bytes:
        raw = self._blobs.get(digest)
        if raw is None:
            raise TryLater(f"the blobs do not have {digest}")
        return raw

    def _raw(self, query: Any) -> bytes | None:
        with reading(self._engine) as connection:
            found: bytes | None = connection.execute(query).scalar()
        return found


def _first_batch(rows: Sequence[tuple[str, int]]) -> list[str]:
    if rows and rows[0][1]:
        return [rows[0][0]]
    return [id_ for id_, _ in takewhile(lambda row: not row[1], rows)]

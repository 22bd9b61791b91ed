"""Open tickets in the order in which they are to be taken up (Q6): what is late in front, then high priority, then whom a
customer waits for, then the clock. Of all of them only what the order needs is read: a queue may have thousands."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from mailgate.model.ticket import SHOWN_DEADLINES
from mailgate.store.tables import DEADLINE, IS_PENDING, TICKET

OPEN = ("new", "open", "waiting")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_LAST = datetime.max.replace(tzinfo=UTC)


class Standing(NamedTuple):
    """An open ticket, with its earliest clock."""

    number: int
    team: str
    status: str
    priority: str
    owner: str | None
    unanswered_since: datetime | None
    due_at: datetime | None

    def is_late(self, now: datetime) -> bool:
        return self.due_at is not None and self.due_at < now


def queue_in_order(
    connection: Connection, desk: str, queue: str, due: dict[int, datetime], now: datetime
) -> list[Standing]:
    """Return the open tickets of a queue, the most urgent first; `due` is `due_of` the desk."""
    found: list[Standing] = []
    columns = [TICKET.c[name] for name in Standing._fields[:-1]]
    for status in OPEN:  # one by one: the index then leads to these alone, whatever the statistics say
        query = select(*columns).where(TICKET.c.desk == desk, TICKET.c.queue == queue, TICKET.c.status == status)
        found += [Standing._make((*row, due.get(row[0]))) for row in connection.execute(query)]
    return sorted(found, key=lambda one: _urgency(one, now))


def due_of(connection: Connection, desk: str) -> dict[int, datetime]:
    """Return the earliest clock that runs for each ticket of the desk; of our own (D8) nobody is told."""
    query = (
        select(DEADLINE.c.ticket, func.min(DEADLINE.c.due_at))
        .where(
            IS_PENDING,
            DEADLINE.c.next_at > _NEVER,
            DEADLINE.c.due_at.is_not(None),
            DEADLINE.c.desk == desk,
            DEADLINE.c.kind.in_(SHOWN_DEADLINES),
        )
        .group_by(DEADLINE.c.ticket)
    )
    return {number: due_at for number, due_at in connection.execute(query)}  # noqa: C416 (rows are no pairs to dict)


def next_deadlines(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, object]]:
    """Return the earliest pending deadline of each ticket."""
    query = (
        select(DEADLINE.c.ticket, DEADLINE.c.kind, DEADLINE.c.due_at)
        .where(
            DEADLINE.c.ticket.in_(numbers),
            DEADLINE.c.state == "pending",
            DEADLINE.c.due_at.is_not(None),
            DEADLINE.c.kind.in_(SHOWN_DEADLINES),
        )
        .order_by(DEADLINE.c.due_at.desc())
    )
    return {row["ticket"]: dict(row) for row in connection.execute(query).mappings()}


def _urgency(one: Standing, now: datetime) -> tuple[bool, bool, bool, datetime, int]:
    return (not one.is_late(now), one.priority != "high", one.unanswered_since is None, one.due_at or _LAST, one.number)

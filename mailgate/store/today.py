"""The day of a desk in figures (W3): what came, what was answered, what was late, by hour and queue; who waits longest."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Connection, Select, select

from mailgate.store.rows import ticket_of
from mailgate.store.tables import DEADLINE, IS_ENDED_PROMISE, IS_STAFFS, IS_UNANSWERED, MESSAGE, TICKET
from mailgate.store.views import ticket_keys

HOURS = 24
_MOST_WAITING = 10
_MOST_ROWS = 100_000  # of one day; more would say nothing more


@dataclass(frozen=True, kw_only=True)
class Day:
    """Counts of a day by queue and hour (0 to 23) in the desk's zone."""

    arrivals: dict[str, list[int]] = field(default_factory=dict)
    answers: dict[str, list[int]] = field(default_factory=dict)
    late: dict[str, list[int]] = field(default_factory=dict)


def day_by_hour(connection: Connection, desk: str, zone: ZoneInfo, queues: Sequence[str], now: datetime) -> Day:
    """Return the desk's day that `now` is in; every queue is there, empty hours too."""
    midnight = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    until = midnight + timedelta(days=1)

    def counted(query: Select[Any], at: ColumnElement[Any]) -> dict[str, list[int]]:
        rows = connection.execute(query.where(at >= midnight, at < until, TICKET.c.desk == desk).limit(_MOST_ROWS))
        found = Counter((queue, instant.astimezone(zone).hour) for queue, instant in rows)
        return {queue: [found[queue, hour] for hour in range(HOURS)] for queue in queues}

    said = select(TICKET.c.queue, MESSAGE.c.at).join(TICKET, TICKET.c.number == MESSAGE.c.ticket)
    missed = select(TICKET.c.queue, DEADLINE.c.closed_at).join(TICKET, TICKET.c.number == DEADLINE.c.ticket)
    opened = select(TICKET.c.queue, TICKET.c.created_at)
    return Day(
        arrivals=counted(opened, TICKET.c.created_at),
        answers=counted(said.where(IS_STAFFS, MESSAGE.c.state.in_(("done", "holding"))), MESSAGE.c.at),
        late=counted(
            missed.where(IS_ENDED_PROMISE, DEADLINE.c.desk == desk, DEADLINE.c.state == "breached"),
            DEADLINE.c.closed_at,
        ),
    )


def longest_waiting(connection: Connection, desk: str) -> list[dict[str, Any]]:
    """Return the tickets whose customers have waited longest for a person's word (D1), the longest first."""
    query = select(TICKET).where(TICKET.c.desk == desk, IS_UNANSWERED).order_by(TICKET.c.unanswered_since)
    return [ticket_keys(ticket_of(row)) for row in connection.execute(query.limit(_MOST_WAITING)).mappings()]

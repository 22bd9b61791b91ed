"""Counts of a desk, read from its tables: the digest (D9) and `stats`."""

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from mailgate.store.engine import unindexed
from mailgate.store.tables import (
    ARRIVAL,
    DEADLINE,
    HELD,
    IS_ENDED_PROMISE,
    IS_HELD,
    IS_PARKED,
    IS_STAFFS,
    IS_UNANSWERED,
    MESSAGE,
    TICKET,
)

_WAITING = 10
_RESPONSES = ("first_response", "next_response")


def day_counts(connection: Connection, desk: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return what the digest of a desk says about the time since `since` (D9)."""

    def count(query: Any) -> int:
        return int(connection.execute(query).scalar_one())

    ended = _ended_promises(connection, desk, since, until)
    kept = sum(ended[kind, "met"] for kind in _RESPONSES)
    late = sum(ended[kind, "breached"] for kind in _RESPONSES)
    return {
        "opened": count(
            select(func.count())
            .where(TICKET.c.desk == desk, TICKET.c.created_at >= since, TICKET.c.created_at < until)
        ),
        "answered": count(
            select(func.count(MESSAGE.c.ticket.distinct()))
            .join(TICKET, TICKET.c.number == MESSAGE.c.ticket)
            # so that it begins with the messages of that time: a desk's tickets are all there are, or nearly
            .where(unindexed(TICKET.c.desk) == desk, IS_STAFFS, MESSAGE.c.at >= since, MESSAGE.c.at < until,
                   MESSAGE.c.state.in_(("done", "holding")))
        ),
        "breached": sum(number for (_, state), number in ended.items() if state == "breached"),
        "held": count(select(func.count()).where(HELD.c.desk == desk, IS_HELD)),
        "quarantined": count(
            select(func.count())
            # so that it goes by what is parked: a desk's arrivals are all there are, or nearly
            .where(unindexed(ARRIVAL.c.desk) == desk, IS_PARKED, ARRIVAL.c.outcome == "quarantined",
                   ARRIVAL.c.state == "quarantined")
        ),
        "junk": count(_set_aside(desk, "junk", since, until)),
        "malware": count(_set_aside(desk, "malware", since, until)),
        "waiting": _waiting(connection, desk),
        "kept_percent": round(100 * kept / (kept + late)) if kept + late else None,
    }  # fmt: skip


def _set_aside(desk: str, reason: str, since: datetime, until: datetime) -> Any:
    """Count what was set aside for that reason in that time, and not released since (M9)."""
    return select(func.count()).where(
        unindexed(ARRIVAL.c.desk) == desk, IS_PARKED, ARRIVAL.c.outcome == "set_aside", ARRIVAL.c.reason == reason,
        ARRIVAL.c.received_at >= since, ARRIVAL.c.received_at < until,
    )  # fmt: skip


def _ended_promises(connection: Connection, desk: str, since: datetime, until: datetime) -> Counter[tuple[str, str]]:
    """Count what was promised and came to its end in that time, by kind and state."""
    query = (
        select(DEADLINE.c.kind, DEADLINE.c.state, func.count())
        .where(DEADLINE.c.desk == desk, IS_ENDED_PROMISE, DEADLINE.c.closed_at >= since, DEADLINE.c.closed_at < until)
        .group_by(DEADLINE.c.kind, DEADLINE.c.state)
    )
    return Counter({(kind, state): number for kind, state, number in connection.execute(query)})


def _waiting(connection: Connection, desk: str) -> tuple[dict[str, Any], ...]:
    """Return the tickets whose customers have waited longest for an answer."""
    query = (
        select(TICKET.c.number, TICKET.c.subject, TICKET.c.queue, TICKET.c.unanswered_since)
        .where(TICKET.c.desk == desk, IS_UNANSWERED)
        .order_by(TICKET.c.unanswered_since)
        .limit(_WAITING)
    )
    return tuple(
        {"ticket": row.number, "subject": row.subject, "queue": row.queue, "since": row.unanswered_since}
        for row in connection.execute(query)
    )

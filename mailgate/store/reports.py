"""Counts of a desk, read from its tables: the digest (D9) and `stats`."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from mailgate.store.tables import ARRIVAL, DEADLINE, HELD, MESSAGE, TICKET

_WAITING = 10


def day_counts(connection: Connection, desk: str, since: datetime, until: datetime) -> dict[str, Any]:
    """Return what the digest of a desk says about the time since `since` (D9)."""

    def count(query: Any) -> int:
        return int(connection.execute(query).scalar_one())

    response = ("first_response", "next_response")
    kept = count(_closed(desk, "met", since, until, response))
    breached = count(_closed(desk, "breached", since, until, (*response, "resolve", "promise")))
    late = count(_closed(desk, "breached", since, until, response))
    return {
        "opened": count(
            select(func.count())
            .where(TICKET.c.desk == desk, TICKET.c.created_at >= since, TICKET.c.created_at < until)
        ),
        "answered": count(
            select(func.count(MESSAGE.c.ticket.distinct()))
            .join(TICKET, TICKET.c.number == MESSAGE.c.ticket)
            .where(TICKET.c.desk == desk, MESSAGE.c.kind == "staff", MESSAGE.c.at >= since, MESSAGE.c.at < until,
                   MESSAGE.c.state.in_(("done", "holding")))
        ),
        "breached": breached,
        "held": count(select(func.count()).where(HELD.c.desk == desk, HELD.c.state == "held")),
        "quarantined": count(
            select(func.count())
            .where(ARRIVAL.c.desk == desk, ARRIVAL.c.outcome == "quarantined", ARRIVAL.c.state == "quarantined")
        ),
        "waiting": _waiting(connection, desk),
        "kept_percent": round(100 * kept / (kept + late)) if kept + late else None,
    }  # fmt: skip


def _closed(desk: str, state: str, since: datetime, until: datetime, kinds: tuple[str, ...]) -> Any:
    return select(func.count()).where(
        DEADLINE.c.desk == desk, DEADLINE.c.state == state, DEADLINE.c.kind.in_(kinds),
        DEADLINE.c.closed_at >= since, DEADLINE.c.closed_at < until,
    )  # fmt: skip


def _waiting(connection: Connection, desk: str) -> tuple[dict[str, Any], ...]:
    """Return the tickets whose customers have waited longest for an answer."""
    query = (
        select(TICKET.c.number, TICKET.c.subject, TICKET.c.queue, TICKET.c.unanswered_since)
        .where(TICKET.c.desk == desk, TICKET.c.unanswered_since.is_not(None), TICKET.c.status.in_(("new", "open")))
        .order_by(TICKET.c.unanswered_since)
        .limit(_WAITING)
    )
    return tuple(
        {"ticket": row.number, "subject": row.subject, "queue": row.queue, "since": row.unanswered_since}
        for row in connection.execute(query)
    )

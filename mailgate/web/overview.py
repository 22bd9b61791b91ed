"""What the board shows, read from the tables for the desks of whoever looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mailgate.model.settings import Desk
from mailgate.store import incidents, views
from mailgate.store.statistics import day_figures
from mailgate.store.tables import DEADLINE

OPEN = ("new", "open", "waiting")
_MOST = 500
_DAYS = 14


def queues(connection: Connection, desks: Sequence[Desk], now: datetime) -> list[dict[str, Any]]:
    """Return the queues with their tickets, in the order of Q6: high, then whom a customer waits for, then the clock."""
    found = []
    for desk in desks:
        tickets = views.list_tickets(connection, desk=desk.name, statuses=OPEN, limit=_MOST)
        clocks = next_deadlines(connection, [one["number"] for one in tickets])
        for one in tickets:
            one["next"] = clocks.get(one["number"])
            one["is_late"] = bool(one["next"] and one["next"]["due_at"] and one["next"]["due_at"] < now)
        for name in desk.queues:
            chosen = sorted((one for one in tickets if one["queue"] == name), key=_urgency)
            found.append({"desk": desk, "name": name, "tickets": chosen})
    return found


def next_deadlines(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return the earliest pending deadline of each ticket."""
    query = (
        select(DEADLINE.c.ticket, DEADLINE.c.kind, DEADLINE.c.due_at)
        .where(DEADLINE.c.ticket.in_(numbers), DEADLINE.c.state == "pending", DEADLINE.c.due_at.is_not(None))
        .order_by(DEADLINE.c.due_at.desc())
    )
    return {row["ticket"]: dict(row) for row in connection.execute(query).mappings()}


def parked(connection: Connection, desks: Sequence[str], which: str) -> list[dict[str, Any]]:
    """Return held or quarantined mail."""
    if which == "held":
        return [row for desk in desks for row in views.list_held(connection, desk)]
    return [row for desk in desks for row in views.list_parked(connection, "quarantined", desk)]


def open_incidents(connection: Connection, desks: Sequence[str]) -> list[dict[str, Any]]:
    return [row for desk in desks for row in incidents.list_incidents(connection, desk)]


def promises(connection: Connection, desks: Mapping[str, Desk], now: datetime) -> list[dict[str, Any]]:
    """Return the days of the last two weeks: opened, answered, promises kept."""
    zones = {name: desk.timezone for name, desk in desks.items()}
    rows = day_figures(connection, zones, now - timedelta(days=_DAYS), now + timedelta(days=1))
    return sorted(rows, key=lambda row: (row["desk"], row["queue"], row["day"]), reverse=True)


def _urgency(ticket: Mapping[str, Any]) -> tuple[bool, bool, str, int]:
    due = ticket["next"]["due_at"].isoformat() if ticket["next"] else "9"
    return ticket["priority"] != "high", ticket["unanswered_since"] is None, due, ticket["number"]

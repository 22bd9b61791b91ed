"""What the board shows, read from the tables for the desks of whoever looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from mailgate.model.settings import Desk
from mailgate.store import incidents, outbox, people, today, views
from mailgate.store.statistics import day_figures
from mailgate.store.tables import DEADLINE
from mailgate.web.sign_in import Person

OPEN = ("new", "open", "waiting")
SHOWS = ("", "mine", "team", "unassigned", "late", "waiting")
PICTURES = ("arrivals", "answers", "late", "response")
_MOST = 500
_DAYS = 14
_MOST_EARLIER = 10


def queues(
    connection: Connection, desks: Sequence[Desk], now: datetime, person: Person, show: str = ""
) -> list[dict[str, Any]]:
    """Return the queues with their tickets: what is late in front, then the order of Q6: high, then whom a customer waits
    for, then the clock. `show` is one of SHOWS: only those."""
    found = []
    for desk in desks:
        tickets = views.list_tickets(connection, desk=desk.name, statuses=OPEN, limit=_MOST)
        clocks = next_deadlines(connection, [one["number"] for one in tickets])
        for one in tickets:
            one["next"] = clocks.get(one["number"])
            one["is_late"] = bool(one["next"] and one["next"]["due_at"] and one["next"]["due_at"] < now)
        tickets = [one for one in tickets if _is_shown(one, show, person)]
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
    """Return held mail with what it would have been, or what is set aside or quarantined."""
    if which == "held":
        rows = [row for desk in desks for row in views.list_held(connection, desk)]
        return [{**row, **(views.find_held(connection, row["id"]) or {})} for row in rows]
    outcome = {"aside": "set_aside", "quarantine": "quarantined"}[which]
    return [row for desk in desks for row in views.list_parked(connection, outcome, desk)]


def open_incidents(connection: Connection, desks: Sequence[str]) -> list[dict[str, Any]]:
    return [row for desk in desks for row in incidents.list_incidents(connection, desk)]


def promises(connection: Connection, desks: Mapping[str, Desk], now: datetime) -> list[dict[str, Any]]:
    """Return the days of the last two weeks: opened, answered, promises kept."""
    zones = {name: desk.timezone for name, desk in desks.items()}
    rows = day_figures(connection, zones, now - timedelta(days=_DAYS), now + timedelta(days=1))
    return sorted(rows, key=lambda row: (row["desk"], row["queue"], row["day"]), reverse=True)


def beside(connection: Connection, ticket: Mapping[str, Any], desk: Desk) -> dict[str, Any]:
    """Return what a ticket's page shows beside the ticket: colleagues, the customer's other tickets, whole mails."""
    number = ticket["number"]
    if ticket["account"]:
        others = views.list_tickets(connection, desk=desk.name, account=ticket["account"], limit=_MOST_EARLIER + 1)
    else:
        others = views.tickets_of_requestor(connection, desk.name, ticket["requestor"], _MOST_EARLIER + 1)
    return {
        "colleagues": [(one.address, one.name or one.address) for one in people.list_staff(connection, desk.name)],
        "others": [one for one in others if one["number"] != number][:_MOST_EARLIER],
        "bodies": views.bodies_of(connection, number),
        "letters": [views.letter_keys(one) for one in outbox.list_letters(connection, ticket=number, states=("waiting",))],
    }  # fmt: skip


def version_of(ticket: Mapping[str, Any]) -> str:
    """Return what changes with everything that comes to a ticket: its last entry and its last event."""
    messages, events = ticket["messages"], ticket["events"]
    last = messages[-1] if messages else {"id": "", "state": ""}
    return f"{last['id']}.{last['state']}.{len(messages)}.{len(events)}"


def day(connection: Connection, desk: Desk, now: datetime) -> dict[str, Any]:
    """Return the day of a desk: counts by hour and queue, the time of first answers by day in minutes, who waits longest."""
    hours = today.day_by_hour(connection, desk.name, desk.timezone, tuple(desk.queues), now)
    rows = day_figures(connection, {desk.name: desk.timezone}, now - timedelta(days=_DAYS), now + timedelta(days=1))
    return {
        "desk": desk, "arrivals": hours.arrivals, "answers": hours.answers, "late": hours.late,
        "response": _responses(rows), "waits": today.longest_waiting(connection, desk.name),
    }  # fmt: skip


def _responses(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return p50 and p90 of each day, in minutes: the slowest queue's, so that none hides behind another."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        one = found.setdefault(row["day"], {"day": row["day"], "p50": None, "p90": None})
        for percent in ("p50", "p90"):
            seconds = row[f"first_response_{percent}_seconds"]
            if seconds is not None:
                one[percent] = max(one[percent] or 0, round(seconds / 60))
    return [found[key] for key in sorted(found)]


def _is_shown(ticket: Mapping[str, Any], show: str, person: Person) -> bool:
    match show:
        case "mine":
            return bool(ticket["owner"] == person.address)
        case "team":
            return (ticket["desk"], ticket["team"]) in person.teams
        case "unassigned":
            return not ticket["owner"]
        case "late":
            return bool(ticket["is_late"])
        case "waiting":
            return bool(ticket["status"] == "waiting")
        case _:
            return True


def _urgency(ticket: Mapping[str, Any]) -> tuple[bool, bool, bool, str, int]:
    due = ticket["next"]["due_at"].isoformat() if ticket["next"] else "9"
    waits_for_us = ticket["unanswered_since"] is not None
    return not ticket["is_late"], ticket["priority"] != "high", not waits_for_us, due, ticket["number"]

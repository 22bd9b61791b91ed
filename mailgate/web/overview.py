"""What the board shows, read from the tables for the desks of whoever looks."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from mailgate.model.settings import Desk
from mailgate.store import incidents, outbox, people, today, urgent, views
from mailgate.store.rewriting import chunks
from mailgate.store.statistics import day_figures
from mailgate.store.urgent import Standing
from mailgate.web.sign_in import Person

SHOWS = ("", "mine", "team", "unassigned", "late", "waiting")
PICTURES = ("arrivals", "answers", "late", "response")
_SHORT, _LONG = 50, 200  # tickets of a queue that are shown: beside the others, and alone
_DAYS = 14
_MOST_EARLIER = 10


def queues(
    connection: Connection, desks: Sequence[Desk], now: datetime, person: Person, show: str = "",
    only: tuple[str, str] | None = None, page: int = 1,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the queues with their most urgent tickets (`store.urgent` says in which order), and how many there are. `show`
    is one of SHOWS: only those. `only`: that desk's queue alone, a long page of it."""
    found = []
    for desk in desks:
        due = urgent.due_of(connection, desk.name)
        for name in desk.queues:
            if only not in (None, (desk.name, name)):
                continue
            all_ = [one for one in urgent.queue_in_order(connection, desk.name, name, due, now)
                    if _is_shown(one, desk.name, show, person, now)]  # fmt: skip
            most = _LONG if only else _SHORT
            pages = max(1, -(-len(all_) // most))
            chosen = all_[(min(page, pages) - 1) * most :][:most] if only else all_[:most]
            numbers = [one.number for one in chosen]
            keys, clocks = views.tickets_of(connection, numbers), urgent.next_deadlines(connection, numbers)
            tickets = [
                {**keys[one.number], "next": clocks.get(one.number), "is_late": one.is_late(now)} for one in chosen
            ]
            found.append({"desk": desk, "name": name, "tickets": tickets, "count": len(all_),
                          "pages": pages if only else 1, "page": min(page, pages)})  # fmt: skip
    return found


def parked(connection: Connection, desks: Sequence[str], which: str) -> list[dict[str, Any]]:
    """Return held mail with what it would have been and what it says, or what is set aside or quarantined; each with its
    trace."""
    if which == "held":
        rows = [row for desk in desks for row in views.list_held(connection, desk)]
        rows = [{**row, **(views.find_held(connection, row["id"]) or {})} for row in rows]
    else:
        outcome = {"aside": "set_aside", "quarantine": "quarantined"}[which]
        rows = [row for desk in desks for row in views.list_parked(connection, outcome, desk)]
    traces: dict[str, Any] = {}
    arrivals = [row.get("arrival") or row["id"] for row in rows]
    for some in chunks(arrivals):
        traces |= views.traces_of(connection, some)
    return [{**row, "trace": traces.get(arrival) or []} for row, arrival in zip(rows, arrivals, strict=True)]


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
        "leaving": {
            one.message: one.next_at
            for one in outbox.list_letters(connection, ticket=number, states=("waiting",)) if one.rendered.kind == "relay"
        },
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


def _is_shown(one: Standing, desk: str, show: str, person: Person, now: datetime) -> bool:
    match show:
        case "mine":
            return one.owner == person.address
        case "team":
            return (desk, one.team) in person.teams
        case "unassigned":
            return not one.owner
        case "late":
            return one.is_late(now)
        case "waiting":
            return one.status == "waiting"
        case _:
            return True

"""Numbers by desk, queue and day: opened, answered, promises kept and breached, how soon the first answer came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Select, case, func, select

from mailgate.store.engine import unindexed
from mailgate.store.tables import DEADLINE, IS_ENDED_PROMISE, IS_STAFFS, MESSAGE, TICKET

RESPONSES = ("first_response", "next_response")


@dataclass(slots=True)
class Day:
    """One queue's day."""

    opened: int = 0
    answered: set[int] = field(default_factory=set)
    kept: int = 0
    breached: int = 0
    seconds: list[float] = field(default_factory=list)


Key = tuple[str, str, date]


def day_figures(
    connection: Connection, zones: Mapping[str, ZoneInfo], since: datetime, until: datetime
) -> list[dict[str, Any]]:
    """Return a row for each desk of `zones`, queue and day in the desk's zone on which anything happened: responses are
    counted on the day of their deadline's end, their time on the day that the ticket was opened."""
    days: dict[Key, Day] = {}
    for read in (_opened, _answered, _promises):
        read(connection, zones, since, until, days)
    return [figures(desk, queue, day.isoformat(), one) for (desk, queue, day), one in sorted(days.items())]


def sums(
    connection: Connection, zones: Mapping[str, ZoneInfo], since: datetime, until: datetime
) -> dict[tuple[str, str], dict[str, int]]:
    """Return what `day_figures` counts, summed over its days, by desk and queue. The database adds up: no row is read
    here, and a month of a large desk takes it tenths of a second."""
    found: dict[tuple[str, str], dict[str, int]] = {}

    def add(name: str, query: Any) -> None:
        for desk, queue, number in connection.execute(query):
            one = found.setdefault((desk, queue), dict.fromkeys(("opened", "answered", "kept", "breached"), 0))
            one[name] += number

    place = (TICKET.c.desk, TICKET.c.queue)
    add("opened", select(*place, func.count()).group_by(*place).where(
        TICKET.c.desk.in_(zones), TICKET.c.created_at >= since, TICKET.c.created_at < until))  # fmt: skip
    for zone in sorted(set(zones.values()), key=str):
        of_zone = [desk for desk, its in zones.items() if its == zone]
        said = _answered_days(zone, since, until).subquery()
        here = unindexed(TICKET.c.desk).in_(of_zone)
        add(
            "answered",
            select(*place, func.count()).join(said, said.c.ticket == TICKET.c.number).where(here).group_by(*place),
        )
    for name, state in (("kept", "met"), ("breached", "breached")):
        add(name, select(*place, func.count()).join(TICKET, TICKET.c.number == DEADLINE.c.ticket).group_by(*place).where(
            IS_ENDED_PROMISE, DEADLINE.c.kind.in_(RESPONSES), DEADLINE.c.state == state, DEADLINE.c.closed_at >= since,
            DEADLINE.c.closed_at < until, DEADLINE.c.desk.in_(zones)))  # fmt: skip
    return found


def _answered_days(zone: ZoneInfo, since: datetime, until: datetime) -> Select[Any]:
    """Return the tickets that staff answered, once for each day of the zone."""
    midnights = []
    day = since.astimezone(zone).date() + timedelta(days=1)
    while (midnight := datetime.combine(day, time(), zone)) < until:
        midnights.append(midnight)
        day += timedelta(days=1)
    which = case(*((MESSAGE.c.at < midnight, place) for place, midnight in enumerate(midnights)), else_=len(midnights))
    return select(MESSAGE.c.ticket, which.label("day")).distinct().where(
        IS_STAFFS, MESSAGE.c.state.in_(("done", "holding")), MESSAGE.c.at >= since, MESSAGE.c.at < until
    )  # fmt: skip


def figures(desk: str, queue: str, day: str, one: Day) -> dict[str, Any]:
    ended = one.kept + one.breached
    return {
        "desk": desk, "queue": queue, "day": day, "opened": one.opened, "answered": len(one.answered), "kept": one.kept,
        "breached": one.breached, "kept_percent": round(100 * one.kept / ended, 1) if ended else None,
        "first_response_p50_seconds": percentile(one.seconds, 50),
        "first_response_p90_seconds": percentile(one.seconds, 90),
    }  # fmt: skip


def percentile(values: Sequence[float], percent: int) -> int | None:
    """Return the nearest-rank percentile of `values`, or None where there are none."""
    if not values:
        return None
    rank = -(-len(values) * percent // 100)
    return round(sorted(values)[max(1, rank) - 1])


def _opened(
    connection: Connection, zones: Mapping[str, ZoneInfo], since: datetime, until: datetime, days: dict[Key, Day]
) -> None:
    first_answer = (
        select(func.min(MESSAGE.c.at))
        .where(MESSAGE.c.ticket == TICKET.c.number, MESSAGE.c.kind == "staff", MESSAGE.c.state.in_(("done", "holding")))
        .scalar_subquery()
    )
    query = select(TICKET.c.desk, TICKET.c.queue, TICKET.c.created_at, first_answer.label("first")).where(
        TICKET.c.desk.in_(zones), TICKET.c.created_at >= since, TICKET.c.created_at < until
    )
    for desk, queue, created_at, first in connection.execute(query):
        one = _day(days, zones, desk, queue, created_at)
        one.opened += 1
        if first is not None:
            one.seconds.append((first - created_at).total_seconds())


def _answered(
    connection: Connection, zones: Mapping[str, ZoneInfo], since: datetime, until: datetime, days: dict[Key, Day]
) -> None:
    query = (
        select(TICKET.c.desk, TICKET.c.queue, MESSAGE.c.at, MESSAGE.c.ticket)
        .join(TICKET, TICKET.c.number == MESSAGE.c.ticket)
        # so that it begins with the messages of that time, not with all tickets of a desk
        .where(IS_STAFFS, MESSAGE.c.state.in_(("done", "holding")), MESSAGE.c.at >= since, MESSAGE.c.at < until,
               unindexed(TICKET.c.desk).in_(zones))
    )  # fmt: skip
    for desk, queue, at, ticket in connection.execute(query):
        _day(days, zones, desk, queue, at).answered.add(ticket)


def _promises(
    connection: Connection, zones: Mapping[str, ZoneInfo], since: datetime, until: datetime, days: dict[Key, Day]
) -> None:
    query = (
        select(TICKET.c.desk, TICKET.c.queue, DEADLINE.c.closed_at, DEADLINE.c.state)
        .join(TICKET, TICKET.c.number == DEADLINE.c.ticket)
        .where(IS_ENDED_PROMISE, DEADLINE.c.kind.in_(RESPONSES), DEADLINE.c.closed_at >= since,
               DEADLINE.c.closed_at < until, DEADLINE.c.desk.in_(zones))
    )  # fmt: skip
    for desk, queue, at, state in connection.execute(query):
        one = _day(days, zones, desk, queue, at)
        if state == "met":
            one.kept += 1
        else:
            one.breached += 1


def _day(days: dict[Key, Day], zones: Mapping[str, ZoneInfo], desk: str, queue: str, at: datetime) -> Day:
    return days.setdefault((desk, queue, at.astimezone(zones[desk]).date()), Day())


def total(rows: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return the sums of what can be added up."""
    found = dict.fromkeys(("opened", "answered", "kept", "breached"), 0)
    for row in rows:
        for name in found:
            found[name] += row[name]
    return found

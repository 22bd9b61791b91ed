"""Calendars of a desk file (D2): weekly hours, public holidays by the name of a place, and days of the desk's own."""

import re
from datetime import date
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mailgate import resources
from mailgate.config.kinds import NAME, ZONE, minutes_of
from mailgate.config.reading import Kind, Section
from mailgate.model.settings import Calendar

FIRST_YEAR, LAST_YEAR = 2020, 2045
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ROUND_THE_CLOCK = (((0, 1440),),) * 7
_PLACE = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,4})?")
_YEARLY = re.compile(r"(\d\d)-(\d\d)")

Spans = tuple[tuple[int, int], ...]


def read_calendar(section: Section, zone: ZoneInfo) -> Calendar:
    """Return the calendar of a `[[calendar]]` table, with every complaint about it in the section's book."""
    closed = section.take("closed", CLOSED, ())
    places = section.take("holidays", HOLIDAYS, ())
    calendar = Calendar(
        name=section.take("name", NAME, "", required=True),
        timezone=section.take("timezone", ZONE, zone),
        hours=section.take("hours", HOURS, ROUND_THE_CLOCK, required=True),
        closed_dates=frozenset(day for day in closed if isinstance(day, date)).union(*map(public_holidays, places)),
        closed_days=frozenset(day for day in closed if not isinstance(day, date)),
        newest_holidays=tuple((place, max(public_holidays(place), default=None)) for place in places),
    )
    section.finish()
    return calendar


@cache
def public_holidays(place: str) -> frozenset[date]:
    """Return the public holidays of `place` ("DE", "DE-BE"), 2020 to 2045; ValueError where it is unknown.

    A list that is shipped is read from its file, since the library takes half a second to begin; a test holds the two
    together.
    """
    shipped = resources.path("config") / "holidays" / f"{place}.txt"
    if shipped.is_file():
        return frozenset(_dates_of(shipped))
    return frozenset(holidays_of_library(place))


def holidays_of_library(place: str) -> dict[date, str]:
    """Return the public holidays of `place` with their names, as the library knows them."""
    # at the top it would cost every start half a second
    import holidays

    country, _, state = place.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=state or None, years=range(FIRST_YEAR, LAST_YEAR + 1))
    except NotImplementedError:
        raise ValueError(f"nobody knows the holidays of {place!r}") from None
    return dict(found.items())


def _dates_of(shipped: Path) -> list[date]:
    lines = shipped.read_text(encoding="utf-8").splitlines()
    return [date.fromisoformat(line[:10]) for line in lines if line and not line.startswith("#")]


def _hours(value: Any) -> tuple[Spans, ...]:
    if not isinstance(value, dict) or not value:
        raise ValueError
    week: list[list[tuple[int, int]]] = [[] for _ in DAYS]
    for days, spans in value.items():
        for day in _days(days):
            for begins, ends in _spans(spans):
                _add_span(week, day, begins, ends)
    return tuple(_in_order(spans, name) for spans, name in zip(week, DAYS, strict=True))


def _days(text: str) -> list[int]:
    days: list[int] = []
    for part in text.lower().replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise ValueError(f"{text!r} names no days")
        begin, end = DAYS.index(first), DAYS.index(last if dash else first)
        days += [day % 7 for day in range(begin, end + 1 if end >= begin else end + 8)]
    return days


def _spans(value: Any) -> list[tuple[int, int]]:
    texts = value if isinstance(value, list) else str(value).split(",")
    return [_span(str(text).strip()) for text in texts]


def _span(text: str) -> tuple[int, int]:
    first, _, last = (part.strip() for part in text.partition("-"))
    try:
        begins, ends = minutes_of(first), minutes_of(last)
    except ValueError:
        raise ValueError(f"{text!r} is no span of time") from None
    if begins in (ends, 1440):
        raise ValueError(f"{text!r} is no span of time")
    return begins, ends


def _add_span(week: list[list[tuple[int, int]]], day: int, begins: int, ends: int) -> None:
    if begins < ends:
        week[day].append((begins, ends))
        return
    week[day].append((begins, 1440))  # over midnight
    if ends:
        week[(day + 1) % 7].append((0, ends))


def _in_order(spans: list[tuple[int, int]], day: str) -> Spans:
    spans = sorted(spans)
    for (_, ends), (begins, _) in pairwise(spans):
        if begins < ends:
            raise ValueError(f"the hours of {day} overlap")
    return tuple(spans)


def _closed(value: Any) -> tuple[date | tuple[int, int], ...]:
    if not isinstance(value, list):
        raise ValueError
    return tuple(_closed_day(day) for day in value)


def _closed_day(value: Any) -> date | tuple[int, int]:
    if type(value) is date:
        return value
    if not isinstance(value, str):
        raise ValueError
    yearly = _YEARLY.fullmatch(value)
    try:
        if not yearly:
            return date.fromisoformat(value)
        day = date(2024, int(yearly[1]), int(yearly[2]))  # a leap year, for 02-29
    except ValueError:
        raise ValueError(f"{value!r} is no day") from None
    return day.month, day.day


def _holidays(value: Any) -> tuple[str, ...]:
    places = [value] if isinstance(value, str) else value
    if not isinstance(places, list):
        raise ValueError
    for place in places:
        if not isinstance(place, str) or not _PLACE.fullmatch(place):
            raise ValueError
        public_holidays(place)
    return tuple(places)


HOURS: Kind[tuple[Spans, ...]] = Kind(
    'days and spans such as { mon-fri = "09:00-18:00", sat = ["10:00-12:00", "13:00-16:00"] }', _hours
)
CLOSED: Kind[tuple[date | tuple[int, int], ...]] = Kind(
    'a list of days, each a date ("2026-12-24") or a day of every year ("12-25")', _closed
)
HOLIDAYS: Kind[tuple[str, ...]] = Kind(
    'a country, with a state where it has its own ("PL", "DE-BE"), or a list of them', _holidays
)

"""Working time (D1, D2): tables over the changes of clocks, and properties."""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.decide.calendar import (
    add,
    add_business_days,
    between,
    describe,
    due,
    is_open,
    next_opening,
    share,
)
from mailgate.model.quick import replace
from mailgate.model.settings import Calendar, Promise

BERLIN, KYIV = ZoneInfo("Europe/Berlin"), ZoneInfo("Europe/Kyiv")


def a_calendar(
    *weekdays: tuple[int, int],
    saturday: tuple[tuple[int, int], ...] = (),
    sunday: tuple[tuple[int, int], ...] = (),
    zone: ZoneInfo = BERLIN,
    closed: tuple[date, ...] = (),
    every_year: tuple[tuple[int, int], ...] = (),
) -> Calendar:
    return Calendar(
        name="test",
        timezone=zone,
        hours=(*[weekdays] * 5, saturday, sunday),
        closed_dates=frozenset(closed),
        closed_days=frozenset(every_year),
    )


H = 60
OFFICE = a_calendar((9 * H, 18 * H), closed=(date(2026, 4, 3), date(2026, 4, 6), date(2026, 5, 1)))
KYIV_OFFICE = a_calendar((9 * H, 18 * H), zone=KYIV, every_year=((1, 1), (12, 25)))
WEEK = a_calendar((8 * H, 20 * H), saturday=((10 * H, 18 * H + 30),), sunday=((10 * H, 18 * H + 30),))
LUNCH = a_calendar((9 * H, 12 * H), (13 * H, 18 * H))
NIGHT = a_calendar((0, 6 * H), (22 * H, 24 * H), saturday=((0, 6 * H),), sunday=((22 * H, 24 * H),))
SMALL_HOURS = a_calendar((1 * H, 5 * H), saturday=((H, 5 * H),), sunday=((H, 5 * H),))
ALWAYS = a_calendar((0, 24 * H), saturday=((0, 24 * H),), sunday=((0, 24 * H),))
CALENDARS = (OFFICE, KYIV_OFFICE, WEEK, LUNCH, NIGHT, SMALL_HOURS, ALWAYS)


def at(text: str, zone: ZoneInfo = BERLIN) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone).astimezone(UTC)


@pytest.mark.parametrize(
    ("calendar", "start", "seconds", "end"),
    [
        (None, "2026-03-28T20:00", 24 * 3600, "2026-03-29T21:00"),
        (OFFICE, "2026-11-20T17:00", 4 * 3600, "2026-11-23T12:00"),
        (OFFICE, "2026-11-20T14:00", 4 * 3600, "2026-11-20T18:00"),
        (OFFICE, "2026-11-20T18:00", 60, "2026-11-23T09:01"),
        (OFFICE, "2026-11-21T03:00", 0, "2026-11-23T09:00"),
        (OFFICE, "2026-03-27T18:30", 3600, "2026-03-30T10:00"),
        (OFFICE, "2026-04-02T17:00", 2 * 3600, "2026-04-07T10:00"),
        (OFFICE, "2026-04-30T17:30", 3600, "2026-05-04T09:30"),
        (WEEK, "2026-06-13T17:30", 4 * 3600, "2026-06-14T13:00"),
        (LUNCH, "2026-06-09T11:30", 3600, "2026-06-09T13:30"),
        (NIGHT, "2026-06-09T23:00", 3 * 3600, "2026-06-10T02:00"),
        (SMALL_HOURS, "2026-03-29T00:00", 3 * 3600, "2026-03-29T05:00"),
        (SMALL_HOURS, "2026-10-25T00:00", 5 * 3600, "2026-10-25T05:00"),
        (ALWAYS, "2026-10-24T20:00", 24 * 3600, "2026-10-25T19:00"),
        (OFFICE, "2026-12-31T17:00", 2 * 3600, "2027-01-01T10:00"),
    ],
)
def test_working_time_is_added_within_the_hours(calendar: Calendar | None, start: str, seconds: int, end: str) -> None:
    assert add(calendar, at(start), seconds) == at(end)


def test_a_friday_evening_is_sixty_one_and_a_half_real_hours_before_monday_when_clocks_go_forward() -> None:
    evening, morning = at("2026-03-27T18:30"), at("2026-03-30T09:00")
    assert next_opening(OFFICE, evening) == morning
    assert morning - evening == timedelta(hours=61.5)


def test_kyiv_is_closed_on_the_days_of_every_year() -> None:
    assert next_opening(KYIV_OFFICE, at("2026-12-24T18:00", KYIV)) == at("2026-12-28T09:00", KYIV)
    assert next_opening(KYIV_OFFICE, at("2027-12-31T18:00", KYIV)) == at("2028-01-03T09:00", KYIV)


@pytest.mark.parametrize(
    ("calendar", "start", "days", "end"),
    [
        (OFFICE, "2026-06-12T15:00", 1, "2026-06-15T15:00"),
        (OFFICE, "2026-06-12T19:00", 1, "2026-06-16T09:00"),
        (OFFICE, "2026-04-02T11:20", 3, "2026-04-09T11:20"),
        (OFFICE, "2026-03-27T15:00", 1, "2026-03-30T15:00"),
        (WEEK, "2026-06-12T19:00", 1, "2026-06-13T18:30"),
        (WEEK, "2026-06-12T08:30", 1, "2026-06-13T10:00"),
        (WEEK, "2026-06-13T19:00", 1, "2026-06-15T10:00"),
        (WEEK, "2026-06-09T11:00", 1, "2026-06-10T11:00"),
        (OFFICE, "2026-06-12T15:00", 0, "2026-06-12T15:00"),
        (ALWAYS, "2026-03-28T02:30", 1, "2026-03-29T03:30"),
        (None, "2026-06-12T15:00", 2, "2026-06-14T15:00"),
    ],
)
def test_business_days_end_at_the_same_clock_time_or_at_the_edge_of_that_day(
    calendar: Calendar | None, start: str, days: int, end: str
) -> None:
    assert add_business_days(calendar, at(start), days) == at(end)
    assert due(Promise(amount=days, unit="business_days"), calendar, at(start)) == at(end)


def test_a_promise_in_seconds_runs_in_the_calendar() -> None:
    promise = Promise(amount=4 * 3600, unit="seconds")
    assert due(promise, OFFICE, at("2026-11-20T17:00")) == at("2026-11-23T12:00")
    assert due(promise, None, at("2026-11-20T17:00")) == at("2026-11-20T21:00")


def test_the_moment_of_closing_is_outside_the_hours_and_that_of_opening_within() -> None:
    assert is_open(OFFICE, at("2026-06-09T09:00"))
    assert not is_open(OFFICE, at("2026-06-09T18:00"))
    assert not is_open(LUNCH, at("2026-06-09T12:30"))
    assert is_open(None, at("2026-06-09T03:00"))


def test_eighty_percent_of_the_working_time_is_measured_in_working_time() -> None:
    start = at("2026-11-20T17:00")
    assert share(OFFICE, start, add(OFFICE, start, 4 * 3600), 80) == at("2026-11-23T11:12")
    assert share(None, start, start + timedelta(hours=1), 80) == start + timedelta(minutes=48)


def test_hours_are_described_in_groups_of_days() -> None:
    assert describe(WEEK) == (
        {"days": (0, 1, 2, 3, 4), "from": "08:00", "to": "20:00"},
        {"days": (5, 6), "from": "10:00", "to": "18:30"},
    )
    assert describe(None) == describe(ALWAYS) == ()


def test_a_nights_work_is_described_as_one_span_of_the_day_on_which_it_begins() -> None:
    evening, morning = (22 * 60, 1440), (0, 6 * 60)
    nights = replace(ALWAYS, hours=((evening,), *((morning, evening) for _ in range(4)), (morning,), ()))
    assert describe(nights) == ({"days": (0, 1, 2, 3, 4), "from": "22:00", "to": "06:00"},)
    over_sunday = replace(ALWAYS, hours=((morning,), (), (), (), (), (), ((8 * 60, 720), evening)))
    assert describe(over_sunday) == (
        {"days": (6,), "from": "08:00", "to": "12:00"}, {"days": (6,), "from": "22:00", "to": "06:00"},
    )  # fmt: skip
    whole_day = replace(ALWAYS, hours=((evening,), ((0, 1440),), (morning,), (), (), (), ()))
    assert [one["to"] for one in describe(whole_day)] == ["24:00", "24:00", "06:00"]


def test_a_calendar_that_never_opens_is_an_error_and_not_an_endless_search() -> None:
    never = a_calendar()
    with pytest.raises(ValueError, match="never opens"):
        next_opening(never, at("2026-06-09T09:00"))
    with pytest.raises(ValueError, match="never opens"):
        add(never, at("2026-06-09T09:00"), 60)


instants = st.datetimes(datetime(2025, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
calendars = st.sampled_from(CALENDARS)


@settings(max_examples=150, deadline=None)
@given(calendars, instants, st.integers(0, 400 * 3600))
def test_adding_and_then_measuring_gives_back_the_same(calendar: Calendar, start: datetime, seconds: int) -> None:
    end = add(calendar, start, seconds)
    assert between(calendar, start, end) == seconds
    assert end >= start
    assert end.tzinfo is UTC


@settings(max_examples=150, deadline=None)
@given(calendars, instants, st.integers(0, 400 * 3600), st.integers(0, 9))
def test_nothing_ends_outside_the_hours(calendar: Calendar, start: datetime, seconds: int, days: int) -> None:
    for end in (
        add(calendar, start, seconds),
        add_business_days(calendar, start, days),
    ):
        assert is_open(calendar, end) or is_open(calendar, end - timedelta(microseconds=1))
    assert is_open(calendar, next_opening(calendar, start))


@settings(max_examples=150, deadline=None)
@given(
    calendars,
    instants,
    st.integers(0, 10**6),
    st.integers(0, 100 * 3600),
    st.integers(0, 9),
)
def test_who_begins_later_never_ends_earlier(
    calendar: Calendar, start: datetime, gap: int, seconds: int, days: int
) -> None:
    later = start + timedelta(seconds=gap)
    assert add(calendar, start, seconds) <= add(calendar, later, seconds)
    assert add_business_days(calendar, start, days) <= add_business_days(calendar, later, days)
    assert add(calendar, start, seconds) <= add(calendar, start, seconds + gap)


@settings(max_examples=60, deadline=None)
@given(calendars, instants, st.integers(0, 10**6), st.integers(0, 10**6))
def test_measures_of_neighbouring_spans_add_up(calendar: Calendar, start: datetime, one: int, two: int) -> None:
    start = start.replace(microsecond=0)
    middle, end = start + timedelta(seconds=one), start + timedelta(seconds=one + two)
    assert between(calendar, start, middle) + between(calendar, middle, end) == between(calendar, start, end)


def test_a_call_takes_microseconds() -> None:
    start = at("2026-11-20T17:00")
    add(OFFICE, start, 3600)
    began = time.perf_counter()
    for _ in range(500):
        add(OFFICE, start, 40 * 3600)
    assert (time.perf_counter() - began) / 500 < 0.000_200  # ten times what it takes: the machine may be busy

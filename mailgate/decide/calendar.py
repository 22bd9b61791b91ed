"""Working time: adding it, measuring it, and business days (D1, D2). UTC in, UTC out; None is round the clock."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from mailgate.model.settings import Calendar, Promise

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000  # instants are whole microseconds in here: sums and differences are exact
_DAY = 86_400
_MIDNIGHT = 1440  # the end of a day, in minutes
_YEARS_AHEAD = 60


def add(calendar: Calendar | None, start: datetime, seconds: int) -> datetime:
    """Return when `seconds` of working time have passed since `start`; a moment outside the hours is the next
    opening."""
    return _instant(_add(calendar, _micros(start), seconds * _SECOND))


def between(calendar: Calendar | None, a: datetime, b: datetime) -> int:
    """Return the whole seconds of working time from `a` to `b`; 0 where `b` is not later."""
    return _between(calendar, _micros(a), _micros(b)) // _SECOND


def add_business_days(calendar: Calendar | None, start: datetime, n: int) -> datetime:
    """Return the same clock time `n` worked days later, or that day's closing if it closes earlier, or its opening if
    it opens later ("business day" of behaviour.md). Without a calendar a day is 24 hours."""
    if calendar is None:
        return start.astimezone(UTC) + timedelta(days=n)
    opened = next_opening(calendar, start).astimezone(calendar.timezone)
    day = _nth_worked_day(calendar, opened.date(), n)
    clock = datetime.combine(day, opened.time(), calendar.timezone).replace(fold=opened.fold)
    return _instant(_within(_windows_of(calendar, day), _micros(clock)))


def is_open(calendar: Calendar | None, at: datetime) -> bool:
    """Return whether `at` lies within the hours; the moment of closing does not."""
    return calendar is None or _next_opening(calendar, _micros(at)) == _micros(at)


def next_opening(calendar: Calendar | None, at: datetime) -> datetime:
    """Return the next moment within the hours: `at` itself if it is one."""
    return at.astimezone(UTC) if calendar is None else _instant(_next_opening(calendar, _micros(at)))


def due(promise: Promise, calendar: Calendar | None, start: datetime) -> datetime:
    """Return when a promise made at `start` is due (D1)."""
    if promise.unit == "business_days":
        return add_business_days(calendar, start, promise.amount)
    return add(calendar, start, promise.amount)


def share(calendar: Calendar | None, start: datetime, due: datetime, percent: int) -> datetime:
    """Return when `percent` of the working time between `start` and `due` has passed (D4), never after `due`."""
    first, last = _micros(start), _micros(due)
    part = _between(calendar, first, last) * percent // 100
    return _instant(min(_add(calendar, first, part), last))


def describe(calendar: Calendar | None) -> tuple[Mapping[str, Any], ...]:
    """Return the weekly hours for letters: `days` (weekday numbers, Monday is 0), `from` and `to` as HH:MM, 24:00 for
    midnight; days with the same hours stand together. Round the clock is empty."""
    if calendar is None or all(spans == ((0, _MIDNIGHT),) for spans in calendar.hours):
        return ()
    groups: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for day, spans in enumerate(_nights_in_one(calendar.hours)):
        if spans:
            groups.setdefault(spans, []).append(day)
    return tuple(
        {"days": tuple(days), "from": _clock(first), "to": _clock(last)}
        for spans, days in groups.items()
        for first, last in spans
    )


def _nights_in_one(hours: Sequence[tuple[tuple[int, int], ...]]) -> list[tuple[tuple[int, int], ...]]:
    """Return the week with a night's work as one span of the day on which it begins, as people say it: 22:00 to 06:00."""
    week = list(hours)
    for day, spans in enumerate(hours):
        after = (day + 1) % len(hours)
        begins = [first for first, last in spans if last == _MIDNIGHT and first > 0]
        ends = [last for first, last in hours[after] if first == 0 and last < _MIDNIGHT]
        if begins and ends:
            week[day] = tuple((first, ends[0] if first in begins else last) for first, last in week[day])
            week[after] = tuple((first, last) for first, last in week[after] if first > 0)
    return week


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _micros(at: datetime) -> int:
    since = at - _EPOCH
    return (since.days * _DAY + since.seconds) * _SECOND + since.microseconds


def _instant(micros: int) -> datetime:
    return _EPOCH + timedelta(microseconds=micros)


@dataclass(frozen=True, slots=True)
class _Year:
    """The windows of a civil year in order, as microseconds; `before[i]` is the working time before window i."""

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    before: tuple[int, ...]  # one longer: the last is the year's whole
    whole: int


def _add(calendar: Calendar | None, start: int, left: int) -> int:
    if calendar is None:
        return start + left
    for year in _years_from(calendar, start):
        at = max(bisect_right(year.opens, start) - 1, 0)
        while at < len(year.opens) and year.closes[at] <= start:
            at += 1
        if at == len(year.opens):
            continue
        gone = year.before[at] + max(start - year.opens[at], 0)
        if gone + left <= year.whole:
            # bisect on the sums: the first window whose end has them; the end of a window is its own closing
            at = at if left == 0 else max(at, _window_with(year, gone + left))
            return year.opens[at] + gone + left - year.before[at]
        left -= year.whole - gone
    raise ValueError(f"the calendar {calendar.name} never opens for long enough")


def _window_with(year: _Year, total: int) -> int:
    return bisect_right(year.before, total - 1) - 1


def _between(calendar: Calendar | None, a: int, b: int) -> int:
    if b <= a:
        return 0
    if calendar is None:
        return b - a
    first, last = _year_of(a), _year_of(b)
    # a year on either side: the civil year of the calendar's place begins and ends some hours away from UTC's
    return sum(
        _passed(year, b) - _passed(year, a)
        for year in (_year(calendar, number) for number in range(first - 1, last + 2))
        if year.opens and year.opens[0] < b and year.closes[-1] > a
    )


def _passed(year: _Year, at: int) -> int:
    """Return the year's working time before `at`."""
    index = bisect_right(year.opens, at) - 1
    if index < 0:
        return 0
    return year.before[index] + min(at, year.closes[index]) - year.opens[index]


def _next_opening(calendar: Calendar, at: int) -> int:
    for year in _years_from(calendar, at):
        index = max(bisect_right(year.opens, at) - 1, 0)
        for window in range(index, min(index + 2, len(year.opens))):
            if year.closes[window] > at:
                return max(at, year.opens[window])
    raise ValueError(f"the calendar {calendar.name} never opens")


def _years_from(calendar: Calendar, at: int) -> Iterator[_Year]:
    first = _year_of(at) - 1
    for number in range(first, first + _YEARS_AHEAD):
        year = _year(calendar, number)
        if year.closes and year.closes[-1] > at:
            yield year


def _year_of(micros: int) -> int:
    return _instant(micros).year


@lru_cache(maxsize=512)
def _year(calendar: Calendar, number: int) -> _Year:
    opens: list[int] = []
    closes: list[int] = []
    before = [0]
    day, end = date(number, 1, 1), date(number + 1, 1, 1)
    while day < end:
        for first, last in _windows_of(calendar, day):
            opens.append(first)
            closes.append(last)
            before.append(before[-1] + last - first)
        day += timedelta(days=1)
    return _Year(tuple(opens), tuple(closes), tuple(before), before[-1])


@lru_cache(maxsize=4096)
def _windows_of(calendar: Calendar, day: date) -> tuple[tuple[int, int], ...]:
    """Return the windows of a civil day in order; what a change of clocks leaves out is out."""
    if not _is_worked(calendar, day):
        return ()
    windows: list[tuple[int, int]] = []
    for first, last in sorted(calendar.hours[day.weekday()]):
        opens, closes = _at(calendar, day, first), _at(calendar, day, last)
        opens = max(opens, windows[-1][1]) if windows else opens
        if closes > opens:
            windows.append((opens, closes))
    return tuple(windows)


def _is_worked(calendar: Calendar, day: date) -> bool:
    return (
        bool(calendar.hours[day.weekday()])
        and day not in calendar.closed_dates
        and (day.month, day.day) not in calendar.closed_days
    )


def _at(calendar: Calendar, day: date, minutes: int) -> int:
    days, minutes = divmod(minutes, _MIDNIGHT)
    civil = datetime.combine(day + timedelta(days=days), time(minutes // 60, minutes % 60), calendar.timezone)
    return _micros(civil)


def _nth_worked_day(calendar: Calendar, day: date, n: int) -> date:
    left = n
    for _ in range(366 * _YEARS_AHEAD):
        if left == 0:
            return day
        day += timedelta(days=1)
        left -= 1 if _windows_of(calendar, day) else 0
    raise ValueError(f"the calendar {calendar.name} never opens for long enough")


def _within(windows: tuple[tuple[int, int], ...], at: int) -> int:
    """Return `at`, brought into the day: its opening where earlier, a break's end within one, else its closing."""
    for opens, closes in windows:
        if at < closes:
            return max(at, opens)
    return windows[-1][1]

"""Dates, plurals and sizes as a native writes them (A5)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from mailgate.compose import moments, wording

KYIV = ZoneInfo("Europe/Kyiv")
BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "plain", "by", "on"),
    [
        (
            "en",
            "Tuesday, 10 March 2026, 11:00 (Kyiv time)",
            "by 11:00 on Tuesday, 10 March 2026 (Kyiv time)",
            "on Tuesday, 10 March 2026, at 11:00 (Kyiv time)",
        ),
        (
            "de",
            "Dienstag, 10. März 2026, 11:00 Uhr (Kyjiwer Zeit)",
            "bis Dienstag, 10. März 2026, 11:00 Uhr (Kyjiwer Zeit)",
            "am Dienstag, 10. März 2026, um 11:00 Uhr (Kyjiwer Zeit)",
        ),
        (
            "pl",
            "wtorek 10 marca 2026 r., godz. 11:00 (czas kijowski)",
            "do wtorku 10 marca 2026 r., godz. 11:00 (czas kijowski)",
            "we wtorek 10 marca 2026 r. o godz. 11:00 (czas kijowski)",
        ),
        (
            "ru",
            "вторник, 10 марта 2026 г., 11:00 (по киевскому времени)",
            "до 11:00 вторника, 10 марта 2026 г. (по киевскому времени)",
            "во вторник, 10 марта 2026 г., в 11:00 (по киевскому времени)",
        ),
        (
            "uk",
            "вівторок, 10 березня 2026 р., 11:00 (за київським часом)",
            "до 11:00 вівторка, 10 березня 2026 р. (за київським часом)",
            "у вівторок, 10 березня 2026 р., об 11:00 (за київським часом)",
        ),
    ],
)
def test_a_moment_is_written_as_a_native_writes_it(language, plain, by, on):
    assert moments.moment(TUESDAY, language, KYIV) == plain
    assert moments.by_moment(TUESDAY, language, KYIV) == by
    assert moments.on_moment(TUESDAY, language, KYIV) == on


@pytest.mark.parametrize("language", moments.LANGUAGES)
def test_every_language_has_seven_days_and_twelve_months_of_its_own(language):
    days = {moments.day(datetime(2026, 6, day, 12, tzinfo=UTC), language, KYIV).split()[0] for day in range(1, 8)}
    months = {moments.day(datetime(2026, month, 1, 12, tzinfo=UTC), language, KYIV) for month in range(1, 13)}
    assert len(days) == 7
    assert len(months) == 12


def test_midnight_and_single_digits_keep_two_digits():
    assert ", 00:05 (" in moments.moment(datetime(2026, 3, 9, 22, 5, tzinfo=UTC), "en", KYIV)


def test_the_hour_that_comes_twice_in_autumn_names_its_offset():
    first, second = datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)
    assert moments.moment(first, "en", BERLIN) == "Sunday, 25 October 2026, 02:30 (Berlin time, UTC+2)"
    assert moments.moment(second, "en", BERLIN) == "Sunday, 25 October 2026, 02:30 (Berlin time, UTC+1)"


@pytest.mark.parametrize(
    ("zone", "shown"), [("UTC", "(UTC)"), ("Asia/Kathmandu", "(UTC+5:45)"), ("America/Bogota", "(UTC-5)")]
)
def test_a_zone_without_a_name_here_is_shown_by_abbreviation_or_offset(zone, shown):
    assert moments.moment(TUESDAY, "de", ZoneInfo(zone)).endswith(shown)


@pytest.mark.parametrize(
    ("language", "forms", "expected"),
    [
        ("en", ("day", "days", "days"), {1: "1 day", 2: "2 days", 0: "0 days", 21: "21 days"}),
        ("de", ("Tag", "Tage", "Tage"), {1: "1 Tag", 5: "5 Tage"}),
        (
            "pl",
            ("dzień", "dni", "dni"),
            {1: "1 dzień", 2: "2 dni", 5: "5 dni", 21: "21 dni"},
        ),
        (
            "pl",
            ("plik", "pliki", "plików"),
            {1: "1 plik", 4: "4 pliki", 5: "5 plików", 12: "12 plików", 22: "22 pliki", 21: "21 plików"},
        ),
        (
            "ru",
            ("день", "дня", "дней"),
            {1: "1 день", 3: "3 дня", 5: "5 дней", 11: "11 дней", 14: "14 дней", 21: "21 день", 112: "112 дней"},
        ),
        ("uk", ("день", "дні", "днів"), {1: "1 день", 2: "2 дні", 11: "11 днів", 31: "31 день", 104: "104 дні"}),
    ],
)
def test_numbers_take_the_right_form(language, forms, expected):
    assert {number: wording.plural(number, language, *forms) for number in expected} == expected


@pytest.mark.parametrize(
    ("count", "language", "expected"),
    [
        (0, "en", "0 bytes"), (1023, "de", "1023 Byte"), (1536, "en", "1.5 KB"), (1536, "de", "1,5 KB"),
        (148213, "ru", "145 КБ"), (5 * 1024**2, "uk", "5,0 МБ"), (3 * 1024**4, "pl", "3072 GB"),
    ],
)  # fmt: skip
def test_sizes_are_short_and_in_the_language(count, language, expected):
    assert wording.size(count, language) == expected


@pytest.mark.parametrize(
    ("spans", "language", "expected"),
    [
        ([((0, 1, 2, 3, 4), "09:00", "18:00")], "en", "Mon–Fri 09:00–18:00"),
        (
            [((0, 1, 2, 3, 4), "08:00", "20:00"), ((5, 6), "10:00", "18:30")],
            "de",
            "Mo–Fr 08:00–20:00 Uhr, Sa, So 10:00–18:30 Uhr",
        ),
        ([((0, 2, 3, 4), "09:00", "17:00")], "pl", "pon., śr.–pt. 09:00–17:00"),
        ([], "uk", "цілодобово"),
    ],
)
def test_working_hours_are_told_in_runs_of_days(spans, language, expected):
    told = wording.hours([{"days": days, "from": opens, "to": closes} for days, opens, closes in spans], language)
    assert told == expected


def test_every_label_of_the_table_exists_in_every_language():
    fields = set(wording.LABELS["en"])
    assert {language: set(labels) for language, labels in wording.LABELS.items()} == dict.fromkeys(
        moments.LANGUAGES, fields
    )

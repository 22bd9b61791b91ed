"""Instants as a native writes them: weekday, date, 24-hour time and zone in the reader's language (A5, P5)."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

LANGUAGES = ("en", "de", "pl", "ru", "uk")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Words:
    """How a language writes a moment. Patterns take weekday, day, month, year, time and zone."""

    weekdays: tuple[str, ...]  # as a plain date has it
    by_weekdays: tuple[str, ...]  # after "by"
    on_weekdays: tuple[str, ...]  # with the preposition of "on"
    short_weekdays: tuple[str, ...]
    months: tuple[str, ...]  # in the case that a date needs
    plain: str
    by: str
    on: str
    day: str
    on_day: str
    zone: str  # around a city: "Kyiv time"


_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DE = ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag")
_WORDS = {
    "en": _Words(
        weekdays=_EN,
        by_weekdays=_EN,
        on_weekdays=tuple(f"on {day}" for day in _EN),
        short_weekdays=("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        months=(
            "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
            "November", "December",
        ),
        plain="{weekday}, {day} {month} {year}, {time} ({zone})",
        by="by {time} on {weekday}, {day} {month} {year} ({zone})",
        on="{weekday}, {day} {month} {year}, at {time} ({zone})",
        day="{weekday}, {day} {month} {year}",
        on_day="{weekday}, {day} {month} {year}",
        zone="{city} time",
    ),
    "de": _Words(
        weekdays=_DE,
        by_weekdays=_DE,
        on_weekdays=tuple(f"am {day}" for day in _DE),
        short_weekdays=("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
        months=(
            "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober",
            "November", "Dezember",
        ),
        plain="{weekday}, {day}. {month} {year}, {time} Uhr ({zone})",
        by="bis {weekday}, {day}. {month} {year}, {time} Uhr ({zone})",
        on="{weekday}, {day}. {month} {year}, um {time} Uhr ({zone})",
        day="{weekday}, {day}. {month} {year}",
        on_day="{weekday}, {day}. {month} {year}",
        zone="{city} Zeit",
    ),
    "pl": _Words(
        weekdays=("poniedziałek", "wtorek", "środa", "czwartek", "piątek", "sobota", "niedziela"),
        by_weekdays=("poniedziałku", "wtorku", "środy", "czwartku", "piątku", "soboty", "niedzieli"),
        on_weekdays=(
            "w poniedziałek", "we wtorek", "w środę", "w czwartek", "w piątek", "w sobotę", "w niedzielę",
        ),
        short_weekdays=("pon.", "wt.", "śr.", "czw.", "pt.", "sob.", "niedz."),
        months=(
            "stycznia", "lutego", "marca", "kwietnia", "maja", "czerwca", "lipca", "sierpnia", "września",
            "października", "listopada", "grudnia",
        ),
        plain="{weekday} {day} {month} {year} r., godz. {time} ({zone})",
        by="do {weekday} {day} {month} {year} r., godz. {time} ({zone})",
        on="{weekday} {day} {month} {year} r. o godz. {time} ({zone})",
        day="{weekday} {day} {month} {year} r.",
        on_day="{weekday} {day} {month} {year} r.",
        zone="czas {city}",
    ),
    "ru": _Words(
        weekdays=("понедельник", "вторник", "среда", "четверг", "пятница", "суббота", "воскресенье"),
        by_weekdays=("понедельника", "вторника", "среды", "четверга", "пятницы", "субботы", "воскресенья"),
        on_weekdays=(
            "в понедельник", "во вторник", "в среду", "в четверг", "в пятницу", "в субботу", "в воскресенье",
        ),
        short_weekdays=("пн", "вт", "ср", "чт", "пт", "сб", "вс"),
        months=(
            "января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября", "октября",
            "ноября", "декабря",
        ),
        plain="{weekday}, {day} {month} {year} г., {time} ({zone})",
        by="до {time} {weekday}, {day} {month} {year} г. ({zone})",
        on="{weekday}, {day} {month} {year} г., в {time} ({zone})",
        day="{weekday}, {day} {month} {year} г.",
        on_day="{weekday}, {day} {month} {year} г.",
        zone="по {city} времени",
    ),
    "uk": _Words(
        weekdays=("понеділок", "вівторок", "середа", "четвер", "п'ятниця", "субота", "неділя"),
        by_weekdays=("понеділка", "вівторка", "середи", "четверга", "п'ятниці", "суботи", "неділі"),
        on_weekdays=(
            "у понеділок", "у вівторок", "у середу", "у четвер", "у п'ятницю", "у суботу", "у неділю",
        ),
        short_weekdays=("пн", "вт", "ср", "чт", "пт", "сб", "нд"),
        months=(
            "січня", "лютого", "березня", "квітня", "травня", "червня", "липня", "серпня", "вересня", "жовтня",
            "листопада", "грудня",
        ),
        plain="{weekday}, {day} {month} {year} р., {time} ({zone})",
        by="до {time} {weekday}, {day} {month} {year} р. ({zone})",
        on="{weekday}, {day} {month} {year} р., {o} {time} ({zone})",
        day="{weekday}, {day} {month} {year} р.",
        on_day="{weekday}, {day} {month} {year} р.",
        zone="за {city} часом",
    ),
}  # fmt: skip

# A city in the form that the language's zone pattern needs: name, "Kyjiwer", "kijowski", "киевскому", "київським".
_CITIES = {
    "Europe/Kyiv": ("Kyiv", "Kyjiwer", "kijowski", "киевскому", "київським"),
    "Europe/Kiev": ("Kyiv", "Kyjiwer", "kijowski", "киевскому", "київським"),
    "Europe/Berlin": ("Berlin", "Berliner", "berliński", "берлинскому", "берлінським"),
    "Europe/Warsaw": ("Warsaw", "Warschauer", "warszawski", "варшавскому", "варшавським"),
    "Europe/London": ("London", "Londoner", "londyński", "лондонскому", "лондонським"),
    "Europe/Vienna": ("Vienna", "Wiener", "wiedeński", "венскому", "віденським"),
    "Europe/Zurich": ("Zurich", "Zürcher", "zuryski", "цюрихскому", "цюрихським"),
    "Europe/Paris": ("Paris", "Pariser", "paryski", "парижскому", "паризьким"),
    "Europe/Amsterdam": ("Amsterdam", "Amsterdamer", "amsterdamski", "амстердамскому", "амстердамським"),
    "Europe/Prague": ("Prague", "Prager", "praski", "пражскому", "празьким"),
    "Europe/Vilnius": ("Vilnius", "Vilniuser", "wileński", "вильнюсскому", "вільнюським"),
    "Europe/Riga": ("Riga", "Rigaer", "ryski", "рижскому", "ризьким"),
    "Europe/Tallinn": ("Tallinn", "Tallinner", "talliński", "таллинскому", "таллінським"),
    "Europe/Chisinau": ("Chisinau", "Chișinăuer", "kiszyniowski", "кишинёвскому", "кишинівським"),
    "Europe/Moscow": ("Moscow", "Moskauer", "moskiewski", "московскому", "московським"),
    "America/New_York": ("New York", "New Yorker", "nowojorski", "нью-йоркскому", "нью-йоркським"),
}


def moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `at` as a list would have it: "Monday, 9 March 2026, 13:00 (Kyiv time)"."""
    return _told("plain", "weekdays", at.replace(second=0, microsecond=0), language, zone)


def by_moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `at` as the end of a promise, preposition included: "by 13:00 on Monday, 9 March 2026 (Kyiv time)"."""
    return _told("by", "by_weekdays", at.replace(second=0, microsecond=0), language, zone)


def on_moment(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `at` as the time of an event, preposition included: "on Monday, 9 March 2026, at 13:00 (Kyiv time)"."""
    return _told("on", "on_weekdays", at.replace(second=0, microsecond=0), language, zone)


def day(at: date, language: str, zone: ZoneInfo) -> str:
    """Return the date of `at`, an instant or a date: "Monday, 9 March 2026"."""
    if not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day, tzinfo=zone)
    return _told("day", "weekdays", at.replace(second=0, microsecond=0), language, zone)


def on_day(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return the date of `at` with its preposition: "on Monday, 9 March 2026"."""
    return _told("on_day", "on_weekdays", at.replace(second=0, microsecond=0), language, zone)


def stamp(at: datetime, language: str, zone: ZoneInfo) -> str:
    """Return `at` in short, for a line of a history: "Mon 09.03. 13:00"."""
    local, words = at.astimezone(zone), words_of(language)
    return f"{words.short_weekdays[local.weekday()]} {local.day:02}.{local.month:02}. {local.hour:02}:{local.minute:02}"


def zone_name(local: datetime, language: str, zone: ZoneInfo) -> str:
    """Return what the zone is called in the language, or its abbreviation where the city has no name here."""
    if zone.key not in _CITIES:
        return _abbreviation(local)
    name = city_time(language, zone)
    # The hour that comes twice in autumn needs its offset, or nobody knows which of the two is meant.
    if local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset():
        return f"{name}, {_offset(local)}"
    return name


def city_time(language: str, zone: ZoneInfo) -> str:
    """Return what the zone is called all the year: "Kyiv time", or its key where the city has no name here."""
    forms = _CITIES.get(zone.key)
    if forms is None:
        return zone.key
    return words_of(language).zone.replace("{city}", forms[LANGUAGES.index(language) if language in _WORDS else 0])


def words_of(language: str) -> _Words:
    """Return the words of `language`; those of English where mailgate does not speak it."""
    return _WORDS.get(language) or _WORDS["en"]


@lru_cache(maxsize=4096)  # a busy minute promises the same minute to many
def _told(pattern: str, weekdays: str, at: datetime, language: str, zone: ZoneInfo) -> str:
    local, words = at.astimezone(zone), words_of(language)
    return str(getattr(words, pattern)).format(
        weekday=getattr(words, weekdays)[local.weekday()],
        day=local.day,
        month=words.months[local.month - 1],
        year=local.year,
        time=f"{local.hour:02}:{local.minute:02}",
        o="об" if local.hour == 11 else "о",
        zone=zone_name(local, language, zone),
    )


def _abbreviation(local: datetime) -> str:
    name = local.tzname() or ""
    return name if name.isalpha() else _offset(local)


def _offset(local: datetime) -> str:
    minutes = int((local.utcoffset() or local - local).total_seconds()) // 60
    sign, minutes = ("-", -minutes) if minutes < 0 else ("+", minutes)
    hours, rest = divmod(minutes, 60)
    return f"UTC{sign}{hours}:{rest:02}" if rest else f"UTC{sign}{hours}"

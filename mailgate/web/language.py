"""The words of the board, and of a history on the command line, in the reader's language. What letters say too (states,
flags, clocks, fields) comes from their words; the rest from `config/board`, one file a language, the same keys in each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from mailgate import resources
from mailgate.compose.templates import Templates
from mailgate.compose.wording import label

LANGUAGES = ("en", "de", "pl", "ru", "uk")
_SHARED = {
    "status": "statuses", "priority": "priorities", "level": "levels", "role": "roles", "request": "requests",
    "flag": "flags", "link": "links", "clock": "deadlines", "kind": "entries", "class": "classes", "outcome": "outcomes",
    "right": "rights", "letter": "letters",
}  # fmt: skip
_FAR = timedelta(days=300)
Words = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class Speech:
    """One reader's words and clock."""

    language: str
    words: Words
    zone: ZoneInfo

    def say(self, key: str, /, **values: Any) -> str:
        """Return the words of `section.name`; a name that no list has (a desk's own flag) is shown as words."""
        section, _, name = key.partition(".")
        if section == "field":
            return label(name, self.language)
        found = self.words[section].get(name)
        return found.format(**values) if found is not None else name.replace("_", " ")

    def exact(self, instant: datetime) -> str:
        """Return date and time on the reader's clock (P5)."""
        return f"{instant.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def relative(self, instant: datetime, now: datetime) -> str:
        """Return how far `instant` is from now: `in 5 minutes`, `vor 2 Stunden`."""
        away = instant - now
        if abs(away) > _FAR:
            return self.exact(instant)
        from babel.dates import format_timedelta  # pages alone need it: the command line would wait for it

        return format_timedelta(away, add_direction=True, locale=self.language, threshold=1.2)


class Speeches:
    """The words of every language, read once."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._words: dict[str, Words] = {}

    def of(self, language: str | None, zone: ZoneInfo) -> Speech:
        """Return the words of a reader; who reads none of the five gets English."""
        known = language if language in LANGUAGES else "en"
        if known not in self._words:
            shared = self._templates.compile(f"common/{known}/_words.txt").module
            self._words[known] = board_words(known) | {
                section: getattr(shared, name) for section, name in _SHARED.items()
            }
        return Speech(language=known, words=self._words[known], zone=zone)


def accepted(header: str) -> str:
    """Return the first of our languages that a browser asks for (RFC 9110, 12.5.4: its order is nearly always its wish)."""
    asked = (one.partition(";")[0].strip()[:2].lower() for one in header[:200].split(","))
    return next((one for one in asked if one in LANGUAGES), "en")


@lru_cache(maxsize=len(LANGUAGES))
def board_words(language: str) -> dict[str, Mapping[str, str]]:
    """Return what `config/board` says in that language: section, name, words."""
    with open(resources.path("config") / "board" / f"{language}.toml", "rb") as file:
        return tomllib.load(file)

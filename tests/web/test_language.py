"""The board's words: the same keys in every language, instants as people say them, no raw name for anything known."""

from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import get_args
from zoneinfo import ZoneInfo

import pytest

from mailgate.model.decision import Level
from mailgate.model.mail import AutomaticKind
from mailgate.model.ticket import SHOWN_DEADLINES, MessageKind, Status
from mailgate.web.language import LANGUAGES, Speeches, accepted, board_words
from tests.world import shipped_templates

KYIV = ZoneInfo("Europe/Kyiv")
NOON = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)


def flat(language: str) -> dict[str, str]:
    return {
        f"{section}.{name}": text for section, words in board_words(language).items() for name, text in words.items()
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_the_same_things_with_the_same_values(language: str):
    def named(text: str) -> set[str | None]:
        return {field for _, field, _, _ in Formatter().parse(text) if field is not None}

    english, other = flat("en"), flat(language)
    assert other.keys() == english.keys()
    assert {key: named(text) for key, text in other.items()} == {key: named(text) for key, text in english.items()}
    assert all(text.strip() == text != "" for text in other.values())


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_a_ticket_shows_has_words(language: str):
    speech = Speeches(shipped_templates()).of(language, KYIV)
    for section, names in (
        ("status", get_args(Status)), ("kind", get_args(MessageKind)), ("clock", SHOWN_DEADLINES), ("level", get_args(Level)),
        ("reason", (*get_args(AutomaticKind), "malware", "junk", "probe")),
        ("priority", ("normal", "high")), ("request", ("general", "account", "sensitive")),
    ):  # fmt: skip
        assert set(names) <= speech.words[section].keys(), section


@pytest.mark.parametrize(
    ("language", "away", "said"),
    [
        ("en", timedelta(minutes=5), "in 5 minutes"),
        ("de", timedelta(hours=-2), "vor 2 Stunden"),
        ("pl", timedelta(days=-3), "3 dni temu"),
        ("ru", timedelta(minutes=-21), "21 минуту назад"),
        ("uk", timedelta(minutes=22), "через 22 хвилини"),
        ("xx", timedelta(days=-400), "2025-01-30 14:00"),
    ],
)
def test_an_instant_is_said_as_people_say_it(language: str, away: timedelta, said: str):
    assert Speeches(shipped_templates()).of(language, KYIV).relative(NOON + away, NOON) == said


@pytest.mark.parametrize(
    ("header", "language"),
    [("de-DE,de;q=0.9,en;q=0.8", "de"), ("fr,uk;q=0.5", "uk"), ("", "en"), ("*", "en"), ("\x00" * 500, "en")],
)
def test_a_strangers_browser_chooses(header: str, language: str):
    assert accepted(header) == language

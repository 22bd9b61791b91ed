"""A desk with the shipped word lists, for the tests of what words say."""

import tomllib
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from mailgate.model.findings import Findings
from mailgate.model.settings import Desk, Lexicon
from mailgate.understand.findings import find

WORDS = Path(__file__).parents[2] / "config" / "words"


def flattened(table: dict[str, Any], before: str = "") -> dict[str, tuple[str, ...]]:
    lists: dict[str, tuple[str, ...]] = {}
    for name, value in table.items():
        lists |= flattened(value, f"{before}{name}.") if isinstance(value, dict) else {f"{before}{name}": tuple(value)}
    return lists


@lru_cache(maxsize=1)
def shipped_lexicon() -> Lexicon:
    return Lexicon(
        {path.stem: flattened(tomllib.loads(path.read_text("utf-8"))) for path in sorted(WORDS.glob("*.toml"))}
    )


def a_desk(*, patterns: tuple[str, ...] = (), generic: tuple[str, ...] = ()) -> Desk:
    return Desk(
        name="test", tag="test", title="Test", first_number=10001, languages=("en",),
        timezone=ZoneInfo("Europe/Berlin"),
        authserv_ids=(), managers=(), mailboxes=(), queues={}, calendars={}, teams={}, lexicon=shipped_lexicon(),
        account_patterns=patterns, generic_subjects=generic,
    )  # fmt: skip


def findings_of(text: str, subject: str = "", *, files: int = 0, desk: Desk | None = None) -> Findings:
    return find(subject=subject, core_subject=subject, text=text, desk=desk or a_desk(), files=files)

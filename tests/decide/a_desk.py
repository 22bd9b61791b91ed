"""A desk with the shipped word lists, for the tests of what words say."""

from zoneinfo import ZoneInfo

from mailgate.config.lexicon import shipped_lexicon
from mailgate.model.findings import Findings
from mailgate.model.settings import Desk
from mailgate.understand.findings import find


def a_desk(*, patterns: tuple[str, ...] = (), generic: tuple[str, ...] = ()) -> Desk:
    return Desk(
        name="test", tag="test", title="Test", first_number=10001, languages=("en",),
        timezone=ZoneInfo("Europe/Berlin"),
        authserv_ids=(), managers=(), mailboxes=(), queues={}, calendars={}, teams={}, lexicon=shipped_lexicon(),
        account_patterns=patterns, generic_subjects=generic,
    )  # fmt: skip


def findings_of(text: str, subject: str = "", *, files: int = 0, desk: Desk | None = None) -> Findings:
    return find(subject=subject, core_subject=subject, text=text, desk=desk or a_desk(), files=files)

"""The lines of a ticket's history: names without underscores, times on the readers' clock, nothing of Python's."""

from datetime import datetime
from typing import Any

import pytest

from mailgate.store.history import told


def line(kind: str, **detail: Any) -> str:
    return told({"kind": kind, "detail": detail}, lambda instant: f"{instant:%H:%M}")


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("changed", {"because": "follow-up by tag"}, "changed (follow-up by tag)"),
    ("opened", {"because": "mail", "changes": {"status": [None, "new"], "flags": [None, []]}}, "opened (mail): status new"),
    ("changed", {"changes": {"owner": ["a@team.example", None]}}, "changed: owner a@team.example → –"),
    ("changed", {"changes": {"flags": [["vague"], ["vague", "claimed_tag"]]}}, "changed: flags vague → vague, claimed_tag"),
    ("changed", {"changes": {"links": [[], [{"kind": "split", "ticket": 7}]]}}, "changed: links split #7"),
    ("changed", {"changes": {"links": [[], [{"kind": "incident", "ticket": 7}]]}}, "changed: links incident 7"),
    ("changed", {"changes": {"fields": [{}, {"customer_number": "12"}]}}, "changed: fields customer number: 12"),
    ("changed", {"changes": {"unanswered_since": ["2026-11-24T10:44:59.154104+00:00", None]}},
     "changed: unanswered since 10:44 → –"),
    ("changed", {"changes": {"subject": [None, "2026-11-24T is no time of ours"]}},
     "changed: subject 2026-11-24T is no time of ours"),
    ("changed", {"deadlines": [
        {"kind": "first_response", "state": "met", "due_at": "2026-11-24T10:44:59+00:00"},
        {"kind": "nudge", "state": "pending", "due_at": "2026-11-27T10:45:00+00:00"},
        {"kind": "resolve", "state": "paused", "due_at": None},
    ]}, "changed: first response met; nudge due 10:45; resolve paused"),
    ("left_out", {"text": "ack to a@b.example: five in ten minutes"}, "left out: ack to a@b.example: five in ten minutes"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "detail", "words"), CASES)
def test_an_event_is_told_in_words(kind: str, detail: dict[str, Any], words: str) -> None:
    assert line(kind, **detail) == words


def test_an_instant_is_given_to_the_readers_clock_as_one() -> None:
    seen: list[datetime] = []
    event = {"kind": "changed", "detail": {"changes": {"snoozed_until": [None, "2026-11-24T10:44:59+00:00"]}}}
    told(event, lambda instant: seen.append(instant) or "")
    assert [instant.tzinfo is not None for instant in seen] == [True]

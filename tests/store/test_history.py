"""The lines of a ticket's history: names without underscores, times on the readers' clock, nothing of Python's."""

import inspect
import re
from dataclasses import fields
from datetime import datetime
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest

from mailgate.decide import letters as letters_of_rules
from mailgate.model.decision import By
from mailgate.model.ticket import Ticket
from mailgate.store.history import told
from mailgate.web.language import LANGUAGES, Speeches
from tests.world import shipped_templates


def line(kind: str, *, language: str = "en", **detail: Any) -> str:
    speech = Speeches(shipped_templates()).of(language, ZoneInfo("UTC"))
    return told({"kind": kind, "detail": detail}, lambda instant: f"{instant:%H:%M}", speech.say)


CASES: list[tuple[str, dict[str, Any], str]] = [
    ("changed", {"because": "follow-up by tag"}, "Changed (mail with the ticket's number)"),
    ("changed", {"because": "taken over: rt.example"}, "Changed (taken over from rt.example)"),
    ("changed", {"because": "a rule of the desk's own"}, "Changed (a rule of the desk's own)"),
    ("opened", {"because": "mail", "changes": {"status": [None, "new"], "flags": [None, []]}},
     "Opened (mail of the customer): Status: new"),
    ("changed", {"changes": {"owner": ["a@team.example", None]}}, "Changed: Who has it: a@team.example → –"),
    ("changed", {"changes": {"flags": [["vague"], ["vague", "claimed_tag"]]}},
     "Changed: Marks: vague → vague, named a ticket they do not belong to"),
    ("changed", {"changes": {"links": [[], [{"kind": "split", "ticket": 7}]]}}, "Changed: Links: Split #7"),
    ("changed", {"changes": {"links": [[], [{"kind": "incident", "ticket": 7}]]}}, "Changed: Links: Incident 7"),
    ("changed", {"changes": {"fields": [{}, {"customer_number": "12"}]}}, "Changed: Known: Customer number: 12"),
    ("changed", {"changes": {"is_formal": [False, True]}}, "Changed: Closed by people alone: no → yes"),
    ("changed", {"changes": {"unanswered_since": ["2026-11-24T10:44:59.154104+00:00", None]}},
     "Changed: Unanswered since: 10:44 → –"),
    ("changed", {"changes": {"subject": [None, "2026-11-24T is no time of ours"]}},
     "Changed: Subject: 2026-11-24T is no time of ours"),
    ("changed", {"deadlines": [
        {"kind": "first_response", "state": "met", "due_at": "2026-11-24T10:44:59+00:00"},
        {"kind": "nudge", "state": "pending", "due_at": "2026-11-27T10:45:00+00:00"},
        {"kind": "resolve", "state": "paused", "due_at": None},
    ]}, "Changed: First answer due: met; Reminder to the customer: 10:45; Solution due: stands still"),
    ("left_out", {"text": "ack to a@b.example: 5 letters in 10 minutes (A3)"},
     "Letter not sent: the acknowledgement to a@b.example: 5 letters in 10 minutes"),
    ("refused", {"text": "relay to a@b.example: 550 no such user"},
     "Letter refused: the reply to a@b.example: 550 no such user"),
    ("escalated", {"text": "managers"}, "Escalated: to the management"),
    ("incident", {"text": "incident 7: update"}, "Incident: incident 7"),
    ("a_kind_of_later", {"because": "a_reason"}, "a kind of later (a reason)"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "detail", "words"), CASES)
def test_an_event_is_told_in_words(kind: str, detail: dict[str, Any], words: str) -> None:
    assert line(kind, **detail) == words


def test_an_instant_is_given_to_the_readers_clock_as_one() -> None:
    seen: list[datetime] = []
    event = {"kind": "changed", "detail": {"changes": {"snoozed_until": [None, "2026-11-24T10:44:59+00:00"]}}}
    told(event, lambda instant: seen.append(instant) or "", lambda key, /, **values: key)
    assert [instant.tzinfo is not None for instant in seen] == [True]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_rules_write_into_the_record_is_told_in_the_readers_words(language: str) -> None:
    source = inspect.getsource(letters_of_rules)
    reasons = [
        re.sub(r"\{[^}]*\}", "5", one) for one in re.findall(r'LeaveOut\(letter=letter, reason=f?"([^"]+)"\)', source)
    ]
    assert len(reasons) > 5
    for reason in reasons:
        said = line("left_out", language=language, text=f"ack to a@b.example: {reason}")
        assert "(A3)" not in said, said
        assert language == "en" or reason.partition(" (")[0] not in said
    for by in get_args(By):
        assert "follow-up" not in line("changed", language=language, because=f"follow-up by {by}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_changes_on_a_ticket_has_a_name_in_every_language(language: str) -> None:
    known = Speeches(shipped_templates()).of(language, ZoneInfo("UTC")).words["change"]
    fixed = {"number", "desk", "created_at", "changed_at"}
    assert {one.name.removesuffix("_") for one in fields(Ticket)} - fixed <= known.keys()

"""Two who answer (C8): the second is told of the first with its text, the others that somebody has answered."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.decision import Decision
from mailgate.model.letter import Letter
from mailgate.model.ticket import Message
from mailgate.model.tokens import message_id
from mailgate.store.ids import least_id
from tests.decide.staff_mail import (
    IVAN,
    MONDAY,
    OKSANA,
    SECRET,
    a_case,
    decided,
    letters_of,
    said,
    shipped_desk,
)

LATER = MONDAY + timedelta(minutes=10)


def told(decision: Decision, cause: str) -> list[Letter]:
    return [one for one in letters_of(decision, "colleague_notice") if one.context["cause"] == cause]


def answer(minutes: float, **more: Any) -> Message:
    """Oksana's answer, so long before Ivan's."""
    at = LATER - timedelta(minutes=minutes)
    values = {"kind": "staff", "author": OKSANA.address, "at": at, "author_name": "Oksana", "id": least_id(at), **more}
    return said("Allow an hour.", **values)


def answering(minutes: float, ticket: int = 10001) -> Mapping[str, Any]:
    """A mail that answers a letter of ours of so long ago."""
    ours = message_id(SECRET, least_id(LATER - timedelta(minutes=minutes)), "flexihost.example", ticket=ticket)
    return {"in_reply_to": (ours,)}


@pytest.mark.parametrize(
    ("mail", "first", "is_told"),
    [
        ({}, answer(4), True),  # within five minutes, whatever it answers
        ({}, answer(6), False),
        (answering(8), answer(6), True),  # both answer the same notice
        (answering(60 * 24 * 3), answer(60 * 24 * 2), True),  # however long ago
        (answering(5.5), answer(6), False),  # a later notice: they know
        (answering(8, ticket=10002), answer(6), False),  # of another ticket
        (answering(8), answer(6, state="taken_back"), False),
        (answering(8), answer(6, state="awaiting_send"), False),
        (answering(8), answer(6, author=IVAN.address), False),  # their own
        (answering(8), answer(6, kind="note"), False),
    ],
)
def test_the_second_is_told_of_the_first_with_its_text(mail: Mapping[str, Any], first: Message, is_told: bool) -> None:
    decision = decided("Which name?", case=a_case(), messages=(first,), mail=mail)
    assert decision.outcome == "staff_reply"
    assert letters_of(decision, "relay"), "both go out"
    letters = told(decision, "first")
    assert [(one.to, one.context["text"]) for one in letters] == ([(IVAN.address, "Allow an hour.")] if is_told else [])


class TestOthers:
    def test_they_are_told_when_the_answer_leaves_and_not_of_one_that_is_taken_back(self) -> None:
        decision = decided("Which name?", case=a_case())
        [line] = told(decision, "answered")
        assert (line.to, line.message, line.not_before) == (OKSANA.address, "", LATER + timedelta(seconds=30))

    @pytest.mark.parametrize(
        ("ticket", "readers"),
        [
            ({"unanswered_since": MONDAY}, [OKSANA.address]),
            ({"owner": IVAN.address}, []),  # the notice went to its owner, who answers
            ({"owner": OKSANA.address}, [OKSANA.address]),
        ],
    )
    def test_they_are_those_whom_the_notice_went_to(self, ticket: dict[str, Any], readers: list[str]) -> None:
        assert [one.to for one in told(decided("Done.", case=a_case(**ticket)), "answered")] == readers

    def test_a_second_answer_of_nobodys_ticket_tells_nobody(self) -> None:
        case = a_case()
        answered = replace(case, ticket=replace(case.ticket, unanswered_since=None))
        assert told(decided("And one more thing.", case=answered), "answered") == []

    @pytest.mark.parametrize("text", ["#note\n\nCalled him.", "#take", "See the attached guide."])
    def test_what_is_no_answer_tells_nobody(self, text: str) -> None:
        assert told(decided(text, case=a_case()), "answered") == []

    def test_a_desk_may_do_without(self) -> None:
        desk = shipped_desk()
        quiet = replace(desk, rules=replace(desk.rules, tell_of_answers=False))
        assert letters_of(decided("Done.", case=a_case(), desk=quiet), "colleague_notice") == []

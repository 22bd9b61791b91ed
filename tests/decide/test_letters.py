"""What is said to whom: A1 to A3, C1, D6."""

from dataclasses import replace

import pytest

from mailgate.decide.letters import gate, to_customer, to_team
from mailgate.model.decision import LeaveOut, Send
from mailgate.model.facts import Facts
from tests.decide.build import (
    IVAN,
    NOON,
    OLENA,
    STRANGER,
    a_case,
    a_mail,
    a_person,
    ack_of,
    authenticated,
    decided,
    desk,
    left_out,
    letters,
)


@pytest.mark.parametrize(
    ("short", "day", "is_sent"), [(0, 0, True), (4, 4, True), (5, 5, False), (0, 19, True), (0, 20, False)]
)
def test_no_more_than_five_in_ten_minutes_and_twenty_a_day_go_to_one_address(
    short: int, day: int, is_sent: bool
) -> None:
    decision = decided(a_mail(), letters_10_minutes={OLENA: short}, letters_day={OLENA: day})
    assert (len(letters(decision, "ack")), len(left_out(decision))) == ((1, 0) if is_sent else (0, 1))
    assert letters(decision, "staff_notice")
    if not is_sent:
        assert letters(decision, "staff_notice")[0].context["left_out"] == left_out(decision)[0].reason


@pytest.mark.parametrize("kind", ["relay", "incident", "announcement"])
def test_a_persons_words_and_what_is_throttled_elsewhere_have_no_limit(kind: str) -> None:
    letter = to_customer(kind, a_case(), desk(), {"text": "x"})
    assert isinstance(gate(Facts(letters_day={OLENA: 500}), desk(), letter), Send)


def test_staff_and_managers_are_not_limited() -> None:
    facts = Facts(people=(a_person(),), letters_day={IVAN: 500}, letters_10_minutes={IVAN: 500})
    (letter,) = to_team("staff_notice", a_case(), desk(), facts, NOON, {})
    assert isinstance(gate(facts, desk(), letter), Send)


@pytest.mark.parametrize("kind", ["nudge", "progress", "resolved", "escalation", "promise", "split_notice", "merged"])
def test_a_blocked_requestor_hears_nothing_automatic_wherever_they_are_answered(kind: str) -> None:
    case = a_case(requestor=STRANGER, reply_address="other@evil.example")
    facts = Facts(cases={10001: case}, marks={STRANGER: ("blocked",)})
    assert isinstance(gate(facts, desk(), to_customer(kind, case, desk(), {})), LeaveOut)
    assert isinstance(gate(facts, desk(), to_customer(kind, case, desk(), {}, to=STRANGER)), LeaveOut)


def test_a_letter_to_nobody_is_left_out() -> None:
    decision = decided(a_mail(sender=()))
    assert (letters(decision, "ack"), left_out(decision)[0].letter.to) == ([], "")


def test_an_ack_answers_the_mail_it_is_about() -> None:
    mail = a_mail(references=("a@x.example", "b@x.example"), message_id="c@x.example")
    letter = ack_of(decided(mail))
    assert (letter.in_reply_to, letter.references) == ("c@x.example", ("a@x.example", "b@x.example", "c@x.example"))
    assert letter.is_automatic


def test_the_team_hears_of_a_ticket_or_its_owner_alone() -> None:
    people = [a_person(), a_person("anna@team.example"), a_person("bob@team.example", "billing")]
    team = decided(a_mail(), people=people)
    assert {letter.to for letter in letters(team, "staff_notice")} == {IVAN, "anna@team.example"}
    owned = a_case(owner="anna@team.example")
    follow_up = decided(a_mail(subject="Re: [flexihost #10001] Site shop.example"), owned, people=people)
    assert [letter.to for letter in letters(follow_up, "staff_notice")] == ["anna@team.example"]


def test_a_team_of_nobody_is_stood_in_for_by_the_managers() -> None:
    assert {letter.to for letter in letters(decided(a_mail(), people=()), "staff_notice")} == {
        "managers@flexihost.example"
    }


def test_a_team_off_duty_is_told_at_its_opening_unless_the_ticket_is_high() -> None:
    late = NOON.replace(hour=22)
    billing = [a_person("bob@team.example", "billing")]
    quiet = decided(a_mail(to=("bill@flexihost.example",), text="Hello."), people=billing, now=late)
    (notice,) = letters(quiet, "staff_notice")
    assert notice.not_before is not None
    assert notice.not_before > late
    case = a_case(queue="billing", team="billing", priority="high")
    (at_once,) = to_team("staff_notice", case, desk(), Facts(people=tuple(billing)), late, {})
    assert at_once.not_before is None


def test_what_the_card_says_of_the_sender_is_for_staff_alone() -> None:
    decision = decided(authenticated(a_mail()))
    assert letters(decision, "staff_notice")[0].context["card"]["level"] == "verified"
    assert "card" not in ack_of(decision).context
    assert replace(ack_of(decision), to=OLENA) == ack_of(decision)


@pytest.mark.parametrize(
    ("sender", "is_answered"),
    [
        ("noreply@shop.example", False), ("no-reply@shop.example", False), ("MAILER-DAEMON@shop.example", False),
        ("news-bounces@lists.example", False), ("owner-news@lists.example", False), ("postmaster@shop.example", True),
        ("root@shop.example", True), ("noreen@shop.example", True),
    ],
)  # fmt: skip
def test_nothing_automatic_is_said_to_a_programs_address(sender: str, is_answered: bool) -> None:
    decision = decided(a_mail(sender=sender, subject="Your server", text="The server is slow."))
    assert decision.outcome == "new"
    assert bool([one for one in left_out(decision) if one.letter.kind == "ack"]) is not is_answered

"""Q9: where the desk's own rules stand in the order, and what they may not do."""

from dataclasses import replace
from typing import Any

import pytest

from mailgate.model.own_rules import OwnRule, Then, When, pattern
from mailgate.model.settings import Desk
from tests.decide.build import IVAN, OLENA, STRANGER, a_case, a_mail, authenticated, decided, letters, rules

REPLY = "Re: [flexihost #10001] Site shop.example"


def a_desk(*says: Then, **when: Any) -> Desk:
    from tests.decide.build import desk

    given = When(**{"subject": (pattern("site", "words"),), **when})
    return replace(
        desk(), own_rules=tuple(OwnRule(name=f"r{place}", when=given, then=one) for place, one in enumerate(says))
    )


@pytest.mark.parametrize(
    ("mail", "says", "outcome"),
    [
        (authenticated(a_mail(), "fail"), Then(set_aside=True), "held"),  # forged comes first
        (a_mail(sender=STRANGER, automatic="list"), Then(flags=("x",)), "set_aside"),
        (a_mail(sender=STRANGER, automatic="auto_generated"), Then(queue="billing"), "new"),
        (a_mail(sender=STRANGER, automatic="auto_generated"), Then(owner=IVAN), "new"),
        (a_mail(automatic="auto_reply"), Then(hold=True), "set_aside"),
        (authenticated(a_mail(sender=IVAN, subject=REPLY)), Then(hold=True), "held"),  # before staff
        (authenticated(a_mail(sender=IVAN, subject=REPLY)), Then(set_aside=True), "set_aside"),
        (authenticated(a_mail(subject=REPLY)), Then(set_aside=True), "set_aside"),  # before the thread
        (authenticated(a_mail(subject=REPLY)), Then(queue="billing"), "follow_up"),
    ],
)
def test_rules_set_aside_and_hold_behind_forged_and_before_staff_and_thread(
    mail: Any, says: Then, outcome: str
) -> None:
    decision = decided(mail, a_case(), on=a_desk(says))
    assert (decision.outcome, letters(decision, "ack")) == (outcome, [])


def test_a_rule_lets_nobody_in() -> None:
    decision = decided(a_mail(sender=STRANGER, subject=REPLY), a_case(), on=a_desk(Then(queue="billing", owner=IVAN)))
    assert decision.identity is not None
    assert (decision.outcome, decision.identity.level, "claimed_tag" in decision.flags) == ("new", "unknown", True)


def test_the_first_rule_that_names_a_thing_decides_it_and_every_one_is_in_the_trace() -> None:
    on = a_desk(
        Then(priority="high", flags=("a",)), Then(queue="billing", priority="normal", flags=("b",)), Then(queue="abuse")
    )
    decision = decided(authenticated(a_mail()), on=on)
    assert (decision.queue, decision.priority) == ("billing", "high")
    assert decision.flags[-2:] == ("a", "b")
    spoke = [(one.verdict, one.because) for one in decision.reasons if one.rule == "Q9"]
    assert spoke[:3] == [
        ("rule «r0»", "priority high, flag a"),
        ("rule «r1»", "queue billing, priority normal (said already by «r0»), flag b"),
        ("rule «r2»", "queue abuse (said already by «r1»)"),
    ]


def test_the_queue_of_a_rule_comes_before_the_misdirected_one() -> None:
    mail = authenticated(a_mail(subject="Invoice for the site", text="Please send me the invoice of May."))
    assert "Q2" in rules(decided(mail))
    decision = decided(mail, on=a_desk(Then(queue="support")))
    assert (decision.queue, "misdirected" in decision.flags, "Q2" in rules(decision)) == ("support", False, False)


def test_an_owner_who_is_nobody_of_the_desk_is_left_out_and_said() -> None:
    decision = decided(authenticated(a_mail()), on=a_desk(Then(owner="gone@team.example")))
    assert ("no owner", "gone@team.example is nobody of the staff") in [
        (one.verdict, one.because) for one in decision.reasons
    ]


@pytest.mark.parametrize(
    ("sender", "levels", "speaks"),
    [
        (OLENA, ("verified",), True),
        (OLENA, ("registered",), False),
        (STRANGER, ("unknown",), False),
        (STRANGER, ("participant",), True),
        ("other@evil.example", ("unknown",), True),
        ("other@evil.example", ("participant",), False),
    ],
)
def test_the_level_is_a_condition_the_participants_too(sender: str, levels: tuple[str, ...], speaks: bool) -> None:
    case = a_case(participants=(STRANGER,))
    decision = decided(
        authenticated(a_mail(sender=sender, subject=REPLY)), case, on=a_desk(Then(set_aside=True), levels=levels)
    )
    assert (decision.outcome == "set_aside") == speaks


def test_the_mailbox_is_where_the_mail_goes() -> None:
    on = a_desk(Then(set_aside=True), mailbox=(pattern("bill@flexihost.example", "address"),))
    assert decided(authenticated(a_mail()), on=on).outcome == "new"
    mail = authenticated(a_mail(to=("bill@flexihost.example", "support@flexihost.example")))
    assert decided(mail, on=on).outcome == "set_aside"


def test_what_a_person_let_in_is_not_held_again_and_keeps_its_evidence() -> None:
    decision = decided(authenticated(a_mail()), on=a_desk(Then(hold=True)), arrival={"accepted_from": "h1"})
    assert decision.identity is not None
    assert (decision.outcome, decision.identity.level) == ("new", "verified")

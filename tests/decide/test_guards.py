"""The order of policy: M6 to M8, I5, S4, A6, bounces."""

from dataclasses import replace
from typing import Any

import pytest

from mailgate.model.decision import AddMessage, Hold, Mark, SetAside
from mailgate.model.facts import Seen
from mailgate.model.mail import Mail
from tests.decide.build import (
    IVAN,
    OLENA,
    STRANGER,
    TARAS,
    a_bounce,
    a_case,
    a_contact,
    a_mail,
    a_person,
    after,
    authenticated,
    decided,
    letters,
    our_id,
    token_for,
)

REPLY = "Re: [flexihost #10001] Site shop.example"
ARF = "abuse report (ARF): message/feedback-report"


@pytest.mark.parametrize(
    ("mail", "facts", "outcome", "rule"),
    [
        (a_mail(automatic="bounce"), {"seen": Seen(arrival="first", ticket=10001, outcome="new")}, "duplicate", "I5"),
        (a_mail(message_id=our_id()), {}, "set_aside", "M7"),
        (a_mail(gateway_ids=(our_id(),), automatic="auto_reply"), {}, "set_aside", "M7"),
        (a_mail(sender="support@flexihost.example", message_id=our_id()), {}, "set_aside", "M7"),
        (a_mail(sender="support@flexihost.example"), {}, "new", "S9"),
        (authenticated(a_mail(sender="support+r-1@flexihost.example"), "fail"), {}, "held", "S4"),
        (a_mail(automatic="loop"), {}, "set_aside", "M7"),
        (a_mail(automatic="report"), {}, "set_aside", "M7"),
        (a_mail(automatic="bounce"), {}, "set_aside", "M7"),
        (a_mail(automatic="auto_reply"), {}, "set_aside", "M7"),
        (authenticated(a_mail(automatic="auto_reply"), "fail"), {}, "set_aside", "M7"),
        (authenticated(a_bounce(OLENA), "fail"), {}, "set_aside", "M7"),
        (authenticated(a_mail(automatic="list"), "fail"), {}, "held", "S4"),
        (authenticated(a_mail(), "fail"), {}, "held", "S4"),
        (authenticated(a_mail(sender=IVAN), "none"), {}, "held", "S4"),
        (a_mail(sender=STRANGER, automatic="list"), {}, "set_aside", "M7"),
        (a_mail(sender=STRANGER, automatic="auto_generated"), {}, "set_aside", "M7"),
        (a_mail(), {}, "new", "A1"),
    ],
)
def test_the_first_guard_that_speaks_decides(mail: Mail, facts: dict[str, Any], outcome: str, rule: str) -> None:
    decision = decided(mail, **facts)
    assert decision.outcome == outcome
    assert rule in {one.rule for one in decision.reasons}
    if outcome in ("duplicate", "set_aside"):
        assert letters(decision) == []


def test_a_duplicate_of_a_held_mail_changes_nothing() -> None:
    decision = decided(authenticated(a_mail(), "fail"), seen=Seen(arrival="first", ticket=None, outcome="held"))
    assert (decision.outcome, decision.ticket, decision.effects) == ("duplicate", None, ())


def test_an_accepted_mail_is_no_duplicate_of_itself() -> None:
    seen = Seen(arrival="arrival", ticket=None, outcome="held")
    decision = decided(authenticated(a_mail(), "fail"), seen=seen, arrival={"accepted_from": "h1"})
    assert decision.outcome == "new"


def test_a_held_mail_answers_nobody_and_tells_the_queue_what_it_would_have_been() -> None:
    decision = decided(authenticated(a_mail(subject=REPLY), "fail"), a_case())
    (notice,) = letters(decision)
    assert (notice.kind, notice.to, notice.context["would_be"]) == ("held_notice", IVAN, "follow_up")
    assert notice.context["would_be_ticket"] == 10001
    assert [type(one) for one in decision.effects if isinstance(one, Hold)] == [Hold]


@pytest.mark.parametrize(
    ("because", "to", "outcome"),
    [
        (ARF, "abuse@flexihost.example", "new"),
        ("multipart/report of feedback-report", "abuse@flexihost.example", "new"),
        (ARF, "support@flexihost.example", "set_aside"),
        ("read receipt: message/disposition-notification", "abuse@flexihost.example", "set_aside"),
    ],
)
def test_only_an_abuse_report_to_the_abuse_mailbox_opens_a_ticket(because: str, to: str, outcome: str) -> None:
    decision = decided(a_mail(sender="fbl@isp.example", automatic="report", because=because, to=(to,)))
    assert (decision.outcome, letters(decision, "ack")) == (outcome, [])
    assert decision.queue == ("abuse" if outcome == "new" else None)


@pytest.mark.parametrize(("sender", "outcome"), [(OLENA, "recorded"), (TARAS, "recorded"), (STRANGER, "set_aside")])
def test_a_vacation_reply_is_recorded_for_those_who_take_part(sender: str, outcome: str) -> None:
    case = a_case(status="waiting")
    decision = decided(a_mail(sender=sender, subject=REPLY, automatic="auto_reply"), case)
    assert (decision.outcome, letters(decision)) == (outcome, [])
    if outcome == "recorded":
        (added,) = (one for one in decision.effects if isinstance(one, AddMessage))
        assert (added.ticket, added.message.kind) == (10001, "recorded")
    else:
        assert any(isinstance(one, SetAside) for one in decision.effects)


def marked(decision: Any) -> list[str]:
    return [one.address for one in decision.effects if isinstance(one, Mark)]


@pytest.mark.parametrize(
    ("mail", "named_by"),
    [
        (a_bounce(OLENA, original_message_id=our_id()), {}),
        (a_bounce(OLENA, original_references=(our_id(),)), {}),
        (replace(a_bounce(OLENA), to=a_mail(to=(token_for(OLENA),)).to), {}),
        (replace(a_bounce(OLENA), in_reply_to=(our_id(),)), {}),
        (a_bounce(OLENA, original_references=("first@mail.example",)), {"first@mail.example": 10001}),
    ],
    ids=["Message-ID", "References", "token", "In-Reply-To", "the customer's own Message-ID"],
)
def test_a_bounce_is_recorded_on_the_ticket_whose_mail_it_was(mail: Mail, named_by: dict[str, int]) -> None:
    decision = decided(mail, a_case(), named_by=named_by, arrival={"envelope_from": ""})
    assert (decision.outcome, decision.ticket, marked(decision)) == ("recorded", 10001, [OLENA])
    assert "address_failed" in after(decision).flags
    assert [letter.to for letter in letters(decision)] == [IVAN]


def test_a_bounce_with_a_guessed_tag_is_set_aside() -> None:
    mail = replace(a_bounce(OLENA, original_subject=REPLY), subject=REPLY, tags=a_mail(subject=REPLY).tags)
    assert decided(mail, a_case()).outcome == "set_aside"


def test_a_warning_of_delay_marks_nothing_and_tells_nobody() -> None:
    mail = a_bounce(OLENA, status="4.4.1", permanent=False, delayed_only=True, original_message_id=our_id())
    decision = decided(mail, a_case())
    assert (decision.outcome, marked(decision), letters(decision)) == ("recorded", [], [])


def test_who_gave_up_after_passing_trouble_has_failed_as_well() -> None:
    mail = a_bounce(OLENA, status="4.4.7", permanent=False, original_message_id=our_id())
    decision = decided(mail, a_case())
    assert marked(decision) == [OLENA]
    assert letters(decision)[0].context["failed"][0]["address"] == OLENA


def test_a_bounce_that_names_a_stranger_marks_nobody() -> None:
    decision = decided(a_bounce("someone@else.example", original_message_id=our_id()), a_case())
    assert (decision.outcome, marked(decision)) == ("recorded", [])


def test_after_a_bounce_the_next_address_of_the_same_purpose_is_used() -> None:
    contacts = [
        a_contact(OLENA, purposes=("support",)),
        a_contact(TARAS),
        a_contact("second@shop.example", purposes=("support",)),
    ]
    decision = decided(a_bounce(OLENA, original_message_id=our_id()), a_case(), contacts=contacts)
    assert after(decision).reply_address == "second@shop.example"
    assert letters(decision)[0].context["next_address"] == "second@shop.example"


def test_the_notice_of_a_bounce_never_goes_to_the_address_that_bounced() -> None:
    people = [a_person(), a_person("anna@team.example")]
    decision = decided(a_bounce(IVAN, original_message_id=our_id()), a_case(), people=people)
    assert ([letter.to for letter in letters(decision)], marked(decision)) == (["anna@team.example"], [IVAN])
    alone = decided(a_bounce(IVAN, original_message_id=our_id()), a_case())
    assert [letter.to for letter in letters(alone)] == ["managers@flexihost.example"]
    nobody = decided(a_bounce(IVAN, "managers@flexihost.example", original_message_id=our_id()), a_case())
    assert letters(nobody) == []


def test_a_customer_who_asks_about_a_bounce_is_answered() -> None:
    decision = decided(a_mail(subject="Fwd: Undelivered Mail Returned to Sender", text="Why does this come back?"))
    assert (decision.outcome, len(letters(decision, "ack"))) == ("new", 1)


def test_every_decision_names_its_reasons() -> None:
    for mail in (a_mail(), authenticated(a_mail(), "fail"), a_bounce(OLENA), a_mail(automatic="auto_reply")):
        assert decided(mail).reasons

"""Which ticket: T1 to T6, and who may add (T3, S7)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.model.mail import Forwarded, Mail, Tag
from tests.decide.build import (
    NOON,
    OLENA,
    SERGEY,
    SHOP,
    SKLAD,
    STRANGER,
    TARAS,
    a_case,
    a_contact,
    a_form,
    a_mail,
    after,
    authenticated,
    decided,
    letters,
    our_id,
    rules,
    token_for,
)

REPLY = "Re: [flexihost #10001] Site shop.example"


@pytest.mark.parametrize(
    ("mail", "by"),
    [
        (a_mail(subject=REPLY), "tag"),
        (a_mail(subject="AW: [ Flexihost  # 10001 ] Site shop.example"), "tag"),
        (a_mail(subject="Site shop.example", to=(token_for(OLENA),)), "token"),
        (a_mail(in_reply_to=(our_id(),)), "references"),
        (a_mail(references=("first@mail.example", "zz@x.example")), "references"),
        (a_mail(subject="Ticket #10001: Site shop.example"), "words"),
        (a_mail(subject="Zgłoszenie nr 10001"), "words"),
        (a_mail(subject="Заявка №10001"), "words"),
        (a_mail(quoted_tags=(Tag(desk="flexihost", number=10001),)), "words"),
    ],
)
def test_every_kind_of_evidence_leads_to_the_ticket(mail: Mail, by: str) -> None:
    decision = decided(mail, a_case(), named_by={"first@mail.example": 10001})
    assert (decision.outcome, decision.by, decision.ticket) == ("follow_up", by, 10001)


@pytest.mark.parametrize(
    "subject",
    [
        "#10001", "Order #10001", "Invoice #10001", "Server 10001", "заказ 10001", "Заказ №10001",
        "zamówienie nr 10001",
        "Bestellung 10001", "Auftrag Nr. 10001", "[strato #10001] Site shop.example", "[flexihost #777] Site",
    ],
)  # fmt: skip
def test_other_numbers_and_other_desks_tags_name_no_ticket(subject: str) -> None:
    assert decided(a_mail(subject=subject), a_case()).outcome == "new"


def test_of_several_tags_the_first_that_names_a_ticket_counts() -> None:
    decision = decided(
        a_mail(subject="Re: [flexihost #555] [flexihost #10002] [flexihost #10001]"), a_case(), a_case(10002)
    )
    assert decision.ticket == 10002


def test_the_strongest_evidence_decides_and_the_trace_says_that_they_disagreed() -> None:
    decision = decided(a_mail(subject=REPLY, in_reply_to=(our_id(10002),)), a_case(), a_case(10002))
    assert (decision.by, decision.ticket) == ("tag", 10001)
    assert any(one.rule == "T1" and "disagree" in one.verdict for one in decision.reasons)


def test_evidence_for_a_ticket_of_others_gives_way_to_the_senders_own() -> None:
    theirs = a_case(10002, requestor=SERGEY, account="1002")
    decision = decided(
        a_mail(subject="Re: [flexihost #10002] Site shop.example", in_reply_to=(our_id(),)), a_case(), theirs
    )
    assert (decision.outcome, decision.by, decision.ticket) == ("follow_up", "references", 10001)
    assert "claimed_tag" in decision.flags
    assert letters(decision, "staff_notice")[0].context["claimed"] == (10002,)


def test_of_two_tags_the_one_of_the_senders_own_ticket_counts() -> None:
    theirs = a_case(10002, requestor=SERGEY, account="1002")
    decision = decided(a_mail(subject="Re: [flexihost #10002] [flexihost #10001] Site shop.example"), a_case(), theirs)
    assert (decision.outcome, decision.ticket) == ("follow_up", 10001)


def test_a_merged_ticket_stands_for_the_one_it_went_into() -> None:
    decision = decided(a_mail(subject="Re: [flexihost #10003] Site shop.example"), a_case(), survivors={10003: 10001})
    assert (decision.outcome, decision.ticket) == ("follow_up", 10001)


def test_two_numbers_of_one_merged_ticket_do_not_disagree() -> None:
    mail = a_mail(subject="Re: [flexihost #10003] Site shop.example", in_reply_to=(our_id(),))
    decision = decided(mail, a_case(), survivors={10003: 10001})
    assert not any("disagree" in one.verdict for one in decision.reasons)


@pytest.mark.parametrize(
    ("sender", "case", "outcome"),
    [
        (OLENA, a_case(), "follow_up"),
        (TARAS, a_case(), "follow_up"),  # of the account
        (SERGEY, a_case(), "new"),  # of another
        (STRANGER, a_case(), "new"),
        (STRANGER, a_case(participants=(STRANGER,)), "follow_up"),
        (STRANGER, a_case(requestor=STRANGER, account=None), "follow_up"),
        (STRANGER, a_case(requestor="form@x.example", reply_address=STRANGER, account=None), "follow_up"),
    ],
)
def test_participants_and_the_accounts_contacts_may_add(sender: str, case: Any, outcome: str) -> None:
    assert decided(a_mail(sender=sender, subject=REPLY), case).outcome == outcome


def test_a_contact_whose_day_is_over_is_a_contact_no_more() -> None:
    contacts = [a_contact(TARAS, SHOP, until=(NOON - timedelta(days=2)).date())]
    assert decided(a_mail(sender=TARAS, subject=REPLY), a_case(), contacts=contacts).outcome == "new"


@pytest.mark.parametrize("evidence", ["tag", "token", "references", "words"])
def test_for_a_stranger_every_kind_of_evidence_is_void_and_staff_see_the_claim(evidence: str) -> None:
    mail = {
        "tag": a_mail(sender=STRANGER, subject=REPLY),
        "token": a_mail(sender=STRANGER, to=(token_for(OLENA),)),
        "references": a_mail(sender=STRANGER, in_reply_to=(our_id(),)),
        "words": a_mail(sender=STRANGER, subject="Ticket #10001"),
    }[evidence]
    decision = decided(authenticated(mail), a_case())
    assert (decision.outcome, decision.by, "claimed_tag" in decision.flags) == ("new", None, True)
    assert "T3" in rules(decision)
    assert letters(decision, "staff_notice")[0].context["claimed"] == (10001,)


def test_the_customers_first_mail_that_comes_late_joins_the_ticket_that_named_it() -> None:
    case = a_case(requestor="colleague@x.example", participants=(STRANGER,), account=None, subject="Backup")
    decision = decided(a_mail(sender=STRANGER, subject="Backup"), case, expected_by=10001)
    assert (decision.outcome, decision.by, letters(decision, "ack")) == ("follow_up", "references", [])


def test_a_stranger_with_that_message_id_joins_nothing() -> None:
    case = a_case(requestor="colleague@x.example", account=None, subject="Backup")
    assert decided(a_mail(sender=STRANGER, subject="Backup"), case, expected_by=10001).outcome == "new"


def test_a_forward_without_a_tag_is_a_new_ticket_linked_to_what_it_forwards() -> None:
    forwarded = Forwarded(address="support@flexihost.example", message_id=our_id())
    decision = decided(a_mail(subject="Fwd: Site shop.example", forwarded=forwarded), a_case())
    assert (decision.outcome, decision.by) == ("new", None)
    assert [(link.kind, link.ticket) for link in after(decision, 0).links] == [("forward", 10001)]
    assert after(decision, 10001).links[0].kind == "forward"


def test_a_forward_with_a_tag_is_a_follow_up() -> None:
    assert decided(a_mail(subject="Fwd: [flexihost #10001] Site shop.example"), a_case()).outcome == "follow_up"


def test_a_strangers_forward_of_our_mail_links_nothing() -> None:
    forwarded = Forwarded(address="support@flexihost.example", message_id=our_id())
    decision = decided(a_mail(sender=STRANGER, subject="Fwd: Site shop.example", forwarded=forwarded), a_case())
    assert (decision.outcome, after(decision, 0).links) == ("new", ())


@pytest.mark.parametrize(
    ("subject", "outcome"),
    [
        ("Re: [flexihost #10001] Site shop.example", "follow_up"),
        ("Re: [flexihost #10001]", "follow_up"),
        ("[flexihost #10001] Site shop.example, more details", "follow_up"),
        ("[flexihost #10001] Site", "follow_up"),
        ("[flexihost #10001] Invoice for February is missing", "split"),
        ("[flexihost #10001] Site other.example", "split"),
    ],
)
def test_another_matter_is_another_ticket(subject: str, outcome: str) -> None:
    decision = decided(a_mail(subject=subject), a_case())
    assert decision.outcome == outcome
    assert decision.from_ticket == (10001 if outcome == "split" else None)


def test_a_split_links_both_tickets_and_leaves_the_old_one_as_it_is() -> None:
    case = a_case(status="resolved")
    decision = decided(a_mail(subject="[flexihost #10001] Invoice for February is missing"), case)
    old, new = after(decision, 10001), after(decision, 0)
    assert (old.status, [link.ticket for link in new.links], old.links[0].kind) == ("resolved", [10001], "split")
    assert letters(decision, "ack")[0].context["split_because"] == "matter"


@pytest.mark.parametrize(
    ("closed_for", "outcome"),
    [(timedelta(days=13), "follow_up"), (timedelta(days=14), "follow_up"), (timedelta(days=14, seconds=1), "split")],
)
def test_the_window_ends_after_fourteen_days(closed_for: timedelta, outcome: str) -> None:
    case = a_case(status="closed", finished_at=NOON - closed_for)
    assert decided(a_mail(subject=REPLY), case).outcome == outcome


def test_a_ticket_that_is_only_resolved_has_no_window() -> None:
    case = a_case(status="resolved", finished_at=NOON - timedelta(days=20))
    assert decided(a_mail(subject=REPLY), case).outcome == "follow_up"


ANNOUNCED = (
    "Another question: how do I add a mailbox?",
    "Ich habe noch eine neue Frage: wie lege ich ein Postfach an?",
    "Mam inne pytanie: jak dodać skrzynkę?",
    "У меня другой вопрос: как добавить почтовый ящик?",
    "Маю інше питання: як додати поштову скриньку?",
)


@pytest.mark.parametrize("text", ANNOUNCED)
@pytest.mark.parametrize(("status", "outcome"), [("resolved", "split"), ("closed", "split"), ("open", "follow_up"),
                                                 ("waiting", "follow_up")])  # fmt: skip
def test_an_announced_question_splits_from_what_is_finished_alone(text: str, status: str, outcome: str) -> None:
    decision = decided(a_mail(subject=REPLY, text=text), a_case(status=status))
    assert decision.outcome == outcome
    if outcome == "follow_up":
        assert letters(decision, "staff_notice")[0].context["suggest_split"] is True


THANKS = ("Thanks a lot!", "Vielen Dank!", "Dziękuję bardzo!", "Спасибо большое!", "Дуже дякую!")


@pytest.mark.parametrize("text", THANKS)
@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_mere_thank_you_leaves_the_status_alone(text: str, status: str) -> None:
    case = a_case(status=status)
    decision = decided(a_mail(subject=REPLY, text=text), case)
    assert (decision.outcome, after(decision).status, after(decision).unanswered_since) == ("follow_up", status, None)
    assert letters(decision, "staff_notice")[0].context["event"] == "thanks"


@pytest.mark.parametrize("text", THANKS)
def test_thanks_with_a_subject_of_thanks_are_no_other_matter(text: str) -> None:
    decision = decided(a_mail(subject=f"[flexihost #10001] {text}", text=text), a_case(status="resolved"))
    assert (decision.outcome, after(decision).status) == ("follow_up", "resolved")


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_follow_up_within_the_window_reopens_and_starts_the_clock(status: str) -> None:
    decision = decided(a_mail(subject=REPLY), a_case(status=status))
    assert (after(decision).status, after(decision).unanswered_since) == ("open", NOON)


@pytest.mark.parametrize(
    ("mail", "facts", "outcome"),
    [
        (a_mail(), {}, "follow_up"),
        (a_mail(sender=TARAS), {}, "follow_up"),
        (a_mail(sender=STRANGER), {}, "new"),
        (a_mail(subject="Fwd: Site shop.example"), {}, "new"),
        (a_mail(subject="Help"), {}, "new"),
        (a_mail(subject="Вопрос"), {}, "new"),
        (a_mail(subject="Frage"), {}, "new"),
        (a_mail(subject="I have a question"), {}, "new"),
        (a_mail(), {"same_subject": ()}, "new"),
        (a_mail(), {"form": a_form()}, "new"),
    ],
)
def test_the_same_subject_of_a_contact_is_the_same_ticket(mail: Mail, facts: dict[str, Any], outcome: str) -> None:
    case = a_case(subject=mail.core_subject)
    decision = decided(mail, case, **{"same_subject": (10001,), **facts})
    assert (decision.outcome, decision.by) == (outcome, "subject" if outcome == "follow_up" else None)


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_the_same_subject_as_a_finished_ticket_is_a_new_one(status: str) -> None:
    assert decided(a_mail(), a_case(status=status), same_subject=(10001,)).outcome == "new"


def test_void_evidence_is_as_none_for_the_same_subject() -> None:
    theirs = a_case(10002, requestor=SERGEY, account="1002")
    mail = a_mail(subject="Re: [flexihost #10002] Site shop.example")
    decision = decided(mail, a_case(), theirs, same_subject=(10001,))
    assert (decision.by, decision.ticket, "claimed_tag" in decision.flags) == ("subject", 10001, True)


FLAGGED: dict[str, Any] = {
    "requestor": STRANGER, "account": None, "level": "unknown", "status": "waiting", "request": "account",
    "flags": ("identity_required",),
}  # fmt: skip


@pytest.mark.parametrize(
    ("named", "mail", "outcome"),
    [
        ("1001", a_mail(subject=REPLY), "follow_up"),
        ("1002", a_mail(subject=REPLY), "new"),
        (None, a_mail(subject=REPLY), "new"),
        (None, a_mail(subject=REPLY, in_reply_to=(our_id(),)), "follow_up"),
        (None, a_mail(to=(token_for(STRANGER),)), "follow_up"),
        (None, a_mail(subject="Ticket #10001: Site shop.example"), "new"),
    ],
)
def test_a_contact_belongs_to_a_flagged_ticket_that_names_their_account_or_that_we_led_them_to(
    named: str | None, mail: Mail, outcome: str
) -> None:
    decision = decided(mail, a_case(named_account=named, **FLAGGED))
    assert decision.outcome == outcome


def test_the_tag_is_the_evidence_where_a_message_id_of_the_same_ticket_lets_the_contact_in() -> None:
    decision = decided(a_mail(subject=REPLY, in_reply_to=(our_id(),)), a_case(named_account=None, **FLAGGED))
    assert (decision.by, "claimed_tag" in decision.flags) == ("tag", False)


def test_a_contact_of_no_account_of_the_ticket_may_not_add_without_the_flag() -> None:
    case = a_case(requestor=STRANGER, account=None, named_account="1001")
    assert decided(a_mail(subject=REPLY), case).outcome == "new"
    assert SKLAD.number == "1002"


def test_mail_of_a_contacts_machine_is_ordinary_and_splits_too() -> None:
    mail = replace(a_mail(subject="[flexihost #10001] Disk full on db.other.example", automatic="auto_generated"))
    decision = decided(mail, a_case())
    assert (decision.outcome, letters(decision, "ack")) == ("split", [])

"""A customer's mail: opening (A1), follow-ups (T5, D1, D6, D7), the identity flag (S7), incidents in acks (N2)."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailgate.decide import clocks
from mailgate.model.facts import Incident
from mailgate.model.mail import Attachment
from tests.decide.build import (
    BUH,
    IVAN,
    NOON,
    OLENA,
    SERGEY,
    SHOP,
    STRANGER,
    TARAS,
    a_case,
    a_contact,
    a_form,
    a_mail,
    a_person,
    ack_of,
    after,
    authenticated,
    case_after,
    decided,
    desk,
    left_out,
    letters,
    our_id,
    token_for,
)

REPLY = "Re: [flexihost #10001] Site shop.example"


def test_a_new_ticket_has_its_clocks_and_one_ack() -> None:
    decision = decided(authenticated(a_mail()))
    kinds = {one.kind for one in case_after(decision).deadlines if one.state == "pending"}
    assert {"ack", "first_response", "update", "resolve"} <= kinds
    assert ack_of(decision).context["due_at"] == NOON + timedelta(minutes=60)


def test_those_in_to_and_cc_take_part_but_no_desk_address_and_no_staff() -> None:
    to = (
        "support@flexihost.example",
        "partner@x.example",
        "support+note@flexihost.example",
        "postmaster@flexihost.example",
    )
    cc = (
        "Colleague@X.example",
        IVAN,
        "bill@flexihost.example",
        "managers@flexihost.example",
        OLENA,
        "support@strato.example",
    )
    decision = decided(a_mail(to=to, cc=cc))
    assert after(decision).participants == ("partner@x.example", "colleague@x.example")
    assert [letter.to for letter in letters(decision, "ack")] == [OLENA]


def test_who_a_machine_writes_to_takes_no_part() -> None:
    decision = decided(a_mail(cc=("users@list.example",), automatic="list"))
    assert (decision.outcome, after(decision).participants) == ("new", ())


def test_a_participant_who_is_added_in_cc_of_a_follow_up_takes_part_from_then_on() -> None:
    decision = decided(a_mail(subject=REPLY, cc=("new@x.example",)), a_case())
    assert "new@x.example" in after(decision).participants


@pytest.mark.parametrize(
    "more",
    [{"arrival": {"envelope_from": ""}}, {"arrival": {"wants_ack": False}}],
    ids=["empty envelope sender", "an import"],
)
def test_no_ack_goes_where_none_is_wanted(more: dict[str, Any]) -> None:
    decision = decided(a_mail(), **more)
    assert (decision.outcome, letters(decision, "ack")) == ("new", [])
    assert not [one for one in case_after(decision).deadlines if one.kind == "ack"]


@pytest.mark.parametrize("kind", ["list", "auto_generated"])
@pytest.mark.parametrize(("sender", "outcome"), [(OLENA, "new"), (STRANGER, "set_aside")])
def test_list_and_machine_mail_of_a_contact_is_ordinary_without_an_ack(kind: str, sender: str, outcome: str) -> None:
    decision = decided(a_mail(sender=sender, automatic=kind))
    assert (decision.outcome, letters(decision, "ack")) == (outcome, [])
    assert bool(letters(decision, "staff_notice")) is (outcome == "new")


@pytest.mark.parametrize("status", ["waiting", "resolved", "closed"])
def test_machine_mail_on_a_ticket_moves_nothing(status: str) -> None:
    case = a_case(status=status)
    decision = decided(a_mail(subject=REPLY, automatic="auto_generated"), case)
    assert (decision.outcome, after(decision).status) == ("follow_up", status)
    assert case_after(decision).deadlines == case.deadlines


@pytest.mark.parametrize(
    ("before", "then"),
    [("new", "new"), ("open", "open"), ("waiting", "open"), ("resolved", "open"), ("closed", "open")],
)
def test_a_follow_up_gives_the_desk_the_ball(before: str, then: str) -> None:
    assert after(decided(a_mail(subject=REPLY), a_case(status=before))).status == then


def test_writing_again_never_postpones_the_answer() -> None:
    case = a_case()
    due = clocks.find_live(case, "first_response")
    decision = decided(a_mail(subject=REPLY), case)
    assert clocks.find_live(case_after(decision), "first_response", "next_response") == due


def test_a_follow_up_wakes_a_snoozed_ticket() -> None:
    case = clocks.snooze(a_case(), desk(), NOON + timedelta(days=2), NOON - timedelta(minutes=30))
    decision = decided(a_mail(subject=REPLY), case)
    assert (after(decision).snoozed_until, after(decision).status) == (None, "open")
    assert letters(decision, "reminder")


@pytest.mark.parametrize(("waits_for", "is_told"), [(timedelta(hours=47), False), (timedelta(hours=48), True)])
def test_who_writes_again_after_two_days_brings_it_to_the_lead(waits_for: timedelta, is_told: bool) -> None:
    case = a_case()
    case = replace(case, ticket=replace(case.ticket, unanswered_since=NOON - waits_for))
    people = [a_person(), a_person("lead@team.example", "support", role="lead")]
    found = letters(decided(a_mail(subject=REPLY), case, people=people), "lead_notice")
    assert [letter.to for letter in found] == (["lead@team.example"] if is_told else [])


def test_a_formal_notice_gets_a_receipt_with_the_digests_of_its_files() -> None:
    attachment = Attachment(filename="k.pdf", content_type="application/pdf", size=3, sha256="ab" * 32)
    mail = a_mail(subject="Cancellation", text="I hereby cancel my contract.", attachments=(attachment,))
    receipt = ack_of(decided(authenticated(mail))).context["receipt"]
    assert (receipt["received_at"], receipt["files"][0]["sha256"]) == (NOON, "ab" * 32)


def test_the_ack_carries_the_text_of_a_known_incident_in_the_customers_language() -> None:
    incident = Incident(
        number=1, desk="flexihost", state="open", hosts=("shop.example",), services=(), domains=(),
        texts={"en": "We know of it.", "uk": "Ми знаємо."}, opened_at=NOON,
    )  # fmt: skip
    decision = decided(a_mail(text="shop.example answers 502"), incidents=(incident,))
    assert ack_of(decision).context["incidents"] == ("Ми знаємо.",)
    assert [(link.kind, link.ticket) for link in after(decision).links] == [("incident", 1)]
    assert (
        ack_of(decided(a_mail(subject="Mail", text="other.example"), incidents=(incident,))).context["incidents"] == ()
    )


# S7


def flagged(**more: Any) -> Any:
    values: dict[str, Any] = {
        "requestor": STRANGER,
        "account": None,
        "named_account": "1001",
        "level": "unknown",
        "status": "waiting",
        "request": "sensitive",
        "rights": ("password",),
        "flags": ("identity_required",),
    }
    return a_case(**{**values, **more})


@pytest.mark.parametrize(
    ("sender", "verdict", "ticket", "is_lifted"),
    [
        (OLENA, "pass", {}, True),
        (TARAS, "pass", {}, True),
        (OLENA, "none", {}, False),  # a password wants a pass
        (BUH, "pass", {}, False),  # not with this role
        (STRANGER, "pass", {}, False),
        (OLENA, "none", {"request": "account", "rights": ()}, True),
        (BUH, "none", {"request": "account", "rights": ()}, True),
        (TARAS, "pass", {"rights": ("cancellation",)}, False),
        (OLENA, "pass", {"rights": ("cancellation",)}, True),
        (OLENA, "pass", {"account": "1001", "named_account": None, "requestor": BUH}, True),
        (BUH, "pass", {"account": "1001", "named_account": None, "requestor": BUH}, False),
    ],
)
def test_the_flag_is_lifted_by_a_contact_who_may(
    sender: str, verdict: str, ticket: dict[str, Any], is_lifted: bool
) -> None:
    case = flagged(**ticket)
    decision = decided(authenticated(a_mail(sender=sender, subject=REPLY, text="It was me, go ahead."), verdict), case)
    now = after(decision)
    assert (decision.outcome, "identity_required" not in now.flags) == ("follow_up", is_lifted)
    assert now.status == ("open" if is_lifted else "waiting")
    assert now.account == ("1001" if is_lifted else case.ticket.account)
    assert (now.unanswered_since == NOON) is is_lifted
    assert (clocks.find_live(case_after(decision), "first_response") is not None) is is_lifted


def test_a_contact_of_another_account_never_takes_the_ticket() -> None:
    mail = authenticated(a_mail(sender=SERGEY, subject=REPLY, in_reply_to=(our_id(),)))
    decision = decided(mail, flagged())
    assert (after(decision).account, after(decision).status) == (None, "waiting")


def test_a_contact_whom_our_token_led_there_gives_their_account_to_a_ticket_that_names_none() -> None:
    mail = authenticated(a_mail(sender=SERGEY, subject="Site shop.example", to=(token_for(STRANGER),)))
    decision = decided(mail, flagged(named_account=None))
    assert (after(decision).account, after(decision).status) == ("1002", "open")


def test_of_two_accounts_the_contact_writes_as_the_one_that_the_flagged_ticket_names() -> None:
    contacts = [a_contact(OLENA, replace(SHOP, id="a9", number="1009")), a_contact(OLENA)]
    decision = decided(authenticated(a_mail(subject=REPLY)), flagged(), contacts=contacts)
    assert (after(decision).account, after(decision).status) == ("1001", "open")


def test_a_number_that_the_stranger_adds_names_the_account_for_later() -> None:
    mail = a_mail(sender=STRANGER, subject=REPLY, text="договор № 1001")
    decision = decided(mail, flagged(named_account=None, missing=("contract",)))
    assert (after(decision).named_account, after(decision).missing) == ("1001", ())


@pytest.mark.parametrize("status", ["resolved", "closed"])
def test_a_strangers_follow_up_on_a_finished_flagged_ticket_lets_it_wait_again(status: str) -> None:
    decision = decided(a_mail(sender=STRANGER, subject=REPLY), flagged(status=status))
    assert (after(decision).status, after(decision).unanswered_since) == ("waiting", None)


def test_a_follow_up_that_asks_for_more_than_its_sender_may_shows_the_flag() -> None:
    mail = a_mail(subject=REPLY, text="And please reset the root password of my server.")
    decision = decided(mail, a_case())
    assert "identity_required" in decision.flags
    assert "identity_required" not in after(decision).flags
    assert "identity_required" in letters(decision, "staff_notice")[0].context["card"]["flags"]


# Q4, Q7: what is missing, and said later


@pytest.mark.parametrize(
    ("missing", "text", "still"),
    [
        (("server", "service", "started"), "Server: 203.0.113.7", ("service", "started")),
        (("server", "started"), "Order #4471001", ("started",)),
        (("contract",), "login: olena", ()),
        (("contract",), "Kundennummer 4711", ()),
    ],
)
def test_a_filled_reply_is_read_back(missing: tuple[str, ...], text: str, still: tuple[str, ...]) -> None:
    case = a_case(requestor=STRANGER, account=None, missing=missing)
    assert after(decided(a_mail(sender=STRANGER, subject=REPLY, text=text), case)).missing == still


# A3: blocked senders


def test_a_blocked_sender_opens_a_ticket_and_hears_nothing() -> None:
    decision = decided(a_mail(sender=STRANGER), marks={STRANGER: ("blocked",)})
    assert (decision.outcome, letters(decision, "ack"), "blocked" in decision.flags) == ("new", [], True)
    assert left_out(decision)[0].letter.kind == "ack"
    assert not [one for one in case_after(decision).deadlines if one.kind == "ack" and one.state == "pending"]
    assert letters(decision, "staff_notice")


def test_a_blocked_sender_hears_nothing_by_a_reply_to_either() -> None:
    decision = decided(a_mail(sender=STRANGER, reply_to="other@evil.example"), marks={STRANGER: ("blocked",)})
    assert letters(decision, "ack") == []


def test_a_panel_form_needs_no_contract_number() -> None:
    assert "contract" not in decided(a_mail(), form=a_form(source="chat")).missing


@pytest.mark.parametrize(
    ("sender", "auth", "told"),
    [(OLENA, "none", "unconfirmed"), (BUH, "pass", "role"), (STRANGER, "none", "unknown"), (OLENA, "pass", "")],
)
def test_the_ack_tells_each_what_helps_where_an_identity_is_required(sender: str, auth: str, told: str) -> None:
    mail = a_mail(sender=sender, subject="Contract", text="Please cancel my contract, number 1001.")
    decision = decided(authenticated(mail, auth))
    assert ack_of(decision).context["identity"] == told
    assert ("identity_required" in decision.flags) is bool(told)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Nothing works, total outage on server 203.0.113.7!", ("service", "started")),
        ("My site does not work.", ("summary", "environment", "tried", "attachments", "urgency")),
        ("Do you have a price list?", ()),
    ],
)
def test_the_form_of_the_ack_asks_for_what_is_missing_and_nothing_else(text: str, form: tuple[str, ...]) -> None:
    assert ack_of(decided(authenticated(a_mail(subject="Hosting", text=text)))).context["form"] == form


def test_a_stranger_is_asked_for_the_contract_number_once() -> None:
    decision = decided(
        a_mail(sender=STRANGER, subject="Hosting", text="Total outage on server 203.0.113.7, nothing works!")
    )
    context = ack_of(decision).context
    assert "contract" in context["missing"]
    assert context["form"].count("contract") == 1

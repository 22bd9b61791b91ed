"""Where it goes and what it asks for: I6, Q1 to Q5, Q8, S6, S8, M5."""

from dataclasses import replace

import pytest

from mailgate.model.decision import Send
from tests.decide.build import (
    BUH,
    NOON,
    OLENA,
    STRANGER,
    TARAS,
    a_form,
    a_mail,
    ack_of,
    after,
    authenticated,
    decided,
    desk,
)

SUPPORT, BILL, ABUSE = "support@flexihost.example", "bill@flexihost.example", "abuse@flexihost.example"
TECHNICAL = "The site shop.example answers 502 Bad Gateway, nginx does not start."
FINANCIAL = "Please send the invoice and tell me how to pay it, the payment by card fails."


@pytest.mark.parametrize(
    ("to", "cc", "recipient", "queue"),
    [
        ((SUPPORT,), (), SUPPORT, "support"),
        ((BILL,), (), BILL, "billing"),
        ((SUPPORT, BILL), (), BILL, "support"),
        ((BILL, SUPPORT), (), SUPPORT, "billing"),
        (("friend@x.example",), (BILL,), SUPPORT, "billing"),
        (("friend@x.example",), (), BILL, "billing"),
        (("Bill+note@flexihost.example",), (), SUPPORT, "billing"),
        (("postmaster@flexihost.example",), (), "postmaster@flexihost.example", "support"),
    ],
)
def test_the_first_mailbox_in_to_then_cc_names_the_queue(
    to: tuple[str, ...], cc: tuple[str, ...], recipient: str, queue: str
) -> None:
    mail = a_mail(to=to, cc=cc, subject="Hello there", text="Good day.")
    assert decided(mail, arrival={"recipients": (recipient,)}).queue == queue


@pytest.mark.parametrize(
    ("to", "text", "queue", "is_moved"),
    [
        (BILL, TECHNICAL, "support", True),
        (SUPPORT, FINANCIAL, "billing", True),
        (BILL, FINANCIAL, "billing", False),
        (SUPPORT, TECHNICAL, "support", False),
        (BILL, TECHNICAL + " " + FINANCIAL, "billing", False),
        (ABUSE, TECHNICAL, "abuse", False),
        (ABUSE, FINANCIAL, "abuse", False),
    ],
)
def test_clearly_misdirected_mail_goes_to_the_right_queue_and_the_ack_says_so(
    to: str, text: str, queue: str, is_moved: bool
) -> None:
    decision = decided(authenticated(a_mail(to=(to,), subject="Question of today", text=text)))
    assert (decision.queue, "misdirected" in decision.flags) == (queue, is_moved)
    assert bool(ack_of(decision).context["moved"]) is is_moved


@pytest.mark.parametrize(
    ("department", "queue"),
    [
        ("technical", "support"),
        ("financial", "billing"),
        ("abuse", "abuse"),
        ("Billing", "billing"),
        ("sales", "support"),
    ],
)
def test_the_panels_department_is_a_queue_or_the_first_one(department: str, queue: str) -> None:
    assert decided(a_mail(text=FINANCIAL), form=a_form(department=department)).queue == queue


@pytest.mark.parametrize(
    ("text", "priority"),
    [
        ("URGENT!!! How do I add a mailbox?", "normal"),
        ("Our server is completely down, all sites are unreachable.", "high"),
        ("Der Server ist komplett ausgefallen, alle Seiten sind nicht erreichbar.", "high"),
        ("Сервер полностью недоступен, все сайты лежат.", "high"),
    ],
)
def test_a_stated_outage_is_high_and_urgency_alone_is_not(text: str, priority: str) -> None:
    assert decided(a_mail(subject="Server", text=text)).priority == priority


def test_the_panel_sets_the_priority() -> None:
    assert decided(a_mail(), form=a_form(priority="high")).priority == "high"
    assert decided(a_mail(), form=a_form(priority="normal")).priority == "normal"


OUTAGE = "The server is completely down, nothing works."


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (OUTAGE, ("server", "service", "started")),
        (OUTAGE + " IP 203.0.113.7", ("service", "started")),
        (OUTAGE + " Order #4471001", ("service", "started")),
        (OUTAGE + " IP 203.0.113.7, since 09:15 UTC", ("service",)),
    ],
)
def test_an_outage_asks_for_exactly_what_is_missing(text: str, missing: tuple[str, ...]) -> None:
    assert decided(authenticated(a_mail(subject="Server", text=text))).missing == missing


@pytest.mark.parametrize(
    ("sender", "verdict", "is_told"), [(OLENA, "pass", False), (OLENA, "none", True), (STRANGER, "pass", True)]
)
def test_below_verified_an_outage_is_told_of_the_panel(sender: str, verdict: str, is_told: bool) -> None:
    mail = a_mail(sender=sender, subject="Server", text=OUTAGE)
    assert ack_of(decided(authenticated(mail, verdict))).context["suggest_panel"] is is_told


@pytest.mark.parametrize(
    ("sender", "text", "to", "is_asked"),
    [
        (STRANGER, "How do I add a mailbox?", SUPPORT, True),
        (STRANGER, "How do I add a mailbox? договор № 1001", SUPPORT, False),
        (STRANGER, "How do I add a mailbox? договор № 9999", SUPPORT, False),
        (STRANGER, "How do I add a mailbox? login: nobody7", SUPPORT, False),
        (OLENA, "How do I add a mailbox?", SUPPORT, False),
        (STRANGER, "Spam comes from 203.0.113.7", ABUSE, False),
    ],
)
def test_an_unknown_sender_is_asked_for_a_contract_number(sender: str, text: str, to: str, is_asked: bool) -> None:
    assert ("contract" in decided(a_mail(sender=sender, text=text, to=(to,))).missing) is is_asked


ACCOUNT = "Please send me the list of my services and my last invoice."
REFUND, PASSWORD = "Please refund my last payment.", "Please reset the root password of my server."
CANCEL, OWNER = "I hereby cancel my contract.", "Please change the owner of my account to my brother."
PAYMENT, CODE = "Please change my bank account for the direct debit.", "Please send me the auth code of shop.example."


@pytest.mark.parametrize(
    ("sender", "verdict", "text", "may"),
    [
        (STRANGER, "pass", "How do I add a mailbox?", True),
        (STRANGER, "pass", ACCOUNT, False),
        (OLENA, "none", ACCOUNT, True),
        (BUH, "pass", ACCOUNT, True),
        (OLENA, "none", REFUND, False),
        (OLENA, "pass", REFUND, True),
        (BUH, "pass", REFUND, True),
        (BUH, "pass", PAYMENT, True),
        (BUH, "pass", PASSWORD, False),
        (BUH, "pass", CANCEL, False),
        (TARAS, "pass", PASSWORD, True),
        (TARAS, "pass", CODE, True),
        (TARAS, "none", PASSWORD, False),
        (TARAS, "pass", REFUND, False),
        (TARAS, "pass", CANCEL, False),
        (TARAS, "pass", OWNER, False),
        (BUH, "pass", OWNER, False),
        (OLENA, "pass", CANCEL, True),
        (OLENA, "pass", OWNER, True),
        (OLENA, "pass", CODE, True),
        (TARAS, "pass", f"{PASSWORD} {CANCEL}", False),
    ],
)
def test_level_and_role_reach_as_far_as_they_reach(sender: str, verdict: str, text: str, may: bool) -> None:
    decision = decided(authenticated(a_mail(sender=sender, subject="A request", text=text), verdict))
    assert ("identity_required" not in decision.flags) is may
    assert after(decision).status == ("new" if may else "waiting")
    assert ack_of(decision).context["identity_required"] is not may


@pytest.mark.parametrize(
    ("sender", "detected", "language"),
    [
        (OLENA, "ru", "uk"),
        (STRANGER, "ru", "ru"),
        (STRANGER, "en", "en"),
        (STRANGER, "pl", "ru"),
        (STRANGER, None, "ru"),
    ],
)
def test_the_language_is_the_accounts_else_the_detected_one_else_the_desks_first(
    sender: str, detected: str | None, language: str
) -> None:
    assert after(decided(a_mail(sender=sender, language=detected))).language == language


def test_naming_an_account_does_not_change_the_language() -> None:
    decision = decided(a_mail(sender=STRANGER, text="договор № 1001, как добавить почту?", language="ru"))
    assert after(decision).language == "ru"


@pytest.mark.parametrize("source", ["panel", "phone", "chat", "social"])
def test_a_form_is_acknowledged_in_the_language_of_its_account(source: str) -> None:
    assert after(decided(a_mail(language="en"), form=a_form(source=source))).language == "uk"


@pytest.mark.parametrize(("load", "team"), [(19, "support"), (20, "admins")])
def test_a_queue_that_drowns_sends_new_tickets_to_its_overflow_team(load: int, team: str) -> None:
    known = desk()
    queues = {**known.queues, "support": replace(known.queues["support"], overflow="admins")}
    decision = decided(a_mail(), on=replace(known, queues=queues), overdue_load={"support": load})
    assert after(decision).team == team
    told = [one.letter for one in decision.effects if isinstance(one, Send) and one.letter.kind == "escalation"]
    assert [(one.to, one.context["cause"], one.context["team"]) for one in told] == (
        [(OLENA, "overflow", "admins")] if team == "admins" else []
    )


def test_an_overflow_team_off_duty_gets_nothing() -> None:
    known = desk()
    queues = {**known.queues, "support": replace(known.queues["support"], overflow="admins")}
    late = NOON.replace(hour=23)
    decision = decided(a_mail(), on=replace(known, queues=queues), overdue_load={"support": 50}, now=late)
    assert after(decision).team == "support"

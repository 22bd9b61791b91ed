"""Who writes: S1 to S3, S5, S9, I4."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest

from mailgate.decide.sender import read_results
from mailgate.model.mail import AuthMethod, AuthResults
from mailgate.model.tokens import reply_address
from mailgate.model.verdicts import Evidence, Verdict, Verdicts
from tests.decide.build import (
    CONTACTS,
    IVAN,
    NOON,
    OLENA,
    SECRET,
    SERGEY,
    SHOP,
    SKLAD,
    STRANGER,
    TARAS,
    a_case,
    a_contact,
    a_form,
    a_mail,
    ack_of,
    authenticated,
    decided,
    desk,
    token_for,
    who,
)

DESK = desk()


def header(server: str, method: str, result: str, **properties: str) -> AuthResults:
    named = {name.replace("_", "."): value for name, value in properties.items()}
    return AuthResults(authserv_id=server, methods=(AuthMethod(method=method, result=result, properties=named),))


@pytest.mark.parametrize(
    ("sender", "verdict", "level"),
    [
        (OLENA, "pass", "verified"),
        (OLENA, "none", "registered"),
        (OLENA, "fail", "forged"),
        (IVAN, "pass", "staff"),
        (IVAN, "none", "forged"),
        (IVAN, "fail", "forged"),
        (STRANGER, "pass", "unknown"),
        (STRANGER, "none", "unknown"),
        (STRANGER, "fail", "forged"),
    ],
)
def test_the_level_comes_of_the_address_and_its_evidence(sender: str, verdict: str, level: str) -> None:
    mail = a_mail(sender=sender)
    assert who(mail if verdict == "none" else authenticated(mail, verdict)).level == level


def test_staff_without_evidence_are_staff_on_a_desk_that_asks_for_none() -> None:
    lenient = replace(DESK, rules=replace(DESK.rules, staff_needs_authentication=False))
    assert who(a_mail(sender=IVAN), on=lenient).level == "staff"
    assert who(authenticated(a_mail(sender=IVAN), "fail"), on=lenient).level == "forged"


@pytest.mark.parametrize("senders", [(OLENA, STRANGER), (STRANGER, OLENA), (IVAN, STRANGER), ()])
def test_several_from_addresses_or_none_are_unknown(senders: tuple[str, ...]) -> None:
    assert who(authenticated(a_mail(sender=senders))).level == "unknown"


def test_several_from_addresses_that_fail_are_forged() -> None:
    assert who(authenticated(a_mail(sender=(OLENA, STRANGER)), "fail")).level == "forged"


def test_of_several_from_addresses_the_desks_own_is_never_answered() -> None:
    decision = decided(a_mail(sender=("support@flexihost.example", STRANGER)))
    assert ack_of(decision).to == STRANGER


def test_several_from_addresses_belong_to_no_ticket() -> None:
    decision = decided(a_mail(sender=(OLENA, STRANGER), subject="Re: [flexihost #10001] Site shop.example"), a_case())
    assert (decision.outcome, "claimed_tag" in decision.flags) == ("new", True)


def test_sender_and_display_name_prove_nothing() -> None:
    mail = a_mail(sender=STRANGER, subject="Hello")
    mail = replace(mail, sender=a_mail().from_[0], from_=(replace(mail.from_[0], name="olena@shop.example"),))
    assert who(authenticated(mail)).level == "unknown"


def test_only_the_topmost_header_of_a_trusted_server_counts() -> None:
    mail = authenticated(authenticated(a_mail(), "pass"), "fail")
    assert who(mail).level == "forged"
    assert who(authenticated(authenticated(a_mail(), "fail"), "pass")).level == "verified"


def test_a_header_of_a_foreign_server_is_passed_over() -> None:
    assert who(authenticated(a_mail(), "pass", server="mx.evil.example")).level == "registered"
    assert who(authenticated(authenticated(a_mail(), "fail"), "pass", server="mx.evil.example")).level == "forged"


def test_on_an_untrusted_way_in_every_header_is_ignored() -> None:
    untrusted = {"is_trusted": False}
    assert who(authenticated(a_mail()), arrival=untrusted).level == "registered"
    assert who(authenticated(a_mail()), arrival={**untrusted, **own("fail")}).level == "forged"
    assert who(a_mail(), arrival={**untrusted, **own("pass")}).level == "verified"


def test_our_own_check_speaks_at_every_door_where_no_trusted_header_does() -> None:
    assert who(a_mail(), arrival=own("pass")).level == "verified"
    assert who(authenticated(a_mail(), "none"), arrival=own("pass")).level == "verified"
    assert who(authenticated(a_mail(), "fail"), arrival=own("pass")).level == "forged"


def test_behind_our_own_server_our_check_never_says_fail() -> None:
    assert who(a_mail(), arrival=own("fail")).level == "registered"
    assert who(authenticated(a_mail(), "pass"), arrival=own("fail")).level == "verified"


def own(verdict: Verdict) -> dict[str, Any]:
    return {"verdicts": Verdicts(own=Evidence(verdict=verdict, because="checked"))}


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        (header("mx", "dmarc", "pass", header_from="shop.example"), "pass"),
        (header("mx", "dmarc", "pass", header_from="other.example"), "none"),
        (header("mx", "dmarc", "fail", header_from="shop.example"), "fail"),
        (header("mx", "dmarc", "none", header_from="shop.example"), "none"),
        (header("mx", "dmarc", "temperror", header_from="shop.example"), "none"),
        (header("mx", "dkim", "pass", header_d="shop.example"), "pass"),
        (header("mx", "dkim", "pass", header_d="mail.shop.example"), "pass"),
        (header("mx", "dkim", "pass", header_i="@shop.example"), "pass"),
        (header("mx", "dkim", "pass", header_d="example"), "none"),
        (header("mx", "dkim", "pass", header_d="evilshop.example"), "none"),
        (header("mx", "dkim", "pass", header_d="mailer.example"), "none"),
        (header("mx", "dkim", "fail", header_d="shop.example"), "none"),
        (header("mx", "spf", "pass", smtp_mailfrom="bounce@mail.shop.example"), "pass"),
        (header("mx", "spf", "pass", smtp_mailfrom="x@mailer.example"), "none"),
        (header("mx", "spf", "fail", smtp_mailfrom="olena@shop.example"), "none"),
        (header("mx", "arc", "pass"), "none"),
    ],
)
def test_a_pass_must_be_aligned_with_the_from_domain(results: AuthResults, verdict: str) -> None:
    assert read_results(results, "shop.example")[0] == verdict


def test_a_dmarc_failure_outweighs_an_aligned_pass() -> None:
    dmarc, dkim = header("mx", "dmarc", "fail").methods, header("mx", "dkim", "pass", header_d="shop.example").methods
    assert read_results(AuthResults(authserv_id="mx", methods=(*dkim, *dmarc)), "shop.example")[0] == "fail"


def test_a_domain_in_letters_of_its_own_is_the_one_that_dns_knows() -> None:
    mail = a_mail(sender="info@müller.example")
    mail = replace(
        mail, auth_results=(header(DESK.authserv_ids[0], "dmarc", "pass", header_from="xn--mller-kva.example"),)
    )
    assert who(mail, contacts=[a_contact("info@müller.example")]).level == "verified"


def test_a_reply_token_of_that_person_counts_as_pass_but_never_outweighs_fail() -> None:
    mail = a_mail(to=(token_for(OLENA),))
    assert who(mail).level == "verified"
    assert who(authenticated(mail, "fail")).level == "forged"
    assert who(a_mail(sender=TARAS, to=(token_for(OLENA),))).level == "registered"
    assert who(a_mail(sender=IVAN, to=(token_for(IVAN),))).level == "staff"


@pytest.mark.parametrize("place", [-1, -10, -30])
def test_a_token_with_a_letter_changed_is_no_evidence(place: int) -> None:
    local, _, domain = token_for(OLENA).rpartition("@")
    at = len(local) + place
    wrong = local[:at] + ("0" if local[at] != "0" else "1") + local[at + 1 :]
    assert who(a_mail(to=(f"{wrong}@{domain}",))).level == "registered"


def test_a_token_of_another_desk_is_no_evidence() -> None:
    other = reply_address("support@flexihost.example", SECRET, "strato", "r", "10001", OLENA)
    assert who(a_mail(to=(other,))).level == "registered"


@pytest.mark.parametrize(
    ("now", "level"),
    [
        (datetime(2026, 3, 4, 12, tzinfo=UTC), "verified"),
        (datetime(2026, 3, 4, 21, 59, tzinfo=UTC), "verified"),  # 23:59 in Kyiv, the last day
        (datetime(2026, 3, 4, 22, 0, tzinfo=UTC), "unknown"),  # midnight there
        (datetime(2026, 3, 5, 12, tzinfo=UTC), "unknown"),
    ],
)
def test_the_until_date_is_the_last_day_in_the_zone_of_the_desk(now: datetime, level: str) -> None:
    contacts = [a_contact(STRANGER, SHOP, until=date(2026, 3, 4))]
    assert who(authenticated(a_mail(sender=STRANGER)), contacts=contacts, now=now).level == level


@pytest.mark.parametrize(
    ("text", "account"),
    [
        ("My contract no. 1002, how do I add a domain?", "1002"),
        ("How do I add a domain?", "1001"),
        ("login: sergey, how do I add a domain?", "1002"),
    ],
)
def test_a_contact_of_two_accounts_writes_as_the_one_that_the_mail_names(text: str, account: str) -> None:
    contacts = [a_contact(OLENA), a_contact(OLENA, SKLAD, "billing"), a_contact(SERGEY, SKLAD)]
    decision = decided(authenticated(a_mail(text=text)), contacts=contacts)
    assert decision.identity is not None
    assert (decision.identity.account, "account_mismatch" in decision.flags) == (account, False)


def test_on_a_ticket_a_contact_of_two_accounts_writes_as_the_one_it_belongs_to() -> None:
    contacts = [a_contact(OLENA), a_contact(OLENA, SKLAD, "billing")]
    mail = authenticated(a_mail(subject="Re: [flexihost #10001] Site shop.example"))
    decision = decided(mail, a_case(account="1002"), contacts=contacts)
    assert decision.identity is not None
    assert (decision.outcome, decision.identity.account, decision.identity.roles) == ("follow_up", "1002", ("billing",))


@pytest.mark.parametrize(
    ("text", "is_flagged"),
    [
        ("договор № 1002, как добавить домен?", True),
        ("login: sergey, how do I add a domain?", True),
        ("договор № 1001, как добавить домен?", False),
        ("договор № 9999, как добавить домен?", False),
        ("order #1002, how do I add a domain?", False),
    ],
)
def test_naming_the_account_of_somebody_else_is_a_mismatch(text: str, is_flagged: bool) -> None:
    decision = decided(authenticated(a_mail(text=text)))
    assert ("account_mismatch" in decision.flags, decision.outcome) == (is_flagged, "new")
    assert decision.identity is not None
    assert decision.identity.account == "1001"


def test_an_account_that_is_named_never_raises_the_level() -> None:
    decision = decided(authenticated(a_mail(sender=STRANGER, text="договор № 1001, нужен счёт")))
    assert decision.identity is not None
    assert (decision.identity.level, decision.identity.account) == ("unknown", None)


@pytest.mark.parametrize(
    ("sender", "reply_to", "answered_at"),
    [
        (OLENA, None, OLENA),
        (OLENA, TARAS, TARAS),  # a contact of the same account
        (OLENA, SERGEY, OLENA),  # of another
        (OLENA, "new@elsewhere.example", OLENA),
        (STRANGER, "form@elsewhere.example", "form@elsewhere.example"),
        (STRANGER, OLENA, STRANGER),
        (STRANGER, IVAN, STRANGER),
        (STRANGER, "support@strato.example", STRANGER),  # another desk of the house
    ],
)
def test_a_reply_to_is_used_for_colleagues_and_web_forms_alone(sender: str, reply_to: str, answered_at: str) -> None:
    assert ack_of(decided(authenticated(a_mail(sender=sender, reply_to=reply_to)))).to == answered_at


def test_a_reply_to_of_a_contact_that_no_longer_counts_is_not_used() -> None:
    contacts = [CONTACTS[0], a_contact(TARAS, SHOP, until=date(2026, 3, 3))]
    assert ack_of(decided(authenticated(a_mail(reply_to=TARAS)), contacts=contacts)).to == OLENA


@pytest.mark.parametrize(
    ("source", "level", "account"),
    [("panel", "verified", "1001"), ("phone", "unknown", None), ("chat", "unknown", None), ("social", "unknown", None)],
)
def test_the_panel_is_verified_and_what_is_told_by_voice_or_chat_is_not(source: str, level: str, account: str) -> None:
    found = who(a_mail(), form=a_form(source=source))
    assert (found.level, found.account) == (level, account)


def test_who_writes_through_the_panel_has_the_role_of_the_contact_that_it_names() -> None:
    assert who(a_mail(sender=TARAS), form=a_form(contact=TARAS)).roles == ("technical",)
    assert who(a_mail(sender=TARAS), form=a_form()).roles == ("owner",)
    late = [a_contact(TARAS, SHOP, "owner", until=date(2026, 3, 3)), CONTACTS[0]]
    assert who(a_mail(sender=TARAS), form=a_form(contact=TARAS), contacts=late).roles == ()


def test_an_accepted_mail_goes_on_without_evidence() -> None:
    accepted = {"accepted_from": "held-1"}
    for sender, level in ((OLENA, "registered"), (STRANGER, "unknown"), (IVAN, "staff")):
        assert who(authenticated(a_mail(sender=sender), "fail"), arrival=accepted).level == level


def test_the_identity_says_where_its_evidence_comes_from() -> None:
    assert "mx.flexihost.example" in who(authenticated(a_mail())).because
    assert NOON.tzinfo is UTC

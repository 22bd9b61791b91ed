"""Q9: what the conditions of a desk's own rules mean."""

import time
from dataclasses import replace
from typing import Any

import pytest

from mailgate.model.findings import Findings
from mailgate.model.mail import Address, Attachment, Automatic
from mailgate.model.own_rules import Form, OwnRule, Searched, Then, When, pattern
from mailgate.model.settings import Desk
from mailgate.understand.own_rules import fitting_rules, wanted_headers
from tests.decide.build import a_mail, desk


@pytest.mark.parametrize(
    ("form", "source", "fits", "fits_not"),
    [
        (
            "words",
            "backup failed",
            ["Backup   FAILED on a", "the backup\nfailed"],
            ["backups failed", "backup has failed"],
        ),
        ("words", "счёт", ["Ваш СЧЁТ за май"], ["счёта", "расчёт"]),
        ("words", "[ALERT]", ["Re: [alert] disk"], ["alert"]),
        ("words", "C++", ["about C++ and Go"], ["C+"]),
        ("words", "[ALERT]*", ["[Alert] disk\nfull"], ["Re: [ALERT] disk", "ALERT"]),
        ("words", "*(node ?)*", ["disk (node 4) full"], ["disk (node 14)"]),
        ("words", r"/\bnode-\d+\b/", ["disk of NODE-14"], ["node-x", "anode-1"]),
        ("words", r"^\[FIRING:\d+\]", ["[FIRING:3] x"], ["Re: [FIRING:3]"]),
        ("words", "re:/a/", ["/A/b"], ["a"]),
        ("words", "10 % a/b", ["about 10 % a/b"], ["10 % ab"]),
        ("address", "anna@berg.example", ["Anna@Berg.example"], ["xanna@berg.example", "anna@berg.example.org"]),
        ("address", "@berg.example", ["a@berg.example"], ["a@mail.berg.example", "a@iceberg.example"]),
        ("address", "berg.example", ["a@berg.example", "a@mail.berg.example"], ["a@iceberg.example", "berg@x.example"]),
        ("address", "*@*.example", ["a@b.example"], ["a@b.org"]),
        ("address", "alert?@x.example", ["alert1@x.example"], ["alert12@x.example"]),
        ("address", "Zabbix", ["Zabbix of Berg"], ["Zabbixen"]),
        ("name", ".exe", ["tool.EXE"], ["tool.exe.txt", "exe"]),
        ("name", "invoice", ["my_Invoice_3.pdf", "invoice.pdf"], ["invoices.pdf"]),
        ("name", "*.p?f", ["a.pdf"], ["a.pdf.zip"]),
    ],
)
def test_a_pattern_finds_what_a_person_would_mean(
    form: Form, source: str, fits: list[str], fits_not: list[str]
) -> None:
    ready = pattern(source, form)
    assert [ready.is_in(Searched(one)) for one in fits] == [True] * len(fits)
    assert [ready.is_in(Searched(one)) for one in fits_not] == [False] * len(fits_not)


@pytest.mark.parametrize("source", ["", "  ", "/(/", r"/(a)\1/", "^(?=x)"])
def test_what_is_no_pattern_is_refused(source: str) -> None:
    with pytest.raises(ValueError):
        pattern(source, "words")


def with_rule(when: When) -> Desk:
    return replace(desk(), own_rules=(OwnRule(name="a rule", when=when, then=Then(flags=("x",))),))


def words(*sources: str, form: Form = "words") -> tuple[Any, ...]:
    return tuple(pattern(one, form) for one in sources)


MAIL = a_mail(
    sender="anna@berg.example", subject="Re: [flexihost #10001] Invoice of May", text="Please send it again.",
    to=("support@flexihost.example",), cc=("boss@berg.example",), language="de", size=5000,
    headers={"x-monitor": ("Zabbix 6",)},
    attachments=(Attachment(filename="may.pdf", content_type="application/pdf", size=3, sha256="0" * 64),),
)  # fmt: skip
NAMED = replace(MAIL, from_=(Address(address="anna@berg.example", name="Anna of Accounting"),))


@pytest.mark.parametrize(
    ("when", "fits"),
    [
        (When(subject=words("invoice")), True),
        (When(subject=words("Invoice*")), True),  # the core of the subject
        (When(subject=words("receipt", "invoice")), True),
        (When(subject=words("receipt")), False),
        (When(subject=words("invoice"), text=words("nothing")), False),
        (When(text=words("send it")), True),
        (When(from_=words("berg.example", form="address")), True),
        (When(names=words("accounting")), True),
        (When(from_=words("x.example", form="address"), names=words("accounting")), True),
        (When(to=words("boss@berg.example", form="address")), True),
        (When(to=words("+vip@", "support+vip@flexihost.example", form="address")), True),  # the envelope's
        (When(to=words("x@berg.example", form="address")), False),
        (When(attachment=words(".pdf", form="name")), True),
        (When(attachment=words(".zip", form="name")), False),
        (When(headers=(("x-monitor", ()),)), True),
        (When(headers=(("x-monitor", words("zabbix*")),)), True),
        (When(headers=(("x-monitor", words("nagios")),)), False),
        (When(headers=(("x-other", ()),)), False),
        (When(larger_than=4999), True),
        (When(larger_than=5000), False),
        (When(languages=("de",)), True),
        (When(languages=("en",)), False),
        (When(classes=("invoice",)), True),
        (When(classes=("auto_generated",)), False),
        (When(levels=("staff",)), True),  # who it is of is seen later
    ],
)
def test_all_conditions_must_hold_and_of_each_list_one(when: When, fits: bool) -> None:
    recipients, findings = ("support+vip@flexihost.example",), Findings(class_="invoice")
    assert fitting_rules(NAMED, "anna@berg.example", recipients, findings, with_rule(when)) == ((0,) if fits else ())


def test_the_class_of_automatic_mail_is_a_class_too() -> None:
    mail = replace(MAIL, automatic=Automatic(kind="auto_generated", because="x-cron-env"))
    assert fitting_rules(mail, None, (), Findings(), with_rule(When(classes=("auto_generated",)))) == (0,)


def test_only_headers_that_rules_ask_for_are_read() -> None:
    assert wanted_headers([with_rule(When(headers=(("x-monitor", ()),))), desk()]) == {"x-monitor"}


def test_a_thousand_rules_cost_a_long_mail_little() -> None:
    rules = tuple(
        OwnRule(name=str(place), when=When(text=words(f"word{place} of many")), then=Then(flags=("x",)))
        for place in range(1000)
    )
    many, mail = replace(desk(), own_rules=rules), replace(MAIL, text="a word and another one of many. " * 6000)
    started = time.perf_counter()
    assert fitting_rules(mail, None, (), Findings(), many) == ()
    assert time.perf_counter() - started < 2

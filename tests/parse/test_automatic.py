# ruff: noqa: E501
"""M6: the class of automatic mail, and the mail of people that only looks like it; what a bounce says."""

from collections.abc import Callable

import pytest

from mailgate.model.mail import Mail

Reading = Callable[[bytes | str], Mail]

AUTOMATIC = [
    ("auto_reply", "Auto-Submitted: auto-replied\nSubject: x\n\nx"),
    ("auto_reply", "Auto-Submitted: auto-replied (vacation)\nSubject: x\n\nx"),
    ("auto_reply", "Auto-Submitted: auto-generated\nSubject: Automatische Antwort: x\n\nIch bin nicht da."),
    ("auto_reply", "Auto-Submitted: auto-generated\nSubject: Urlaub\n\nIch bin im Urlaub."),
    ("auto_reply", "Auto-Submitted: auto-generated\nX-MS-Exchange-Inbox-Rules-Loop: a@b.example\nSubject: x\n\nx"),
    ("auto_reply", "X-Auto-Response-Suppress: All\nSubject: Автоматический ответ: x\n\nx"),
    ("auto_reply", "Precedence: auto_reply\nSubject: x\n\nx"),
    ("auto_reply", "X-Autoreply: yes\nSubject: x\n\nx"),
    ("auto_reply", "Subject: Automatyczna odpowiedź: x\n\nJestem na urlopie do piątku."),
    ("auto_reply", "Precedence: junk\nSubject: away from my mail\n\nI will not be reading my mail for a while."),
    ("auto_generated", "Auto-Submitted: auto-generated\nSubject: Problem: CPU\n\nHost: a"),
    ("auto_generated", "X-Cron-Env: <SHELL=/bin/sh>\nSubject: Cron <root@a> x\n\nx"),
    ("auto_generated", "Precedence: bulk\nSubject: x\n\nx"),
    ("list", "List-Id: <a.b.example>\nPrecedence: list\nSubject: x\n\nx"),
    ("list", "List-Unsubscribe: <https://a.example/u>\nSubject: x\n\nx"),
    ("bounce", "X-Failed-Recipients: a@b.example\nAuto-Submitted: auto-replied\nSubject: x\n\nx"),
    ("bounce", "Return-Path: <>\nSubject: Undelivered Mail Returned to Sender\n\ncould not be delivered"),
    ("loop", "X-Mailgate-ID: abc\nAuto-Submitted: auto-replied\nSubject: x\n\nx"),
    (
        "report",
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=b\n\n--b\n\nread\n--b--\n",
    ),
    ("report", "Content-Type: multipart/report; report-type=feedback-report; boundary=b\n\n--b\n\nspam\n--b--\n"),
    ("bounce", "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nx\n--b--\n"),
]

HUMAN = [
    "Auto-Submitted: no\nSubject: x\n\nx",
    "X-Auto-Response-Suppress: DR, OOF\nSubject: x\n\nI am out of the office until Monday, please call the shop.",
    "Subject: Automatic update broke my site\n\nx",
    "Subject: Automatic reply does not work\n\nHow do I switch it on? I am on vacation from Monday.",
    "Subject: Out of office\n\nHow do I set this up?",
    "Subject: Abwesenheitsnotiz lässt sich nicht einschalten\n\nx",
    "Subject: Автоответ не отключается\n\nx",
    "Subject: Autoresponder nie działa\n\nx",
    "Subject: Автовідповідь не вмикається\n\nЯ у відпустці, як її ввімкнути?",
    "Subject: Undelivered mail to all recipients\n\nThe text is: 550 5.7.1",
    "Subject: Fwd: Undelivered Mail Returned to Sender\n\nWhat does it mean?\n\nThis is the mail system at host a.example",
    "Subject: Re: Mail delivery failed: returning message to sender\n\nIt could not be delivered again.",
    "Return-Path: <>\nSubject: x\n\nx",
    "X-Priority: 1\nImportance: high\nX-Mailer: PHP/8.2\nSubject: x\n\nx",
    "X-Spam-Flag: YES\nX-Loop: a@b.example\nSubject: x\n\nx",
]


@pytest.mark.parametrize(("kind", "rest"), AUTOMATIC)
def test_automatic_mail_has_its_class(kind: str, rest: str, reading: Reading) -> None:
    found = reading("From: a@b.example\n" + rest).automatic
    assert found is not None
    assert found.kind == kind
    assert found.because


@pytest.mark.parametrize("rest", HUMAN)
def test_a_persons_mail_is_not_automatic(rest: str, reading: Reading) -> None:
    assert reading("From: a@b.example\n" + rest).automatic is None


def test_a_postmaster_may_write_about_bounces(reading: Reading) -> None:
    mail = reading("From: Postmaster <postmaster@b.example>\nSubject: Problem\n\nOur mail could not be delivered. Why?")
    assert mail.automatic is None


FREE_FORMS = [
    (
        "exim",
        "From: Mail Delivery System <Mailer-Daemon@m.example>\nSubject: Mail delivery failed: returning message to sender\n\n"
        "A message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error.\n\n"
        "  nobody@b.example\n    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n\n"
        "Return-path: <support@desk.example>\nMessage-ID: <1.2@desk.example>\nSubject: [strato #1] x\n\nHello other@c.example",
        "nobody@b.example", True, "1.2@desk.example",
    ),
    (
        "qmail",
        "From: MAILER-DAEMON@m.example\nReturn-Path: <>\nSubject: failure notice\n\nHi. This is the qmail-send program at m.example.\n\n"
        "<info@b.example>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n"
        "Return-Path: <support@desk.example>\nMessage-ID: <1.2@desk.example>\nSubject: x\n",
        "info@b.example", True, "1.2@desk.example",
    ),
    (
        "mail.ru",
        "From: mailer-daemon@b.example\nAuto-Submitted: auto-replied\nSubject: Недоставленное сообщение\n\n"
        "Ваше письмо не может быть доставлено одному или нескольким получателям:\n\nsergey@b.example\nuser not found\n",
        "sergey@b.example", True, None,
    ),
    (
        "exchange",
        "From: System Administrator <postmaster@m.example>\nReturn-Path: <>\nSubject: Undeliverable: x\nIn-Reply-To: <1.2@desk.example>\n\n"
        "Your message did not reach some or all of the intended recipients.\n\nThe following recipient(s) could not be reached:\n\n"
        "      kate@b.example on 6/9/2026 10:12 AM\n            The e-mail account does not exist. <m.example #5.1.1>\n",
        "kate@b.example", True, "1.2@desk.example",
    ),
    (
        "gmail",
        "From: Mail Delivery Subsystem <mailer-daemon@g.example>\nX-Failed-Recipients: olena@b.example\nSubject: Delivery Status Notification (Failure)\n\n"
        "** Address not found **\n\nYour message wasn't delivered to olena@b.example because the address couldn't be found.\n\n550 5.1.1 no such user\n",
        "olena@b.example", True, None,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("raw", "address", "permanent", "message_id"), [form[1:] for form in FREE_FORMS], ids=[form[0] for form in FREE_FORMS])  # fmt: skip
def test_a_bounce_in_words_says_who_was_not_reached(
    raw: str, address: str, permanent: bool, message_id: str | None, reading: Reading
) -> None:
    report = reading(raw).report
    assert report is not None
    assert [(one.address, one.permanent) for one in report.failed] == [(address, permanent)]
    assert report.original_message_id == message_id


def test_a_delivery_report_is_read_field_by_field(reading: Reading) -> None:
    mail = reading(
        "From: MAILER-DAEMON@m.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m.example\n\nFinal-Recipient: rfc822; a@b.example\n"
        "Action: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1\n unknown\n\nFinal-Recipient: rfc822; c@b.example\nAction: delivered\n"
        "Status: 2.0.0\n\n--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@desk.example>\nReferences: <0@x.example>\nSubject: =?utf-8?Q?=D0=9E?=\n\n--b--\n"
    )
    assert mail.report is not None
    (failed,) = mail.report.failed
    assert (failed.address, failed.status, failed.permanent) == ("a@b.example", "5.1.1", True)
    assert failed.diagnostic == "550 5.1.1 unknown"
    assert mail.report.original_message_id == "1@desk.example"
    assert mail.report.original_subject == "О"
    assert mail.report.original_references == ("0@x.example",)
    assert not mail.report.delayed_only


def test_a_warning_is_no_failure(reading: Reading) -> None:
    mail = reading(
        "From: MAILER-DAEMON@m.example\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nWarning.\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; m\n\nFinal-Recipient: rfc822; a@b.example\nAction: delayed\nStatus: 4.4.1\n\n--b--\n"
    )
    assert mail.report is not None
    assert mail.report.delayed_only
    assert mail.report.failed[0].permanent is False

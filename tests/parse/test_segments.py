# ruff: noqa: E501
"""M3: text is taken away on evidence alone, and what is left out is kept and counted (P6)."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate import phrases as phrase_files
from mailgate.model.mail import Mail
from mailgate.model.phrases import Phrases
from mailgate.model.segments import left_out, visible_of
from mailgate.parse import quoting, visible

Reading = Callable[[bytes | str], Mail]
PHRASES = phrase_files.load()

# who wrote when, as programs write it, by language; broken below at every space
FORMS = (
    "On Tue, Jun 9, 2026 at 10:12 AM Ann Lee <ann@desk.example> wrote:",
    "On 9 Jun 2026, at 10:12, Ann Lee <ann@desk.example> wrote:",
    "On 6/9/26 10:12 AM, Ann Lee wrote:",
    "Ann Lee <ann@desk.example> wrote:",
    "Am Di., 9. Juni 2026 um 10:12 Uhr schrieb Eva Kurz <eva@desk.example>:",
    "Am 09.06.2026 um 10:12 schrieb Eva Kurz:",
    "Eva Kurz schrieb am Di. 9. Juni 2026 um 10:12:",
    "Eva Kurz <eva@desk.example> schrieb am 10:12 Dienstag, 9.Juni 2026:",
    "wt., 9 cze 2026 o 10:12 Ewa Nowak <ewa@desk.example> napisał(a):",
    "W dniu 09.06.2026 o 10:12, Ewa Nowak pisze:",
    "W dniu 2026-06-09 10:12:33 użytkownik Ewa Nowak <ewa@desk.example> napisał:",
    "9 июня 2026 г., 10:12 пользователь Анна Лис <anna@desk.example> написал:",
    "09.06.2026 10:12, Анна Лис пишет:",
    "вт, 9 черв. 2026 р. о 10:12 Олена Лис <olena@desk.example> пише(-ла):",
    "09.06.26 10:12, Олена Лис пише:",
    "Quoting Ann Lee <ann@desk.example>:",
    "Zitat von Eva Kurz <eva@desk.example>:",
    "Cytat Ewa Nowak <ewa@desk.example>:",
    "Цитирую Анна Лис <anna@desk.example>:",
    "Цитую Олена Лис <olena@desk.example>:",
    "Am Dienstag, dem 09.06.2026 um 10:12 +0200 schrieb Eva Kurz:",
    "Eva Kurz <eva@desk.example> hat am 09.06.2026 10:12 CEST geschrieben:",
    "Wiadomość napisana przez Ewa Nowak w dniu 9 cze 2026, o godz. 10:12:",
    "Dnia 2026-06-09, wto o godzinie 10:12 +0200, Ewa Nowak pisze:",
    "В письме от вторник, 9 июня 2026 г. 10:12:41 MSK пользователь Анна Лис написал:",
    "вівторок, 9 червня 2026 р. о 10:12:41 GMT+3, Олена Лис <olena@desk.example> написав(-ла):",
    "---- Ewa Nowak napisał(a) ----",
    "---- Анна Лис написал(а) ----",
    "2026-06-09 10:12 GMT+02:00 Eva Kurz <eva@desk.example>:",
    "-------- Ursprüngliche Nachricht --------Von: Eva Kurz <eva@desk.example> Datum: 09.06.26 10:12 (GMT+01:00) An: x@y.example Betreff: Server",
)  # fmt: skip
BROKEN = [form[:at] + "\n" + form[at + 1 :] for form in FORMS for at, one in enumerate(form) if one == " " and at > 8]

# what people write, each in a mail of its own: nothing of it may go
SAID = (
    "The job prints:\n\n--\nERROR 1045: access denied for 'shop'\n--\n\nevery night.",
    "Two things.\n\n---\nSecond: is the backup on?",
    "Bitte verlängern.\n\n—\nUnd die andere Domain nicht, sie läuft aus.",
    "Раз.\n\n---\nДва: когда можно менять записи?",
    "The list:\n\n____\nour mailing list is not reachable at all since Monday, please help",
    "The client says\n\n> 550 5.7.1 rejected\n\nWhat does it mean?",
    ">>> import requests\n401",
    ">From Monday on our mail is late.",
    "This email is intended to cancel order 123456 as of 31 December.",
    "Diese Nachricht ist vertraulich: unser Admin ist gekündigt, bitte sperren Sie seinen Zugang.",
    "Diese E-Mail ist ausschließlich eine Kündigung meines Vertrags 4711 zum Monatsende.",
    "Niniejsza wiadomość stanowi wypowiedzenie umowy nr 1004.",
    "Настоящее сообщение является заявлением о расторжении договора 1004.",
    "Цей лист містить мою відмову від домену shop.example.",
    "Если вы получили это письмо по ошибке дважды, удалите второе. Когда продлят домен?",
    "Sent from my phone the pictures do not arrive",
    "Gesendet mit Outlook um 10:15 an buero@partner.example",
    "Отправлено с office@teplo.example на buh@partner.example в 10:15.",
    "Wysłano z biuro@kowal.example do anna@partner.example o 10:15.",
    "Надіслано з poshta@shop.example о 10:15, не дійшло",
    "From: office@shop.example\nSent: 27 November 2026 10:15\n\nThe error text was 550.",
    "Von: info@a.example\nAn: anna@b.example\nDatum: 27.11.2026 10:15\nBetreff: Angebot\n\nFehlertext: 550",
    "On Tue, Jun 9, 2026 at 10:12 AM Ann <ann@desk.example> wrote:\n> that it is broken\nand she is right.",
)


@pytest.mark.parametrize("said", SAID)
def test_a_mail_that_answers_nothing_loses_no_word(said: str, reading: Reading) -> None:
    mail = reading(f"From: olga@shop.example\nTo: support@introserv.example\nSubject: A question\n\n{said}\n")
    assert mail.visible_text.split() == said.split()
    assert left_out(mail.segments) == 0


@pytest.mark.parametrize("form", [*FORMS, *BROKEN])
def test_an_attribution_is_known_whole_and_broken_anywhere(form: str) -> None:
    assert visible(f"Bitte прошу.\n\n{form}\n\n> Old text.\n> More of it.\n", PHRASES) == "Bitte прошу."
    assert visible(f"Bitte прошу.\n\n{form}\n\nHello,\nold text.\n", PHRASES) == "Bitte прошу."


@pytest.mark.parametrize(
    ("block", "is_cut"),
    [
        ("From: Desk <support@introserv.example>\nSent: Tuesday, June 9, 2026 10:12 AM\nTo: Olga\nSubject: Slow site", True),
        ("Von: Desk <support@introserv.example>\nGesendet: Dienstag, 9. Juni 2026 10:12\nAn: Olga\nBetreff: Re: [introserv #10001] Slow site", True),
        ("Date: 9 June 2026 10:12\nFrom: support@introserv.example\nTo: olga@shop.example\nSubject: [introserv #10001] Slow site", True),
        ("From: office@shop.example\nSubject: Offer 12", False),
        ("Von: info@shop.example\nAn: anna@partner.example\nDatum: 27.11.2026 10:15\nBetreff: Angebot 12", False),
        ("От: office@shop.example\nКому: buh@partner.example\nДата: 27.11.2026 10:15", False),
        ("Return-Path: <x@partner.example>\nFrom: x@partner.example\nDate: 27.11.2026 10:15\nSubject: Offer", False),
    ],
)  # fmt: skip
def test_a_header_block_in_a_reply_is_a_programs_if_it_is_of_this_thread(
    block: str, is_cut: bool, reading: Reading
) -> None:
    head = "From: olga@shop.example\nTo: support@introserv.example\nSubject: Re: [introserv #10001] Slow site\n\n"
    mail = reading(f"{head}The data:\n\n{block}\n\nThe text below.\n")
    assert mail.visible_text.endswith("The text below.") is not is_cut
    assert left_out(mail.segments) == (len(block.split("\n")) + 1 if is_cut else 0)


def test_what_apple_forwards_within_quote_marks_is_kept(reading: Reading) -> None:
    body = "Please see.\n\n> Begin forwarded message:\n> \n> From: Ann <ann@a.example>\n> Subject: Offer\n> Date: 9 June 2026 10:12\n> \n> The offer."
    mail = reading(f"From: olga@shop.example\nSubject: Fwd: Offer\n\n{body}")
    assert "The offer." in mail.visible_text
    assert mail.forwarded is not None
    assert mail.forwarded.address == "ann@a.example"


@pytest.mark.parametrize(
    ("footer", "is_footer"),
    [
        ("This e-mail and any attachments are confidential and intended solely for the addressee. If you have received it in error, please notify the sender and delete it.", True),
        ("CONFIDENTIALITY NOTICE: The contents of this email message and any attachments are intended solely for the addressee(s)\nand may contain confidential and/or privileged information and may be legally protected from disclosure.", True),
        ("Diese E-Mail enthält vertrauliche und/oder rechtlich geschützte Informationen. Wenn Sie nicht der richtige Adressat sind oder diese E-Mail irrtümlich erhalten haben, informieren Sie bitte sofort den Absender und vernichten Sie diese Mail.", True),
        ("Niniejsza wiadomość jest poufna i przeznaczona wyłącznie dla adresata. Jeżeli nie jesteś adresatem, prosimy o niezwłoczne usunięcie wiadomości.", True),
        ("Данное сообщение содержит конфиденциальную информацию. Если вы не являетесь адресатом, пожалуйста, удалите это сообщение.", True),
        ("Це повідомлення містить конфіденційну інформацію. Якщо ви не є адресатом, видаліть його.", True),
        ("This email has been checked for viruses by Avast antivirus software.\nwww.avast.com", True),
        ("Please consider the environment before printing this e-mail.", True),
        ("This e-mail and any attachments are confidential. Please close my account 4711 today.", False),
        ("Diese E-Mail ist vertraulich. Kündigen Sie bitte meinen Vertrag.", False),
        ("Niniejsza wiadomość jest poufna. Rezygnuję z hostingu z końcem roku.", False),
    ],
)  # fmt: skip
def test_a_footer_is_one_by_its_whole_wording_and_as_the_last_thing(footer: str, is_footer: bool) -> None:
    assert (visible(f"Please help.\n\n{footer}\n", PHRASES) == "Please help.") is is_footer
    assert visible(f"{footer}\n\nAnd my site is down.\n", PHRASES).split() == f"{footer} And my site is down.".split()


words = st.text(alphabet=st.characters(categories=("L", "N", "P", "S"), max_codepoint=0x4FF), min_size=1, max_size=12)
lines = st.lists(words, max_size=8).map(" ".join) | st.sampled_from(
    ["--", "-- ", "---", "—", "____", "> quoted", ">>> code", "From: a@b.example", "Sent: 9 June 2026 10:12", "Olga", "", "* one",
     "Sent from my iPhone", "This email is confidential.", "users mailing list", "-----Original Message-----", "Re: x"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(lines, min_size=1, max_size=20))
def test_segments_are_the_whole_text_and_what_is_not_visible_is_counted(found: list[str]) -> None:
    text = "\n".join(found)
    for is_reply in (None, True, False):
        split = quoting.split(text, PHRASES, quoting.About(is_reply=is_reply))
        whole = " ".join(one.text for one in split.segments).split()
        assert whole == text.split()
        hidden = sum(one.lines for one in split.segments if not one.is_visible)
        assert hidden == left_out(split.segments)
        shown = [word for one in split.segments if one.is_visible for word in one.text.split()]
        dashes = {word for word in shown if not word.strip("-_=\u2014\u2500~>*")}
        assert [word for word in split.visible.split() if word not in dashes] == [
            one for one in shown if one not in dashes
        ]


@settings(max_examples=200, deadline=None)
@given(st.lists(lines, min_size=1, max_size=20))
def test_in_a_mail_that_answers_nothing_nothing_is_quoted(found: list[str]) -> None:
    split = quoting.split("\n".join(found), PHRASES, quoting.About(is_reply=False))
    assert {one.kind for one in split.segments if not one.is_visible} <= {"signature", "footer"}


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from("alpha beta server down order 123 please Why? ok.".split()), min_size=1, max_size=8
        ).map(" ".join),
        min_size=1,
        max_size=12,
    )
)
def test_a_text_without_marks_of_a_reply_loses_no_word(found: list[str]) -> None:
    text = "\n".join(found)
    assert visible(text, PHRASES).split() == text.split()


def test_languages_and_parts_of_a_text_may_stand_in_any_order() -> None:
    chance = random.Random(3)
    said = ["Der Server steht.", "The site is down.", "Сайт не працює.", "Strona nie działa.", "Сервер недоступен."]
    for _ in range(30):
        chance.shuffle(said)
        form = chance.choice(FORMS)
        mine = "\n\n".join(said)
        assert visible(f"{mine}\n\n{form}\n> old\n\n-- \nOlga Nowak\n", PHRASES) == mine
        assert visible(f"{form}\n> old\n\n{mine}\n\n-- \nOlga Nowak\n", PHRASES) == mine


def test_visible_text_has_a_gap_where_something_is_left_out(phrases: Phrases) -> None:
    split = quoting.split("On 6/9/26 10:12 AM, Ann Lee wrote:\n> one?\nYes.\n> two?\nNo.", phrases)
    assert visible_of(split.segments) == "Yes.\n\nNo."

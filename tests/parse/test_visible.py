"""M3: what the sender wrote now, by mail program and language."""

import pytest

from mailgate.model.phrases import Phrases
from mailgate.parse import quoting, visible

MINE = "Здравствуйте, дома всё ещё темно.\n\nÜber uns: żółć, їжак & co."

# what stands between the new text and the old, with the old marked "> "
ATTRIBUTIONS = {
    "gmail en": "On Tue, Jun 9, 2026 at 10:12 AM Desk <support@desk.example> wrote:",
    "gmail en wrapped": "On Tue, Jun 9, 2026 at 10:12 AM The Support Desk of the House <\nsupport@desk.example> wrote:",
    "gmail de": "Am Di., 9. Juni 2026 um 10:12 Uhr schrieb Desk <support@desk.example>:",
    "gmail pl": "wt., 9 cze 2026 o 10:12 Desk <support@desk.example> napisał(a):",
    "gmail ru": "вт, 9 июн. 2026 г. в 10:12, Desk <support@desk.example>:",
    "gmail uk": "вт, 9 черв. 2026 р. о 10:12 Desk <support@desk.example> пише:",
    "yahoo": "On Tuesday, June 9, 2026 at 10:12:33 AM GMT+2, Desk <support@desk.example> wrote:",
    "proton": "On Tuesday, June 9th, 2026 at 10:12, Desk <support@desk.example> wrote:",
    "apple en": "On 9. Jun 2026, at 10:12, Desk <support@desk.example> wrote:",
    "apple de": "Am 09.06.2026 um 10:12 schrieb Desk <support@desk.example>:",
    "apple pl": "Wiadomość napisana przez Desk <support@desk.example> w dniu 9 cze 2026, o godz. 10:12:",
    "apple ru": "9 июня 2026 г., в 10:12, Desk <support@desk.example> написал(а):",
    "apple uk": "9 черв. 2026 р., о 10:12, Desk <support@desk.example> написав(-ла):",
    "thunderbird en": "On 6/9/26 10:12, Desk wrote:",
    "thunderbird de": "Am 09.06.26 um 10:12 schrieb Desk:",
    "thunderbird pl": "W dniu 9.06.2026 o 10:12, Desk pisze:",
    "thunderbird ru": "09.06.2026 10:12, Desk пишет:",
    "thunderbird uk": "09.06.26 10:12, Desk пише:",
    "roundcube en": "On 2026-06-09 10:12, Desk wrote:",
    "roundcube de": "Am 2026-06-09 10:12, schrieb Desk:",
    "roundcube pl": "W dniu 2026-06-09 10:12, Desk napisał(a):",
    "roundcube ru": "Desk писал(а) 2026-06-09 10:12:",
    "roundcube uk": "Desk писав 2026-06-09 10:12:",
    "k-9 de": "Am 9. Juni 2026 10:12:33 MESZ schrieb Desk <support@desk.example>:",
    "k-9 ru": "9 июня 2026 г. 10:12:33 GMT+03:00, Desk <support@desk.example> пишет:",
    "the bat ru": "Вы писали 9 июня 2026 г., 10:12:33:",
    "the bat en": "Tuesday, June 9, 2026, 10:12:33 AM, you wrote:",
    "mail.ru": "Вторник, 9 июня 2026, 10:12 +03:00 от Desk <support@desk.example>:",
    "yandex": '09.06.2026, 10:12, "Desk" <support@desk.example>:',
    "yandex name": "09.06.2026, 10:12, Desk (support@desk.example) написал(а):",
    "ukr.net": '9 червня 2026, 10:12:33, від "Desk" <support@desk.example>:',
    "wp": "Dnia 9 czerwca 2026 10:12 Desk <support@desk.example> napisał(a):",
    "onet": "W dniu 2026-06-09 10:12:33 użytkownik Desk <support@desk.example> napisał:",
    "gmx app": "Am 09.06.26, 10:12 schrieb Desk <support@desk.example>:",
    "gmail fr": "Le mar. 9 juin 2026 à 10:12, Desk <support@desk.example>\na écrit :",
    "no date": "Desk <support@desk.example> wrote:",
}

# headers of the old mail, which follows without any mark
BLOCKS = {
    "outlook en": "From: Desk <support@desk.example>\nSent: Tuesday, June 9, 2026 10:12 AM\nTo: Me\nSubject: x",
    "outlook de": "Von: Desk <support@desk.example>\nGesendet: Dienstag, 9. Juni 2026 10:12\nAn: Ich\nBetreff: x",
    "outlook pl": "Od: Desk <support@desk.example>\nWysłano: wtorek, 9 czerwca 2026 10:12\nDo: Ja\nTemat: x",
    "outlook ru": "От: Desk <support@desk.example>\nОтправлено: вторник, 9 июня 2026 г. 10:12\nКому: Я\nТема: x",
    "outlook uk": "Від: Desk <support@desk.example>\nНадіслано: вівторок, 9 червня 2026 р. 10:12\nКому: Я\nТема: x",
    "outlook inside": "Von: Becker, Klaus\nGesendet: Dienstag, 9. Juni 2026 10:12\nAn: Vogel, Heike\nBetreff: x",
    "bold": "*From:* Desk <support@desk.example>\n*Sent:* Tuesday, June 9, 2026 10:12 AM\n*To:* Me\n*Subject:* x",
    "gmx": "Gesendet: Dienstag, 09. Juni 2026 um 10:12 Uhr\nVon: Desk <support@desk.example>\nAn: Ich\nBetreff: x",
    "many recipients": "From: Desk <support@desk.example>\nSent: Tuesday, June 9, 2026 10:12 AM\n"
    "To: A <a@b.example>;\n B <b@b.example>;\nCc: C <c@b.example>\nSubject: x",
    "original en": "-----Original Message-----\nFrom: Desk\nSent: x",
    "original de": "-----Ursprüngliche Nachricht-----\nVon: Desk",
    "original pl": "-----Wiadomość oryginalna-----\nOd: Desk",
    "original ru": "-----Исходное сообщение-----\nОт: Desk",
    "original uk": "-----Оригінальне повідомлення-----\nВід: Desk",
    "samsung de": "-------- Ursprüngliche Nachricht --------\nVon: Desk\nDatum: 09.06.26 10:12 (GMT+01:00)",
    "proton": "‐‐‐‐‐‐‐ Original Message ‐‐‐‐‐‐‐\nOn Tuesday, June 9th, 2026 at 10:12, Desk wrote:",
    "rule": "________________________________\nFrom: Desk <support@desk.example>\nSent: Tuesday, June 9, 2026 10:12:41 AM",
    "above this line": "##- Please type your reply above this line -##",
    "above this line ru": "---- Ответьте выше этой строки ----",
    "gmail unmarked": "On Tue, Jun 9, 2026 at 10:12 AM Desk <support@desk.example> wrote:",
}

ENDS = (
    "-- \nJan Kowalski\n+48 555 01 22", "--\nJan", "---\nRoman", "Sent from my iPhone", "Sent from my Samsung Galaxy smartphone.",
    "Get Outlook for iOS<https://aka.ms/o0ukef>", "Von meinem iPhone gesendet", "Outlook für Android beziehen",
    "Gesendet von Outlook für Android", "Wysłane z iPhone'a", "Pobierz aplikację Outlook dla systemu iOS",
    "Отправлено с iPhone", "Отправлено из мобильной Яндекс Почты", "Отправлено из Mail.ru для Android", "Надіслано з iPhone",
    "Надіслано з мого Galaxy", "Diese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.",
    "Diese E-Mail enthält vertrauliche und geschützte Informationen.\nBitte löschen Sie sie.",
    "This email and any attachments are confidential.", "Если вы получили это сообщение по ошибке, удалите его.",
    "Von Outlook für iOS gesendet", "Gesendet mit Spark", "Sent from Canary",
    "Treść tej wiadomości jest poufna. Jeżeli otrzymaliście ją Państwo przez pomyłkę, prosimy o jej usunięcie.",
    "Der Inhalt dieser E-Mail ist vertraulich; jede Form der Veröffentlichung oder Weitergabe ist unzulässig.",
    "Sent with Proton Mail secure email.", "Wysłane z mojego iPhone’a", "Отправлено из Яндекс Почты для мобильных",
    "Настоящее письмо и любые приложения к нему конфиденциальны и предназначены исключительно для адресата.",
    "Цей електронний лист та будь-які вкладення є конфіденційними та призначені виключно для адресата.",
    "_______________________________________________\nusers mailing list\nhttps://lists.desk.example/users",
)  # fmt: skip

KEPT = (
    "On Monday your colleague Ivan wrote: we will call you.\nNobody has.",
    "От: кого письмо, мы не знаем.\nТема: пустая.",
    "Steps:\n- restart\n- wait\n- look",
    "PS> Get-Service\nC> dir",
    "Hi,\n\nthe error is -- as before -- the same.",
    "I sent from my phone number a message to you, twice.",
    "Die Nachricht von meinem Kollegen wurde nicht gesendet.",
    "Der Vertrag ist da.\n\nVon Frau Klein gesendet",
    "Am Montag, 9. Juni, um 10:12 schrieb der Server: Fehler 500.\nSeitdem nichts.",
    "On 9 June 2026 at 10:12 the server wrote:\n\nERROR 500\nWhat does it mean?",
    "Am 09.06.2026 um 10:12 schrieb der Server:\n\nFehler 500",
    "9 июня 2026 в 10:12 сервер пишет:\n\nОшибка 500",
    "Which of these?\n\n---\n\n" + "A long list follows here and it is text.\n" * 8,
    "Date: Wednesday 3 October\nTime: 7:00\nAddress: 130 Fox St",
    "These are the headers:\n\nFrom: a@b.example\nTo: c@d.example\nSubject: x\n\nWhy was it refused?",
    "Список:\n\n- Москва\n\n- Киев",
)


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_a_reply_above_marked_quotes_is_what_is_visible(attribution: str, phrases: Phrases) -> None:
    assert visible(f"{MINE}\n\n{attribution}\n\n> Welche?\n>\n> -- \n> Desk\n", phrases) == MINE


@pytest.mark.parametrize("attribution", ATTRIBUTIONS.values(), ids=ATTRIBUTIONS)
def test_a_reply_below_and_between_quotes_is_what_is_visible(attribution: str, phrases: Phrases) -> None:
    text = f"{attribution}\n> Which one?\nThe first.\n\n> And when?\n\n{MINE}\n\n-- \nMe\n"
    assert visible(text, phrases) == f"The first.\n\n{MINE}"


@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_a_reply_above_unmarked_mail_is_what_is_visible(block: str, phrases: Phrases) -> None:
    assert visible(f"{MINE}\n\n{block}\n\nThe old text,\nin two lines.\n", phrases) == MINE


@pytest.mark.parametrize("end", ENDS)
def test_what_stands_below_the_text_is_no_part_of_it(end: str, phrases: Phrases) -> None:
    assert visible(f"{MINE}\n\n{end}\n", phrases) == MINE
    assert visible(f"{MINE}\n\n{end}\n\n{ATTRIBUTIONS['gmail de']}\n> alt\n", phrases) == MINE


@pytest.mark.parametrize("text", KEPT)
def test_what_only_looks_like_a_quote_is_kept(text: str, phrases: Phrases) -> None:
    assert visible(text, phrases) == text.strip()


def test_where_nothing_would_be_left_all_is_visible(phrases: Phrases) -> None:
    text = "On Tue, 9 Jun 2026 at 10:12, Desk wrote:\n> nothing but a quote"
    assert visible(text, phrases) == text


def test_initials_mark_quotes_after_an_attribution(phrases: Phrases) -> None:
    text = "Добрый день!\n\nВы писали 9 июня 2026 г., 10:12:33:\n\nD> Какая версия?\n\nВерсия 6.5."
    assert visible(text, phrases) == "Добрый день!\n\nВерсия 6.5."


def test_a_forwarded_mail_counts_as_written_by_the_sender(phrases: Phrases) -> None:
    text = "Please see.\n\n---------- Forwarded message ---------\nFrom: A <a@b.example>\nSubject: x\n\nHelp!\n--\nA"
    assert visible(text, phrases) == text


def test_a_forward_by_its_subject_keeps_what_a_reply_would_lose(phrases: Phrases) -> None:
    split = quoting.split(f"Bitte.\n\n{BLOCKS['outlook de']}\n\nHilfe!", phrases, quoting.About(is_forward=True))
    assert split.visible.endswith("Hilfe!")
    assert split.own == "Bitte."
    assert split.forwarded is not None
    assert split.forwarded_text == "Hilfe!"


def test_an_inline_answer_keeps_what_it_answers(phrases: Phrases) -> None:
    text = "On Tue, 9 Jun 2026 at 10:12, Desk wrote:\n> When?\nNow.\n\n> Why?\nSo.\n\n> Regards"
    assert quoting.split(text, phrases).inline == "> When?\nNow.\n\n> Why?\nSo."
    assert quoting.split("Now.\n\n> When?", phrases).inline == ""

"""A realistic mix of mails of about 5 KB: five languages, the kinds that a desk gets, made of a seed."""

import base64
import quopri
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

DESK_ADDRESS = "support@strato.example"
AUTHSERV_ID = "mx.strato.example"
CONTACTS = 300  # customers, each with one address and hosts of their own
LANGUAGES = ("de", "en", "pl", "ru", "uk")
BEGUN = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

_SUBJECTS = {
    "en": ("Website is slow since this morning", "Invoice for February", "Cannot send mail from Outlook",
           "SSL certificate expired", "Please explain the last order"),
    "de": ("Webseite seit heute früh langsam", "Rechnung für Februar", "Outlook sendet keine E-Mails",
           "SSL-Zertifikat abgelaufen", "Frage zur letzten Bestellung"),
    "pl": ("Strona działa wolno od rana", "Faktura za luty", "Outlook nie wysyła poczty",
           "Certyfikat SSL wygasł", "Pytanie o ostatnie zamówienie"),
    "ru": ("Сайт медленно открывается с утра", "Счёт за февраль", "Outlook не отправляет почту",
           "Истёк сертификат SSL", "Вопрос по последнему заказу"),
    "uk": ("Сайт повільно відкривається зранку", "Рахунок за лютий", "Outlook не надсилає пошту",
           "Закінчився сертифікат SSL", "Питання щодо останнього замовлення"),
}  # fmt: skip
_SENTENCES = {
    "en": ("Since this morning our shop at shop{n}.example answers only after half a minute.",
           "We have cleared the cache and tried three browsers, it is the same everywhere.",
           "The error page says 502 Bad Gateway, and then it works again for a while.",
           "Could you please have a look and tell us what happened?",
           "Our customers call us and we do not know what to tell them.",
           "The server is srv{n}.host.example, the order number is 4{n}17."),
    "de": ("Seit heute früh antwortet unser Shop shop{n}.example erst nach einer halben Minute.",
           "Wir haben den Cache geleert und drei Browser probiert, es ist überall gleich.",
           "Die Fehlerseite zeigt 502 Bad Gateway, danach geht es wieder eine Weile.",
           "Könnten Sie bitte nachsehen und uns sagen, was passiert ist?",
           "Unsere Kunden rufen an, und wir wissen nicht, was wir ihnen sagen sollen.",
           "Der Server ist srv{n}.host.example, die Bestellnummer lautet 4{n}17."),
    "pl": ("Od rana nasz sklep shop{n}.example odpowiada dopiero po pół minuty.",
           "Wyczyściliśmy pamięć podręczną i sprawdziliśmy trzy przeglądarki, wszędzie to samo.",
           "Strona błędu pokazuje 502 Bad Gateway, a potem znowu przez chwilę działa.",
           "Czy mogą Państwo sprawdzić i napisać, co się stało?",
           "Klienci do nas dzwonią, a my nie wiemy, co im powiedzieć.",
           "Serwer to srv{n}.host.example, numer zamówienia 4{n}17."),
    "ru": ("С утра наш магазин shop{n}.example отвечает только через полминуты.",
           "Мы очистили кэш и попробовали три браузера, везде одно и то же.",
           "Страница ошибки показывает 502 Bad Gateway, потом какое-то время работает.",
           "Посмотрите, пожалуйста, и напишите нам, что случилось.",
           "Клиенты звонят, а мы не знаем, что им сказать.",
           "Сервер srv{n}.host.example, номер заказа 4{n}17."),
    "uk": ("Зранку наш магазин shop{n}.example відповідає лише за пів хвилини.",
           "Ми очистили кеш і спробували три браузери, усюди те саме.",
           "Сторінка помилки показує 502 Bad Gateway, потім якийсь час працює.",
           "Подивіться, будь ласка, і напишіть нам, що сталося.",
           "Клієнти телефонують, а ми не знаємо, що їм сказати.",
           "Сервер srv{n}.host.example, номер замовлення 4{n}17."),
}  # fmt: skip
_LENGTHS = {"en": (40, 70), "de": (35, 60), "pl": (30, 55), "ru": (25, 45), "uk": (25, 45)}  # sentences
_GREETINGS = {"en": ("Hello,", "Kind regards"), "de": ("Guten Tag,", "Mit freundlichen Grüßen"),
              "pl": ("Dzień dobry,", "Pozdrawiam"), "ru": ("Здравствуйте!", "С уважением"),
              "uk": ("Добрий день!", "З повагою")}  # fmt: skip
_WROTE = {"en": "On Mon, 2 Mar 2026 at 10:00, Support <{to}> wrote:",
          "de": "Am 02.03.2026 um 10:00 schrieb Support <{to}>:",
          "pl": "W dniu 02.03.2026 o 10:00, Support <{to}> napisał(a):",
          "ru": "02.03.2026 10:00, Support <{to}> пишет:",
          "uk": "02.03.2026 10:00, Support <{to}> пише:"}  # fmt: skip


def make_mails(count: int, seed: int = 1) -> list[tuple[str, bytes]]:
    """Return `count` mails with their envelope senders, in an order in which answers follow what they answer."""
    chance = random.Random(seed)
    kinds: list[Callable[[random.Random, int], tuple[str, bytes]]] = []
    for maker, weight in ((_question, 45), (_html_question, 20), (_answer, 18), (_stranger, 5), (_with_file, 4),
                          (_auto_reply, 3), (_bounce, 2), (_newsletter, 3)):  # fmt: skip
        kinds += [maker] * weight
    return [chance.choice(kinds)(chance, place) for place in range(count)]


def contact(number: int) -> str:
    """Return the address of a contact that the desk knows."""
    return f"person{number}@customer{number % 100}.example"


def _question(chance: random.Random, place: int) -> tuple[str, bytes]:
    language = _language(place)
    text = _text(chance, place, chance.randint(*_LENGTHS[language]))
    return _sender(place), _mail(place, _sender(place), _subject(place), *_plain(text))


def _html_question(chance: random.Random, place: int) -> tuple[str, bytes]:
    text = _text(chance, place, chance.randint(8, 16))
    rows = "".join(f'<p style="margin:0;font-family:Arial">{line}</p>\r\n' for line in text.splitlines())
    html = f"<html><head><style>p {{ color: #333 }}</style></head><body>{rows}</body></html>"
    parts = [_plain(text), ("text/html; charset=utf-8", "base64", base64.encodebytes(html.encode()))]
    return _sender(place), _mail(place, _sender(place), _subject(place), *_multipart("alternative", parts))


def _answer(chance: random.Random, place: int) -> tuple[str, bytes]:
    """An answer to a mail of the same person that came some time before, quoting it."""
    earlier = place - CONTACTS if place >= CONTACTS else place
    language = _language(place)
    quoted = "\r\n".join(f"> {line}" for line in _text(chance, earlier, _LENGTHS[language][0]).splitlines())
    text = f"{_text(chance, place, 4)}\r\n{_WROTE[language].format(to=DESK_ADDRESS)}\r\n{quoted}\r\n"
    extra = f"In-Reply-To: <bench-{earlier}@customer.example>\r\nReferences: <bench-{earlier}@customer.example>\r\n"
    return _sender(place), _mail(place, _sender(place), f"Re: {_subject(earlier)}", *_plain(text), extra=extra)


def _stranger(chance: random.Random, place: int) -> tuple[str, bytes]:
    sender = f"stranger{place}@elsewhere.example"
    return sender, _mail(place, sender, _subject(place), *_plain(_text(chance, place, _LENGTHS[_language(place)][0])))


def _with_file(chance: random.Random, place: int) -> tuple[str, bytes]:
    picture = base64.encodebytes(chance.randbytes(2500))
    parts = [_plain(_text(chance, place, 8)), ('image/png; name="error.png"', "base64", picture)]
    return _sender(place), _mail(place, _sender(place), _subject(place), *_multipart("mixed", parts))


def _auto_reply(chance: random.Random, place: int) -> tuple[str, bytes]:
    sender = _sender(place)
    text = "I am out of the office until Monday.\r\n" * 40
    return "", _mail(place, sender, "Out of office", *_plain(text), extra="Auto-Submitted: auto-replied\r\n")


def _bounce(chance: random.Random, place: int) -> tuple[str, bytes]:
    report = (
        b"Reporting-MTA: dns; mx.customer.example\r\n\r\nFinal-Recipient: rfc822; gone@customer.example\r\n"
        b"Action: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 no such user\r\n"
    )
    returned = b"Message-ID: <gone@strato.example>\r\nSubject: an older letter\r\n" + b"X-Trace: 0123456789\r\n" * 100
    parts = [_plain("This mail could not be delivered.\r\n"), ("message/delivery-status", "7bit", report),
             ("text/rfc822-headers", "7bit", returned)]  # fmt: skip
    type_, encoding, body = _multipart("report; report-type=delivery-status", parts)
    return "", _mail(
        place, "mailer-daemon@customer.example", "Undelivered Mail Returned to Sender", type_, encoding, body
    )


def _newsletter(chance: random.Random, place: int) -> tuple[str, bytes]:
    sender = "news@shop.example"
    text = "This week we have new things in our shop, come and see them all.\r\n" * 60
    extra = "List-Id: <news.shop.example>\r\nList-Unsubscribe: <mailto:off@shop.example>\r\nPrecedence: bulk\r\n"
    return sender, _mail(place, sender, "News of the week", *_plain(text), extra=extra)


def _sender(place: int) -> str:
    return contact(place % CONTACTS)


def _language(place: int) -> str:
    return LANGUAGES[place % CONTACTS % len(LANGUAGES)]


def _subject(place: int) -> str:
    subjects = _SUBJECTS[_language(place)]
    return f"{subjects[place // CONTACTS % len(subjects)]} ({place % 997})"


def _text(chance: random.Random, place: int, sentences: int) -> str:
    language = _language(place)
    hello, bye = _GREETINGS[language]
    chosen = [chance.choice(_SENTENCES[language]).format(n=place % CONTACTS) for _ in range(sentences)]
    return "\r\n".join([hello, "", *chosen, "", bye, "Anna", "-- ", "Anna, shop.example, +49 30 1234567", ""])


def _plain(text: str) -> tuple[str, str, bytes]:
    data = text.encode()
    if data.isascii():
        return "text/plain; charset=us-ascii", "7bit", data
    if text[:200].isascii() or sum(letter > "\u0370" for letter in text) * 2 < len(text):
        return "text/plain; charset=utf-8", "quoted-printable", quopri.encodestring(data.replace(b"\r\n", b"\n"))
    # Cyrillic: at once 8-bit, which is what many programs send, and of the right size
    return "text/plain; charset=utf-8", "8bit", data


def _multipart(subtype: str, parts: list[tuple[str, str, bytes]]) -> tuple[str, str, bytes]:
    kind, _, rest = subtype.partition(";")
    body = b"".join(
        f"--=_bench\r\nContent-Type: {type_}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode() + data + b"\r\n"
        for type_, encoding, data in parts
    )
    return f'multipart/{kind}; boundary="=_bench"{";" + rest if rest else ""}', "7bit", body + b"--=_bench--\r\n"


def _mail(place: int, sender: str, subject: str, type_: str, encoding: str, body: bytes, extra: str = "") -> bytes:
    coded = subject if subject.isascii() else f"=?utf-8?B?{base64.b64encode(subject.encode()).decode()}?="
    domain = sender.partition("@")[2]
    head = (
        f"Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from={domain}\r\n"
        f"Received: from mail.{domain} (mail.{domain} [192.0.2.{place % 250}])\r\n"
        f"\tby {AUTHSERV_ID} (Postfix) with ESMTPS id 4B{place:08X}\r\n"
        f"\tfor <{DESK_ADDRESS}>; {format_datetime(BEGUN + timedelta(seconds=place))}\r\n"
        f"From: Anna Sample <{sender}>\r\nTo: {DESK_ADDRESS}\r\nSubject: {coded}\r\n"
        f"Date: {format_datetime(BEGUN + timedelta(seconds=place))}\r\nMessage-ID: <bench-{place}@customer.example>\r\n"
        f"{extra}MIME-Version: 1.0\r\nContent-Type: {type_}\r\nContent-Transfer-Encoding: {encoding}\r\n"
        "X-Mailer: Sample Mail 7.1\r\n"
    )
    return (head.encode() + b"\r\n" + body.replace(b"\r\n", b"\n")).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")

"""A working day's mails: of ten, seven answer an acknowledgement that the desk has sent, and three are new."""

import base64
import random
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from load.mails import AUTHSERV_ID, DESK_ADDRESS

_SAID = {
    "en": ("It still does not work, the page is blank now.", "Since an hour it is better, but not good. What was it?",
           "Here is what the log says: upstream timed out while reading."),
    "de": ("Es geht leider immer noch nicht, die Seite ist jetzt leer.", "Seit einer Stunde ist es besser. Woran lag es?",
           "Im Protokoll steht: upstream timed out while reading."),
    "pl": ("Niestety nadal nie działa, strona jest pusta.", "Od godziny jest lepiej. Co to było?",
           "W logu jest: upstream timed out while reading."),
    "ru": ("К сожалению, по-прежнему не работает, страница пустая.", "Уже час как лучше. Что это было?",
           "В журнале написано: upstream timed out while reading."),
    "uk": ("На жаль, досі не працює, сторінка порожня.", "Уже годину краще. Що це було?",
           "У журналі написано: upstream timed out while reading."),
}  # fmt: skip
_THANKS = {"en": "Thank you very much!", "de": "Vielen Dank!", "pl": "Dziękuję bardzo!", "ru": "Большое спасибо!",
           "uk": "Дуже дякую!"}  # fmt: skip
_WROTE = {"en": "On Mon, 2 Mar 2026 at 10:00, {who} wrote:", "de": "Am 02.03.2026 um 10:00 schrieb {who}:",
          "pl": "W dniu 02.03.2026 o 10:00, {who} napisał(a):", "ru": "02.03.2026 10:00, {who} пишет:",
          "uk": "02.03.2026 10:00, {who} пише:"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ack:
    """An acknowledgement, as the customer has it."""

    to: str
    subject: str
    text: str
    language: str
    message_id: str


def acks_of(database: Path) -> list[Ack]:
    """Return the acknowledgements that a desk has written."""
    columns = "to_address, subject, text, language, message_id"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return [Ack(*row) for row in connection.execute(f"SELECT {columns} FROM outbox WHERE kind = 'ack' ORDER BY id")]


def follow_ups(database: Path, mails: Sequence[tuple[str, bytes]], seed: int = 1) -> list[tuple[str, bytes]]:
    """Return as many as `mails`: three of ten of them, and seven that answer what the desk wrote."""
    acks, chance = acks_of(database), random.Random(seed)
    return [
        mail if place % 10 < 3 else _answer(acks[place % len(acks)], chance, place)
        for place, mail in enumerate(mails)
    ]  # fmt: skip


def _answer(ack: Ack, chance: random.Random, place: int) -> tuple[str, bytes]:
    said = _THANKS if place % 10 == 9 else {language: chance.choice(lines) for language, lines in _SAID.items()}
    language = ack.language if ack.language in said else "en"
    quoted = "\r\n".join(f"> {line}" for line in ack.text.splitlines())
    text = f"{said[language]}\r\n\r\nAnna\r\n\r\n{_WROTE[language].format(who=f'Support <{DESK_ADDRESS}>')}\r\n{quoted}\r\n"
    subject = f"Re: {ack.subject}"
    coded = subject if subject.isascii() else f"=?utf-8?B?{base64.b64encode(subject.encode()).decode()}?="
    domain = ack.to.partition("@")[2]
    head = (
        f"Authentication-Results: {AUTHSERV_ID}; dmarc=pass header.from={domain}\r\n"
        f"From: Anna Sample <{ack.to}>\r\nTo: {DESK_ADDRESS}\r\nSubject: {coded}\r\n"
        f"Date: Mon, 02 Mar 2026 10:{place // 60 % 60:02}:{place % 60:02} +0000\r\nMessage-ID: <day-{place}@customer.example>\r\n"
        f"In-Reply-To: <{ack.message_id}>\r\nReferences: <{ack.message_id}>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    )
    return ack.to, (head + text).encode()

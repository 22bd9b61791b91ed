"""A ticket as an mbox: every mail that came for it as it came, every letter of it as it left."""

import re
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import select

from mailgate.app import Built
from mailgate.compose.message import to_bytes
from mailgate.errors import Refused
from mailgate.intake.panel import panel_mail
from mailgate.model.settings import Desk
from mailgate.model.ticket import StoredFile
from mailgate.parse import LimitExceeded
from mailgate.store import outbox, views
from mailgate.store.engine import reading
from mailgate.store.outbox import Outgoing
from mailgate.store.tables import MESSAGE, TICKET
from mailgate.takeover.deciding import SOURCE as TAKEN_OVER

_FROM_LINE = re.compile(rb"^(>*From )", re.MULTILINE)


def export_ticket(built: Built, number: int, output: str | None) -> None:
    """Write the mbox of ticket `number` to the file `output`, or to stdout. Raises Refused where it cannot be."""
    number = _survivor(built, number)
    mails = sorted(_mails(built, number), key=lambda mail: mail[0])
    if output is None:
        _write(mails, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    try:
        with Path(output).open("xb") as file:
            _write(mails, file)
    except OSError as error:
        raise Refused(f"{output}: {error.strerror or error}") from error
    print(f"ticket {number}: {len(mails)} mails in {output}")


def letter_bytes(built: Built, letter: Outgoing) -> bytes:
    """Return a letter as it goes to the relay; an attachment whose mail is gone is left out."""
    files = [(one, content) for one in letter.attachments if (content := _content(built, one)) is not None]
    return to_bytes(letter.rendered, files, letter.sent_at or letter.created_at)


def _survivor(built: Built, number: int) -> int:
    """Return the ticket that `number` stands for: the mail of a merged one lies on the one it went into (T7)."""
    with reading(built.engine) as connection:
        for _ in range(100):
            row = connection.execute(select(TICKET.c.merged_into).where(TICKET.c.number == number)).first()
            if row is None:
                raise Refused(f"there is no ticket {number}; `mailgate ticket list` shows those there are")
            if row.merged_into is None:
                break
            number = int(row.merged_into)
    return number


def _mails(built: Built, number: int) -> Iterator[tuple[datetime, str, bytes]]:
    """Yield time, sender and bytes of every mail of the ticket."""
    query = select(MESSAGE).where(MESSAGE.c.ticket == number)
    with reading(built.engine) as connection:
        entries = connection.execute(query.order_by(MESSAGE.c.at, MESSAGE.c.id)).all()
        ticket = connection.execute(select(TICKET.c.desk, TICKET.c.source).where(TICKET.c.number == number)).one()
        letters = outbox.list_letters(
            connection, ticket=number, states=("waiting", "sending", "sent", "failed"), limit=100_000
        )
        infected = views.infected(connection, [entry.arrival for entry in entries if entry.arrival])
    known: set[str] = set()
    for entry in entries:
        raw = built.inbox.raw_of(entry.digest) if entry.digest and entry.digest not in known else None
        if raw is not None:
            known.add(entry.digest)
            if entry.arrival in infected:
                raw = _of_words(built.settings.desks.get(ticket.desk), entry)
        elif entry.digest is None and ticket.source == TAKEN_OVER and entry.arrival is None:
            raw = _of_words(built.settings.desks.get(ticket.desk), entry)
        if raw is not None:
            yield entry.at, entry.author, raw
    for letter in letters:
        yield letter.sent_at or letter.created_at, letter.rendered.from_, letter_bytes(built, letter)


def _of_words(desk: Desk | None, entry: Any) -> bytes:
    """Return the words of an entry as a mail: one that was taken over from another system (T8) never was here as such, and
    of one in which something harmful was found nothing else leaves the house (M9)."""
    mailbox = desk.mailboxes[0].address if desk else ""
    return panel_mail(
        address=entry.author, name=entry.author_name, mailbox=mailbox, subject=entry.subject, text=entry.body,
        message_id=entry.message_id or f"{entry.id}@{TAKEN_OVER}.invalid", at=entry.at,
    )  # fmt: skip


def _content(built: Built, stored: StoredFile) -> bytes | None:
    raw = built.inbox.raw_of(stored.digest)
    if raw is None:
        return None
    try:
        attachments = built.house.read(raw).attachments
    except LimitExceeded:
        return None
    return attachments[stored.part].content if stored.part < len(attachments) else None


def _write(mails: list[tuple[datetime, str, bytes]], file: BinaryIO) -> None:
    for at, sender, raw in mails:
        stamp = at.strftime("%a %b %d %H:%M:%S %Y")
        file.write(f"From {sender.replace(' ', '') or 'MAILER-DAEMON'} {stamp}\n".encode("utf-8", "replace"))
        body = _FROM_LINE.sub(rb">\1", raw.replace(b"\r\n", b"\n"))  # mboxrd: can be undone
        file.write(body if body.endswith(b"\n") else body + b"\n")
        file.write(b"\n")

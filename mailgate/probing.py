"""Which mail is our own test mail, and which is its answer come back: known by signed names that nobody else can make."""

from datetime import datetime

from sqlalchemy import Connection

from mailgate.model.mail import Mail
from mailgate.model.settings import Settings
from mailgate.model.tokens import read_message_id, read_probe_message_id
from mailgate.store import probes


def incoming_probe(connection: Connection, mail: Mail, settings: Settings) -> str | None:
    """Return the id of the test mail that `mail` is, or None: a forged one, or one that has arrived before, is a mail
    like any other."""
    if settings.probe is None or not mail.message_id:
        return None
    which = read_probe_message_id(mail.message_id, settings.secret)
    return which if which and probes.may_arrive(connection, which) else None


def note_returned(connection: Connection, mail: Mail, settings: Settings, arrival: str, at: datetime) -> None:
    """Where `mail` is our own answer to a test mail, the way of that one has come to its end."""
    if settings.probe is None or not mail.message_id or not mail.in_reply_to:
        return
    which = read_probe_message_id(mail.in_reply_to[0], settings.secret)
    if which and read_message_id(mail.message_id, settings.secret):
        probes.note_returned(connection, which, arrival=arrival, at=at)

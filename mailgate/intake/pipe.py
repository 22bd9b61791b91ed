"""The pipe (I2): one mail on stdin, one exit code."""

import re
from collections.abc import Callable, Sequence
from datetime import datetime

from mailgate.blobs import Blobs, open_blobs
from mailgate.errors import Refused, TryLater
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.log import Log, short
from mailgate.model.settings import Settings
from mailgate.store import single
from mailgate.store.ids import Ids, utc_now
from mailgate.store.incoming import Incoming

LOG = Log("intake")
ACCEPTED, REFUSED, NO_MAILBOX, TRY_LATER = 0, 65, 67, 75  # sysexits.h: EX_DATAERR, EX_NOUSER, EX_TEMPFAIL
_HEADER_BYTES = 256 * 1024
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_RETURN_PATH = re.compile(rb"^return-path:[ \t]*(?:<([^<>\s]{0,320})>|([^<>\s]{1,320}))[ \t]*\r?$", re.I | re.M)


def deliver(
    raw: bytes,
    to: str,
    from_: str | None,
    settings: Settings,
    new_id: Callable[[], str] | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> int:
    """Make the mail durable and return 0; 67: no such mailbox; 65: refused for good; 75: trouble of ours.

    Without `from_` the sender is that of Return-Path, else unknown.
    """
    recipients = Recipients.of(settings)
    if recipients.desk_of(to) is None:
        LOG.event("recipient.refused", channel="pipe", to=short(to))
        return NO_MAILBOX
    if len(raw) > settings.smtp.size_limit:
        LOG.event("mail.refused", channel="pipe", because="too big", size=len(raw))
        return REFUSED
    sender = sender_of(raw) if from_ is None else from_.strip().strip("<>")
    envelope = Envelope(channel="pipe", sender=sender, recipients=(to,), is_trusted=True)
    incoming = arrivals_of(raw, envelope, recipients, new_id or Ids(clock).new, clock())
    try:
        blobs = open_blobs(settings.blobs_url)
        if not single.put(settings.database_url, incoming):
            _put(settings.database_url, blobs, incoming)
    except Refused as error:
        LOG.failed("mail.refused", error, channel="pipe")
        return REFUSED
    except TryLater as error:
        LOG.warning("mail.put_off", channel="pipe", because=str(error))
        return TRY_LATER
    except Exception as error:  # a bug is never the sender's problem
        LOG.failed("mail.not_stored", error, channel="pipe")
        return TRY_LATER
    for item in incoming:
        LOG.event("mail.accepted", arrival=item.arrival.id, channel="pipe", desk=item.arrival.desk, size=len(raw))
    return ACCEPTED


def _put(database_url: str, blobs: Blobs, incoming: Sequence[Incoming]) -> None:
    """Make any mail durable in any database; mail may come before the daemon first ran."""
    from mailgate.store.engine import inbox_url, open_engine, transaction
    from mailgate.store.inbox import INBOX, Inbox

    engine = open_engine(inbox_url(database_url))
    with transaction(engine) as connection:
        INBOX.create(connection, checkfirst=True)
    Inbox(engine, blobs).accept(incoming)


def sender_of(raw: bytes) -> str | None:
    """Return the address of the topmost Return-Path, "" for its null sender, None where there is none to be read."""
    end = _END_OF_HEADER.search(raw, 0, _HEADER_BYTES)
    header = raw[: end.start() if end else _HEADER_BYTES]
    found = _RETURN_PATH.search(header)
    if not found:
        return None
    return (found[1] if found[1] is not None else found[2]).decode("utf-8", "replace")

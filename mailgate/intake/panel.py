"""The control panel's form as a mail (I4): what everything behind the door reads is one and the same."""

import re
from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")


def panel_mail(
    *,
    address: str,
    name: str,
    mailbox: str,
    subject: str,
    text: str,
    message_id: str,
    at: datetime,
    files: Sequence[tuple[str, str, bytes]] = (),
) -> bytes:
    """Return the form as raw mail; `message_id` without brackets, `files` as (name, content type, bytes)."""
    mail = EmailMessage(policy=SMTP)
    local, _, domain = address.rpartition("@")
    mail["From"] = Address(_line(name), local, domain) if local else ""
    mail["To"] = mailbox
    mail["Subject"] = _line(subject)
    mail["Date"] = format_datetime(at)
    mail["Message-ID"] = f"<{message_id}>"
    mail.set_content(text, cte="base64")
    for filename, content_type, data in files:
        main, _, sub = _type(content_type).partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=_line(filename))
    return mail.as_bytes()


def _type(value: str) -> str:
    """Return the content type that a form names, without its parameters, or that of any bytes where it names none."""
    value = value.partition(";")[0].strip().lower()
    # what is sent as a mail or as parts of one is a file all the same: nothing in it may count as ours
    if not _CONTENT_TYPE.fullmatch(value) or value.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return value


def _line(value: str) -> str:
    """Return `value` as one line that is no encoded word (CVE-2024-6923): a form's fields are hostile text too."""
    clean = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(clean.replace("=?", "= ?").split())[:500]

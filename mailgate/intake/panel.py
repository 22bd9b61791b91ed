"""The control panel's form as a mail (I4): what everything behind the door reads is one and the same."""

from collections.abc import Sequence
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime


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
        main, _, sub = content_type.partition("/")
        mail.add_attachment(
            data, maintype=main or "application", subtype=sub or "octet-stream", filename=_line(filename)
        )
    return mail.as_bytes()


def _line(value: str) -> str:
    """Return `value` as one line that is no encoded word (CVE-2024-6923): a form's fields are hostile text too."""
    clean = "".join(letter if letter.isprintable() else " " for letter in value)
    return " ".join(clean.replace("=?", "= ?").split())[:500]

"""Rendered → bytes: an RFC 5322 message whose headers are the ones that were meant, and no others (A4)."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from mailgate.compose import headers
from mailgate.compose.flowed import flowed
from mailgate.model.letter import Rendered
from mailgate.model.ticket import StoredFile

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}\Z")
_UNSAFE_LINE = re.compile(r"[^\n]{79}| (?:\n|\Z)")
_B64_ROW = 57  # bytes in a line of 76 letters

Part = tuple[str, str]  # header block, encoded body


def to_bytes(rendered: Rendered, files: Sequence[tuple[StoredFile, bytes]], sent_at: datetime) -> bytes:
    """Return the message as it goes to the relay: CRLF, ASCII bodies, no Bcc.

    The header is ASCII unless the addressee's local part is not; then it is UTF-8 and the mail needs SMTPUTF8
    (RFC 6531), which `headers.wire_address` tells as well. Raises ValueError where a header would come out that was
    not meant: a bug, never a mail to send.
    """
    fields = _fields(rendered, sent_at)
    block, body = _body(rendered, files)
    head = "".join(fields) + block
    _check(head, [*_meant(fields), *_meant_of_body(block)])
    return f"{head}\r\n{body}".encode()


def _fields(rendered: Rendered, sent_at: datetime) -> list[str]:
    fields = [
        f"Date: {format_datetime(sent_at)}\r\n",
        headers.address_field("From", rendered.from_name, rendered.from_),
        headers.address_field("To", rendered.to_name, rendered.to),
    ]
    if rendered.reply_to and rendered.reply_to != rendered.from_:
        fields.append(headers.address_field("Reply-To", rendered.from_name, rendered.reply_to))
    fields.append(headers.field("Subject", rendered.subject))
    fields.append(headers.ids_field("Message-ID", (rendered.message_id,)))
    if rendered.in_reply_to:
        fields.append(headers.ids_field("In-Reply-To", (rendered.in_reply_to,)))
    if rendered.references:
        fields.append(headers.ids_field("References", rendered.references))
    fields.extend(headers.field(name, value) for name, value in rendered.headers)
    fields.append("MIME-Version: 1.0\r\n")
    return fields


def _body(rendered: Rendered, files: Sequence[tuple[StoredFile, bytes]]) -> Part:
    """Return the Content-… headers and the body: text, with its HTML twin, with pictures, with attachments."""
    pictures = [file for file in files if rendered.html and file[0].inline and file[0].content_id]
    attached = [file for file in files if file not in pictures]
    body = _text_part("plain", rendered.text, is_alone=not rendered.html and not attached)
    if rendered.html:
        twin = _text_part("html", rendered.html, is_alone=False)
        if pictures:
            twin = _multipart(rendered, "related", [twin, *(_file_part(*file, is_inline=True) for file in pictures)])
        body = _multipart(rendered, "alternative", [body, twin])
    if attached:
        body = _multipart(rendered, "mixed", [body, *(_file_part(*file, is_inline=False) for file in attached)])
    return body


@lru_cache(maxsize=8)  # the desk's people get one text, one after the other
def _text_part(subtype: str, text: str, *, is_alone: bool) -> Part:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    kind = f"text/{subtype}"
    if subtype == "plain":
        text, flow = flowed(text), "; format=flowed"
    else:
        flow = ""
    data = text.encode("utf-8", "replace")
    if len(data) == len(text):
        # Inside a multipart even ASCII is encoded: then no line of it can be a boundary.
        # Blanks at the end of a line mean something, and would not survive every server bare (RFC 3676, 4.2).
        if is_alone and not _UNSAFE_LINE.search(text):
            return _head(f"{kind}; charset=us-ascii{flow}", "7bit"), text.replace("\n", "\r\n")
        return _head(f"{kind}; charset=utf-8{flow}", "quoted-printable"), _quoted_printable(data)
    if len(data) - len(text) > len(text) // 4:
        return _head(f"{kind}; charset=utf-8{flow}", "base64"), _base64(data.replace(b"\n", b"\r\n"))
    return _head(f"{kind}; charset=utf-8{flow}", "quoted-printable"), _quoted_printable(data)


def _file_part(file: StoredFile, data: bytes, *, is_inline: bool) -> Part:
    disposition = "inline" if is_inline else "attachment"
    block = (
        f"Content-Type: {_media_type(file.content_type)}{headers.parameter('name', file.filename)}\r\n"
        "Content-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: {disposition}{headers.parameter('filename', file.filename)}\r\n"
    )
    content_id = headers.clean_id(file.content_id) if file.content_id else None
    if is_inline and content_id:
        block += f"Content-ID: <{content_id}>\r\n"
    return block, _base64(data)


def _multipart(rendered: Rendered, subtype: str, parts: Iterable[Part]) -> Part:
    # "=_" stands in no base64 and no quoted-printable line, so no part can hold the boundary.
    boundary = f"=_{subtype}-{rendered.message_id.partition('@')[0][-40:]}"
    body = "".join(f"--{boundary}\r\n{block}\r\n{content}\r\n" for block, content in parts)
    return f'Content-Type: multipart/{subtype};\r\n boundary="{boundary}"\r\n', f"{body}--{boundary}--\r\n"


def _head(content_type: str, encoding: str) -> str:
    return f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n"


def _media_type(value: str) -> str:
    value = value.partition(";")[0].strip().lower()
    # RFC 2046, 5.2: message/* and multipart/* must not be in base64; as a file they may.
    if not _MEDIA_TYPE.match(value) or value.startswith(("message/", "multipart/")):
        return "application/octet-stream"
    return value


def _quoted_printable(data: bytes) -> str:
    return binascii.b2a_qp(data, istext=True).decode("ascii").replace("\r\n", "\n").replace("\n", "\r\n")


def _base64(data: bytes) -> str:
    letters = base64.b64encode(data).decode("ascii")
    row = _B64_ROW // 3 * 4
    return "".join(f"{letters[at : at + row]}\r\n" for at in range(0, len(letters), row))


def _meant(fields: Iterable[str]) -> list[str]:
    return [field.partition(":")[0] for field in fields]


def _meant_of_body(block: str) -> list[str]:
    return ["Content-Type"] if "multipart/" in block else ["Content-Type", "Content-Transfer-Encoding"]


def _check(head: str, meant: list[str]) -> None:
    found = headers.names_of(head)
    if found != meant or "\r\n\r\n" in head:
        raise ValueError(f"the header would hold {found} where {meant} is meant")

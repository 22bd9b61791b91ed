"""The text of a mail and its attachments (M2, M4), chosen among its parts."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from tnefparse import TNEF

from mailgate.model.mail import Attachment
from mailgate.parse import charset, filename, header, markup
from mailgate.parse.tree import Part, uuencoded

_PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "text/enriched", "text/richtext", "text/x-amp-html")
_HTML = ("text/html", "application/xhtml+xml")
_REPORT = ("message/delivery-status", "message/disposition-notification", "message/feedback-report",
           "message/global-delivery-status", "text/rfc822-headers", "text/rfc822-header")  # fmt: skip
_REPORT_NAMES = {"message/delivery-status": "delivery-status.txt", "message/feedback-report": "feedback-report.txt",
                 "text/rfc822-headers": "message-headers.txt"}  # fmt: skip
_MAX_TNEF = 30 * 1024 * 1024


@dataclass(kw_only=True, slots=True)
class Body:
    """Text, HTML and attachments of one mail."""

    text: str = ""
    html: str = ""
    charset: str | None = None
    is_from_html: bool = False
    attachments: list[Attachment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def read(parts: Iterable[Part], reader: markup.Reader) -> Body:
    """Return what a person would see of these parts, and what is attached."""
    parts = list(parts)
    body = Body()
    texts: list[tuple[int, str, str]] = []  # alternative group, kind, text
    for part in parts:
        name = filename.filename(part)
        if _is_body(part, name, alone=len(parts) == 1):
            texts.append((part.group, "html" if part.content_type in _HTML else "plain", _text(part, body)))
        elif part.content_type not in _REPORT or name:
            _attach(part, name, body)
        else:
            _attach(part, _described(part) or _REPORT_NAMES.get(part.content_type, "report.txt"), body)
        body.problems += part.problems
    _choose(texts, body, reader)
    _take_uuencoded(body)
    return body


def _is_body(part: Part, name: str, *, alone: bool) -> bool:
    if part.content_type not in _PLAIN and part.content_type not in _HTML:
        return False
    if part.disposition == "attachment":
        return False
    return not name or alone or (part.group > 0 and part.disposition != "inline")


def _text(part: Part, body: Body) -> str:
    declared = part.parameters.get("charset")
    text, problem = charset.decode(part.content, declared)
    if problem:
        body.problems.append(problem)
    if body.charset is None and declared:
        body.charset = declared
    text = charset.clean(text)
    return markup.without_enriched(text) if part.content_type in ("text/enriched", "text/richtext") else text


def _choose(texts: list[tuple[int, str, str]], body: Body, reader: markup.Reader) -> None:
    """Of an alternative the plain form, unless it is empty (M2); of everything else all, in order."""
    pieces: list[str] = []
    spoken = {group for group, kind, text in texts if group and kind == "plain" and text.strip()}
    done: set[int] = set()
    htmls = []
    for group, kind, text in texts:
        if kind == "html":
            htmls.append(text)
        if group and (group in spoken) != (kind == "plain") or group in done:
            continue
        if kind == "html":
            text = reader.text(text)
            body.is_from_html = True
        if group and text.strip():
            done.add(group)
        if text.strip():
            pieces.append(text)
    body.html = "\n".join(htmls)
    body.text = "\n".join(pieces)


def _attach(part: Part, name: str, body: Body) -> None:
    kind = part.content_type
    if kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        if _open_tnef(part.content, body):
            return
    if not part.content and not name:
        return
    if not name and part.inner is not None:
        name = _described(part)
    if not name and part.inner is not None:
        name = filename.clean(header.decoded(part.inner.raw_value("subject") or "")[:100])
        name = f"{name}.eml" if name else ""
    content_id = header.one_line(part.entity.raw_value("content-id") or "").strip("<> ") or None
    is_inline = part.disposition == "inline" or bool(
        content_id and part.disposition != "attachment" and "multipart/related" in part.parents
    )
    body.attachments.append(
        _attachment(
            name or filename.invented(kind, len(body.attachments) + 1), kind, part.content, is_inline, content_id
        )
    )


def _described(part: Part) -> str:
    """Reports name their parts by Content-Description."""
    text = filename.clean(header.decoded(part.entity.raw_value("content-description") or "")[:80])
    extension = ".eml" if part.inner is not None else ".txt"
    return text if not text or text.lower().endswith(extension) else text + extension


def _attachment(name: str, kind: str, content: bytes, is_inline: bool, content_id: str | None) -> Attachment:
    return Attachment(
        filename=name,
        content_type=kind,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        inline=is_inline,
        content_id=content_id,
        content=content,
    )


def _open_tnef(content: bytes, body: Body) -> bool:
    """Take the files out of a winmail.dat; False where it cannot be opened and stays as it is."""
    if len(content) > _MAX_TNEF:
        return False
    try:
        opened = TNEF(content)
        files = [
            (attached.long_filename() or attached.name or "", bytes(attached.data or b""))
            for attached in opened.attachments
        ]
        text = opened.htmlbody or opened.body or ""
    except Exception as error:  # the reader trusts lengths that the file states
        body.problems.append(f"winmail.dat cannot be opened: {type(error).__name__}")
        return False
    for name, data in files:
        name = filename.clean(header.one_line(_as_text(name))) or filename.invented(
            "application/octet-stream", len(body.attachments) + 1
        )
        body.attachments.append(_attachment(name, filename.content_type(name), data, False, None))
    if not body.text and text:
        body.text = ""
    return bool(files) or bool(text)


def _as_text(value: str | bytes) -> str:
    return value if isinstance(value, str) else charset.decode(value)[0]


def _take_uuencoded(body: Body) -> None:
    """Files written into the text by programs without MIME."""
    if "begin " not in body.text or "\nend" not in body.text:
        return
    raw = body.text.encode("utf-8", "replace")
    kept, place = [], 0
    for start, end, name, content in uuencoded(raw):
        kept.append(raw[place:start])
        place = end
        name = filename.clean(name) or filename.invented("application/octet-stream", len(body.attachments) + 1)
        body.attachments.append(_attachment(name, filename.content_type(name), content, False, None))
    if place:
        body.text = b"".join((*kept, raw[place:])).decode("utf-8", "replace").strip("\n")

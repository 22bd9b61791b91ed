"""The text of a mail and its attachments (M2, M4), chosen among its parts."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from tnefparse import TNEF

from mailgate.model.mail import Attachment
from mailgate.parse import alternatives, charset, filename, flowed, header, markup, rich_text
from mailgate.parse.alternatives import Text
from mailgate.parse.invitation import calendar_text
from mailgate.parse.tree import Part, uuencoded

_PLAIN = ("text/plain", "text/markdown", "text/x-markdown", "text/enriched", "text/richtext", "text/x-amp-html")
_HTML = ("text/html", "application/xhtml+xml")
_REPORT = ("message/delivery-status", "message/disposition-notification", "message/feedback-report",
           "message/global-delivery-status", "text/rfc822-headers", "text/rfc822-header")  # fmt: skip
_REPORT_NAMES = {"message/delivery-status": "delivery-status.txt", "message/feedback-report": "feedback-report.txt",
                 "text/rfc822-headers": "message-headers.txt"}  # fmt: skip
_REACTION = "text/vnd.google.email-reaction+json"
_MAX_TNEF = 30 * 1024 * 1024


@dataclass(kw_only=True, slots=True)
class Body:
    """Text, HTML and attachments of one mail."""

    text: str = ""
    html: str = ""
    charset: str | None = None
    reaction: str = ""  # the emoji of a mail that is nothing but a reaction to one of ours
    attachments: list[Attachment] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)  # text that stands in a winmail.dat or an invitation


def read(parts: Iterable[Part], reader: markup.Reader) -> Body:
    """Return what a person would see of these parts, and what is attached."""
    parts = list(parts)
    body = Body()
    texts: list[Text] = []
    names = [filename.filename(part) for part in parts]
    named = _named_text(parts, names)
    for part, name in zip(parts, names, strict=True):
        if part.content_type == _REACTION:
            body.reaction = body.reaction or _emoji(part)
        elif _is_body(part, name, alone=len(parts) == 1) or part is named:
            texts.append(Text(part.path, part.content_type in _HTML, _text(part, body)))
        elif part.content_type not in _REPORT or name:
            _attach(part, name, body)
        else:
            _attach(part, _described(part) or _REPORT_NAMES.get(part.content_type, "report.txt"), body)
        body.problems += part.problems
    body.html = "\n".join(one.content for one in texts if one.is_html)
    body.text = "\n".join(alternatives.chosen(texts, reader)) or "\n\n".join(body.hidden)
    _take_uuencoded(body)
    return body


def _is_body(part: Part, name: str, *, alone: bool) -> bool:
    if part.content_type not in _PLAIN and part.content_type not in _HTML:
        return False
    if part.disposition == "attachment":
        return False
    return not name or alone or (bool(part.path) and part.disposition != "inline")


def _named_text(parts: list[Part], names: list[str]) -> Part | None:
    """Return the text part that bears a name, where no other says a word (M2)."""
    if not any(names):
        return None
    named: Part | None = None
    for part, name in zip(parts, names, strict=True):
        if part.content_type not in _PLAIN and part.content_type not in _HTML or part.disposition == "attachment":
            continue
        if part.content.strip():
            if _is_body(part, name, alone=False):
                return None
            named = named or part
    return named


def _text(part: Part, body: Body) -> str:
    declared = part.parameters.get("charset")
    is_html = part.content_type in _HTML
    text, problem = charset.decode(
        part.content, charset.declared_in_html(part.content, declared) if is_html else declared
    )
    if problem:
        body.problems.append(problem)
    if body.charset is None and declared:
        body.charset = declared
    text = charset.clean(text)
    if part.parameters.get("format", "").lower() == "flowed" and not is_html:
        return flowed.joined(text, delete_space=part.parameters.get("delsp", "").lower() == "yes")
    return markup.without_enriched(text) if part.content_type in ("text/enriched", "text/richtext") else text


def _emoji(part: Part) -> str:
    """Return what a Gmail reaction says (its part is JSON)."""
    try:
        found = json.loads(charset.decode(part.content, part.parameters.get("charset"))[0])
    except ValueError:
        return ""
    emoji = found.get("emoji") if isinstance(found, dict) else None
    return header.one_line(emoji)[:20] if isinstance(emoji, str) else ""


def _attach(part: Part, name: str, body: Body) -> None:
    kind = part.content_type
    if kind == "application/ms-tnef" or name.lower() == "winmail.dat":
        if _open_tnef(part.content, body):
            return
    if not part.content and not name:
        return
    if kind == "text/calendar":
        body.hidden.append(
            calendar_text(charset.clean(charset.decode(part.content, part.parameters.get("charset"))[0]))
        )
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
            name or filename.located(part) or filename.invented(kind, len(body.attachments) + 1),
            kind,
            part.content,
            is_inline,
            content_id,
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
        text = _tnef_text(opened)
        files = [
            (attached.long_filename() or attached.name or "", bytes(attached.data or b""))
            for attached in opened.attachments
        ]
    except Exception as error:  # the reader trusts lengths that the file states
        body.problems.append(f"winmail.dat cannot be opened: {type(error).__name__}")
        return False
    for name, data in files:
        name = filename.clean(header.one_line(_as_text(name))) or filename.invented(
            "application/octet-stream", len(body.attachments) + 1
        )
        body.attachments.append(_attachment(name, filename.content_type(name), data, False, None))
    if text.strip():
        body.hidden.append(text)
    return bool(files) or bool(text)


def _tnef_text(opened: TNEF) -> str:
    """Return the text of the message itself, as Outlook would show it: HTML, else plain, else its rich text."""
    if opened.htmlbody:
        return markup.plain(charset.clean(_as_text(opened.htmlbody)))
    if opened.body:
        return charset.clean(_as_text(opened.body))
    raw = opened._rtfbody  # the public one needs a package for what Outlook writes
    return rich_text.text_of(raw) if isinstance(raw, bytes) else ""


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

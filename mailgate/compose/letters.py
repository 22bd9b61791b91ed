"""Compose: a letter and the desk's templates become words, addresses and headers (A1, A2, A4, A7)."""

import re
from collections.abc import Hashable
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailgate.compose.contexts import filled
from mailgate.compose.headers import INVISIBLE, clean_id, clean_line, wire_domain
from mailgate.compose.templates import ZONE, Found, Templates
from mailgate.model import tokens
from mailgate.model.letter import NOTICE_BOTTOM, NOTICE_TOP, Letter, Rendered
from mailgate.model.settings import Desk
from mailgate.model.ticket import NEW

_VERBATIM = ("relay", "announcement")  # a person's words, to which nothing is done
_ANSWERS = ("command_error", "command_done", "reply_check")  # to a staff member's own mail
_TO_MANY = ("incident", "announcement")
_UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_MAX_REFERENCES = 20


_W = 0
Words = tuple[str, str, str, str]  # language, subject, text, html


def compose(
    letter: Letter,
    desk: Desk,
    templates: Templates,
    *,
    id_: str,
    secret: bytes,
    number: int | None,
    said: dict[Hashable, Words] | None = None,
    board_url: str = "",
) -> Rendered:
    """Return `letter` in words. `id_` makes its Message-ID, `number` is the ticket that NEW stands for. `said` keeps the
    words of letters that go to several people of the desk alike: one of them is rendered, the others are copies.
    `board_url` is where the staff board is reached, without a slash at its end; "": there is none.

    Raises jinja2.TemplateError where the template is missing or broken, ValueError where NEW has no number.
    """
    ticket = _ticket(letter, number)
    mailbox = mailbox_of(desk, letter.queue)
    domain = wire_domain(mailbox.rpartition("@")[2])
    language, subject, text, html = _words(letter, desk, templates, ticket, said, board_url)
    message_id = tokens.message_id(secret, id_, domain, ticket=ticket, held=letter.held)
    reply_to = _reply_to(letter, desk, mailbox, ticket, secret)
    in_reply_to = clean_id(letter.in_reply_to) if letter.in_reply_to else None
    return Rendered(
        kind=letter.kind,
        desk=desk.name,
        audience=letter.audience,
        ticket=ticket,
        to=letter.to,
        to_name=clean_line(letter.to_name, 200),
        from_=mailbox,
        from_name=clean_line(desk.title, 200),
        reply_to=reply_to,
        envelope_from=reply_to,
        subject=subject,
        text=text,
        language=language,
        message_id=message_id,
        in_reply_to=in_reply_to,
        references=_references(letter, desk, domain, ticket, in_reply_to),
        headers=_headers(letter, message_id),
        html=html,
    )


def mailbox_of(desk: Desk, queue: str) -> str:
    """Return the mailbox that letters of `queue` come from; the desk's first where the queue has none."""
    return next((box.address for box in desk.mailboxes if box.queue == queue), desk.mailboxes[0].address)


def _ticket(letter: Letter, number: int | None) -> int | None:
    if letter.ticket != NEW:
        return letter.ticket
    if number is None:
        raise ValueError(f"a letter of a new ticket ({letter.kind}) needs the ticket's number")
    return number


def _words(
    letter: Letter,
    desk: Desk,
    templates: Templates,
    ticket: int | None,
    said: dict[Hashable, Words] | None,
    board_url: str,
) -> Words:
    # a customer's letter may greet by name; the desk's people are written to alike
    key = (letter.kind, letter.audience, letter.language, letter.timezone, letter.subject, id(letter.context))
    if said is not None and letter.audience != "customer" and key in said:
        return said[key]
    found = templates.get(desk.name, letter.language, desk.languages[0], letter.kind)
    values = _values(letter, desk, found.language, ticket)
    values["board_url"] = board_url if letter.audience != "customer" else ""
    if letter.audience != "customer":
        values["subject"] = clean_line(INVISIBLE.sub("", values["subject"]))
    words = (
        found.language, _subject(desk, ticket, found, values), _text(letter, found, values), _html(letter, found, values),
    )  # fmt: skip
    if said is not None:
        said[key] = words
    return words


def _values(letter: Letter, desk: Desk, language: str, ticket: int | None) -> dict[str, Any]:
    zone = _zone(letter.timezone) or desk.timezone
    values = filled(letter.kind, letter.context)
    values.update(
        desk=desk.name,
        title=desk.title,
        tag=desk.tag,
        number=ticket,
        subject=_core(letter.subject, desk, ticket),
        to_name=letter.to_name,
        panel_url=desk.panel_url,
        language=language,
        zone=zone.key,
        audience=letter.audience,
    )
    values[ZONE] = zone
    return values


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _core(subject: str, desk: Desk, ticket: int | None) -> str:
    own = f"[{desk.tag} #{ticket}]"
    return clean_line(subject.replace(own, " ") if own in subject else subject)


def _subject(desk: Desk, ticket: int | None, found: Found, values: dict[str, Any]) -> str:
    words = clean_line(found.subject.render(values)) if found.subject else values["subject"]
    if not (values["subject"] or values.get("mail_subject")):
        words = words.rstrip(": ")  # what would have stood behind "Reminder:"
    return clean_line(f"[{desk.tag} #{ticket}] {words}") if ticket is not None else str(words)


def _text(letter: Letter, found: Found, values: dict[str, Any]) -> str:
    text = found.text.render(values)
    text = _clean(text).strip("\n")
    while letter.kind not in _VERBATIM and "\n\n\n" in text:  # paragraphs that had nothing to say
        text = text.replace("\n\n\n", "\n\n")
    if not _is_answered(letter):
        return f"{text}\n"
    top, bottom = _markers(found.language)
    return f"{top}\n\n{text}\n\n{bottom}\n"


def _html(letter: Letter, found: Found, values: dict[str, Any]) -> str:
    if found.html is None:
        return ""
    html = _clean(found.html.render(values)).strip()
    if not _is_answered(letter):
        return f"{html}\n"
    top, bottom = _markers(found.language)
    return f"<p>{top}</p>\n{html}\n<p>{bottom}</p>\n"


def _clean(text: str) -> str:
    """Return text with bare line feeds and without controls and halves of surrogates."""
    if text.replace("\n", "").isprintable():  # the common case, and much the faster look
        return text
    return _UNFIT.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def _is_answered(letter: Letter) -> bool:
    """Does a colleague's reply to this letter do something? Then our part of it stands between the marker lines."""
    return letter.audience != "customer" and (
        letter.ticket is not None or letter.held is not None or letter.kind in _ANSWERS
    )


def _markers(language: str) -> tuple[str, str]:
    return NOTICE_TOP.get(language, NOTICE_TOP["en"]), NOTICE_BOTTOM.get(language, NOTICE_BOTTOM["en"])


def _reply_to(letter: Letter, desk: Desk, mailbox: str, ticket: int | None, secret: bytes) -> str:
    """Return where an answer or a bounce goes: it names the ticket, or the held mail, and the addressee (A7)."""
    if not desk.plus_addresses:
        return mailbox
    if letter.held is not None:
        return tokens.reply_address(mailbox, secret, desk.name, "h", letter.held, letter.to)
    if ticket is None:
        return mailbox
    return tokens.reply_address(mailbox, secret, desk.name, "r", str(ticket), letter.to)


def _references(
    letter: Letter, desk: Desk, domain: str, ticket: int | None, in_reply_to: str | None
) -> tuple[str, ...]:
    """Return the References: the customer's chain, or a root of the ticket's own, to thread by."""
    known = [bare for value in letter.references if (bare := clean_id(value))]
    if in_reply_to and in_reply_to not in known:
        known.append(in_reply_to)
    if ticket is not None and (letter.audience != "customer" or not known):
        known.insert(0, f"ticket-{ticket}-{letter.audience}@{domain}")
    if len(known) > _MAX_REFERENCES:
        known = [known[0], *known[1 - _MAX_REFERENCES :]]
    return tuple(dict.fromkeys(known))


def _headers(letter: Letter, message_id: str) -> tuple[tuple[str, str], ...]:
    """Return the headers of automatic mail (RFC 3834, A2) and the mark by which we know our own (M6: loop)."""
    mark = (("X-Mailgate-ID", message_id), ("X-Mailgate-Kind", letter.kind))
    if not letter.is_automatic:
        return mark
    automatic = (("Auto-Submitted", _auto_submitted(letter)), ("X-Auto-Response-Suppress", "All"))
    return (*automatic, ("Precedence", "bulk"), *mark) if letter.kind in _TO_MANY else (*automatic, *mark)


def _auto_submitted(letter: Letter) -> str:
    # RFC 3834, 5: a direct answer to one mail is "replied", what a clock or a colleague set off is "generated".
    answers = letter.kind == "ack" or letter.kind in _ANSWERS
    to_customer = letter.audience == "customer" and letter.in_reply_to is not None and not letter.because
    return "auto-replied" if answers or to_customer else "auto-generated"

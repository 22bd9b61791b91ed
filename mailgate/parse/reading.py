"""From bytes to Mail: the order of reading, and the wrapper that catches what no rule foresaw."""

import hashlib
import re
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from mailparser.dates import parse_mail_date

from mailgate.model.mail import Address, Attachment, Forwarded, Mail, Tag
from mailgate.model.phrases import Phrases
from mailgate.parse import (
    address,
    attribution,
    authentication,
    body,
    bounce,
    charset,
    filters,
    header,
    language,
    limits,
    lists,
    markup,
    quoting,
    subject,
    tree,
)
from mailgate.parse import automatic as automatic_mail
from mailgate.parse.fields import Fields
from mailgate.parse.limits import DEFAULT_LIMITS, LimitExceeded, Limits
from mailgate.parse.tree import Part

_MAX_PROBLEMS = 50
_MAX_AUTH = 50
_MONTHS = dict(zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13), strict=True))
_USUAL_DATE = re.compile(
    rf"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), (\d\d?) ({'|'.join(_MONTHS)}) ((?:19|20)\d\d)"
    r" (\d\d):(\d\d):([0-5]\d) ([+-])(\d\d)([0-5]\d)",
    re.ASCII,
)
_TOKEN = re.compile(r"\+[\w.=-]{16,}@")  # an address that was made for the answer, ours or another system's


def read(
    raw: bytes, *, phrases: Phrases, known_tags: Collection[str], limits: Limits = DEFAULT_LIMITS,
    headers: Collection[str] = (),
) -> Mail:  # fmt: skip
    """Return what `raw` says, with the values of the `headers` (small letters) that somebody wants to see. Raises
    LimitExceeded or MemoryError (M4) and nothing else; trouble is noted in `problems` (M1)."""
    _check(raw, limits)
    try:
        return _read(raw, phrases, known_tags, limits, headers)
    except (LimitExceeded, MemoryError):  # the worker's business (M4)
        raise
    except RecursionError as error:
        raise LimitExceeded("max_depth", limits.max_depth) from error
    except Exception as error:  # whatever a library raises on a mail, the mail stays readable
        return _last_resort(raw, f"not parsed: {type(error).__name__}: {error}")


def visible(text: str, phrases: Phrases, *, is_html: bool = False) -> str:
    """Return what the writer of a bare body wrote now (M3)."""
    return taken_apart(_reader(phrases).text(text) if is_html else text, phrases).visible


def taken_apart(text: str, phrases: Phrases) -> quoting.Split:
    """Return a bare body taken apart, by its marks alone."""
    return quoting.split(charset.clean(text), phrases)


def html_text(html: str, phrases: Phrases) -> str:
    """Return the text of an HTML body, quoted mail marked with `>`."""
    return charset.clean(_reader(phrases).text(html))


def _check(raw: bytes, allowed: Limits) -> None:
    limits.check(raw, allowed)


def _read(raw: bytes, phrases: Phrases, known_tags: Collection[str], allowed: Limits, headers: Collection[str]) -> Mail:
    root = tree.parse(raw)
    parts = tree.leaves(root, allowed)
    fields = Fields(root)
    content = body.read(parts, _reader(phrases))
    fields.hint = content.charset
    title = fields.text("subject")
    facts = subject.facts(title, phrases, known_tags)
    references = header.message_ids(fields.raw("references"))
    in_reply_to = header.message_ids(fields.raw("in-reply-to"))
    is_reply = facts.is_reply or bool((references or in_reply_to) and not facts.is_forward)
    senders = tuple(one for value in fields.every("from") for one in address.addresses(value, fields.hint))
    to, cc = fields.addresses("to"), fields.addresses("cc")
    split = quoting.split(
        content.text,
        phrases,
        quoting.About(
            is_reply=is_reply or bool(facts.tags) or any(_TOKEN.search(one.address) for one in (*to, *cc)),
            is_forward=facts.is_forward,
            core=facts.core.lower(),
            people=frozenset(one.key for one in (*senders, *to, *cc)),
            bare=lambda other: subject.facts(header.one_line(other), phrases, known_tags).core.lower(),
        ),
    )
    forwarded = _forwarded(parts, split, is_forward=facts.is_forward)
    message_id = (header.message_ids(fields.raw("message-id")) or (None,))[0]
    attachments = tuple(content.attachments)
    junk, malware = filters.read(fields, phrases)
    automatic = automatic_mail.classify(fields, parts, senders, facts.title, facts, content.text, phrases)
    return Mail(
        digest=hashlib.sha256(raw).hexdigest(),
        content_key=_content_key(message_id, senders, fields.raw("date"), title, content, attachments),
        size=len(raw),
        message_id=message_id,
        date=_date(fields.raw("date")),
        from_=senders,
        sender=address.address(fields.raw("sender"), fields.hint),
        reply_to=fields.addresses("reply-to"),
        to=to,
        cc=cc,
        return_path=_return_path(fields.raw("return-path")),
        in_reply_to=in_reply_to,
        references=references,
        subject=title,
        core_subject=facts.core,
        tags=facts.tags,
        word_numbers=facts.word_numbers,
        quoted_tags=_quoted_tags(content.text, split, known_tags),
        is_reply=is_reply,
        is_forward=facts.is_forward or split.has_forward_mark and not is_reply,
        text=content.text,
        visible_text=split.visible,
        segments=split.segments,
        inline_text=split.inline,
        reaction=content.reaction,
        html=content.html,
        language=language.detect(split.own, phrases),
        forwarded=forwarded,
        attachments=attachments,
        headers={name: fields.texts(name) for name in headers if fields.every(name)},
        list_ids=lists.ids(fields),
        list_addresses=lists.addresses(fields),
        original_from=fields.addresses("x-original-from"),
        automatic=automatic,
        report=bounce.read(parts, fields, content.text, phrases) if automatic and automatic.kind == "bounce" else None,
        auth_results=authentication.results(fields.every("authentication-results")[:_MAX_AUTH]),
        junk=junk,
        malware=malware,
        gateway_ids=tuple(header.decoded(value) for value in fields.every("x-mailgate-id")[:10]),
        problems=tuple(dict.fromkeys(content.problems + fields.problems(root)))[:_MAX_PROBLEMS],
    )


@lru_cache(maxsize=8)
def _reader(phrases: Phrases) -> markup.Reader:
    forms = attribution.compiled(phrases)

    def ends_with_attribution(lines: Iterable[str]) -> bool:
        tail = [*lines, "> "]
        last = len(tail) - 1
        return any(attribution.find_attribution(tail, at, forms) == last - at for at in range(max(0, last - 4), last))

    def has_forward_mark(text: str) -> bool:
        return any(attribution.mark(line.strip(), forms) == "forward" for line in text.split("\n")) or any(
            mark in text.lower()[:200] for mark in forms.forward
        )

    return markup.Reader(ends_with_attribution, has_forward_mark)


def _forwarded(parts: list[Part], split: quoting.Split, *, is_forward: bool) -> Forwarded | None:
    """Whose mail this one forwards: by a header block in the text, else by an attached mail."""
    above = "" if split.has_forward_mark and split.own == split.visible else split.own
    if split.forwarded is not None:
        found = split.forwarded.fields
        sender = address.address(found.get("from", ""))
        return Forwarded(
            address=sender.address if sender else None,
            name=sender.name if sender else found.get("from", ""),
            subject=found.get("subject", ""),
            text=split.forwarded_text,
            above=above,
        )
    inner = next((part.inner for part in parts if part.inner is not None), None)
    if inner is None or not is_forward and "multipart/report" in parts[0].parents:
        return Forwarded(address=None, text=split.forwarded_text, above=above) if split.has_forward_mark else None
    if not is_forward:
        return None
    sender = address.address(inner.raw_value("from") or "")
    ids = header.message_ids(inner.raw_value("message-id") or "")
    return Forwarded(
        address=sender.address if sender else None,
        name=sender.name if sender else "",
        subject=header.decoded(inner.raw_value("subject") or ""),
        message_id=ids[0] if ids else None,
        above=above,
    )


def _quoted_tags(text: str, split: quoting.Split, known_tags: Collection[str]) -> tuple[Tag, ...]:
    return subject.quoted_tags(split.quoted or "", known_tags) if "#" in text else ()


def _content_key(
    message_id: str | None,
    senders: Iterable[Address],
    date: str | None,
    title: str,
    content: body.Body,
    attachments: Iterable[Attachment],
) -> str:
    """I5: the same message, whatever way it came; header folding and line ends are the way's, not the message's."""
    pieces = [message_id or "", *(one.key for one in senders), " ".join((date or "").split()), title]
    pieces += [content.text.strip(), content.html.strip(), *(one.sha256 for one in attachments)]
    return hashlib.sha256("\0".join(pieces).encode("utf-8", "replace")).hexdigest()


def _date(raw: str | None) -> datetime | None:
    if not raw:
        return None
    try:
        if usual := _USUAL_DATE.fullmatch(raw):
            return _usual_date(usual)
        found = parse_mail_date(raw).value or parsedate_to_datetime(raw)
        return found if found.tzinfo else found.replace(tzinfo=UTC)
    except Exception:  # the stdlib raises several kinds on hostile dates
        return None


def _usual_date(found: re.Match[str]) -> datetime:
    """The form of nearly every date, in a tenth of the time that the library takes for all of them."""
    day, month, year, hour, minute, second, sign, hours, minutes = found.groups()
    at = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    ahead = timedelta(hours=int(hours), minutes=int(minutes))
    return at - ahead if sign == "+" else at + ahead


def _return_path(raw: str | None) -> str | None:
    if raw is None:
        return None
    return header.decoded(raw).strip("<> ")


def _last_resort(raw: bytes, problem: str) -> Mail:
    """A mail that nothing could read: its text is what it is."""
    text = charset.clean(charset.decode(raw[: 1024 * 1024])[0])
    digest = hashlib.sha256(raw).hexdigest()
    return Mail(
        digest=digest, content_key=digest, size=len(raw), text=text, visible_text=text, problems=(problem[:500],)
    )

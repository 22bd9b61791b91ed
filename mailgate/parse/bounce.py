"""What a bounce says: who was not reached, why, and which mail it was (RFC 3464 and the old free forms)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from mailgate.model.mail import DeliveryReport, FailedRecipient
from mailgate.model.phrases import Phrases
from mailgate.parse import delivery, header
from mailgate.parse.delivery import fields_of
from mailgate.parse.fields import Fields
from mailgate.parse.tree import Part

_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers",
                   "message/global", "message/global-headers")  # fmt: skip
_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,63}"
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_VAGUE = re.compile(r"[245]\.0\.0\Z")
_CODE = re.compile(r"(?<![\d.])([45])\d\d(?:[ -]|$)", re.MULTILINE)
# where a notice in words names the failed address and nobody else's: a line of its own, or behind what says so
_FREE = re.compile(
    rf"^[ \t]*(?:[-*•>][ \t>]*)?(?:(?:to|an|do|кому|recipients?|final[- ]recipient|failed[- ]recipients?|"
    rf"original[- ]recipient|user|mailbox|address|e-?mail)[ \t]*:[ \t]*)?(?:smtp=|rfc822;[ \t]*)?[<«\"']?({_ADDRESS})[>»\"']?"
    rf"(?:[ \t]*\([^)\n]{{0,200}}\))?[ \t]*(?:(?::|\.\.\.|[ \t]on[ \t]\d|;|,[ \t]|[ \t][-–=][ \t])[^\n]*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_SURE = re.compile(
    r"(?:^|[\s>(])(?:rcpt[ \t]{1,3}to:[ \t]*"
    r"|(?:deliver\w*|undeliverable|send|sent|forward\w*|mail|message|email|messages)[ \t](?:\w+[ \t]){0,4}?to[ \t:]+"
    r"|(?:user|mailbox|account|recipient|address|addressee|destination)[ \t:]{1,3}"
    r"|[45]\d\d[ -](?:[45]\.\d{1,3}\.\d{1,3}[ \t])?)"
    rf"[<«\"'(\[]?(?:smtp[=:]|mailto:|rfc822;[ \t]*)?({_ADDRESS})",
    re.MULTILINE | re.IGNORECASE,
)
_ANY = re.compile(rf"(?<![\w@.])<?({_ADDRESS})>?")
_UNKNOWN = re.compile(
    r"permanent|unroutable|unrouteable|unknown user|user (?:not found|unknown)|does ?n[o']t exist|no such user"
    r"|no such (?:address|mailbox|account)|address rejected|mailbox unavailable|not our customer|invalid recipient",
    re.IGNORECASE,
)
_NOT_FAILED = re.compile(r"mailer-?daemon|postmaster|abuse|support-?team|help-?desk|no-?reply", re.IGNORECASE)
_MAX_TEXT = 60_000
_MAX_FAILED = 100


def read(parts: Sequence[Part], fields: Fields, text: str, phrases: Phrases) -> DeliveryReport:
    """Return the failed recipients and the identity of the returned mail, as far as the bounce tells.

    The most exact place speaks: the report's fields, a header of the mail system, the notice where it says who was not
    reached, and the address that the returned mail was written to, where it was one."""
    notice, returned = _cut(text[:_MAX_TEXT], phrases)
    failed, is_delayed = _from_status(parts)
    original = _original(parts) or fields_of(returned)
    if not failed:
        own = _own_addresses(fields)
        failed = (
            _from_notification(parts, notice)
            or _from_header(fields, notice)
            or _from_text(notice, own)
            or _from_original(original, notice)
        )
        is_delayed = _is_warning(notice, phrases) and not any(one.permanent for one in failed)
    ids = header.message_ids(original.get("message-id")) or header.message_ids(
        _status_field(parts, "original-message-id")
    )
    if not ids:
        ids = header.message_ids(fields.raw("in-reply-to"))
    return DeliveryReport(
        failed=tuple(failed[:_MAX_FAILED]),
        original_message_id=ids[0] if ids else None,
        original_subject=header.decoded(original["subject"]) if original.get("subject") else None,
        original_references=header.message_ids(
            " ".join((original.get("references", ""), original.get("in-reply-to", "")))
        ),
        delayed_only=is_delayed,
    )


def _own_addresses(fields: Fields) -> set[str]:
    every = (*fields.addresses("from"), *fields.addresses("to"), *fields.addresses("cc"))
    return {one.key for one in every}


def _from_status(parts: Sequence[Part]) -> tuple[list[FailedRecipient], bool]:
    """Per-recipient groups of RFC 3464; those that were delivered or relayed did not fail."""
    failed: list[FailedRecipient] = []
    actions: list[str] = []
    for group in delivery.groups(parts):
        found = _group(group, actions)
        if found:
            failed.append(found)
    unique = {one.address.lower(): one for one in reversed(failed)}
    return list(reversed(unique.values())), bool(actions) and all(action == "delayed" for action in actions)


def _group(group: dict[str, str], actions: list[str]) -> FailedRecipient | None:
    action = delivery.action_of(group)
    names = ("original-recipient", "final-recipient", "x-actual-recipient", "x-supplementary-info")
    address = next((found for name in names if (found := _recipient(group.get(name, "")))), "")
    if not address or action in delivery.SUCCESS:
        return None
    actions.append(action or "failed")
    diagnostic = header.one_line(" ".join(group.get("diagnostic-code", "").split()))
    code = _code(group.get("status", ""), diagnostic)
    if action == "delayed":
        permanent: bool | None = False
    else:
        permanent = code.startswith("5") if code and code[0] in "45" else (True if action == "failed" else None)
    return FailedRecipient(address=address, status=code, diagnostic=_diagnostic(diagnostic), permanent=permanent)


def _code(field: str, diagnostic: str) -> str | None:
    """Return the status; where the field only says that it failed, the finer one that the diagnostic text quotes."""
    stated = _STATUS.search(field)
    if stated and not _VAGUE.match(stated.group(1)):
        return stated.group(1)
    said = [one for one in _STATUS.findall(diagnostic) if not _VAGUE.match(one)]
    if stated:  # what passed and what failed for good are not to be mixed up
        said = [one for one in said if one[0] == stated.group(1)[0]] or said
    if said:
        return str(said[0])
    vague = stated or _STATUS.search(diagnostic)
    return str(vague.group(1)) if vague else None


def _recipient(value: str) -> str:
    text = header.decoded(value.rpartition(";")[2]).strip("<> \t\"'")
    found = re.search(_ADDRESS, text) if " " in text or "<" in text else None
    text = found.group() if found else text
    return text if "@" in text and " " not in text else ""


def _diagnostic(text: str) -> str:
    kind, _, rest = text.partition(";")
    return (rest if kind.strip().lower() in ("smtp", "x-unix", "dns", "x-postfix") else text).strip()[:500]


def _from_notification(parts: Sequence[Part], notice: str) -> list[FailedRecipient]:
    """Who refused the mail by a rule of theirs (RFC 5429)."""
    for part in parts:
        if part.content_type == delivery.NOTIFICATION:
            found = fields_of(delivery.words_of(part))
            address = _recipient(found.get("original-recipient", "")) or _recipient(found.get("final-recipient", ""))
            if address:
                said = " ".join(notice.split())[:300] or "refused by the reader's own rule"
                return [FailedRecipient(address=address, status=None, diagnostic=said, permanent=True)]
    return []


def _from_header(fields: Fields, notice: str) -> list[FailedRecipient]:
    values = " ".join(fields.every("x-failed-recipients"))
    return [_described(address, notice) for address in dict.fromkeys(_ANY.findall(values))]


def _from_text(notice: str, own: set[str]) -> list[FailedRecipient]:
    """Addresses on lines of their own, as Exim, qmail, sendmail, Exchange and web mailers write them, else those behind
    words that say that it failed; what only stands there is nobody's failure."""
    found = list(_named(_FREE, notice, own))
    if not found:
        found = list(_named(_SURE, notice, own))
    return [_described(address, notice) for address in found]


def _named(pattern: re.Pattern[str], notice: str, own: set[str]) -> Iterator[str]:
    for address in dict.fromkeys(one.rstrip(".").removeprefix("smtp=") for one in pattern.findall(notice)):
        if address.lower() not in own and not _NOT_FAILED.match(address):
            yield address


def _from_original(original: dict[str, str], notice: str) -> list[FailedRecipient]:
    """The one reader of the mail that came back, where it had one."""
    written_to = _ANY.findall(header.decoded(original.get("to", ""))) if original else []
    copies = original.get("cc", "") or original.get("bcc", "") if original else ""
    return [_described(written_to[0], notice)] if len(set(written_to)) == 1 and not copies else []


def _described(address: str, notice: str) -> FailedRecipient:
    at = notice.lower().find(address.lower())
    near = notice[at : at + 800] if at >= 0 else notice[:2000]
    code = _code("", near) or _code("", notice[:5000])
    digits = _CODE.search(near)
    digit = code[0] if code else digits.group(1) if digits else ""
    reason = " ".join(near.partition("\n")[2].split())[:300] or " ".join(near.split())[:300]
    permanent = digit == "5" if digit in ("4", "5") else None
    if permanent is None and _UNKNOWN.search(near):
        permanent = True
    return FailedRecipient(address=address, status=code, diagnostic=reason, permanent=permanent)


def _is_warning(notice: str, phrases: Phrases) -> bool:
    return bool(_delayed(phrases).search(notice[:5000]))


@lru_cache(maxsize=4)
def _delayed(phrases: Phrases) -> re.Pattern[str]:
    return _any_of(phrases.delayed)


@lru_cache(maxsize=4)
def _copies(phrases: Phrases) -> re.Pattern[str]:
    return re.compile(
        rf"^[^\n\w]{{0,40}}(?:{_any_of(phrases.bounce_copies).pattern})[^\n]{{0,80}}$", re.IGNORECASE | re.MULTILINE
    )


def _any_of(texts: Iterable[str]) -> re.Pattern[str]:
    ordered = sorted(texts, key=len, reverse=True)
    return re.compile("|".join(re.escape(text).replace(r"\ ", r"\s+") for text in ordered) or "(?!)", re.IGNORECASE)


def _cut(text: str, phrases: Phrases) -> tuple[str, str]:
    """Return the notice and the returned mail below it."""
    found = _copies(phrases).search(text)
    return (text[: found.start()], text[found.end() :]) if found else (text, _headers_below(text))


def _headers_below(text: str) -> str:
    found = re.search(r"^(?:Return-Path|Received|From|Message-ID|Date|Subject):", text, re.MULTILINE | re.IGNORECASE)
    return text[found.start() :] if found else ""


def _original(parts: Sequence[Part]) -> dict[str, str]:
    for part in parts:
        if part.inner is not None:
            return {name.lower(): str(value) for name, value in reversed(list(part.inner.raw_items()))}
        if part.content_type in _RETURNED_TYPES:
            return fields_of(delivery.words_of(part))
    return {}


def _status_field(parts: Sequence[Part], name: str) -> str | None:
    for part in parts:
        if part.content_type in delivery.STATUS_TYPES or part.content_type == delivery.NOTIFICATION:
            found = fields_of(delivery.words_of(part)).get(name)
            if found:
                return found
    return None

"""What a bounce says: who was not reached, why, and which mail it was (RFC 3464 and the old free forms)."""

import re
from collections.abc import Iterable, Sequence
from functools import lru_cache

from mailgate.model.mail import DeliveryReport, FailedRecipient
from mailgate.model.phrases import Phrases
from mailgate.parse import charset, header
from mailgate.parse.fields import Fields
from mailgate.parse.tree import Part

_STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
_RETURNED_TYPES = ("message/rfc822", "text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers",
                   "message/global", "message/global-headers")  # fmt: skip
_ADDRESS = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,190}\.[A-Za-z0-9-]{2,63}"
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45])\d\d(?:[ -]|$)", re.MULTILINE)
_FREE = re.compile(
    rf"^[ \t]*(?:[-*•][ \t]*)?(?:to:[ \t]*)?<?({_ADDRESS})>?(?:[ \t]*\([^)\n]{{0,200}}\))?[ \t]*(?::[^\n]*)?$",
    re.MULTILINE | re.IGNORECASE,
)
_ANY = re.compile(rf"(?<![\w@.])<?({_ADDRESS})>?")
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_MAX_TEXT = 60_000
_MAX_FAILED = 100


def read(parts: Sequence[Part], fields: Fields, text: str, phrases: Phrases) -> DeliveryReport:
    """Return the failed recipients and the identity of the returned mail, as far as the bounce tells."""
    notice, returned = _cut(text[:_MAX_TEXT], phrases)
    failed, is_delayed = _from_status(parts)
    if not failed:
        failed = _from_header(fields, notice) or _from_text(notice, _own_addresses(fields))
        is_delayed = _is_warning(notice, phrases) and not any(one.permanent for one in failed)
    original = _original(parts) or _fields_of(returned)
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
    for part in parts:
        if part.content_type in _STATUS_TYPES:
            for group in re.split(r"\n[ \t]*\n", charset.clean(charset.decode(part.content)[0])[:_MAX_TEXT]):
                found = _group(_fields_of(group), actions)
                if found:
                    failed.append(found)
    unique = {one.address.lower(): one for one in reversed(failed)}
    return list(reversed(unique.values())), bool(actions) and all(action == "delayed" for action in actions)


def _group(group: dict[str, str], actions: list[str]) -> FailedRecipient | None:
    recipient = group.get("original-recipient") or group.get("final-recipient") or ""
    final = group.get("final-recipient") or recipient
    address = _recipient(recipient) or _recipient(final)
    action = group.get("action", "").split("(")[0].strip().lower()
    if not address or action in ("delivered", "relayed", "expanded"):
        return None
    actions.append(action or "failed")
    diagnostic = header.one_line(" ".join(group.get("diagnostic-code", "").split()))
    status = _STATUS.search(group.get("status", "")) or _STATUS.search(diagnostic)
    code = status.group(1) if status else None
    if action == "delayed":
        permanent: bool | None = False
    else:
        permanent = code.startswith("5") if code and code[0] in "45" else (True if action == "failed" else None)
    return FailedRecipient(address=address, status=code, diagnostic=_diagnostic(diagnostic), permanent=permanent)


def _recipient(value: str) -> str:
    text = header.decoded(value.rpartition(";")[2]).strip("<> ")
    return text if "@" in text and " " not in text else ""


def _diagnostic(text: str) -> str:
    kind, _, rest = text.partition(";")
    return (rest if kind.strip().lower() in ("smtp", "x-unix", "dns", "x-postfix") else text).strip()[:500]


def _from_header(fields: Fields, notice: str) -> list[FailedRecipient]:
    values = " ".join(fields.every("x-failed-recipients"))
    return [_described(address, notice) for address in dict.fromkeys(_ANY.findall(values))]


def _from_text(notice: str, own: set[str]) -> list[FailedRecipient]:
    """Addresses on lines of their own, as Exim, qmail, sendmail, Exchange and web mailers write them; else any one."""
    found = [address for address in dict.fromkeys(_FREE.findall(notice)) if not _is_daemon(address)]
    if not found:
        found = [one for one in dict.fromkeys(_ANY.findall(notice)) if one.lower() not in own and not _is_daemon(one)][
            :1
        ]
    return [_described(address, notice) for address in found if address.lower() not in own or len(found) == 1]


def _is_daemon(address: str) -> bool:
    return address.lower().startswith(("mailer-daemon@", "postmaster@", "abuse@"))


def _described(address: str, notice: str) -> FailedRecipient:
    at = notice.lower().find(address.lower())
    near = notice[at : at + 800] if at >= 0 else notice[:2000]
    status = _STATUS.search(near) or _STATUS.search(notice[:5000])
    code = _CODE.search(near)
    digit = status.group(1)[0] if status else code.group(1) if code else ""
    reason = " ".join(near.partition("\n")[2].split())[:300] or " ".join(near.split())[:300]
    permanent = digit == "5" if digit in ("4", "5") else None
    if permanent is None and re.search(
        r"permanent|unroutable|unrouteable|unknown user|user (?:not found|unknown)|does ?n[o']t exist|no such user",
        near,
        re.IGNORECASE,
    ):
        permanent = True
    return FailedRecipient(
        address=address, status=status.group(1) if status else None, diagnostic=reason, permanent=permanent
    )


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
            return _fields_of(charset.clean(charset.decode(part.content)[0])[:_MAX_TEXT])
    return {}


def _status_field(parts: Sequence[Part], name: str) -> str | None:
    for part in parts:
        if part.content_type in _STATUS_TYPES:
            found = _fields_of(charset.clean(charset.decode(part.content)[0])[:_MAX_TEXT]).get(name)
            if found:
                return found
    return None


def _fields_of(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in _FIELD.finditer(text):
        found.setdefault(one.group(1).lower(), one.group(2).strip())
    return found

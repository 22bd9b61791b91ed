"""Automatic mail and its class (M6), by RFC 3834 and by what mail systems really send; the evidence in words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.mail import Address, Automatic
from mailgate.model.phrases import Phrases
from mailgate.parse import header
from mailgate.parse.fields import Fields
from mailgate.parse.subject import SubjectFacts
from mailgate.parse.tree import Part

_REPORTS = {"message/disposition-notification": "read receipt", "message/feedback-report": "abuse report (ARF)"}
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_DAEMON_NAME = re.compile(r"mail delivery (?:sub)?system|mailer[- ]?daemon|mail administrator", re.IGNORECASE)
_SYSTEM_SUBJECT = re.compile(
    r"undelivered mail returned to sender|mail delivery failed: returning message to sender|failure notice"
    r"|delivery status notification ?\((?:failure|delay)\)|returned mail: see transcript for details|undeliverable: .*",
    re.IGNORECASE,
)
_ENOUGH = 4  # points that make a bounce
_HEAD = 3000  # characters of a body that are looked at


@dataclass(frozen=True, kw_only=True, slots=True)
class _Forms:
    signs: dict[str, tuple[tuple[str, re.Pattern[str] | None], ...]]
    auto_subject: re.Pattern[str]
    auto_texts: tuple[str, ...]
    bounce_subject: re.Pattern[str]
    bounce_texts: tuple[str, ...]
    receipt_subject: re.Pattern[str]
    daemon: re.Pattern[str]
    robot: re.Pattern[str]


@dataclass(kw_only=True, slots=True)
class _Signs:
    """What speaks for each class."""

    by_kind: dict[str, list[str]]

    def because(self, kind: str) -> str:
        return ", ".join(self.by_kind.get(kind, ())[:4])


def classify(
    fields: Fields,
    parts: Sequence[Part],
    senders: Sequence[Address],
    title: str,
    facts: SubjectFacts,
    text: str,
    phrases: Phrases,
) -> Automatic | None:
    """Return the class of an automatic mail with its evidence, None for a person's mail; the first that applies."""
    forms = _compiled(phrases)
    signs = _header_signs(fields, forms)
    return (
        _loop(fields, signs)
        or _report(parts, title, facts, signs, forms)
        or _bounce(fields, parts, senders, title, facts, text, signs, forms)
        or _auto_reply(fields, title, facts, text, signs, forms)
        or _generated_or_list(senders, signs, forms)
    )


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> _Forms:
    signs: dict[str, list[tuple[str, re.Pattern[str] | None]]] = {}
    for sign in phrases.header_signs:
        pattern = re.compile(sign.pattern, re.IGNORECASE | re.DOTALL) if sign.pattern else None
        signs.setdefault(sign.name, []).append((sign.kind, pattern))
    return _Forms(
        signs={name: tuple(rules) for name, rules in signs.items()},
        auto_subject=_patterns(phrases.auto_reply_subjects),
        auto_texts=tuple(text.lower() for text in phrases.auto_reply_texts),
        bounce_subject=_patterns(phrases.bounce_subjects),
        bounce_texts=tuple(text.lower() for text in phrases.bounce_texts),
        receipt_subject=_patterns([re.escape(one) for one in phrases.receipt_subjects if one.endswith(":")]),
        daemon=_patterns(phrases.daemon_senders),
        robot=_patterns(phrases.robot_senders),
    )


def _patterns(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(patterns) or '(?!)'})", re.IGNORECASE)


def _says(text: str, phrases: Sequence[str]) -> bool:
    """Tell whether one of the phrases stands near the top of the text, however its lines are broken."""
    head = " ".join(text[:_HEAD].lower().replace("’", "'").split())
    return any(phrase in head for phrase in phrases)


def _header_signs(fields: Fields, forms: _Forms) -> _Signs:
    found: dict[str, list[str]] = {}
    for name in fields.names():
        for kind, pattern in forms.signs.get(name, ()):
            for value in fields.every(name):
                if pattern is None or pattern.fullmatch(value[:500]):
                    found.setdefault(kind, []).append(f"{name}: {' '.join(value.split())[:60]}".rstrip(": "))
                    break
    return _Signs(by_kind=found)


def _loop(fields: Fields, signs: _Signs) -> Automatic | None:
    """Our own header, and that it was written by a machine; whether the header is genuine the guard checks."""
    if not fields.raw("x-mailgate-id"):
        return None
    if fields.raw("auto-submitted") or fields.raw("x-auto-response-suppress"):
        return Automatic(
            kind="loop", because="carries X-Mailgate-ID and " + (signs.because("auto_reply") or "is automatic")
        )
    return None


def _report(parts: Sequence[Part], title: str, facts: SubjectFacts, signs: _Signs, forms: _Forms) -> Automatic | None:
    for part in parts:
        what = _REPORTS.get(part.content_type)
        if what and (len(parts) == 1 or "multipart/report" in part.parents or _is_top(part)):
            return Automatic(kind="report", because=f"{what}: {part.content_type}")
    if parts and "multipart/report" in parts[0].parents:
        kind = parts[0].report_type
        if kind in ("disposition-notification", "feedback-report"):
            return Automatic(kind="report", because=f"multipart/report of {kind}")
    if forms.receipt_subject.match(title) and len(parts) <= 2 and signs.by_kind.get("auto_reply"):
        return Automatic(kind="report", because="subject of a receipt, " + signs.because("auto_reply"))
    return None


def _is_top(part: Part) -> bool:
    return len(part.parents) <= 1


def _bounce(
    fields: Fields,
    parts: Sequence[Part],
    senders: Sequence[Address],
    title: str,
    facts: SubjectFacts,
    text: str,
    signs: _Signs,
    forms: _Forms,
) -> Automatic | None:
    """By several signs: no single one but a delivery report's structure makes a bounce."""
    found = [*_structure_signs(fields, parts), *_sender_signs(fields, senders, signs, forms)]
    if not (facts.is_reply or facts.is_forward) and forms.bounce_subject.match(title):
        found.append((2, "subject of a delivery report"))
        if _SYSTEM_SUBJECT.fullmatch(title) and len(text.split()) < 15 and "?" not in text:
            found.append((2, "nothing but a mail system's subject"))
    if found and _says(text, forms.bounce_texts):
        found.append((1, "text of a delivery report"))
    if found and (signs.by_kind.get("auto_reply") or signs.by_kind.get("auto_generated")):
        found.append((1, "sent by a machine"))
    if sum(points for points, _ in found) < _ENOUGH:
        return None
    return Automatic(kind="bounce", because=", ".join(reason for _, reason in found))


def _structure_signs(fields: Fields, parts: Sequence[Part]) -> Iterator[tuple[int, str]]:
    if parts and "multipart/report" in parts[0].parents:
        if any(part.content_type in _STATUS for part in parts) or parts[0].report_type == "delivery-status":
            yield 4, "a delivery report (RFC 3464)"
    elif _is_report_by_type(fields):
        yield 4, "declared a delivery report"
    elif any(part.content_type in _STATUS and _is_top(part) for part in parts):
        yield 2, "holds a delivery status"


def _sender_signs(
    fields: Fields, senders: Sequence[Address], signs: _Signs, forms: _Forms
) -> Iterator[tuple[int, str]]:
    if signs.by_kind.get("bounce"):
        yield 3, signs.because("bounce")
    if _has_null_path(fields):
        yield 1, "null return path"
    if len(senders) > 1:
        return
    name = senders[0].name if senders else header.one_line(fields.raw("from") or "")
    local = senders[0].address.partition("@")[0].lower() if senders else ""
    if _DAEMON_NAME.search(name):
        yield 1 if senders else 3, f"by name {name[:60]!r}"
    if forms.daemon.fullmatch(local):
        # people write as postmaster too, and about mail that was not delivered
        yield 1 if local.startswith(("postmaster", "bounce")) else 3, f"from {senders[0].address[:80]}"


def _has_null_path(fields: Fields) -> bool:
    return (fields.raw("return-path") or "-").strip().upper() in ("<>", "<MAILER-DAEMON>")


def _is_report_by_type(fields: Fields) -> bool:
    value = (fields.raw("content-type") or "").lower()
    return "multipart/report" in value and "delivery-status" in value


def _auto_reply(
    fields: Fields, title: str, facts: SubjectFacts, text: str, signs: _Signs, forms: _Forms
) -> Automatic | None:
    by_subject = bool(forms.auto_subject.match(title)) or bool(forms.auto_subject.match(facts.core))
    if _says_no(fields):
        return None
    if signs.by_kind.get("auto_reply"):
        return Automatic(kind="auto_reply", because=signs.because("auto_reply"))
    rules = fields.raw("x-ms-exchange-inbox-rules-loop") and fields.raw("auto-submitted")
    if rules:
        return Automatic(kind="auto_reply", because="written by an Exchange inbox rule")
    machine = bool(signs.by_kind.get("auto_generated")) and not signs.by_kind.get("list")
    by_text = (machine or by_subject) and _says(text, forms.auto_texts)
    # X-Auto-Response-Suppress stands in people's mail too: only with the subject it says something
    if machine and (by_subject or by_text) or by_subject and fields.raw("x-auto-response-suppress"):
        return Automatic(
            kind="auto_reply", because="vacation wording, " + (signs.because("auto_generated") or "machine")
        )
    if by_subject and by_text:
        return Automatic(kind="auto_reply", because="subject and text of a vacation reply")
    if by_subject and _has_null_path(fields):
        return Automatic(kind="auto_reply", because="subject of a vacation reply, null return path")
    return None


def _says_no(fields: Fields) -> bool:
    return (fields.raw("auto-submitted") or "").strip().lower().startswith("no") and not fields.raw("x-autoreply")


def _generated_or_list(senders: Sequence[Address], signs: _Signs, forms: _Forms) -> Automatic | None:
    lists, generated = signs.by_kind.get("list", []), signs.by_kind.get("auto_generated", [])
    is_list = len(lists) > 1 or any(sign.startswith(("list-", "precedence", "mailing-list", "x-m")) for sign in lists)
    if lists and is_list and not any(sign.startswith("auto-submitted") for sign in generated):
        return Automatic(kind="list", because=signs.because("list"))
    if generated:
        strong = [sign for sign in generated if not sign.startswith("x-loop")]
        sender = senders[0].address.partition("@")[0] if senders else ""
        if strong or forms.robot.fullmatch(sender):
            return Automatic(kind="auto_generated", because=signs.because("auto_generated"))
    if lists and is_list:
        return Automatic(kind="list", because=signs.because("list"))
    return None

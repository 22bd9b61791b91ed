"""Automatic mail and its class (M6), by RFC 3834 and by what mail systems really send; the evidence in words."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.mail import Address, Automatic
from mailgate.model.phrases import Phrases
from mailgate.model.quick import replace
from mailgate.parse import delivery, header, robots
from mailgate.parse.fields import Fields
from mailgate.parse.subject import SubjectFacts
from mailgate.parse.tree import Part

_REPORTS = {"message/disposition-notification": "read receipt", "message/feedback-report": "abuse report (ARF)"}
_STATUS = ("message/delivery-status", "message/global-delivery-status")
_DAEMON_NAME = re.compile(
    r"mail delivery (?:sub)?system|mailer[- ]?daemon|mail administrator|courier mail server", re.IGNORECASE
)
_OUR_MARK = re.compile(r"^[ \t>]{0,4}X-Mailgate-ID:", re.MULTILINE | re.IGNORECASE)
_RETURNED = ("text/rfc822-headers", "text/rfc822-header", "message/rfc822-headers", "message/global-headers")
_DISPOSITION = re.compile(r"^disposition:[^\n;]{0,200};\s*(\w+)", re.MULTILINE | re.IGNORECASE)
# RFC 7489, 7.2.1.1: "Report Domain: ... Submitter: ... Report-ID: ..."; the report itself is a packed file
_AGGREGATE = re.compile(r"report domain:[^\n]{1,300}\bsubmitter:", re.IGNORECASE)
_PACKED = ("application/zip", "application/gzip", "application/x-gzip", "application/x-zip-compressed", "text/xml")
# an answer that a program writes has its words where a reply has Re:, before the subject that it answers
_PREFIXED = re.compile(r"[^:\n]{2,60}[:：]\s*\S")
_OF_ANY_LIST = ("list-", "mailing-list", "x-mailing-list", "x-mailman-version", "x-ml-name", "precedence")
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
    refusals: tuple[str, ...]
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
    found = (
        _loop(fields, signs)
        or _refusal(fields, parts, title, text, forms)
        or _report(parts, title, facts, signs, forms)
        or _challenge(signs)
        or _bounce(fields, parts, senders, title, facts, text, signs, forms)
        or _auto_reply(fields, title, facts, text, signs, forms)
        or _generated_or_list(senders, signs, forms)
        or robots.find_robot(fields, senders, title, facts, text, phrases)
    )
    if found and found.kind == "list" and found.otherwise is None:
        return replace(found, otherwise=robots.find_robot(fields, senders, title, facts, text, phrases))
    return found


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
        refusals=tuple(text.lower() for text in phrases.refusals),
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


def _refusal(fields: Fields, parts: Sequence[Part], title: str, text: str, forms: _Forms) -> Automatic | None:
    """A disposition notification that says that rules refused the mail (RFC 5429, Sieve's reject) is a bounce; one that
    it was deleted unread, which reads the same to a machine, is a receipt."""
    for part in parts:
        if part.content_type == "message/disposition-notification":
            found = _DISPOSITION.search(delivery.words_of(part))
            if not found or found.group(1).lower() not in ("deleted", "denied", "failed", "dispatched"):
                return None
            if fields.raw("x-sieve") or _says(title, forms.refusals) or _says(text, forms.refusals):
                return Automatic(kind="bounce", because="a disposition notification of a refusal (RFC 5429)")
    return None


def _report(parts: Sequence[Part], title: str, facts: SubjectFacts, signs: _Signs, forms: _Forms) -> Automatic | None:
    actions = delivery.actions(parts)
    if actions and all(action in delivery.SUCCESS for action in actions):
        return Automatic(kind="report", because=f"a delivery report of success alone: {', '.join(sorted(actions))}")
    for part in parts:
        what = _REPORTS.get(part.content_type)
        if what and (len(parts) == 1 or "multipart/report" in part.parents or _is_top(part)):
            return Automatic(kind="report", because=f"{what}: {part.content_type}")
    if parts and "multipart/report" in parts[0].parents:
        kind = parts[0].report_type
        if kind in ("disposition-notification", "feedback-report", "tlsrpt"):
            return Automatic(kind="report", because=f"multipart/report of {kind}")
    if _AGGREGATE.match(title) and any(part.content_type in _PACKED for part in parts):
        return Automatic(kind="report", because="an aggregate report of DMARC (RFC 7489)")
    if forms.receipt_subject.match(title) and len(parts) <= 2 and signs.by_kind.get("auto_reply"):
        return Automatic(kind="report", because="subject of a receipt, " + signs.because("auto_reply"))
    return None


def _challenge(signs: _Signs) -> Automatic | None:
    """A program that holds a mail until its sender proves to be a person answers in the words of a delivery report."""
    because = signs.because("challenge")
    return Automatic(kind="auto_reply", because=f"a challenge, {because}") if because else None


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
    """By several signs: none alone but a delivery report's structure makes a bounce, and words never without a sign of
    the machine, which also is that the mail within is ours."""
    machine = [*_structure_signs(fields, parts), *_sender_signs(fields, senders, signs, forms)]
    is_written_by_machine = bool(machine)
    if not (facts.is_reply or facts.is_forward) and "?" not in text[:_HEAD] and _encloses_ours(parts, text):
        machine.append((2, "encloses a mail of ours"))
    is_automatic = bool(signs.by_kind.get("auto_reply") or signs.by_kind.get("auto_generated"))
    if not machine and not is_automatic:
        return None  # a person's, whatever its words
    found = [*machine, *_role_signs(senders)]
    if not (facts.is_reply or facts.is_forward) and forms.bounce_subject.match(title):
        found.append((2, "subject of a delivery report"))
    if found and _says(text, forms.bounce_texts):
        found.append((2 if is_written_by_machine else 1, "text of a delivery report"))
    if found and is_automatic:
        machine.append((1, "sent by a machine"))
        found.append(machine[-1])
    if not machine or sum(points for points, _ in found) < _ENOUGH:
        return None
    return Automatic(kind="bounce", because=", ".join(reason for _, reason in found))


def _encloses_ours(parts: Sequence[Part], text: str) -> bool:
    """Is the mail that came back one that a mailgate wrote?"""
    for part in parts:
        if part.inner is not None and part.inner.raw_value("x-mailgate-id"):
            return True
        if part.content_type in _RETURNED and _OUR_MARK.search(delivery.words_of(part)):
            return True
    return bool(_OUR_MARK.search(text))


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
        yield 2, "null return path"
    if len(senders) > 1:
        return
    if not senders and (fields.raw("from") or "").strip() == "<>":
        yield 2, "from nobody"
    name = senders[0].name if senders else header.one_line(fields.raw("from") or "")
    local = senders[0].address.partition("@")[0].lower() if senders else ""
    if _DAEMON_NAME.search(name):
        yield 1 if senders else 3, f"by name {name[:60]!r}"
    # people write as postmaster too, and about mail that was not delivered
    if forms.daemon.fullmatch(local) and not local.startswith(_ROLES):
        yield 3, f"from {senders[0].address[:80]}"


def _role_signs(senders: Sequence[Address]) -> Iterator[tuple[int, str]]:
    """Yield what speaks for a bounce beside a machine's sign, and not without."""
    if len(senders) == 1 and senders[0].address.lower().startswith(_ROLES):
        yield 1, f"from {senders[0].address[:80]}"


_ROLES = ("postmaster", "bounce")


def _has_null_path(fields: Fields) -> bool:
    return (fields.raw("return-path") or "-").strip().upper() in ("<>", "<MAILER-DAEMON>")


def _is_report_by_type(fields: Fields) -> bool:
    value = (fields.raw("content-type") or "").lower()
    return "multipart/report" in value and "delivery-status" in value


def _auto_reply(
    fields: Fields, title: str, facts: SubjectFacts, text: str, signs: _Signs, forms: _Forms
) -> Automatic | None:
    if _says_no(fields):
        return None
    is_answer = facts.is_reply or facts.is_forward  # by a person, to somebody's vacation reply
    by_subject = not is_answer and bool(forms.auto_subject.match(title) or forms.auto_subject.match(facts.core))
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
    if by_subject and by_text and _PREFIXED.match(facts.core or title) and "?" not in text[:_HEAD]:
        return Automatic(kind="auto_reply", because="vacation wording in the place of a reply's Re:, and in the text")
    if (
        not is_answer
        and robots.is_bare_answer(fields)
        and (by_subject or robots.is_handed_in_locally(fields) or _says(text, forms.auto_texts))
    ):
        return Automatic(kind="auto_reply", because="an answer to our address that no mail program wrote")
    if by_subject and _has_null_path(fields):
        return Automatic(kind="auto_reply", because="subject of a vacation reply, null return path")
    return None


def _says_no(fields: Fields) -> bool:
    return (fields.raw("auto-submitted") or "").strip().lower().startswith("no") and not fields.raw("x-autoreply")


def _generated_or_list(senders: Sequence[Address], signs: _Signs, forms: _Forms) -> Automatic | None:
    lists, generated = signs.by_kind.get("list", []), signs.by_kind.get("auto_generated", [])
    is_list = len(lists) > 1 or any(sign.startswith(("list-", "precedence", "mailing-list", "x-m")) for sign in lists)
    if lists and is_list and not any(sign.startswith("auto-submitted") for sign in generated):
        return _list(signs)
    if generated:
        strong = [sign for sign in generated if not sign.startswith("x-loop")]
        sender = senders[0].address.partition("@")[0] if senders else ""
        if strong or forms.robot.fullmatch(sender):
            return Automatic(kind="auto_generated", because=signs.because("auto_generated"))
    if lists and is_list:
        return _list(signs)
    return None


def _list(signs: _Signs) -> Automatic:
    """A list's mail, and what it would be without the headers that any list or group puts on it (M7)."""
    because, otherwise = signs.because("list"), None
    own = [sign for sign in signs.by_kind["list"] if not sign.startswith(_OF_ANY_LIST)]
    generated = [
        sign for sign in signs.by_kind.get("auto_generated", ()) if not sign.startswith(("x-loop", "precedence"))
    ]
    if own:
        otherwise = Automatic(kind="list", because=", ".join(own[:4]))
    elif generated:
        otherwise = Automatic(kind="auto_generated", because=", ".join(generated[:4]))
    return Automatic(kind="list", because=because, otherwise=otherwise)

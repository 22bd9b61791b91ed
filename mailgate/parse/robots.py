"""Machines that send no header of a machine: Debian's vacation, cron's kin, monitors, frameworks (M6).

Words alone never speak: a subject or text in a program's own wording counts only beside a sign of the program, as its
sender, its way into the mail system, or what its mail lacks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.mail import Address, Automatic
from mailgate.model.phrases import Phrases
from mailgate.parse import header
from mailgate.parse.fields import Fields
from mailgate.parse.subject import SubjectFacts

# how mail servers note that a program of the machine itself handed the mail in: Postfix, Exim, sendmail, qmail
_LOCAL = re.compile(
    r"\(Postfix, from userid \d{1,10}\)|with local \(Exim|\(Submit\)|invoked (?:by uid|from network|for bounce)"
    r"|\(sSMTP |\(msmtp |\(nullmailer ",
    re.IGNORECASE,
)
_REPLY_TOKEN = re.compile(r"\+r-[\w-]{8,}@", re.IGNORECASE)
_BRACKET = re.compile(r"\[[^\[\]\n]{1,60}\] ?")  # what a program puts before its subject: a host, an urgency
_ENOUGH = 3
_HEAD = 600  # characters of a text in which a program says what it is


@dataclass(frozen=True, kw_only=True, slots=True)
class _Forms:
    subject: re.Pattern[str]
    text: re.Pattern[str]
    name: re.Pattern[str]
    robot: re.Pattern[str]
    role: re.Pattern[str]


def find_robot(
    fields: Fields, senders: Sequence[Address], title: str, facts: SubjectFacts, text: str, phrases: Phrases
) -> Automatic | None:
    """Return auto_generated for a program's mail: its wording and a sign of the program beside it, together enough."""
    if facts.is_reply or facts.is_forward or fields.raw("in-reply-to") or len(senders) > 1:
        return None
    forms = _compiled(phrases)
    words: list[tuple[int, str]] = []
    if forms.subject.match(title) or "[" in title and forms.subject.match(_BRACKET.sub("", title, count=1)):
        words.append((2, "a program's subject"))
    said = forms.text.search(text[:_HEAD])
    if said and "?" not in text[: said.start()]:
        words.append((1, f"a program's text ({' '.join(said.group().split())[:40]!r})"))
    if not words:
        return None
    signs = _signs(fields, senders, forms)
    if not signs or sum(points for points, _ in (*words, *signs)) < _ENOUGH:
        return None
    return Automatic(kind="auto_generated", because=", ".join(because for _, because in (*words, *signs)))


def _signs(fields: Fields, senders: Sequence[Address], forms: _Forms) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    local = senders[0].address.partition("@")[0].lower() if senders else ""
    name = senders[0].name if senders else header.one_line(fields.raw("from") or "")
    if forms.robot.fullmatch(local):
        found.append((2, f"from {local[:40]}@"))
    elif forms.role.fullmatch(local):
        found.append((1, f"from {local[:40]}@"))
    if forms.name.search(name):
        found.append((1, f"by name {name[:40]!r}"))
    if is_handed_in_locally(fields):
        found.append((1, "handed in by a program of the machine"))
    if not fields.raw("message-id"):
        found.append((1, "without a Message-ID"))
    return found


def is_handed_in_locally(fields: Fields) -> bool:
    """Did a program on the sender's own machine hand the mail in, rather than a mail program over the network?"""
    received = fields.every("received")
    return bool(received) and any(_LOCAL.search(value[:600]) for value in received[-2:])


def is_bare_answer(fields: Fields) -> bool:
    """Is it to a reply token, yet no mail program's reply: none of the fields that such a one writes?"""
    if any(fields.raw(name) for name in ("in-reply-to", "references", "mime-version", "content-type", "user-agent")):
        return False
    return any(_REPLY_TOKEN.search(value[:2000]) for value in fields.every("to"))


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> _Forms:
    return _Forms(
        subject=_any(phrases.robot_subjects),
        text=_any(phrases.robot_texts, re.MULTILINE),
        name=_any(phrases.robot_names),
        robot=_any(phrases.robot_senders),
        role=_any(phrases.role_senders),
    )


def _any(patterns: Sequence[str], flags: int = 0) -> re.Pattern[str]:
    return re.compile(rf"(?:{'|'.join(patterns) or '(?!)'})", re.IGNORECASE | flags)

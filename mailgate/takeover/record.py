"""A ticket of another system as a value: cleaned and checked, whoever wrote it down. A record is as hostile as mail."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from mailgate.model.mail import is_deliverable
from mailgate.model.quick import quick

OldStatus = Literal["open", "waiting", "resolved", "closed", "merged"]
OldKind = Literal["customer", "staff", "note"]

MOST_NUMBER = 999_999_999  # new numbers must have room above it
MOST_PEOPLE = 40
_MOST_LINE = 1000
_MOST_MESSAGES = 5000
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u2028\u2029\ufeff\ud800-\udfff]")
_NAMED = re.compile(r"(?P<name>[^<>]{0,500})<(?P<address>[^<>\s]{1,320})>\s*")
_MESSAGE_ID = re.compile(r"<?([^\s<>\x00-\x1f\x7f]{3,995})>?")
_SLACK = timedelta(days=1)


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class OldFile:
    """An attachment, with its bytes."""

    filename: str
    content_type: str
    content: bytes = field(repr=False)


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class OldMessage:
    """One entry of an old ticket. `at` is UTC; `message_id` has no angle brackets."""

    kind: OldKind
    author: str  # lower case; "" where it is nobody's we know
    author_name: str = ""
    at: datetime
    subject: str = ""
    text: str = ""
    message_id: str | None = None
    files: tuple[OldFile, ...] = ()


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class OldTicket:
    """A ticket as the other system had it. `source` says where it stood, for people: "tickets.jsonl:12"."""

    source: str
    desk: str
    number: int
    queue: str | None
    requestor: str  # lower case; "" where there is none
    requestor_name: str = ""
    participants: tuple[str, ...] = ()
    owner: str = ""  # as the other system calls the person
    subject: str
    status: OldStatus
    merged_into: int | None = None
    created_at: datetime
    finished_at: datetime | None = None
    messages: tuple[OldMessage, ...]  # the oldest first
    message_ids: tuple[str, ...] = ()  # of letters that the other system sent from it

    @property
    def first_id(self) -> str | None:
        """Return the Message-ID of its first mail, by which it is known again."""
        return self.messages[0].message_id if self.messages else None


class Wrong(Exception):
    """A record that cannot be taken; its text says what is wrong."""


def one_line(value: str) -> str:
    """Return `value` as one printable line, cut where it would never end."""
    if value.isprintable() and len(value) <= _MOST_LINE:
        return " ".join(value.split())
    letters = (letter if letter.isprintable() else " " for letter in value[: 4 * _MOST_LINE])
    return " ".join("".join(letters).split())[:_MOST_LINE]


def clean_text(value: str) -> str:
    """Return a text as stores take it: LF lines, without control characters and lone surrogates."""
    return _UNWANTED.sub("", value.replace("\r\n", "\n").replace("\r", "\n"))


def person(what: str, value: str) -> tuple[str, str]:
    """Return (address, name) of `olena@shop.example` or `Olena <olena@shop.example>`. Wrong where it is neither."""
    found = _NAMED.fullmatch(value.strip())
    address = found["address"] if found else value.strip()
    if not is_deliverable(address):
        raise Wrong(f"{what}: {one_line(value)[:80]!r} is no mail address")
    return address.lower(), one_line(found["name"].strip().strip('"')) if found else ""


def people(values: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """Return the addresses among `values`, each once, as many as a ticket may have; and how many were left out."""
    good: dict[str, None] = {}
    for value in values:
        try:
            good[person("participants", value)[0]] = None
        except Wrong:
            continue
    kept = tuple(good)[:MOST_PEOPLE]
    return kept, len(set(values)) - len(kept)


def find_message_id(value: str | None) -> str | None:
    """Return a Message-ID without its brackets, or None where `value` is none."""
    found = _MESSAGE_ID.fullmatch(value.strip()) if value else None
    return found[1] if found else None


def instant(what: str, value: datetime, now: datetime) -> datetime:
    """Return `value` in UTC. Wrong where it has no zone, or cannot have been yet."""
    if value.tzinfo is None:
        raise Wrong(f"{what}: {value.isoformat()} has no zone (as 2026-03-01T10:00:00+01:00, or with Z)")
    try:
        at = value.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Wrong(f"{what}: {value.isoformat()} is out of range") from error
    if at.year < 1980 or at > now + _SLACK:
        raise Wrong(f"{what}: {value.isoformat()} {'is in the future' if at > now else 'is before there was mail'}")
    return at


def check_number(number: int) -> int:
    """Return a ticket number that leaves room for those to come."""
    if not 0 < number <= MOST_NUMBER:
        raise Wrong(f"number: {number} is none (1 to {MOST_NUMBER})")
    return number


def check_messages(messages: Sequence[OldMessage]) -> tuple[OldMessage, ...]:
    """Return the entries in the order of their time; those of the same instant stay as they stood."""
    if len(messages) > _MOST_MESSAGES:
        raise Wrong(f"messages: {len(messages)} are too many (up to {_MOST_MESSAGES})")
    return tuple(sorted(messages, key=lambda one: one.at))

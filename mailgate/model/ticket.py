"""Ticket, Message, Deadline: what is kept, as values. `decide` makes new ones of them, `apply` writes the difference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mailgate.model.quick import quick
from mailgate.model.segments import hidden_lines

Status = Literal["new", "open", "waiting", "resolved", "closed", "merged"]
Priority = Literal["normal", "high"]
MessageKind = Literal["customer", "staff", "note", "auto", "recorded"]
DeadlineState = Literal["pending", "paused", "met", "breached", "cancelled"]

NEW = 0  # the number of a ticket that this decision opens; `apply` puts the counter's number in its place

# D1's five, then D7's and the promise; the rest are our own and are not shown as promises.
SHOWN_DEADLINES = (
    "ack", "first_response", "next_response", "update", "resolve", "promise", "snooze", "nudge", "resolve_auto",
    "close_auto",
)  # fmt: skip
INNER_DEADLINES = ("progress", "silence", "held", "digest")  # D8's half hour, D8's 48 h, S4's hour, D9's morning


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A tie between two tickets, or of a ticket with an incident; kept on both sides."""

    kind: Literal["split", "merged", "forward", "incident"]
    ticket: int  # for `incident` the incident's number


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """A ticket. Addresses are lower case, instants UTC."""

    number: int
    desk: str
    queue: str
    team: str
    status: Status
    priority: Priority
    subject: str  # the core subject it was opened with
    subjects: tuple[str, ...]  # every core subject seen on it (T4)
    requestor: str
    requestor_name: str = ""
    reply_address: str = ""  # where the requestor is answered (S9); "" means `requestor`
    participants: tuple[str, ...] = ()  # those in Cc, without the requestor, the desk and its staff (A8)
    account: str | None = None  # the account's number
    named_account: str | None = None  # the account that the mail named (S5); gives no rights
    owner: str | None = None
    language: str = "en"
    level: str = "unknown"  # of the requestor when it was opened, or `verified` by #verify
    request: str = "general"
    rights: tuple[str, ...] = ()  # what a sensitive request is about (S6)
    class_: str = "other"
    source: str = "mail"
    flags: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    created_at: datetime
    changed_at: datetime
    unanswered_since: datetime | None = None  # the oldest customer mail that no person has answered (D1)
    staff_spoke_at: datetime | None = None  # a person's last word to the customer (D4, D8)
    finished_at: datetime | None = None  # when it became resolved or closed (T4b, T5)
    snoozed_until: datetime | None = None
    merged_into: int | None = None
    is_formal: bool = False  # never resolved or closed by a clock (A1)
    is_team_by_hand: bool = False  # kept and waited for, left only by hand (D5)


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """A moment by which something must happen. `next_at` is when to look at it: the reminder first, then `due_at`."""

    id: str  # "" until `apply` gives it one
    kind: str
    state: DeadlineState
    opened_at: datetime
    due_at: datetime | None  # None while paused
    remind_at: datetime | None = None  # at 80 % (D4), or 30 min before a promise; None: none, or fired
    calendar: str | None = None  # the calendar it runs in; None: round the clock
    remaining_seconds: int | None = None  # while paused: working seconds left
    promised_seconds: int | None = None  # working seconds from opening to due
    person: str | None = None  # who made a promise
    closed_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        if self.state != "pending":
            return None
        return self.remind_at or self.due_at


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """A ticket with its deadlines: what a decision is about and what it changes."""

    ticket: Ticket
    deadlines: tuple[Deadline, ...] = ()


WHOLE = -1  # the `part` that is the mail itself


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """An attachment as a message keeps it: `part` is its place among the parsed attachments of mail `digest`."""

    filename: str
    content_type: str
    size: int
    sha256: str
    inline: bool
    digest: str
    part: int
    content_id: str | None = None


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """An entry of a ticket. `state` is where a staff reply stands (C7), `undo` what its further way needs: what #undo
    restores (C2), `commands` that wait for #send (C7), on a note those who were `asked` by it (C8)."""

    id: str  # "" until `apply` gives it one
    kind: MessageKind
    author: str
    author_name: str
    at: datetime
    subject: str
    visible_text: str
    text: str = ""
    attachments: tuple[StoredFile, ...] = ()
    message_id: str | None = None
    references: tuple[str, ...] = ()
    digest: str | None = None
    arrival: str | None = None
    state: Literal["done", "holding", "awaiting_send", "taken_back"] = "done"
    undo: Mapping[str, Any] | None = None
    html: str = ""

    @property
    def hidden(self) -> int:
        """Return how many lines of the mail are not shown (P6)."""
        return hidden_lines(self.text, self.visible_text) if self.text else 0

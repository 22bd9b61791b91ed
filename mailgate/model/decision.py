"""Decision: what is to be done, as a value: an outcome, its reasons, and effects that `apply` writes in one go."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from mailgate.model.facts import Clues
from mailgate.model.letter import Letter
from mailgate.model.quick import quick
from mailgate.model.ticket import Case, Message

Outcome = Literal[
    "new", "follow_up", "split", "staff_reply", "note", "command", "recorded", "set_aside", "held", "duplicate",
    "quarantined", "rejected",
]  # fmt: skip
Level = Literal["staff", "verified", "registered", "participant", "unknown", "forged"]
By = Literal["tag", "token", "references", "words", "subject"]


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """One step of a trace (P4): the rule, its verdict, and the evidence in words."""

    rule: str
    verdict: str
    because: str = ""


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Who writes (S1 to S5). `evidence` is pass, fail or none, with its source in words."""

    level: Level
    address: str | None = None
    name: str = ""
    account: str | None = None
    contact: str | None = None
    roles: tuple[str, ...] = ()
    evidence: str = "none"
    because: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Save:
    """The ticket and its deadlines become `after`; `before` is None where it is opened. The event history and the
    timeline are the difference of the two. A `number` of NEW is given out by the counter; a ticket that was taken over
    keeps the number it had (T8)."""

    before: Case | None
    after: Case
    actor: str
    because: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class AddMessage:
    """An entry on ticket `ticket` (NEW: the one opened by this decision)."""

    ticket: int
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class ChangeMessage:
    """A staff message goes from one state to another (C7)."""

    ticket: int
    message: str
    state: Literal["done", "holding", "awaiting_send", "taken_back"]
    undo: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class MoveMessages:
    """Messages go from one ticket to another (T7); `messages` None: all of them."""

    source: int
    target: int
    messages: tuple[str, ...] | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Refer:
    """Message-IDs that name a ticket (T1c) without being one of its entries: of letters that another system sent (T8)."""

    ticket: int
    message_ids: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Send:
    """A letter goes into the outbox with this decision."""

    letter: Letter


@dataclass(frozen=True, kw_only=True, slots=True)
class LeaveOut:
    """A letter that A3 keeps back; recorded with the reason."""

    letter: Letter
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Withdraw:
    """Letters of a ticket that have not left are taken back: those of a staff message, or those of some kinds."""

    ticket: int
    message: str | None = None
    kinds: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Hasten:
    """Letters of a ticket, of some kinds, that wait for an opening leave at once (D6: the ticket became high)."""

    ticket: int
    kinds: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Hold:
    """The mail is kept for a person to decide (S4), with `due_at` for the managers in the deadlines of its own."""

    queue: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SetAside:
    """The mail belongs to no ticket (M7)."""

    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DecideHeld:
    """A held mail is accepted (it goes through the house again, S4) or rejected."""

    held: str
    verdict: Literal["accepted", "rejected"]
    actor: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """An address is blocked (C5) or failed (A6) from now on, or is so no more."""

    address: str
    mark: Literal["blocked", "failed"]
    is_set: bool = True
    because: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Suspect:
    """The managers are told of a possible incident (N3): remember it, once in the window."""

    hosts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Note:
    """An event without a change: a history line on a ticket."""

    ticket: int
    kind: str
    detail: str
    actor: str = "mailgate"


Effect = (
    Save | AddMessage | ChangeMessage | MoveMessages | Refer | Send | LeaveOut | Withdraw | Hasten | Hold | SetAside | DecideHeld
    | Mark | Suspect | Note
)  # fmt: skip


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What happens with a mail, a due deadline or a command. `ticket` is NEW for a ticket that it opens."""

    outcome: Outcome | None  # None: not a mail's
    reasons: tuple[Reason, ...]
    effects: tuple[Effect, ...] = ()
    desk: str = ""
    ticket: int | None = None
    from_ticket: int | None = None
    identity: Identity | None = None
    automatic: str | None = None
    by: By | None = None
    thread_ticket: int | None = None
    queue: str | None = None
    priority: str | None = None
    request: str = "general"
    class_: str = "other"
    language: str | None = None
    flags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    visible_text: str = ""
    clues: Clues | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def as_received(self, ticket: int | None = None) -> dict[str, Any]:
        """Return the shape of `explain --json` and of simulate's `received` event. `ticket` stands for NEW."""
        who = self.identity
        return {
            "outcome": self.outcome,
            "ticket": ticket or self.ticket or None,
            "from_ticket": self.from_ticket,
            "identity": {
                "level": who.level if who else None,
                "account": who.account if who else None,
                "contact": who.contact if who else None,
                "role": _role(who.roles) if who and who.contact else None,
                "evidence": who.evidence if who else None,
                "because": who.because if who else None,
            },
            "automatic": self.automatic,
            "thread": {"by": self.by, "ticket": self.thread_ticket},
            "queue": self.queue,
            "priority": self.priority,
            "request": self.request,
            "class": self.class_,
            "language": self.language,
            "flags": list(self.flags),
            "fields": dict(self.fields),
            "missing": list(self.missing),
            "visible_text": self.visible_text,
            "trace": [{"rule": one.rule, "verdict": one.verdict, "because": one.because} for one in self.reasons],
        }


def _role(roles: tuple[str, ...]) -> str | None:
    """Return the strongest role: the one that may ask for most (S6)."""
    return next((role for role in ("owner", "technical", "billing") if role in roles), roles[0] if roles else None)

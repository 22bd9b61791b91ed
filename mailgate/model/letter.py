"""Letter: what we mean to say to whom, before it is words; and Rendered: the words, before they are bytes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mailgate.model.quick import quick
from mailgate.model.ticket import StoredFile

CUSTOMER_LETTERS = (
    "ack", "relay", "escalation", "progress", "nudge", "promise", "merged", "split_notice", "resolved", "incident",
    "announcement",
)  # fmt: skip
STAFF_LETTERS = (
    "staff_notice", "reminder", "handover", "update_due", "lead_notice", "promise_due", "colleague_notice",
    "reply_check", "command_error", "command_done", "held_notice", "bounce_notice",
)  # fmt: skip
MANAGER_LETTERS = ("breach", "missed", "digest", "held_notice", "incident_suspected", "alarm", "probe")
LETTER_KINDS = tuple(dict.fromkeys((*CUSTOMER_LETTERS, *STAFF_LETTERS, *MANAGER_LETTERS)))

Audience = Literal["customer", "staff", "manager"]

# The first and last line of every letter to staff and managers, by language: what stands between them in a reply is
# ours, whether the mail program quoted it or not. No text of a customer can bring such a line (`compose` breaks it).
NOTICE_TOP: Mapping[str, str] = {
    "en": "=== mailgate: write your answer above this line ===",
    "de": "=== mailgate: Antwort bitte über dieser Zeile ===",
    "pl": "=== mailgate: odpowiedź proszę nad tą linią ===",
    "ru": "=== mailgate: ответ пишите над этой строкой ===",
    "uk": "=== mailgate: відповідь пишіть над цим рядком ===",
}
NOTICE_BOTTOM: Mapping[str, str] = {
    "en": "=== mailgate: end of the notice ===",
    "de": "=== mailgate: Ende der Mitteilung ===",
    "pl": "=== mailgate: koniec powiadomienia ===",
    "ru": "=== mailgate: конец уведомления ===",
    "uk": "=== mailgate: кінець сповіщення ===",
}
NOTICE_MARKERS = (*NOTICE_TOP.values(), *NOTICE_BOTTOM.values())
NOTICE_LINE = "| "  # how lines of ours begin in between


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """One letter to one address. `ticket` is a number, NEW (0) for the ticket this decision opens, or None.

    `context` holds what the template of `kind` may say; see the table in `docs/letters.md`. Instants in it are aware
    datetimes, shown in `timezone`. `because` is the deadline's kind where a clock wrote it, else "".
    """

    kind: str
    desk: str
    audience: Audience
    to: str
    language: str
    ticket: int | None
    subject: str  # the core subject; the tag and the kind's own words are put around it by `compose`
    context: Mapping[str, Any] = field(default_factory=dict)
    to_name: str = ""
    timezone: str = ""  # of the reader; "": the desk's
    queue: str = ""  # whose mailbox it comes from; "": the desk's first
    in_reply_to: str | None = None
    references: tuple[str, ...] = ()
    is_automatic: bool = True  # Auto-Submitted (A2); a person's reply is not
    not_before: datetime | None = None  # C7's half minute, D6's opening
    attachments: tuple[StoredFile, ...] = ()
    held: str | None = None  # the held mail that an answer to this letter decides (S4)
    is_shown: bool = False  # on the board, to the person who acts there: kept, never sent (W1)
    message: str | None = None  # the staff message it relays, "" for the one added by the same decision
    because: str = ""


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Rendered:
    """A letter in words, ready to be stored in the outbox; every header value is one clean line."""

    kind: str
    desk: str
    audience: Audience
    ticket: int | None
    to: str
    to_name: str
    from_: str  # the mailbox address
    from_name: str
    reply_to: str
    envelope_from: str
    subject: str
    text: str
    language: str
    message_id: str  # without angle brackets
    in_reply_to: str | None
    references: tuple[str, ...]
    headers: tuple[tuple[str, str], ...]  # Auto-Submitted and the like
    html: str = ""

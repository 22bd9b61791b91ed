"""The tables, declared with SQLModel; hot paths use the Core tables underneath. `schema.sql` says the same in DDL, held
to it by a test. Lists and mappings are JSON; addresses are lower case; instants UTC."""

import re
from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Column, Index, Text, TextClause, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from mailgate.store.fetched import FetchedFolderRow, FetchedRow  # noqa: F401
from mailgate.store.inbox import InboxRow  # noqa: F401 (the metadata holds every table)
from mailgate.store.outbox import OutboxRow  # noqa: F401
from mailgate.store.requests import PanelRequestRow  # noqa: F401
from mailgate.store.sources import AccountEventRow, AccountSourceRow  # noqa: F401
from mailgate.store.types import Instant

SCHEMA_VERSION = 5

# Partial indexes fit a query that holds their very words: parameters would not tell SQLite enough.
_PENDING = text("state = 'pending'")
IS_HELD = text("held.state = 'held'")
IS_PARKED = text("arrival.outcome IN ('held', 'set_aside', 'quarantined')")
IS_STAFFS = text("message.kind = 'staff'")
IS_UNANSWERED = text("ticket.status IN ('new', 'open') AND ticket.unanswered_since IS NOT NULL")
IS_ENDED_PROMISE = text(
    "deadline.state IN ('met', 'breached')"
    " AND deadline.kind IN ('first_response', 'next_response', 'resolve', 'promise')"
)


def _where(condition: TextClause) -> dict[str, Any]:
    """Make an index of those rows alone; its own words name no table."""
    bare = text(re.sub(r"\b(held|arrival|message|ticket|deadline)\.", "", condition.text))
    return {"sqlite_where": bare, "postgresql_where": bare}


def _json() -> Any:
    return Field(sa_column=Column(JSON, nullable=False))


class MetaRow(SQLModel, table=True):
    """Small facts about the database itself: its version, when people last changed."""

    __tablename__ = "meta"

    name: str = Field(primary_key=True)
    value: str


class CounterRow(SQLModel, table=True):
    """Numbers given out one by one: tickets (one counter for all desks), incidents."""

    __tablename__ = "counter"

    name: str = Field(primary_key=True)
    value: int


class AccountRow(SQLModel, table=True):
    """A customer."""

    __tablename__ = "account"
    __table_args__ = (
        UniqueConstraint("desk", "number", name="account_number"),
        Index("account_login", "desk", "login_key"),
    )

    id: str = Field(primary_key=True)
    desk: str
    number: str
    number_key: str
    login: str
    login_key: str
    name: str
    language: str | None = None
    source: str | None = None  # which source of the desk it comes from (S10); None: by hand


class ContactRow(SQLModel, table=True):
    """An address registered with an account."""

    __tablename__ = "contact"
    __table_args__ = (
        UniqueConstraint("account", "address", name="contact_address"),
        Index("contact_by_address", "desk", "address"),
        Index("contact_by_domain", "desk", "domain"),
    )

    id: str = Field(primary_key=True)
    account: str = Field(foreign_key="account.id", ondelete="CASCADE", index=True)
    desk: str
    address: str
    domain: str
    name: str
    roles: list[str] = _json()
    purposes: list[str] = _json()
    until: date | None = None
    source: str | None = None  # what is gone there ends here (S10); None: by hand


class StaffRow(SQLModel, table=True):
    """A person of a desk."""

    __tablename__ = "staff"

    desk: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    name: str
    teams: list[str] = _json()
    role: str
    language: str | None = None
    timezone: str | None = None


class AddressRow(SQLModel, table=True):
    """What is known of an address: blocked (C5), failed (A6)."""

    __tablename__ = "address_mark"

    desk: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    because: str
    at: datetime = Field(sa_type=Instant)


class TicketRow(SQLModel, table=True):
    """A ticket; columns are the fields of model.ticket.Ticket."""

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("status IN ('new', 'open', 'waiting', 'resolved', 'closed', 'merged')", name="ticket_status"),
        CheckConstraint("priority IN ('normal', 'high')", name="ticket_priority"),
        Index("ticket_place", "desk", "queue", "status", "number"),
        Index("ticket_requestor", "requestor"),
        Index("ticket_of_account", "account", "number"),
        Index("ticket_created", "desk", "created_at"),
        Index("ticket_unanswered", "desk", "unanswered_since", **_where(IS_UNANSWERED)),
    )

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    desk: str
    queue: str
    team: str
    status: str
    priority: str
    subject: str
    subject_key: str
    subjects: list[str] = _json()
    requestor: str
    requestor_name: str
    reply_address: str
    participants: list[str] = _json()
    account: str | None = None
    named_account: str | None = None
    owner: str | None = None
    language: str
    level: str
    request: str
    rights: list[str] = _json()
    class_: str = Field(sa_column=Column("class", Text, nullable=False))
    source: str
    flags: list[str] = _json()
    links: list[Any] = _json()
    fields_: dict[str, Any] = Field(sa_column=Column("fields", JSON, nullable=False))
    missing: list[str] = _json()
    created_at: datetime = Field(sa_type=Instant)
    changed_at: datetime = Field(sa_type=Instant)
    unanswered_since: datetime | None = Field(default=None, sa_type=Instant)
    staff_spoke_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    snoozed_until: datetime | None = Field(default=None, sa_type=Instant)
    merged_into: int | None = None
    is_formal: bool
    is_team_by_hand: bool


class MessageRow(SQLModel, table=True):
    """An entry of a ticket."""

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint("kind IN ('customer', 'staff', 'note', 'auto', 'recorded')", name="message_kind"),
        CheckConstraint("state IN ('done', 'holding', 'awaiting_send', 'taken_back')", name="message_state"),
        Index("message_ticket", "ticket", "id"),
        Index("message_author", "author", "at"),
        Index("message_staff", "at", "ticket", "state", **_where(IS_STAFFS)),
    )

    id: str = Field(primary_key=True)
    ticket: int = Field(foreign_key="ticket.number")
    kind: str
    author: str
    author_name: str
    at: datetime = Field(sa_type=Instant)
    subject: str
    visible_text: str
    body: str
    html: str
    attachments: list[Any] = _json()
    message_id: str | None = None
    refs: list[str] = _json()
    digest: str | None = None
    arrival: str | None = None
    state: str
    undo: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))


class ReferenceRow(SQLModel, table=True):
    """A customer's Message-ID and the ticket it belongs to (T1c). `is_named`: only named so far, by a mail that came
    before it. Our own Message-IDs say by themselves what they are about."""

    __tablename__ = "reference"

    message_id: str = Field(primary_key=True)
    desk: str = Field(primary_key=True)
    ticket: int
    is_named: bool


class DeadlineRow(SQLModel, table=True):
    """A moment by which something must happen; the tick finds due ones by `next_at`."""

    __tablename__ = "deadline"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'paused', 'met', 'breached', 'cancelled')", name="deadline_state"),
        Index("deadline_next", "next_at", **_where(_PENDING)),
        Index("deadline_ticket", "ticket"),
        Index("deadline_ended", "desk", "closed_at", "kind", "state", **_where(IS_ENDED_PROMISE)),
    )

    id: str = Field(primary_key=True)
    desk: str
    ticket: int = Field(foreign_key="ticket.number")
    kind: str
    state: str
    opened_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    remind_at: datetime | None = Field(default=None, sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    calendar: str | None = None
    remaining_seconds: int | None = None
    promised_seconds: int | None = None
    person: str | None = None
    closed_at: datetime | None = Field(default=None, sa_type=Instant)


class DeskClockRow(SQLModel, table=True):
    """What comes round for a desk as a whole: the digest (D9)."""

    __tablename__ = "desk_clock"

    desk: str = Field(primary_key=True)
    kind: str = Field(primary_key=True)
    next_at: datetime = Field(sa_type=Instant)


class EventRow(SQLModel, table=True):
    """The history of a ticket: what changed, by whom, why."""

    __tablename__ = "event"
    __table_args__ = (Index("event_ticket", "ticket", "id"), Index("event_at", "desk", "at"))

    id: str = Field(primary_key=True)
    desk: str
    ticket: int
    at: datetime = Field(sa_type=Instant)
    actor: str
    kind: str
    detail: dict[str, Any] = _json()


class ArrivalRow(SQLModel, table=True):
    """A mail that has been read, its outcome and its trace (P1, P4). Found by Message-ID or digest."""

    __tablename__ = "arrival"
    __table_args__ = (
        Index("arrival_content", "desk", "content_key"),
        Index("arrival_digest", "digest"),
        Index("arrival_message_id", "message_id"),
        Index("arrival_outcome", "outcome", "id", **_where(IS_PARKED)),
    )

    id: str = Field(primary_key=True)
    desk: str
    digest: str
    message_id: str | None = None
    content_key: str
    channel: str
    received_at: datetime = Field(sa_type=Instant)
    applied_at: datetime = Field(sa_type=Instant)
    envelope_from: str | None = None
    sender: str
    recipient: str
    subject: str
    outcome: str
    ticket: int | None = None
    state: str
    reason: str
    attempts: int
    trace: list[Any] = _json()
    arrival: dict[str, Any] = _json()


class HeldRow(SQLModel, table=True):
    """A held mail (S4). Its hour is a clock of its own."""

    __tablename__ = "held"
    __table_args__ = (
        CheckConstraint("state IN ('held', 'accepted', 'rejected')", name="held_state"),
        Index("held_next", "next_at", **_where(IS_HELD)),
    )

    id: str = Field(primary_key=True)
    arrival: str
    desk: str
    queue: str
    sender: str
    subject: str
    state: str
    reason: str
    at: datetime = Field(sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    context: dict[str, Any] = _json()


class IncidentRow(SQLModel, table=True):
    """A known outage (N1)."""

    __tablename__ = "incident"

    number: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    desk: str
    state: str
    hosts: list[str] = _json()
    services: list[str] = _json()
    domains: list[str] = _json()
    texts: dict[str, str] = _json()
    opened_at: datetime = Field(sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)


class SightingRow(SQLModel, table=True):
    """A host named by a new ticket (N3)."""

    __tablename__ = "sighting"
    __table_args__ = (Index("sighting_host", "desk", "host", "at"),)

    id: str = Field(primary_key=True)
    desk: str
    host: str
    at: datetime = Field(sa_type=Instant)
    ticket: int


class SuspicionRow(SQLModel, table=True):
    """A host that the managers were told of (N3)."""

    __tablename__ = "suspicion"

    desk: str = Field(primary_key=True)
    host: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)


class TokenRow(SQLModel, table=True):
    """A control panel's token, as a digest: the token itself is shown once."""

    __tablename__ = "panel_token"

    id: str = Field(primary_key=True)
    desk: str
    digest: str = Field(unique=True)
    name: str
    created_at: datetime = Field(sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)


class AnnouncedRow(SQLModel, table=True):
    """An address that an announcement was written to (N4): it gets it once."""

    __tablename__ = "announced"

    desk: str = Field(primary_key=True)
    announcement: str = Field(primary_key=True)
    address: str = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)


class ProbeRow(SQLModel, table=True):
    """A test mail of ours, from being handed in to the answer's end. `letter` is that answer in the outbox."""

    __tablename__ = "probe"
    __table_args__ = (
        CheckConstraint("state IN ('under_way', 'through', 'failed')", name="probe_state"),
        Index("probe_began", "began_at"),
    )

    id: str = Field(primary_key=True)
    state: str
    began_at: datetime = Field(sa_type=Instant)
    handed_in_at: datetime | None = Field(default=None, sa_type=Instant)
    arrived_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    returned_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    comes_back: bool
    would_be: str
    arrival: str | None = None
    letter: str | None = None
    returned_arrival: str | None = None
    reason: str


metadata = SQLModel.metadata
_T = metadata.tables
META, COUNTER = _T["meta"], _T["counter"]
ACCOUNT, CONTACT, STAFF, ADDRESS_MARK = _T["account"], _T["contact"], _T["staff"], _T["address_mark"]
ACCOUNT_SOURCE, ACCOUNT_EVENT = _T["account_source"], _T["account_event"]
TICKET, MESSAGE, REFERENCE = _T["ticket"], _T["message"], _T["reference"]
DEADLINE, DESK_CLOCK, EVENT = _T["deadline"], _T["desk_clock"], _T["event"]
ARRIVAL, HELD, INCIDENT = _T["arrival"], _T["held"], _T["incident"]
SIGHTING, SUSPICION, PANEL_TOKEN = _T["sighting"], _T["suspicion"], _T["panel_token"]
ANNOUNCED, PROBE = _T["announced"], _T["probe"]

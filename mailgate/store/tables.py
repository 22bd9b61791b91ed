"""The tables, in SQLAlchemy Core: a declarative layer takes longer to import than all the rest of us. `schema.sql` says
the same in DDL, held to it by a test. Lists and mappings are JSON; addresses are lower case; instants UTC."""

import re

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    TextClause,
    UniqueConstraint,
    text,
)

from mailgate.store import fetched, inbox, outbox, requests, sources  # noqa: F401 (the metadata holds every table)
from mailgate.store.types import METADATA, Instant, partial_index

SCHEMA_VERSION = 6

# Partial indexes fit a query that holds their very words: parameters would not tell SQLite enough.
IS_PENDING = text("deadline.state = 'pending'")
IS_HELD = text("held.state = 'held'")
IS_PARKED = text("arrival.outcome IN ('held', 'set_aside', 'quarantined')")
IS_STAFFS = text("message.kind = 'staff'")
IS_UNANSWERED = text("ticket.status IN ('new', 'open') AND ticket.unanswered_since IS NOT NULL")
IS_ENDED_PROMISE = text(
    "deadline.state IN ('met', 'breached')"
    " AND deadline.kind IN ('first_response', 'next_response', 'resolve', 'promise')"
)


def _bare(condition: TextClause) -> TextClause:
    """Return the words that an index of those rows has; its own words name no table."""
    return text(re.sub(r"\b(held|arrival|message|ticket|deadline)\.", "", condition.text))


# Small facts about the database itself: its version, when people last changed.
META = Table(
    "meta",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", String, nullable=False),
)

# Numbers given out one by one: tickets (one counter for all desks), incidents.
COUNTER = Table(
    "counter",
    METADATA,
    Column("name", String, primary_key=True),
    Column("value", Integer, nullable=False),
)

# A customer.
ACCOUNT = Table(
    "account",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("number", String, nullable=False),
    Column("number_key", String, nullable=False),
    Column("login", String, nullable=False),
    Column("login_key", String, nullable=False),
    Column("name", String, nullable=False),
    Column("language", String),
    Column("source", String),  # which source of the desk it comes from (S10); None: by hand
    UniqueConstraint("desk", "number", name="account_number"),
    Index("account_login", "desk", "login_key"),
)

# An address registered with an account.
CONTACT = Table(
    "contact",
    METADATA,
    Column("id", String, primary_key=True),
    Column("account", String, ForeignKey("account.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("desk", String, nullable=False),
    Column("address", String, nullable=False),
    Column("domain", String, nullable=False),
    Column("name", String, nullable=False),
    Column("roles", JSON, nullable=False),
    Column("purposes", JSON, nullable=False),
    Column("until", Date),
    Column("source", String),  # what is gone there ends here (S10); None: by hand
    UniqueConstraint("account", "address", name="contact_address"),
    Index("contact_by_address", "desk", "address"),
    Index("contact_by_domain", "desk", "domain"),
)

# A person of a desk.
STAFF = Table(
    "staff",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("teams", JSON, nullable=False),
    Column("role", String, nullable=False),
    Column("language", String),
    Column("timezone", String),
)

# What is known of an address: blocked (C5), failed (A6).
ADDRESS_MARK = Table(
    "address_mark",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("mark", String, primary_key=True),
    Column("because", String, nullable=False),
    Column("at", Instant, nullable=False),
)

# A ticket; columns are the fields of model.ticket.Ticket.
TICKET = Table(
    "ticket",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("desk", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("team", String, nullable=False),
    Column("status", String, nullable=False),
    Column("priority", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("subject_key", String, nullable=False),
    Column("subjects", JSON, nullable=False),
    Column("requestor", String, nullable=False),
    Column("requestor_name", String, nullable=False),
    Column("reply_address", String, nullable=False),
    Column("participants", JSON, nullable=False),
    Column("account", String),
    Column("named_account", String),
    Column("owner", String),
    Column("language", String, nullable=False),
    Column("level", String, nullable=False),
    Column("request", String, nullable=False),
    Column("rights", JSON, nullable=False),
    Column("class", Text, nullable=False),
    Column("source", String, nullable=False),
    Column("flags", JSON, nullable=False),
    Column("links", JSON, nullable=False),
    Column("fields", JSON, nullable=False),
    Column("missing", JSON, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("unanswered_since", Instant),
    Column("staff_spoke_at", Instant),
    Column("finished_at", Instant),
    Column("snoozed_until", Instant),
    Column("merged_into", Integer),
    Column("is_formal", Boolean, nullable=False),
    Column("is_team_by_hand", Boolean, nullable=False),
    CheckConstraint("status IN ('new', 'open', 'waiting', 'resolved', 'closed', 'merged')", name="ticket_status"),
    CheckConstraint("priority IN ('normal', 'high')", name="ticket_priority"),
    Index("ticket_place", "desk", "queue", "status", "number"),
    Index("ticket_requestor", "requestor"),
    Index("ticket_of_account", "account", "number"),
    Index("ticket_created", "desk", "created_at"),
    partial_index("ticket_unanswered", "desk", "unanswered_since", where=_bare(IS_UNANSWERED)),
)

# An entry of a ticket.
MESSAGE = Table(
    "message",
    METADATA,
    Column("id", String, primary_key=True),
    Column("ticket", Integer, ForeignKey("ticket.number"), nullable=False),
    Column("kind", String, nullable=False),
    Column("author", String, nullable=False),
    Column("author_name", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("subject", String, nullable=False),
    Column("visible_text", String, nullable=False),
    Column("body", String, nullable=False),
    Column("html", String, nullable=False),
    Column("attachments", JSON, nullable=False),
    Column("message_id", String),
    Column("refs", JSON, nullable=False),
    Column("digest", String),
    Column("arrival", String),
    Column("state", String, nullable=False),
    Column("undo", JSON(none_as_null=True)),
    CheckConstraint("kind IN ('customer', 'staff', 'note', 'auto', 'recorded')", name="message_kind"),
    CheckConstraint("state IN ('done', 'holding', 'awaiting_send', 'taken_back')", name="message_state"),
    Index("message_ticket", "ticket", "id"),
    Index("message_author", "author", "at"),
    partial_index("message_staff", "at", "ticket", "state", where=_bare(IS_STAFFS)),
)

# A customer's Message-ID and the ticket it belongs to (T1c). `is_named`: only named so far, by a mail that came
# before it. Our own Message-IDs say by themselves what they are about.
REFERENCE = Table(
    "reference",
    METADATA,
    Column("message_id", String, primary_key=True),
    Column("desk", String, primary_key=True),
    Column("ticket", Integer, nullable=False),
    Column("is_named", Boolean, nullable=False),
)

# A moment by which something must happen; the tick finds due ones by `next_at`.
DEADLINE = Table(
    "deadline",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("ticket", Integer, ForeignKey("ticket.number"), nullable=False),
    Column("kind", String, nullable=False),
    Column("state", String, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("remind_at", Instant),
    Column("next_at", Instant),
    Column("calendar", String),
    Column("remaining_seconds", Integer),
    Column("promised_seconds", Integer),
    Column("person", String),
    Column("closed_at", Instant),
    CheckConstraint("state IN ('pending', 'paused', 'met', 'breached', 'cancelled')", name="deadline_state"),
    partial_index("deadline_next", "next_at", where=_bare(IS_PENDING)),
    Index("deadline_ticket", "ticket"),
    partial_index("deadline_ended", "desk", "closed_at", "kind", "state", where=_bare(IS_ENDED_PROMISE)),
)

# What comes round for a desk as a whole: the digest (D9).
DESK_CLOCK = Table(
    "desk_clock",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("kind", String, primary_key=True),
    Column("next_at", Instant, nullable=False),
)

# The history of a ticket: what changed, by whom, why.
EVENT = Table(
    "event",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("ticket", Integer, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("detail", JSON, nullable=False),
    Index("event_ticket", "ticket", "id"),
    Index("event_at", "desk", "at"),
)

# A mail that has been read, its outcome and its trace (P1, P4). Found by Message-ID or digest.
ARRIVAL = Table(
    "arrival",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("digest", String, nullable=False),
    Column("message_id", String),
    Column("content_key", String, nullable=False),
    Column("channel", String, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("applied_at", Instant, nullable=False),
    Column("envelope_from", String),
    Column("sender", String, nullable=False),
    Column("recipient", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("outcome", String, nullable=False),
    Column("ticket", Integer),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("trace", JSON, nullable=False),
    Column("arrival", JSON, nullable=False),
    Index("arrival_content", "desk", "content_key"),
    Index("arrival_digest", "digest"),
    Index("arrival_message_id", "message_id"),
    partial_index("arrival_outcome", "outcome", "id", where=_bare(IS_PARKED)),
)

# A held mail (S4). Its hour is a clock of its own.
HELD = Table(
    "held",
    METADATA,
    Column("id", String, primary_key=True),
    Column("arrival", String, nullable=False),
    Column("desk", String, nullable=False),
    Column("queue", String, nullable=False),
    Column("sender", String, nullable=False),
    Column("subject", String, nullable=False),
    Column("state", String, nullable=False),
    Column("reason", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("next_at", Instant),
    Column("decided_by", String),
    Column("decided_at", Instant),
    Column("context", JSON, nullable=False),
    CheckConstraint("state IN ('held', 'accepted', 'rejected')", name="held_state"),
    partial_index("held_next", "next_at", where=_bare(IS_HELD)),
)

# A known outage (N1).
INCIDENT = Table(
    "incident",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("desk", String, nullable=False),
    Column("state", String, nullable=False),
    Column("hosts", JSON, nullable=False),
    Column("services", JSON, nullable=False),
    Column("domains", JSON, nullable=False),
    Column("texts", JSON, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("resolved_at", Instant),
)

# A host named by a new ticket (N3).
SIGHTING = Table(
    "sighting",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("host", String, nullable=False),
    Column("at", Instant, nullable=False),
    Column("ticket", Integer, nullable=False),
    Index("sighting_host", "desk", "host", "at"),
)

# A host that the managers were told of (N3).
SUSPICION = Table(
    "suspicion",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("host", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

# A control panel's token, as a digest: the token itself is shown once.
PANEL_TOKEN = Table(
    "panel_token",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("digest", String, nullable=False, unique=True),
    Column("name", String, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("expires_at", Instant),
)

# An address that an announcement was written to (N4): it gets it once.
ANNOUNCED = Table(
    "announced",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("announcement", String, primary_key=True),
    Column("address", String, primary_key=True),
    Column("at", Instant, nullable=False),
)

# A test mail of ours, from being handed in to the answer's end. `letter` is that answer in the outbox.
PROBE = Table(
    "probe",
    METADATA,
    Column("id", String, primary_key=True),
    Column("state", String, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("handed_in_at", Instant),
    Column("arrived_at", Instant),
    Column("decided_at", Instant),
    Column("answered_at", Instant),
    Column("returned_at", Instant),
    Column("ended_at", Instant),
    Column("comes_back", Boolean, nullable=False),
    Column("would_be", String, nullable=False),
    Column("arrival", String),
    Column("letter", String),
    Column("returned_arrival", String),
    Column("reason", String, nullable=False),
    CheckConstraint("state IN ('under_way', 'through', 'failed')", name="probe_state"),
    Index("probe_began", "began_at"),
)

metadata = METADATA

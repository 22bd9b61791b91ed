"""Clues: what a mail names that the store should look up. Facts: what the store knows of it, in one read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from mailgate.model.findings import Findings
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.quick import quick
from mailgate.model.ticket import Case, Message
from mailgate.model.tokens import OwnId, Token


@dataclass(frozen=True, kw_only=True, slots=True)
class Behind:
    """Whom a mail is of that has another's address in From: it came through the desk's own group, which rewrote From
    (M7), or from a form that posts as the desk (S9). `address` is None where nobody is named whom one could answer."""

    kind: Literal["group", "form"]
    address: str | None  # lower case
    name: str = ""
    said_by: str = ""  # the headers that name them
    is_agreed: bool = False  # every header that names the author names this one


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Clues:
    """What a mail names. Made by `understand.clues`, looked up by `store.gather`."""

    desk: str
    sender: str | None  # the one From address, lower case (S1); where somebody else is behind it, theirs
    reply_to: str | None
    content_key: str
    numbers: tuple[int, ...] = ()  # every ticket number named, by tag, token, words or quoted tag
    message_ids: tuple[str, ...] = ()  # In-Reply-To, then References from the newest to the oldest, then a report's
    own_ids: tuple[tuple[str, OwnId], ...] = ()  # those of the same that we made, with what they are about
    tokens: tuple[Token, ...] = ()
    own_message_id: str | None = None  # the mail's Message-ID: may be named by a mail that came before it (T1c)
    subject: str = ""  # the core subject folded for comparison (T6)
    findings: Findings = field(default_factory=Findings)
    commands_name: tuple[int, ...] = ()  # tickets that staff commands name (#merge N)
    people: tuple[str, ...] = ()  # addresses in To and Cc, lower case
    failed: tuple[str, ...] = ()  # addresses a bounce names
    others: tuple[str, ...] = ()  # several From addresses, of which one may be answered (S1, A3)
    behind: Behind | None = None  # None: From says who writes
    rules: tuple[int, ...] = ()  # places of the desk's own rules that it fits, but for level and mailbox (Q9)
    groups: tuple[str, ...] = ()  # the desk's own lists that it came through (M7), and where they are written to
    forwarded: str | None = None  # the From of a forwarded mail, lower case (C6)
    listing: tuple[str, str] | None = (
        None  # the list of tickets that a staff mail asks for (C9): find, mine, queue; words
    )
    mentioned: tuple[str, ...] = ()  # addresses and domains in a staff reply's text (C7)
    has_quotes: bool = False  # what is quoted is compared with the letters of the tickets that are named (M3)


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """An earlier mail of the same content on this desk (I5)."""

    arrival: str
    ticket: int | None
    outcome: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Referenced:
    """What one of our or a customer's Message-IDs belongs to."""

    message_id: str
    ticket: int | None = None
    held: str | None = None
    kind: str = ""  # the letter's kind, or "customer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Held:
    """A held mail (S4) that this mail may decide."""

    id: str
    arrival: str
    state: str  # held, accepted, rejected
    sender: str
    subject: str
    queue: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Incident:
    """A known outage (N1)."""

    number: int
    desk: str
    state: str  # open, resolved
    hosts: tuple[str, ...]
    services: tuple[str, ...]
    domains: tuple[str, ...]
    texts: Mapping[str, str]  # by language
    tickets: tuple[int, ...] = ()
    opened_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenTicket:
    """A ticket of the customer's that is not finished, in short (C1)."""

    number: int
    requestor: str
    account: str | None


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What the store knows of a mail's clues. Merged tickets are followed: `survivors` maps every named number that
    exists on this desk to the number of the case that stands for it."""

    seen: Seen | None = None
    contacts: tuple[Contact, ...] = ()  # registered with the sender's address, `until` not looked at
    reply_to_contacts: tuple[Contact, ...] = ()
    forwarded_contacts: tuple[Contact, ...] = ()  # registered with the From of the mail that a staff member forwards
    reply_to_is_known: bool = False  # a contact, staff or desk address (S9)
    staff: Staff | None = None  # the sender
    people: tuple[Staff, ...] = ()  # everyone of the desk
    survivors: Mapping[int, int] = field(default_factory=dict)
    cases: Mapping[int, Case] = field(default_factory=dict)
    referenced: tuple[Referenced, ...] = ()  # in the order of the clues' message_ids
    expected_by: int | None = None  # the ticket whose messages name this mail's own Message-ID (T1c)
    same_subject: tuple[
        int, ...
    ] = ()  # tickets that the sender wrote on lately under this core subject, or merged ones
    named_accounts: tuple[Account, ...] = ()
    account_contacts: tuple[
        Contact, ...
    ] = ()  # contacts of the accounts of `cases`, of the sender and of `named_accounts`
    listed: tuple[Mapping[str, Any], ...] = ()  # the tickets that the writer asked for (C9)
    open_tickets: tuple[OpenTicket, ...] = ()  # of the sender, the requestors and the accounts, newest first
    messages: Mapping[int, tuple[Message, ...]] = field(default_factory=dict)  # newest last, some 20 of each case
    letters: tuple[str, ...] | None = (
        None  # what customers got and wrote on `cases`, newest first; None: not known (M3)
    )
    marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # address -> blocked, failed
    letters_10_minutes: Mapping[str, int] = field(default_factory=dict)  # automatic letters by address (A3)
    letters_day: Mapping[str, int] = field(default_factory=dict)
    acks_day: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # their subjects, by address
    held: Held | None = None
    incidents: tuple[Incident, ...] = ()  # the desk's open ones
    sightings: Mapping[str, tuple[int, ...]] = field(default_factory=dict)  # host -> tickets lately naming it (N3)
    suspected: frozenset[str] = frozenset()  # hosts the managers were told of within the window
    overdue_load: Mapping[str, int] = field(default_factory=dict)  # queue -> unanswered past 80 % (Q8)
    foreign_accounts: tuple[str, ...] = ()  # of `mentioned`: those that belong to another account's contacts (C7)
    extra: Mapping[str, Any] = field(default_factory=dict)

"""Settings: the configuration as values, made by `config` and passed to everyone who needs it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Literal
from zoneinfo import ZoneInfo

from mailgate.model.own_rules import OwnRule

EXCHANGE_ONLINE = "exchange-online"  # stands in authserv_ids for a header that has no id (S2)


@dataclass(frozen=True, kw_only=True, slots=True)
class Promise:
    """A length of time that a desk promises (D1): so many seconds, or so many business days."""

    amount: int
    unit: Literal["seconds", "business_days"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Calendar:
    """Working hours in a zone (D2). `hours`: Monday is 0; spans are minutes from midnight, end excluded, 1440 is
    24:00. `closed_dates` holds public holidays and extra days, resolved for 2020 to 2045 when the file was read;
    `closed_days` are (month, day) of every year; `newest_holidays` are the last known ones
    of the places whose public holidays are among `closed_dates`."""

    name: str
    timezone: ZoneInfo
    hours: tuple[tuple[tuple[int, int], ...], ...]  # seven entries
    closed_dates: frozenset[date] = frozenset()
    closed_days: frozenset[tuple[int, int]] = frozenset()
    newest_holidays: tuple[tuple[str, date | None], ...] = ()


SLA_KINDS = ("ack", "first_response", "next_response", "update", "resolve")


@dataclass(frozen=True, kw_only=True, slots=True)
class Sla:
    """Promises of a queue at one priority; `by_source` overrides some for panel, chat, phone or social."""

    promises: Mapping[str, Promise]  # of SLA_KINDS; a kind that is missing is not promised
    by_source: Mapping[str, Mapping[str, Promise]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Team:
    """A team and when it works; no calendar: round the clock."""

    name: str
    calendar: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Queue:
    """Where tickets wait. `ladder` begins with the team itself where there is one (D5)."""

    name: str
    team: str
    sla: Mapping[str, Sla]  # by priority: normal, high
    calendar: str | None = None
    ladder: tuple[str, ...] = ()
    overflow: str | None = None  # Q8
    side: Literal["technical", "financial", "abuse", ""] = ""  # Q2: which clear mail belongs here; panel department


@dataclass(frozen=True, kw_only=True, slots=True)
class Mailbox:
    """An address that mail comes to, and its queue."""

    address: str  # lower case
    queue: str
    is_abuse: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Lexicon:
    """Word lists by language: `words[language][list]` is a tuple of phrases or patterns. Compared by identity, so that
    compiled forms can be cached."""

    words: Mapping[str, Mapping[str, tuple[str, ...]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """Numbers in italics in the rules; seconds unless the name says otherwise."""

    reopen_window_seconds: int = 14 * 86400  # T4b, T5
    same_subject_seconds: int = 72 * 3600  # T6
    remind_percent: int = 80  # D4
    promise_reminder_seconds: int = 30 * 60  # D1
    late_seconds: int = 10 * 60  # D3
    held_seconds: int = 60 * 60  # S4
    nudge_seconds: int = 72 * 3600  # D7
    resolve_auto_seconds: int = 7 * 86400
    close_auto_seconds: int = 14 * 86400
    silence_seconds: int = 48 * 3600  # D6, D8
    progress_seconds: int = 30 * 60  # D8, of calendar time
    two_staff_seconds: int = 5 * 60  # C8
    tell_of_answers: bool = True  # C8: the other readers of a notice that somebody has answered
    digest_time: str = "08:00"  # D9, in the desk's zone
    letters_per_10_minutes: int = 5  # A3
    letters_per_day: int = 20
    overflow_count: int = 20  # Q8
    incident_count: int = 5  # N3
    incident_seconds: int = 15 * 60
    tries: int = 3  # I7
    staff_needs_authentication: bool = True  # S3
    signature_seconds: int = 14 * 86400  # S2: so old a DKIM signature may be
    dns_retry_seconds: int = 15 * 60  # S2: so long a staff mail waits for DNS before it is held


@dataclass(frozen=True, kw_only=True, slots=True)
class Retention:
    """How long what a desk has done with is kept, in seconds. None: as the service says; 0: always."""

    raw_mail_seconds: int | None = None  # raw mail of a ticket, after it was closed
    people_seconds: int | None = None  # names and addresses on a ticket, after it was closed
    parked_seconds: int | None = None  # mail that came to no ticket: set aside, quarantined, rejected, doubled
    letters_seconds: int | None = None  # the words of letters that were sent

    def over(self, general: "Retention") -> "Retention":
        """Return this with what it leaves open as `general` says."""
        found = {one.name: getattr(self, one.name) for one in fields(self)}
        return Retention(**{name: getattr(general, name) if value is None else value for name, value in found.items()})

    @property
    def is_on(self) -> bool:
        """Is there anything that is not kept for ever?"""
        return any(getattr(self, one.name) for one in fields(self))


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountSource:
    """Where accounts of a desk live (S10). `place` is a file, or the address of a database, a directory, a web server;
    `query`, or the name of a shipped one, is a database's, `base`, `filter`, `attributes` and `user` a directory's."""

    name: str  # one of its own within the desk
    kind: Literal["csv", "sql", "ldap", "http"]
    place: str
    every_seconds: int = 300
    most_ended_percent: int = 10  # of its contacts, that may end at once
    shared_addresses: bool = False  # may an address belong to several accounts?
    query: str = ""
    preset: str = ""
    base: str = ""
    filter: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)  # our column -> the directory's attribute
    user: str = ""
    starttls: bool = False
    ca_file: str = ""
    password: str = field(default="", repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Desk:
    """One brand. `name` is the key of everything that belongs to it, `tag` the word in `[tag #number]`."""

    name: str
    tag: str
    title: str  # as customers know it: "Support flexihost"
    first_number: int
    languages: tuple[str, ...]
    timezone: ZoneInfo
    authserv_ids: tuple[str, ...]  # lower case
    managers: tuple[str, ...]
    mailboxes: tuple[Mailbox, ...]
    queues: Mapping[str, Queue]  # in the order of the file: the first takes what names none
    calendars: Mapping[str, Calendar]
    teams: Mapping[str, Team]
    lexicon: Lexicon
    arc_sealers: tuple[str, ...] = ()  # domains, lower case, whose ARC seals count (S2)
    account_patterns: tuple[str, ...] = ()  # regular expressions; group `number` or `login` names the account (S5)
    former_tags: tuple[str, ...] = ()  # tag words of former days and systems, lower case (T8)
    groups: tuple[str, ...] = ()  # lists that stand before the desk: posting addresses or ids, lower case (M7)
    own_rules: tuple[OwnRule, ...] = ()  # in the order of the file (Q9)
    generic_subjects: tuple[str, ...] = ()  # T6
    solving_times: Mapping[str, str] = field(default_factory=dict)  # class -> "30m" | "2h" | "next_day" (D8)
    panel_url: str = ""
    plus_addresses: bool = True
    leads_only: tuple[str, ...] = ()  # commands reserved for leads (C5)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # C9: name -> language -> text
    rules: Rules = field(default_factory=Rules)
    retention: Retention = field(default_factory=Retention)
    accounts: tuple[AccountSource, ...] = ()

    def has_tag(self, word: str) -> bool:
        """Is `word` (lower case) the desk's tag, or was it once (T2, T8)?"""
        return word == self.tag.lower() or word in self.former_tags

    @property
    def tag_words(self) -> tuple[str, ...]:
        """Return every word that stands before a number of this desk."""
        return (self.tag, *self.former_tags)


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpSettings:
    """The SMTP and LMTP doors. Sizes in bytes."""

    listen: str = "127.0.0.1:2525"  # "": off
    lmtp_listen: str = ""  # host:port, a socket path, or "": off
    hostname: str = "localhost"
    size_limit: int = 25 * 1024 * 1024
    max_connections: int = 200
    max_per_peer: int = 20
    idle_seconds: int = 60
    tls_cert: str = ""
    tls_key: str = ""
    trusted_peers: tuple[str, ...] = ("127.0.0.0/8", "::1/128", "unix")
    check_strangers: bool = True  # S2: our own SPF, DKIM and DMARC for peers that are not trusted


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapSettings:
    """One IMAP account (I3)."""

    url: str  # imaps://user@host:993/INBOX
    mailbox: str
    after: str = "seen"  # seen | delete | move:Folder
    password: str = field(default="", repr=False)
    oauth: Mapping[str, str] = field(default_factory=dict)
    poll_seconds: int = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class RelaySettings:
    """Where mail leaves."""

    url: str  # smtp://host:port, smtps://user@host, maildir:PATH
    password: str = field(default="", repr=False)
    hold_seconds: int = 30  # C7
    give_up_seconds: int = 3 * 86400  # A6
    connections: int = 4
    dkim_domain: str = ""
    dkim_selector: str = ""
    dkim_key: str = field(default="", repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeSettings:
    """The test mail that the house sends to itself through its public door."""

    to: str  # a mailbox of a desk
    from_: str
    through: str  # smtp://host:port, where mail for `to` is handed in
    every_seconds: int = 300
    within_seconds: int = 120  # for the whole way; what takes longer has failed
    failures: int = 2  # so many in a row are an alarm
    comes_back: bool = False  # the answer is delivered to a mailbox of ours, and the way ends there


@dataclass(frozen=True, kw_only=True, slots=True)
class WorkerSettings:
    """The processes that read and decide, and M4's limits."""

    processes: int = 1
    mail_seconds: int = 10
    mail_memory_mb: int = 512
    header_bytes: int = 256 * 1024
    header_lines: int = 1000
    max_parts: int = 500
    max_depth: int = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class JunkSettings:
    """Whom the house asks about junk and malice (M9)."""

    headers: bool = True  # verdicts that the desk's own server wrote into the header
    rspamd: str = ""  # http://host:port; "": not asked
    clamd: str = ""  # unix:PATH or host:port; "": not asked
    seconds: int = 5  # so long an answer may take


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Settings:
    """Everything the configuration says. `database_url` and `blobs_url` are absolute."""

    desks: Mapping[str, Desk]
    secret: bytes = field(repr=False)
    database_url: str
    blobs_url: str
    smtp: SmtpSettings
    relay: RelaySettings
    worker: WorkerSettings
    imap: tuple[ImapSettings, ...] = ()
    web_listen: str = "127.0.0.1:8025"
    web_url: str = ""  # how people reach the board: links in letters to staff begin with it; "": http://web_listen
    template_folders: tuple[str, ...] = ()  # the operator's own letter templates, over the shipped ones (A4)
    source: str = ""  # the file it was read from
    probe: ProbeSettings | None = None  # None: no test mails
    junk: JunkSettings = field(default_factory=JunkSettings)
    dns_servers: tuple[str, ...] = ()  # address or address:port; none: the machine's own resolver

    @property
    def board_url(self) -> str:
        """Return how people reach the board, without a slash at its end; "" where they cannot."""
        is_everywhere = self.web_listen.startswith(("0.0.0.0:", "[::]:"))  # an address to listen on, not one to go to
        return self.web_url or ("" if is_everywhere or not self.web_listen else f"http://{self.web_listen}")

    def desk_of(self, address: str) -> Desk | None:
        """Return the desk that `address` (plus-addresses included, any case) is a mailbox of, or None."""
        bare = bare_address(address)
        for desk in self.desks.values():
            if any(mailbox.address == bare for mailbox in desk.mailboxes):
                return desk
        return None


def bare_address(address: str) -> str:
    """Return `address` in lower case without its plus part: support+note@a.example is support@a.example."""
    local, at, domain = address.lower().rpartition("@")
    return f"{local.split('+', 1)[0]}{at}{domain}"

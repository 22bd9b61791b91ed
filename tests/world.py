"""A whole house on a clock of the test: its real inbox, worker, scheduler, outbox, and the bytes that leave."""

import email
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from mailgate import config, phrases, templates
from mailgate.blobs import Blobs, MemoryBlobs
from mailgate.compose.templates import Templates
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.model.arrival import Channel
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.phrases import Phrases
from mailgate.model.quick import replace
from mailgate.model.settings import Desk, RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.model.ticket import Ticket
from mailgate.model.verdicts import Evidence, Verdict, Verdicts
from mailgate.pipeline import House, Worker
from mailgate.scheduler import Scheduler, next_due
from mailgate.serve.letters import Consequences, LetterBytes
from mailgate.store import outbox, people, schema
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import counted_ids
from mailgate.store.inbox import Inbox
from mailgate.store.rows import ticket_of
from mailgate.store.tables import ARRIVAL, TICKET

MONDAY = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
DESKS = ("flexihost", "introserv", "strato")


@dataclass(frozen=True, kw_only=True)
class Left:
    """A letter that has left: what it is about, and its bytes."""

    at: datetime
    letter: outbox.Outgoing
    raw: bytes

    @property
    def kind(self) -> str:
        return self.letter.rendered.kind

    @property
    def to(self) -> str:
        return self.letter.rendered.to

    @property
    def message(self) -> EmailMessage:
        message = email.message_from_bytes(self.raw, policy=policy.default)
        assert isinstance(message, EmailMessage)
        return message

    @property
    def text(self) -> str:
        return self.letter.rendered.text


@dataclass
class World:
    """One installation. `post` lets a mail in, `run` lets time pass; `left` is what has been sent."""

    desks: Sequence[str] = ("flexihost",)
    secret: bytes = b"a secret of the tests, 32 bytes."
    url: str = "sqlite://"
    inbox_url: str = "sqlite://"
    blobs: Blobs = field(default_factory=MemoryBlobs)
    now: datetime = MONDAY
    worker_settings: WorkerSettings = field(default_factory=WorkerSettings)
    left: list[Left] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.settings = Settings(
            desks={name: shipped_desk(name) for name in self.desks}, secret=self.secret, database_url=self.url,
            blobs_url="memory:", smtp=SmtpSettings(hostname="mx.desk.example"),
            relay=RelaySettings(url="maildir:nowhere"), worker=self.worker_settings,
        )  # fmt: skip
        self.ids = counted_ids(self.clock)
        self.engine: Engine = open_engine(self.url)
        self.inbox_engine: Engine = open_engine(self.inbox_url)
        schema.upgrade(self.engine, self.inbox_engine)
        self.inbox = Inbox(self.inbox_engine, self.blobs)
        self.house = House(
            settings=self.settings, engine=self.engine, templates=shipped_templates(), phrases=shipped_phrases(),
            ids=self.ids, clock=self.clock, raw_of=self.inbox.raw_of,
        )  # fmt: skip
        self.worker = Worker(self.house, self.inbox)
        self.scheduler = Scheduler(self.house)
        self.scheduler.start()
        self.to_bytes = LetterBytes(self.house)
        self.follows = Consequences(self.house)

    def clock(self) -> datetime:
        return self.now

    def account(self, number: str, *addresses: str, desk: str = "", login: str = "", language: str = "en") -> None:
        """Make an account known; its contacts are owners."""
        name = desk or self.desks[0]
        account = Account(id="", desk=name, number=number, login=login, name=f"Shop {number}", language=language)
        with transaction(self.engine) as connection:
            id_, _ = people.put_account(connection, account, self.ids)
            for address in addresses:
                contact = Contact(id="", account=account, address=address, roles=("owner",))
                people.put_contact(connection, contact, id_, self.ids)

    def staff(self, address: str, *teams: str, desk: str = "", role: Any = "staff", name: str = "") -> None:
        person = Staff(desk=desk or self.desks[0], address=address, name=name, teams=teams or ("support",), role=role)
        with transaction(self.engine) as connection:
            people.put_staff(connection, person)

    def accept(
        self, raw: bytes, *to: str, trusted: bool = True, verdict: Verdict | None = None, channel: Channel = "smtp"
    ) -> str:
        """Let a mail come in by the door's own hand; return its arrival's id. Nobody reads it yet."""
        envelope = Envelope(
            channel=channel, sender=sender_of(raw), recipients=to, peer="127.0.0.1" if trusted else "203.0.113.9",
            helo="x.example", is_trusted=trusted,
        )  # fmt: skip
        incoming = arrivals_of(raw, envelope, Recipients.of(self.settings), self.ids, self.now)
        if not trusted:  # what our own check finds there
            own = Evidence(verdict=verdict or "none", because="the test says so")
            incoming = [replace(one, arrival=replace(one.arrival, verdicts=Verdicts(own=own))) for one in incoming]
        self.inbox.accept(incoming)
        return incoming[0].arrival.id

    def post(self, raw: bytes, *to: str, trusted: bool = True, verdict: Verdict | None = None) -> dict[str, Any]:
        """Let a mail come in, read it, send what is due; return what became of it."""
        arrival = self.accept(raw, *to, trusted=trusted, verdict=verdict)
        self.work()
        self.send()
        return self.outcome(arrival)

    def work(self) -> None:
        """Read all that waits."""
        for _ in range(10_000):
            if not self.worker.work():
                return

    def send(self) -> list[Left]:
        """Let leave what is due."""
        sent: list[Left] = []
        while True:
            with transaction(self.engine) as connection:
                letters = outbox.claim(connection, self.now, 100, 600, "test")
            for letter in letters:
                sent.append(Left(at=self.now, letter=letter, raw=self.to_bytes(letter)))
            with transaction(self.engine) as connection:
                for letter in letters:
                    outbox.settle_sent(connection, letter, self.now)
                    self.follows.sent(connection, letter, self.now)
            if not letters:
                self.left += sent
                return sent

    def run(self, **length: float) -> list[Left]:
        """Let so much time pass, from one due thing to the next; return what left meanwhile."""
        end, before = self.now + timedelta(**length), len(self.left)
        while True:
            with reading(self.engine) as connection:
                due = [one for one in (next_due(connection), outbox.due_at(connection)) if one is not None]
            at = min(due, default=None)
            if at is None or at > end:
                break
            self.now = max(self.now, at)
            self.scheduler.tick()
            self.send()
        self.now = max(self.now, end)
        return self.left[before:]

    def outcome(self, arrival: str) -> dict[str, Any]:
        with reading(self.engine) as connection:
            row = connection.execute(select(ARRIVAL).where(ARRIVAL.c.id == arrival)).mappings().one()
        return dict(row)

    def outcomes(self) -> list[str]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(ARRIVAL.c.outcome).order_by(ARRIVAL.c.id)).scalars())

    def tickets(self) -> list[Ticket]:
        with reading(self.engine) as connection:
            rows = connection.execute(select(TICKET).order_by(TICKET.c.number)).mappings().all()
        return [ticket_of(row) for row in rows]

    def sent(self, *kinds: str, to: str = "") -> list[Left]:
        """Return the letters of some kinds, or to one address, that have left."""
        return [one for one in self.left if (not kinds or one.kind in kinds) and (not to or one.to == to)]


def a_mail(
    subject: str = "Site shows 502",
    text: str = "Since the update shop.example shows 502 Bad Gateway.",
    *,
    sender: str = "Olena Kovalenko <olena@shop.example>",
    to: str = "support@flexihost.example",
    id_: str = "a1@shop.example",
    auth: str = "",
    server: str = "mx.flexihost.example",
    more: str = "",
    at: datetime = MONDAY,
) -> bytes:
    """Return raw mail; `auth` is what the desk's own server says of it, `more` are further header lines."""
    domain = sender.rpartition("@")[2].rstrip(">")
    top = f"Authentication-Results: {server}; dmarc={auth} header.from={domain}\n" if auth else ""
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id_}>\n{more}Date: {format_datetime(at)}\n"
    kind = "" if "Content-Type" in more else "MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n"
    return f"{top}{head}{kind}\n{text}\n".replace("\n", "\r\n").encode("utf-8", "surrogateescape")


def sender_of(raw: bytes) -> str:
    message = email.message_from_bytes(raw)
    return email.utils.parseaddr(str(message.get("From", "")))[1]


@lru_cache
def shipped_desk(name: str) -> Desk:
    return config.load_desk(name)


@lru_cache(maxsize=1)
def shipped_templates() -> Templates:
    return templates.load()


@lru_cache(maxsize=1)
def shipped_phrases() -> Phrases:
    return phrases.load()


def on_disk(folder: Path, **more: Any) -> World:
    """Return a world whose databases are files in `folder`."""
    return World(url=f"sqlite:///{folder}/mailgate.db", inbox_url=f"sqlite:///{folder}/inbox.db", **more)

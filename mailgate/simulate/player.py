"""The player: jumps from step to step, fires what falls due in between, and compares with what is expected."""

import hashlib
import re
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from sqlalchemy import Engine, select

from mailgate.apply import Applied, note_sent
from mailgate.compose.templates import Templates
from mailgate.errors import ConfigError, MailgateError
from mailgate.intake.panel import panel_mail
from mailgate.model.arrival import Arrival, Channel, PanelForm
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.phrases import Phrases
from mailgate.model.quick import replace
from mailgate.model.settings import (
    EXCHANGE_ONLINE,
    Desk,
    RelaySettings,
    Settings,
    SmtpSettings,
    WorkerSettings,
    bare_address,
)
from mailgate.model.ticket import Ticket
from mailgate.model.verdicts import Evidence, Junk, Verdicts
from mailgate.parse import LimitExceeded
from mailgate.pipeline import House, Received, quarantine
from mailgate.scheduler import Scheduler, next_due
from mailgate.simulate.expect import compare_received, compare_sent
from mailgate.simulate.scenario import Scenario, Step, read_day
from mailgate.store import outbox, people, schema
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import counted_ids
from mailgate.store.rows import ticket_of
from mailgate.store.tables import TICKET

Emit = Callable[[dict[str, Any]], None]
Perform = Callable[[Sequence[str], House], None]

_REFERENCE = re.compile(r"\$\{([\w-]+)\.([\w.]+)\}")
_ADDRESS = re.compile(r"[\w.+%~^=/'-]+@[\w.-]+")
_STRANGER = "192.0.2.1"
_FIELDS = {"subject", "message_id", "reply_to", "text"}


@dataclass(slots=True)
class Played:
    """What a step left behind, for later steps to name."""

    step: Step
    message_id: str = ""
    ticket: int | None = None
    arrival: str = ""


class Player:
    """Plays one scenario. `emit` gets every line of the timeline."""

    def __init__(
        self, scenario: Scenario, desk: Desk, templates: Templates, phrases: Phrases, perform: Perform, emit: Emit,
        *, engine: Engine | None = None,
    ) -> None:  # fmt: skip
        """`engine`: an empty database to play in, instead of one in memory."""
        self._scenario = scenario
        self._desk = desk
        self._emit = emit
        self._perform = perform
        self._now = scenario.start
        self._raws: dict[str, bytes] = {}
        self._played: dict[str, Played] = {}
        self._step_of_arrival: dict[str, str] = {}
        self._sent: list[dict[str, Any]] = []  # all of it, with the step that was on when it left
        self._current = ""
        engine = engine or open_engine("sqlite://")
        self._ids = counted_ids(lambda: self._now)
        self._house = House(
            settings=_settings(desk), engine=engine, templates=templates, phrases=phrases, ids=self._ids,
            clock=lambda: self._now, raw_of=self._raws.get,
        )  # fmt: skip
        self._changes: list[Applied] = []  # applied, and not yet shown
        self._house.tools = replace(self._house.tools, watch=self._changes.append)
        self._scheduler = Scheduler(self._house)

    def play(self) -> bool:
        """Play it; return whether every expectation held."""
        schema.upgrade(self._house.engine)
        self._introduce()
        self._scheduler.start()
        is_fine = True
        for step in self._scenario.steps:
            is_fine &= self._play(step)
        self._house.engine.dispose()
        return is_fine

    def _play(self, step: Step) -> bool:
        before = len(self._sent)
        self._run_to(self._scenario.start + step.at)
        self._current = step.name
        played = self._played[step.name] = Played(step=step)
        why: list[str] = []
        received: dict[str, Any] | None = None
        try:
            received = self._do(step, played)
        except MailgateError as error:
            why.append(f"{step.run or 'the step'}: {error}")
        self._leave()
        self._run_to(self._now + step.wait)
        number = self._ticket_meant(step, received)
        if received is not None:
            played.ticket = received["ticket"]
        sent = self._sent[before:]
        why += self._compare(step, received, number, sent)
        self._emit({"at": self._at(), "event": "step", "step": step.name, "ok": not why, "why": why})
        return not why

    def _do(self, step: Step, played: Played) -> dict[str, Any] | None:
        if step.run is not None:
            self._perform(shlex.split(self._fill(step.run)), self._house)
            self._show_changes()
            return None
        if step.mail is None and step.panel is None:
            return None
        raw, arrival = self._from_panel(step) if step.panel is not None else self._from_mail(step)
        self._raws[arrival.digest] = raw
        self._step_of_arrival[arrival.id] = step.name
        played.arrival = arrival.id
        try:
            mail = self._house.read(raw)
        except LimitExceeded as error:
            return self._quarantined(step, arrival, f"exceeds a limit: {error}")
        played.message_id = mail.message_id or ""
        with transaction(self._house.engine) as connection:
            self._house.gatherer.forget_people()
            received = self._house.receive(connection, arrival, mail)
        for one in received:
            self._show_received(step, one)
        return received[0].shown

    def _quarantined(self, step: Step, arrival: Arrival, reason: str) -> dict[str, Any]:
        """What the worker does with a mail that it cannot read (M4, I7)."""
        decision = quarantine(self._house, arrival, reason)
        assert decision is not None
        shown = decision.as_received()
        self._emit({"at": self._at(), "event": "received", "step": step.name, **shown})
        self._show_changes()
        return shown

    def _show_received(self, step: Step, received: Received) -> None:
        self._emit({"at": self._at(), "event": "received", "step": step.name, **received.shown})
        self._changes.remove(received.applied)
        self._show(received.applied)

    def _show_changes(self) -> None:
        for applied in self._changes:
            self._show(applied)
        self._changes.clear()

    def _show(self, applied: Applied) -> None:
        for line in applied.timeline:
            self._emit({"at": self._at(), **line})

    def _run_to(self, moment: datetime) -> None:
        """Let the clock run on, from one due thing to the next."""
        while True:
            with reading(self._house.engine) as connection:
                due = [one for one in (next_due(connection), outbox.due_at(connection)) if one is not None]
            at = min(due, default=None)
            if at is None or at > moment:
                break
            self._now = max(self._now, at)
            self._scheduler.tick()
            self._show_changes()
            self._leave()
        self._now = max(self._now, moment)

    def _leave(self) -> None:
        """Send what is due: into the timeline."""
        while True:
            with transaction(self._house.engine) as connection:
                letters = outbox.claim(connection, self._now, 100, 600, "simulate")
                for letter in letters:
                    outbox.settle_sent(connection, letter, self._now)
                    self._show(note_sent(connection, letter, self._now))
            for letter in letters:
                self._note(letter)
            if not letters:
                return

    def _note(self, letter: outbox.Outgoing) -> None:
        rendered = letter.rendered
        step = self._step_of_arrival.get(letter.arrival or "", self._current)
        line = {
            "at": self._at(), "event": "sent", "kind": rendered.kind, "ticket": rendered.ticket, "to": [rendered.to],
            "from": rendered.from_, "reply_to": rendered.reply_to, "subject": rendered.subject,
            "language": rendered.language, "message_id": f"<{rendered.message_id}>", "text": rendered.text,
            "because": letter.because or step,
        }  # fmt: skip
        self._sent.append({**line, "step": step})
        self._emit(line)

    def _from_mail(self, step: Step) -> tuple[bytes, Arrival]:
        assert step.mail is not None
        raw = step.mail if isinstance(step.mail, bytes) else self._fill(step.mail).encode("utf-8")
        raw = self._completed(raw, step)
        sender = _header_address(raw, b"from")
        recipient = self._fill(step.mailbox) if step.mailbox else self._first_desk_address(raw)
        envelope = step.envelope_from if step.envelope_from is not None else sender
        return raw, _through(step, self._arrival(raw, (recipient,), envelope))

    def _from_panel(self, step: Step) -> tuple[bytes, Arrival]:
        panel = {key: self._fill(value) for key, value in (step.panel or {}).items()}
        form = PanelForm(
            account=panel["account"], contact=panel.get("contact"), department=panel.get("department", "technical"),
            priority=panel.get("priority", "normal"), source=panel.get("source", "panel"),
        )  # fmt: skip
        address, name = self._writer_of(form)
        raw = panel_mail(
            address=address, name=name, mailbox=self._desk.mailboxes[0].address, subject=panel.get("subject", ""),
            text=panel.get("text", ""), message_id=f"{self._ids()}@panel.invalid", at=self._now,
        )  # fmt: skip
        arrival = self._arrival(raw, (self._desk.mailboxes[0].address,), address)
        return raw, replace(arrival, channel="panel", form=form)

    def _writer_of(self, form: PanelForm) -> tuple[str, str]:
        with reading(self._house.engine) as connection:
            known = people.list_contacts(connection, self._desk.name, [form.account])
        contact = people.choose_writer(known, form.contact)
        if contact is None:
            raise ConfigError([f"panel: account {form.account} has no such contact"])
        return contact.address, contact.name or contact.account.name

    def _arrival(self, raw: bytes, recipients: tuple[str, ...], envelope_from: str | None) -> Arrival:
        return Arrival(
            id=self._ids(), desk=self._desk.name, channel="smtp", received_at=self._now,
            digest=hashlib.sha256(raw).hexdigest(), size=len(raw),
            recipients=tuple(one.lower() for one in recipients), envelope_from=envelope_from, peer="127.0.0.1",
            is_trusted=True,
        )  # fmt: skip

    def _completed(self, raw: bytes, step: Step) -> bytes:
        """Fill in the headers that were left out, and put the trusted server's verdict on top."""
        raw = raw.replace(b"\r\n", b"\n").lstrip(b"\n")
        head, _, body = raw.partition(b"\n\n")
        names = {line.split(b":", 1)[0].strip().lower() for line in head.split(b"\n") if not line[:1].isspace()}
        extra: list[str] = []
        if b"date" not in names:
            extra.append(f"Date: {format_datetime(self._now)}")
        if b"message-id" not in names:
            extra.append(f"Message-ID: <{self._ids()}@simulate.invalid>")
        if b"content-type" not in names:
            if b"mime-version" not in names:
                extra.append("MIME-Version: 1.0")
            extra += ["Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
        top = self._verdict(step, _header_address(raw, b"from"))
        whole = "\n".join((*top, "")).encode() + head + b"\n" + "\n".join((*extra, "")).encode() + b"\n" + body
        return whole.replace(b"\n", b"\r\n")

    def _verdict(self, step: Step, sender: str) -> list[str]:
        if step.auth == "none" or not self._desk.authserv_ids:
            return []
        domain = sender.rpartition("@")[2]
        server, verdict = self._desk.authserv_ids[0], step.auth
        named = "" if server == EXCHANGE_ONLINE else f"{server}; "
        return [
            f"Authentication-Results: {named}dmarc={verdict} header.from={domain};"
            f" spf={verdict} smtp.mailfrom={sender}; dkim={verdict} header.d={domain}"
        ]

    def _first_desk_address(self, raw: bytes) -> str:
        own = {mailbox.address for mailbox in self._desk.mailboxes}
        for name in (b"to", b"cc"):
            for address in _header_addresses(raw, name):
                if bare_address(address) in own:
                    return address
        return self._desk.mailboxes[0].address

    def _fill(self, text: Any) -> Any:
        """Put in what ${step.…} names."""
        if not isinstance(text, str):
            return text
        return _REFERENCE.sub(lambda found: str(self._named(found.group(1), found.group(2))), text)

    def _named(self, name: str, what: str) -> Any:
        played = self._played.get(name)
        if played is None:
            raise ConfigError([f"{self._scenario.name}: ${{{name}.{what}}} names no step before this one"])
        if what == "ticket":
            return played.ticket if played.ticket is not None else ""
        if what == "message_id":
            return f"<{played.message_id}>"
        kind, _, field = what.partition(".")
        if field not in _FIELDS:
            raise ConfigError([f"{self._scenario.name}: ${{{name}.{what}}}: allowed are {', '.join(sorted(_FIELDS))}"])
        found = next((one for one in self._sent if one["step"] == name and one["kind"] == kind), None)
        return found[field] if found else ""

    def _ticket_meant(self, step: Step, received: Mapping[str, Any] | None) -> int | None:
        if received is not None:
            return int(received["ticket"]) if received["ticket"] else None
        named = self._fill(step.expect.get("ticket", ""))
        return int(named) if str(named).isdigit() else None

    def _compare(
        self, step: Step, received: Mapping[str, Any] | None, number: int | None, sent: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        expect = {key: self._filled(value) for key, value in step.expect.items()}
        why = list(compare_received(expect, received, self._ticket(number)))
        wanted = None if step.expect_sent is None else [self._filled(entry) for entry in step.expect_sent]
        unwanted = [self._filled(entry) for entry in step.expect_not_sent]
        return why + list(compare_sent(wanted, unwanted, sent))

    def _filled(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._filled(one) for key, one in value.items()}
        if isinstance(value, list):
            return [self._filled(one) for one in value]
        return self._fill(value)

    def _ticket(self, number: int | None) -> Ticket | None:
        if number is None:
            return None
        with reading(self._house.engine) as connection:
            row = connection.execute(select(TICKET).where(TICKET.c.number == number)).mappings().first()
        return ticket_of(row) if row else None

    def _introduce(self) -> None:
        """Make the accounts and staff known."""
        with transaction(self._house.engine) as connection:
            for entry in self._scenario.accounts:
                account = Account(
                    id="", desk=self._desk.name, number=str(entry["number"]), login=entry.get("login", ""),
                    name=entry.get("name", ""), language=entry.get("language"),
                )  # fmt: skip
                id_, _ = people.put_account(connection, account, self._ids)
                for contact in _contacts(entry, account):
                    people.put_contact(connection, contact, id_, self._ids)
            for entry in self._scenario.staff:
                people.put_staff(connection, _staff(entry, self._desk.name))

    def _at(self) -> str:
        return self._now.astimezone(self._desk.timezone).isoformat()


def _through(step: Step, arrival: Arrival) -> Arrival:
    """Return the arrival as the step's door would hand it over, with what would be said of it there."""
    is_stranger = step.door == "stranger"
    channels: dict[str, Channel] = {"lmtp": "lmtp", "imap": "imap", "pipe": "pipe"}
    found = Verdicts(
        own=Evidence(verdict=step.own, because="our own check, as the scenario has it"),
        junk=Junk(is_junk=True, source="rspamd", because="as the scenario has it") if step.junk else None,
    )
    return replace(
        arrival, channel=channels.get(step.door, "smtp"), is_trusted=not is_stranger, verdicts=found,
        peer=_STRANGER if is_stranger else arrival.peer,
    )  # fmt: skip


def _contacts(entry: Mapping[str, Any], account: Account) -> Iterator[Contact]:
    for one in entry.get("contacts", ()):
        yield Contact(
            id="", account=account, address=one["address"], name=one.get("name", ""),
            roles=tuple(one.get("roles", ("owner",))), purposes=tuple(one.get("purposes", ())),
            until=read_day(one.get("until")),
        )  # fmt: skip


def _staff(entry: Mapping[str, Any], desk: str) -> Staff:
    return Staff(
        desk=desk, address=entry["address"].lower(), name=entry.get("name", ""), teams=tuple(entry.get("teams", ())),
        role=entry.get("role", "staff"), language=entry.get("language"), timezone=entry.get("timezone"),
    )  # fmt: skip


def _settings(desk: Desk) -> Settings:
    return Settings(
        desks={desk.name: desk}, secret=b"a virtual secret of no use elsewhere", database_url="sqlite://",
        blobs_url="memory:", smtp=SmtpSettings(), relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
    )  # fmt: skip


def _header_address(raw: bytes, name: bytes) -> str:
    return next(iter(_header_addresses(raw, name)), "")


def _header_addresses(raw: bytes, name: bytes) -> list[str]:
    """Return the addresses of a header of the scenario's own mail; quoted names are passed over."""
    head = raw.partition(b"\n\n")[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\n[ \t]+", " ", head)
    for line in unfolded.split("\n"):
        key, _, value = line.partition(":")
        if key.strip().lower().encode() == name:
            return _ADDRESS.findall(re.sub(r'"[^"]*"', "", value))
    return []

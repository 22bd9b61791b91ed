"""The story: mails through the real door, and what the house makes of them, told as it happens."""

import smtplib
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid
from typing import Any

from mailgate.demo.desk import DESK, IVAN, OLENA, PROMISED_SECONDS, STRANGER, DemoDesk
from mailgate.errors import MailgateError
from mailgate.store import outbox, views
from mailgate.store.engine import reading
from mailgate.store.ids import utc_now

SUPPORT = "support@flexihost.example"
_PATIENCE_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Teller:
    """How the story is told: a chapter's title, a plain line, a letter, a step of a trace."""

    chapter: Callable[[str], None]
    line: Callable[[str], None]
    letter: Callable[[str, str, str], None]
    reason: Callable[[str, str, str], None]


class Story:
    """Plays the chapters against a running desk."""

    def __init__(self, desk: DemoDesk, teller: Teller) -> None:
        self._desk = desk
        self._tell = teller
        self._words = desk.words
        self._told: set[str] = set()

    def play(self) -> None:
        """Play every chapter. MailgateError where the house does not do what it should in time."""
        ack = self._question()
        self._mangled_reply(ack)
        self._answer()
        ticket = self._stranger()
        self._forged()
        self._new_question(ack)
        self._broken_promise(ticket)

    def _question(self) -> dict[str, Any]:
        self._chapter(0)
        self._decided(self._send(OLENA, self._words.subject, self._words.question))
        return self._letter("ack", OLENA)

    def _mangled_reply(self, ack: dict[str, Any]) -> None:
        self._chapter(1)
        tag = ack["subject"].partition("]")[0].strip("[").upper().replace("#", "  # ")
        self._decided(self._send(OLENA, f"RE: AW: [ {tag} ] {self._words.subject}", self._words.still))
        self._letter("staff_notice", IVAN)

    def _answer(self) -> None:
        self._chapter(2)
        answer = f"#wait\n\n{self._words.answer}\n\n-- \nIvan Petrenko\nivan@team.example"
        self._decided(self._send(IVAN, f"Re: [flexihost #10001] {self._words.subject}", answer))
        self._letter("relay", OLENA)
        self._tell.line(self._words.left)

    def _stranger(self) -> int | None:
        self._chapter(3)
        ticket = self._decided(self._send(STRANGER, "Re: [flexihost #10001]", self._words.stranger))
        self._letter("ack", STRANGER)
        self._tell.line(self._words.alone)
        return ticket

    def _forged(self) -> None:
        self._chapter(4)
        self._decided(self._send(OLENA, self._words.access_subject, self._words.access, verdict="fail"))
        self._tell.line(self._words.held)

    def _new_question(self, ack: dict[str, Any]) -> None:
        self._chapter(5)
        tag = ack["subject"].partition("]")[0] + "]"
        self._decided(self._send(OLENA, f"Re: {tag} {self._words.invoice_subject}", self._words.invoice))
        self._letter("ack", OLENA)

    def _broken_promise(self, ticket: int | None) -> None:
        self._chapter(6)
        for kind, to in (("reminder", IVAN), ("breach", "managers@flexihost.example"), ("escalation", STRANGER)):
            self._letter(kind, to, ticket)

    def _chapter(self, number: int) -> None:
        self._tell.chapter(self._words.chapters[number].format(seconds=PROMISED_SECONDS))

    def _send(self, sender: str, subject: str, text: str, verdict: str = "pass") -> str:
        """Hand a mail in as the mail server in front would: with its verdict on top. Return its Message-ID."""
        mail = EmailMessage(policy=SMTP.clone(cte_type="8bit"))
        domain = sender.rpartition("@")[2]
        mail["Authentication-Results"] = f"mx.flexihost.example; dmarc={verdict} header.from={domain}"
        mail["From"], mail["To"], mail["Subject"] = sender, SUPPORT, subject
        mail["Date"], mail["Message-ID"] = format_datetime(utc_now()), make_msgid(domain=domain)
        mail.set_content(text)
        with smtplib.SMTP("127.0.0.1", self._desk.port, timeout=10) as door:
            door.sendmail(sender, [SUPPORT], mail.as_bytes())
        self._tell.line(f"{sender} → {SUPPORT}: «{subject}»   250")
        return str(mail["Message-ID"])

    def _decided(self, message_id: str) -> int | None:
        """Tell what became of a mail, and why; return its ticket."""

        def look() -> dict[str, Any] | None:
            with reading(self._desk.built.engine) as connection:
                return next(iter(views.find_arrivals(connection, message_id)), None)

        found = self._wait_for(look, f"what became of {message_id}")
        ticket: int | None = found["ticket"]
        self._tell.line(f"outcome {found['outcome']}" + (f", ticket {ticket}" if ticket else ""))
        for step in found["steps"]:
            if step["step"] != "arrive":
                self._tell.reason(step["rule"], step["verdict"], step["because"])
        return ticket

    def _letter(self, kind: str, to: str, ticket: int | None = None) -> dict[str, Any]:
        """Wait until a letter of that kind, about that ticket where one is given, has left, and tell it."""

        def look() -> dict[str, Any] | None:
            with reading(self._desk.built.engine) as connection:
                for one in outbox.list_letters(connection, desk=DESK, states=("sent",)):
                    is_it = (
                        one.rendered.kind == kind and one.rendered.to == to and ticket in (None, one.rendered.ticket)
                    )
                    if is_it and one.id not in self._told:
                        self._told.add(one.id)
                        return {"subject": one.rendered.subject, "text": one.rendered.text}
            return None

        found = self._wait_for(look, f"the letter {kind} to {to}")
        self._tell.letter(f"{kind} to {to}", found["subject"], found["text"])
        return found

    def _wait_for(self, look: Callable[[], dict[str, Any] | None], what: str) -> dict[str, Any]:
        end = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < end:
            found = look()
            if found is not None:
                return found
            time.sleep(0.05)
        raise MailgateError(f"{what} did not come; {self._desk.folder / 'daemon.log'} may say why")

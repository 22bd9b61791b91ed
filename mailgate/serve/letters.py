"""What the sender needs of the house: letters as bytes, and what follows when one has left or cannot."""

from collections import OrderedDict
from datetime import datetime
from threading import Lock

from sqlalchemy import Connection

from mailgate.apply import apply, note_sent
from mailgate.compose.message import to_bytes
from mailgate.decide.alarms import decide_refused
from mailgate.errors import TryLater
from mailgate.intake.panel import panel_mail
from mailgate.log import Log, short
from mailgate.model.facts import Facts
from mailgate.model.mail import Address, Attachment, is_deliverable
from mailgate.model.ticket import WHOLE, StoredFile
from mailgate.outbox.sign import signer
from mailgate.pipeline import House
from mailgate.store import views
from mailgate.store.engine import reading
from mailgate.store.gather import read_cases
from mailgate.store.outbox import Outgoing

LOG = Log("outbox")
_KEPT_MAILS, _KEPT_BYTES = 4, 64 * 1024 * 1024


class LetterBytes:
    """The sender's `to_bytes`: attachments come out of the raw mails they came in with. Safe from threads."""

    def __init__(self, house: House) -> None:
        """ConfigError: the key for signatures is none."""
        self._house = house
        self._sign = signer(house.settings.relay)
        self._kept: OrderedDict[str, tuple[Attachment, ...]] = OrderedDict()
        self._lock = Lock()

    def __call__(self, letter: Outgoing) -> bytes:
        """Return the letter as it goes to the relay; a repeat is the same, byte for byte, but for its signature."""
        files = [(stored, self._content(stored)) for stored in letter.attachments]
        return self._sign(to_bytes(letter.rendered, files, letter.may_leave_at))

    def _content(self, stored: StoredFile) -> bytes:
        if stored.part == WHOLE:
            return self._whole(stored.digest)
        found = self._attachments(stored.digest)
        if stored.part >= len(found):
            raise TryLater(f"mail {stored.digest[:12]} has no attachment {stored.part}")
        return found[stored.part].content

    def _attachments(self, digest: str) -> tuple[Attachment, ...]:
        with self._lock:  # one mail goes to many: they wait for one reading of it
            if digest not in self._kept:
                self._kept[digest] = self._read(digest)
                while len(self._kept) > 1 and self._is_too_much():
                    self._kept.popitem(last=False)
            self._kept.move_to_end(digest)
            return self._kept[digest]

    def _read(self, digest: str) -> tuple[Attachment, ...]:
        return self._house.read(self._raw(digest)).attachments

    def _whole(self, digest: str) -> bytes:
        """Return the mail as it came; of one in which something harmful was found the words alone (M9)."""
        raw = self._raw(digest)
        with reading(self._house.engine) as connection:
            if not views.is_infected(connection, digest):
                return raw
        mail = self._house.read(raw)
        writer = mail.from_[0] if mail.from_ and is_deliverable(mail.from_[0].address) else Address(address="")
        mailbox = next((one.address for one in mail.to if is_deliverable(one.address)), "")
        return panel_mail(
            address=writer.address, name=writer.name, mailbox=mailbox, subject=mail.subject,
            text=mail.text, message_id=f"{digest[:16]}@mailgate.invalid", at=mail.date or self._house.clock(),
        )  # fmt: skip

    def _raw(self, digest: str) -> bytes:
        raw = self._house.raw_of(digest)
        if raw is None:
            raise TryLater(f"the raw mail {digest[:12]} is not there")
        return raw

    def _is_too_much(self) -> bool:
        size = sum(one.size for attachments in self._kept.values() for one in attachments)
        return len(self._kept) > _KEPT_MAILS or size > _KEPT_BYTES


class Consequences:
    """The sender's `on_sent` and `on_failure`, within its settling transaction."""

    def __init__(self, house: House) -> None:
        self._house = house

    def sent(self, connection: Connection, letter: Outgoing, now: datetime) -> None:
        """A letter has left (D1, C7)."""
        note_sent(connection, letter, now)

    def failed(self, connection: Connection, letter: Outgoing, code: int, text: str) -> None:
        """A letter cannot be delivered (A6): its address is marked, and staff are told of a customer's."""
        house, rendered = self._house, letter.rendered
        desk = house.settings.desks.get(rendered.desk)
        if desk is None or rendered.kind == "probe":  # whoever sent that test mail looks after its answer
            return
        LOG.warning("letter.refused", kind=rendered.kind, ticket=rendered.ticket, to=short(rendered.to), code=code)
        now = house.clock()
        # what tells of a refused letter may be refused itself: nothing is written about those
        numbers = [rendered.ticket] if rendered.ticket and rendered.audience == "customer" else []
        case = next(iter(read_cases(connection, rendered.desk, numbers)[0].values()), None)
        facts = house.gatherer.gather_for_ticket(connection, case, now) if case else Facts()
        decision = decide_refused(
            case, desk, facts, now, to=rendered.to, kind=rendered.kind, subject=rendered.subject, code=code, text=text
        )
        apply(connection, decision, house.tools, now)

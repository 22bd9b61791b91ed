"""Mails that have been read and wait for what others say of them; nobody else's mail waits for that."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.model.arrival import Arrival
from mailgate.model.facts import Clues
from mailgate.model.mail import Mail
from mailgate.model.quick import replace
from mailgate.model.verdicts import Verdicts
from mailgate.store.inbox import ASKING, Inbox, Taken

LOG = Log("asked")
Ask = Callable[[Arrival, bytes, Mail], "Future[Verdicts]"]
"""What others say of a mail; done at once where nobody needs to be asked, and never an error."""

GRACE_SECONDS = 0.25  # so long a whole group waits: most answers are there by then
LEASE_SECONDS = 60.0
_MOST_MAILS, _MOST_BYTES = 100, 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Read:
    """An arrival that has been read, with what it names: all that can be known before the transaction."""

    taken: Taken
    mail: Mail
    clues: Clues
    raw: bytes = field(default=b"", repr=False)

    @property
    def sender(self) -> str:
        return self.mail.from_[0].key if self.mail.from_ else ""


@dataclass(slots=True)
class _Question:
    """A mail and its answer to be; `is_lent`: under the name of those who wait."""

    read: Read
    answer: "Future[Verdicts]"
    is_lent: bool = False


class Asked:
    """The mails of one worker that are being asked about. They are claimed under a name of their own: who comes after
    them need not wait for their turn."""

    def __init__(
        self, ask: Ask, inbox: Inbox, worker: str, clock: Callable[[], datetime], on_answer: Callable[[], None]
    ) -> None:
        """`on_answer` is called, in any thread, when a mail that was left waiting has its answer."""
        self._ask = ask
        self._inbox = inbox
        self._name = asking_name(worker)
        self._clock = clock
        self._on_answer = on_answer
        self._questions: list[_Question] = []

    @property
    def is_full(self) -> bool:
        """Are so many asked about that no more should be read?"""
        size = sum(len(one.read.raw) for one in self._questions)
        return len(self._questions) >= _MOST_MAILS or size >= _MOST_BYTES

    @property
    def count(self) -> int:
        return len(self._questions)

    def put(self, mails: Iterable[Read]) -> None:
        """Ask about them."""
        for one in mails:
            self._questions.append(_Question(one, self._ask(one.taken.arrival, one.raw, one.mail)))

    def take(self, seconds: float = GRACE_SECONDS) -> list[Read]:
        """Return those that are answered, in the order in which they were put, each with its verdicts; of one sender
        none goes before an earlier one. New ones are waited for so long, and then left for the next time."""
        if new := [one.answer for one in self._questions if not one.is_lent and not one.answer.done()]:
            wait(new, timeout=seconds)
        ready: list[Read] = []
        left: list[_Question] = []
        slow: set[str] = set()
        for one in self._questions:
            if one.answer.done() and one.read.sender not in slow:
                ready.append(_answered(one.read, one.answer.result()))
            else:
                left.append(one)
                slow |= {one.read.sender} - {""}
        self._questions = left
        self._lend([one for one in left if not one.is_lent])
        return ready

    def wait_for_one(self, seconds: float) -> None:
        """Return when a mail has its answer, or after so long."""
        if self._questions:
            wait([one.answer for one in self._questions], timeout=seconds, return_when=FIRST_COMPLETED)

    def let_go(self) -> None:
        """Hand back what has no answer: it is asked about again by whoever takes it."""
        ids = [one.read.taken.arrival.id for one in self._questions]
        self._questions = []
        try:
            self._inbox.release(ids)
        except MailgateError as error:  # then the leases run out
            LOG.failed("asked.not_put_back", error)

    def _lend(self, questions: Sequence[_Question]) -> None:
        until = self._clock() + timedelta(seconds=LEASE_SECONDS)
        self._inbox.lend([one.read.taken.arrival.id for one in questions], self._name, until)
        for one in questions:
            one.is_lent = True
            one.answer.add_done_callback(lambda _: self._on_answer())


def nobody(arrival: Arrival, raw: bytes, mail: Mail) -> "Future[Verdicts]":
    """Ask nobody: what the arrival brought along is all that is known."""
    done: Future[Verdicts] = Future()
    done.set_result(arrival.verdicts)
    return done


def asking_name(worker: str) -> str:
    """Return the name under which the mails of a worker wait for answers."""
    return f"{ASKING}{worker.partition(':')[2] or worker}"


def _answered(read: Read, verdicts: Verdicts) -> Read:
    arrival = replace(read.taken.arrival, verdicts=verdicts)
    return Read(
        taken=Taken(arrival=arrival, tries=read.taken.tries, read=read.taken.read), mail=read.mail, clues=read.clues
    )

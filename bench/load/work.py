"""The daily work, piece by piece. Each piece makes ready, reads what will be read, and returns what is to be timed."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from load.many import DESK, START, Desk, story_of
from mailgate.apply import note_sent
from mailgate.decide.guards import decide_mail
from mailgate.operations.queues import leaving
from mailgate.scheduler import Scheduler
from mailgate.store import outbox, views
from mailgate.store.engine import hold, reading, transaction
from mailgate.store.gather import names_of
from mailgate.store.inbox import Incoming
from mailgate.store.outbox import OUTBOX, Outgoing
from mailgate.store.reports import day_counts
from mailgate.store.statistics import day_figures
from mailgate.store.tables import DEADLINE, TICKET

DUE, LETTERS, POOL = 100, 20, 30
Act = Callable[[], Any]


class Work:
    """What is done on one desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk, self._house, self._engine = desk, desk.house, desk.engine
        self._scheduler = Scheduler(desk.house, group=DUE)
        self._chance = random.Random(1)
        self._turn = 0
        self._pools: dict[tuple[tuple[str, ...], int], list[int]] = {}
        self._due: list[int] = []
        self._claimed: list[Outgoing] = []

    def accept(self) -> Act:
        arrival, raw = self.desk.arrival(self._customer(), "A question", self._message_id())
        return lambda: self.desk.inbox.accept([Incoming(raw=raw, arrival=arrival)])

    def claim_mail(self) -> Act:
        self.accept()()
        return lambda: self.desk.inbox.done(
            [one.arrival.id for one in self.desk.inbox.claim(50, self.desk.now, 60, "b")]
        )

    def open_new(self) -> Act:
        sender, message_id = self._customer(), self._message_id()
        return self._received(sender, f"Backup {message_id[:6]} of the shop is gone", message_id, "", "new")

    def follow_by_tag(self) -> Act:
        n = self._ticket("open", "waiting")
        subject = f"Re: [flexihost #{self.desk.number_of(n)}] {self.desk.subject_of(n)}"
        return self._received(self.desk.customer_of(n), subject, self._message_id(), "", "follow_up")

    def follow_by_reference(self) -> Act:
        n = self._ticket("open", "waiting")
        more = f"In-Reply-To: <m{n:08d}@{story_of(n)}.example>\n"
        subject = f"Re: {self.desk.subject_of(n)}"
        return self._received(self.desk.customer_of(n), subject, self._message_id(), more, "follow_up")

    def _received(self, sender: str, subject: str, message_id: str, more: str, outcome: str) -> Act:
        self.desk.now += timedelta(seconds=1)
        arrival, mail = self.desk.mail(sender, subject, message_id, more)
        clues = self._house.clues(arrival, mail)
        with reading(self._engine) as connection:
            decided = decide_mail(self._house.scene(connection, arrival, mail, clues))
        assert decided.outcome == outcome, (subject, decided.outcome, decided.reasons)

        def act() -> None:
            with transaction(self._engine) as connection:
                hold(connection, names_of(clues))
                self._house.receive(connection, arrival, mail, clues)

        return act

    def tick_due(self) -> Act:
        """A hundred tickets that were closed are open again, and news for each of their customers is due."""
        self._end_due()
        self.desk.now += timedelta(seconds=1)
        self._tick()  # what is due of the mails before
        self.desk.leave()
        self._due = sorted(self.desk.number_of(n) for n in self._pool("closed", size=DUE))
        with transaction(self._engine) as connection:
            connection.execute(update(TICKET).where(TICKET.c.number.in_(self._due)).values(status="open"))
            first = select(func.min(DEADLINE.c.id)).where(DEADLINE.c.ticket.in_(self._due), DEADLINE.c.kind == "update")
            ids = list(connection.execute(first.group_by(DEADLINE.c.ticket)).scalars())
            values = {"state": "pending", "due_at": self.desk.now, "next_at": self.desk.now, "closed_at": None}
            connection.execute(update(DEADLINE).where(DEADLINE.c.id.in_(ids)).values(values))
        return lambda: self._tick(len(self._due))

    def tick_idle(self) -> Act:
        self._end_due()
        self._tick()
        return self._tick

    def _tick(self, fires: int | None = None) -> None:
        fired = self._scheduler.tick()
        assert fires is None or len(fired) == fires, len(fired)
        self._scheduler.next_at()

    def _end_due(self) -> None:
        """Close them as they were."""
        if not self._due:
            return
        pending = (DEADLINE.c.ticket.in_(self._due), DEADLINE.c.state == "pending")
        with transaction(self._engine) as connection:
            connection.execute(update(TICKET).where(TICKET.c.number.in_(self._due)).values(status="closed"))
            connection.execute(
                update(DEADLINE).where(*pending).values(state="met", next_at=None, closed_at=self.desk.now)
            )
        self._due = []
        self.desk.leave()

    def claim_letters(self) -> Act:
        """Letters of some twenty tickets are due once more."""
        self._settle()
        with transaction(self._engine) as connection:
            numbers = [self.desk.number_of(n) for n in self._pool("closed", size=LETTERS)]
            ids = select(func.min(OUTBOX.c.id)).where(OUTBOX.c.ticket.in_(numbers)).group_by(OUTBOX.c.ticket)
            chosen = update(OUTBOX).where(OUTBOX.c.id.in_(list(connection.execute(ids).scalars())))
            connection.execute(chosen.values(state="waiting", next_at=self.desk.now))
        return self._claim

    def _claim(self) -> None:
        with transaction(self._engine) as connection:
            self._claimed = outbox.claim(connection, self.desk.now, LETTERS, 600, "bench")
        assert self._claimed

    def settle_letters(self) -> Act:
        self.claim_letters()()
        return self._settle

    def _settle(self) -> None:
        with transaction(self._engine) as connection:
            for letter in self._claimed:
                outbox.settle_sent(connection, letter, self.desk.now)
                note_sent(connection, letter, self.desk.now)
        self._claimed = []

    def who_sends(self) -> Act:
        return self._read(outbox.claimers)

    def watch(self) -> Act:
        return self._read(lambda connection: leaving(connection, self.desk.now))

    def digest(self) -> Act:
        """Of a day of which most has come to an end."""
        day = START - timedelta(days=30) + timedelta(hours=1)
        return self._read(lambda connection: day_counts(connection, DESK, day - timedelta(days=1), day))

    def figures(self) -> Act:
        day = START - timedelta(days=30) + timedelta(hours=1)
        zones = {DESK: ZoneInfo("Europe/Kyiv")}
        return self._read(lambda connection: day_figures(connection, zones, day - timedelta(hours=23), day))

    def show(self) -> Act:
        number = self.desk.number_of(self._ticket("closed"))
        return self._read(lambda connection: views.show_ticket(connection, number))

    def trace(self) -> Act:
        n = self._ticket("closed")
        return self._read(lambda connection: views.find_arrivals(connection, f"<m{n:08d}@closed.example>"))

    def _read(self, look: Callable[[Any], Any]) -> Act:
        def act() -> None:
            with reading(self._engine) as connection:
                look(connection)

        act()
        return act

    def _customer(self) -> str:
        return self.desk.customer_of(self._ticket("closed"))

    def _message_id(self) -> str:
        self._turn += 1
        return f"{self._turn:06d}@bench.example"

    def _ticket(self, *stories: str) -> int:
        return self._chance.choice(self._pool(*stories))

    def _pool(self, *stories: str, size: int = POOL) -> list[int]:
        """Return some tickets of all: as many of few as of many, so that both have as much to do with each."""
        if (stories, size) not in self._pools:
            fitting = (n for n in iter(lambda: self._chance.randrange(1, self.desk.count), 0) if story_of(n) in stories)
            found: dict[int, None] = {}
            while len(found) < size:
                found[next(fitting)] = None
            self._pools[stories, size] = list(found)
        return self._pools[stories, size]


@dataclass(frozen=True)
class Way:
    """One piece of work: what it is called, how it is made ready, and how often it is timed."""

    name: str
    ready: Callable[[Work], Act]
    times: int = 100


def _listing(name: str, **how: Any) -> Way:
    return Way(
        f"ticket list {name}".strip(),
        lambda work: work._read(lambda connection: views.list_tickets(connection, **how)),
        30,
    )


def _list_own(work: Work) -> Act:
    account = f"{work._chance.randrange(work.desk.customers):08d}"
    return work._read(lambda connection: views.list_tickets(connection, desk=DESK, account=account))


WORK = (
    Way("accept a mail, committed", Work.accept, 200),
    Way("claim it, and let go of it", Work.claim_mail),
    Way("a new question, decided and applied", Work.open_new, 200),
    Way("a follow-up by its tag", Work.follow_by_tag, 200),
    Way("a follow-up by a reference", Work.follow_by_reference, 200),
    Way("a tick, a hundred tickets due", Work.tick_due, 9),
    Way("a tick, nothing due", Work.tick_idle),
    Way("claim twenty letters", Work.claim_letters, 50),
    Way("settle twenty letters", Work.settle_letters, 50),
    _listing(""),
    _listing("--desk", desk=DESK),
    _listing("--desk (of no tickets)", desk="strato"),
    _listing("--status open --limit 20", statuses=("open",), limit=20),
    _listing("--status merged (none)", statuses=("merged",)),
    _listing("--desk, three statuses, 20", desk=DESK, statuses=("new", "open", "waiting"), limit=20),
    _listing("--desk --queue --status closed", desk=DESK, queue="support", statuses=("closed",)),
    _listing("--queue (of no tickets)", queue="abuse"),
    Way("ticket list --desk --account", _list_own, 30),
    _listing("--account (nobody's)", account="none"),
    Way("ticket show", Work.show, 30),
    Way("trace", Work.trace, 10),
    Way("the managers' digest", Work.digest, 10),
    Way("stats of a day", Work.figures, 10),
    Way("who has letters in hand", Work.who_sends, 10),
    Way("how the outbox does (the watch)", Work.watch, 10),
)

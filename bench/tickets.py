"""Time per follow-up, and of the clock's tick, with few and with many tickets in the embedded database.

    python bench/tickets.py [FEW MANY]      (default 1000 1000000)

Every ticket has its customer, mail, ack, deadlines and history, made with SQL after the first, which is a real one.
"""

import hashlib
import logging
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mailgate import config, phrases, templates
from mailgate.decide.clues import read_clues
from mailgate.decide.guards import decide_mail
from mailgate.model.arrival import Arrival
from mailgate.model.mail import Mail
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.pipeline import House
from mailgate.scheduler import Scheduler
from mailgate.store import people, schema
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import Ids
from mailgate.store.types import instant_text

START = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
FIRST = 10001
MAILS, DUE = 300, 100
LINE = "We see 502 Bad Gateway after the update of this morning, please have a look at the server.\n"


class Bench:
    """A house on a file, with `count` open tickets."""

    def __init__(self, folder: Path, count: int) -> None:
        self.now = START
        self.count = count
        self._ids = Ids()
        desk = config.load_desk("flexihost")
        path = folder / f"{count}.db"
        settings = Settings(
            desks={desk.name: desk}, secret=b"of the bench", database_url=f"sqlite:///{path}", blobs_url="memory:",
            smtp=SmtpSettings(), relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
        )  # fmt: skip
        self.house = House(
            settings=settings, engine=open_engine(settings.database_url), templates=templates.load(),
            phrases=phrases.load(), ids=self._ids, clock=lambda: self.now, raw_of=lambda digest: None,
        )  # fmt: skip
        schema.upgrade(self.house.engine)
        self._first_ticket(desk.name)
        self.house.engine.dispose()
        multiply(path, count)
        self.now += timedelta(minutes=10)

    def _first_ticket(self, desk: str) -> None:
        with transaction(self.house.engine) as connection:
            account = Account(id="", desk=desk, number="00000000", login="login00000000", name="Shop", language="uk")
            id_, _ = people.put_account(connection, account, self._ids)
            contact = Contact(id="", account=account, address=address(0))
            people.put_contact(connection, contact, id_, self._ids)
            people.put_staff(connection, Staff(desk=desk, address="ivan@team.example", teams=("support",)))
            arrival, mail = self.mail(0, f"Site of shop {0:08d} is slow", "<m00000000@mail.example>")
            self.house.receive(connection, arrival, mail)

    def mail(self, n: int, subject: str, message_id: str, more: str = "") -> tuple[Arrival, Mail]:
        domain = address(n).rpartition("@")[2]
        raw = (
            f"Authentication-Results: mx.flexihost.example; dmarc=pass header.from={domain}\n"
            f"From: Customer <{address(n)}>\nTo: support@flexihost.example\nSubject: {subject}\n"
            f"Message-ID: {message_id}\nDate: Wed, 04 Mar 2026 12:00:00 +0000\n{more}\n" + LINE * 5
        ).replace("\n", "\r\n").encode()  # fmt: skip
        arrival = Arrival(
            id=self._ids(), desk="flexihost", channel="lmtp", received_at=self.now, size=len(raw), is_trusted=True,
            digest=hashlib.sha256(raw).hexdigest(), recipients=("support@flexihost.example",), envelope_from=address(n),
        )  # fmt: skip
        return arrival, self.house.read(raw)

    def follow_ups(self, seed: int) -> list[tuple[Arrival, Mail]]:
        chosen = random.Random(seed).choices(range(self.count), k=MAILS)
        return [
            self.mail(
                n, f"Re: [flexihost #{FIRST + n}] Site of shop {n:08d} is slow", f"<r{seed}.{place}@mail.example>",
                f"In-Reply-To: <m{n:08d}@mail.example>\n",
            )
            for place, n in enumerate(chosen)
        ]  # fmt: skip

    def whole(self, arrival: Arrival, mail: Mail) -> None:
        with transaction(self.house.engine) as connection:
            (received,) = self.house.receive(connection, arrival, mail)
        assert received.decision.outcome == "follow_up", received.decision.outcome

    def thought(self, arrival: Arrival, mail: Mail) -> None:
        with reading(self.house.engine) as connection:
            decide_mail(self.house.scene(connection, arrival, mail))

    def tick(self, *, due: bool) -> "Cost":
        """Return what a tick costs; `due`: a hundred deadlines of a hundred tickets are."""
        self.now = START + timedelta(hours=3)
        if due:
            self._make_due(instant_text(self.now))
        scheduler = Scheduler(self.house)
        wall, cpu = time.perf_counter(), time.process_time()
        fired = scheduler.tick()
        took = Cost(wall=(time.perf_counter() - wall) * 1000, cpu=(time.process_time() - cpu) * 1000)
        assert len(fired) == (DUE if due else 0), len(fired)
        return took

    def _make_due(self, at: str) -> None:
        with transaction(self.house.engine) as connection:
            connection.exec_driver_sql(
                "UPDATE deadline SET due_at = ?, next_at = ? WHERE kind = 'update' AND state = 'pending' AND ticket IN"
                f" (SELECT number FROM ticket ORDER BY number LIMIT {DUE} OFFSET {self.count // 2})", (at, at),
            )  # fmt: skip


def address(n: int) -> str:
    return f"c{n:08d}@shop{n:08d}.example"


def multiply(path: Path, count: int) -> None:
    """Make `count` of the one ticket that there is, with all that belongs to it."""
    base = sqlite3.connect(path)
    base.executescript("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA cache_size=-400000;")
    later = "2027-01-01T00:00:00.000000Z"  # what is due in the measured tick is made due there
    base.execute(
        "UPDATE deadline SET due_at = ?, next_at = ?, remind_at = NULL WHERE state = 'pending'", (later, later)
    )
    padded = "printf('%08d', n)"
    for table in ("account", "contact", "ticket", "message", "reference", "deadline", "event", "arrival", "outbox"):
        columns = [row[1] for row in base.execute(f"PRAGMA table_info({table})")]
        key = "message_id" if table == "reference" else "number" if table == "ticket" else "id"
        rows = base.execute(f"SELECT {key} FROM {table} WHERE {key} IS NOT NULL ORDER BY 1").fetchall()
        made = {
            column: expression(column, padded, table) if column != "id" else "old.id || '.' || " + padded
            for column in columns
        }
        assert rows, table
        kept = {"outbox": "WHERE audience = 'customer'", "event": "WHERE kind = 'opened'"}.get(table, "")
        base.execute(
            f"INSERT INTO {table} ({', '.join(map(quoted, columns))}) WITH RECURSIVE counted(n) AS"
            f" (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {count - 1})"
            f" SELECT {', '.join(made.values())} FROM counted CROSS JOIN (SELECT * FROM {table} {kept}) AS old"
        )
    base.execute("UPDATE counter SET value = value + ? WHERE name = 'ticket'", (count - 1,))
    base.commit()
    base.executescript("ANALYZE; PRAGMA journal_mode=WAL;")
    base.close()


def expression(column: str, padded: str, table: str) -> str:
    """How a column of the copy comes from that of the first: every name and number of it is the copy's own."""
    numbers: Mapping[tuple[str, str], str] = {("ticket", "number"): f"{FIRST} + n"}
    if (table, column) in numbers:
        return numbers[table, column]
    if column == "ticket":
        return f"CASE WHEN old.ticket IS NULL THEN NULL ELSE {FIRST} + n END"
    if column == "account" and table == "contact":
        return f"old.account || '.' || {padded}"
    if column in ("content_key", "digest"):
        return f"old.{quoted(column)} || {padded}"
    if column == "message_id" and table == "outbox":
        return f"replace(old.message_id, '@', {padded} || '@')"
    return (
        f"CASE typeof(old.{quoted(column)}) WHEN 'text' THEN replace(old.{quoted(column)}, '00000000', {padded})"
        f" ELSE old.{quoted(column)} END"
    )


def quoted(name: str) -> str:
    return f'"{name}"'


@dataclass(frozen=True)
class Cost:
    """Medians for one mail, in milliseconds: by the clock on the wall, and of this process (other work left out)."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:.2f} ms (cpu {self.cpu:.2f})"


Way = Callable[["Bench", Arrival, Mail], None]


def costs(benches: Sequence["Bench"], way: Way, seed: int) -> list[Cost]:
    """Return what a mail costs each bench, in turns: what else the machine does then slows all of them alike."""
    taken: list[list[tuple[float, float]]] = [[] for _ in benches]
    for turn in zip(*(bench.follow_ups(seed) for bench in benches), strict=True):
        for place, (arrival, mail) in enumerate(turn):
            wall, cpu = time.perf_counter(), time.process_time()
            way(benches[place], arrival, mail)
            taken[place].append((time.perf_counter() - wall, time.process_time() - cpu))
    return [Cost(*(statistics.median(column) * 1000 for column in zip(*one, strict=True))) for one in taken]


def decide_only(bench: Bench) -> tuple[float, float]:
    """Return the median milliseconds of reading the words and of deciding, without any database."""
    words, decisions = [], []
    house = bench.house
    desk = house.settings.desks["flexihost"]
    for arrival, mail in bench.follow_ups(3):
        with reading(house.engine) as connection:
            scene = house.scene(connection, arrival, mail)
        began = time.perf_counter()
        read_clues(mail, arrival, desk, house.settings.secret)
        between = time.perf_counter()
        decide_mail(scene)
        words.append(between - began)
        decisions.append(time.perf_counter() - between)
    return statistics.median(words) * 1000, statistics.median(decisions) * 1000


def main() -> None:
    few, many = (int(one) for one in sys.argv[1:3]) if len(sys.argv) > 2 else (1000, 1_000_000)
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as folder:
        began = time.perf_counter()
        benches = [Bench(Path(folder), count) for count in (few, many)]
        print(f"{few:,} and {many:,} tickets made in {time.perf_counter() - began:.0f} s", flush=True)
        costs(benches, Bench.thought, 0)  # warm
        for what, way, seed in (
            ("gathered and decided alone", Bench.thought, 1),
            ("gathered, decided, applied and committed", Bench.whole, 2),
        ):
            small, large = costs(benches, way, seed)
            print(f"a follow-up {what}: {small}; {large}")
            print(f"  {large.wall / small.wall:.2f} times, cpu {large.cpu / small.cpu:.2f}", flush=True)
        words, decision = decide_only(benches[1])
        print(f"of that reading the words {words:.2f} ms, deciding {decision:.2f} ms")
        for bench in benches:
            idle, due = bench.tick(due=False), bench.tick(due=True)
            print(f"a tick over {bench.count:,} open tickets, nothing due: {idle}; {DUE} due, a letter each: {due}")


if __name__ == "__main__":
    main()

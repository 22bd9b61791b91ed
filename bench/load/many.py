"""A desk with many tickets, on either engine: five stories are played by the house itself, and copied with SQL.

Every copy has names, numbers and times of its own: its customer, mails, Message-IDs, letters, clocks and history.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, Dialect, Engine, String, Table, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex

from mailgate import config, phrases, templates
from mailgate.apply import note_sent
from mailgate.blobs import open_blobs
from mailgate.model.arrival import Arrival
from mailgate.model.mail import Mail
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.pipeline import House
from mailgate.scheduler import Scheduler
from mailgate.store import outbox, people, schema, tally
from mailgate.store.engine import inbox_url, open_engine, transaction
from mailgate.store.ids import Ids
from mailgate.store.inbox import Inbox
from mailgate.store.tables import metadata
from mailgate.store.types import Instant

DESK, STAFF = "flexihost", "ivan@team.example"
START = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
EVERY = 90  # seconds between two tickets: 960 a day
STORIES = ("new", "open", "waiting", "resolved", "closed")
SHARES = (1, 3, 5, 10, 100)  # of a hundred tickets: up to which they are of that story
FIRST, FIRST_COPY = 10001, 20000
TICKET, CUSTOMER = "tttttttt", "kkkkkkkk"  # stand for a ticket's and a customer's number, eight digits, in the stories
LATER = datetime(2035, 1, 1, tzinfo=UTC)  # what is pending falls due then
TABLES = ("account", "contact", "ticket", "message", "reference", "deadline", "event", "arrival", "outbox")
IDS = (("contact", "account"), ("message", "arrival"), ("outbox", "arrival"), ("outbox", "message"), ("outbox", "held"))
_LINE = "We see 502 Bad Gateway after the update of this morning, please have a look at the server.\n"


class Desk:
    """A house on a database of its own, with `count` tickets of `customers` customers."""

    def __init__(self, url: str, count: int, start: datetime = START, closed_days: float = 30.0) -> None:
        """`start`: when the last ticket came; `closed_days`: how long before that the last one did that is closed by now."""
        self.count, self.customers, self.start = count, max(10, count // 10), start
        self._closed_days = closed_days
        self.now = start - timedelta(days=closed_days)
        self.ids = Ids(lambda: self.now)
        desk = config.load_desk(DESK)
        settings = Settings(
            desks={desk.name: desk}, secret=b"of the bench", database_url=url, blobs_url="memory:",
            smtp=SmtpSettings(), relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
        )  # fmt: skip
        self.engine = open_engine(url)
        self.house = House(
            settings=settings, engine=self.engine, templates=templates.load(), phrases=phrases.load(), ids=self.ids,
            clock=lambda: self.now, raw_of=lambda digest: None,
        )  # fmt: skip
        beside = inbox_url(url)
        self.inbox_engine = self.engine if beside == url else open_engine(beside)
        schema.upgrade(self.engine, None if beside == url else self.inbox_engine)
        self.inbox = Inbox(self.inbox_engine, open_blobs("memory:"))
        self._scheduler = Scheduler(self.house)
        self._play()
        self.engine.dispose()
        _multiply(url, self.count, self.customers)
        with transaction(self.engine) as connection:
            tally.fill(connection)  # on PostgreSQL no trigger saw the copies
        self.now = start + timedelta(minutes=10)

    def close(self) -> None:
        self.engine.dispose()
        self.inbox_engine.dispose()

    def customer_of(self, n: int) -> str:
        return address(f"{n % self.customers:08d}")

    def subject_of(self, n: int) -> str:
        return f"Site {n:08d} is slow"

    def number_of(self, n: int) -> int:
        return FIRST_COPY + n

    def mail(self, sender: str, subject: str, message_id: str, more: str = "", text: str = "") -> tuple[Arrival, Mail]:
        """Return an arrival of that mail, and what was read of it."""
        arrival, raw = self.arrival(sender, subject, message_id, more, text)
        return arrival, self.house.read(raw)

    def arrival(
        self, sender: str, subject: str, message_id: str, more: str = "", text: str = ""
    ) -> tuple[Arrival, bytes]:
        domain = sender.rpartition("@")[2]
        raw = (
            f"Authentication-Results: mx.flexihost.example; dmarc=pass header.from={domain}\n"
            f"From: Somebody <{sender}>\nTo: support@flexihost.example\nSubject: {subject}\n"
            f"Message-ID: <{message_id}>\nDate: Wed, 04 Mar 2026 12:00:00 +0000\n{more}\n" + (text or _LINE * 5)
        ).replace("\n", "\r\n").encode()  # fmt: skip
        arrival = Arrival(
            id=self.ids(), desk=DESK, channel="lmtp", received_at=self.now, size=len(raw), is_trusted=True,
            digest=hashlib.sha256(raw).hexdigest(), recipients=("support@flexihost.example",), envelope_from=sender,
        )  # fmt: skip
        return arrival, raw

    def leave(self) -> None:
        """Let all letters leave that are due."""
        with transaction(self.engine) as connection:
            while letters := outbox.claim(connection, self.now, 500, 600, "bench"):
                for letter in letters:
                    outbox.settle_sent(connection, letter, self.now)
                    note_sent(connection, letter, self.now)

    def _play(self) -> None:
        with transaction(self.engine) as connection:
            account = Account(id="", desk=DESK, number=CUSTOMER, login=f"login{CUSTOMER}", name="Shop", language="en")
            id_, _ = people.put_account(connection, account, self.ids)
            people.put_contact(connection, Contact(id="", account=account, address=address(CUSTOMER)), id_, self.ids)
            people.put_staff(connection, Staff(desk=DESK, address=STAFF, name="Ivan", teams=("support",)))
        plots = (("closed", self._closed_days, True), ("resolved", 5.0, True), ("waiting", 0.15, False), ("open", 0.12, False),
                 ("new", 0.02, False))  # fmt: skip
        for place, (story, days, is_resolved) in enumerate(plots):
            self._pass(self.start - timedelta(days=days))
            self._receive(address(CUSTOMER), f"Site {TICKET} is slow, {story}", f"m{TICKET}@{story}.example", _LINE)
            if story != "new":
                tagged = f"Re: [flexihost #{FIRST + place}] Site {TICKET} is slow, {story}"
                words = "#resolve\n\n" * is_resolved + "It works again. Please try.\n"
                self._pass(self.now + timedelta(minutes=12))
                self._receive(STAFF, tagged, f"a{TICKET}@{story}.example", words)
            if story == "open":
                self._pass(self.now + timedelta(minutes=12))
                self._receive(address(CUSTOMER), tagged, f"r{TICKET}@{story}.example", "It is slow again.\n")
        self._pass(self.start)

    def _receive(self, sender: str, subject: str, message_id: str, text: str) -> None:
        arrival, mail = self.mail(sender, subject, message_id, text=text)
        with transaction(self.engine) as connection:
            self.house.receive(connection, arrival, mail)

    def _pass(self, moment: datetime) -> None:
        """Let time pass, letters leave, and clocks ring."""
        while True:
            with transaction(self.engine) as connection:
                awaited = (self._scheduler.next_at(), outbox.due_at(connection))
            due = min((one for one in awaited if one is not None), default=None)
            if due is None or due > moment:
                break
            self.now = max(self.now, due)
            self._scheduler.tick()
            self.leave()
        self.now = max(self.now, moment)


def address(customer: str) -> str:
    return f"c{customer}@shop{customer}.example"


def story_of(n: int) -> str:
    """Return what the ticket of that place is like; the same in SQL stands below."""
    return next(story for story, share in zip(STORIES, SHARES, strict=True) if n % 100 < share)


def _multiply(url: str, count: int, customers: int) -> None:
    with _driver(url) as (execute, words):
        for table in reversed(TABLES):
            for index in metadata.tables[table].indexes:
                execute(f"DROP INDEX {index.name}")
        execute("UPDATE deadline SET due_at = {0}, next_at = {0}, remind_at = NULL WHERE state = 'pending'"
                .format(words.instant(LATER)))  # fmt: skip
        # a million of them must fit: words and traces are cut short
        execute("UPDATE outbox SET text = substr(text, 1, 200), html = '', headers = '[]'")
        execute("UPDATE arrival SET trace = '[]'")
        execute("UPDATE message SET undo = NULL")
        for name in TABLES:
            _copy(execute, words, metadata.tables[name], count, customers)
        execute(f"UPDATE counter SET value = {FIRST_COPY + count + 1} WHERE name = 'ticket'")
        for name in TABLES:
            for index in metadata.tables[name].indexes:
                execute(str(CreateIndex(index).compile(dialect=words.dialect)))
        for statement in words.afterwards:
            execute(statement)
    os.sync()  # what the system still writes would slow what is measured


def _copy(execute: Any, words: "Words", table: Table, count: int, customers: int) -> None:
    is_customer = table.name in ("account", "contact")
    key = "number" if table.name == "ticket" else "ticket"
    where = "" if is_customer else f"WHERE {key} >= {FIRST}"
    execute(f"CREATE TEMPORARY TABLE old_{table.name} AS SELECT * FROM {table.name} {where}")
    columns = [column.name for column in table.columns]
    made = ", ".join(words.column(table, name, count) for name in columns)
    story = "CASE " + " ".join(f"WHEN n % 100 < {share} THEN {FIRST + _place(story)}"
                               for story, share in zip(STORIES, SHARES, strict=True)) + " END"  # fmt: skip
    chosen = "" if is_customer else f"WHERE old.{key} = {story}"
    customer = "n" if is_customer else f"n % {customers}"
    quoted = ", ".join(f'"{name}"' for name in columns)
    rows = customers - 1 if is_customer else count
    execute(f"INSERT INTO {table.name} ({quoted}) {words.counted(0 if is_customer else 1, rows, customer)}"
            f" SELECT {made} FROM counted CROSS JOIN old_{table.name} AS old {chosen}")  # fmt: skip


def _place(story: str) -> int:
    """Return how many stories were played before: the oldest one came first."""
    return len(STORIES) - 1 - STORIES.index(story)


class Words:
    """How SQLite says it."""

    dialect: Dialect = sqlite.dialect()
    afterwards: tuple[str, ...] = ("ANALYZE",)

    def counted(self, first: int, last: int, customer: str) -> str:
        return (f"WITH RECURSIVE numbers(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM numbers WHERE n < {last}),"
                f" counted AS (SELECT n, printf('%08d', n) AS ticket_, printf('%08d', {customer}) AS customer_,"
                " printf('0%07x', n) AS id_ FROM numbers)")  # fmt: skip

    def instant(self, at: datetime) -> str:
        return f"'{at:%Y-%m-%dT%H:%M:%S}.000000Z'"

    def moved(self, column: str, seconds: str) -> str:
        return f"strftime('%Y-%m-%dT%H:%M:%S', {column}, ({seconds}) || ' seconds') || '.000000Z'"

    def text(self, column: str, is_json: bool) -> str:
        return column

    def back(self, made: str, is_json: bool) -> str:
        return made

    def column(self, table: Table, name: str, count: int) -> str:
        """Return how a copy's column comes of the old one's."""
        column, old = table.columns[name], f'old."{name}"'
        is_json = isinstance(column.type, JSON)
        number = f"{FIRST_COPY} + n"
        if name == "ticket" or (table.name, name) == ("ticket", "number"):
            return number
        if name == "id" or (table.name, name) in IDS:
            return f"id_ || substr({old}, 9)"
        if name in ("digest", "content_key"):
            return f"substr({old}, 1, 56) || ticket_"
        if name == "once":
            return f"{old} || '.' || ticket_"
        if isinstance(column.type, Instant):
            past = self.moved(old, f"(n - {count}) * {EVERY}")
            if table.name != "deadline":
                return past
            return f"CASE WHEN old.state = 'pending' THEN {self.moved(old, 'n')} ELSE {past} END"
        if not isinstance(column.type, (JSON, String)):
            return old
        made = f"replace(replace({self.text(old, is_json)}, '{TICKET}', ticket_), '{CUSTOMER}', customer_)"
        if table.name == "outbox" and name == "message_id":
            made = f"replace({made}, '@', '.' || ticket_ || '@')"
        if table.name in ("outbox", "message") and name in ("subject", "text", "visible_text", "body"):
            for place in range(len(STORIES)):
                made = f"replace({made}, '#{FIRST + place}', '#' || ({number}))"
        return self.back(made, is_json)


class PostgresqlWords(Words):
    """How PostgreSQL says it."""

    dialect: Dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    afterwards = ("VACUUM ANALYZE", "CHECKPOINT")

    def counted(self, first: int, last: int, customer: str) -> str:
        return (f"WITH counted AS (SELECT n, lpad(n::text, 8, '0') AS ticket_, lpad(({customer})::text, 8, '0')"
                f" AS customer_, '0' || lpad(to_hex(n), 7, '0') AS id_ FROM generate_series({first}, {last}) AS n)")  # fmt: skip

    def moved(self, column: str, seconds: str) -> str:
        return f"{column} + make_interval(secs => {seconds})"

    def text(self, column: str, is_json: bool) -> str:
        return f"{column}::text" if is_json else column

    def back(self, made: str, is_json: bool) -> str:
        return f"({made})::json" if is_json else made


@contextmanager
def _driver(url: str) -> Iterator[tuple[Any, Words]]:
    """Give what carries out a statement on the database, in haste, and its words."""
    engine: Engine = open_engine(url)
    with engine.connect() as pooled:
        raw: Any = pooled.connection.driver_connection
        if make_url(url).get_backend_name() == "sqlite":
            pooled.rollback()
            for pragma in (
                "journal_mode=OFF",
                "synchronous=OFF",
                "cache_size=-400000",
                "foreign_keys=OFF",
                "threads=2",
            ):
                raw.execute(f"PRAGMA {pragma}").fetchall()
            yield raw.execute, Words()
            raw.execute("PRAGMA journal_mode=WAL").fetchall()
        else:
            pooled.rollback()
            raw.autocommit = True
            for setting in ("statement_timeout = 0", "synchronous_commit = off", "session_replication_role = replica",
                            "maintenance_work_mem = '512MB'"):  # fmt: skip
                raw.execute(f"SET {setting}")
            yield raw.execute, PostgresqlWords()
        pooled.invalidate()
    engine.dispose()


@contextmanager
def closing(desk: Desk) -> Iterator[Desk]:
    """Give the desk, and close its connections at the end."""
    try:
        yield desk
    finally:
        desk.close()

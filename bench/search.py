"""Words among a million messages: `python bench/search.py [--messages 1000000] [--database sqlite|postgresql|both]`.

Texts of five languages, words as often as in real ones (Zipf), some in half of all messages, some in a hundred thousandth. A
search is everything that the page waits for: looked up, ranked, with its excerpts; what is told is the median of several.
Then what it costs to write a mail's message with the index and without it, in turns.
"""

import argparse
import itertools
import logging
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from load.machine import facts  # noqa: E402
from load.many import DESK, Words, _driver  # noqa: E402
from load.report import Mark, Report  # noqa: E402
from smtp import cpu_of  # noqa: E402
from sqlalchemy import Engine, insert  # noqa: E402
from tickets import databases  # noqa: E402

from mailgate.model.search import read_search  # noqa: E402
from mailgate.model.ticket import Message, Ticket  # noqa: E402
from mailgate.store import schema, search_index, tally  # noqa: E402
from mailgate.store.engine import open_engine, reading, transaction  # noqa: E402
from mailgate.store.ids import Ids  # noqa: E402
from mailgate.store.rows import message_row, ticket_row  # noqa: E402
from mailgate.store.search import find_tickets  # noqa: E402
from mailgate.store.tables import MESSAGE, TICKET  # noqa: E402
from tests.store.postgresql import is_offered  # noqa: E402

NEWEST = datetime(2026, 11, 1, tzinfo=UTC)
EVERY = timedelta(seconds=60)  # between two messages: a million are two years
A_TICKET = 3  # messages
MAIL_MS = 4.0  # what a mail costs a worker at least, all in all: the index may add a tenth
FIRST = 10_001
TEXTS = 20_000  # so many are written; each message adds words of its own
SYLLABLES = {
    "en": "ser ver re port in voice do main back up con nect up date the pass word mail box er ror fix time log in",
    "de": "ser ver rech nung ver bin dung post fach feh ler zer ti fi kat ab lauf aus fall bit te nach richt über",
    "pl": "ser wer fak tura po łą cze nie błąd skrzyn ka cer ty fi kat wy ga sł do me na pro szę wia do mość żół",
    "ru": "сер вер счёт до мен поч та о шиб ка ре зерв ко пи я ис тёк сер ти фи кат про шу от вет за каз",
    "uk": "сер вер ра ху нок до мен по шта по мил ка ко пі я за кін чив ся сер ти фі кат про шу від по відь ї",
}
OFTEN = ("server", "hosting")  # in half of all messages, each in the other half
SEARCHES = (
    ("a word in half of all", "hosting"), ("two words that never meet", "server hosting"),
    ("a word in a hundredth", "quarterly"), ("a rare word", "zirconium"), ("a rare and a frequent one", "zirconium hosting"),
    ("nobody's word", "nonexistentword"), ("beginning of frequent words", "ser"), ("beginning of many numbers", "4100"),
    ("a phrase", '"hosting account"'), ("a phrase that nobody wrote", '"account hosting server"'),
    ("an address", "from:c77@shop77.example"), ("a domain and a frequent word", "from:shop77 hosting"),
    ("frequent, with few tickets of the status", "hosting status:new"), ("frequent, no ticket of the status", "hosting status:merged"),
    ("frequent, in a small queue", "hosting queue:abuse"), ("frequent, of long ago", "hosting before:2025-02-01"),
    ("frequent, since a day", "hosting after:2026-10-30"), ("rare, of long ago", "quarterly before:2025-02-01"),
    ("a status alone", "status:open"), ("a ticket's number", "10777"), ("Cyrillic, frequent", "сервер"), ("umlauts", "überver"),
)  # fmt: skip


def main(argv: Sequence[str]) -> int:
    """Measure one database after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--keep", type=Path, help="SQLite: make it in this file, or take the one that is there")
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one object a mark, for marks.py")
    args = parser.parse_args(argv)
    logging.disable(logging.CRITICAL)
    report = Report(as_json=args.json)
    report.say(facts())
    chosen = ("sqlite", "postgresql") if args.database == "both" else (args.database,)
    for database in chosen:
        if database == "postgresql" and not is_offered():
            report.say("PostgreSQL is not installed: left out")
            continue
        with ExitStack() as stack:
            is_kept = args.keep is not None and database == "sqlite"
            url = f"sqlite:///{args.keep}" if is_kept else next(stack.enter_context(databases(database)))
            begun = time.perf_counter()
            if not (is_kept and args.keep.exists()):
                make(url, args.messages)
            report.say(
                f"\n{database}: {args.messages:,} messages written and indexed in {time.perf_counter() - begun:.0f} s"
            )
            engine = open_engine(url)
            searches(report, database, engine, args.times)
            writing(report, database, engine)
            engine.dispose()
    return 0


def make(url: str, count: int) -> None:
    """Write tickets of three messages each, oldest first, and index them."""
    engine = open_engine(url)
    schema.upgrade(engine)
    engine.dispose()
    texts = list(itertools.islice(written(random.Random(1)), TEXTS))
    tickets, messages = _rows(count, texts)
    with _driver(url) as (execute, words):
        for statement in _switched(words, on=False):
            execute(statement)
        _fill(execute, words, TICKET, tickets)
        _fill(execute, words, MESSAGE, messages)
        for statement in _switched(words, on=True):
            execute(statement)
    engine = open_engine(url)
    with transaction(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql("SET LOCAL maintenance_work_mem = '512MB'")
            connection.exec_driver_sql("DROP INDEX search_words")
        search_index.fill(connection, lambda done, total: None)
        if engine.dialect.name == "postgresql":
            connection.exec_driver_sql("CREATE INDEX search_words ON search_entry USING gin (words)")
        tally.fill(connection)
    engine.dispose()
    with _driver(url) as (execute, words):
        for statement in words.afterwards:
            execute(statement)


def written(chance: random.Random) -> Iterator[str]:
    """Yield texts without end: sixty words of one language, the frequent ones often."""
    vocabularies = {}
    for language, syllables in SYLLABLES.items():
        parts = syllables.split()
        words = sorted({"".join(chance.choices(parts, k=chance.randint(1, 3))) for _ in range(20_000)})
        chance.shuffle(words)
        vocabularies[language] = (words, list(itertools.accumulate(1 / (place + 3) for place in range(len(words)))))
    for place in itertools.count():
        words, weights = vocabularies[chance.choice(list(SYLLABLES))]
        said = chance.choices(words, cum_weights=weights, k=60)
        said[chance.randrange(60)] = OFTEN[place % 2]
        if place % 2:
            said.insert(said.index(OFTEN[1]) + 1, "account")
        if place % 100 == 7:
            said[0] = "quarterly"
        yield " ".join(said).capitalize() + "."


def _rows(count: int, texts: Sequence[str]) -> tuple[Iterator[dict[str, Any]], Iterator[dict[str, Any]]]:
    begun = NEWEST - count * EVERY
    clock = [begun]
    ids = Ids(lambda: clock[0])
    tickets = count // A_TICKET
    blank = Ticket(
        number=1, desk=DESK, queue="support", team="support", status="closed", priority="normal", subject="",
        subjects=(), requestor="", created_at=begun, changed_at=begun,
    )  # fmt: skip

    def ticket_rows() -> Iterator[dict[str, Any]]:
        base = dict(ticket_row(blank, ""))
        for n in range(tickets):
            at, customer = begun + n * A_TICKET * EVERY, n % 30_000
            status = (
                "new"
                if n > tickets - 300
                else ("open", "waiting", "resolved")[n % 3]
                if n > tickets * 0.95
                else "closed"
            )
            yield {**base, "number": FIRST + n, "status": status, "queue": "abuse" if n % 5000 == 3 else "support",
                   "subject": _subject(n, texts), "subject_key": f"{n}", "subjects": [_subject(n, texts)],
                   "requestor": f"c{customer}@shop{customer}.example", "created_at": at, "changed_at": at}  # fmt: skip

    def message_rows() -> Iterator[dict[str, Any]]:
        base = dict(
            message_row(
                Message(id="", kind="customer", author="a", author_name="", at=begun, subject="", visible_text=""),
                1,
                "x",
            )
        )
        for n in range(tickets * A_TICKET):
            ticket, clock[0] = n // A_TICKET, begun + n * EVERY
            rare = " zirconium" if n % 100_000 == 17 else ""
            text = f"{texts[n * 7919 % len(texts)]} Order 41{n:07d}, site{ticket}.example.{rare}"
            customer = ticket % 30_000
            yield {**base, "id": ids(), "ticket": FIRST + ticket, "kind": "staff" if n % 3 == 1 else "customer",
                   "author": f"c{customer}@shop{customer}.example" if n % 3 != 1 else "ivan@team.example", "at": clock[0],
                   "subject": _subject(ticket, texts), "visible_text": text, "body": ""}  # fmt: skip

    return ticket_rows(), message_rows()


def _subject(ticket: int, texts: Sequence[str]) -> str:
    return " ".join(texts[ticket * 31 % len(texts)].split()[3:7])


def _fill(execute: Any, words: Words, table: Any, rows: Iterator[dict[str, Any]]) -> None:
    """Write rows in haste: by the driver, some thousand at a time."""
    cursor = execute.__self__.cursor()
    dialect = words.dialect
    names = [column.name for column in table.columns]
    binders = [column.type.dialect_impl(dialect).bind_processor(dialect) for column in table.columns]
    quoted = ", ".join(f'"{name}"' for name in names)

    def values(row: dict[str, Any]) -> list[Any]:
        return [
            bind(row[name]) if bind and row[name] is not None else row[name]
            for name, bind in zip(names, binders, strict=True)
        ]

    if dialect.name == "sqlite":
        cursor.execute("BEGIN")
        statement = f"INSERT INTO {table.name} ({quoted}) VALUES ({', '.join('?' * len(names))})"
        cursor.executemany(statement, map(values, rows))
        cursor.execute("COMMIT")
        return
    with cursor.copy(f"COPY {table.name} ({quoted}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(values(row))


def _switched(words: Words, *, on: bool) -> list[str]:
    """Return what takes the triggers off and puts them on again: what they do is done at once, afterwards."""
    made = [one for one in [*search_index.statements(words.dialect.name), *tally.statements(words.dialect.name)]
            if one.startswith("CREATE TRIGGER")]  # fmt: skip
    if words.dialect.name == "postgresql":
        return []  # `_driver` has switched them off
    return made if on else [f"DROP TRIGGER {one.split()[2]}" for one in made]


def searches(report: Report, database: str, engine: Engine, times: int) -> None:
    """Tell what each search takes."""
    for name, line in SEARCHES:
        walls, cpus, hits = [], [], 0
        served = _server_cpu(engine)
        for _ in range(times):
            begun, used = time.perf_counter(), time.process_time()
            with reading(engine) as connection:
                hits = len(find_tickets(connection, read_search(line), desks=[DESK]))
            walls.append(time.perf_counter() - begun)
            cpus.append(time.process_time() - used)
            if walls[-1] > 5:
                break
        report.tell(Mark(mark=f"search, {database}: {name} ({hits} hits)", value=statistics.median(walls) * 1000, unit="ms",
                         limit="at most 100"))  # fmt: skip
        served = (_server_cpu(engine) - served) / len(walls)
        report.say(
            f"    {statistics.median(cpus) * 1000:.0f} ms of this process's CPU, {served * 1000:.0f} of the server's"
        )


def _server_cpu(engine: Engine) -> float:
    """Return the processor time of the server's process behind the pool's one connection so far; SQLite has none."""
    if engine.dialect.name == "sqlite":
        return 0.0
    with reading(engine) as connection:
        return cpu_of(connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def writing(report: Report, database: str, engine: Engine) -> None:
    """Tell what a mail's message costs to write, beside the same without the index. On SQLite it is processor time, all of
    it this process's; PostgreSQL's is another's, and there it is the least time on the wall."""
    texts = list(itertools.islice(written(random.Random(2)), 1000))
    ids = Ids(lambda: NEWEST)
    clock = time.process_time if engine.dialect.name == "sqlite" else time.perf_counter

    def write(numbers: Sequence[int]) -> float:
        rows = [message_row(
            Message(id="", kind="customer", author=f"c{n}@shop.example", author_name="", at=NEWEST, subject=texts[n][:40],
                    visible_text=texts[n]), FIRST, ids(),
        ) for n in numbers]  # fmt: skip
        begun = clock()
        with transaction(engine) as connection:
            connection.execute(insert(MESSAGE), rows)
        return clock() - begun

    groups = [range(first, first + 50) for first in range(0, 1000, 50)]
    write(groups[0])
    with_, without = [], []
    for group in groups:
        with_.append(write(group) / 50)
        with unindexed(engine):
            without.append(write(group) / 50)
    chosen = statistics.mean if engine.dialect.name == "sqlite" else min  # a merge comes round now and then: it counts
    more = (chosen(with_) - chosen(without)) * 1000
    report.tell(Mark(mark=f"writing a message, {database}: the index adds", value=more, unit="ms",
                     limit=f"at most {MAIL_MS / 10}"))  # fmt: skip


class unindexed:  # noqa: N801 (reads as a verb)
    """The index's triggers are off meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._made = [one for one in search_index.statements(engine.dialect.name) if one.startswith("CREATE TRIGGER")]

    def __enter__(self) -> None:
        on = " ON message" if self._engine.dialect.name == "postgresql" else ""
        self._run([f"DROP TRIGGER {one.split()[2]}{on}" for one in self._made])

    def __exit__(self, *_: object) -> None:
        self._run(self._made)

    def _run(self, statements: Sequence[str]) -> None:
        with transaction(self._engine) as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

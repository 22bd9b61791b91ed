"""A virtual year of a desk: 100,000 mails at realistic times through the real core, every deadline accounted for.

python bench/year.py [--mails N] [--days D] [--profile] [--json]
"""

import argparse
import cProfile
import json
import pstats
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from load.life import DESK, SERVER, STAFF, START, Life, Planned
from sqlalchemy import Connection, Engine, event, func, select

from mailgate import app, config, phrases, templates
from mailgate.apply import note_sent
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.model.decision import Save
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.pipeline import House
from mailgate.scheduler import Scheduler, next_due
from mailgate.store import outbox, people, schema
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import counted_ids
from mailgate.store.outbox import OUTBOX
from mailgate.store.statistics import day_figures, total
from mailgate.store.tables import ARRIVAL, DEADLINE, TICKET

ONCE = ("ack", "split_notice", "merged")


class Year:
    """One desk on a clock of its own, a database in `folder`, and nobody outside."""

    def __init__(self, folder: Path, mails: int, days: float, seed: int = 1) -> None:
        self.life = Life(mails, days, seed)
        self.now = START
        self.outcomes: Counter[str] = Counter()
        self._due: datetime | None = START
        self._is_clock = True
        desk = config.load_desk(DESK)
        settings = Settings(
            desks={DESK: desk}, secret=b"a virtual secret of no use elsewhere", database_url=f"sqlite:///{folder}/year.db", blobs_url="memory:",
            smtp=SmtpSettings(hostname=SERVER), relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
        )  # fmt: skip
        self.desk, self._recipients = desk, Recipients.of(settings)
        self._ids = counted_ids(lambda: self.now)
        self.house = House(
            settings=settings, engine=_open(settings.database_url), templates=templates.load(), phrases=phrases.load(),
            ids=self._ids, clock=lambda: self.now, raw_of=lambda digest: None,
        )  # fmt: skip
        self._scheduler = Scheduler(self.house)
        schema.upgrade(self.house.engine)
        self._introduce()
        self._scheduler.start()

    def play(self) -> None:
        """Let the year pass, and three weeks more in which nobody writes."""
        for planned in self.life.mails():
            if (
                planned.kind in ("answer", "command", "more", "thanks", "vacation", "bounce")
                and not planned.thread.number
            ):
                continue
            self._run_to(planned.at)
            self._receive(planned)
        self._run_to(self.now + timedelta(days=22))

    def _receive(self, planned: Planned) -> None:
        raw, to, sender = self.life.raw(planned)
        envelope = Envelope(
            channel="smtp",
            sender=sender,
            recipients=(to,),
            peer="127.0.0.1",
            helo="x.example",
            is_trusted=True,
        )
        arrival = arrivals_of(raw, envelope, self._recipients, self._ids, self.now)[0].arrival
        mail = self.house.read(raw)
        with transaction(self.house.engine) as connection:
            received = self.house.receive(connection, arrival, mail)[0]
            self._leave(connection)
        self.outcomes[str(received.decision.outcome)] += 1
        saved = [one.after.ticket for one in received.decision.effects if isinstance(one, Save)]
        self.life.happened(planned, received.shown["ticket"], bool(saved) and saved[-1].status in ("new", "open"))

    def _run_to(self, moment: datetime) -> None:
        while self._due is not None and self._due <= moment:
            self.now = max(self.now, self._due)
            if self._is_clock:
                self._scheduler.tick()
            with transaction(self.house.engine) as connection:
                self._leave(connection)
        self.now = max(self.now, moment)

    def _leave(self, connection: Connection) -> None:
        """Let leave what is due, and look what is due next."""
        for letter in outbox.claim(connection, self.now, 500, 600, "year"):
            outbox.settle_sent(connection, letter, self.now)
            note_sent(connection, letter, self.now)
        clock, letters = next_due(connection), outbox.due_at(connection)
        self._due = min((one for one in (clock, letters) if one is not None), default=None)
        self._is_clock = clock is not None and clock == self._due

    def _introduce(self) -> None:
        with transaction(self.house.engine) as connection:
            for team, count in STAFF.items():
                for number in range(count):
                    role: Any = "lead" if number == 0 else "staff"
                    person = Staff(
                        desk=DESK,
                        address=f"{team}{number}@team.example",
                        name=f"{team.title()} {number}",
                        teams=(team,),
                        role=role,
                    )
                    people.put_staff(connection, person)
            for number in range(self.life.customers):
                language = ("ru", "uk", "en")[number % 3]
                account = Account(
                    id="",
                    desk=DESK,
                    number=str(100_000 + number),
                    login=f"c{number}",
                    name=f"Shop {number}",
                    language=language,
                )
                id_, _ = people.put_account(connection, account, self._ids)
                contact = Contact(id="", account=account, address=f"c{number}@site{number}.example")
                people.put_contact(connection, contact, id_, self._ids)


def _open(url: str) -> Engine:
    """Return the engine for a file, as a desk has it, but for what a power cut would leave: a virtual year may be lost.
    In memory it is slower: SQLite 3.40 looks through all pages that it holds at commits after a page was split."""
    engine = open_engine(url)

    @event.listens_for(engine, "connect")
    def hasten(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    return engine


def deadlines(connection: Connection) -> dict[str, Counter[str]]:
    """Count deadlines by kind and state; `paused` counts as pending."""
    found: dict[str, Counter[str]] = {}
    query = select(DEADLINE.c.kind, DEADLINE.c.state, func.count().label("n")).group_by(
        DEADLINE.c.kind, DEADLINE.c.state
    )
    for row in connection.execute(query):
        found.setdefault(row.kind, Counter())["pending" if row.state == "paused" else row.state] += row.n
    return found


def complaints(connection: Connection, now: datetime) -> list[str]:
    """Return everything that does not add up."""
    found: list[str] = []
    opened = dict(
        (row.kind, row.n)
        for row in connection.execute(select(DEADLINE.c.kind, func.count().label("n")).group_by(DEADLINE.c.kind))
    )
    for kind, states in deadlines(connection).items():
        if sum(states[state] for state in ("met", "breached", "cancelled", "pending")) != opened[kind]:
            found.append(f"{kind}: {opened[kind]} opened, {dict(states)}")
    late = select(func.count()).where(DEADLINE.c.state == "pending", DEADLINE.c.next_at < now)
    overdue = connection.execute(late).scalar_one()
    found += [f"{overdue} deadlines are due and did not fire"] if overdue else []
    over = select(func.count()).select_from(DEADLINE.join(TICKET, TICKET.c.number == DEADLINE.c.ticket))
    over = over.where(TICKET.c.status == "closed", DEADLINE.c.state.in_(("pending", "paused")))
    running = connection.execute(over).scalar_one()
    found += [f"{running} clocks run on closed tickets"] if running else []
    return found + _doubles(connection)


def _doubles(connection: Connection) -> list[str]:
    """Return letters that were written twice (P2)."""
    found: list[str] = []
    # by the mail that it came of, not by our own row of it: the same mail taken twice has two rows, and is caught
    same = (OUTBOX.c.kind, OUTBOX.c.to_address, OUTBOX.c.ticket, OUTBOX.c.text, OUTBOX.c.created_at, ARRIVAL.c.digest)
    query = (
        select(*same, func.count().label("n"))
        .join(ARRIVAL, ARRIVAL.c.id == OUTBOX.c.arrival, isouter=True)
        .where(OUTBOX.c.state == "sent")
        .group_by(*same)
        .having(func.count() > 1)
    )
    found += [
        f"{row.n} times {row.kind} to {row.to_address} on {row.ticket} at {row.created_at}"
        for row in connection.execute(query)
    ]
    once = (OUTBOX.c.kind, OUTBOX.c.ticket)
    query = (
        select(*once, func.count().label("n")).where(OUTBOX.c.kind.in_(ONCE), OUTBOX.c.state == "sent").group_by(*once)
    )
    found += [f"{row.n} times {row.kind} on {row.ticket}" for row in connection.execute(query.having(func.count() > 1))]
    reply = (OUTBOX.c.message, OUTBOX.c.to_address)
    query = (
        select(*reply, func.count().label("n"))
        .where(OUTBOX.c.kind == "relay", OUTBOX.c.state == "sent")
        .group_by(*reply)
    )
    found += [
        f"{row.n} times a reply to {row.to_address}" for row in connection.execute(query.having(func.count() > 1))
    ]
    ids = connection.execute(select(func.count() - func.count(OUTBOX.c.message_id.distinct()))).scalar_one()
    return found + ([f"{ids} Message-IDs stand twice"] if ids else [])


def report(year: Year) -> dict[str, Any]:
    """Return the figures of the year, to read and to compare."""
    with reading(year.house.engine) as connection:
        states = deadlines(connection)
        letters = {
            row.kind: row.n
            for row in connection.execute(
                select(OUTBOX.c.kind, func.count().label("n")).where(OUTBOX.c.state == "sent").group_by(OUTBOX.c.kind)
            )
        }
        tickets = {
            row.status: row.n
            for row in connection.execute(select(TICKET.c.status, func.count().label("n")).group_by(TICKET.c.status))
        }
        mails = connection.execute(select(func.count()).select_from(ARRIVAL)).scalar_one()
        days = day_figures(connection, {DESK: year.desk.timezone}, START - timedelta(days=1), year.now)
        wrong = complaints(connection, year.now)
    return {"mails": mails, "outcomes": dict(year.outcomes), "tickets": tickets, "deadlines": {kind: dict(one) for kind, one in sorted(states.items())},
            "letters": letters, "sla": _quarters(days), "complaints": wrong}  # fmt: skip


def _quarters(days: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the SLA of each queue by quarter."""
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in days:
        day = str(one["day"])
        groups.setdefault((one["queue"], f"{day[:4]} Q{(int(day[5:7]) + 2) // 3}"), []).append(one)
    return [
        {"queue": queue, "quarter": quarter, **total(rows), "p50": _median(rows, "p50"), "p90": _median(rows, "p90")}
        for (queue, quarter), rows in sorted(groups.items())
    ]


def _median(rows: list[dict[str, Any]], which: str) -> int:
    values = sorted(
        row[f"first_response_{which}_seconds"] for row in rows if row[f"first_response_{which}_seconds"] is not None
    )
    return values[len(values) // 2] if values else 0


def _print(found: dict[str, Any], seconds: float, cpu: float) -> None:
    each = 1000 * cpu / max(1, found["mails"])
    print(f"{found['mails']:,} mails in {seconds:,.0f} s, {cpu:,.0f} s of one core: {each:.1f} ms a mail")
    print("outcomes   " + ", ".join(f"{name} {count:,}" for name, count in sorted(found["outcomes"].items())))
    print("tickets    " + ", ".join(f"{name} {count:,}" for name, count in sorted(found["tickets"].items())))
    print("letters    " + ", ".join(f"{name} {count:,}" for name, count in sorted(found["letters"].items())))
    print(f"\n{'deadline':<16}{'opened':>9}{'met':>9}{'breached':>9}{'cancelled':>10}{'pending':>9}")
    for kind, states in found["deadlines"].items():
        counts = [states.get(state, 0) for state in ("met", "breached", "cancelled", "pending")]
        print(
            f"{kind:<16}{sum(counts):>9,}"
            + "".join(f"{count:>{width},}" for count, width in zip(counts, (9, 9, 10, 9), strict=True))
        )
    print(
        f"\n{'queue':<10}{'quarter':<10}{'opened':>8}{'answered':>9}{'kept':>8}{'breached':>9}{'kept %':>8}{'p50 min':>9}{'p90 min':>9}"
    )
    for row in found["sla"]:
        ended = row["kept"] + row["breached"]
        share = f"{100 * row['kept'] / ended:.1f}" if ended else "-"
        print(
            f"{row['queue']:<10}{row['quarter']:<10}{row['opened']:>8,}{row['answered']:>9,}{row['kept']:>8,}{row['breached']:>9,}{share:>8}{row['p50'] / 60:>9.0f}{row['p90'] / 60:>9.0f}"
        )
    print("\n" + ("\n".join(found["complaints"][:20]) or "every deadline is accounted for, no letter was sent twice"))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--days", type=float, default=365)
    parser.add_argument("--profile", action="store_true", help="say what the time goes to")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailgate-year-") as folder:
        return _run(Path(folder), args)


def _run(folder: Path, args: argparse.Namespace) -> int:
    year, started, used = Year(folder, args.mails, args.days), time.perf_counter(), time.process_time()
    app.settle_memory()
    profile = cProfile.Profile() if args.profile else None
    if profile:
        profile.runcall(year.play)
        pstats.Stats(profile).sort_stats("tottime").print_stats(40)
        pstats.Stats(profile).sort_stats("cumulative").print_stats(60)
    else:
        year.play()
    seconds, cpu = time.perf_counter() - started, time.process_time() - used
    found = report(year)
    if args.json:
        print(json.dumps({**found, "seconds": round(seconds, 1), "cpu_seconds": round(cpu, 1)}))
    else:
        _print(found, seconds, cpu)
    return 1 if found["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())

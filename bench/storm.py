"""The storm: mail from all sides while daemons are killed with -9 and the relay fails one time in five; then the count.

`make storm`, or `python bench/storm.py --mails 10000 --database postgresql --daemons 3`. All of it on loopback, in a
folder of its own; only processes that it started are killed. Every fault it finds is printed, and the exit code is 1.
"""

import argparse
import asyncio
import hashlib
import imaplib
import json
import os
import random
import shutil
import signal
import smtplib
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event, Thread

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import distinct, func, select  # noqa: E402

from mailgate import config as configuration  # noqa: E402
from mailgate.app import Built  # noqa: E402
from mailgate.config.directory import write_directory  # noqa: E402
from mailgate.store.engine import reading, transaction  # noqa: E402
from mailgate.store.inbox import INBOX  # noqa: E402
from mailgate.store.outbox import OUTBOX  # noqa: E402
from mailgate.store.tables import ARRIVAL, EVENT, MESSAGE, TICKET  # noqa: E402
from tests.conftest import find_server  # noqa: E402
from tests.imap import dovecot  # noqa: E402
from tests.serve.daemon import Daemon, mail  # noqa: E402
from tests.store.databases import fresh_database  # noqa: E402
from tests.store.postgresql import programs, running  # noqa: E402

FAILS = 0.2  # of what the relay is asked for
FLOOD = 20  # mails of one sender, who gets five acks and no more (A3)
ANSWERED = 5  # every so manieth question has an answer to it, from a colleague in Cc
PAUSE = (1.0, 4.0)  # seconds between two kills


_ACCOUNT = """
[[imap]]
url = "imap://storm@127.0.0.1:{port}/INBOX"
password_file = "password"
mailbox = "support@flexihost.example"
after = "seen"
"""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One storm."""

    mails: int
    database: str = "sqlite"
    daemons: int = 1
    processes: int = 1
    senders: int = 6
    seconds: float = 1800.0
    seed: int = 0


@dataclass(frozen=True)
class Sheet:
    """A mail to be sent, and the mail whose ticket it belongs to (its own, where it asks something new)."""

    id: str
    sender: str
    raw: bytes
    belongs_to: str


@dataclass
class Outcome:
    """What a storm came to."""

    plan: Plan
    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def must(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)


class Relay(Thread):
    """A mail server that fails one time in five: refuses for now, hangs up, or hangs up when it has taken the mail."""

    def __init__(self, seed: int) -> None:
        super().__init__(daemon=True)
        self.port = 0
        self.taken: list[tuple[str, str]] = []  # Message-ID, digest
        self.failed: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._is_up = Event()
        self._loop = asyncio.new_event_loop()
        self.start()
        assert self._is_up.wait(10)

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24))
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        self._loop.run_forever()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        with suppress(ConnectionError):
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example\r\n")
        way = ""
        while line := (await reader.readuntil(b"\r\n")).upper().rstrip():
            verb = line.split(b" ", 1)[0]
            if verb == b"MAIL":
                way = (
                    self._chance.choice(["mail", "rcpt", "hang", "end", "lost"])
                    if self._chance.random() < FAILS
                    else ""
                )
                self.failed.update([way] if way else [])
            if (verb, way) in ((b"MAIL", "mail"), (b"RCPT", "rcpt")):
                writer.write(b"451 4.3.0 not now\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                if way == "hang":
                    return
                if way == "end":
                    writer.write(b"452 4.3.1 no room\r\n")
                    continue
                self._take(raw)
                if way == "lost":
                    return  # it has it, and we do not know
                writer.write(b"250 2.0.0 kept\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250-relay.example\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 ok\r\n")
            await writer.drain()

    def _take(self, raw: bytes) -> None:
        head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        name = next(line for line in head.splitlines() if line.lower().startswith("message-id:"))
        self.taken.append((name.partition(":")[2].strip().strip("<>"), hashlib.sha256(raw).hexdigest()))


class Senders:
    """Well-behaved mail servers: each mail is tried until somebody says 250."""

    def __init__(self, sheets: Sequence[Sheet], ports: Sequence[tuple[str, int]], count: int, end: float) -> None:
        self._waiting: SimpleQueue[Sheet] = SimpleQueue()
        for sheet in sheets:
            self._waiting.put(sheet)
        self._ports, self._end = ports, end
        self.repeats = 0
        self.accepted: set[str] = set()
        self.threads = [Thread(target=self._work, args=(place,), daemon=True) for place in range(count)]
        for thread in self.threads:
            thread.start()

    def are_busy(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def _work(self, place: int) -> None:
        chance = random.Random(place)
        while time.monotonic() < self._end:
            try:
                sheet = self._waiting.get_nowait()
            except Empty:
                return
            while time.monotonic() < self._end and not self._is_taken(sheet, chance.choice(self._ports)):
                self.repeats += 1
                time.sleep(chance.uniform(0.05, 0.5))

    def _is_taken(self, sheet: Sheet, way: tuple[str, int]) -> bool:
        channel, port = way
        if channel == "imap":
            return self._is_put(sheet, port)
        client = smtplib.LMTP if channel == "lmtp" else smtplib.SMTP
        try:
            with client("127.0.0.1", port, timeout=20) as line:
                line.sendmail(sheet.sender, ["support@flexihost.example"], sheet.raw)
        except smtplib.SMTPServerDisconnected as error:
            # whether QUIT was heard is nobody's business; whether DATA was, is: without a 250 it comes again
            return "QUIT" in str(error)
        except (OSError, smtplib.SMTPException):
            return False
        self.accepted.add(sheet.id)
        return True

    def _is_put(self, sheet: Sheet, port: int) -> bool:
        """Into the mailbox that all daemons fetch from."""
        try:
            with imaplib.IMAP4("127.0.0.1", port, timeout=20) as client:
                client.login("storm", dovecot.PASSWORD)
                is_put = client.append("INBOX", "", "", sheet.raw)[0] == "OK"
        except (OSError, imaplib.IMAP4.error):
            return False
        self.accepted.update([sheet.id] if is_put else [])
        return is_put


def sheets_of(count: int, seed: int) -> list[Sheet]:
    """Return so many mails, in no order: questions, answers of colleagues to them, and one who writes too much."""
    found: list[Sheet] = []
    place = 0
    while len(found) < count:
        place += 1
        who, one = f"person{place}@elsewhere{place}.example", f"q{place}@elsewhere.example"
        is_flood = place % max(2, count // FLOOD) == 0
        sender = "flood@elsewhere.example" if is_flood else who
        asked = mail(f"Hello, number {place} does not work.", sender=sender, auth="none", message_id=one,
                     subject=f"Trouble with {_word(place)}", Cc=f"colleague@elsewhere{place}.example")  # fmt: skip
        found.append(Sheet(one, sender, asked, one))
        if place % ANSWERED == 0 and not is_flood and len(found) < count:
            other, two = f"colleague@elsewhere{place}.example", f"a{place}@elsewhere.example"
            answer = mail("It is still so.", sender=other, auth="none", message_id=two, In_Reply_To=f"<{one}>", Cc=who,
                          subject=f"Re: Trouble with {_word(place)}")  # fmt: skip
            found.append(Sheet(two, other, answer, one))
    random.Random(seed).shuffle(found)
    return found


def _word(place: int) -> str:
    return "".join(chr(97 + int(digit)) * 2 for digit in str(place)) + f" matter {place}"


def storm(plan: Plan, say: bool = False) -> Outcome:
    """Let it blow, and look at what is left."""
    folder = Path(tempfile.mkdtemp(prefix="mailgate-storm-"))
    outcome = Outcome(plan)
    with ExitStack() as stack:
        environ = {"MAILGATE_SMTP__MAX_PER_PEER": "100", "MAILGATE_WORKER__PROCESSES": str(plan.processes)}
        if plan.database == "postgresql":
            environ["MAILGATE_DATABASE__URL"] = stack.enter_context(fresh_database(stack.enter_context(running())))
        relay = Relay(plan.seed)
        stack.callback(relay.stop)
        environ["MAILGATE_RELAY__URL"] = f"smtp://127.0.0.1:{relay.port}"
        box = stack.enter_context(dovecot.running()) if find_server("dovecot") else None
        daemons = stack.enter_context(_daemons(folder, environ, plan, box))
        ports = [(name, int(one.lines[name].rpartition(":")[2])) for one in daemons for name in ("smtp", "lmtp")]
        ports += [("imap", box.port)] * plan.daemons if box else []
        with _built(daemons[0]) as built:
            _blow(plan, daemons, ports, built, relay, outcome, say)
            _look(plan, built, relay, outcome)
    if outcome.faults:
        outcome.figures["folder"] = str(folder)  # to be looked into
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _blow(
    plan: Plan, daemons: list[Daemon], ports: list[tuple[str, int]], built: Built, relay: Relay, outcome: Outcome,
    say: bool,
) -> None:  # fmt: skip
    chance = random.Random(plan.seed + 1)
    begun, end = time.monotonic(), time.monotonic() + plan.seconds
    senders = Senders(sheets_of(plan.mails, plan.seed), ports, plan.senders, end)
    kills: Counter[str] = Counter()
    while senders.are_busy() and time.monotonic() < end:
        time.sleep(chance.uniform(*PAUSE))
        kills[_kill(chance.choice(daemons), chance)] += 1
        if say:
            print(f"  {time.monotonic() - begun:6.1f} s  {len(senders.accepted)} accepted, {sum(kills.values())} kills")
    accepted = time.monotonic() - begun
    calm = time.monotonic() + min(60.0, plan.mails / 25)
    while not _is_settled(built, plan.mails) and time.monotonic() < end:
        time.sleep(chance.uniform(*PAUSE) if time.monotonic() < calm else 0.5)
        if time.monotonic() < calm:
            kills[_kill(chance.choice(daemons), chance)] += 1
        _retry(built)
    outcome.figures |= {
        "mails": plan.mails, "accepted": len(senders.accepted), "repeats": senders.repeats,
        "accepted_seconds": round(accepted, 1), "settled_seconds": round(time.monotonic() - begun, 1),
        "kills": dict(kills), "relay_failures": dict(relay.failed),
    }  # fmt: skip
    outcome.must(not senders.are_busy() and len(senders.accepted) == plan.mails, "not every mail was accepted in time")
    outcome.must(_is_settled(built, plan.mails), "not everything was settled in time")


def _kill(daemon: Daemon, chance: random.Random) -> str:
    """Kill a daemon, or a worker of it, with -9; start what was killed."""
    with suppress(OSError):
        if chance.random() < 0.3 and (workers := daemon.workers()):
            daemon.kill(chance.choice(workers))
            return "workers"
    daemon.kill()
    daemon.start()
    return "daemons"


def _is_settled(built: Built, wanted: int) -> bool:
    with reading(built.inbox_engine) as connection:
        if connection.execute(select(INBOX.c.id).where(INBOX.c.state == "waiting").limit(1)).first():
            return False
    with reading(built.engine) as connection:
        # what lies in the mailbox is accepted, and not yet here
        there = connection.execute(select(func.count(distinct(ARRIVAL.c.message_id)))).scalar_one()
        return (
            there >= wanted
            and not connection.execute(
                select(OUTBOX.c.id).where(OUTBOX.c.state.in_(("waiting", "sending"))).limit(1)
            ).first()
        )


def _retry(built: Built) -> None:
    """What the relay refused waits for a minute and more, longer each time: here it is due at once."""
    with transaction(built.engine) as connection:
        connection.execute(OUTBOX.update().where(OUTBOX.c.state == "waiting").values(next_at=built.house.clock()))


def _look(plan: Plan, built: Built, relay: Relay, outcome: Outcome) -> None:
    sheets = {sheet.id: sheet for sheet in sheets_of(plan.mails, plan.seed)}
    with reading(built.engine) as connection:
        arrivals = connection.execute(
            select(ARRIVAL.c.message_id, ARRIVAL.c.outcome, ARRIVAL.c.ticket, ARRIVAL.c.digest)
        ).all()
        messages = connection.execute(
            select(MESSAGE.c.message_id, MESSAGE.c.ticket).where(MESSAGE.c.kind == "customer")
        ).all()
        tickets = set(connection.execute(select(TICKET.c.number)).scalars())
        letters = connection.execute(
            select(OUTBOX.c.message_id, OUTBOX.c.kind, OUTBOX.c.ticket, OUTBOX.c.state, OUTBOX.c.reason)
        ).all()
        left_out = connection.execute(select(EVENT.c.ticket, EVENT.c.detail).where(EVENT.c.kind == "left_out")).all()
    with reading(built.inbox_engine) as connection:
        given_up = connection.execute(select(INBOX.c.id, INBOX.c.reason).where(INBOX.c.state == "given_up")).all()
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in arrivals:
        outcomes[row.message_id][row.outcome] += 1
    ticket_of: dict[str, list[int]] = defaultdict(list)
    for row in messages:
        ticket_of[row.message_id].append(row.ticket)
    for sheet in sheets.values():
        decided = {name: count for name, count in outcomes[sheet.id].items() if name != "duplicate"}
        outcome.must(sum(decided.values()) == 1 and set(decided) <= {"new", "follow_up"}, f"{sheet.id}: {decided}")
        outcome.must(len(ticket_of[sheet.id]) == 1, f"{sheet.id} is on {ticket_of[sheet.id]}")
        outcome.must(ticket_of[sheet.id] == ticket_of[sheet.belongs_to], f"{sheet.id} is apart from {sheet.belongs_to}")
    outcome.must(len(tickets) == len({sheet.belongs_to for sheet in sheets.values()}), f"{len(tickets)} tickets")
    _look_at_letters(tickets, letters, left_out, relay, outcome)
    outcome.must(not given_up, f"given up: {[tuple(row) for row in given_up[:5]]}")
    digests = {row.digest for row in arrivals}
    lost = [digest for digest in digests if built.house.raw_of(digest) is None]
    outcome.must(not lost, f"raw mail is lost: {lost[:5]}")
    outcome.figures |= {
        "tickets": len(tickets), "duplicates": sum(found["duplicate"] for found in outcomes.values()),
        "letters": len(letters), "given_by_relay": len(relay.taken),
    }  # fmt: skip


def _look_at_letters(
    tickets: set[int], letters: Sequence[object], left_out: Sequence[object], relay: Relay, outcome: Outcome
) -> None:
    acks = Counter(row.ticket for row in letters if row.kind == "ack")  # type: ignore[attr-defined]
    excused = {row.ticket for row in left_out if row.detail["text"].startswith("ack ")}  # type: ignore[attr-defined]
    for number in tickets:
        fine = acks[number] == 1 and number not in excused or acks[number] == 0 and number in excused
        outcome.must(fine, f"ticket {number}: {acks[number]} acks" + (", left out too" if number in excused else ""))
    unsent = [tuple(row) for row in letters if row.state != "sent"]  # type: ignore[attr-defined,call-overload]
    outcome.must(not unsent, f"{len(unsent)} letters have not left: {unsent[:3]}")
    own = {row.message_id for row in letters}  # type: ignore[attr-defined]
    outcome.must(len(own) == len(letters), "letters share a Message-ID")
    came: dict[str, set[str]] = defaultdict(set)
    for message_id, digest in relay.taken:
        came[message_id].add(digest)
    outcome.must(own == set(came), f"{len(own - set(came))} letters are missing, {len(set(came) - own)} are nobody's")
    changed = [message_id for message_id, digests in came.items() if len(digests) > 1]
    outcome.must(not changed, f"repeats that differ: {changed[:3]}")
    outcome.figures |= {"acks": sum(acks.values()), "acks_left_out": len(excused),
                        "letters_repeated": len(relay.taken) - len(came)}  # fmt: skip


@contextmanager
def _daemons(folder: Path, environ: dict[str, str], plan: Plan, box: dovecot.Dovecot | None) -> Iterator[list[Daemon]]:
    first = Daemon(folder, environ=dict(environ))
    write_directory(folder, ["flexihost"])
    if box is not None:
        (folder / "password").write_text(dovecot.PASSWORD)
        with open(first.config, "a") as out:
            out.write(_ACCOUNT.format(port=box.port))
    with _built(first) as built:
        built.upgrade()
    found = []
    try:
        for _ in range(plan.daemons):
            one = Daemon(folder, environ={**environ, "MAILGATE_LMTP__LISTEN": "127.0.0.1:0"})
            found.append(one)
            one.start()
            for name in ("smtp", "lmtp"):  # the same ports after each start
                one.environ[f"MAILGATE_{name.upper()}__LISTEN"] = one.lines[name]
        yield found
    finally:
        for one in found:
            if one.process is not None and one.process.poll() is None:
                one.stop()


@contextmanager
def _built(daemon: Daemon) -> Iterator[Built]:
    built = Built(configuration.load(daemon.config, daemon.environ))
    try:
        yield built
    finally:
        built.close()


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that all that was started is ended
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=10_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--daemons", type=int, help="one on SQLite; several share a PostgreSQL")
    parser.add_argument("--processes", type=int, default=1, help="workers of each daemon")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--seconds", type=float, default=1800.0, help="at most, for each storm")
    args = parser.parse_args()
    ways = [(args.database or "sqlite", args.daemons or 1)] if args.database or args.daemons else [("sqlite", 1)]
    if not (args.database or args.daemons) and programs():
        ways += [("postgresql", 1), ("postgresql", 3)]
    faults = 0
    for database, daemons in ways:
        print(f"{args.mails} mails into {daemons} on {database}, seed {args.seed}", flush=True)
        plan = Plan(mails=args.mails, database=database, daemons=daemons, processes=args.processes, seed=args.seed,
                    seconds=args.seconds)  # fmt: skip
        outcome = storm(plan, say=True)
        print(json.dumps(outcome.figures), flush=True)
        for fault in outcome.faults[:20]:
            print(f"  FAULT {fault}")
        print(f"{'all is there, once' if not outcome.faults else f'{len(outcome.faults)} faults'}", flush=True)
        faults += len(outcome.faults)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

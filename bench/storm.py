"""The storm: mail from all sides while daemons are killed with -9 and the relay fails one time in five; then the count.

`make storm` lets four of them blow, one and three daemons on either database; `python bench/storm.py --mails 1000
--database postgresql --daemons 3` lets one. All of it on loopback, in a folder of its own; only processes that it started
are killed. It ends in time, every fault it finds is printed, and then the exit code is 1.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Timer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from sqlalchemy import distinct, func, select  # noqa: E402

from bench.load.machine import facts  # noqa: E402
from bench.load.weather import Relay, Senders, sheets_of  # noqa: E402
from mailgate import config as configuration  # noqa: E402
from mailgate.app import Built  # noqa: E402
from mailgate.config.directory import write_directory  # noqa: E402
from mailgate.store.engine import reading, transaction  # noqa: E402
from mailgate.store.inbox import INBOX  # noqa: E402
from mailgate.store.outbox import OUTBOX  # noqa: E402
from mailgate.store.tables import ARRIVAL, EVENT, MESSAGE, TICKET  # noqa: E402
from tests.conftest import find_server  # noqa: E402
from tests.imap import dovecot  # noqa: E402
from tests.serve.daemon import Daemon  # noqa: E402
from tests.store.databases import fresh_database  # noqa: E402
from tests.store.postgresql import is_offered, running  # noqa: E402

STORMS = (("sqlite", 1), ("sqlite", 3), ("postgresql", 1), ("postgresql", 3))
SAY = 10.0  # seconds between two lines
GRACE = 60.0  # seconds beyond its time after which a storm is ended by force
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
    mails_per_second: float = 1000.0  # all senders together: a short storm is not to be over before it begins
    pause: tuple[float, float] = (1.0, 4.0)  # seconds between two kills
    seconds: float = 1800.0
    seed: int = 0


@dataclass
class Outcome:
    """What a storm came to."""

    plan: Plan
    figures: dict[str, object] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def must(self, holds: bool, fault: str) -> None:
        if not holds:
            self.faults.append(fault)


def storm(plan: Plan, say: bool = False) -> Outcome:
    """Let it blow, and look at what is left. Whatever goes wrong is a fault, and it takes no longer than it may."""
    folder = Path(tempfile.mkdtemp(prefix="mailgate-storm-"))
    outcome = Outcome(plan)
    try:
        _let_blow(plan, folder, outcome, say)
    except Exception as error:
        outcome.faults.append(f"it broke off: {error!r}\n{traceback.format_exc(limit=-6)}")
    if outcome.faults:
        outcome.figures["folder"] = str(folder)  # to be looked into
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _let_blow(plan: Plan, folder: Path, outcome: Outcome, say: bool) -> None:
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


def _blow(
    plan: Plan, daemons: list[Daemon], ports: list[tuple[str, int]], built: Built, relay: Relay, outcome: Outcome,
    say: bool,
) -> None:  # fmt: skip
    chance = random.Random(plan.seed + 1)
    begun = said = time.monotonic()
    end = begun + plan.seconds
    senders = Senders(sheets_of(plan.mails, plan.seed), ports, plan.senders, plan.mails_per_second, end)
    kills: Counter[str] = Counter()
    while senders.are_busy() and time.monotonic() < end:
        time.sleep(chance.uniform(*plan.pause))
        kills[_kill(chance.choice(daemons), chance)] += 1
        if say and time.monotonic() - said > SAY:
            said = time.monotonic()
            accepted = len(senders.accepted)
            print(f"  {said - begun:6.1f} s  {accepted} accepted, {sum(kills.values())} kills", flush=True)
    taken = time.monotonic() - begun
    calm = time.monotonic() + min(60.0, plan.mails / 25)
    while not _is_settled(built, plan.mails) and time.monotonic() < end:
        time.sleep(chance.uniform(*plan.pause) if time.monotonic() < calm else 0.5)
        if time.monotonic() < calm:
            kills[_kill(chance.choice(daemons), chance)] += 1
        _retry(built)
    outcome.figures |= {
        "mails": plan.mails, "accepted": len(senders.accepted), "ways": dict(senders.ways), "repeats": senders.repeats,
        "accepted_seconds": round(taken, 1), "settled_seconds": round(time.monotonic() - begun, 1), "kills": dict(kills),
        "relay_asked": relay.asked, "relay_failures": dict(relay.failed),
    }  # fmt: skip
    missing = plan.mails - len(senders.accepted)
    outcome.must(not missing, f"{missing} mails were not accepted within {plan.seconds:.0f} s")
    outcome.must(_is_settled(built, plan.mails), f"not everything was read and sent within {plan.seconds:.0f} s")
    outcome.must(kills["daemons"] > 0 and relay.failed.total() > 0, "there was no storm: nothing was killed, or failed")
    idle = {way for way, _ in ports} - set(senders.ways)
    outcome.must(not idle, f"no mail came over {', '.join(sorted(idle))}")


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
    excused = {row.ticket for row in left_out if _is_excuse(row.detail["text"])}  # type: ignore[attr-defined]
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


def _is_excuse(text: str) -> bool:
    """Was an ack left out for a reason that the rules have?"""
    return text.startswith("ack ") and text.endswith("(A3)")


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
    found: list[Daemon] = []
    watch = Timer(plan.seconds + GRACE, lambda: [_end(one) for one in found])  # one that hangs would hang us
    watch.daemon = True
    watch.start()
    try:
        found += [
            Daemon(folder, environ={**environ, "MAILGATE_LMTP__LISTEN": "127.0.0.1:0"}) for _ in range(plan.daemons)
        ]
        with ThreadPoolExecutor() as pool:
            list(pool.map(Daemon.start, found))
        for one in found:
            for name in ("smtp", "lmtp"):  # the same ports after each start
                one.environ[f"MAILGATE_{name.upper()}__LISTEN"] = one.lines[name]
        yield found
    finally:
        watch.cancel()
        _stop(found)


def _stop(daemons: Sequence[Daemon]) -> None:
    """End them in peace, all at once; one that does not is killed, and that is a fault."""
    up = [one for one in daemons if one.process is not None and one.process.poll() is None]
    for one in up:
        one.process.send_signal(signal.SIGTERM)  # type: ignore[union-attr]
    deaf = []
    for one in up:
        try:
            one.process.wait(30)  # type: ignore[union-attr]
        except subprocess.TimeoutExpired:
            deaf.append(one.pid)
            _end(one)
    if deaf:
        raise TimeoutError(f"daemons {deaf} did not end within 30 s")


def _end(daemon: Daemon) -> None:
    if daemon.process is not None and daemon.process.poll() is None:
        daemon.process.kill()


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
    parser.add_argument("--database", choices=("sqlite", "postgresql"), help="default: both")
    parser.add_argument("--daemons", type=int, choices=(1, 3), help="default: one, then three")
    parser.add_argument("--processes", type=int, default=1, help="workers of each daemon")
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(3)))
    parser.add_argument("--seconds", type=float, default=1800.0, help="at most, for each storm")
    args = parser.parse_args()
    ways = [
        (database, daemons) for database, daemons in STORMS
        if args.database in (None, database) and args.daemons in (None, daemons)
    ]  # fmt: skip
    print(facts(), flush=True)
    if not find_server("dovecot"):
        print("IMAP is left out: Dovecot is not installed", flush=True)
    if not is_offered() and any(database == "postgresql" for database, _ in ways):
        print("PostgreSQL is left out: it is not installed", flush=True)
        ways = [(database, daemons) for database, daemons in ways if database != "postgresql"]
    broken = 0
    for database, daemons in ways:
        plan = Plan(mails=args.mails, database=database, daemons=daemons, processes=args.processes, seed=args.seed,
                    seconds=args.seconds)  # fmt: skip
        print(f"\n{args.mails} mails into {_several(daemons)} on {database}, seed {args.seed}", flush=True)
        broken += not _is_fine(plan)
    print(f"\n{len(ways) - broken} of {len(ways)} storms were weathered")
    return 1 if broken or not ways else 0


def _is_fine(plan: Plan) -> bool:
    outcome = storm(plan, say=True)
    for name, value in outcome.figures.items():
        print(f"  {name}: {json.dumps(value)}")
    for fault in outcome.faults[:20]:
        print(f"  FAULT {fault}")
    print("  all is there, once" if not outcome.faults else f"  {len(outcome.faults)} FAULTS", flush=True)
    return not outcome.faults


def _several(daemons: int) -> str:
    return "one daemon" if daemons == 1 else f"{daemons} daemons"


if __name__ == "__main__":
    sys.exit(main())

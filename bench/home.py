"""Accounts from where they live, and another system's tickets: `python bench/home.py [--contacts 100000] [--tickets 20000]`.

A CSV of so many contacts is read into an empty desk, then once more without a change; a process beside it asks for SQLite's write
lock all the time, as a worker would, and notes how long it was kept waiting. Then JSON lines of tickets, three entries each.
"""

import argparse
import csv
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from load.report import Mark, Report  # noqa: E402

DESK = "flexihost"


def main(argv: Sequence[str]) -> int:
    """Make a desk, bring accounts in, bring tickets in."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--contacts", type=int, default=100_000)
    parser.add_argument("--tickets", type=int, default=20_000)
    parser.add_argument("--json", action="store_true", help="one object a mark, for marks.py")
    args = parser.parse_args(argv)
    report = Report(as_json=args.json)
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
        folder = Path(made)
        run(folder, "init", str(folder / "desk"), "--desk", DESK)
        write_contacts(folder / "contacts.csv", args.contacts)
        desk = next((folder / "desk").rglob(f"{DESK}.toml"))
        desk.write_text(f'{desk.read_text()}\n[[accounts]]\nname = "csv"\ncsv = "{folder / "contacts.csv"}"\n')
        run(folder, "db", "upgrade")
        accounts(report, folder, args.contacts)
        write_tickets(folder / "old.jsonl", args.tickets)
        tickets(report, folder, args.tickets)
    return 0


def accounts(report: Report, folder: Path, count: int) -> None:
    """Bring the contacts in, twice."""
    with waiting(folder / "desk" / "mailgate.db") as waited:
        seconds, memory, cpu = run(folder, "account", "sync")
    report.tell(Mark(mark=f"{count:,} contacts brought in", value=seconds, unit="s", limit="at most 60"))
    report.say(f"    {cpu:.1f} s of CPU")
    report.tell(Mark(mark="  memory", value=memory, unit="MB", limit="at most 150"))
    report.tell(
        Mark(mark="  SQLite: a writer waits meanwhile for at most", value=max(waited), unit="s", limit="at most 1")
    )
    seconds, _, cpu = run(folder, "account", "sync")
    report.tell(Mark(mark=f"{count:,} contacts without a change", value=seconds, unit="s", limit="at most 5"))
    report.say(f"    {cpu:.1f} s of CPU")


def tickets(report: Report, folder: Path, count: int) -> None:
    """Take the tickets over."""
    with waiting(folder / "desk" / "mailgate.db") as waited:
        seconds, memory, cpu = run(folder, "ticket", "import", str(folder / "old.jsonl"))
    report.tell(
        Mark(mark=f"{count:,} tickets taken over, a second", value=count / seconds, unit="/s", limit="at least 500")
    )
    report.say(f"    {cpu:.1f} s of CPU")
    report.tell(Mark(mark="  memory", value=memory, unit="MB", limit="at most 150"))
    report.tell(
        Mark(mark="  SQLite: a writer waits meanwhile for at most", value=max(waited), unit="s", limit="at most 1")
    )


def run(folder: Path, *words: str) -> tuple[float, float, float]:
    """Carry out a command; return its seconds, the most memory that it had (MB) and its processor time."""
    config = [] if words[0] == "init" else ["--config", str(folder / "desk" / "mailgate.toml")]
    begun = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "mailgate", *config, *words], cwd=ROOT, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True)  # fmt: skip
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(words)} ended with {process.returncode}: {said[-2000:]}")
    return time.perf_counter() - begun, used.ru_maxrss / 1024, used.ru_utime + used.ru_stime


@contextmanager
def waiting(database: Path) -> Iterator[list[float]]:
    """Ask for the write lock every twentieth of a second meanwhile; the list has how long each time took."""
    waited, ended = [0.0], threading.Event()

    def ask() -> None:
        with sqlite3.connect(database, isolation_level=None, timeout=60) as connection:
            while not ended.wait(0.05):
                begun = time.perf_counter()
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
                waited.append(time.perf_counter() - begun)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield waited
    finally:
        ended.set()
        asking.join()


def write_contacts(file: Path, count: int) -> None:
    """Write two contacts an account."""
    with file.open("w", encoding="utf-8", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("number", "login", "name", "language", "address", "contact_name"))
        for n in range(count):
            account = n // 2
            rows.writerow((f"{200_000 + account}", f"login{account}", f"Shop {account} GmbH", "de", f"p{n}@shop{account}.example",
                           f"Person {n}"))  # fmt: skip


def write_tickets(file: Path, count: int) -> None:
    """Write tickets of three entries."""
    begun = datetime(2024, 1, 1, 8, tzinfo=UTC)
    line = "Since the update our shop shows 502 Bad Gateway, please have a look at server {n}. " * 4
    with file.open("w", encoding="utf-8") as out:
        for n in range(count):
            at, who = begun + timedelta(minutes=5 * n), f"p{n % 100_000}@shop{n % 100_000 // 2}.example"
            messages = [
                {"kind": kind, "from": who if kind == "customer" else "ivan@team.example", "text": line.format(n=n),
                 "at": (at + timedelta(hours=hours)).isoformat(), "subject": f"Site {n} is slow", "message_id": f"<{n}.{hours}@old.example>"}
                for hours, kind in enumerate(("customer", "staff", "customer"))
            ]  # fmt: skip
            one = {"desk": DESK, "number": 30_000 + n, "requestor": who, "subject": f"Site {n} is slow",
                   "status": "open" if n % 50 == 0 else "closed", "created_at": at.isoformat(), "messages": messages}  # fmt: skip
            out.write(json.dumps(one) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

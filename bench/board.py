"""A desk of 100,000 tickets: /metrics, every page of the board, a long list: `python bench/board.py [--tickets 100000]`.

The real daemon serves it (SQLite). A page is asked for by one client, signed in by the link that was mailed; what is told is
the median of the answers on the wall, and the front's own processor time. Memory is the front's proportional share (PSS).
"""

import argparse
import http.client
import os
import re
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from load.many import DESK, FIRST_COPY, STAFF, Desk  # noqa: E402
from load.report import Mark, Report  # noqa: E402
from smtp import _line_of, _process, cpu_of  # noqa: E402

PAGE_SECONDS = 0.1
FIRST_SECONDS = 0.3
CLOSED_DAYS = 15.0  # the last month has its tickets, most of them closed


def main(argv: Sequence[str]) -> int:
    """Make the desk, start the daemon on it, ask for everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tickets", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--keep", type=Path, help="make the desk here, or take the one that is there")
    parser.add_argument("--make", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one object a mark, for marks.py")
    args = parser.parse_args(argv)
    if args.make:
        make_desk(args.keep, args.tickets)
        return 0
    report = Report(as_json=args.json)
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
        folder = args.keep or Path(made)
        if not (folder / "mailgate.toml").exists():
            begun = time.perf_counter()
            # by another process: what it needs would count as memory of those that this one starts
            command = [sys.executable, __file__, "--make", "--keep", str(folder), "--tickets", str(args.tickets)]
            subprocess.run(command, check=True)
            report.say(f"{args.tickets:,} tickets made in {time.perf_counter() - begun:.0f} s")
        long_list(report, folder, args.tickets)
        with _process([sys.executable, "-m", "mailgate", "--config", str(folder / "mailgate.toml"), "serve"],
                      {**os.environ, "MAILGATE_WEB__LISTEN": "127.0.0.1:0", "MAILGATE_SMTP__LISTEN": "127.0.0.1:0"},
                      folder / "log") as server:  # fmt: skip
            port = int(_line_of(server, "web").rpartition(":")[2])
            _line_of(server, "ready")
            time.sleep(2)
            pages(report, Client(port, server.pid, folder), args.tickets, args.times)
    return 0


def make_desk(folder: Path, count: int) -> None:
    """Write a configuration, and a database of so many tickets, the newest of this hour."""
    folder.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "mailgate", "init", str(folder), "--desk", DESK]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    with closing(Desk(f"sqlite:///{folder}/mailgate.db", count, start, CLOSED_DAYS)):
        pass


def long_list(report: Report, folder: Path, count: int) -> None:
    """Write all tickets as JSON, as a pipe takes them."""
    command = [sys.executable, "-m", "mailgate", "--config", str(folder / "mailgate.toml"), "ticket", "list", "--limit",
               str(count), "--json"]  # fmt: skip
    done = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT)
    assert done.stdout is not None
    size = sum(len(part) for part in iter(lambda: done.stdout.read(1 << 16), b""))  # type: ignore[union-attr]
    _, _, used = os.wait4(done.pid, 0)
    done.returncode = 0
    assert size > count * 100, size
    seconds = used.ru_utime + used.ru_stime
    name = f"ticket list --limit {count} --json"
    report.tell(Mark(mark=f"{name}, CPU", value=seconds, unit="s", limit="at most 3"))
    report.tell(Mark(mark=f"{name}, memory", value=used.ru_maxrss / 1024, unit="MB", limit="at most 120"))


class Client:
    """A browser that has signed in."""

    def __init__(self, port: int, pid: int, folder: Path) -> None:
        self.pid, self._cookie = pid, ""
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._sign_in(folder)

    def get(self, path: str) -> bytes:
        """Return a page."""
        self._connection.request("GET", path, headers={"Cookie": self._cookie})
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{path}: {answer.status} {body[:300]!r}")
        return body

    def _sign_in(self, folder: Path) -> None:
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/sign-in", urllib.parse.urlencode({"address": STAFF}), form)
        self._connection.getresponse().read()
        with closing(sqlite3.connect(folder / "mailgate.db", timeout=10)) as database:
            query = "SELECT text FROM outbox WHERE kind = 'sign_in' ORDER BY id DESC LIMIT 1"
            text = database.execute(query).fetchone()[0]
        found = re.search(r"(/sign-in/\S+)", text)
        assert found is not None
        self._connection.request("POST", found[1], "", form)
        answer = self._connection.getresponse()
        answer.read()
        self._cookie = (answer.getheader("Set-Cookie") or "").partition(";")[0]


def pages(report: Report, client: Client, count: int, times: int) -> None:
    """Tell what /metrics costs when it is asked for first, then each page."""
    before = pss_mb(client.pid)
    begun = time.perf_counter()
    figures = client.get("/metrics")
    took = time.perf_counter() - begun
    assert f'mailgate_tickets{{desk="{DESK}"'.encode() in figures
    report.tell(Mark(mark="/metrics, first call", value=took, unit="s", limit=f"at most {FIRST_SECONDS}"))
    number = FIRST_COPY + count - 12
    waited = [f"/?show={show}" for show in ("mine", "team", "unassigned", "late", "waiting")]
    found = ["Site", "slow", "00099", '"is slow"', "status:open Bad", f"from:c{7:08d}", "nowhere"]
    searches = [f"/search?q={urllib.parse.quote(words)}" for words in found]
    one = re.search(r"/today/[^\"]+\.svg", client.get("/today").decode())
    others = ["/today", one[0] if one else "/today", "/held", "/aside", "/quarantine", "/incidents", "/promises"]
    for path in ["/", *waited, f"/tickets/{number}", f"/tickets/{number}/version", *searches, *others]:
        client.get(path)
        walls, cpu = [], cpu_of(client.pid)
        for _ in range(times):
            begun = time.perf_counter()
            size = len(client.get(path))
            walls.append(time.perf_counter() - begun)
        cpu = (cpu_of(client.pid) - cpu) / times
        report.tell(
            Mark(
                mark=urllib.parse.unquote(path),
                value=statistics.median(walls),
                unit="s",
                limit=f"at most {PAGE_SECONDS}",
            )
        )
        report.say(f"    {cpu * 1000:.0f} ms of CPU, {size:,} bytes")
    after = pss_mb(client.pid)
    report.tell(Mark(mark="the front's memory after all pages (before: before them)", value=after, unit="MB",
                     limit="at most 110", before=before))  # fmt: skip


def pss_mb(pid: int) -> float:
    """Return a process's share of memory, in megabytes."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

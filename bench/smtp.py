"""What the daemon takes: mails over SMTP, until 250, until applied, beside a bare aiosmtpd: `python bench/smtp.py`."""

import argparse
import asyncio
import json
import os
import pickle
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from load.machine import facts, fsync_ms
from load.mails import CONTACTS, DESK_ADDRESS, contact, make_mails
from load.report import Mark, Report

HERE = Path(__file__).resolve().parent
CASES = ((1, False), (1, True), (10, False), (10, True), (50, False), (50, True))
HEADER = ("connections", "server", "accepted/s", "ratio", "drained/s", "p50 ms", "p99 ms", "CPU ms a mail", "peak MB")


@dataclass(frozen=True, slots=True)
class Figures:
    """One run against one server."""

    server: str
    accepted: float
    drained: float | None
    p50: float
    p99: float
    cpu: tuple[float, ...]
    peaks: tuple[float, ...]


def main(argv: Sequence[str]) -> int:
    """Run every case against a bare server and against mailgate, in turns."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1500)
    parser.add_argument("--case", action="append", help="as 10 or 10r (reused); default: 1 1r 10 10r 50 50r")
    parser.add_argument("--keep", type=Path, help="keep mailgate's folder here (default: a temporary one)")
    parser.add_argument("--json", action="store_true", help="one object a mark")
    parser.add_argument("--bare", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.bare is not None:
        asyncio.run(bare(args.bare))
        return 0
    cases = [(int(case.rstrip("r")), case.endswith("r")) for case in args.case or ()] or CASES
    mails = make_mails(args.mails)
    if not args.json:
        print_facts(mails)
        print(" ".join(f"{name:>14}" for name in HEADER))
    for connections, reuse in cases:
        some = mails if connections > 1 else mails[: args.mails // 2]
        name = f"{connections}{' reused' if reuse else ''}"
        plain = run_bare(some, connections, reuse)
        ours = run_mailgate(some, connections, reuse, args.keep)
        if args.json:
            tell_marks(name, ours, plain)
        else:
            print_line(name, plain, plain)
            print_line(name, ours, plain)
    if not args.json:
        print("mark, 10 connections: accepted at least 1.5 times what the bare server takes; at most 110 MB a process")
    return 0


def tell_marks(name: str, ours: Figures, plain: Figures) -> None:
    """Say what `marks.py` reads; the ratio is to be reached with ten connections, a connection a mail."""
    report, limit = Report(as_json=True), "at least 1.5" if name == "10" else ""
    report.tell(Mark(mark=f"accepted, {name} connections, to a bare aiosmtpd", value=ours.accepted / plain.accepted,
                     unit="times", limit=limit))  # fmt: skip
    report.tell(Mark(mark=f"accepted, {name} connections", value=ours.accepted, unit="/s"))
    report.tell(Mark(mark="bare aiosmtpd", value=plain.accepted, unit="/s"))
    report.tell(Mark(mark="CPU of the door a mail (bare: before)", value=ours.cpu[0] * 1000, unit="ms",
                     before=plain.cpu[0] * 1000))  # fmt: skip
    report.tell(Mark(mark="memory of the largest process", value=max(ours.peaks), unit="MB", limit="at most 110"))


def print_facts(mails: Sequence[tuple[str, bytes]]) -> None:
    """Say which machine this is, and what is fed."""
    sizes = sorted(len(raw) for _, raw in mails)
    print(f"{facts()}, fsync {fsync_ms():.2f} ms")
    print(f"{len(mails)} mails a case, median {sizes[len(sizes) // 2]} bytes, mean {sum(sizes) // len(sizes)}; "
          "client, server and worker share the cores; ms: from connecting (reused: MAIL FROM) to 250")  # fmt: skip


def print_line(name: str, figures: Figures, plain: Figures) -> None:
    cells = (
        name, figures.server, f"{figures.accepted:.0f}", f"{figures.accepted / plain.accepted:.2f}",
        f"{figures.drained:.0f}" if figures.drained else "-", f"{figures.p50 * 1000:.1f}", f"{figures.p99 * 1000:.1f}",
        " + ".join(f"{one * 1000:.2f}" for one in figures.cpu), " + ".join(f"{one:.0f}" for one in figures.peaks),
    )  # fmt: skip
    print(" ".join(f"{cell:>14}" for cell in cells), flush=True)


def run_bare(mails: Sequence[tuple[str, bytes]], connections: int, reuse: bool) -> Figures:
    """Feed a stock aiosmtpd that throws everything away."""
    with _process([sys.executable, __file__, "--bare", "0"]) as server:
        port = int(_line_of(server, "port"))
        feed(port, mails[:50], connections, reuse)
        before = cpu_of(server.pid)
        fed = feed(port, mails, connections, reuse)
        cpu = (cpu_of(server.pid) - before) / len(mails)
        peak = peak_of(server.pid)
    rate = len(mails) / fed["seconds"]
    return Figures("bare aiosmtpd", rate, None, fed["p50"], fed["p99"], (cpu,), (peak,))


def run_mailgate(mails: Sequence[tuple[str, bytes]], connections: int, reuse: bool, keep: Path | None) -> Figures:
    """Feed the daemon, and wait until everything is applied."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
        folder = keep or Path(made)
        environ = make_house(folder)
        with _process([sys.executable, "-m", "mailgate", "--config", str(folder / "mailgate.toml"), "serve"],
                      environ, folder / "log") as server:  # fmt: skip
            port = int(_line_of(server, "smtp").rpartition(":")[2])
            _line_of(server, "ready")
            database = folder / "mailgate.db"
            warm = [(sender, raw.replace(b"bench-", b"warm-")) for sender, raw in mails[:50]]
            feed(port, warm, connections, reuse)
            wait_for(database, len(warm))
            wait_for_letters(database)
            processes = [server.pid, *children_of(server.pid)]
            before = [cpu_of(pid) for pid in processes]
            begun = time.perf_counter()
            fed = feed(port, mails, connections, reuse)
            wait_for(database, len(warm) + len(mails))
            drained = time.perf_counter() - begun
            cpu = tuple((cpu_of(pid) - at) / len(mails) for pid, at in zip(processes, before, strict=True))
            peaks = tuple(map(peak_of, processes))
    if fed["refused"]:
        print(f"{fed['refused']} mails were refused", file=sys.stderr)
    return Figures("mailgate", len(mails) / fed["seconds"], len(mails) / drained, fed["p50"], fed["p99"], cpu, peaks)


def make_house(folder: Path) -> dict[str, str]:
    """Write a configuration with known customers and staff; return the environment for it."""
    from mailgate import app
    from mailgate.config.directory import write_directory
    from mailgate.model.people import Account, Contact, Staff
    from mailgate.store import people
    from mailgate.store.engine import transaction

    file = write_directory(folder, ["strato"])
    environ = {**os.environ, "MAILGATE_SMTP__LISTEN": "127.0.0.1:0", "MAILGATE_SMTP__MAX_PER_PEER": "200",
               "MAILGATE_WEB__LISTEN": "127.0.0.1:0"}  # fmt: skip
    built = app.build(str(file), {})
    with transaction(built.engine) as connection:
        for number in range(CONTACTS):
            account = Account(id="", desk="strato", number=f"{70000 + number}", name=f"Customer {number}")
            id_, _ = people.put_account(connection, account, built.ids)
            person = Contact(id="", account=account, address=contact(number), name=f"Person {number}")
            people.put_contact(connection, person, id_, built.ids)
        for name in ("berta", "carl"):
            person = Staff(desk="strato", address=f"{name}@team.example", name=name.title(), teams=("support",))
            people.put_staff(connection, person)
    built.close()
    return environ


def feed(port: int, mails: Sequence[tuple[str, bytes]], connections: int, reuse: bool) -> dict[str, float]:
    """Feed the mails from a process of its own; return what it measured."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(pickle.dumps(list(mails)))
        file.flush()
        command = [sys.executable, "-m", "load.client", str(port), file.name, "--to", DESK_ADDRESS]
        command += ["--connections", str(connections), *(["--reuse"] if reuse else [])]
        done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"the client failed: {done.stderr[-2000:]}")
    measured: dict[str, float] = json.loads(done.stdout)
    return measured


def wait_for(database: Path, count: int, seconds: float = 300) -> None:
    """Return once so many mails are applied: ticket, message and ack row are committed."""
    end = time.monotonic() + seconds
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
        while connection.execute("SELECT count(*) FROM arrival").fetchone()[0] < count:
            if time.monotonic() > end:
                raise SystemExit("not everything was applied")
            time.sleep(0.02)


def wait_for_letters(database: Path, seconds: float = 10) -> None:
    """Return once no letter that may leave is left: those of the mails before are no work of the mails that are measured."""
    end = time.monotonic() + seconds
    query = "SELECT count(*) FROM outbox WHERE state = 'waiting' AND next_at <= ?"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
        while time.monotonic() < end:
            if not connection.execute(query, (datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),)).fetchone()[0]:
                return
            time.sleep(0.05)


async def bare(port: int) -> None:
    """Be the stock server without any work."""
    from aiosmtpd.smtp import SMTP

    class Nothing:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            return "250 OK"

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(Nothing(), hostname="bare.example", decode_data=False, enable_SMTPUTF8=True, loop=loop),
        "127.0.0.1", port, backlog=256,
    )  # fmt: skip
    print("port", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def _process(
    command: Sequence[str], environ: dict[str, str] | None = None, log: Path | None = None
) -> Iterator[subprocess.Popen[str]]:
    with open(log or os.devnull, "ab") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, env=environ)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(15)


def _line_of(process: subprocess.Popen[str], name: str) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        word, _, rest = line.strip().partition(" ")
        if word == name:
            return rest
    raise SystemExit(f"the server ended before it said {name}")


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_of(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_of(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

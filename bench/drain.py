"""What becomes of mail, and what that costs, beside an older version: `python bench/drain.py --beside FOLDER_OF_0.1.0`.

A daemon is fed over ten connections, both versions in turns: mails a second until every ticket is committed and every
acknowledgement is at the relay, and until every letter is. Then one worker's way and one sender's, in one process, by
processor time; with `--counts` by instructions too (callgrind, fixed hash seed), which no other load of the machine moves.
"""

import argparse
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from load.day import follow_ups
from load.mails import make_mails
from load.sink import Sink, sinking
from smtp import HERE, _line_of, _process, children_of, cpu_of, feed, print_facts

ROOT = HERE.parent
OPENED = 100
MARKS = {
    "new": "marks: drained at least 2.5, all letters at least 2 times what 0.1.0 does",
    "day": "mark: drained at least 3 times what 0.1.0 does",
}
COUNTED = ("worker", "sender", "later", "moved")  # each is a dump of callgrind's, with one of nothing after it


@dataclass(frozen=True, slots=True)
class Version:
    """A tree of mailgate, and the Python that has its libraries."""

    name: str
    tree: Path
    python: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a daemon: mails a second, and processor milliseconds a mail of front and workers."""

    drained: float
    letters: float
    cpu: tuple[float, ...]


def main(argv: Sequence[str]) -> int:
    """Measure this tree and the one beside it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="a checkout of the version to compare with (git archive 1d023f2)")
    parser.add_argument("--python", default=sys.executable, help="the Python for it, with its libraries")
    parser.add_argument("--mails", type=int, default=1000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--mix", choices=("new", "day"), action="append", help="default: both")
    parser.add_argument("--counts", action="store_true", help="count instructions too: valgrind, some minutes")
    parser.add_argument("--only-counts", action="store_true")
    parser.add_argument("--no-ways", action="store_true", help="daemons alone")
    args = parser.parse_args(argv)
    versions = [Version("now", ROOT, sys.executable)]
    if args.beside:
        versions.append(Version("beside", args.beside.resolve(), args.python))
    print_facts(make_mails(args.mails))
    for mix in args.mix or ("new", "day"):
        if not args.only_counts:
            print_daemons(versions, mix, args.mails, args.times)
            if not args.no_ways:
                print_ways(versions, mix, args.times)
        if args.counts or args.only_counts:
            print_counts(versions, mix)
    return 0


def print_daemons(versions: Sequence[Version], mix: str, count: int, times: int) -> None:
    """The best of some runs of each, in turns."""
    print(
        f"\n{mix:10} {'drained/s':>10} {'ratio':>6} {'all letters/s':>14} {'ratio':>6}  CPU ms a mail: front, workers"
    )
    runs: dict[str, list[Run]] = {one.name: [] for one in versions}
    for _ in range(times):
        for one in versions:
            runs[one.name].append(run_daemon(one, mix, count))
    drained = {name: max(run.drained for run in some) for name, some in runs.items()}
    letters = {name: max(run.letters for run in some) for name, some in runs.items()}
    for name, some in runs.items():
        cpu = min((run.cpu for run in some), key=sum)
        ratios = [of[name] / of[versions[-1].name] for of in (drained, letters)]
        print(f"{name:10} {drained[name]:10.0f} {ratios[0]:6.2f} {letters[name]:14.0f} {ratios[1]:6.2f}  "
              + " + ".join(f"{one * 1000:.2f}" for one in cpu))  # fmt: skip
    print(MARKS[mix])


def run_daemon(version: Version, mix: str, count: int) -> Run:
    """Feed one daemon, and wait until all is done."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made, sinking() as sink:
        environ = _environ(version, Path(made)) | {
            "MAILGATE_SMTP__LISTEN": "127.0.0.1:0", "MAILGATE_SMTP__MAX_PER_PEER": "200",
            "MAILGATE_RELAY__URL": f"smtp://127.0.0.1:{sink.port}?tls=off",
        }  # fmt: skip
        config, database = str(_desk(version, Path(made))), Path(made) / "mailgate.db"
        command = [version.python, "-m", "mailgate", "--config", config, "serve"]
        with _process(command, environ, Path(made) / "log") as server:
            port = int(_line_of(server, "smtp").rpartition(":")[2])
            _line_of(server, "ready")
            mails = make_mails(OPENED + count)
            feed(port, mails[:OPENED], 10, reuse=False)
            _wait(database, sink, OPENED)
            mails = mails[OPENED:] if mix == "new" else follow_ups(database, mails[OPENED:])
            processes = [server.pid, *children_of(server.pid)]
            before = [cpu_of(pid) for pid in processes]
            begun = time.perf_counter()
            feed(port, mails, 10, reuse=False)
            drained, letters = (at - begun for at in _wait(database, sink, OPENED + count))
            cpu = tuple((cpu_of(pid) - at) / count for pid, at in zip(processes, before, strict=True))
    return Run(count / drained, count / letters, cpu)


def _wait(database: Path, sink: Sink, count: int, seconds: float = 300) -> tuple[float, float]:
    """Return when all was applied and acknowledged, and when every letter had left."""
    end, drained = time.monotonic() + seconds, 0.0
    acks = "SELECT count(*) FROM outbox WHERE kind = 'ack' AND state != 'withdrawn'"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
        while True:
            if time.monotonic() > end:
                raise SystemExit("not everything was applied and sent")
            time.sleep(0.02)
            if connection.execute("SELECT count(*) FROM arrival").fetchone()[0] < count:
                continue
            if not drained and sink.acks >= connection.execute(acks).fetchone()[0]:
                drained = time.perf_counter()
            left = "SELECT 1 FROM outbox WHERE state IN ('waiting', 'sending') LIMIT 1"
            if drained and connection.execute(left).fetchone() is None:
                return drained, time.perf_counter()


def print_ways(versions: Sequence[Version], mix: str, times: int) -> None:
    """Processor time in one process, the least of some runs, and what each room of the worker takes of it."""
    print(f"\n{mix:10} CPU ms a mail in one process, and in the rooms of its worker")
    for one in versions:
        with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
            found = [_way(one, Path(made) / str(turn), mix, 500) for turn in range(times)]
            rooms = _way(one, Path(made) / "rooms", mix, 500, ["--rooms"])
        least = {stage: min(run["seconds"][stage] / run["mails"] for run in found) * 1000 for stage in COUNTED}
        print(f"{one.name:10} " + ", ".join(f"{name} {took:.2f}" for name, took in least.items())
              + " · " + ", ".join(f"{name} {took / rooms['mails'] * 1000:.2f}" for name, took in rooms["rooms"].items()))  # fmt: skip


def print_counts(versions: Sequence[Version], mix: str, count: int = 70) -> None:
    """Instructions a mail."""
    print(f"\n{mix:10} million instructions a mail")
    for one in versions:
        with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
            dumps = Path(made) / "callgrind"
            under = ["valgrind", "-q", "--tool=callgrind", "--instr-atstart=no", "--dump-before=srand48*",
                     f"--callgrind-out-file={dumps}"]  # fmt: skip
            found = _way(one, Path(made) / "desk", mix, count, ["--counts"], under)
            totals = [_total(Path(f"{dumps}.{2 * place + 2}")) / found["mails"] for place in range(len(COUNTED))]
        print(
            f"{one.name:10} "
            + ", ".join(f"{name} {total / 1e6:.2f}" for name, total in zip(COUNTED, totals, strict=True))
        )
    print("mark: the worker at most 11 (0.1.0: 22.6 when it was filed)")


def _way(
    version: Version, folder: Path, mix: str, count: int, more: Sequence[str] = (), under: Sequence[str] = ()
) -> dict:
    config = _desk(version, folder)
    command = [*under, version.python, "-m", "load.drained", str(config), "--mails", str(count), "--mix", mix, *more]
    done = subprocess.run(
        command, cwd=folder, env=_environ(version, folder), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{version.name}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def _desk(version: Version, folder: Path) -> Path:
    """Let the version itself make its desk."""
    folder.mkdir(exist_ok=True)
    code = "import sys; from pathlib import Path; from smtp import make_house; make_house(Path(sys.argv[1]))"
    subprocess.run([version.python, "-c", code, str(folder)], env=_environ(version, folder), cwd=folder, check=True,
                   stderr=subprocess.DEVNULL)  # fmt: skip
    return folder / "mailgate.toml"


def _environ(version: Version, folder: Path) -> dict[str, str]:
    # with bytecode, as an installed version has it; one order of sets for all
    cache = {"PYTHONPYCACHEPREFIX": f"{tempfile.gettempdir()}/mailgate-bench-bytecode"}
    return {**os.environ, **cache, "PYTHONPATH": f"{version.tree}:{HERE}", "PYTHONHASHSEED": "0", "PYTHONSAFEPATH": "1"}


def _total(dump: Path) -> int:
    found = re.search(r"^(?:totals|summary): (\d+)", dump.read_text(errors="replace"), re.M)
    return int(found.group(1)) if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

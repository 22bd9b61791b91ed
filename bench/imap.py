"""What the IMAP door takes from a Dovecot on loopback: `python bench/imap.py [--beside FOLDER_OF_0.1.0]`.

The front of a daemon (`serve --role front`) fetches a full folder; mails a second from its first to its last commit, and the
processor time of the front. Then the same with everything that the daemon does at once. While it runs, no mail may be
flagged on the server that is not committed here: each look counts the flags first, and the rows after it.
"""

import argparse
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from drain import Version, _desk, _environ  # noqa: E402
from load.machine import facts  # noqa: E402
from load.mails import DESK_ADDRESS, make_mails  # noqa: E402
from load.report import Mark, Report  # noqa: E402
from smtp import _line_of, _process, cpu_of, peak_of  # noqa: E402

from tests.imap.dovecot import PASSWORD, Dovecot, running  # noqa: E402

LONGEST_SECONDS = 120
_LISTEN = {"MAILGATE_SMTP__LISTEN": "127.0.0.1:0", "MAILGATE_WEB__LISTEN": "127.0.0.1:0"}


@dataclass(frozen=True, slots=True)
class Run:
    """Mails a second, the front's processor milliseconds a mail, its peak in MB, and how many were flagged too early."""

    rate: float
    cpu: float
    peak: float
    early: int


def main(argv: Sequence[str]) -> int:
    """Measure this tree, and the one beside it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mails", type=int, default=1500)
    parser.add_argument("--beside", type=Path, help="a checkout of the version to compare with (git archive 1d023f2)")
    parser.add_argument("--json", action="store_true", help="one object a mark")
    args = parser.parse_args(argv)
    report = Report(as_json=args.json)
    report.say(facts())
    mails = [raw for _, raw in make_mails(args.mails)]
    with running() as dovecot:
        front = fetch(dovecot, ROOT, mails, "front")
        older = fetch(dovecot, args.beside.resolve(), mails[: args.mails // 5], "front") if args.beside else None
        whole = fetch(dovecot, ROOT, mails, "all")
    before = older.rate if older else None
    report.tell(
        Mark(mark="mails from IMAP, the door alone", value=front.rate, unit="/s", limit="at least 400", before=before)
    )
    report.tell(Mark(mark="mails from IMAP, read and answered meanwhile", value=whole.rate, unit="/s"))
    report.tell(Mark(mark="CPU of a mail from IMAP", value=front.cpu, unit="ms", before=older.cpu if older else None))
    report.tell(Mark(mark="memory of a door that fetches", value=front.peak, unit="MB", limit="at most 110"))
    report.tell(
        Mark(
            mark="mails flagged before they were committed", value=front.early + whole.early, unit="", limit="at most 0"
        )
    )
    return 0


def fetch(dovecot: Dovecot, tree: Path, mails: Sequence[bytes], role: str) -> Run:
    """Let a daemon of that tree fetch all of them."""
    version = Version(tree.name, tree, sys.executable)
    user = f"{role}-{tree.name}-{time.monotonic_ns()}@desk.example"
    dovecot.put(user, mails)
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
        folder = Path(made) / "desk"
        file = _desk(version, folder)
        url = f"imap://{quote(user, safe='')}@127.0.0.1:{dovecot.port}/INBOX"
        with open(file, "a", encoding="utf-8") as out:
            out.write(
                f"\n[[imap]]\nurl = '{url}'\nmailbox = '{DESK_ADDRESS}'\npassword = '{PASSWORD}'\nafter = 'seen'\n"
            )
        command = [sys.executable, "-m", "mailgate", "--config", str(file), "serve", "--role", role]
        with _process(command, _environ(version, folder) | _LISTEN, folder / "log") as server:
            _line_of(server, "ready")
            return _watch(dovecot, user, folder / "inbox.db", len(mails), server.pid)


def _watch(dovecot: Dovecot, user: str, database: Path, count: int, pid: int) -> Run:
    client = dovecot.client(user)
    client.select("INBOX", readonly=True)
    first: tuple[float, int, float] | None = None
    early, end = 0, time.monotonic() + LONGEST_SECONDS
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10) as connection:
        while time.monotonic() < end:
            seen = len(client.search(None, "SEEN")[1][0].split())
            committed = connection.execute("SELECT count(*) FROM fetched").fetchone()[0]
            early = max(early, seen - committed)
            if committed and first is None:
                first = (time.perf_counter(), committed, cpu_of(pid))
            if committed == seen == count and first is not None:
                took = time.perf_counter() - first[0]
                rest = count - first[1]
                return Run(rest / took, (cpu_of(pid) - first[2]) / rest * 1000, peak_of(pid), early)
            time.sleep(0.05)
    raise SystemExit(f"not everything was fetched within {LONGEST_SECONDS} s")


if __name__ == "__main__":
    os.chdir(ROOT / "bench")
    sys.exit(main(sys.argv[1:]))

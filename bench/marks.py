"""Every mark of mailgate beside today's figure: `python bench/marks.py [--beside FOLDER_OF_0.1.0] [--only WORD]`.

Each line comes of one script, which can be run alone; `--list` names them. A script prints with `--json` one object a mark
({"mark", "value", "unit", "limit", "before"}, `load/report.py`); what else it prints there is passed on as it is. One that
takes longer than its seconds is ended.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]

from load.machine import facts, fsync_ms  # noqa: E402
from load.report import Mark, line_of  # noqa: E402


@dataclass(frozen=True)
class Script:
    """One script, what it measures, how long it may take, and whether it compares with an older version."""

    what: str
    words: tuple[str, ...]
    seconds: int
    beside: bool = False


SCRIPTS = (
    Script("what the door takes, beside a bare aiosmtpd; memory", ("smtp.py", "--case", "10", "--mails", "1500"), 90),
    Script("what is drained, letters, a day's mix", ("drain.py", "--times", "2"), 300, beside=True),
    Script("from 250 to the acknowledgement at the relay", ("latency.py",), 90),
    Script("what a command costs before it does anything", ("start.py",), 100, beside=True),
    Script("from an IMAP server", ("imap.py",), 60),
    Script("a desk of 100,000 tickets: figures, pages, a long list", ("board.py",), 120),
    Script("words among a million messages", ("search.py", "--database", "sqlite"), 200),
    Script("words among many messages", ("search.py", "--database", "postgresql", "--messages", "200000"), 150),
    Script("accounts from where they live, tickets of another system", ("home.py",), 120),
)


def main(argv: Sequence[str]) -> int:
    """Run the scripts one after another; print the marks as they come."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--beside", type=Path, help="a checkout of the version to compare with (git archive 1d023f2)")
    parser.add_argument("--only", default="", help="scripts whose name or purpose holds this word")
    parser.add_argument("--list", action="store_true", help="name the scripts, run none")
    args = parser.parse_args(argv)
    chosen = [one for one in SCRIPTS if args.only in f"{one.words[0]} {one.what}"]
    if args.list:
        for script in chosen:
            print(f"{' '.join(('python bench/' + script.words[0], *script.words[1:])):60} {script.what}")
        return 0
    print(f"{facts()}, fsync {fsync_ms():.2f} ms", flush=True)
    print(f"{'':58} {'today':>14} {'before (ratio)':>22}  mark", flush=True)
    marks: list[Mark] = []
    missing = []
    for script in chosen:
        begun, known = time.monotonic(), len(marks)
        print(f"\n{script.what} ({script.words[0]})", flush=True)
        for mark in figures_of(script, args.beside):
            marks.append(mark)
            print(f"  {line_of(mark)}", flush=True)
        print(f"  {time.monotonic() - begun:.0f} s", flush=True)
        missing += [script.words[0]] if len(marks) == known else []
    wanted = [one for one in marks if one.is_reached is not None]
    print(f"\n{sum(bool(one.is_reached) for one in wanted)} of {len(wanted)} marks reached; not reached:",
          "; ".join(one.mark for one in wanted if not one.is_reached) or "none")  # fmt: skip
    if missing:
        print(f"no marks of {', '.join(missing)}: see their lines")
    return 0


def figures_of(script: Script, beside: Path | None) -> Iterator[Mark]:
    """Run a script in a group of its own; yield its marks as they come, print what else it says."""
    file = HERE / script.words[0]
    if not file.exists():
        print(f"  there is no bench/{script.words[0]}")
        return
    command = [sys.executable, str(file), *script.words[1:]]
    if '"--json"' in file.read_text(encoding="utf-8"):  # one that has none prints its marks itself, among its lines
        command.append("--json")
    if script.beside and beside is not None:
        command += ["--beside", str(beside.resolve())]
    with tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        timer = threading.Timer(script.seconds, _end, (process,))
        timer.start()
        assert process.stdout is not None
        for line in process.stdout:
            mark = mark_of(line)
            if mark is not None:
                yield mark
            elif line.strip():
                print(f"  {line.rstrip()}", flush=True)
        code = process.wait()
        is_late = not timer.is_alive()
        timer.cancel()
        if is_late:
            print(f"  ended after {script.seconds} s", flush=True)
        elif code:
            errors.seek(0)
            print(f"  ended with {code}: {errors.read()[-2000:].strip()}", flush=True)


def mark_of(line: str) -> Mark | None:
    """Return the mark that a line of JSON holds."""
    try:
        found = json.loads(line)
        return Mark(
            **{name: found.get(name) for name in ("mark", "value", "unit", "before")}, limit=found["limit"] or ""
        )
    except (ValueError, AttributeError, KeyError, TypeError):
        return None


def _end(process: "subprocess.Popen[str]") -> None:
    """End a script with all that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

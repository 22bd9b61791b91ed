"""What a command costs before it does anything, CPU of the process: `python bench/start.py --beside FOLDER_OF_0.1.0`."""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from load.report import Mark, Report

ROOT = Path(__file__).resolve().parent.parent
MAIL = b"From: a@b.example\r\nTo: support@flexihost.example\r\nSubject: x\r\n\r\nhello\r\n"
# command → the most of 0.1.0's time that it should take
MARKS = {
    "deliver --to support@flexihost.example": 0.25,
    "ticket list": 0.35,
    "explain -": 0.35,
    "doctor": 0.35,
    "stats": 0.35,
}


def main(argv: Sequence[str]) -> int:
    """Run each command in turns with an older version's, on an empty desk of each; print the least of its times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beside", type=Path, help="a checkout of the version to compare with (git archive 1d023f2)")
    parser.add_argument("--times", type=int, default=6)
    parser.add_argument("--json", action="store_true", help="one object a mark, for marks.py")
    args = parser.parse_args(argv)
    report = Report(as_json=args.json)
    versions = {"now": ROOT} | ({"beside": args.beside.resolve()} if args.beside else {})
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made:
        desks = {name: _make_desk(Path(made) / name, source) for name, source in versions.items()}
        report.say(
            f"{'command':40} " + " ".join(f"{name + ' s':>9}" for name in versions) + f" {'ratio':>6} {'mark':>6}"
        )
        for line, most in MARKS.items():
            least = dict.fromkeys(versions, float("inf"))
            for _ in range(args.times):
                for name, source in versions.items():
                    least[name] = min(least[name], _seconds(source, made, desks[name], line))
            ratio = f"{least['now'] / least['beside']:6.2f}" if args.beside else f"{'-':>6}"
            report.say(f"{line:40} " + " ".join(f"{one:9.3f}" for one in least.values()) + f" {ratio} {most:6.2f}")
            if args.json:
                _tell(report, f"{line.partition(' --to')[0]}, CPU of the process", least, most)
    return 0


def _tell(report: Report, name: str, least: dict[str, float], most: float) -> None:
    before = least.get("beside")
    limit = "" if before is None else f"at most {most * before:.2f}"
    report.tell(Mark(mark=name, value=least["now"], unit="s", limit=limit, before=before))


def _make_desk(folder: Path, source: Path) -> Path:
    for words in (["init", str(folder), "--desk", "flexihost"],
                  ["--config", str(folder / "mailgate.toml"), "ticket", "list"]):  # fmt: skip
        _run(source, str(folder.parent), words)
    return folder / "mailgate.toml"


def _seconds(source: Path, cache: str, config: Path, line: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    _run(source, cache, ["--config", str(config), *line.split()])
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _run(source: Path, cache: str, words: Sequence[str]) -> None:
    # with bytecode, as an installed version has it
    environ = {**os.environ, "PYTHONPATH": str(source), "PYTHONPYCACHEPREFIX": f"{cache}/bytecode"}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)
    command = [sys.executable, "-m", "mailgate", *words]
    subprocess.run(command, input=MAIL, capture_output=True, env=environ, check=False, cwd=cache)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

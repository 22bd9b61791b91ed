"""What reading a mail costs: `python bench/parse.py [--before FOLDER] [FOLDER…]`, else on mails of ours.

Beside stdlib and mail-parser; with `--before`, also beside another version of mailgate, whose tree is in FOLDER
(`git archive COMMIT | tar -x -C FOLDER`). Every reader is a process of its own; they take the same mails in turns, and the
best of the rounds counts for each mail, in processor time: what else the machine does then matters little.
"""

import argparse
import email
import json
import logging
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from email import policy
from pathlib import Path

ROUNDS = 5
SUFFIXES = ("", ".eml", ".txt", ".box", ".mbox", ".msg")
TAGS = ("flexihost", "introserv", "strato")
HERE = Path(__file__).resolve().parent.parent


def main() -> None:
    """Time every reader over all mails, in turns, and print median, mean and worst in milliseconds."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--before", metavar="FOLDER", help="the tree of the version to compare with")
    options.add_argument("--reader", help=argparse.SUPPRESS)
    options.add_argument("folders", nargs="*")
    args = options.parse_args()
    if args.reader:
        time_one(args.reader, args.folders)
        return
    readers = {"this tree": ("read", HERE), "this tree, with its words": ("understand", HERE)}
    if args.before:
        before = Path(args.before).resolve()
        readers |= {"before": ("read", before), "before, with its words": ("understand", before)}
    readers |= {"mail-parser alone": ("mailparser", HERE), "stdlib policy.default": ("stdlib", HERE)}
    best: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, (reader, tree) in readers.items():
            found = measured(reader, tree, args.folders)
            best[name] = [min(pair) for pair in zip(best.get(name, found), found, strict=True)]
    print(f"{len(next(iter(best.values())))} mails, the best of {ROUNDS} rounds each, processor time")
    for name, taken in best.items():
        print(
            f"{name:26} median {statistics.median(taken):7.3f} ms  mean {statistics.mean(taken):7.3f} ms"
            f"  worst {max(taken):8.1f} ms"
        )


def measured(reader: str, tree: Path, folders: list[str]) -> list[float]:
    """Return what each mail costs one reader, in milliseconds, in a process of its own."""
    command = [sys.executable, __file__, "--reader", reader, *folders]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={"PYTHONPATH": f"{tree}:{HERE}/bench"}
    )
    return [float(one) for one in json.loads(done.stdout)]


def time_one(name: str, folders: list[str]) -> None:
    """Print what each mail costs this reader, as JSON; a reader that raises has read."""
    logging.disable(logging.CRITICAL)
    raws = [path.read_bytes() for folder in folders for path in sorted(Path(folder).rglob("*")) if is_mail(path)]
    if not raws:
        from load.mails import make_mails

        raws = [raw for _, raw in make_mails(300)]
    read = READERS[name]()
    found = []
    for raw in raws:
        best = float("inf")
        for _ in range(3):
            begun = time.process_time_ns()
            with suppress(Exception):  # what cannot be read has its price too
                read(raw)
            best = min(best, (time.process_time_ns() - begun) / 1e6)
        found.append(best)
    print(json.dumps(found))


def of_mailgate() -> Callable[[bytes], object]:
    from mailgate import phrases as phrase_files
    from mailgate.parse import read

    phrases = phrase_files.load()
    return lambda raw: read(raw, phrases=phrases, known_tags=TAGS)


def with_words() -> Callable[[bytes], object]:
    try:
        from mailgate.understand.findings import find
    except ImportError:  # as 0.1.0 has it
        from mailgate.decide.findings import find  # type: ignore[import-not-found, no-redef]
    from mailgate import config

    read, desk = of_mailgate(), config.load_desk("introserv")

    def both(raw: bytes) -> object:
        mail = read(raw)
        return find(subject=mail.subject, core_subject=mail.core_subject, text=mail.visible_text, desk=desk, files=0)  # type: ignore[attr-defined]

    return both


def of_mailparser() -> Callable[[bytes], object]:
    import mailparser

    return mailparser.parse_from_bytes


def of_stdlib() -> Callable[[bytes], object]:
    def read(raw: bytes) -> object:
        message = email.message_from_bytes(raw, policy=policy.default)
        headers = [(name, str(value)) for name, value in message.items()]
        body = message.get_body(("plain", "html"))
        return headers, body.get_content() if body else ""

    return read


READERS: dict[str, Callable[[], Callable[[bytes], object]]] = {
    "read": of_mailgate, "understand": with_words, "mailparser": of_mailparser, "stdlib": of_stdlib,
}  # fmt: skip


def is_mail(path: Path) -> bool:
    return path.is_file() and "expected" not in path.parts and path.suffix in SUFFIXES and "LICENSE" not in path.name


if __name__ == "__main__":
    main()

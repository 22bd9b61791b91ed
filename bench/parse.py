"""What reading a mail costs, beside stdlib and mail-parser: `python bench/parse.py [FOLDER…]`, else on mails of ours."""

import email
import logging
import statistics
import sys
import time
from collections.abc import Callable
from email import policy
from pathlib import Path

import mailparser
from load.mails import make_mails

from mailgate import phrases as phrase_files
from mailgate.parse import LimitExceeded, read

ROUNDS = 3
SUFFIXES = ("", ".eml", ".txt", ".box", ".mbox", ".msg")


def main(folders: list[str]) -> None:
    """Time every reader over all mails of the folders, in turns, and print median, mean and worst in milliseconds."""
    logging.disable(logging.CRITICAL)
    raws = [path.read_bytes() for folder in folders for path in sorted(Path(folder).rglob("*")) if _is_mail(path)]
    raws = raws or [raw for _, raw in make_mails(300)]
    phrases = phrase_files.load()

    def mailgate_read(raw: bytes) -> object:
        return read(raw, phrases=phrases, known_tags=("flexihost", "introserv", "strato"))

    def stdlib_default(raw: bytes) -> object:
        message = email.message_from_bytes(raw, policy=policy.default)
        headers = [(name, str(value)) for name, value in message.items()]
        body = message.get_body(("plain", "html"))
        return headers, body.get_content() if body else ""

    readers: dict[str, Callable[[bytes], object]] = {
        "mailgate.parse.read": mailgate_read,
        "mail-parser alone": mailparser.parse_from_bytes,
        "stdlib policy.default": stdlib_default,
    }
    times: dict[str, list[float]] = {name: [] for name in readers}
    failures = dict.fromkeys(readers, 0)
    for _ in range(ROUNDS):
        for raw in raws:
            for name, reader in readers.items():
                begun = time.perf_counter()
                try:
                    reader(raw)
                except LimitExceeded:
                    pass
                except Exception:
                    failures[name] += 1
                times[name].append((time.perf_counter() - begun) * 1000)
    print(f"{len(raws)} mails, {statistics.median(map(len, raws)):.0f} bytes (median), {ROUNDS} rounds")
    for name, taken in times.items():
        print(
            f"{name:24} median {statistics.median(taken):7.3f} ms  mean {statistics.mean(taken):7.3f} ms"
            f"  worst {max(taken):8.1f} ms  raised {failures[name] // ROUNDS}"
        )


def _is_mail(path: Path) -> bool:
    return path.is_file() and "expected" not in path.parts and path.suffix in SUFFIXES and "LICENSE" not in path.name


if __name__ == "__main__":
    main(sys.argv[1:])

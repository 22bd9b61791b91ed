# ruff: noqa: E501
"""Mutated mails: `python tests/fuzz/mutate.py --count 100000 [--seed N] [FOLDER…]`.

Takes the mails of the folders (and a few of its own), breaks them in the ways that mail breaks, and reads them. Ends
with exit code 1 and the mail in a file where one raises, takes over 2 s or grows the process by more than 200 MB.
"""

import argparse
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mailgate import phrases as phrase_files
from mailgate.model.phrases import Phrases
from mailgate.parse import LimitExceeded, read

TAGS = ("flexihost", "introserv", "strato")
MAX_SECONDS = 2.0
MAX_GROWTH_KB = 200 * 1024
MAX_SIZE = 200_000

SEEDS = (
    b"From: a@b.example\r\nTo: c@d.example\r\nSubject: =?utf-8?B?0KLQtdGB0YI=?= [flexihost #12345]\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=koi8-r\r\n\r\n\xd4\xc5\xd3\xd4\r\n"
    b"--b\r\nContent-Disposition: attachment; filename*0*=utf-8''%D1%82; filename*1=a\r\n\r\nx\r\n--b--\r\n",
    b"From: MAILER-DAEMON@b.example\nReturn-Path: <>\nSubject: failure notice\n\n<a@b.example>:\n550 5.1.1 no\n",
    b"From: a@b.example\nSubject: Re: x\nContent-Type: text/html; charset=utf-8\n\n<p>x</p><blockquote type=cite>y</blockquote>",
    b"From: a@b.example\nSubject: AW: x\nAuthentication-Results: mx; dkim=pass header.d=b.example\n\nJa.\n\nAm 9.6.26 um 10:12 schrieb x:\n> y\n",
)
TOKENS = (
    b"=?utf-8?B?", b"=?x\0-8?Q?a?=", b"?=", b"=?utf-8?Q?=", b"charset=idna", b'charset="undefined"', b"charset=utf-16", b"name*=x''%41; name*1*=z",
    b"\0", b"\r", b"\r\n\r\n", b"\n\n", b"--b", b"--b--", b"boundary=", b"Content-Type: message/rfc822\n\n", b"Content-Transfer-Encoding: base64\n",
    b"Content-Transfer-Encoding: x-uuencode\n", b"Content-Type: multipart/alternative; boundary=\"b\"\n", b"\xff\xfe", b"\xd0", b"\x1b$B", b"From: (((((", b"<>", b"\"", b"@", b";", b"=", b"%",
    b"begin 644 x\n", b"> ", b"On Mon wrote:\n", b"-- \n", b"[flexihost #", b"Date: Mon, 99 Foo 99999 99:99:99 +9999\n", b"References: <<<>>>\n", b"Content-Disposition: attachment; filename=../../x\n",
    b"Content-Type: application/ms-tnef\n", b"Content-Type: text/html\n", b"<blockquote>", b"<div", b"&#xD800;",
)  # fmt: skip


def main(arguments: Sequence[str]) -> int:
    """Read `count` mutated mails and return 0 where all of them went well."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="*", type=Path)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args(arguments)
    seed = options.seed if options.seed is not None else int(time.time())
    mails = [*SEEDS, *collected(options.folders)]
    print(f"{options.count} mutations of {len(mails)} mails, seed {seed}", flush=True)
    found = run(mails, options.count, random.Random(seed))
    for why, raw in found:
        handle, name = tempfile.mkstemp(prefix="mutated-", suffix=".eml")
        os.write(handle, raw)
        os.close(handle)
        print(f"{why}: {name}")
    print(f"{len(found)} found")
    return 1 if found else 0


def collected(folders: Sequence[Path]) -> list[bytes]:
    """Return the mails in the folders that are not too large to be mutated by the thousand."""
    paths = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    wanted = [path for path in paths if path.suffix in ("", ".eml", ".box", ".txt") and "expected" not in path.parts]
    return [path.read_bytes() for path in wanted if path.stat().st_size < 60_000]


def run(mails: Sequence[bytes], count: int, chance: random.Random) -> list[tuple[str, bytes]]:
    """Return what went wrong, with the mails; at most ten."""
    phrases = phrase_files.load()
    for raw in mails:
        _ = trouble(raw, phrases)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found: list[tuple[str, bytes]] = []
    for _ in range(count):
        raw = mutated(chance.choice(mails), mails, chance)
        why = trouble(raw, phrases)
        growth = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        if not why and growth > MAX_GROWTH_KB:
            why = f"{growth // 1024} MB"
            before += growth
        if why:
            found.append((why, raw))
            if len(found) >= 10:
                break
    return found


def trouble(raw: bytes, phrases: Phrases) -> str:
    """Return what is wrong with reading `raw`, "" for nothing."""
    begun = time.perf_counter()
    try:
        mail = read(raw, phrases=phrases, known_tags=TAGS)
    except LimitExceeded:
        return ""
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    taken = time.perf_counter() - begun
    if taken > MAX_SECONDS:
        return f"{taken:.1f} s"
    if any(problem.startswith("not parsed") for problem in mail.problems):
        return mail.problems[0]
    try:
        "\0".join(
            (mail.subject, mail.text, mail.visible_text, mail.html, *(one.filename for one in mail.attachments))
        ).encode()
    except UnicodeError as error:
        return f"not storable: {error}"
    return "NUL in a text" if "\0" in mail.subject + mail.text + mail.visible_text else ""


def mutated(raw: bytes, mails: Sequence[bytes], chance: random.Random) -> bytes:
    """Return `raw` broken in one to six ways."""
    data = bytearray(raw[:MAX_SIZE])
    for _ in range(chance.randint(1, 6)):
        at = chance.randint(0, len(data))
        match chance.randint(0, 8):
            case 0:
                data[at : at + 1] = bytes((chance.randint(0, 255),))
            case 1:
                del data[at : at + chance.randint(1, 40)]
            case 2:
                data[at:at] = chance.choice(TOKENS)
            case 3:
                data[at:at] = chance.choice(TOKENS) * chance.randint(1, 60)
            case 4:
                data[at:at] = data[max(0, at - chance.randint(1, 200)) : at]
            case 5:
                other = chance.choice(mails)
                start = chance.randint(0, len(other))
                data[at:at] = other[start : start + chance.randint(1, 2000)]
            case 6:
                del data[at:]
            case 7:
                data = data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\n", b"\n ")), chance.randint(1, 5))
            case _:
                data = data.swapcase() if chance.random() < 0.3 else data.replace(b'"', b"", 1)
    return bytes(data[:MAX_SIZE])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

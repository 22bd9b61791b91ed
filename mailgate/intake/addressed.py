"""Whom a mail says it was sent to, where no envelope tells (I3, I6)."""

import re
from collections.abc import Iterator

_HEAD_BYTES = 256 * 1024
_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]@]{1,64}@[^\s<>,;:\"()\[\]@]{1,255}")
_NAMES = (b"to", b"cc", b"delivered-to", b"x-original-to")


def addressed_to(raw: bytes) -> tuple[str, ...]:
    """Return the addresses of To, then Cc, then of the headers that a delivery leaves, each once."""
    end = _END.search(raw, 0, _HEAD_BYTES)
    header = _FOLD.sub(b" ", raw[: end.start() if end else _HEAD_BYTES])
    found: dict[bytes, list[str]] = {name: [] for name in _NAMES}
    for name, value in _lines(header):
        if name in found:
            found[name] += _ADDRESS.findall(value)
    return tuple(dict.fromkeys(address.lower() for name in _NAMES for address in found[name]))


def _lines(header: bytes) -> Iterator[tuple[bytes, str]]:
    for line in header.splitlines():
        name, _, value = line.partition(b":")
        yield name.strip().lower(), value[:65536].decode("utf-8", "replace")

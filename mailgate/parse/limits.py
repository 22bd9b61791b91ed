"""What one mail may cost (M4): cheap checks made on the bytes, before anything is built of them."""

import re
from dataclasses import dataclass

_HEADER_LINE = re.compile(rb"(?:[^\s:]++[ \t]*+:|[ \t]++[^\s])[^\n]*+\n?+")
_CONTAINER = re.compile(rb"^content-type[ \t]*+:[ \t]*+(?:multipart|message)/", re.IGNORECASE | re.MULTILINE)
_MARK = re.compile(
    rb"^(?:content-type[ \t]*+:.*?(?=\n(?![ \t])|\Z)|--[^\s][^\n]*+)", re.IGNORECASE | re.MULTILINE | re.DOTALL
)
_BOUNDARY = re.compile(rb"boundary\s*+=\s*+(?:\"([^\"]*+)\"|([^\s;\"]++))", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """M4's numbers; time and memory are the worker's business."""

    header_bytes: int = 256 * 1024
    header_lines: int = 1000
    max_parts: int = 500
    max_depth: int = 50


DEFAULT_LIMITS = Limits()


class LimitExceeded(Exception):
    """A mail that is larger than a mail may be (M4): quarantined at once (I7). `limit` is the field of Limits."""

    def __init__(self, limit: str, allowed: int) -> None:
        super().__init__(f"more than {allowed} {limit.removeprefix('max_').replace('_', ' ')}")
        self.limit = limit
        self.allowed = allowed


def check(raw: bytes, limits: Limits) -> None:
    """Raise LimitExceeded where the header, the parts or the nesting of `raw` go beyond `limits` (M4)."""
    if _is_plainly_small(raw, limits):
        return
    header = _header_size(raw)
    if header > limits.header_bytes:
        raise LimitExceeded("header_bytes", limits.header_bytes)
    if raw.count(b"\n", 0, header) > limits.header_lines:
        raise LimitExceeded("header_lines", limits.header_lines)
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    if not _CONTAINER.search(raw, start, start + header):
        return  # one text, whatever it talks about
    low = raw.lower()
    # no more containers than words for them, and no more parts than marks
    if low.count(b"multipart/") + low.count(b"message/") > limits.max_depth or raw.count(b"\n--") > limits.max_parts:
        _check_structure(raw, limits)


def _is_plainly_small(raw: bytes, limits: Limits) -> bool:
    """Most mails are told at once: an empty line soon, and nowhere a word of a container."""
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    end = raw.find(b"\n\n", start, start + limits.header_bytes)
    other = raw.find(b"\n\r\n", start, end if end >= 0 else start + limits.header_bytes)
    end = other if other >= 0 else end
    if end < 0 or raw.count(b"\n", 0, end) >= limits.header_lines:
        return False
    head = raw[start:end].lower()
    return b"multipart/" not in head and b"message/" not in head


def _header_size(raw: bytes) -> int:
    start = len(raw) - len(raw.lstrip(b"\r\n"))
    end = start
    while line := _HEADER_LINE.match(raw, end):
        end = line.end()
    return end - start


def _check_structure(raw: bytes, limits: Limits) -> None:
    """Follow the boundaries as they open and close; linear in the size of the mail."""
    stack: list[bytes] = []
    places: dict[bytes, int] = {}
    parts = 0
    for mark in _MARK.finditer(raw):
        line = mark.group()
        if line.startswith(b"--"):
            place = _closes(line, places)
            if place is not None:
                parts += 1
                for gone in stack[place + 1 :]:
                    places.pop(gone, None)
                del stack[place + 1 :]
        elif (opened := _opens(line, len(stack))) is not None and opened not in places:
            places[opened] = len(stack)
            stack.append(opened)
        if parts > limits.max_parts:
            raise LimitExceeded("max_parts", limits.max_parts)
        if len(stack) > limits.max_depth:
            raise LimitExceeded("max_depth", limits.max_depth)


def _closes(line: bytes, places: dict[bytes, int]) -> int | None:
    name = line[2:].rstrip()
    place = places.get(name)
    if place is None and name.endswith(b"--"):
        place = places.get(name[:-2])
    return place


def _opens(line: bytes, depth: int) -> bytes | None:
    lowered = line.lower()
    if b"multipart/" in lowered and (found := _BOUNDARY.search(line)):
        return found.group(1) or found.group(2)
    if b"message/" in lowered:
        return b"\0%d" % depth
    return None

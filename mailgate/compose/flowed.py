"""Text as `format=flowed` (RFC 3676): lines of 76 letters at most, which a reader's program joins again and fits to its
window. Nothing is lost: joined, it is the text that went in."""

import re

_WIDTH = 76
_SIGNATURE = "-- "
_STUFFED = re.compile(r"[ >]|From ")  # RFC 3676, 4.4
_QUOTE = re.compile(r"(>+)(?: |\Z)")  # ">0" is somebody's own words
_ODD = frozenset(" \t>F")  # what a line begins with that may have to be stuffed
_OURS = "| "  # lines of ours in letters to staff: each keeps its mark, also where it is broken


def flowed(text: str) -> str:
    """Return `text` (bare line feeds) with long lines softly broken between words; links and other long words stay
    whole. Indented lines are somebody's code or table and stay as they are; lines of ours are broken hard."""
    lines: list[str] = []
    for line in text.split("\n"):
        if len(line) < _WIDTH and line[:1] not in _ODD and line[-1:] != " ":  # nearly every line stays as it is
            lines.append(line)
        else:
            lines += _parts(line)
    return "\n".join(lines)


def _parts(line: str) -> list[str]:
    if line == _SIGNATURE:
        return [line]
    line = line.rstrip(" ")  # a space at the end would join it with the next
    if quote := _QUOTE.match(line):
        return _quoted(quote.group(1), line[quote.end() :])
    if line.startswith(_OURS):
        return [_OURS + part for part in _broken(line[len(_OURS) :], _WIDTH - len(_OURS))]
    if line[:1] in (" ", "\t"):
        return [_stuffed(line)]
    parts = _broken(line, _WIDTH - 1)
    return [_stuffed(part) + " " for part in parts[:-1]] + [_stuffed(parts[-1])]


def _quoted(mark: str, content: str) -> list[str]:
    """A quoted line is always stuffed, and goes on at the same depth."""
    if content[:1] in (" ", "\t") or content == _SIGNATURE.rstrip():
        return [f"{mark} {content}"]
    parts = _broken(content, _WIDTH - len(mark) - 2)
    return [f"{mark} {part} " for part in parts[:-1]] + [f"{mark} {parts[-1]}".rstrip(" ")]


def _stuffed(part: str) -> str:
    return f" {part}" if _STUFFED.match(part) else part


def _broken(line: str, width: int) -> list[str]:
    """Return the line in pieces of whole words; two blanks in a row are kept by breaking elsewhere."""
    if len(line) <= width:
        return [line]
    parts: list[str] = []
    while len(line) > width:
        at = _break(line, width)
        if at < 0:
            break
        parts.append(line[:at])
        line = line[at + 1 :]
    return [*parts, line]


def _break(line: str, width: int) -> int:
    """Return the place of the blank to break at: the last that fits, else the first there is; -1 for none. Neither side of
    it is a blank, and no piece is a signature's line."""
    place = line.rfind(" ", 1, width + 1)
    while place > 0:
        if _may_break(line, place):
            return place
        place = line.rfind(" ", 1, place)
    place = line.find(" ", width + 1)
    while place > 0:
        if _may_break(line, place):
            return place
        place = line.find(" ", place + 1)
    return -1


def _may_break(line: str, place: int) -> bool:
    if place >= len(line) - 1 or line[place - 1] == " " or line[place + 1] == " ":
        return False
    return not (place == 2 and line.startswith("--")) and not (place == len(line) - 3 and line.endswith("--"))

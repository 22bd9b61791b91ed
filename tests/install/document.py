"""A page of docs/ as the steps of somebody who does what it says: commands, files to write, settings to change."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

_FENCE = re.compile(r"^```(\w*)$")
_PLACE = re.compile(r"`(/[^`\s]+)`")
_HEADING = re.compile(r"^\[+[\w.]+\]+\s*(#.*)?$")
_KEY = re.compile(r"^(?:# )?(\w+) = ")


@dataclass(frozen=True, kw_only=True, slots=True)
class Command:
    """A line to type."""

    section: str
    line: int
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """Text that goes into the file named last before it: a whole file, or settings (`language` toml)."""

    section: str
    line: int
    language: str
    path: str
    text: str


Step = Command | Block


def steps_of(text: str, only: str = "") -> list[Step]:
    """Return every block of the document, or of one section, in its order; ValueError where one does not say where it goes."""
    steps: list[Step] = []
    section = prose = ""
    lines = iter(enumerate(text.splitlines(), 1))
    for number, line in lines:
        if line.startswith("## "):
            section, prose = line.removeprefix("## "), ""
        elif fence := _FENCE.match(line):
            inside = _until_fence(lines)
            if fence[1] in ("sql", "console") or (only and section != only):
                continue  # what somebody types elsewhere: at a database, at podman
            if fence[1] == "sh":
                steps += _commands(section, number, inside)
            else:
                steps.append(_block(section, number, fence[1], prose, inside))
                prose = ""
        else:
            prose += line + "\n"
    return steps


def _until_fence(lines: Iterator[tuple[int, str]]) -> list[str]:
    inside = []
    for _, line in lines:
        if line == "```":
            return inside
        inside.append(line)
    raise ValueError("a block without an end")


def _commands(section: str, number: int, inside: list[str]) -> Iterator[Command]:
    whole = ""
    for line in inside:
        number += 1
        if line.endswith("\\"):
            whole += line + "\n"
            continue
        if (whole + line).strip():
            yield Command(section=section, line=number, text=whole + line)
        whole = ""


def _block(section: str, number: int, language: str, prose: str, inside: list[str]) -> Block:
    places = _PLACE.findall(prose)
    if not places:
        raise ValueError(f"line {number}: the block does not say in which file it belongs")
    return Block(section=section, line=number, language=language, path=places[-1], text="\n".join(inside) + "\n")


def with_settings(toml: str, wanted: str) -> str:
    """Return `toml` with what `wanted` sets: each key in its section, in place of what stood or was commented out there.

    A table of a list (`[[imap]]`) and what follows it go to the end.
    """
    single, plural = _split_at_list(wanted)
    lines = toml.rstrip("\n").split("\n")
    section = ""
    for line in single.splitlines():
        if _HEADING.match(line):
            section = line.split("#")[0].strip()
        elif key := _KEY.match(line):
            _put(lines, section, key[1], line)
    return "\n".join(lines) + "\n" + (f"\n{plural}" if plural else "")


def _split_at_list(wanted: str) -> tuple[str, str]:
    place = wanted.find("[[")
    return (wanted, "") if place < 0 else (wanted[:place], wanted[place:])


def _put(lines: list[str], section: str, key: str, line: str) -> None:
    begin, end = _span(lines, section)
    for place in range(begin, end):
        if (found := _KEY.match(lines[place])) and found[1] == key:
            lines[place] = line
            return
    lines.insert(begin, line)


def _span(lines: list[str], section: str) -> tuple[int, int]:
    """Return the lines of a section without its heading; without a name, those before the first heading."""
    headings = [place for place, line in enumerate(lines) if _HEADING.match(line)]
    if not section:
        return 0, headings[0] if headings else len(lines)
    for place, following in pairwise([*headings, len(lines)]):
        if lines[place].split("#")[0].strip() == section:
            return place + 1, following
    raise ValueError(f"there is no section {section}")

"""Segments: a mail's text cut where it changes its nature (M3), each with what speaks for that; nothing is thrown away."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mailgate.model.quick import quick

SegmentKind = Literal["said", "forward", "quote", "attribution", "header", "old", "signature", "footer"]
_VISIBLE = ("said", "forward")
_SHOWN_AS = {"header": "attribution", "old": "quote"}
_RULE = "_-=\u2014\u2500~"
_RULE_BEGINS = frozenset(_RULE + ">*")
_BLANKS = re.compile(r"\n{3,}")


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Lines of one nature. `quote`: marked `>`; `old`: unmarked mail below an attribution or a header block."""

    kind: SegmentKind
    text: str  # as it stands in the mail, lines parted by LF
    because: str = ""  # what speaks for it; "" for what is said

    @property
    def is_visible(self) -> bool:
        return self.kind in _VISIBLE

    @property
    def lines(self) -> int:
        """Return how many lines it has that are not blank."""
        return sum(1 for line in self.text.split("\n") if line.strip())


def visible_of(segments: Sequence[Segment]) -> str:
    """Return what is visible of a text: what was said, with an empty line where something is left out between."""
    pieces: list[str] = []
    is_cut = False
    for one in segments:
        if one.is_visible:
            pieces += [""] if is_cut and pieces else []
            pieces.append(one.text)
            is_cut = False
        else:
            is_cut = True
    lines = [line.rstrip() for line in "\n".join(pieces).split("\n")]
    while lines and (not lines[-1] or is_rule(lines[-1])):
        lines.pop()
    text = "\n".join(lines)
    return (_BLANKS.sub("\n\n", text) if "\n\n\n" in text else text).strip()


def left_out(segments: Sequence[Segment]) -> int:
    """Return how many lines are not visible (P6)."""
    return sum(one.lines for one in segments if not one.is_visible)


def left_out_by_kind(segments: Sequence[Segment]) -> list[dict[str, Any]]:
    """Return what is not visible as `parse --json` says it: kind and number of lines, in the order of the text."""
    found: dict[str, int] = {}
    for one in segments:
        if not one.is_visible and one.lines:
            kind = _SHOWN_AS.get(one.kind, one.kind)
            found[kind] = found.get(kind, 0) + one.lines
    return [{"kind": kind, "lines": lines} for kind, lines in found.items()]


def hidden_lines(text: str, visible: str) -> int:
    """Return how many lines of `text` are not in `visible`, which is made of it by leaving some out (P6)."""
    return 0 if text == visible else max(0, _words_in(text) - _words_in(visible))


def _words_in(text: str) -> int:
    """Return how many lines there are with more than a drawn rule."""
    return sum(
        1 for line in text.split("\n") if (bare := line.strip()) and not (bare[0] in _RULE_BEGINS and is_rule(line))
    )


def is_rule(line: str) -> bool:
    """Tell whether the line is nothing but a drawn rule."""
    bare = line.strip(" \t>*")
    return len(bare) >= 3 and not bare.strip(_RULE)

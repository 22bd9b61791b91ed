"""What of a mail is shown where the ticket's letters are known (M3): a quote is one if its lines stand in them."""

import re
from collections.abc import Callable, Collection, Sequence
from itertools import groupby

from mailgate.model.mail import Mail
from mailgate.model.quick import replace
from mailgate.model.segments import Segment, SegmentKind, visible_of

Frames = Callable[[Sequence[str], int], int]
NOT_OURS = "in no letter of the ticket"
_DOUBTFUL: tuple[SegmentKind, ...] = ("quote", "old")
_WORD = re.compile(r"[^\W_]+")
_LINK = re.compile(r"<?(?:https?://|mailto:|www\.)[^\s<>]*>?", re.IGNORECASE)  # programs rewrite them
_QUOTE = re.compile(r"[>\s|]*")
_RUN = 3  # words that a changed line must have in common with a letter, one after the other
_SHORT = 2  # words: such a line goes with its neighbours
_MOST_LINES = 2_000


def has_quotes(mail: Mail) -> bool:
    """Is anything left out as quoted, so that the letters of the ticket may tell?"""
    return any(one.kind in _DOUBTFUL and one.lines for one in mail.segments)


def with_letters(mail: Mail, letters: Sequence[str], frames: Frames, ours: Collection[str] = ()) -> Mail:
    """Return `mail` with those of its quoted lines visible that stand in none of `letters` (newest first). `frames` tells
    how many lines from one on are an older mail's attribution or header block within a quote. `ours` are names and
    addresses of the desk, folded: what is marked line by line below an attribution to one of them stays quoted, as
    does a text without marks of which no line is known: it is a letter of ours that we have not (another system's, a
    colleague's own), for who answers in between writes lines without a mark.

    Programs break lines elsewhere, mark words, and rewrite links: a line is found as a run of words, or by most of its
    runs of three. What stands between found lines and is too short to tell is quoted as they are.
    """
    known = _Known(letters)
    segments: list[Segment] = []
    for place, one in enumerate(mail.segments):
        judged = _judged(one, known, frames) if one.kind in _DOUBTFUL else [one]
        above = mail.segments[place - 1] if place else None
        is_whole = _is_marked(one) or len(judged) == 1
        segments += [one] if is_whole and above is not None and _is_by(above, ours) else judged
    if segments == list(mail.segments):
        return mail
    segments = _with_attributions(segments)
    return replace(mail, segments=tuple(segments), visible_text=visible_of(segments))


class _Known:
    """The words of the letters, each letter made ready when it is first asked for."""

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = letters
        self._ready: list[str] = []

    def has(self, words: str) -> bool:
        """Does a letter hold these words, one after the other?"""
        for place in range(len(self._letters)):
            if place == len(self._ready):
                self._ready.append(f" {_words(self._letters[place])} ")
            if words in self._ready[place]:
                return True
        return False


def _is_marked(segment: Segment) -> bool:
    return all(line.lstrip().startswith(">") for line in segment.text.split("\n") if line.strip())


def _is_by(segment: Segment, ours: Collection[str]) -> bool:
    said = segment.text.casefold()
    return segment.kind == "attribution" and any(name in said for name in ours)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(_LINK.sub(" ", text).casefold()))


def _judged(segment: Segment, known: _Known, frames: Frames) -> list[Segment]:
    lines = segment.text.split("\n")
    if len(lines) > _MOST_LINES:
        return [segment]
    found = [_is_found(_words(line), known) for line in lines]
    if False in found:
        bare = [_QUOTE.sub("", line, count=1) for line in lines]
        for place, one in enumerate(found):
            if one is False and (count := frames(bare, place)):
                found[place : place + count] = [None] * len(found[place : place + count])
    verdicts = _settled(found)
    if all(verdicts):
        return [segment]
    pieces: list[Segment] = []
    for is_found, run in groupby(zip(verdicts, lines, strict=True), key=lambda pair: pair[0]):
        text = "\n".join(line for _, line in run)
        pieces.append(replace(segment, text=text) if is_found else Segment(kind="said", text=text, because=NOT_OURS))
    return pieces


def _is_found(words: str, known: _Known) -> bool | None:
    """Is the line in a letter? None: it has too few words to tell."""
    split = words.split()
    if not split:
        return None
    if known.has(f" {words} "):
        return True
    if len(split) <= _SHORT:
        return None if len(words) <= 12 and words.isalpha() else False
    runs = [" ".join(split[at : at + _RUN]) for at in range(0, max(1, len(split) - _RUN + 1), _RUN)]
    return 2 * sum(known.has(f" {run} ") for run in runs) > len(runs)


def _settled(verdicts: Sequence[bool | None]) -> list[bool]:
    """Lines that say nothing by themselves go with the line before them, the first ones with the line after."""
    settled: list[bool] = []
    last = next((one for one in verdicts if one is not None), True)
    for one in verdicts:
        last = last if one is None else one
        settled.append(last)
    return settled


def _with_attributions(segments: Sequence[Segment]) -> list[Segment]:
    """Show who wrote when above a text that is shown now."""
    done = list(segments)
    for place, one in enumerate(done[:-1]):
        if one.kind in ("attribution", "header") and done[place + 1].because == NOT_OURS:
            done[place] = replace(one, kind="said", because=NOT_OURS)
    return done

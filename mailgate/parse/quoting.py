"""What the sender wrote now (M3): a text cut into what was said and what a mail program quoted. When in doubt, said.

The pieces and what speaks for each are kept; whether a doubtful quote is one is decided where the ticket's letters are
known (`understand.shown`).
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import Phrases
from mailgate.model.quick import quick
from mailgate.model.segments import Segment, SegmentKind, is_rule, visible_of
from mailgate.parse import attribution, closing
from mailgate.parse.attribution import Block, Forms, is_quoted

_MAX_LINES = 5_000  # beyond them nothing is taken off
_INVISIBLE_SIGNS = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff\u00ad"
_INVISIBLE = re.compile(f"[{_INVISIBLE_SIGNS}]")
_QUOTED = ("quote", "attribution", "header", "old", "forward")
_LONG = 12  # characters of a subject that are hardly part of another one by chance
_DRAWN = re.compile(r"[-_]{4}|[-_]{3}[^\s_-]")  # programs draw more than people, and leave no gap
_BLANKS = re.compile(r"\n{3,}")
_ESCAPED = re.compile(r">{1,3}From\s")  # what a mailbox on the way made of "From …"


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What the header says of the text: `is_reply` None where there is no header, False where it answers nothing."""

    is_reply: bool | None = None
    is_forward: bool = False
    core: str = ""  # the subject without prefixes and tags, lower case
    people: frozenset[str] = frozenset()  # addresses in From, To and Cc, lower case
    bare: Callable[[str], str] = str  # makes of another subject what `core` is


@quick
@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A text taken apart: its segments, what is visible of it, and the header block of what it forwards."""

    segments: tuple[Segment, ...]
    visible: str
    own: str = ""  # without what is forwarded, where that leaves anything
    inline: str = ""  # the visible text between the quoted lines that it answers, those marked "> "
    quoted: str = ""  # quoted and forwarded mail
    forwarded: Block | None = None
    forwarded_text: str = ""
    has_forward_mark: bool = False


def split(text: str, phrases: Phrases, about: About = About()) -> Split:
    """Return `text` taken apart, on the evidence of its marks and of its header alone."""
    forms = attribution.compiled(phrases)
    lines = text.split("\n")
    bare = _INVISIBLE.sub("", text).split("\n") if _has_invisible(text) else lines
    walker = _Walker(lines, bare, forms, _marks(phrases), about)
    walker.walk()
    found = _joined(walker.pieces) if walker.is_mixed else [Segment(kind="said", text=text)]
    segments = closing.without_endings(found, phrases)
    visible = visible_of(segments)
    if not visible:  # nothing would be left: all is visible
        segments, visible = [Segment(kind="said", text=text.strip("\n"))], text.strip()
    own = visible_of([one for one in segments if one.kind != "forward"]) if walker.is_forwarded else ""
    return Split(
        segments=tuple(segments),
        visible=visible,
        own=own or visible,
        inline=_inline(segments),
        quoted="\n".join(one.text for one in segments if one.kind in _QUOTED) if walker.is_mixed else "",
        forwarded=walker.block,
        forwarded_text="\n".join(lines[walker.block_end :]).strip() if walker.is_forwarded else "",
        has_forward_mark=walker.is_forwarded,
    )


def _has_invisible(text: str) -> bool:
    """Asked sign by sign: a set of them is sought letter by letter, thirty times slower than one."""
    return not text.isascii() and any(sign in text for sign in _INVISIBLE_SIGNS)


def frame(lines: Sequence[str], at: int, phrases: Phrases) -> int:
    """Return how many lines from `at` are the attribution, the header block or the mark of an older mail; 0 for none."""
    forms = attribution.compiled(phrases)
    if not lines[at].strip():
        return 0
    if attribution.mark(lines[at], forms):
        return 1
    block = attribution.find_block(lines, at, forms, is_sure=True)
    return block.lines if block else attribution.find_attribution(lines, at, forms)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Marks:
    above: re.Pattern[str]
    above_words: frozenset[str]
    greeting: re.Pattern[str]


@lru_cache(maxsize=8)
def _marks(phrases: Phrases) -> _Marks:
    above = "|".join(re.escape(one).replace(r"\ ", r"\s") for one in phrases.reply_above) or r"(?!)"
    greetings = "|".join(re.escape(one).replace(r"\ ", r"\s") for one in phrases.greetings) or r"(?!)"
    return _Marks(
        above_words=frozenset(one.lower().split()[0] for one in phrases.reply_above),
        above=re.compile(rf"[\s>]*+[-#=~*\s]*+(?:{above})[^\n]{{0,80}}\Z", re.IGNORECASE),
        greeting=re.compile(rf"(?:{greetings})\b[^\n.!?:;]{{0,40}}[,.!]?\s*\Z", re.IGNORECASE),
    )


class _Walker:
    """Goes through the lines once and says of each what it is."""

    def __init__(self, source: list[str], lines: list[str], forms: Forms, marks: _Marks, about: About) -> None:
        self.source, self.lines, self.forms, self.marks, self.about = source, lines, forms, marks, about
        self.pieces: list[tuple[SegmentKind, str, str]] = []  # kind, line, because
        self.block: Block | None = None
        self.block_end = 0
        self.is_forwarded = False
        self.has_attribution = False
        self.has_quote = False
        self.is_mixed = False  # is anything but said
        self.at = 0

    def walk(self) -> None:
        """Sort all lines; beyond a bound the rest is kept as it is."""
        end = min(len(self.lines), _MAX_LINES)
        answers_nothing = self.about.is_reply is False
        say, source = self.pieces.append, self.source
        is_plain = self._is_plain_of_no_reply if answers_nothing else self._is_plain
        is_within = False  # a line of text stands above
        while self.at < end:
            line = self.lines[self.at]
            if not line.strip():
                say(("said", source[self.at], ""))
                self.at += 1
                is_within = False
                continue
            if is_within and is_plain(line):
                say(("said", source[self.at], ""))
                self.at += 1
                continue
            is_within = True
            if answers_nothing:
                self._of_no_reply(line)
            elif is_quoted(line) or self.has_attribution and attribution.has_initials(line):
                self._quoted(line)
            elif not self._structure(line):
                say(("said", source[self.at], ""))
                self.at += 1
        self._take("said", len(self.lines) - self.at)

    def _is_plain(self, line: str) -> bool:
        """Most lines of a paragraph are told at once: without a letter, a digit, a colon that any structure has."""
        if not line[0].isalpha() or attribution.EVIDENCE.search(line):
            return False
        word = line.split(None, 1)[0].lower()
        return word.rstrip(".,") not in self.forms.start_words and word not in self.marks.above_words

    def _is_plain_of_no_reply(self, line: str) -> bool:
        return line[0].isalpha() and not self.about.is_forward and line.rstrip()[-1] != ":"

    def _take(self, kind: SegmentKind, count: int, because: str = "") -> None:
        self.is_mixed = self.is_mixed or kind != "said"
        self.pieces += [(kind, line, because) for line in self.source[self.at : self.at + count]]
        self.at += count

    def _take_rest(self, kind: SegmentKind, because: str) -> None:
        self._take(kind, len(self.lines) - self.at, because)

    def _of_no_reply(self, line: str) -> None:
        """In a mail that answers nothing, nothing is quoted; it may be a forward."""
        found = attribution.mark(line, self.forms)
        if found == "forward" or found == "original" and self.about.is_forward:
            self._forward(self._next_block(self.at + 1))
        elif self.about.is_forward and (block := attribution.find_block(self.lines, self.at, self.forms)):
            self._forward((self.at, block))
        elif self.about.is_forward and (count := attribution.find_attribution(self.lines, self.at, self.forms)):
            self.block_end = self.at + count
            self._forward(None)
        else:
            self._take("said", 1)

    def _quoted(self, line: str) -> None:
        if not self.has_quote and not self.has_attribution:
            mark = line.lstrip(" \t>")
            if attribution.mark(mark, self.forms) == "forward":  # Apple quotes what it forwards
                self._forward(self._next_block(self.at + 1))
                return
        if self._is_escape(line):
            self._take("said", 1)
            return
        self.has_quote = self.is_mixed = True
        self.pieces.append(("quote", self.source[self.at], "marked >" if is_quoted(line) else "marked with initials"))
        self.at += 1

    def _is_escape(self, line: str) -> bool:
        """Is this one line of a text that begins with `>` by chance: ">From", or ">Shop</a>" between others?"""
        bare = line.lstrip()
        if bare[:2] == "> " or bare == ">" or self.has_attribution and not _ESCAPED.match(bare):
            return False
        before = self.lines[self.at - 1] if self.at else ""
        after = self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""
        if is_quoted(before) or is_quoted(after):
            return False
        return bool(_ESCAPED.match(bare)) or bool(before.strip() and after.strip())

    def _structure(self, line: str) -> bool:
        """Handle what begins a quoted or forwarded mail at this line."""
        word = line.split(None, 1)[0].lower()
        if (not word[0].isalpha() or word in self.marks.above_words) and self.marks.above.match(line[:200]):
            self._take("attribution", 1, "reply above this line")
            self._take_rest("old", "below «reply above this line»")
            return True
        if kind := attribution.mark(line, self.forms):
            return self._mark(kind, line)
        if line.lstrip().startswith("---"):
            count, kind = attribution.find_run_on(self.lines, self.at, self.forms)
            if count:
                return self._run_on(count, kind)
        is_sure = ":" in line and self._is_after_rule()
        block = attribution.find_block(self.lines, self.at, self.forms, is_sure=is_sure)
        if block:
            return self._header_block(block)
        if count := attribution.find_attribution(self.lines, self.at, self.forms):
            return self._attribution(count)
        return False

    def _run_on(self, count: int, kind: str) -> bool:
        if kind == "forward" or self.about.is_forward:
            self._forward(None)
        elif attribution.is_quote_next(self.lines, self.at + count):
            self._take("attribution", count, "original message")
            self.has_attribution = True
        else:
            self._take("attribution", count, "original message")
            self._take_rest("old", "below the mark of an original message")
        return True

    def _mark(self, kind: str, line: str) -> bool:
        following = self._next_block(self.at + 1)
        if kind == "forward" or self.about.is_forward:
            self._forward(following)
            return True
        is_drawn = self.about.is_reply is None or _DRAWN.search(line) is not None or self._is_below_rule()
        if following is None and not is_drawn and not self._is_old_next(self.at + 1):
            return False  # a heading of the writer's own: a program names the mail that it quotes
        self._take("attribution", 1, "original message")
        self._take_rest("old", "below the mark of an original message")
        return True

    def _next_block(self, at: int) -> tuple[int, Block] | None:
        for place in range(at, min(at + 4, len(self.lines))):
            if self.lines[place].strip(" \t>"):
                block = attribution.find_block(self.lines, place, self.forms)
                return (place, block) if block else None
        return None

    def _is_old_next(self, at: int) -> bool:
        for place in range(at, min(at + 4, len(self.lines))):
            if self.lines[place].strip():
                return (
                    is_quoted(self.lines[place])
                    or self.forms.label.match(self.lines[place][:300]) is not None
                    or attribution.find_attribution(self.lines, place, self.forms) > 0
                )
        return False

    def _header_block(self, block: Block) -> bool:
        if self.about.is_forward:
            self._forward((self.at, block))
            return True
        if "date" not in block.fields:
            return False
        if attribution.is_quote_next(self.lines, self.at + block.lines):
            self._take("header", block.lines, "header block before a quote")
            return True
        if self.about.is_reply and not self._is_of_this_thread(block):
            return False
        self._take("header", block.lines, "header block")
        self._take_rest("old", "below a header block")
        return True

    def _is_of_this_thread(self, block: Block) -> bool:
        """Did a program write this block? It quotes the mail that is answered: its subject, or who wrote it to whom. What
        the sender pasted or typed is about another mail."""
        if block.is_of_program or self._is_after_rule():
            return True
        subject, core = self.about.bare(block.fields.get("subject", "")), self.about.core
        if subject and core:
            return subject == core or min(len(subject), len(core)) >= _LONG and (subject in core or core in subject)
        fields = (block.fields.get(key, "") for key in ("from", "to", "cc"))
        return any(found.lower() in self.about.people for text in fields for found in attribution.addresses(text))

    def _is_below_rule(self) -> bool:
        return is_rule(next((line for kind, line, _ in reversed(self.pieces) if line.strip()), ""))

    def _is_after_rule(self) -> bool:
        for kind, line, _ in reversed(self.pieces):
            if kind == "said" and line.strip():
                return line.strip().startswith("_" * 10) or line.strip().startswith("-" * 20)
        return False

    def _attribution(self, count: int) -> bool:
        if self.about.is_forward:
            self.block_end = self.at + count
            self._forward(None)
            return True
        self._take_greeting(count)
        is_marked = attribution.is_quote_next(self.lines, self.at + count)
        self._take("attribution", count, "says who wrote when")
        if is_marked:
            self.has_attribution = True
        else:
            self._take_rest("old", "below an attribution")
        return True

    def _take_greeting(self, count: int) -> None:
        """The Bat! puts a greeting of its own above its attribution; the writer's stands above what they wrote."""
        if not self.forms.second_person.search(" ".join(self.lines[self.at : self.at + count])):
            return
        at = len(self.pieces) - 1
        while at > 0 and not self.pieces[at][1].strip():
            at -= 1
        if at < 2 or self.pieces[at - 1][1].strip() or not self.marks.greeting.match(self.pieces[at][1].strip()):
            return
        if any(kind == "said" and line.strip() for kind, line, _ in self.pieces[:at]):
            self.pieces[at] = ("attribution", self.pieces[at][1], "a program's greeting above its attribution")

    def _forward(self, found: tuple[int, Block] | None) -> None:
        self.is_forwarded = True
        if found:
            self.block = found[1]
            self.block_end = found[0] + found[1].lines
        elif not self.block_end:
            self.block_end = self.at + 1
        self._take_rest("forward", "forwarded")


def _joined(pieces: Sequence[tuple[SegmentKind, str, str]]) -> list[Segment]:
    """Put neighbouring lines of a kind together; blank lines between quoted ones are theirs."""
    runs: list[tuple[SegmentKind, str, list[str]]] = []
    blanks: list[str] = []
    for kind, line, because in pieces:
        if kind == "said" and not line.strip():
            blanks.append(line)
            continue
        if runs and runs[-1][0] == kind and (kind == "said" or runs[-1][1] == because):
            runs[-1][2].extend((*blanks, line))
        else:
            if runs and blanks:
                runs[-1][2].extend(blanks)
            runs.append((kind, because, [line] if runs else [*blanks, line]))
        blanks = []
    if runs:
        runs[-1][2].extend(blanks)
    return [Segment(kind=kind, text="\n".join(lines), because=because) for kind, because, lines in runs]


def _inline(segments: Sequence[Segment]) -> str:
    """What was answered and the answers, in order; "" where no answer stands below a quoted line."""
    if not any(one.kind == "quote" for one in segments):
        return ""
    between = [
        (one.kind == "quote", line)
        for one in segments
        if one.kind in ("quote", "said", "forward")
        for line in one.text.split("\n")
        if line.strip()
    ]
    end = next((place for place in range(len(between), 0, -1) if not between[place - 1][0]), 0)
    if not any(is_quote for is_quote, _ in between[:end]):
        return ""
    lines: list[str] = []
    was_quote = True
    for is_quote, line in between[:end]:
        text = line.strip().lstrip(">\u203a \t") if is_quote else line.rstrip()
        if is_quote and not was_quote or not text:
            lines.append("")
        if text:
            lines.append(f"> {text}" if is_quote else text)
        was_quote = is_quote
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip()

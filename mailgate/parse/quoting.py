"""What the sender wrote now (M3): a text without quoted mail, attributions and signatures. When in doubt, keep."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice

from mailgate.model.phrases import Phrases
from mailgate.parse import attribution
from mailgate.parse.attribution import Block, Forms, is_quoted

_SIGNATURE = re.compile(r"\s?--[ \t\u00a0]*\Z")
_LOOSE_SIGNATURE = re.compile(r"\s?(?:---|\u2014|\u2013\u2013)[ \t\u00a0]*\Z")
_LIST_RULE = re.compile(r"_{2,100}\s*\Z|-{10,100}\s*\Z")
_LIST_WORDS = re.compile(r"mailing list|listinfo|https?://lists?\.|unsubscribe", re.IGNORECASE)
_MAX_LOOSE_SIGNATURE = 12  # lines after a `--` that lacks its trailing space
_MAX_LINES = 5_000  # beyond them nothing is taken off
_SIGNED = re.compile(r"\s?[-/\u2013\u2014]{1,2}[^\W\d_a-z][^\W\d_A-Z]{1,20}(?:\s[^\W\d_a-z][^\W\d_A-Z]{1,20})?\.?\s*\Z")
_INVISIBLE = re.compile(r"[\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\u00ad]")
_BLANKS = re.compile(r"\n{3,}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Split:
    """A text taken apart: what is visible, what was quoted, and the header block of what it forwards."""

    visible: str
    own: str = ""  # without what is forwarded, where that leaves anything
    inline: str = ""  # the visible text between the quoted lines that it answers, those marked "> "
    quoted: str = ""  # quoted and forwarded mail
    forwarded: Block | None = None
    forwarded_text: str = ""
    has_forward_mark: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ends:
    phone: re.Pattern[str]
    footer: re.Pattern[str]
    above: re.Pattern[str]
    footer_words: frozenset[str]  # the first words of each, lower case
    above_words: frozenset[str]


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> _Ends:
    starts = "|".join(re.escape(one).replace(r"\ ", r"\s") for one in phrases.footers) or r"(?!)"
    above = "|".join(re.escape(one).replace(r"\ ", r"\s") for one in phrases.reply_above) or r"(?!)"
    return _Ends(
        phone=re.compile(rf"[\s*_>]*+(?:{'|'.join(phrases.phone_signatures) or '(?!)'})", re.IGNORECASE),
        footer=re.compile(rf"[\s*_\[(]*+(?:{starts})", re.IGNORECASE),
        footer_words=frozenset(one.lower().split()[0] for one in phrases.footers),
        above_words=frozenset(one.lower().split()[0] for one in phrases.reply_above),
        above=re.compile(rf"[\s>]*+[-#=~*\s]*+(?:{above})[^\n]{{0,80}}\Z", re.IGNORECASE),
    )


def split(text: str, phrases: Phrases, *, is_forward: bool = False, is_reply: bool | None = None) -> Split:
    """Return `text` taken apart; `is_reply` False means that nothing but the text itself speaks for a reply."""
    forms, ends = attribution.compiled(phrases), _compiled(phrases)
    lines = text.split("\n")
    bare = lines if text.isascii() or not _INVISIBLE.search(text) else _INVISIBLE.sub("", text).split("\n")
    walker = _Walker(lines, bare, forms, ends, is_forward=is_forward, is_reply=is_reply)
    walker.walk()
    visible = "\n".join(_without_edges(walker.kept))
    visible = _BLANKS.sub("\n\n", visible).strip("\n").rstrip()
    if not visible.strip():
        visible = text.strip()
    own = "\n".join(_without_edges(walker.kept[: walker.own_lines])).strip() if walker.is_forwarded else ""
    return Split(
        visible=visible.strip(),
        own=own or visible,
        inline=_inline(walker.between),
        quoted="\n".join((*walker.quoted, *(walker.kept[walker.own_lines :] if walker.is_forwarded else ()))),
        forwarded=walker.block,
        forwarded_text="\n".join(lines[walker.block_end :]).strip() if walker.is_forwarded else "",
        has_forward_mark=walker.is_forwarded,
    )


class _Walker:
    """Goes through the lines once and sorts each into kept or quoted."""

    def __init__(
        self,
        lines: list[str],
        bare: list[str],
        forms: Forms,
        ends: _Ends,
        *,
        is_forward: bool,
        is_reply: bool | None,
    ) -> None:
        self.source, self.lines, self.forms, self.ends = lines, bare, forms, ends
        self.is_forward, self.is_reply = is_forward, is_reply
        self.kept: list[str] = []
        self.quoted: list[str] = []
        self.between: list[tuple[bool, str]] = []  # is it quoted, the line
        self.block: Block | None = None
        self.block_end = 0
        self.is_forwarded = False
        self.own_lines = 0
        self.has_attribution = False
        self.at = 0
        self._next_end = 0

    def walk(self) -> None:
        """Sort all lines; beyond a bound the rest is kept as it is."""
        end = min(len(self.lines), _MAX_LINES)
        while self.at < end:
            line = self.lines[self.at]
            if not line.strip():
                self.kept.append("")
                self.at += 1
            elif is_quoted(line) or self.has_attribution and attribution.has_initials(line):
                self.between.append((True, self.source[self.at]))
                self._drop(1)
            elif not self._structure(line) and not self._signature(line):
                self.kept.append(self.source[self.at].rstrip())
                self.between.append((False, self.kept[-1]))
                self.at += 1
        self.kept += self.source[max(end, self.at) :]

    def _structure(self, line: str) -> bool:
        """Handle what begins a quoted or forwarded mail at this line."""
        word = line.split(None, 1)[0].lower()
        if (not word[0].isalpha() or word in self.ends.above_words) and self.ends.above.match(line[:200]):
            self._drop_rest()
            return True
        kind = attribution.mark(line, self.forms)
        if kind:
            return self._mark(kind)
        is_sure = ":" in line and self._after_rule()
        block = attribution.find_block(self.lines, self.at, self.forms, is_sure=is_sure)
        if block:
            return self._header_block(block)
        count = attribution.find_attribution(self.lines, self.at, self.forms)
        if count:
            return self._attribution(count)
        return False

    def _mark(self, kind: str) -> bool:
        following = self._next_block(self.at + 1)
        if kind == "forward" or self.is_forward:
            self._keep_forward(following)
            return True
        self._drop_rest()
        return True

    def _next_block(self, at: int) -> tuple[int, Block] | None:
        for place in range(at, min(at + 4, len(self.lines))):
            if self.lines[place].strip():
                block = attribution.find_block(self.lines, place, self.forms)
                return (place, block) if block else None
        return None

    def _header_block(self, block: Block) -> bool:
        if self.is_forward:
            self._keep_forward((self.at, block))
            return True
        if "date" not in block.fields:
            return False
        after = self.at + block.lines
        if attribution.is_quote_next(self.lines, after):
            self._drop(block.lines)
            return True
        if self.is_reply is False and (block.is_raw or "from" not in block.fields) and not self._after_rule():
            return False
        self._drop_rest()
        return True

    def _after_rule(self) -> bool:
        for line in reversed(self.kept):
            if line.strip():
                return line.strip().startswith("_" * 10) or line.strip().startswith("-" * 20)
        return False

    def _attribution(self, count: int) -> bool:
        if self.is_forward:
            self.is_forwarded = True
            self.block_end = self.at + count
            self._keep_rest()
            return True
        if attribution.is_quote_next(self.lines, self.at + count):
            self.has_attribution = True
            self._drop(count)
        else:
            self._drop_rest()
        return True

    def _keep_forward(self, found: tuple[int, Block] | None) -> None:
        self.is_forwarded = True
        if found:
            self.block = found[1]
            self.block_end = found[0] + found[1].lines
        else:
            self.block_end = self.at + 1
        self._keep_rest()

    def _keep_rest(self) -> None:
        self.own_lines = len(self.kept)
        self.kept += [line.rstrip() for line in self.source[self.at :]]
        self.at = len(self.lines)

    def _drop(self, count: int) -> None:
        self.quoted += self.lines[self.at : self.at + count]
        if self.kept and self.kept[-1]:
            self.kept.append("")
        self.at += count

    def _drop_rest(self) -> None:
        self._drop(len(self.lines) - self.at)

    def _signature(self, line: str) -> bool:
        if self.ends.phone.match(line[:300]) and len(line) < 300:
            self.at += 1
            return True
        word = line.strip(" \t*_[(").split(None, 1)[:1]
        if word and word[0].lower() in self.ends.footer_words and self.ends.footer.match(line[:200]):
            self._skip_paragraph()
            return True
        if line.lstrip()[0] not in "-_\u2013\u2014":
            return False
        if _LIST_RULE.match(line) and self._is_list_footer():
            self.at = self._signature_end()
            return True
        if _SIGNATURE.match(line) or _LOOSE_SIGNATURE.match(line) and self._is_short_signature():
            if len(self._below()) <= _MAX_LOOSE_SIGNATURE or line.endswith("-- "):
                self.at = self._signature_end()
                return True
        return False

    def _below(self) -> list[str]:
        """The lines of a signature that would begin here; of a long text only so many as show that it is too long."""
        end = self._signature_end()
        return list(islice((one for one in islice(self.lines, self.at + 1, end) if one.strip()), 20))

    def _is_short_signature(self) -> bool:
        block = self._below()
        return 0 < len(block) <= 4 and all(len(one) <= 60 for one in block)

    def _is_list_footer(self) -> bool:
        block = self._below()
        return 0 < len(block) <= 6 and any(_LIST_WORDS.search(one) for one in block)

    def _skip_paragraph(self) -> None:
        while self.at < len(self.lines) and self.lines[self.at].strip() and not is_quoted(self.lines[self.at]):
            self.at += 1

    def _signature_end(self) -> int:
        """A signature ends where quoted mail begins; looked for once, however many signatures there are."""
        if not self.at < self._next_end:
            self._next_end = self._find_end()
        return self._next_end

    def _find_end(self) -> int:
        for place in range(self.at + 1, min(len(self.lines), _MAX_LINES)):
            line = self.lines[place]
            if not line.strip():
                continue
            if is_quoted(line) or attribution.mark(line, self.forms):
                return place
            if attribution.find_block(self.lines, place, self.forms):
                return place
            if attribution.find_attribution(self.lines, place, self.forms):
                return place
        return len(self.lines)


def _inline(between: Sequence[tuple[bool, str]]) -> str:
    """What was answered and the answers, in order; "" where no answer stands below a quoted line."""
    end = next((place for place in range(len(between), 0, -1) if not between[place - 1][0]), 0)
    if not any(is_quote for is_quote, _ in between[:end]):
        return ""
    lines: list[str] = []
    was_quote = True
    for is_quote, line in between[:end]:
        text = line.strip().lstrip(">\u203a \t") if is_quote else line
        if is_quote and not was_quote or not text:
            lines.append("")
        if text:
            lines.append(f"> {text}" if is_quote else text)
        was_quote = is_quote
    return _BLANKS.sub("\n\n", "\n".join(lines)).strip()


def _is_signed_off(kept: Sequence[str]) -> bool:
    """A last line such as "-Lev." is a name with a dash before it, unless dashes make a list."""
    if len(kept) < 3 or kept[-2].strip() or not _SIGNED.match(kept[-1]):
        return False
    above = [line.strip() for line in kept[:-1] if line.strip()]
    return (
        bool(above)
        and not above[-1].endswith((":", ","))
        and not any(line.startswith(kept[-1].strip()[0]) for line in above)
    )


def _without_edges(lines: Sequence[str]) -> list[str]:
    """Take off blank lines and drawn rules that stood between the text and what was cut."""
    kept = list(lines)
    while kept and (not kept[-1].strip() or attribution.is_rule(kept[-1])):
        kept.pop()
    if _is_signed_off(kept):
        return _without_edges(kept[:-1])
    start = 0
    while start < len(kept) and not kept[start].strip():
        start += 1
    return kept[start:]

"""Text as words: folded (case, accents, apostrophes), cut, with the breaks of clauses and sentences between them."""

import re
import unicodedata
from dataclasses import dataclass

NONE, CLAUSE, SENTENCE, QUESTION = range(4)

HOST, ADDRESS, IP, NUMBER = "xhostx", "xmailx", "xipx", "xnumx"  # what stands for a name in the words

_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "ё": "е", "ł": "l", "ø": "o", "đ": "d", "œ": "oe", "æ": "ae"}


def _fold_table() -> dict[int, str]:
    table = {ord(mark): "'" for mark in "’ʼ‘`´ʹ′"}
    for code in range(0xC0, 0x250):
        plain = unicodedata.normalize("NFD", chr(code).lower())[0]
        table[code] = _UMLAUTS.get(chr(code).lower(), plain)
    table[ord("ё")] = table[ord("Ё")] = "е"
    for invisible in (0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF):
        table[invisible] = ""
    return table


_TABLE = _fold_table()
_FOLDED = re.compile(f"[{re.escape(''.join(map(chr, _TABLE)))}]")
_COMBINED = re.compile("[\u0300-\u036f]")
_NOT = re.compile(r"(?<=\w)n't\b")
_SHORT = {"can't": "can not", "cannot": "can not", "won't": "will not", "doesnt": "does not", "dont": "do not"}
_SHORT |= {"cant": "can not", "isnt": "is not", "didnt": "did not", "wont": "will not"}
_SHORTS = re.compile(rf"\b(?:{'|'.join(_SHORT)})\b")
_E_MAIL = re.compile(r"\be-(?=mail)")
_PIECE = re.compile(r"\w+(?:'\w+)*|\?|\.(?!\w)|[!;…]|\n[ \t]*\n|[,:()\n–—\"«»„“”|]")
_LEVELS = {**dict.fromkeys(',:()\n–—"«»„“”|', CLAUSE), **dict.fromkeys(".!;…", SENTENCE), "?": QUESTION}


def fold(text: str) -> str:
    """Return `text` for comparison: lower case, Latin accents off (ä is ae), one kind of apostrophe, ё as е, and
    English contractions of "not" written out."""
    is_plain = text.isascii()
    if not is_plain and _COMBINED.search(text):
        text = unicodedata.normalize("NFC", text)
    folded = text.lower()
    if not is_plain or "`" in folded:
        folded = _FOLDED.sub(_plain, folded)
    if ("nt" in folded or "n't" in folded or "cannot" in folded) and any(short in folded for short in _SHORT):
        folded = _SHORTS.sub(lambda found: _SHORT[found.group()], folded)
    if "n't" in folded:
        folded = _NOT.sub(" not", folded)
    folded = folded.replace("'s ", " ")
    return _E_MAIL.sub("e", folded) if "e-mail" in folded else folded


def _plain(found: re.Match[str]) -> str:
    return _TABLE[ord(found.group())]


@dataclass(frozen=True, slots=True)
class Words:
    """Folded words and the breaks around them: `breaks[i]` stands before word i, the last after all of them."""

    words: tuple[str, ...]
    breaks: tuple[int, ...]

    def sentence_of(self, at: int) -> tuple[int, int]:
        """Return first and end (excluded) of the sentence that word `at` stands in."""
        return self._around(at, SENTENCE)

    def clause_of(self, at: int) -> tuple[int, int]:
        """Return first and end (excluded) of the clause that word `at` stands in."""
        return self._around(at, CLAUSE)

    def _around(self, at: int, level: int) -> tuple[int, int]:
        first, end = at, at + 1
        while first > 0 and self.breaks[first] < level:
            first -= 1
        while end < len(self.words) and self.breaks[end] < level:
            end += 1
        return first, end


def cut(folded: str, abbreviations: frozenset[str] = frozenset()) -> Words:
    """Return the words of folded text. A line's end is a break of a clause, an empty line one of a sentence; the full
    stop of an abbreviation, or of a single letter ("z. B."), is none."""
    words: list[str] = []
    breaks: list[int] = [SENTENCE]
    is_stopped = False
    for piece in _PIECE.findall(folded):
        level = _LEVELS.get(piece)
        if level is None:
            if piece[0] != "\n":
                if is_stopped:
                    is_stopped = False
                    # a full stop before a number ends an abbreviation that no list knows: Hauptstr. 1
                    if piece[0].isdigit():
                        breaks[-1] = CLAUSE
                words.append(piece)
                breaks.append(NONE)
                continue
            level = SENTENCE  # an empty line, which may hold blanks
        if words and level > breaks[-1]:
            if piece == "." and abbreviations and (words[-1] in abbreviations or len(words[-1]) == 1):
                continue
            if piece == "." and abbreviations and len(words[-1]) == 2 and words[-1].isdigit():
                level = CLAUSE  # a day of the month, as German and Polish write it, more often than a sentence's end
            breaks[-1] = level
            is_stopped = piece == "." and bool(abbreviations)
    breaks[-1] = max(breaks[-1], SENTENCE)
    return Words(tuple(words), tuple(breaks))


def join(one: Words, other: Words) -> Words:
    """Return the words of two texts that an empty line parts."""
    return Words((*one.words, *other.words), (*one.breaks[:-1], max(SENTENCE, one.breaks[-1]), *other.breaks[1:]))

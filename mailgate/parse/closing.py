"""What ends a text and is no part of it (M3): a signature, a phone's line, a legal or a list's footer.

Each is one only as the last thing of what was said, and by its whole wording: a line or a paragraph of which some words
are no such ending's is the sender's own. The last thing may stand above a quoted mail.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import Phrases
from mailgate.model.quick import replace
from mailgate.model.segments import Segment, SegmentKind, is_rule

_MARKED = re.compile(r"\s?-- [ \t\u00a0]*\Z")  # RFC 3676 4.3: what programs write
_LOOSE = re.compile(r"\s?(?:--|---|\u2014|\u2013\u2013)[ \t\u00a0]*\Z")
_SIGNED = re.compile(r"\s?[-/\u2013\u2014]{1,2}[^\W\d_a-z][^\W\d_A-Z]{1,20}(?:\s[^\W\d_a-z][^\W\d_A-Z]{1,20})?\.?\s*\Z")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_LINK = re.compile(r"<?\[?(?:https?://|www\.)[^\s<>]{1,300}[>\]]?|<[^<>\s]{1,200}>", re.IGNORECASE)
_CONTACT = re.compile(
    r"@|https?://|www\.|\+?\d[\d\s()/.-]{5,}|\b[\w-]+\.(?:com|de|pl|ua|ru|net|org|eu|example)\b", re.IGNORECASE
)
_CONTACTS = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}|<?(?:https?://|www\.)[^\s<>]{1,300}>?|\+?\(?\d[\d\s()/.-]{5,24}\d",
    re.IGNORECASE,
)
_REACHED = re.compile(  # a line that is nothing but an address or a number
    r"(?:(?:tel|fon|phone|mobil|mobile|тел|e-?mail)[.:]?\s{0,3})?(?:[\w.+-]{1,64}@[\w.-]{3,190}|\+?\(?\d[\d\s()/.-]{6,24})",
    re.IGNORECASE,
)
_LABELS = frozenset(
    ("phone", "mobile", "mobil", "telefon", "email", "e-mail", "mail", "web", "skype", "telegram", "тел", "моб", "факс",
     "телефон", "пошта", "почта")
)  # fmt: skip
_SENTENCE = re.compile(r"[.!?:,;]\s*\Z")
_LIST_RULE = re.compile(r"_{2,100}\s*\Z|-{10,100}\s*\Z")
_LIST_WORDS = re.compile(r"mailing list|listinfo|https?://lists?\.|unsubscribe", re.IGNORECASE)
_MOST_LINES = 12  # of a signature
_MOST_LOOSE = 6  # of one whose mark is a mere `--`
_MOST_LENGTH = 100  # of a signature's line
_MOST_WORDS = 14  # of a phone's line
_COVERED = 0.85  # of a footer's words that are footers' words
_LIST_LENGTH = 8  # words of a line of a list's footer
_MOST_ENDINGS = 8
_DASHES = frozenset("-\u2014\u2013")
_LOOK = 40  # lines at the end that are looked at
_FOOTER_LINES = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class _Endings:
    phone: re.Pattern[str]
    phone_words: frozenset[str]
    footer: re.Pattern[str]
    footer_starts: frozenset[str]  # the first words of what `footer` matches
    footer_words: frozenset[str]


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> _Endings:
    starts = "|".join(re.escape(one).replace(r"\ ", r"\s") for one in phrases.footers) or r"(?!)"
    return _Endings(
        phone=re.compile(rf"[\s*_>]*+(?:{'|'.join(phrases.phone_signatures) or '(?!)'})", re.IGNORECASE),
        phone_words=frozenset(word.lower() for word in phrases.phone_words),
        footer=re.compile(rf"[\s*_\[(]*+(?:{starts})", re.IGNORECASE),
        footer_starts=frozenset(one.lower().split()[0].strip(":") for one in phrases.footers),
        footer_words=frozenset(word.lower() for word in phrases.footer_words),
    )


def without_endings(segments: Sequence[Segment], phrases: Phrases) -> list[Segment]:
    """Return the segments with the endings of what was said as segments of their own."""
    endings = _compiled(phrases)
    done: list[Segment] = list(segments)
    for place in range(len(done) - 1, -1, -1):
        one = done[place]
        if one.kind != "said":
            continue
        kept, cut = _cut(one.text.split("\n"), endings, is_last=place == len(done) - 1)
        has_text = any(line.strip() and not is_rule(line) for line in kept)
        if cut and (has_text or any(other.kind in ("said", "forward") and other.lines for other in done[:place])):
            if not has_text:  # a drawn rule goes with what stands below it
                cut[0] = replace(cut[0], text="\n".join((*kept, cut[0].text)))
            done[place : place + 1] = ([Segment(kind="said", text="\n".join(kept))] if has_text else []) + cut
        if has_text:
            break
    return done


def _cut(lines: list[str], endings: _Endings, *, is_last: bool) -> tuple[list[str], list[Segment]]:
    """Return what is left of the lines, and the endings taken off, in their order."""
    cut: list[Segment] = []
    for _ in range(_MOST_ENDINGS):
        end = len(lines)
        while end and (not lines[end - 1].strip() or (cut or not is_last) and end > 1 and _is_drawn(lines[end - 1])):
            end -= 1
        if end < len(lines) and any(line.strip() for line in lines[end:]):
            cut.insert(
                0, Segment(kind="signature", text="\n".join(lines[end:]), because="a mark with nothing below it")
            )
            lines = lines[:end]
        found = _ending(lines[:end], endings) if end else None
        if found is None:
            break
        start, kind, because = found
        cut.insert(0, Segment(kind=kind, text="\n".join(lines[start:]), because=because))
        lines = lines[:start]
    return lines, cut


def _is_drawn(line: str) -> bool:
    return is_rule(line) or _MARKED.match(line) is not None or _LOOSE.match(line) is not None


def _ending(lines: Sequence[str], endings: _Endings) -> tuple[int, SegmentKind, str] | None:
    """Return where the last ending of `lines` begins, its kind and what speaks for it."""
    last = len(lines) - 1
    if _is_phone(lines[last], endings):
        return last, "signature", "a phone's line"
    start = _paragraph(lines)
    if (begin := _footer(lines, start, endings)) is not None:
        return begin, "footer", "a footer by its whole wording"
    if (begin := _list_footer(lines)) is not None:
        return begin, "footer", "a mailing list's footer"
    if (begin := _signature(lines)) is not None:
        return begin, "signature", "a signature below its mark"
    if _is_signed_off(lines):
        return last, "signature", "a name behind a dash"
    return None


def _paragraph(lines: Sequence[str]) -> int:
    start = len(lines) - 1
    while start > 0 and lines[start - 1].strip() and len(lines) - start < _FOOTER_LINES:
        start -= 1
    return start


def _is_phone(line: str, endings: _Endings) -> bool:
    if len(line) >= 300 or _first_word(line) not in endings.phone_words:
        return False
    if not endings.phone.match(line):
        return False
    bare = _LINK.sub(" ", line)
    if "@" in bare or "?" in bare or re.search(r"\d:\d\d", bare):
        return False
    words = _WORD.findall(bare)
    if len(words) > _MOST_WORDS:
        return False
    unknown = [word for word in words if word.lower() not in endings.phone_words]
    return len(unknown) <= 3 and not any(word[0].islower() for word in unknown)


def _first_word(line: str) -> str:
    """Most lines are told by their first word, without the long patterns."""
    return (line.strip(" \t*_>[(").split(None, 1) or [""])[0].strip("*_>:").lower()


def _footer(lines: Sequence[str], start: int, endings: _Endings) -> int | None:
    """Return where the footer that the last paragraph ends begins: at the first line whose words all the way down are
    footers' words."""
    for place in range(start, len(lines)):
        if _first_word(lines[place]) in endings.footer_starts and endings.footer.match(lines[place][:200]):
            text = " ".join(lines[place:])
            if place > start and not _SENTENCE.search(lines[place - 1]):
                return None  # the middle of somebody's sentence
            return place if _is_covered(text, endings.footer_words) else None
    return None


def _is_covered(text: str, known: frozenset[str]) -> bool:
    bare = _LINK.sub(" ", text)
    if "?" in bare:
        return False
    for sentence in re.split(r"(?<=[.!])\s+", bare):
        words = [word.lower() for word in _WORD.findall(sentence)]
        if not words:
            continue
        unknown = sum(word not in known and word.split("-")[0] not in known for word in words)
        if unknown > max(1, (1 - _COVERED) * len(words)) if len(words) > 3 else unknown == len(words) > 1:
            return False
    return True


def _list_footer(lines: Sequence[str]) -> int | None:
    for place in range(len(lines) - 2, max(-1, len(lines) - 9), -1):
        if _LIST_RULE.match(lines[place]):
            block = [line for line in lines[place + 1 :] if line.strip()]
            is_one = 0 < len(block) <= 6 and any(_LIST_WORDS.search(line) for line in block)
            is_one = is_one and any(_CONTACT.search(line) for line in block)
            return place if is_one and all(_is_of_list(line) for line in block) else None
    return None


def _is_of_list(line: str) -> bool:
    bare = line.strip()
    return (
        bool(_LIST_WORDS.search(bare) or _CONTACT.search(bare))
        and "?" not in bare
        and len(_WORD.findall(_LINK.sub("", bare))) <= _LIST_LENGTH
    )


def _signature(lines: Sequence[str]) -> int | None:
    for place in range(len(lines) - 2, max(-1, len(lines) - _LOOK), -1):
        line = lines[place]
        if line[:1] not in _DASHES and line[1:2] not in _DASHES:
            continue
        is_marked = _MARKED.match(line) is not None
        if is_marked or _LOOSE.match(line):
            return place if _is_signature(lines[place + 1 :], is_marked=is_marked) else None
    return None


def _is_signature(block: Sequence[str], *, is_marked: bool) -> bool:
    """A program's mark lets a motto pass; below a mere `--` every line must be a name, a place, a number."""
    lines = [line.strip() for line in block if line.strip()]
    if not lines or len(lines) > (_MOST_LINES if is_marked else _MOST_LOOSE):
        return False
    if any(len(_LINK.sub("", line)) > _MOST_LENGTH or line.endswith("?") for line in lines):
        return False
    if not is_marked:
        has_contact = any(_REACHED.fullmatch(line) for line in lines)
        return all(_is_of_signature(line) or has_contact and not _is_sentence(line) for line in lines)
    first = next((place for place, line in enumerate(block) if line.strip()), 0)
    later = False
    for place, line in enumerate(block):
        later = later or not line.strip() and place > first
        if later and _is_sentence(line):
            return False
    return True


def _is_of_signature(line: str) -> bool:
    words = _WORD.findall(line)
    bare = _CONTACTS.sub(" ", line)
    if bare != line:
        beside = _WORD.findall(bare)
        return len(beside) <= 4 and all(
            word[0].isupper() or len(word) <= 3 or word.lower() in _LABELS for word in beside
        )
    if not words or len(words) > 7 or line.endswith((".", "?", "!", ";")) and len(words) > 2:
        return False
    if line.endswith(":") or "=" in line or "--" in line:
        return False
    capitals = sum(word[0].isupper() for word in words)
    return capitals * 5 >= len(words) * 3 or len(words) == 1


def _is_sentence(line: str) -> bool:
    words = _WORD.findall(line)
    return (
        len(words) >= 5
        and line.rstrip().endswith((".", "!", "?", ":"))
        and sum(word[0].islower() for word in words) * 2 > len(words)
    )


def _is_signed_off(lines: Sequence[str]) -> bool:
    """A last line such as "-Lev." is a name with a dash before it, unless dashes make a list."""
    if len(lines) < 3 or lines[-2].strip() or not _SIGNED.match(lines[-1]):
        return False
    above = [line.strip() for line in lines[:-1] if line.strip()]
    return (
        bool(above)
        and not above[-1].endswith((":", ","))
        and not any(line.startswith(lines[-1].strip()[0]) for line in above)
    )

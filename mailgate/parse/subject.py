"""What a subject says: tags, numbers in words, prefixes, and the core that is left without them (T1d, T2, T4). What a
gateway stamped before it is no part of it (M6)."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.mail import Tag
from mailgate.model.phrases import Phrases

_DIGIT = re.compile(r"\d")
_SPACES = re.compile(r"\s+")
_MAX = 5000
_MAX_NUMBER = 18  # digits
_SCORE = r"(?:\s?\(?-?\d{1,3}(?:[.,]\d{1,3})?\)?)?"  # of a spam filter


@dataclass(frozen=True, kw_only=True, slots=True)
class SubjectFacts:
    """The facts of one subject. `prefix` is "reply", "forward" or "" by its first prefix."""

    core: str
    tags: tuple[Tag, ...]
    word_numbers: tuple[int, ...]
    is_reply: bool
    is_forward: bool
    title: str = ""  # the subject as its writer wrote it: without the stamps of gateways before it


def facts(subject: str, phrases: Phrases, known_tags: Collection[str]) -> SubjectFacts:
    """Return tags, numbers and core of `subject`; only tags of `known_tags` are tags."""
    text = _SPACES.sub(" ", subject[:_MAX]).strip()
    pattern = tag_pattern(frozenset(known_tags))
    tags = find_tags(text, pattern)
    forms = _compiled(phrases)
    stated = forms.words.finditer(text) if _DIGIT.search(text) else ()
    numbers = tuple(dict.fromkeys(int(found.group(1) or found.group(2)) for found in stated))
    bare = pattern.sub(" ", text) if tags else text
    core, kinds = _without_prefixes(bare, forms)
    if numbers:
        core, more = _without_prefixes(_tidy(forms.words.sub(" ", core)), forms)
        kinds += more
    first = kinds[0] if kinds else ""
    return SubjectFacts(
        core=_SPACES.sub(" ", core).strip(),
        tags=tags,
        word_numbers=numbers,
        is_reply=first == "reply",
        is_forward=first == "forward",
        title=_without_stamps(text, forms),
    )


def find_tags(text: str, pattern: re.Pattern[str]) -> tuple[Tag, ...]:
    """Return the tags in `text`, in order, each once."""
    if "#" not in text and "\uff03" not in text:
        return ()
    return tuple(
        dict.fromkeys(
            Tag(desk=_SPACES.sub("", found.group(1)).lower(), number=int(found.group(2)))
            for found in pattern.finditer(text)
        )
    )


def quoted_tags(text: str, known_tags: Collection[str]) -> tuple[Tag, ...]:
    """Return the tags in quoted text, also where a line break with quote marks tears one (T1d)."""
    return find_tags(text, tag_pattern(frozenset(known_tags))) if "#" in text else ()


@lru_cache(maxsize=64)
def tag_pattern(known_tags: frozenset[str]) -> re.Pattern[str]:
    """Return the pattern of `[tag #12345]` for these tags, in any case and spacing (T2)."""
    names = "|".join(re.escape(name) for name in sorted(known_tags, key=len, reverse=True)) or r"(?!)"
    gap = r"[\s\u00a0\u200b>|]*+"
    return re.compile(
        rf"[\[\uff3b]{gap}({names}){gap}[#\uff03]{gap}(?:n[or°]\.?{gap})?(\d{{1,{_MAX_NUMBER}}}){gap}[\]\uff3d]",
        re.IGNORECASE,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Forms:
    prefix: re.Pattern[str]
    replies: frozenset[str]
    words: re.Pattern[str]
    stamp: re.Pattern[str]


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> _Forms:
    every = _alternatives((*phrases.reply_prefixes, *phrases.forward_prefixes))
    numbers = _alternatives(phrases.number_words)
    words = _alternatives(phrases.ticket_words)
    mark = r"[\s:.]{0,3}(?:[#\u2116\uff03]\s?)?"
    return _Forms(
        prefix=re.compile(
            rf"[\s\u00a0\u200b\u200e\u200f]*+(?:({every})\s?(?:\[\d{{1,3}}\]|\(\d{{1,3}}\)|\^\d{{1,3}}|\*\d{{1,3}}|\d{{1,2}})?\s?[:\uff1a]|\((fwd?)\)\s*+\Z)",
            re.IGNORECASE,
        ),
        replies=frozenset(prefix.lower() for prefix in phrases.reply_prefixes),
        words=re.compile(
            rf"(?<![\w\[/#.-])\(?(?:{words})[-\s:]{{0,3}}(?:(?:(?:{numbers})(?![^\W\d])|[#\u2116\uff03]){mark}(\d{{1,{_MAX_NUMBER}}})"
            rf"|(\d{{4,{_MAX_NUMBER}}}))(?![\w/]|[.,-]\d)\)?",
            re.IGNORECASE,
        ),
        # [EXTERNAL], {Spam?}, ***** SPAM(5.3) *****, EXT:
        stamp=re.compile(
            rf"\s*+(?:[\[(<{{*!=]{{1,8}}\s?(?:{_alternatives(phrases.stamps)})[?!:]?{_SCORE}\s?[\])>}}*!=]{{1,8}}"
            rf"|(?:{_alternatives(phrases.stamp_labels)})\s?[:\uff1a])",
            re.IGNORECASE,
        ),
    )


def _alternatives(phrases: Iterable[str]) -> str:
    ordered = sorted(dict.fromkeys(phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase).replace(r"\ ", r"\s{1,3}") for phrase in ordered) or r"(?!)"


def _without_prefixes(text: str, forms: _Forms) -> tuple[str, list[str]]:
    """Take the pile of prefixes and stamps off; what kind the prefixes were, outermost first."""
    if _is_bare(text):
        return text.strip(), []
    kinds: list[str] = []
    place = 0
    while found := forms.prefix.match(text, place) or forms.stamp.match(text, place):
        if found.re is forms.prefix:
            word = _SPACES.sub(" ", found.group(1) or found.group(2)).lower()
            kinds.append("reply" if word in forms.replies else "forward")
        place = found.end()
    return text[place:].strip(), kinds


def _is_bare(text: str) -> bool:
    """A prefix or stamp ends with a colon, or begins with a bracket, a star or the like."""
    return text[:1].isalnum() and ":" not in text and "\uff1a" not in text


def _without_stamps(text: str, forms: _Forms) -> str:
    if _is_bare(text):
        return text
    place = 0
    while found := forms.stamp.match(text, place):
        place = found.end()
    return text[place:].strip() if place else text


def _tidy(text: str) -> str:
    """Take off the dash or colon that stood between a ticket's number and the matter."""
    return re.sub(r"\s+", " ", text).strip().lstrip("-–—:,. ").rstrip("-–—:, ").strip()

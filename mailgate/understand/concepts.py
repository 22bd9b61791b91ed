"""Concepts: a thing and what is done to it, stated where both stand in one sentence, in any order (S6, Q3, Q5)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from mailgate.model.settings import Lexicon
from mailgate.understand.words.lexer import SENTENCE, Words
from mailgate.understand.words.lists import Hit, Hits

_PREFIX = "concept."
_SHARED = "common"
_FARTHEST = 30  # words between thing and act: a sentence longer than that has no full stop, and several matters
_SHORTEST_GAP = 2  # words: a longer phrase of a thing may be one with a gap
_MOST = 40
# whose words are mixed in one sentence: the same language, or one that its neighbours speak too
_MIXED = frozenset({frozenset({"ru", "uk"})})


class Pair(NamedTuple):
    """The rows that make a concept: a thing, and what is done to it."""

    object: str
    act: str


class Stated(NamedTuple):
    """A concept that is stated: where its thing and its act stand."""

    object: Hit
    act: Hit

    @property
    def span(self) -> Hit:
        """Return both with what is between them."""
        return Hit(self.act.language, min(self.object.start, self.act.start), max(self.object.end, self.act.end))


Index = Mapping[str, tuple[tuple[str, str], ...]]  # by the row of things: concepts and the rows of their acts


@lru_cache(maxsize=32)
def pairs_of(lexicon: Lexicon) -> Mapping[str, tuple[Pair, ...]]:
    """Return the pairs of every concept by its name; ValueError names a row that is missing."""
    known = {name for lists in lexicon.words.values() for name in lists}
    found: dict[str, tuple[Pair, ...]] = {}
    for name, texts in lexicon.words.get(_SHARED, {}).items():
        if name.startswith(_PREFIX):
            found[name.removeprefix(_PREFIX)] = tuple(_pair(name, text, known) for text in texts)
    return found


@lru_cache(maxsize=32)
def index_of(lexicon: Lexicon) -> Index:
    """Return the pairs by their things: of a text only the few that it names are looked at."""
    found: dict[str, list[tuple[str, str]]] = {}
    for concept, pairs in pairs_of(lexicon).items():
        for pair in pairs:
            found.setdefault(pair.object, []).append((concept, pair.act))
    return {thing: tuple(acts) for thing, acts in found.items()}


def _pair(name: str, text: str, known: set[str]) -> Pair:
    thing, plus, act = (part.strip() for part in text.partition("+"))
    pair = Pair(f"object.{thing}", f"act.{act}")
    missing = [row for row in pair if row not in known]
    if not plus or missing:
        raise ValueError(f"{name}: {text!r} is no pair 'object + act' of rows there are ({', '.join(missing)})")
    return pair


class Finder:
    """Finds concepts among the hits of one text."""

    __slots__ = ("_found", "_hits", "_index", "_sentence", "_words")

    def __init__(self, words: Words, hits: Hits, index: Index) -> None:
        self._words, self._hits, self._index = words, hits, index
        self._sentence: list[int] | None = None
        self._found: dict[str, list[Stated]] | None = None

    def stated(self, name: str) -> Sequence[Stated]:
        """Return where a concept is stated, each act with the nearest of its things."""
        if self._found is None:
            self._found = self._all()
        return self._found.get(name, ())

    def _all(self) -> dict[str, list[Stated]]:
        found: dict[str, list[Stated]] = {}
        hits = self._hits
        for row, acts_of in self._index.items():
            if row in hits and (things := self._true(row, hits[row])):
                acts = [(concept, hits[act]) for concept, act in acts_of if act in hits]
                by_sentence = self._by_sentence(things) if acts else {}
                for concept, done in acts:
                    found.setdefault(concept, []).extend(self._together(by_sentence, done))
        return found

    def _true(self, name: str, things: tuple[Hit, ...]) -> tuple[Hit, ...]:
        """Return the things but for what only sounds so: a network card is no card that pays (lists `no.<object>`)."""
        others = self._hits.get(f"no.{name.removeprefix('object.')}")
        if not others:
            return things
        return tuple(
            thing
            for thing in things
            if not any(other.start < thing.end and thing.start < other.end for other in others)
        )

    def _by_sentence(self, things: tuple[Hit, ...]) -> dict[int, list[Hit]]:
        of = self._sentences()
        found: dict[int, list[Hit]] = {}
        for thing in things[:_MOST]:
            found.setdefault(of[thing.start], []).append(thing)
        return found

    def _together(self, things: Mapping[int, Sequence[Hit]], acts: tuple[Hit, ...]) -> Iterator[Stated]:
        of = self._sentences()
        for act in acts[:_MOST]:
            near = [thing for thing in things.get(of[act.start], ()) if _are_apart(thing, act) and _may_mix(thing, act)]
            if near:
                nearest = min(near, key=lambda thing: _distance(thing, act))
                if _distance(nearest, act) <= _FARTHEST:
                    yield Stated(nearest, act)

    def _sentences(self) -> list[int]:
        """Return the number of the sentence of each word."""
        if self._sentence is None:
            number, found = 0, []
            for level in self._words.breaks[:-1]:
                number += level >= SENTENCE
                found.append(number)
            self._sentence = found
        return self._sentence


def _are_apart(one: Hit, other: Hit) -> bool:
    """No word of a thing is what is done to it ("name" in "company name"); a phrase may hold the other in its gap."""
    is_within = one.start <= other.start and other.end <= one.end
    return not (is_within and one.end - one.start <= _SHORTEST_GAP)


def _may_mix(one: Hit, other: Hit) -> bool:
    languages = frozenset({one.language, other.language})
    return len(languages) == 1 or _SHARED in languages or languages in _MIXED


def _distance(one: Hit, other: Hit) -> int:
    return max(other.start - one.end, one.start - other.end, 0)

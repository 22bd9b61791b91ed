"""A reading: the words of subject and text, where the subject ends, and every phrase of the lists found in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailgate.understand.concepts import Finder, Stated
from mailgate.understand.names import Names
from mailgate.understand.words.lexer import QUESTION, Words
from mailgate.understand.words.lists import Hit, Hits

_NEAR = 3
_NEAR_ACT = 2  # words between "not" and an act: what stands farther off is another matter's
_BACKGROUND = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The words before `subject_end` are the subject's."""

    words: Words
    subject_end: int
    names: Names
    hits: Hits
    concepts: Finder

    def of(self, name: str) -> tuple[Hit, ...]:
        """Return the hits of a list."""
        return self.hits.get(name, ())

    def in_text(self, name: str) -> Iterator[Hit]:
        """Yield the hits of a list in the text."""
        return (hit for hit in self.of(name) if hit.start >= self.subject_end)

    def said(self, hit: Hit) -> str:
        """Return the words of a hit."""
        return " ".join(self.words.words[hit.start : hit.end])

    def sentence(self, hit: Hit) -> tuple[int, int]:
        """Return first and end of the sentence that a hit begins in."""
        return self.words.sentence_of(hit.start)

    def has(self, name: str, span: tuple[int, int]) -> bool:
        """Is a phrase of the list within the words of `span`?"""
        return any(span[0] <= hit.start and hit.end <= span[1] for hit in self.of(name))

    def is_question(self, hit: Hit) -> bool:
        """Does the sentence of a hit end with a question mark?"""
        return self.words.breaks[self.sentence(hit)[1]] == QUESTION

    def is_negated(self, hit: Hit) -> bool:
        """Does a "not" stand right before a hit, in its clause?"""
        first = max(self.words.clause_of(hit.start)[0], hit.start - _NEAR)
        return self.has("outage.negation", (first, hit.start))

    def stated(self, name: str) -> Iterator[Stated]:
        """Yield where a concept is stated, but for an act that is denied, is told of as past, or is another by its
        words (lists `not.<concept>`), and for what is another thing (lists `no.<object>`)."""
        stated = self.concepts.stated(name)
        if stated:
            others = self.of(f"not.{name}")
            for one in stated:
                if not (self._is_denied(one.act) or self.is_background(one.span) or _touch(one.act, others)):
                    yield one

    def _is_denied(self, act: Hit) -> bool:
        """Does a "not" stand before an act? One within the act is its own: no longer need."""
        first = max(self.words.clause_of(act.start)[0], act.start - _NEAR_ACT)
        return self.has("outage.negation", (first, act.start))

    def is_background(self, hit: Hit) -> bool:
        """Is it told as what came before, "after the change of our card", rather than asked for?"""
        first = max(self.words.clause_of(hit.start)[0], hit.start - _BACKGROUND)
        return self.has("background", (first, hit.start))

    def is_other(self, hit: Hit, name: str) -> bool:
        """Is a phrase of the list `name` another by the words around it (list `not.<name>`)?"""
        return _touch(hit, self.of(f"not.{name}"))

    def is_retracted(self, hit: Hit) -> bool:
        """Does the sentence of a hit tell of words that somebody wrote by mistake?"""
        return self.has("retracted", self.sentence(hit))

    def is_threat(self, hit: Hit) -> bool:
        """Is it what will be done "if it does not work by Friday", rather than demanded now?"""
        first, end = self.sentence(hit)
        return self.has("threat", (first, hit.start)) and not self.has("demand", (first, end))

    def is_how_to(self, hit: Hit) -> bool:
        """Does the sentence of a hit ask how or where something is done, rather than to do it?"""
        span = self.sentence(hit)
        return self.has("howto", span) and not self.has("demand", span)


def _touch(one: Hit, others: tuple[Hit, ...]) -> bool:
    return any(other.start < one.end and one.start < other.end for other in others)


def words_of(reading: Reading, hits: Iterable[Hit], most: int = 5) -> str:
    """Return the distinct words of `hits` as evidence."""
    said: dict[str, None] = {}
    for hit in hits:
        said.setdefault(f"«{reading.said(hit)}»")
        if len(said) == most:
            break
    return ", ".join(said)

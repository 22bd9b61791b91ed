"""A reading: the words of subject and text, where the subject ends, and every phrase of the lists found in them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mailgate.understand.names import Names
from mailgate.understand.words.lexer import QUESTION, Words
from mailgate.understand.words.lists import Hit, Hits

_NEAR = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Reading:
    """The words before `subject_end` are the subject's."""

    words: Words
    subject_end: int
    names: Names
    hits: Hits

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

    def is_how_to(self, hit: Hit) -> bool:
        """Does the sentence of a hit ask how or where something is done, rather than to do it?"""
        span = self.sentence(hit)
        return self.has("howto", span) and not self.has("demand", span)


def words_of(reading: Reading, hits: Iterable[Hit], most: int = 5) -> str:
    """Return the distinct words of `hits` as evidence."""
    return ", ".join(list(dict.fromkeys(f"«{reading.said(hit)}»" for hit in hits))[:most])

"""Statements of a whole mail: a total outage (Q3), an announced other matter (T4c)."""

from mailgate.understand.concepts import Stated
from mailgate.understand.reading import Reading, words_of
from mailgate.understand.words.lexer import QUESTION, SENTENCE
from mailgate.understand.words.lists import Hit

_OPENING_WORDS = 16
_OPENING_SENTENCES = 3


def stated_outage(reading: Reading) -> str:
    """Return the words that state a total outage, "" where none does: a question, a negation, a condition, the past and
    what works again are none, and neither is the word urgent (Q3)."""
    if any(True for _ in reading.in_text("outage.recovered")):
        return ""
    stated = [hit for hit in reading.of("outage.stated") if not reading.has("outage.negation", (hit.start, hit.end))]
    said = [hit for hit in (*stated, *reading.of("outage.silent")) if _is_stated(reading, hit)]
    joined = [one.span for one in reading.stated("outage.stated") if _is_of_it(reading, one)]
    return words_of(reading, (*said, *joined))


def _is_of_it(reading: Reading, one: Stated) -> bool:
    """Is it the server that is dead, rather than a site on it or the writer, whom another clause speaks of?"""
    clause = reading.words.clause_of(one.act.start)
    is_elsewhere = not clause[0] <= one.object.start < clause[1]
    if is_elsewhere and any(reading.has(f"object.{name}", clause) for name in ("page", "letter", "mail_program")):
        return False
    return _is_stated(reading, one.act) and not reading.has(
        "outage.past", (max(one.object.start, clause[0]), one.act.end)
    )


def _is_stated(reading: Reading, hit: Hit) -> bool:
    clause = reading.words.clause_of(hit.start)
    # what is "down" or "offline" is so in several languages: whose list speaks does not matter here
    if reading.is_negated(hit) or reading.has("outage.past", (max(clause[0], hit.start - 2), hit.end)):
        return False
    if reading.has("outage.softened", reading.sentence(hit)):
        return False
    return not reading.has("outage.condition", (clause[0], hit.end)) and not _is_asked(reading, hit)


def _is_asked(reading: Reading, hit: Hit) -> bool:
    """A question whether, not one why; a statement with a question behind its comma is still a statement."""
    if not reading.is_question(hit):
        return False
    sentence, clause = reading.sentence(hit), reading.words.clause_of(hit.start)
    if reading.has("why", sentence):
        return False
    asks = reading.has("outage.asking", (clause[0], min(clause[0] + 3, clause[1])))
    return asks or reading.words.breaks[clause[1]] == QUESTION


def announced_matter(reading: Reading) -> str:
    """Return the opening words that announce another matter, "" where there are none (T4c)."""
    opening = _opening_of(reading)
    hits = [
        hit
        for hit in reading.in_text("announce.matter")
        if hit.end <= opening
        and not reading.is_negated(hit)
        and not reading.has("announce.same", reading.sentence(hit))
    ]
    return words_of(reading, hits)


def _opening_of(reading: Reading) -> int:
    """Return the end of the opening words: some sentences after the greeting."""
    breaks, first = reading.words.breaks, reading.subject_end
    greetings = [hit.end for hit in reading.in_text("greeting") if hit.start <= first + 2]
    at = max([first, *greetings])
    sentences = 0
    for index in range(at + 1, min(at + _OPENING_WORDS, len(reading.words.words))):
        sentences += breaks[index] >= SENTENCE
        if sentences >= _OPENING_SENTENCES:
            return index
    return min(at + _OPENING_WORDS, len(reading.words.words))

"""What the words of a mail say: one look at subject and visible text, by the desk's word lists (Q2 to Q7, S5, S6)."""

from functools import lru_cache
from typing import Literal

from mailgate.model.findings import Findings
from mailgate.model.settings import Desk, Lexicon
from mailgate.understand.classes import Chosen, Report, choose_class, open_questions
from mailgate.understand.concepts import Finder, index_of
from mailgate.understand.fields import read_fields
from mailgate.understand.names import find_names
from mailgate.understand.numbers import ACCOUNT_PATTERNS, Lines, read_accounts
from mailgate.understand.reading import Reading
from mailgate.understand.requests import Asked, is_formal, read_request, side_of
from mailgate.understand.thanks import GLAD, MOST_WORDS, SAD, has_emoji, thanks_of, with_emoji, without_signature
from mailgate.understand.tone import announced_matter, stated_outage
from mailgate.understand.words.lexer import QUESTION, cut, fold, join
from mailgate.understand.words.lists import Lists
from mailgate.understand.words.translit import in_cyrillic

__all__ = ["ACCOUNT_PATTERNS", "compile_lists", "find"]

_MOST_TEXT = 20_000  # characters that are read: what a person means stands at the beginning
_MOST_READ = 12_000  # characters whose words are looked at: of a longer text its beginning and its end, where it asks
_END_READ = 3_000
_MOST_SUBJECT = 1_000
_MOST_THANKING = 80  # words; a longer text is no mere thank-you, however it ends

Part = Literal["facts", "thanks", "phrases", "generic"]


def find(*, subject: str, core_subject: str, text: str, desk: Desk, files: int = 0) -> Findings:
    """Return what the words of a mail say; `text` is its visible text, `files` the number of its attachments.

    Of the subject its core is read: tags are no facts. Linear in the text, of which the beginning is read. Every
    verdict has the words that spoke in `because`.
    """
    subject, text = core_subject[:_MOST_SUBJECT], text[:_MOST_TEXT]
    reading = _read(subject, text, desk.lexicon)
    lines = Lines(f"{subject}\n{text}")
    chosen = choose_class(reading)
    outage = stated_outage(reading)
    is_trouble = bool(outage) or chosen.is_trouble
    fields = read_fields(lines, text, reading.names, desk.lexicon, is_trouble=is_trouble)
    numbers, logins = read_accounts(lines, desk.account_patterns)
    request = read_request(reading, chosen)
    side, side_words = side_of(reading, request, chosen)
    announces = announced_matter(reading)
    thanks = _thanks(reading, desk.lexicon)
    report = Report(reading=reading, class_=chosen.name, fields=fields, files=files)
    because = {
        "class": chosen.because, "request": request.because, "side": side_words, "outage": outage, "thanks": thanks,
        "announces": announces,
    }  # fmt: skip
    return Findings(
        request=request.kind,
        rights=request.rights,
        class_=chosen.name,
        side=side,
        is_outage=bool(outage),
        is_formal="cancellation" in request.rights or is_formal(reading),
        is_thanks=bool(thanks),
        announces_new=bool(announces),
        fields=fields,
        open_questions=() if outage or not _may_be_vague(request, chosen) else open_questions(report),
        account_numbers=numbers,
        logins=logins,
        hosts=reading.names.hosts[:50],
        because={name: words for name, words in because.items() if words},
    )


def _may_be_vague(request: Asked, chosen: Chosen) -> bool:
    """A request is answered as it stands; what is reported may be vague."""
    return request.kind == "general" or (request.kind == "account" and chosen.name == "invoice")


@lru_cache(maxsize=96)
def compile_lists(lexicon: Lexicon, part: Part) -> Lists:
    """Return some of the lists of `lexicon` compiled, once for each; ValueError names a group that is missing.

    What every mail is searched for is "facts", and "phrases" of thanks; labels are read line by line and need no list here.
    """
    if part == "phrases":
        return Lists(lexicon, lambda name: name == "thanks.phrase")
    return Lists(lexicon, lambda name: _part_of(name) == part)


def _thanks(reading: Reading, lexicon: Lexicon) -> str:
    """Return the words of a mere thank-you (T5), "" where the text says anything else. Only a short text is looked at
    once more, without its signature and with emoji as words."""
    body = reading.names.plain.partition("\n\n")[2]
    if len(reading.words.words) - reading.subject_end > _MOST_THANKING or len(body) > _MOST_THANKING * 20:
        return ""
    if QUESTION in reading.words.breaks[reading.subject_end + 1 :]:
        return ""
    first = reading.subject_end  # what the subject says is not said now
    phrases = compile_lists(lexicon, "phrases").find(reading.words).get("thanks.phrase", ())
    if not (any(hit.start >= first for hit in phrases) or has_emoji(body)):
        return ""  # as nearly all mails: the other lists of thanks hold words that every text is full of
    said = compile_lists(lexicon, "thanks").find(reading.words)
    if "thanks.allowed" not in said and any(hit.start >= first for hit in said.get("thanks.blocker", ())):
        return ""
    text = without_signature(with_emoji(_without_reactions(body, lexicon)), _matter(lexicon))
    words = cut(fold(text), _abbreviations(lexicon))
    if len(words.words) > MOST_WORDS:
        return ""
    hits = {**compile_lists(lexicon, "facts").find(words), **compile_lists(lexicon, "thanks").find(words)}
    spoken = dict.fromkeys(" ".join(words.words[hit.start : hit.end]) for hit in thanks_of(words, hits, text))
    return ", ".join(f"«{_shown(said)}»" for said in list(spoken)[:5])


def _shown(said: str) -> str:
    return said.replace(GLAD, "+1").replace(SAD, "-1")


def _without_reactions(text: str, lexicon: Lexicon) -> str:
    """Return `text` without the lines in which a mail program tells of a reaction: the reaction itself says it."""
    notices = _folded(lexicon, "thanks.reaction")
    folded = fold(text)
    present = [notice for notice in notices if notice in folded]
    if not present:
        return text
    return "\n".join(line for line in text.split("\n") if not any(notice in fold(line) for notice in present))


@lru_cache(maxsize=32)
def _folded(lexicon: Lexicon, name: str) -> tuple[str, ...]:
    return tuple(fold(phrase) for lists in lexicon.words.values() for phrase in lists.get(name, ()))


@lru_cache(maxsize=32)
def _matter(lexicon: Lexicon) -> frozenset[str]:
    """Return words that a line of a signature has not."""
    names = (
        "thanks.blocker",
        "group.site",
        "group.server",
        "group.mail",
        "group.invoice",
        "group.bad",
        "thanks.matter",
    )
    found = (phrase for name in names for phrase in _folded(lexicon, name))
    return frozenset(phrase.strip("*") for phrase in found if " " not in phrase)


@lru_cache(maxsize=32)
def _abbreviations(lexicon: Lexicon) -> frozenset[str]:
    """Return the words whose full stop ends no sentence."""
    lists = (lists.get("abbreviation", ()) for lists in lexicon.words.values())
    return frozenset(fold(word).rstrip(".") for words in lists for word in words)


def _part_of(name: str) -> str:
    first = name.partition(".")[0]
    return first if first in ("thanks", "generic", "label", "staff", "concept", "abbreviation") else "facts"


def _read_of(body: str) -> str:
    """Return what is read of a text word by word: a long log between two sentences of the writer hides neither."""
    return body if len(body) <= _MOST_READ else f"{body[: _MOST_READ - _END_READ]}\n\n{body[-_END_READ:]}"


def _read(subject: str, text: str, lexicon: Lexicon) -> Reading:
    names = find_names(f"{subject}\n\n{text}")
    head, _, body = names.plain.partition("\n\n")
    short = _abbreviations(lexicon)
    subject_words = cut(fold(head), short)
    words = join(subject_words, cut(fold(_read_of(body)), short))
    lists = compile_lists(lexicon, "facts")
    words = in_cyrillic(words, lambda word: bool(lists.atoms_of(word)))
    hits = lists.find(words)
    concepts = Finder(words, hits, index_of(lexicon))
    return Reading(words=words, subject_end=len(subject_words.words), names=names, hits=hits, concepts=concepts)

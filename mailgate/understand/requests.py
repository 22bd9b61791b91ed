"""What is asked for (S6), which side's words speak (Q2), and formal notices (A1)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from mailgate.model.findings import Class, Request, Right
from mailgate.understand.classes import Chosen
from mailgate.understand.reading import Reading, words_of
from mailgate.understand.words.lexer import QUESTION
from mailgate.understand.words.lists import Hit

_RIGHTS: tuple[Right, ...] = get_args(Right)
_LISTS: Mapping[Right, str] = {right: f"request.sensitive.{right}" for right in _RIGHTS}
_MONEY: frozenset[Right] = frozenset({"refund", "payment_data"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The kind of a request, the rights a sensitive one is about, and the words that say so."""

    kind: Request
    rights: tuple[Right, ...] = ()
    because: str = ""


def read_request(reading: Reading, chosen: Chosen) -> Asked:
    """Return what is asked (S6): how something is done, and trouble with one's own site or mail, is general."""
    is_bare = _is_bare(reading)
    sensitive = {right: hits for right in _RIGHTS if (hits := _sensitive(reading, right, is_bare=is_bare))}
    if sensitive:
        spoken = words_of(reading, (hit for hits in sensitive.values() for hit in hits))
        return Asked(kind="sensitive", rights=tuple(sensitive), because=spoken)
    is_own_trouble = chosen.is_trouble and chosen.name not in ("invoice", "other")
    if is_own_trouble:
        return Asked(kind="general")
    # a fact of one's own order or contract is asked for by which and when, as a how-to is
    facts = (*reading.of("request.fact"), *(one.span for one in reading.stated("request.fact")))
    account = [*_asking(reading, "request.account"), *facts]
    is_offer = any(not reading.is_negated(hit) for hit in reading.of("request.offer"))
    if account and not is_offer:
        return Asked(kind="account", because=words_of(reading, account))
    return Asked(kind="general")


_BARE_WORDS = 4  # a mail that names a code or a password and says nothing else asks for it
_NAMED_OFTEN: frozenset[Right] = frozenset({"auth_code", "password"})


def _sensitive(reading: Reading, right: Right, *, is_bare: bool) -> list[Hit]:
    """Return the hits that ask for what `right` covers. Codes and passwords are often just named: they must be asked
    for in the sentence, be what the subject is about, or all that the mail says."""
    name = _LISTS[right]
    if right == "password" and is_bare and not reading.of(f"not.{name}") and reading.of("object.secret"):
        return list(reading.of("object.secret"))
    if not (reading.of(name) or reading.concepts.stated(name)):
        return []
    stated = [one.span for one in reading.stated(name) if _is_asked(reading, one.span)]
    hits = [
        hit
        for hit in _asking(reading, name, with_concepts=False)
        if not (reading.is_other(hit, name) or reading.is_background(hit))
    ]
    if right not in _NAMED_OFTEN:
        return [*hits, *stated]
    asked = [
        hit for hit in hits if is_bare or hit.start < reading.subject_end or reading.has("ask", reading.sentence(hit))
    ]
    is_only_subject = all(hit.start < reading.subject_end for hit in asked)
    if is_only_subject and any(hit.start >= reading.subject_end for hit in hits):
        asked = []
    return [*asked, *stated]


def _is_bare(reading: Reading) -> bool:
    """Is the text a few words that report nothing: "root password pls", "EPP code shop.example"?"""
    length = len(reading.words.words) - reading.subject_end
    is_question = reading.words.breaks[-1] == QUESTION
    return 0 < length <= _BARE_WORDS and not (is_question or reading.of("trouble") or reading.of("howto"))


def side_of(reading: Reading, request: Asked, chosen: Chosen) -> tuple[Literal["technical", "financial", ""], str]:
    """Return the side whose words speak while the other's are silent (Q2), and the words."""
    financial = reading.of("side.financial.strong")
    technical = reading.of("side.technical.strong") or _broken(reading, chosen)
    weak = reading.of("side.technical.weak")
    speaks_of_money = bool(financial) or any(right in _MONEY for right in request.rights)
    if speaks_of_money and not technical:
        return "financial", words_of(reading, financial) or request.because
    # bare nouns, as server or domain, make a mail technical only where something is wrong with them
    is_weakly = bool(weak) and chosen.is_trouble and request.kind == "general"
    if not speaks_of_money and (technical or is_weakly):
        return "technical", words_of(reading, (*technical, *weak))
    return "", ""


_TECHNICAL: frozenset[Class] = frozenset({"site", "mail", "undelivered", "certificate"})


def _broken(reading: Reading, chosen: Chosen) -> tuple[Hit, ...]:
    """Return what is stated to be broken, where the mail is about it: a shop that takes no payment is no bill."""
    if not chosen.is_trouble:
        return ()
    named = f"class.{chosen.name}" if chosen.name in _TECHNICAL else "side.technical"
    return tuple(one.span for one in reading.concepts.stated(named))


def is_formal(reading: Reading) -> bool:
    """Is it a cancellation or another formal notice (A1)? Asking how one is given is none."""
    return any(True for _ in _asking(reading, "formal"))


def _asking(reading: Reading, name: str, *, with_concepts: bool = True) -> Iterator[Hit]:
    """Yield the hits of a list, and where the concept of its name is stated, that ask for the thing."""
    hits = [hit for hit in reading.of(name) if not reading.is_negated(hit)]
    if with_concepts:
        hits += [one.span for one in reading.stated(name)]
    yield from (hit for hit in hits if _is_asked(reading, hit))


def _is_asked(reading: Reading, hit: Hit) -> bool:
    """Is it asked for, rather than how it is done? The subject's words count where the text does not ask how. What
    somebody wrote by mistake is asked by nobody, and a threat is none yet."""
    if reading.is_how_to(hit) or reading.is_retracted(hit) or reading.is_threat(hit):
        return False
    return hit.start >= reading.subject_end or not any(reading.is_how_to(one) for one in reading.in_text("howto"))

"""What is asked for (S6), which side's words speak (Q2), and formal notices (A1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

from mailgate.model.findings import Request, Right
from mailgate.understand.classes import Chosen
from mailgate.understand.reading import Reading, words_of
from mailgate.understand.words.lists import Hit

_RIGHTS: tuple[Right, ...] = get_args(Right)
_MONEY: frozenset[Right] = frozenset({"refund", "payment_data"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """The kind of a request, the rights a sensitive one is about, and the words that say so."""

    kind: Request
    rights: tuple[Right, ...] = ()
    because: str = ""


def read_request(reading: Reading, chosen: Chosen) -> Asked:
    """Return what is asked (S6): how something is done, and trouble with one's own site or mail, is general."""
    sensitive = {right: hits for right in _RIGHTS if (hits := _sensitive(reading, right))}
    if sensitive:
        spoken = words_of(reading, (hit for hits in sensitive.values() for hit in hits))
        return Asked(kind="sensitive", rights=tuple(sensitive), because=spoken)
    account = list(_asking(reading, "request.account"))
    is_own_trouble = chosen.is_trouble and chosen.name not in ("invoice", "other")
    if account and not is_own_trouble:
        return Asked(kind="account", because=words_of(reading, account))
    return Asked(kind="general")


_NAMED_OFTEN: frozenset[Right] = frozenset({"auth_code", "password"})


def _sensitive(reading: Reading, right: Right) -> list[Hit]:
    """Return the hits that ask for what `right` covers. Codes and passwords are often just named: they must be asked
    for in the sentence, or be what the subject is about."""
    hits = list(_asking(reading, f"request.sensitive.{right}"))
    if right not in _NAMED_OFTEN:
        return hits
    asked = [hit for hit in hits if hit.start < reading.subject_end or reading.has("ask", reading.sentence(hit))]
    is_only_subject = all(hit.start < reading.subject_end for hit in asked)
    return [] if is_only_subject and any(hit.start >= reading.subject_end for hit in hits) else asked


def side_of(reading: Reading, request: Asked, chosen: Chosen) -> tuple[Literal["technical", "financial", ""], str]:
    """Return the side whose words speak while the other's are silent (Q2), and the words."""
    financial = reading.of("side.financial.strong")
    technical = reading.of("side.technical.strong")
    weak = reading.of("side.technical.weak")
    speaks_of_money = bool(financial) or any(right in _MONEY for right in request.rights)
    if speaks_of_money and not technical:
        return "financial", words_of(reading, financial) or request.because
    # bare nouns, as server or domain, make a mail technical only where something is wrong with them
    is_weakly = bool(weak) and chosen.is_trouble and request.kind == "general"
    if not speaks_of_money and (technical or is_weakly):
        return "technical", words_of(reading, (*technical, *weak))
    return "", ""


def is_formal(reading: Reading) -> bool:
    """Is it a cancellation or another formal notice (A1)? Asking how one is given is none."""
    return any(True for _ in _asking(reading, "formal"))


def _asking(reading: Reading, name: str) -> Iterator[Hit]:
    """Yield the hits of a list that ask for the thing. The subject's count where the text does not ask how."""
    hits = [hit for hit in reading.of(name) if not reading.is_how_to(hit) and not reading.is_negated(hit)]
    yield from (hit for hit in hits if hit.start >= reading.subject_end)
    if not any(reading.is_how_to(hit) for hit in reading.in_text("howto")):
        yield from (hit for hit in hits if hit.start < reading.subject_end)

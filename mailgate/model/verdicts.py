"""Verdicts: what others say of a mail (S2, M9), asked between its arrival and its decision."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["pass", "fail", "none"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Who a mail is from, as one look at it says (S2). `because` says it in words."""

    verdict: Verdict
    because: str
    domain: str = ""  # the From domain that it is about; "": whichever the mail has
    is_unsure: bool = False  # DNS did not tell: the same look may find more later


@dataclass(frozen=True, kw_only=True, slots=True)
class Junk:
    """What a filter says of a mail (M9). `source` is its name; `score` is null where it gives none."""

    is_junk: bool
    source: str
    because: str = ""
    score: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Malware:
    """What a scanner has found (M9). `sha256` is the attachment's that holds it; "" where it is in none that we know."""

    finding: str  # the scanner's name for it
    source: str = "clamd"
    sha256: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdicts:
    """All that was asked about one mail, and answered. What was not asked, or gave no answer, is None or empty."""

    own: Evidence | None = None  # our own SPF, DKIM and DMARC check (S2)
    arc: Evidence | None = None  # what a sealer said that the desk trusts (S2)
    junk: Junk | None = None  # of the filter that the house asks; headers of the mail are no part of it
    malware: tuple[Malware, ...] = ()
    unanswered: tuple[str, ...] = ()  # who was asked and did not answer, with the reason

    @property
    def is_unsure(self) -> bool:
        """May another look find more?"""
        return any(one is not None and one.is_unsure for one in (self.own, self.arc))


NOT_ASKED = Verdicts()

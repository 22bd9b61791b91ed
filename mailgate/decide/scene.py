"""Scene: all that a decision about a mail may look at, in one value."""

from dataclasses import dataclass
from datetime import datetime

from mailgate.model.answers import Answers
from mailgate.model.arrival import Arrival
from mailgate.model.decision import Reason
from mailgate.model.facts import Clues, Facts
from mailgate.model.findings import Findings
from mailgate.model.mail import Mail
from mailgate.model.settings import Desk
from mailgate.model.verdicts import Verdicts


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """A mail, what it names, and what is known of that. `now` is when we decide, `at` when the mail arrived: clocks
    run from its arrival, holds from now."""

    mail: Mail
    arrival: Arrival
    clues: Clues
    facts: Facts
    desk: Desk
    secret: bytes
    now: datetime
    hold_seconds: int = 30
    answers: Answers | None = None  # the desk's ready answers (C9)
    desk_addresses: frozenset[str] = frozenset()  # mailboxes of every desk of the house, lower case (A8)

    @property
    def at(self) -> datetime:
        return self.arrival.received_at

    @property
    def let_in(self) -> datetime | None:
        """When a person let the mail in that had been held or set aside: now, else never."""
        return self.now if self.arrival.is_let_in else None

    @property
    def verdicts(self) -> Verdicts:
        """What others say of the mail (S2, M9)."""
        return self.arrival.verdicts

    @property
    def findings(self) -> Findings:
        return self.clues.findings


@dataclass(slots=True)
class Trace:
    """The reasons of a decision, in the order in which they were found (P4)."""

    reasons: list[Reason]

    def add(self, rule: str, verdict: str, because: str = "") -> None:
        self.reasons.append(Reason(rule=rule, verdict=verdict, because=because))

"""The ladder (D5): who comes next, and how a ticket goes to another team."""

from datetime import datetime
from typing import Protocol

from mailgate.decide import letters
from mailgate.decide.scene import Scene
from mailgate.model.decision import Effect, Withdraw
from mailgate.model.letter import Letter
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case

TEAM_LETTERS = ("staff_notice", "handover", "reminder", "update_due")  # what may wait for a team's opening (D6)


class Moving(Protocol):
    """A piece of work whose case may go to another team."""

    scene: Scene
    case: Case
    is_handed: bool
    effects: list[Effect]


def climb(case: Case, desk: Desk, now: datetime) -> str | None:
    """Return the next team of the ladder: the first on duty, else the next one; None after the last rung, or for a
    team that is not on the ladder."""
    ticket = case.ticket
    ladder = desk.queues[ticket.queue].ladder
    if ticket.team not in ladder:
        return None
    above = ladder[ladder.index(ticket.team) + 1 :]
    on_duty = (team for team in above if letters.opening(desk, team, now) is None)
    return next(on_duty, above[0] if above else None)


def move(case: Case, team: str, now: datetime) -> Case:
    """Return the case in the hands of `team`: at once, without an owner (D5)."""
    return replace(case, ticket=replace(case.ticket, team=team, owner=None, changed_at=now))


def hand_over(work: Moving, team: str, *, cause: str, reason: str) -> list[Letter]:
    """Move the ticket and return the letters that give the team everything; what waits for the old team is withdrawn."""
    scene, from_team = work.scene, work.case.ticket.team
    work.case = move(work.case, team, scene.now)
    work.is_handed = True
    work.effects.append(withdraw_waiting(work.case, "handed over"))
    return letters.handovers(
        work.case, scene.desk, scene.facts, scene.now, cause=cause, reason=reason, from_team=from_team
    )


def withdraw_waiting(case: Case, reason: str) -> Effect:
    """Take back letters that wait for the opening of a team that no longer has the ticket."""
    return Withdraw(ticket=case.ticket.number, kinds=TEAM_LETTERS, reason=reason)

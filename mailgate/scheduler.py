"""The clock's loop: what is due is found by index, decided by the same rules, applied by the same hand, once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, func, literal, select, text, update

from mailgate.apply import Applied, apply
from mailgate.decide.due import (
    bundle_breaches,
    days_of_digest,
    decide_digest,
    decide_held_hour,
    fall_due,
    midnight,
    missed_notices,
    next_digest,
    without_breach,
)
from mailgate.decide.letters import gate
from mailgate.log import Log
from mailgate.model.decision import Decision
from mailgate.model.facts import Facts
from mailgate.model.letter import Letter
from mailgate.model.quick import replace
from mailgate.pipeline import House
from mailgate.store import schema
from mailgate.store.engine import claimable, hold_alone, reading, transaction
from mailgate.store.gather import read_cases, take_tickets
from mailgate.store.prepared import Prepared
from mailgate.store.reports import day_counts
from mailgate.store.tables import DEADLINE, DESK_CLOCK, HELD

LOG = Log("scheduler")

_MOST_AT_ONCE = 2000  # tickets of one transaction, where one notice is to list what was missed

# the states stand in words, not as parameters: partial indexes fit them whatever is bound
_PENDING, _HELD = text("state = 'pending'"), text("state = 'held'")
_MOST = bindparam("most", type_=Integer())
_DUE_TICKETS = Prepared(
    select(DEADLINE.c.ticket)
    .where(_PENDING, DEADLINE.c.next_at <= bindparam("now"))
    .order_by(DEADLINE.c.next_at)
    .limit(_MOST)
)
_DUE_HELD = Prepared(claimable(select(HELD).where(_HELD, HELD.c.next_at <= bindparam("now")).limit(_MOST)))
_DUE_DIGESTS = Prepared(
    claimable(
        select(DESK_CLOCK).where(DESK_CLOCK.c.kind == literal("digest"), DESK_CLOCK.c.next_at <= bindparam("now"))
    )
)
_NEXT = Prepared(
    select(
        select(func.min(DEADLINE.c.next_at)).where(_PENDING).scalar_subquery().label("deadline"),
        select(func.min(HELD.c.next_at)).where(_HELD).scalar_subquery().label("held"),
        select(func.min(DESK_CLOCK.c.next_at)).scalar_subquery().label("digest"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Fired:
    """A decision that a clock led to, and what it came to."""

    decision: Decision
    applied: Applied


class Scheduler:
    """Fires what is due. Any number may run: one at a time has the lock; a ticket is its own while it is decided."""

    def __init__(self, house: House, *, group: int = 100) -> None:
        self._house = house
        self._group = group

    def start(self) -> None:
        """Make sure that each desk's digest comes round."""
        now = self._house.clock()
        with transaction(self._house.engine) as connection:
            digests = {desk.name: next_digest(desk, now) for desk in self._house.settings.desks.values()}
            schema.start_desk_clocks(connection, digests)

    def tick(self) -> list[Fired]:
        """Fire everything that is due now; return what was decided."""
        now = self._house.clock()
        fired: list[Fired] = []
        while True:
            with transaction(self._house.engine) as connection:
                if not hold_alone(connection, "scheduler"):
                    return fired
                self._house.gatherer.forget_people()
                some = self._fire_tickets(connection, now)
                is_more = bool(some) and bool(self._due_tickets(connection, now))
                if not is_more:
                    some += self._fire_held(connection, now)
                    some += self._fire_digests(connection, now)
            fired += some
            if not is_more:
                return fired

    def next_at(self) -> datetime | None:
        """Return when something falls due next; it may be past. None: nothing is awaited."""
        with reading(self._house.engine) as connection:
            return next_due(connection)

    def _fire_tickets(self, connection: Connection, now: datetime) -> list[Fired]:
        """Fire a group; where some of it is found late, as much more as one notice can list (D3)."""
        fired: list[Fired] = []
        missed: dict[str, list[tuple[Letter, dict[str, Any]]]] = {}
        while True:
            numbers = self._due_tickets(connection, now)
            fired += self._fire_group(connection, numbers, missed, now)
            if not numbers or not any(missed.values()) or len(fired) >= _MOST_AT_ONCE:
                break
        for name, late in missed.items():
            fired += self._tell_missed(connection, name, late, now)
        return fired

    def _due_tickets(self, connection: Connection, now: datetime) -> list[int]:
        due = _DUE_TICKETS.all(connection, {"now": now, "most": self._group})
        # tickets are taken, not deadlines: whoever decides on a ticket takes it first, and then changes its deadlines
        return take_tickets(connection, list(dict.fromkeys(row[0] for row in due)))

    def _fire_group(
        self, connection: Connection, numbers: Sequence[int], missed: dict[str, list[tuple[Letter, dict[str, Any]]]],
        now: datetime,
    ) -> list[Fired]:  # fmt: skip
        cases, _ = read_cases(connection, None, numbers)
        fired: list[Fired] = []
        breaches: list[Decision] = []
        for number in numbers:
            case = cases.get(number)
            if case is None or case.ticket.desk not in self._house.settings.desks:
                self._forget(connection, number)
                continue
            desk = self._house.settings.desks[case.ticket.desk]
            facts = self._house.gatherer.gather_for_ticket(connection, case, now)
            decision = fall_due(case, desk, facts, now)
            missed.setdefault(desk.name, []).extend(decision.extra["missed"])
            decision, told = without_breach(decision)
            breaches += [told] if told else []
            fired.append(self._apply(connection, decision, now))
        for decision in bundle_breaches(breaches, self._house.settings.desks):
            self._apply(connection, decision, now)
        return fired

    def _tell_missed(
        self, connection: Connection, desk_name: str, late: list[tuple[Letter, dict[str, Any]]], now: datetime
    ) -> list[Fired]:
        """D3: after downtime one notice a person, that lists what was missed."""
        desk = self._house.settings.desks[desk_name]
        found = missed_notices(desk, late)
        if not found:
            return []
        effects = tuple(gate(Facts(), desk, letter) for letter in found)
        return [self._apply(connection, Decision(outcome=None, reasons=(), effects=effects, desk=desk_name), now)]

    def _fire_held(self, connection: Connection, now: datetime) -> list[Fired]:
        fired = []
        for row in _DUE_HELD.mapped(connection, {"now": now, "most": self._group}):
            connection.execute(update(HELD).where(HELD.c.id == row["id"]).values(next_at=None))
            desk = self._house.settings.desks.get(row["desk"])
            if desk is None:
                continue
            context = {**row["context"], "since": row["at"]}
            decision = decide_held_hour(desk, {**row, "context": context}, now)
            fired.append(self._apply(connection, decision, now))
        return fired

    def _fire_digests(self, connection: Connection, now: datetime) -> list[Fired]:
        fired = []
        for row in _DUE_DIGESTS.mapped(connection, {"now": now}):
            desk = self._house.settings.desks.get(row["desk"])
            if desk is None:
                continue
            again = next_digest(desk, now)
            connection.execute(
                update(DESK_CLOCK)
                .where(DESK_CLOCK.c.desk == desk.name, DESK_CLOCK.c.kind == "digest")
                .values(next_at=again)
            )
            # what was missed in a longer absence is in this one digest, not in one each
            first, last = days_of_digest(desk, row["next_at"], now)
            counts = day_counts(connection, desk.name, midnight(desk, first), midnight(desk, last + timedelta(days=1)))
            decision = decide_digest(desk, {**counts, "until_day": last if last != first else None}, first)
            fired.append(self._apply(connection, decision, now))
        return fired

    def _apply(self, connection: Connection, decision: Decision, now: datetime) -> Fired:
        applied = apply(connection, decision, self._house.tools, now)
        LOG.event(
            "clock.fired", ticket=decision.ticket, desk=decision.desk,
            what=" ".join(f"{one.rule}:{one.verdict}" for one in decision.reasons),
        )  # fmt: skip
        return Fired(decision=replace(decision, clues=None), applied=applied)

    def _forget(self, connection: Connection, number: int) -> None:
        """Stop the clocks of a merged ticket, or of a desk that is no longer configured."""
        connection.execute(
            update(DEADLINE)
            .where(DEADLINE.c.ticket == number, DEADLINE.c.state == "pending")
            .values(state="cancelled", next_at=None)
        )


def next_due(connection: Connection) -> datetime | None:
    """Return the next moment of any clock: deadlines, held mail, digests."""
    found = _NEXT.first(connection, {}) or ()
    return min((one for one in found if one is not None), default=None)

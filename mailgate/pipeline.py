"""The centre of the house: read the arrival, gather what the store knows, decide, apply; one transaction."""

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Engine, insert, select, update

from mailgate.apply import Applied, Tools, apply
from mailgate.asked import Ask, Asked, Read, nobody
from mailgate.compose.answers import ReadyAnswers
from mailgate.compose.templates import Templates
from mailgate.decide.alarms import alarm
from mailgate.decide.guards import decide_mail
from mailgate.decide.probe import as_a_customers, decide_probe, what_it_would_be
from mailgate.decide.scene import Scene
from mailgate.decide.sender import look_again_at
from mailgate.errors import TryLater
from mailgate.log import Log
from mailgate.model.arrival import Arrival
from mailgate.model.decision import Decision, Reason
from mailgate.model.facts import Clues, Facts
from mailgate.model.mail import Mail
from mailgate.model.phrases import Phrases
from mailgate.model.quick import by_name, replace
from mailgate.model.settings import Desk, Settings
from mailgate.parse import LimitExceeded, Limits, frame, read
from mailgate.probing import incoming_probe, note_returned
from mailgate.store import probes
from mailgate.store.engine import Collision, has_one_writer, hold, reading, transaction
from mailgate.store.gather import Gatherer, names_of
from mailgate.store.inbox import Inbox, Taken, arrival_from_json, value_of_arrival
from mailgate.store.prepared import Prepared
from mailgate.store.tables import ARRIVAL, HELD
from mailgate.understand.author import as_the_desk_has_it
from mailgate.understand.clues import read_clues
from mailgate.understand.matter import fold_subject
from mailgate.understand.own_rules import wanted_headers
from mailgate.understand.shown import with_letters

LOG = Log("pipeline")
_COLLISIONS = 3
_LONGEST_WAIT_SECONDS = 1.0
_TURN_SECONDS, _LOOK_SECONDS = 5.0, 0.004
_ARRIVAL = Prepared(insert(ARRIVAL))


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What became of a mail: the decision, what it came to, and the `received` shape of it."""

    arrival: Arrival
    decision: Decision
    applied: Applied
    shown: dict[str, Any]


class House:
    """Everything that a mail's way needs, put together once."""

    def __init__(
        self,
        *,
        settings: Settings,
        engine: Engine,
        templates: Templates,
        phrases: Phrases,
        ids: Callable[[], str],
        clock: Callable[[], datetime],
        raw_of: Callable[[str], bytes | None],
    ) -> None:
        self.settings = settings
        self.engine = engine
        self.templates = templates
        self.clock = clock
        self.gatherer = Gatherer()
        self.tools = Tools(settings=settings, templates=templates, ids=ids, fold=fold_subject)
        self.raw_of = raw_of
        self._phrases = phrases if settings.junk.headers else replace(phrases, filter_signs=())
        self._tags = frozenset(word for desk in settings.desks.values() for word in desk.tag_words)
        self._answers = {name: ReadyAnswers(desk) for name, desk in settings.desks.items()}
        self._headers = wanted_headers(settings.desks.values())
        self._addresses = frozenset(one.address for desk in settings.desks.values() for one in desk.mailboxes)
        worker = settings.worker
        self._limits = Limits(
            header_bytes=worker.header_bytes, header_lines=worker.header_lines, max_parts=worker.max_parts,
            max_depth=worker.max_depth,
        )  # fmt: skip

    def read(self, raw: bytes) -> Mail:
        """Return what the mail says. Raises LimitExceeded beyond M4's limits, nothing else."""
        return read(
            raw, phrases=self._phrases, known_tags=self._tags, limits=self._limits, headers=self._headers
        )  # fmt: skip

    def explain(self, arrival: Arrival, raw: bytes) -> Decision:
        """Return what would happen to the mail now; changes nothing."""
        mail = self.read(raw)
        with reading(self.engine) as connection:
            self.gatherer.forget_people()
            return self._decide(connection, arrival, mail)

    def clues(self, arrival: Arrival, mail: Mail) -> Clues:
        """Return what the mail names: the part of deciding that needs no database."""
        return read_clues(mail, arrival, self.settings.desks[arrival.desk], self.settings.secret, self._addresses)

    def receive(
        self, connection: Connection, arrival: Arrival, mail: Mail, clues: Clues | None = None
    ) -> list[Received]:
        """Decide and apply one mail; held mail that it lets go follows in the same transaction (S4)."""
        if probe := incoming_probe(connection, mail, self.settings):
            return [self._receive_probe(connection, arrival, mail, probe)]
        decision = decide_mail(self.scene(connection, arrival, mail, clues))
        applied = apply(connection, decision, self.tools, self.clock(), arrival=arrival.id)
        received = [self._record(connection, arrival, mail, decision, applied)]
        note_returned(connection, mail, self.settings, arrival.id, arrival.received_at)
        for held in applied.released:
            received += self.take_up(connection, held)
        return received

    def waits_until(self, connection: Connection, arrival: Arrival, mail: Mail, clues: Clues) -> datetime | None:
        """Return when to look again at a mail that would be held for want of DNS alone (S2), or None."""
        if not arrival.verdicts.is_unsure:
            return None
        scene = self.scene(connection, arrival, mail, clues)
        return look_again_at(scene) if decide_mail(scene).outcome == "held" else None

    def _receive_probe(self, connection: Connection, arrival: Arrival, mail: Mail, probe: str) -> Received:
        """Decide our own test mail as a customer's, and apply but one letter of it: no ticket, no clock, no notice."""
        would_be = self._decide(connection, arrival, as_a_customers(mail, self._addresses))
        to = self.settings.probe.from_ if self.settings.probe else ""
        decision = decide_probe(would_be, mail, self.settings.desks[arrival.desk], to, mail.date)
        applied = apply(connection, decision, self.tools, self.clock(), arrival=arrival.id)
        received = self._record(connection, arrival, mail, decision, applied)
        probes.note_arrived(
            connection, probe, arrival=arrival.id, arrived_at=arrival.received_at, decided_at=self.clock(),
            would_be=what_it_would_be(would_be),
        )  # fmt: skip
        return received

    def take_up(self, connection: Connection, held: str) -> list[Received]:
        """Let an accepted mail through the house again, its evidence void (S4)."""
        row = connection.execute(
            select(HELD.c.arrival, ARRIVAL.c.arrival.label("value"), ARRIVAL.c.trace)
            .join(ARRIVAL, ARRIVAL.c.id == HELD.c.arrival)
            .where(HELD.c.id == held)
        ).first()
        if row is None:
            return []
        arrival = replace(arrival_from_json(json.dumps(row.value)), accepted_from=held)
        raw = self.raw_of(arrival.digest)
        if raw is None:
            raise TryLater(f"the raw mail {arrival.digest[:12]} of held mail {held} cannot be read")
        mail = self.read(raw)
        decision = self._decide(connection, arrival, mail)
        applied = apply(connection, decision, self.tools, self.clock(), arrival=arrival.id)
        shown = decision.as_received(applied.number)
        values = {
            "outcome": decision.outcome, "ticket": applied.number or decision.ticket or None,
            "trace": [*row.trace, *trace_of(decision, self.clock())], "state": "accepted",
        }  # fmt: skip
        connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == arrival.id).values(**values))
        return [Received(arrival=arrival, decision=decision, applied=applied, shown=shown)]

    def scene(self, connection: Connection, arrival: Arrival, mail: Mail, clues: Clues | None = None) -> Scene:
        """Return all that a decision about the mail may look at."""
        desk = self.settings.desks[arrival.desk]
        clues = clues or self.clues(arrival, mail)
        facts = self.gatherer.gather(connection, clues, desk, arrival.received_at)
        if (
            facts.letters is not None
            and (shown := with_letters(mail, facts.letters, self._frames, _names_of(desk))) is not mail
        ):
            # rare: what a program marked as quoted is in no letter of ours, so it is read as what was said (M3)
            mail, clues = shown, self.clues(arrival, shown)
            facts = self.gatherer.gather(connection, clues, desk, arrival.received_at)
        return self._scene_of(arrival, mail, clues, facts)

    def _frames(self, lines: Sequence[str], at: int) -> int:
        return frame(lines, at, self._phrases)

    def _decide(self, connection: Connection, arrival: Arrival, mail: Mail) -> Decision:
        return decide_mail(self.scene(connection, arrival, mail))

    def _scene_of(self, arrival: Arrival, mail: Mail, clues: Clues, facts: Facts) -> Scene:
        desk = self.settings.desks[arrival.desk]
        return Scene(
            mail=as_the_desk_has_it(mail, desk), arrival=arrival, clues=clues, facts=facts, desk=desk,
            secret=self.settings.secret, now=self.clock(), hold_seconds=self.settings.relay.hold_seconds,
            answers=self._answers[desk.name], desk_addresses=self._addresses,
        )  # fmt: skip

    def _record(
        self, connection: Connection, arrival: Arrival, mail: Mail, decision: Decision, applied: Applied
    ) -> Received:
        """Keep what became of the mail (P1, P4). The arrival's id is the key: twice is an error, and rolls back."""
        shown = decision.as_received(applied.number)
        row = _arrival_row(arrival, self.clock()) | {
            "message_id": mail.message_id, "content_key": mail.content_key, "sender": _sender(mail),
            "subject": mail.subject[:500], "outcome": decision.outcome, "ticket": applied.number or decision.ticket or None,
            "state": applied.held or "", "reason": applied.set_aside, "trace": trace_of(decision, self.clock()),
        }  # fmt: skip
        _ARRIVAL.run(connection, row)
        return Received(arrival=arrival, decision=decision, applied=applied, shown=shown)


class Worker:
    """Takes arrivals from the inbox, in groups; a mail that fails is tried alone, three times, then quarantined."""

    def __init__(
        self,
        house: House,
        inbox: Inbox,
        *,
        name: str = "worker",
        group: int = 50,
        ask: Ask = nobody,
        on_answer: Callable[[], None] = lambda: None,
    ) -> None:
        """`ask`: what others say of a mail; `on_answer` is called, in any thread, when there is such an answer."""
        self._house = house
        self._asked = Asked(ask, inbox, name, house.clock, on_answer)
        self._put_off: dict[str, datetime] = {}
        self._inbox = inbox
        self._name = name
        self._group = group
        self._claimed_at = house.clock()
        self._lease_seconds = 6.0 * house.settings.worker.mail_seconds + 60.0
        self._before: Callable[[Taken], None] = lambda taken: None
        self._rest: Callable[[], None] = lambda: None

    def work(
        self, before: Callable[[Taken], None] = lambda taken: None, rest: Callable[[], None] = lambda: None
    ) -> int:
        """Take one group through the house; return how many arrivals it was. `before` is told of each mail that is
        about to be read, and about to be decided; `rest`, that it is the database's turn: whoever watches this process
        knows then what it hangs on."""
        self._before, self._rest = before, rest
        self._claimed_at = self._house.clock()
        if self._asked.is_full:
            self._asked.wait_for_one(_LONGEST_WAIT_SECONDS)
        taken = [] if self._asked.is_full else self._claim()
        mails: list[Read] = []
        for one in taken:
            self._begin(one)
            if (read := self._read(one)) is not None:
                mails.append(read)
        rest()
        self._asked.put(mails)
        ready = self._asked.take()
        if ready:
            self._await_turn(ready[0].taken.arrival)
            self._apply(ready)
        return max(len(taken), len(ready))

    @property
    def is_asking(self) -> bool:
        """Does a mail wait for what others say of it?"""
        return self._asked.count > 0

    def let_go(self) -> None:
        """Hand back what is asked about: this worker ends."""
        self._asked.let_go()

    def _claim(self) -> list[Taken]:
        return self._inbox.claim(self._group, self._claimed_at, self._lease_seconds, self._name)

    def _await_turn(self, first: Arrival) -> None:
        """Let whoever reads mail that came before ours apply it before ours: two may read at once, and what a customer
        wrote first is decided first. Whoever hangs is not waited for long."""
        if not has_one_writer(self._house.engine):
            return
        until = time.monotonic() + _TURN_SECONDS
        with suppress(TryLater):  # whoever applies sees to the database's trouble
            while self._inbox.is_preceded(first.id, self._name, self._house.clock()) and time.monotonic() < until:
                time.sleep(_LOOK_SECONDS)

    def _begin(self, taken: Taken) -> None:
        """Say what comes now; a group that takes long keeps its lease, which is as short as one mail may take."""
        self._before(taken)
        now = self._house.clock()
        if (now - self._claimed_at).total_seconds() > self._lease_seconds / 4:
            self._claimed_at = now
            self._inbox.keep(self._name, now + timedelta(seconds=self._lease_seconds))

    def _read(self, taken: Taken) -> Read | None:
        if taken.tries > self._tries(taken.arrival):  # whoever tried it last did not live to say so
            self.quarantine(taken.arrival, f"the worker died of it, {taken.tries - 1} times")
            return None
        try:
            raw = taken.read()
            mail = self._house.read(raw)
            return Read(taken=taken, mail=mail, clues=self._house.clues(taken.arrival, mail), raw=raw)
        except LimitExceeded as error:
            self.quarantine(taken.arrival, f"exceeds a limit: {error}")
        except MemoryError:
            self.quarantine(taken.arrival, "exceeds a limit: memory")
        except TryLater as error:
            LOG.failed("mail.not_read", error, arrival=taken.arrival.id)
            self._inbox.release([taken.arrival.id], _later(self._house.clock(), 5))
        except Exception as error:
            self._failed(taken, error)
        return None

    def _apply(self, mails: Sequence[Read]) -> None:
        ids = [one.taken.arrival.id for one in mails]
        try:
            received = self._in_one_again(mails)
        except TryLater as error:  # trouble of the database is no try (I7)
            LOG.failed("mail.put_off", error, mails=len(mails))
            self._inbox.release(ids, _later(self._house.clock(), 2))
            return
        except Exception as error:
            self._after_failure(mails, error)
            return
        self._inbox.done([one for one in ids if one not in self._put_off])
        for which, until in self._put_off.items():
            LOG.event("mail.waits", arrival=which, because="DNS did not tell who it is from", until=until.isoformat())
            self._inbox.release([which], until)
        for one in received:
            LOG.event(
                "mail.applied", arrival=one.arrival.id, outcome=one.decision.outcome, ticket=one.shown["ticket"],
                rule=one.decision.reasons[-1].rule if one.decision.reasons else "",
            )  # fmt: skip

    def _in_one_again(self, mails: Sequence[Read]) -> list[Received]:
        """Apply them in one transaction, a few times over where it met another one."""
        for _ in range(_COLLISIONS):
            try:
                return self._in_one(mails)
            except Collision as error:
                LOG.warning("mail.collided", mails=len(mails), because=str(error))
        return self._in_one(mails)

    def _in_one(self, mails: Sequence[Read]) -> list[Received]:
        received: list[Received] = []
        self._put_off = {}
        self._house.gatherer.forget_people()
        with transaction(self._house.engine) as connection:
            hold(connection, (name for one in mails for name in names_of(one.clues)))
            for one in mails:
                arrival = one.taken.arrival
                if one.taken.tries > 1 and _is_applied(connection, arrival.id):
                    continue
                self._begin(one.taken)
                if (until := self._house.waits_until(connection, arrival, one.mail, one.clues)) is not None:
                    self._put_off[arrival.id] = until
                    continue
                received += self._house.receive(connection, arrival, one.mail, one.clues)
            self._rest()
        return received

    def _after_failure(self, mails: Sequence[Read], error: Exception) -> None:
        """A group failed as a whole: each mail for itself, so that one harms no other."""
        if len(mails) == 1:
            self._failed(mails[0].taken, error)
            return
        for one in mails:
            self._apply([replace(one, taken=replace(one.taken, tries=max(2, one.taken.tries)))])

    def _failed(self, taken: Taken, error: Exception) -> None:
        LOG.failed("mail.failed", error, arrival=taken.arrival.id, tries=taken.tries)
        if isinstance(error, MemoryError):
            self.quarantine(taken.arrival, "exceeds a limit: memory")
        elif taken.tries >= self._tries(taken.arrival):
            self.quarantine(taken.arrival, f"{type(error).__name__}: {error}"[:500])
        else:
            self._inbox.put_back([taken.arrival.id])

    def _tries(self, arrival: Arrival) -> int:
        return self._house.settings.desks[arrival.desk].rules.tries

    def quarantine(self, arrival: Arrival, reason: str) -> None:
        """Keep the mail whole, with the reason, and tell the desk's managers (I7)."""
        quarantine(self._house, arrival, reason)
        self._inbox.give_up(arrival.id, reason)


def quarantine(house: House, arrival: Arrival, reason: str) -> Decision | None:
    """Record an arrival as quarantined, and the alarm to the managers, in one transaction; None where it was decided
    already."""
    now = house.clock()
    desk = house.settings.desks[arrival.desk]
    decision = alarm(desk, "quarantined", f"{arrival.digest[:16]}: {reason}", arrival.id)
    decision = replace(
        decision, outcome="quarantined", reasons=(Reason(rule="I7", verdict="quarantined", because=reason),)
    )
    with transaction(house.engine) as connection:
        if _is_applied(connection, arrival.id):
            return None
        apply(connection, decision, house.tools, now, arrival=arrival.id)
        row = _arrival_row(arrival, now) | {
            "message_id": None, "content_key": f"quarantined:{arrival.id}", "sender": arrival.envelope_from or "",
            "subject": "", "outcome": "quarantined", "ticket": None, "state": "quarantined", "reason": reason,
            "trace": trace_of(decision, now),
        }  # fmt: skip
        connection.execute(insert(ARRIVAL), [row])
    return decision


def _names_of(desk: Desk) -> tuple[str, ...]:
    """Return how an attribution names the desk, folded: its title, name and mailboxes."""
    return tuple(dict.fromkeys((desk.title.casefold(), desk.name.casefold(), *(one.address for one in desk.mailboxes))))


def _arrival_row(arrival: Arrival, now: datetime) -> dict[str, Any]:
    return {
        "id": arrival.id, "desk": arrival.desk, "digest": arrival.digest, "channel": arrival.channel,
        "received_at": arrival.received_at, "applied_at": now, "envelope_from": arrival.envelope_from,
        "recipient": ", ".join(arrival.recipients)[:500], "attempts": 1, "arrival": value_of_arrival(arrival),
    }  # fmt: skip


def _is_applied(connection: Connection, arrival: str) -> bool:
    return connection.execute(select(ARRIVAL.c.id).where(ARRIVAL.c.id == arrival)).first() is not None


def trace_of(decision: Decision, at: datetime) -> list[dict[str, Any]]:
    """Return the reasons of a decision as its arrival keeps them (P4)."""
    stamp = at.isoformat()
    return [{"at": stamp, "step": "decide", **by_name(reason)} for reason in decision.reasons]


def _sender(mail: Mail) -> str:
    return mail.from_[0].key[:320] if mail.from_ else ""


def _later(now: datetime, seconds: int) -> datetime:
    return now + timedelta(seconds=seconds)

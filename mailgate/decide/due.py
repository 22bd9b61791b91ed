"""What falls due (D3 to D9, S4's hour): a ticket's due deadlines decided together, the digest, the held mail's hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from mailgate.decide import calendar, clocks, letters
from mailgate.decide.escalate import climb, move, withdraw_waiting
from mailgate.model.decision import Decision, Effect, Note, Reason, Save, Send
from mailgate.model.facts import Facts
from mailgate.model.letter import Letter
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case, Deadline

_BREACHED = ("first_response", "next_response", "resolve", "ack", "promise")
_ENDINGS = ("close_auto", "resolve_auto")  # first: after downtime nobody is reminded of what is over
_MANY = 3  # breaches at one moment that are told in one notice
_ESCALATES = ("first_response", "next_response", "resolve")


@dataclass(slots=True)
class Tick:
    """One ticket whose deadlines are due at `now`, in the making."""

    case: Case
    desk: Desk
    facts: Facts
    now: datetime
    letters: list[Letter] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)
    missed: list[tuple[Letter, dict[str, Any]]] = field(default_factory=list)
    breached: list[Deadline] = field(default_factory=list)

    def tell(self, deadline: Deadline, found: Sequence[Letter], team: str = "") -> None:
        """Send now, or, where it is found late, in the one notice that lists it (D3)."""
        if self._is_late(deadline) and deadline.due_at:
            entry = {"ticket": self.case.ticket.number, "subject": self.case.ticket.subject, "kind": deadline.kind,
                     "due_at": deadline.due_at, "what": team}  # fmt: skip
            self.missed += [(letter, entry) for letter in found]
        else:
            self.letters += [replace(letter, because=deadline.kind) for letter in found]

    def say(self, deadline: Deadline, letter: Letter) -> None:
        self.letters.append(replace(letter, because=deadline.kind))

    def _is_late(self, deadline: Deadline) -> bool:
        """Is what falls due now found late? The deadline itself counts, or its reminder where that alone is due."""
        at = deadline.due_at if deadline.due_at and deadline.due_at <= self.now else deadline.remind_at
        return at is not None and (self.now - at).total_seconds() > self.desk.rules.late_seconds


def fall_due(case: Case, desk: Desk, facts: Facts, now: datetime) -> Decision:
    """Return what the deadlines of `case` that are due at `now` lead to. `extra["missed"]` holds (letter, entry) pairs
    of what was found late: the scheduler makes one notice of them for each person (D3)."""
    tick = Tick(case=case, desk=desk, facts=facts, now=now)
    for found in sorted(case.deadlines, key=lambda one: one.kind not in _ENDINGS):
        deadline = next(one for one in tick.case.deadlines if one.id == found.id)  # an earlier one may have ended it
        if deadline.next_at is not None and deadline.next_at <= now:
            _remind(tick, deadline) if deadline.due_at and deadline.due_at > now else _end(tick, deadline)
    if tick.breached:
        _breach(tick)
    effects: list[Effect] = [Save(before=case, after=tick.case, actor="clock", because="due")]
    effects += tick.effects + [letters.gate(facts, desk, letter) for letter in tick.letters]
    ticket = tick.case.ticket
    return Decision(
        outcome=None, reasons=tuple(tick.reasons), effects=tuple(effects), desk=desk.name, ticket=ticket.number,
        queue=ticket.queue, priority=ticket.priority, language=ticket.language, extra={"missed": tick.missed},
    )  # fmt: skip


def decide_digest(desk: Desk, counts: dict[str, Any], day: date, queue: str = "") -> Decision:
    """D9: the managers' digest of a day (`until_day` in `counts`: the last of several), with what waits longest."""
    told = letters.to_managers("digest", desk, None, {**counts, "day": day}, because="digest")
    return Decision(
        outcome=None, reasons=(Reason(rule="D9", verdict="digest"),), desk=desk.name,
        effects=tuple(letters.gate(Facts(), desk, letter) for letter in told),
    )  # fmt: skip


def next_digest(desk: Desk, now: datetime) -> datetime:
    """Return the next moment of the digest after `now`, in the desk's zone (D9). UTC out."""
    hour, minute = (int(part) for part in desk.rules.digest_time.split(":"))
    local = now.astimezone(desk.timezone)
    for days in (0, 1, 2):
        day = local.date() + timedelta(days=days)
        at = datetime.combine(day, time(hour, minute), desk.timezone).astimezone(now.tzinfo)
        if at > now:
            return at
    raise AssertionError("a day has a next morning")


def days_of_digest(desk: Desk, due_at: datetime, now: datetime) -> tuple[date, date]:
    """Return the first and the last day that the digest due at `due_at` is about: the day before, in the desk's zone; and
    those since, where it comes days late."""
    first = due_at.astimezone(desk.timezone).date() - timedelta(days=1)
    return first, max(first, now.astimezone(desk.timezone).date() - timedelta(days=1))


def midnight(desk: Desk, day: date) -> datetime:
    """Return when `day` begins in the desk's zone. UTC out."""
    return datetime.combine(day, time(), desk.timezone).astimezone(UTC)


def without_breach(decision: Decision) -> tuple[Decision, Decision | None]:
    """Return the decision without its notices to the managers of a breach, and those as one of their own."""
    told = tuple(one for one in decision.effects if _is_breach(one))
    if not told:
        return decision, None
    rest = tuple(one for one in decision.effects if not _is_breach(one))
    return replace(decision, effects=rest), replace(decision, reasons=(), effects=told)


def bundle_breaches(told: Sequence[Decision], desks: Mapping[str, Desk]) -> list[Decision]:
    """A3, D4: of many tickets that miss their deadlines together the managers get one notice, which lists them."""
    by_desk: dict[str, list[Decision]] = {}
    for decision in told:
        by_desk.setdefault(decision.desk, []).append(decision)
    bundled: list[Decision] = []
    for name, some in by_desk.items():
        first = [next(one.letter for one in decision.effects if isinstance(one, Send)) for decision in some]
        bundled += [_bundle(desks[name], first)] if len(some) >= _MANY else some
    return bundled


def _is_breach(effect: Effect) -> bool:
    return isinstance(effect, Send) and effect.letter.kind == "breach"


def _bundle(desk: Desk, told: Sequence[Letter]) -> Decision:
    entries = tuple(
        {"ticket": one.ticket, "subject": one.subject, "kinds": one.context["kinds"], "due_at": one.context["due_at"],
         "team": one.context["escalated_to"]}
        for one in told
    )  # fmt: skip
    letters_ = letters.to_managers("breach", desk, None, {"entries": entries}, because=told[0].because)
    return Decision(
        outcome=None, reasons=(Reason(rule="D4", verdict="breach", because=f"{len(told)} tickets at once"),), desk=desk.name,
        effects=tuple(Send(letter=one) for one in letters_),
    )  # fmt: skip


def decide_held_hour(desk: Desk, held: dict[str, Any], now: datetime) -> Decision:
    """S4: a held mail that nobody has decided is brought to the managers."""
    context = {**held["context"], "for_managers": True}
    told = letters.to_managers("held_notice", desk, None, context, held=held["id"], subject=held["subject"], because="held",
                               queue=held["queue"])  # fmt: skip
    return Decision(
        outcome=None, reasons=(Reason(rule="S4", verdict="brought to the managers"),), desk=desk.name,
        effects=tuple(letters.gate(Facts(), desk, letter) for letter in told),
    )  # fmt: skip


def missed_notices(desk: Desk, missed: Sequence[tuple[Letter, dict[str, Any]]]) -> list[Letter]:
    """D3: one notice for each person, with everything that was found late."""
    by_person: dict[str, tuple[Letter, list[dict[str, Any]]]] = {}
    for letter, entry in missed:
        entries = by_person.setdefault(letter.to, (letter, []))[1]
        if entry not in entries:
            entries.append(entry)
    return [
        replace(
            letter, kind="missed", context={"entries": tuple(entries)}, ticket=None, subject="", not_before=None,
            because="missed", attachments=(),
        )
        for letter, entries in by_person.values()
    ]  # fmt: skip


def _remind(tick: Tick, deadline: Deadline) -> None:
    """D4, D1: the first look at a deadline, before it is due."""
    tick.case = _changed(tick.case, replace(deadline, remind_at=None))
    card = letters.card(tick.case, tick.desk, tick.facts)
    said = letters.last_words(tick.facts, tick.case.ticket.number)
    if deadline.kind == "promise":
        found = _maker(tick, deadline, "promise_due", {"card": card, "at": deadline.due_at, **said})
        tick.reasons.append(Reason(rule="D1", verdict="promise_due", because="30 minutes before the promise"))
    else:
        context = {"card": card, "cause": deadline.kind, "due_at": deadline.due_at, **said}
        found = letters.to_team("reminder", tick.case, tick.desk, tick.facts, tick.now, context)
        tick.reasons.append(
            Reason(rule="D4", verdict="reminder", because=f"{tick.desk.rules.remind_percent} % of {deadline.kind}")
        )
    tick.tell(deadline, found)


def _end(tick: Tick, deadline: Deadline) -> None:
    """The moment itself."""
    number = tick.case.ticket.number
    match deadline.kind:
        case "nudge":
            _nudge(tick, deadline)
        case "resolve_auto":
            _resolve(tick, deadline)
        case "close_auto":
            tick.case = clocks.change_status(_met(tick, deadline), tick.desk, "closed", tick.now)
            tick.reasons.append(Reason(rule="D7", verdict="closed", because="14 days after it was resolved"))
        case "snooze":
            _wake(tick, deadline)
        case "update":
            _ask_for_update(tick, deadline)
        case "progress":
            _progress(tick, deadline)
        case "silence":
            _tell_leads(tick, deadline)
        case kind if kind in _BREACHED:
            tick.case = _changed(tick.case, replace(deadline, state="breached", closed_at=tick.now, remind_at=None))
            tick.breached.append(deadline)
        case kind:
            tick.case = _changed(tick.case, replace(deadline, state="cancelled", closed_at=tick.now))
            tick.effects.append(Note(ticket=number, kind="deadline", detail=f"{kind} is no kind that we know"))


def _breach(tick: Tick) -> None:
    """D4, D5: one notice to the managers for all that is missed now, and escalation along the ladder."""
    kinds = tuple(one.kind for one in tick.breached)
    tick.reasons.append(Reason(rule="D4", verdict="breach", because=", ".join(kinds)))
    from_team, team = tick.case.ticket.team, None
    if any(kind in _ESCALATES for kind in kinds) and not tick.case.ticket.is_team_by_hand:
        team = climb(tick.case, tick.desk, tick.now)
    if team:
        tick.effects.append(withdraw_waiting(tick.case, "handed over"))
        tick.case = move(tick.case, team, tick.now)
        because = (
            "next of the ladder" if letters.opening(tick.desk, team, tick.now) is None else "waits for its opening"
        )
        tick.reasons.append(Reason(rule="D5", verdict=f"team {team}", because=because))
    context = {
        "card": letters.card(tick.case, tick.desk, tick.facts), "kinds": kinds, "due_at": tick.breached[0].due_at,
        "escalated_to": team, "opens_at": letters.opening(tick.desk, team, tick.now) if team else None,
        **letters.last_words(tick.facts, tick.case.ticket.number),
    }  # fmt: skip
    first = tick.breached[0]
    tick.tell(first, letters.to_managers("breach", tick.desk, tick.case, context))
    if team:
        given = letters.handovers(
            tick.case, tick.desk, tick.facts, tick.now, cause="breach", reason="", from_team=from_team
        )
        tick.tell(first, given, team)
        tick.say(first, letters.escalation(tick.case, tick.desk, "breach", team, tick.now))
    for deadline in tick.breached:
        if deadline.kind == "promise":
            card = letters.card(tick.case, tick.desk, tick.facts)
            tick.tell(
                deadline,
                _maker(tick, deadline, "promise_due", {"card": card, "at": deadline.due_at, "text": ""}),
            )


def _nudge(tick: Tick, deadline: Deadline) -> None:
    """D7: the customer is reminded that we wait."""
    tick.case = _met(tick, deadline)
    later = clocks.find_live(tick.case, "resolve_auto")
    context = {
        "asked_at": tick.case.ticket.staff_spoke_at or deadline.opened_at,
        "resolve_at": later.due_at if later else None,
    }
    tick.reasons.append(Reason(rule="D7", verdict="nudge", because="72 hours of waiting for the customer"))
    tick.say(deadline, letters.to_customer("nudge", tick.case, tick.desk, context))


def _resolve(tick: Tick, deadline: Deadline) -> None:
    tick.case = clocks.change_status(_met(tick, deadline), tick.desk, "resolved", tick.now)
    tick.effects.append(withdraw_waiting(tick.case, "resolved"))
    tick.reasons.append(Reason(rule="D7", verdict="resolved", because="7 days of waiting for the customer"))
    days = tick.desk.rules.reopen_window_seconds // 86400
    tick.say(deadline, letters.to_customer("resolved", tick.case, tick.desk, {"reopen_days": days, "by_clock": True}))


def _wake(tick: Tick, deadline: Deadline) -> None:
    """D7: a snooze is over: the ticket is open, its owner or team is reminded."""
    tick.case = clocks.end_snooze(tick.case, tick.desk, tick.now, state="met")
    tick.case = clocks.change_status(tick.case, tick.desk, "open", tick.now)
    context = {"card": letters.card(tick.case, tick.desk, tick.facts), "cause": "snooze", "due_at": None,
               **letters.last_words(tick.facts, tick.case.ticket.number)}  # fmt: skip
    tick.reasons.append(Reason(rule="D7", verdict="awake", because="the snooze is over"))
    tick.tell(deadline, letters.to_team("reminder", tick.case, tick.desk, tick.facts, tick.now, context))


def _ask_for_update(tick: Tick, deadline: Deadline) -> None:
    """D8: staff are asked for a word to the customer; half an hour of calendar time later we say one."""
    tick.case = _changed(tick.case, replace(deadline, state="breached", closed_at=tick.now))
    own = tick.desk.calendars[deadline.calendar] if deadline.calendar else None
    progress_at = calendar.add(own, tick.now, tick.desk.rules.progress_seconds)
    inner = Deadline(
        id="", kind="progress", state="pending", opened_at=tick.now, due_at=progress_at, calendar=deadline.calendar
    )
    tick.case = replace(tick.case, deadlines=(*tick.case.deadlines, inner))
    context = {"card": letters.card(tick.case, tick.desk, tick.facts), "progress_at": progress_at,
               **letters.last_words(tick.facts, tick.case.ticket.number)}  # fmt: skip
    tick.reasons.append(Reason(rule="D8", verdict="update_due", because="nobody has told the customer how it stands"))
    tick.tell(deadline, letters.to_team("update_due", tick.case, tick.desk, tick.facts, tick.now, context))


def _progress(tick: Tick, deadline: Deadline) -> None:
    tick.case = _met(tick, deadline)
    class_ = tick.case.ticket.class_
    context = {"class": class_, "usual": tick.desk.solving_times.get(class_, "")}
    tick.reasons.append(Reason(rule="D8", verdict="progress", because="half an hour after staff were asked"))
    tick.say(deadline, letters.to_customer("progress", tick.case, tick.desk, context))


def _tell_leads(tick: Tick, deadline: Deadline) -> None:
    """D8: 48 hours without a word of a person: the team's leads, else the managers."""
    tick.case = _met(tick, deadline)
    context = {"card": letters.card(tick.case, tick.desk, tick.facts), "cause": "silence", "since": deadline.opened_at,
               **letters.last_words(tick.facts, tick.case.ticket.number)}  # fmt: skip
    people = letters.leads(tick.case.ticket.team, tick.facts.people)
    found = [letters.to_staff("lead_notice", tick.case, tick.desk, one, context) for one in people]
    tick.reasons.append(Reason(rule="D8", verdict="lead_notice", because="48 hours without a word of a person"))
    tick.tell(deadline, found or letters.to_managers("lead_notice", tick.desk, tick.case, context))


def _maker(tick: Tick, deadline: Deadline, kind: str, context: dict[str, Any]) -> list[Letter]:
    """Return the letter to whoever made a promise; the ticket's readers where that person has left."""
    made_by = [one for one in tick.facts.people if one.address == deadline.person]
    if not made_by:
        return letters.to_team(kind, tick.case, tick.desk, tick.facts, tick.now, context)
    return [letters.to_staff(kind, tick.case, tick.desk, one, context) for one in made_by]


def _met(tick: Tick, deadline: Deadline) -> Case:
    return _changed(tick.case, replace(deadline, state="met", closed_at=tick.now, remind_at=None))


def _changed(case: Case, deadline: Deadline) -> Case:
    return replace(case, deadlines=tuple(deadline if one.id == deadline.id else one for one in case.deadlines))

"""The clocks of a ticket (D1, D4, D7, D8): pure changes of a Case. Every function returns the case as it is then.

Which clock runs when:

| status | runs |
|---|---|
| new, open | a response clock while a customer waits for an answer; `update`, `resolve`, `silence` |
| waiting | `nudge`, `resolve_auto`; the others are paused |
| resolved | `close_auto`; `resolve` is met, and remembers what was left |
| closed, merged | none |
| snoozed | `snooze` alone; the others are paused |
"""

from datetime import datetime, timedelta

from mailgate.decide import calendar
from mailgate.model.quick import replace
from mailgate.model.settings import Calendar, Desk, Promise, Queue
from mailgate.model.ticket import Case, Deadline, DeadlineState, Status, Ticket

RESPONSE = ("first_response", "next_response")
DESK_CLOCKS = (*RESPONSE, "update", "resolve", "silence", "progress", "promise")
CUSTOMER_CLOCKS = ("nudge", "resolve_auto")
_LIVE = ("pending", "paused")


def start_desk_clocks(
    case: Case, desk: Desk, at: datetime, *, responds: str = "first_response", let_in: datetime | None = None
) -> Case:
    """Start the clocks of a ticket whose customer waits since `at`: response, update, resolve and silence. `let_in`: when
    a person let the mail in or made the ticket of it; a promise that would be over by then runs from there."""
    case = start_response(case, desk, at, kind=responds, let_in=let_in)
    return start_ball_clocks(case, desk, at, let_in=let_in)


def start_ball_clocks(case: Case, desk: Desk, at: datetime, *, let_in: datetime | None = None) -> Case:
    """Start the clocks of a ticket that the desk has in hand, whether or not a customer waits: update, resolve, silence."""
    case = _open_promised(case, desk, "update", at, let_in=let_in)
    case = _open_promised(case, desk, "resolve", at, let_in=let_in)
    return start_silence(case, desk, at)


def start_response(
    case: Case, desk: Desk, at: datetime, *, kind: str = "next_response", let_in: datetime | None = None
) -> Case:
    """Start a response clock at the oldest unanswered mail; one that runs already is never postponed (D1)."""
    if case.ticket.unanswered_since is None:
        case = replace(case, ticket=replace(case.ticket, unanswered_since=at))
    elif any(one.kind in RESPONSE for one in case.deadlines if one.state != "cancelled" and _is_current(case, one)):
        return case
    return _open_promised(case, desk, kind, at, let_in=let_in)


def start_ack(case: Case, desk: Desk, at: datetime) -> Case:
    """Start the promise of the acknowledgement; the outbox meets it when the letter leaves."""
    return _open_promised(case, desk, "ack", at, in_calendar=False)


def start_silence(case: Case, desk: Desk, at: datetime) -> Case:
    case = close(case, ("silence",), "cancelled", at)
    return _add(case, kind="silence", at=at, due_at=at + timedelta(seconds=desk.rules.silence_seconds))


def answered(case: Case, desk: Desk, at: datetime) -> Case:
    """A person has answered: the response clocks and promises are met, `update` and `silence` begin anew (D1, D4):
    they run where the desk has the ball, and stand where the customer has it, whose clocks begin anew (D7)."""
    case = close(case, (*RESPONSE, "promise", "update", "progress"), "met", at)
    case = replace(case, ticket=replace(case.ticket, unanswered_since=None, staff_spoke_at=at))
    if case.ticket.status in ("resolved", "closed"):
        return case
    case = start_silence(_open_promised(case, desk, "update", at), desk, at)
    if case.ticket.status == "waiting":
        return _start_customer_clocks(pause(case, desk, DESK_CLOCKS, at), desk, at)
    return case


def change_status(case: Case, desk: Desk, status: Status, at: datetime) -> Case:
    """Go to `status`, with the clocks of that status (D7, T5). A snooze ends by it."""
    before = case.ticket.status
    if status == before and not case.ticket.snoozed_until:
        return case
    case = end_snooze(case, desk, at) if case.ticket.snoozed_until else case
    finished = at if status in ("resolved", "closed") else None
    case = replace(case, ticket=replace(case.ticket, status=status, finished_at=finished))
    is_reopened = before in ("resolved", "closed")
    match status:
        case "waiting":
            case = close(case, ("close_auto",), "cancelled", at)
            case = _resume_resolve(case, desk, at) if is_reopened else case
            return _start_customer_clocks(pause(case, desk, DESK_CLOCKS, at), desk, at)
        case "resolved":
            return _start_closing(_finish(case, desk, at), desk, at)
        case "closed":
            return close(_finish(case, desk, at), ("close_auto", "snooze"), "cancelled", at)
        case "merged":
            return stop_all(replace(case, ticket=replace(case.ticket, unanswered_since=None)), at)
        case "new" | "open":
            case = close(case, (*CUSTOMER_CLOCKS, "close_auto"), "cancelled", at)
            case = _resume_resolve(case, desk, at) if is_reopened else case
            case = resume(case, desk, at)
            return _ensure_ball_clocks(case, desk, at) if is_reopened or before == "waiting" else case


def start_waiting(case: Case, desk: Desk, at: datetime) -> Case:
    """Start the clocks of a ticket that waits for its customer from the first moment (S7)."""
    return _start_customer_clocks(case, desk, at)


def ensure_resolve(case: Case, desk: Desk, at: datetime) -> Case:
    """Start `resolve` where the ticket never had it (S7: it begins when the flag is lifted)."""
    if any(one.kind == "resolve" for one in case.deadlines):
        return case
    return _open_promised(case, desk, "resolve", at)


def snooze(case: Case, desk: Desk, until: datetime, at: datetime) -> Case:
    """Stop every clock but the snooze's own until `until` (D7)."""
    case = close(case, ("snooze",), "cancelled", at)
    case = pause(case, desk, (*DESK_CLOCKS, *CUSTOMER_CLOCKS), at)
    case = replace(case, ticket=replace(case.ticket, snoozed_until=until))
    return _add(case, kind="snooze", at=at, due_at=until)


def end_snooze(case: Case, desk: Desk, at: datetime, *, state: DeadlineState = "cancelled") -> Case:
    """Let the clocks go on where they were."""
    case = close(case, ("snooze",), state, at)
    case = replace(case, ticket=replace(case.ticket, snoozed_until=None))
    return resume(case, desk, at)


def promise(case: Case, desk: Desk, due_at: datetime, at: datetime, person: str) -> Case:
    """Take up a promise of a person (#eta, D1); it stands in the place of an earlier one."""
    case = close(case, ("promise",), "cancelled", at)
    remind_at = due_at - timedelta(seconds=desk.rules.promise_reminder_seconds)
    return _add(
        case, kind="promise", at=at, due_at=due_at, remind_at=remind_at if remind_at > at else None, person=person
    )


def reprioritise(case: Case, desk: Desk, at: datetime) -> Case:
    """Compute the live promises anew for the ticket's queue and priority as they are now: from their opening, less the
    time they stood still, or from `at` where that would be over already: it never makes a past deadline."""
    deadlines = tuple(
        _repromised(case.ticket, desk, one, at)
        if one.kind in (*RESPONSE, "update", "resolve") and one.state in _LIVE
        else one
        for one in case.deadlines
    )
    return replace(case, deadlines=deadlines)


def take_over(case: Case, source: Case, desk: Desk, at: datetime) -> Case:
    """Let the clocks of a ticket that goes into this one go on here (T7): what its customer waits for since, where that
    is longer, and a promise, where there is none here."""
    since, own = source.ticket.unanswered_since, case.ticket.unanswered_since
    if since and (own is None or since < own) and source.ticket.status not in ("resolved", "closed"):
        running = _copies(source, *RESPONSE)
        case = close(case, RESPONSE, "cancelled", at) if running else case
        case = replace(case, ticket=replace(case.ticket, unanswered_since=since))
        case = replace(case, deadlines=(*case.deadlines, *running))
    if not any(one.kind == "promise" and one.state in _LIVE for one in case.deadlines):
        case = replace(case, deadlines=(*case.deadlines, *_copies(source, "promise")))
    return case


def forget_question(case: Case, at: datetime) -> Case:
    """The only question that waited here has gone to a ticket of its own (T7): nobody waits for an answer here."""
    case = close(case, RESPONSE, "cancelled", at)
    return replace(case, ticket=replace(case.ticket, unanswered_since=None))


def stop_all(case: Case, at: datetime) -> Case:
    """Stop every clock (C5: spam and abuse)."""
    kinds = tuple({one.kind for one in case.deadlines})
    return close(case, kinds, "cancelled", at)


def close(case: Case, kinds: tuple[str, ...], state: DeadlineState, at: datetime) -> Case:
    """Put every live deadline of `kinds` into a final state."""
    deadlines = tuple(
        replace(one, state=state, closed_at=at, remind_at=None) if one.kind in kinds and one.state in _LIVE else one
        for one in case.deadlines
    )
    return replace(case, deadlines=deadlines)


def pause(case: Case, desk: Desk, kinds: tuple[str, ...], at: datetime) -> Case:
    """Stop the pending deadlines of `kinds`, with their working time left."""
    return replace(
        case, deadlines=tuple(_paused(desk, one, at) if one.kind in kinds else one for one in case.deadlines)
    )


def resume(case: Case, desk: Desk, at: datetime) -> Case:
    """Let paused deadlines go on where they were: response clocks only while a customer waits."""
    return replace(case, deadlines=tuple(_resumed(desk, one, at) for one in case.deadlines))


def find_live(case: Case, *kinds: str) -> Deadline | None:
    """Return the pending deadline of `kinds` that is due first, or None."""
    live = [one for one in case.deadlines if one.kind in kinds and one.state == "pending" and one.due_at]
    return min(live, key=lambda one: one.due_at or one.opened_at, default=None)


def get_promise(desk: Desk, ticket: Ticket, kind: str) -> Promise | None:
    """Return what the ticket's queue promises at its priority, on its channel (D1); `high` falls back on `normal`."""
    queue = desk.queues[ticket.queue]
    for priority in dict.fromkeys((ticket.priority, "normal")):
        sla = queue.sla.get(priority)
        if sla is None:
            continue
        own = sla.by_source.get(ticket.source, {}).get(kind) or sla.promises.get(kind)
        if own:
            return own
    return None


def _open_promised(
    case: Case, desk: Desk, kind: str, at: datetime, *, in_calendar: bool = True, let_in: datetime | None = None
) -> Case:
    found = get_promise(desk, case.ticket, kind)
    if found is None:
        return case
    queue = desk.queues[case.ticket.queue]
    name = queue.calendar if in_calendar else None
    due_at, remind_at = _due(desk, queue, name, found, kind, at)
    if let_in and due_at <= let_in:  # nobody can keep, and no ack should give, a promise that is over
        at = let_in
        due_at, remind_at = _due(desk, queue, name, found, kind, at)
    return _add(
        case, kind=kind, at=at, due_at=due_at, remind_at=remind_at, calendar_name=name,
        promised_seconds=calendar.between(_calendar(desk, name), at, due_at),
    )  # fmt: skip


def _due(
    desk: Desk, queue: Queue, name: str | None, found: Promise, kind: str, at: datetime
) -> tuple[datetime, datetime | None]:
    own = _calendar(desk, name)
    due_at = calendar.due(found, own, at)
    if kind not in RESPONSE:
        return due_at, None
    return due_at, calendar.share(own, at, due_at, desk.rules.remind_percent)


def _repromised(ticket: Ticket, desk: Desk, deadline: Deadline, at: datetime) -> Deadline:
    found = get_promise(desk, ticket, deadline.kind)
    if found is None:
        return replace(deadline, state="cancelled", closed_at=at, remind_at=None)
    queue = desk.queues[ticket.queue]
    name, own = queue.calendar, _calendar(desk, queue.calendar)
    due_at, remind_at = _due(desk, queue, name, found, deadline.kind, deadline.opened_at)
    promised = calendar.between(own, deadline.opened_at, due_at)
    if stood := _stood_still(desk, deadline, at):
        due_at = calendar.add(own, due_at, stood)
        remind_at = calendar.add(own, remind_at, stood) if remind_at else None
    if due_at <= at:
        due_at, remind_at = _due(desk, queue, name, found, deadline.kind, at)
        promised = calendar.between(own, at, due_at)
    is_paused = deadline.state == "paused"
    if is_paused:
        remind_at = deadline.remind_at  # says only whether the reminder is still to come
    elif deadline.remind_at is None or (remind_at and remind_at <= at):
        remind_at = None
    return replace(
        deadline, calendar=name, promised_seconds=promised, remind_at=remind_at,
        due_at=None if is_paused else due_at,
        remaining_seconds=calendar.between(own, at, due_at) if is_paused else deadline.remaining_seconds,
    )  # fmt: skip


def _stood_still(desk: Desk, deadline: Deadline, at: datetime) -> int:
    """Return for how many working seconds a deadline has been paused since its opening."""
    if deadline.promised_seconds is None:
        return 0
    own = _calendar(desk, deadline.calendar)
    if deadline.due_at is None:
        used = deadline.promised_seconds - (deadline.remaining_seconds or 0)
        return max(0, calendar.between(own, deadline.opened_at, at) - used)
    return max(0, calendar.between(own, deadline.opened_at, deadline.due_at) - deadline.promised_seconds)


def _paused(desk: Desk, deadline: Deadline, at: datetime) -> Deadline:
    if deadline.state != "pending" or deadline.due_at is None:
        return deadline
    left = calendar.between(_calendar(desk, deadline.calendar), at, deadline.due_at) if deadline.due_at > at else 0
    return replace(deadline, state="paused", remaining_seconds=left, due_at=None)


def _resumed(desk: Desk, deadline: Deadline, at: datetime) -> Deadline:
    if deadline.state != "paused" or deadline.remaining_seconds is None:
        return deadline
    own = _calendar(desk, deadline.calendar)
    due_at = calendar.add(own, at, deadline.remaining_seconds)
    remind_at = None
    if deadline.remind_at is not None and deadline.kind in RESPONSE and deadline.promised_seconds:
        before = deadline.promised_seconds * (100 - desk.rules.remind_percent) // 100
        remind_at = calendar.add(own, at, max(0, deadline.remaining_seconds - before))
    elif deadline.remind_at is not None:
        remind_at = max(at, due_at - timedelta(seconds=desk.rules.promise_reminder_seconds))
    return replace(deadline, state="pending", due_at=due_at, remaining_seconds=None, remind_at=remind_at)


def _finish(case: Case, desk: Desk, at: datetime) -> Case:
    """The desk's work is done: response clocks end, `resolve` is met and remembers what was left (T5)."""
    left = {
        one.id or one.kind: _paused(desk, one, at).remaining_seconds
        for one in case.deadlines
        if one.kind == "resolve" and one.state in _LIVE
    }
    case = replace(
        case,
        deadlines=tuple(
            replace(one, remaining_seconds=left[one.id or one.kind])
            if one.kind == "resolve" and one.state in _LIVE
            else one
            for one in case.deadlines
        ),
        ticket=replace(case.ticket, unanswered_since=None),
    )
    case = close(case, ("resolve",), "met", at)
    return close(case, (*RESPONSE, "update", "progress", "silence", "promise", *CUSTOMER_CLOCKS), "cancelled", at)


def _resume_resolve(case: Case, desk: Desk, at: datetime) -> Case:
    """Reopened: `resolve` goes on with what was left."""
    last = next((one for one in reversed(case.deadlines) if one.kind == "resolve"), None)
    if last is None or last.state != "met" or not last.remaining_seconds:
        return case
    due_at = calendar.add(_calendar(desk, last.calendar), at, last.remaining_seconds)
    return _add(
        case, kind="resolve", at=at, due_at=due_at, calendar_name=last.calendar, promised_seconds=last.promised_seconds
    )


def _ensure_ball_clocks(case: Case, desk: Desk, at: datetime) -> Case:
    """The desk has the ball again: `update` and `silence` run, whatever the ticket was before."""
    if not find_live(case, "update", "progress"):
        case = _open_promised(case, desk, "update", at)
    return case if find_live(case, "silence") else start_silence(case, desk, at)


def _start_customer_clocks(case: Case, desk: Desk, at: datetime) -> Case:
    case = close(case, CUSTOMER_CLOCKS, "cancelled", at)
    case = _add(case, kind="nudge", at=at, due_at=at + timedelta(seconds=desk.rules.nudge_seconds))
    if case.ticket.is_formal:
        return case
    return _add(case, kind="resolve_auto", at=at, due_at=at + timedelta(seconds=desk.rules.resolve_auto_seconds))


def _start_closing(case: Case, desk: Desk, at: datetime) -> Case:
    case = close(case, ("close_auto",), "cancelled", at)
    if case.ticket.is_formal:
        return case
    return _add(case, kind="close_auto", at=at, due_at=at + timedelta(seconds=desk.rules.close_auto_seconds))


def _copies(source: Case, *kinds: str) -> tuple[Deadline, ...]:
    return tuple(replace(one, id="") for one in source.deadlines if one.kind in kinds and one.state == "pending")


def _is_current(case: Case, deadline: Deadline) -> bool:
    """Does this response clock belong to the mail that waits now? Breached ones of it count: they fire once."""
    since = case.ticket.unanswered_since
    return since is not None and deadline.opened_at >= since


def _add(
    case: Case,
    *,
    kind: str,
    at: datetime,
    due_at: datetime,
    remind_at: datetime | None = None,
    calendar_name: str | None = None,
    promised_seconds: int | None = None,
    person: str | None = None,
) -> Case:
    deadline = Deadline(
        id="", kind=kind, state="pending", opened_at=at, due_at=due_at, remind_at=remind_at, calendar=calendar_name,
        promised_seconds=promised_seconds, person=person,
    )  # fmt: skip
    return replace(case, deadlines=(*case.deadlines, deadline))


def _calendar(desk: Desk, name: str | None) -> Calendar | None:
    return desk.calendars[name] if name else None

"""The clocks of a ticket (D1, D4, D7, D8): what runs when, and that no working time is lost or made."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.decide import calendar, clocks
from mailgate.model.ticket import Case, Status
from tests.decide.staff_mail import MONDAY, a_case, a_ticket, live, shipped_desk, states, stored

RUNNING = {
    "new": {"first_response", "update", "resolve", "silence"},
    "open": {"first_response", "update", "resolve", "silence"},
    "waiting": {"nudge", "resolve_auto"},
    "resolved": {"close_auto"},
    "closed": set(),
    "merged": set(),
}
HOUR = timedelta(hours=1)


def pending(case: Case) -> set[str]:
    return {one.kind for one in case.deadlines if one.state == "pending"}


@pytest.mark.parametrize("status", RUNNING)
def test_which_clocks_run_in_which_status(status: Status) -> None:
    assert pending(clocks.change_status(a_case(), shipped_desk(), status, MONDAY + HOUR)) == RUNNING[status]


@pytest.mark.parametrize("before", ["new", "open", "waiting", "resolved", "closed"])
@pytest.mark.parametrize("after", RUNNING)
def test_every_change_of_status_leaves_the_clocks_of_the_new_one(before: str, after: Status) -> None:
    case = clocks.change_status(a_case(status=before), shipped_desk(), after, MONDAY + HOUR)
    expected = RUNNING[after]
    if before in ("resolved", "closed") and after in ("new", "open"):
        expected = expected - {"first_response"}  # nobody asked anything since
    if (before, after) == ("closed", "resolved"):
        expected = {"close_auto"}
    assert pending(case) == expected


@pytest.mark.parametrize(
    ("desk", "queue", "source", "priority", "kind", "due"),
    [
        ("flexihost", "support", "mail", "normal", "ack", timedelta(minutes=2)),
        ("flexihost", "support", "mail", "normal", "first_response", timedelta(minutes=60)),
        ("flexihost", "support", "mail", "high", "first_response", timedelta(minutes=15)),
        ("flexihost", "support", "mail", "high", "resolve", timedelta(hours=8)),
        ("flexihost", "billing", "mail", "normal", "first_response", timedelta(hours=4)),
        ("introserv", "support", "chat", "normal", "ack", timedelta(minutes=1)),
        ("introserv", "support", "panel", "normal", "first_response", timedelta(minutes=10)),
        ("introserv", "support", "mail", "normal", "first_response", timedelta(minutes=30)),
        ("introserv", "support", "mail", "high", "first_response", timedelta(minutes=10)),
        ("introserv", "billing", "mail", "normal", "first_response", timedelta(minutes=30)),
        ("introserv", "support", "mail", "normal", "update", timedelta(hours=4)),
        ("introserv", "support", "mail", "high", "update", timedelta(hours=1)),
        ("strato", "support", "mail", "normal", "first_response", timedelta(days=1)),
        ("strato", "support", "mail", "high", "first_response", timedelta(hours=4)),
        ("strato", "billing", "mail", "normal", "first_response", timedelta(days=3)),
        ("strato", "support", "mail", "normal", "update", timedelta(days=2)),
        ("strato", "support", "mail", "high", "resolve", timedelta(days=1)),
    ],
)  # fmt: skip
def test_each_desk_promises_what_its_table_says(
    desk: str, queue: str, source: str, priority: str, kind: str, due: timedelta
) -> None:
    on = shipped_desk(desk)
    ticket = a_ticket(desk=desk, queue=queue, team=on.queues[queue].team, source=source, priority=priority)
    case = clocks.start_ack(clocks.start_desk_clocks(Case(ticket=ticket), on, MONDAY), on, MONDAY)
    deadline = live(case, kind)
    assert deadline is not None
    assert deadline.due_at == MONDAY + due


def test_a_response_clock_runs_from_the_oldest_unanswered_mail() -> None:
    case, desk = a_case(), shipped_desk()
    again = clocks.start_response(case, desk, MONDAY + HOUR)
    assert again == case
    breached = clocks.close(case, ("first_response",), "breached", MONDAY + HOUR)
    assert clocks.start_response(breached, desk, MONDAY + 2 * HOUR) == breached, "and fires once"


def test_after_an_answer_the_next_mail_starts_the_next_clock() -> None:
    desk = shipped_desk()
    case = clocks.change_status(clocks.answered(a_case(), desk, MONDAY + HOUR), desk, "waiting", MONDAY + HOUR)
    case = clocks.start_response(clocks.change_status(case, desk, "open", MONDAY + 5 * HOUR), desk, MONDAY + 5 * HOUR)
    assert states(case, "first_response") == ["met"]
    response = live(case, "next_response")
    assert response is not None
    assert response.due_at == MONDAY + 6 * HOUR


def test_the_silence_of_48_hours_runs_from_the_opening_whoever_takes_the_ticket() -> None:
    case = clocks.change_status(a_case(), shipped_desk(), "open", MONDAY + 20 * HOUR)
    silence = live(case, "silence")
    assert silence is not None
    assert silence.due_at == MONDAY + 48 * HOUR


def test_an_update_that_was_missed_is_not_promised_anew_by_taking_the_ticket() -> None:
    case = clocks.close(a_case(), ("update",), "breached", MONDAY + 24 * HOUR)
    assert live(clocks.change_status(case, shipped_desk(), "open", MONDAY + 25 * HOUR), "update") is None


@pytest.mark.parametrize("days", [0, 5, 10])
def test_reopened_the_solving_time_goes_on_with_what_was_left(days: int) -> None:
    desk = shipped_desk()
    case = (
        clocks.change_status(a_case(status="open"), desk, "waiting", MONDAY + 3 * HOUR)
        if days
        else a_case(status="open")
    )
    done = MONDAY + timedelta(days=days, hours=3)
    case = clocks.change_status(case, desk, "resolved", done)
    case = clocks.change_status(case, desk, "closed", done + timedelta(days=14)) if days == 10 else case
    again = done + timedelta(days=15)
    resolve = live(clocks.change_status(case, desk, "open", again), "resolve")
    assert resolve is not None
    assert resolve.due_at == again + 21 * HOUR


@pytest.mark.parametrize("status", ["waiting", "resolved"])
def test_a_formal_notice_is_never_finished_by_a_clock(status: Status) -> None:
    case = clocks.change_status(a_case(is_formal=True), shipped_desk(), status, MONDAY + HOUR)
    assert not {"resolve_auto", "close_auto"} & pending(case)


def test_the_reminder_comes_at_four_fifths_of_the_working_time() -> None:
    friday = datetime(2026, 6, 12, 14, 0, tzinfo=UTC)  # 17:00 in Kyiv: one hour to the closing
    response = live(a_case(at=friday, queue="billing", team="billing"), "first_response")
    assert response is not None
    assert response.due_at == datetime(2026, 6, 15, 9, 0, tzinfo=UTC)  # Monday 12:00 in Kyiv
    assert response.remind_at == datetime(2026, 6, 15, 8, 12, tzinfo=UTC)  # 3 h 12 of the 4 h


MOMENTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 6, 30)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
LENGTHS = st.lists(st.integers(60, 5 * 86400), min_size=1, max_size=6)
WHERE = st.sampled_from(
    [(name, queue) for name in ("flexihost", "introserv", "strato") for queue in ("support", "billing")]
)


@given(WHERE, MOMENTS, LENGTHS)
@settings(max_examples=60)
def test_waiting_and_waking_conserve_working_time(where: tuple[str, str], opened: datetime, lengths: list[int]) -> None:
    desk = shipped_desk(where[0])
    queue = desk.queues[where[1]]
    own = desk.calendars[queue.calendar] if queue.calendar else None
    case = a_case(desk=desk, at=opened, queue=queue.name, team=queue.team, status="open")
    first = live(case, "resolve")
    assert first is not None
    assert first.due_at is not None
    promised, worked, at = calendar.between(own, opened, first.due_at), 0, opened
    for place, seconds in enumerate(lengths):
        later = at + timedelta(seconds=seconds)
        if place % 2 == 0:
            worked += calendar.between(own, at, later)
            if worked >= promised:
                return
            case = stored(clocks.change_status(case, desk, "waiting", later) if place % 4 else
                          clocks.snooze(case, desk, later + timedelta(days=9), later))  # fmt: skip
        else:
            case = stored(clocks.end_snooze(case, desk, later) if case.ticket.snoozed_until else
                          clocks.change_status(case, desk, "open", later))  # fmt: skip
        at = later
    resolve = live(case, "resolve")
    assert resolve is not None
    left = resolve.remaining_seconds if resolve.due_at is None else calendar.between(own, at, resolve.due_at)
    gone = 0 if resolve.due_at is None else calendar.between(own, at, at)
    assert left is not None
    assert left + worked + gone == promised


STEPS = st.lists(
    st.sampled_from(
        ["answer", "ask", "wait", "open", "resolve", "close", "snooze", "wake", "promise", "high", "normal", "spam"]
    ),
    max_size=15,
)


@given(WHERE, MOMENTS, STEPS, st.integers(60, 200_000))
@settings(max_examples=80)
def test_every_deadline_has_one_state_and_no_two_of_a_kind_run(
    where: tuple[str, str], opened: datetime, steps: list[str], pause: int
) -> None:
    from dataclasses import replace

    desk = shipped_desk(where[0])
    case = a_case(desk=desk, at=opened, queue=where[1], team=desk.queues[where[1]].team)
    at, final = opened, {}
    for step in steps:
        at += timedelta(seconds=pause)
        match step:
            case "answer":
                case = clocks.change_status(clocks.answered(case, desk, at), desk, "waiting", at)
            case "ask":
                case = clocks.change_status(case, desk, "open", at)
                case = clocks.start_response(case, desk, at)
            case "wait" | "open" | "resolve" | "close":
                status: Status = {"wait": "waiting", "open": "open", "resolve": "resolved", "close": "closed"}[step]  # type: ignore[assignment]
                case = clocks.change_status(case, desk, status, at)
            case "snooze":
                case = clocks.snooze(case, desk, at + timedelta(days=2), at)
            case "wake":
                case = clocks.end_snooze(case, desk, at)
            case "promise":
                case = clocks.promise(case, desk, at + timedelta(days=1), at, "ivan@team.example")
            case "high" | "normal":
                case = clocks.reprioritise(replace(case, ticket=replace(case.ticket, priority=step)), desk, at)
            case _:
                case = clocks.stop_all(case, at)
        case = stored(case)
        for one in case.deadlines:
            assert one.state != "pending" or one.due_at, "what runs has its moment"
            assert one.state != "paused" or one.due_at is None, "and what stands still has none"
            assert (one.closed_at is not None) == (one.state in ("met", "breached", "cancelled"))
            assert one.next_at is None or one.state == "pending"
            if one.id in final:
                assert final[one.id] == one.state, "what has ended stays as it ended"
            if one.state in ("met", "breached", "cancelled"):
                final[one.id] = one.state
        alive = [one.kind for one in case.deadlines if one.state in ("pending", "paused")]
        assert len(alive) == len(set(alive)), f"{step}: {alive}"

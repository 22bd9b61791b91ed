"""What falls due (D3 to D9): reminders, breaches, escalation, progress, waiting, waking, the digest."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from mailgate.decide import clocks
from mailgate.decide.due import decide_digest, decide_held_hour, fall_due, missed_notices, next_digest
from mailgate.model.decision import Decision
from mailgate.model.facts import Facts
from mailgate.model.people import Staff
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case
from tests.decide.staff_mail import (
    BORYS,
    HALYNA,
    IVAN,
    MONDAY,
    OKSANA,
    OLENA,
    PEOPLE,
    a_case,
    after,
    letters_of,
    live,
    shipped_desk,
    states,
    stored,
)

MANAGERS = "managers@flexihost.example"


def due(
    case: Case, at: datetime, *, people: tuple[Staff, ...] = PEOPLE, desk: Desk | None = None, **facts: Any
) -> Decision:
    return fall_due(case, desk or shipped_desk(), Facts(people=people, cases={10001: case}, **facts), at)


def told(decision: Decision) -> list[tuple[str, str]]:
    return sorted((one.kind, one.to) for one in letters_of(decision))


class TestResponse:
    def test_at_four_fifths_the_team_is_reminded_once(self) -> None:
        at = MONDAY + timedelta(minutes=48)
        decision = due(a_case(), at)
        assert told(decision) == [("reminder", IVAN.address), ("reminder", OKSANA.address)]
        assert told(due(after(decision), at + timedelta(minutes=1))) == []

    def test_an_owner_is_reminded_alone(self) -> None:
        assert told(due(a_case(owner=OKSANA.address), MONDAY + timedelta(minutes=48))) == [("reminder", OKSANA.address)]

    def test_at_the_deadline_the_managers_are_told_and_the_next_team_gets_it(self) -> None:
        case = due(a_case(owner=IVAN.address), MONDAY + timedelta(minutes=48))
        decision = due(after(case), MONDAY + timedelta(minutes=60))
        assert told(decision) == [("breach", MANAGERS), ("escalation", OLENA), ("handover", BORYS.address)]
        ended = after(decision)
        assert (ended.ticket.team, ended.ticket.owner) == ("admins", None)
        assert states(ended, "first_response") == ["breached"]
        assert {one.because for one in letters_of(decision)} == {"first_response"}

    def test_a_next_team_off_duty_gets_it_at_its_opening_unless_the_ticket_is_high(self) -> None:
        night = MONDAY.replace(hour=20)
        for priority, minutes, waits in (("normal", 60, True), ("high", 15, False)):
            case = a_case(at=night, priority=priority)
            decision = due(case, night + timedelta(minutes=minutes))
            [handover] = letters_of(decision, "handover")
            opens = datetime(2026, 6, 9, 6, 0, tzinfo=UTC)
            assert handover.not_before == (opens if waits else None)
            assert letters_of(decision, "escalation")[0].context["opens_at"] == opens

    @pytest.mark.parametrize(
        "more", [{"team": "admins"}, {"is_team_by_hand": True}, {"queue": "billing", "team": "billing"}]
    )
    def test_after_the_last_rung_or_by_hand_only_the_managers_are_told(self, more: dict[str, Any]) -> None:
        case = a_case(**more)
        response = live(case, "first_response")
        assert response is not None
        assert response.due_at is not None
        decision = due(case, response.due_at)
        assert told(decision) == [("breach", MANAGERS)]
        assert after(decision).ticket.team == case.ticket.team

    def test_one_notice_tells_of_all_that_is_missed_at_the_same_moment(self) -> None:
        at = MONDAY + timedelta(hours=24)
        case = clocks.promise(a_case(), shipped_desk(), at, MONDAY, HALYNA.address)
        case = clocks.close(stored(case), ("first_response", "update"), "met", MONDAY)
        decision = due(case, at)
        [breach] = letters_of(decision, "breach")
        assert set(breach.context["kinds"]) == {"resolve", "promise"}
        assert ("promise_due", HALYNA.address) in told(decision), "its maker hears of a broken promise too"


def test_a_promise_is_remembered_half_an_hour_before() -> None:
    case = stored(clocks.promise(a_case(), shipped_desk(), MONDAY + timedelta(hours=3), MONDAY, HALYNA.address))
    case = clocks.close(case, ("first_response",), "met", MONDAY)
    assert told(due(case, MONDAY + timedelta(hours=2, minutes=30))) == [("promise_due", HALYNA.address)]


class TestUpdate:
    def test_staff_are_asked_and_half_an_hour_later_the_customer_hears_how_it_stands(self) -> None:
        desk = shipped_desk("introserv")
        lena = Staff(desk="introserv", address="lena@intro.example", teams=("support",))
        case = clocks.close(a_case(desk=desk, class_="site"), ("first_response",), "met", MONDAY)
        asked = due(case, MONDAY + timedelta(hours=4), people=(lena,), desk=desk)
        assert told(asked) == [("update_due", lena.address)]
        half = stored(after(asked))
        decision = due(half, MONDAY + timedelta(hours=4, minutes=30), people=(lena,), desk=desk)
        [progress] = letters_of(decision, "progress")
        assert progress.context["usual"] == "2h"

    def test_a_word_in_between_keeps_it_silent(self) -> None:
        asked = stored(
            after(
                due(clocks.close(a_case(), ("first_response", "resolve"), "met", MONDAY), MONDAY + timedelta(hours=24))
            )
        )
        answered = clocks.answered(asked, shipped_desk(), MONDAY + timedelta(hours=24, minutes=10))
        assert live(answered, "progress") is None

    def test_the_half_hour_is_of_calendar_time(self) -> None:
        desk = shipped_desk("strato")
        evening = datetime(2026, 6, 8, 17, 45, tzinfo=UTC)  # a quarter of an hour to eight
        case = clocks.close(a_case(desk=desk, at=evening), ("first_response",), "met", evening)
        update = live(case, "update")
        assert update is not None
        assert update.due_at == evening + timedelta(days=2)
        progress = live(after(due(case, update.due_at, desk=desk)), "progress")
        assert progress is not None
        assert progress.due_at == datetime(2026, 6, 11, 6, 15, tzinfo=UTC), "15 minutes that evening, 15 next morning"


def test_48_hours_without_a_word_of_a_person_come_to_the_leads_else_the_managers() -> None:
    case = clocks.close(a_case(), ("first_response", "update", "resolve"), "met", MONDAY)
    at = MONDAY + timedelta(hours=48)
    assert told(due(case, at)) == [("lead_notice", OKSANA.address)]
    assert told(due(case, at, people=(IVAN,))) == [("lead_notice", MANAGERS)]


class TestWaiting:
    CASE = a_case(status="waiting")

    def test_after_72_hours_the_customer_is_reminded_after_7_days_it_is_resolved_after_14_more_closed(self) -> None:
        nudged = due(self.CASE, MONDAY + timedelta(hours=72))
        assert told(nudged) == [("nudge", OLENA)]
        resolved = due(after(nudged), MONDAY + timedelta(days=7))
        assert told(resolved) == [("resolved", OLENA)]
        assert letters_of(resolved)[0].context["by_clock"]
        closed = due(stored(after(resolved)), MONDAY + timedelta(days=21))
        assert told(closed) == []
        assert after(closed).ticket.status == "closed"
        assert not [one for one in after(closed).deadlines if one.state in ("pending", "paused")]

    def test_after_a_long_downtime_nobody_is_reminded_of_what_is_resolved_in_the_same_breath(self) -> None:
        decision = due(self.CASE, MONDAY + timedelta(days=8))
        assert told(decision) == [("resolved", OLENA)]
        assert states(after(decision), "nudge") == ["cancelled"]

    def test_a_formal_notice_is_asked_after_but_never_resolved(self) -> None:
        case = a_case(status="waiting", is_formal=True)
        decision = due(case, MONDAY + timedelta(days=30))
        assert told(decision) == [("nudge", OLENA)]
        assert letters_of(decision)[0].context["resolve_at"] is None
        assert after(decision).ticket.status == "waiting"


def test_a_snooze_wakes_once_the_ticket_is_open_and_the_clocks_go_on() -> None:
    until = MONDAY + timedelta(days=2)
    case = stored(
        clocks.snooze(a_case(status="open", owner=IVAN.address), shipped_desk(), until, MONDAY + timedelta(minutes=10))
    )
    decision = due(case, until)
    assert told(decision) == [("reminder", IVAN.address)]
    awake = after(decision)
    assert (awake.ticket.status, awake.ticket.snoozed_until) == ("open", None)
    response = live(awake, "first_response")
    assert response is not None
    assert response.due_at == until + timedelta(minutes=50)
    assert states(awake, "snooze") == ["met"]
    assert told(due(stored(awake), until)) == []


class TestLate:
    def test_what_is_found_late_goes_to_each_person_in_one_notice(self) -> None:
        at = MONDAY + timedelta(minutes=75)
        missed = [entry for number in (10001, 10002) for entry in due(a_case(number), at).extra["missed"]]
        notices = missed_notices(shipped_desk(), missed)
        assert sorted((one.kind, one.to, len(one.context["entries"])) for one in notices) == [
            ("missed", BORYS.address, 2), ("missed", MANAGERS, 2),
        ]  # fmt: skip
        assert {one.not_before for one in notices} == {None}

    def test_customers_are_told_all_the_same(self) -> None:
        assert told(due(a_case(), MONDAY + timedelta(minutes=75))) == [("escalation", OLENA)]

    @pytest.mark.parametrize(("minutes", "late"), [(60, False), (70, False), (71, True), (58, False), (59, True)])
    def test_ten_minutes_count_from_the_moment_itself(self, minutes: int, late: bool) -> None:
        decision = due(a_case(), MONDAY + timedelta(minutes=minutes))
        assert bool(decision.extra["missed"]) is late  # at 58 and 59 from the reminder at 48

    def test_a_deadline_counts_by_its_own_moment_not_by_its_reminders(self) -> None:
        assert due(a_case(), MONDAY + timedelta(minutes=61)).extra["missed"] == []


@pytest.mark.parametrize(
    ("now", "at"),
    [
        (datetime(2026, 3, 28, 12, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),  # summer time that night
        (datetime(2026, 3, 28, 5, 0, tzinfo=UTC), datetime(2026, 3, 28, 6, 0, tzinfo=UTC)),
        (datetime(2026, 3, 28, 6, 0, tzinfo=UTC), datetime(2026, 3, 29, 5, 0, tzinfo=UTC)),
        (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)),  # and back
        (datetime(2026, 12, 31, 23, 0, tzinfo=UTC), datetime(2027, 1, 1, 6, 0, tzinfo=UTC)),
    ],
)
def test_the_digest_comes_at_eight_in_the_desks_zone(now: datetime, at: datetime) -> None:
    assert next_digest(shipped_desk(), now) == at
    assert at.astimezone(ZoneInfo("Europe/Kyiv")).hour == 8


def test_the_digest_and_the_held_mails_hour_go_to_the_managers() -> None:
    digest = decide_digest(shipped_desk(), {"opened": 3}, date(2026, 6, 8))
    assert told(digest) == [("digest", MANAGERS)]
    held = {"id": "h1", "subject": "Password", "queue": "support", "context": {"text": "x"}}
    hour = decide_held_hour(shipped_desk(), held, MONDAY)
    assert [(one.to, one.held, one.context["for_managers"]) for one in letters_of(hour)] == [(MANAGERS, "h1", True)]

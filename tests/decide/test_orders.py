"""What staff commands do (C3 to C5, D5, T7)."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from mailgate.decide.orders import find_person
from mailgate.model.decision import AddMessage, Hasten, LeaveOut, Mark, MoveMessages, Save, Withdraw
from mailgate.model.people import Staff
from mailgate.model.ticket import NEW
from tests.decide.staff_mail import (
    BORYS,
    HALYNA,
    IVAN,
    MONDAY,
    OKSANA,
    OLENA,
    PEOPLE,
    a_case,
    a_contact,
    after,
    decided,
    effects_of,
    letters_of,
    live,
    said,
    shipped_desk,
    states,
    stored,
)

LATER = MONDAY + timedelta(minutes=10)


def errors(text: str, **more: object) -> list[str]:
    decision = decided(text, case=a_case(), **more)  # type: ignore[arg-type]
    assert "command_error" in decision.flags
    assert not effects_of(decision, Save), "nothing of such a mail is done"
    [letter] = letters_of(decision)
    assert letter.kind == "command_error"
    assert letter.to == IVAN.address
    return [one["code"] for one in letter.context["errors"]]


@pytest.mark.parametrize(
    ("text", "codes"),
    [
        ("#frobnicate", ["unknown"]), ("#take\n#frobnicate\n\nHello", ["unknown"]), ("#assign", ["needs_argument"]),
        ("#assign nobody", ["no_such_person"]), ("#assign @team.example", ["no_such_person"]),
        ("#queue sales", ["no_such_queue"]), ("#priority urgent", ["bad_priority"]), ("#snooze soon", ["bad_duration"]),
        ("#snooze 9:00", ["past"]), ("#eta 10:00", ["past"]), ("#eta later", ["bad_duration"]), ("#lang pl", ["bad_language"]),
        ("#merge 99999", ["no_such_ticket"]), ("#merge 10001", ["itself"]), ("#split", ["nothing_to_split"]),
        ("#undo", ["nothing_to_undo"]), ("#send", ["nothing_to_send"]), ("#accept", ["nothing_held"]),
        ("#reject", ["nothing_held"]), ("#close\n#open", ["contradiction"]), ("#assign Borys\n#take", ["contradiction"]),
        ("#priority high\n#priority normal", ["contradiction"]), ("#close now please", ["own_line"]),
        ("#escalate support", ["itself"]), ("#note", ["no_desk_text"]),
        ("#close\n#frobnicate\n#queue x", ["unknown", "no_such_queue"]),
    ],
)  # fmt: skip
def test_an_unknown_or_impossible_command_applies_nothing(text: str, codes: list[str]) -> None:
    assert errors(text) == codes


def test_commands_that_a_desk_reserves_for_leads_are_theirs() -> None:
    desk = replace(shipped_desk(), leads_only=("spam",))
    assert "command_error" in decided("#spam", case=a_case(desk=desk), desk=desk).flags
    assert "command_error" not in decided("#spam", case=a_case(desk=desk), desk=desk, sender=OKSANA.address).flags


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ivan", [IVAN.address]), ("IVAN PETRENKO", [IVAN.address]), ("petr", [IVAN.address]),
        ("borys@team.example", [BORYS.address]),
        ("borys@team.example<mailto:borys@team.example>", [BORYS.address]), ("@halyna", [HALYNA.address]),
        ("team", []), ("o", [BORYS.address, IVAN.address, OKSANA.address]), ("nobody@team.example", []), ("@", []),
    ],
)  # fmt: skip
def test_a_person_is_meant_by_address_or_a_part_of_the_name(name: str, found: list[str]) -> None:
    assert [one.address for one in find_person(name, PEOPLE)] == found


def test_an_ambiguous_name_is_refused_with_those_it_may_mean() -> None:
    other = Staff(desk="flexihost", address="i.melnyk@team.example", name="Ivan Melnyk", teams=("support",))
    decision = decided("#assign ivan", case=a_case(), people=(*PEOPLE, other))
    [letter] = letters_of(decision, "command_error")
    assert letter.context["errors"][0]["allowed"] == ("Ivan Petrenko", "Ivan Melnyk")


@pytest.mark.parametrize("command", ["#take", "#assign Oksana", "#priority high", "#lang en", "#eta 2d", "#snooze 2d"])
def test_a_person_who_acts_on_a_new_ticket_opens_it(command: str) -> None:
    case = after(decided(command, case=a_case()))
    assert case.ticket.status == "open"
    assert live(case, "first_response"), "and answers nobody by it"


def test_help_is_not_acting() -> None:
    decision = decided("#help", case=a_case())
    assert after(decision).ticket.status == "new"
    assert [one.kind for one in letters_of(decision)] == ["command_done"]


@pytest.mark.parametrize("status", ["open", "waiting", "resolved", "closed"])
def test_assigning_changes_no_status(status: str) -> None:
    decision = decided("#assign Oksana", case=a_case(status=status))
    assert after(decision).ticket.status == status
    assert after(decision).ticket.owner == OKSANA.address
    assert [one.to for one in letters_of(decision, "handover")] == [OKSANA.address]


@pytest.mark.parametrize("command", ["#take", "#open", "#priority high", "#assign Oksana"])
def test_acting_does_not_postpone_what_the_customer_was_promised(command: str) -> None:
    before = a_case()
    case = after(decided(command.replace("#priority high", "#take"), case=before, at=MONDAY + timedelta(minutes=40)))
    for kind in ("first_response", "update", "resolve", "silence"):
        assert live(case, kind) == live(before, kind)


class TestQueueAndTeam:
    def test_a_ticket_goes_to_another_queue_with_its_team_and_calendar(self) -> None:
        before = a_case(owner=IVAN.address, is_team_by_hand=True)
        decision = decided("#queue billing", case=before)
        case = after(decision)
        assert (case.ticket.queue, case.ticket.team, case.ticket.owner) == ("billing", "billing", None)
        assert not case.ticket.is_team_by_hand
        assert [one.to for one in letters_of(decision, "handover")] == [HALYNA.address]
        response = live(case, "first_response")
        assert response is not None
        assert response.due_at == MONDAY + timedelta(hours=4), "four hours of billing's calendar"
        assert "handover" in effects_of(decision, Withdraw)[0].kinds

    def test_a_queue_whose_first_team_has_the_ticket_already_hands_nothing_over(self) -> None:
        desk = shipped_desk("introserv")
        lena = Staff(desk="introserv", address="lena@intro.example", name="Lena", teams=("support",))
        case = a_case(desk=desk, owner=lena.address)
        decision = decided("#queue billing", case=case, desk=desk, sender=lena.address, people=(lena,))
        assert (after(decision).ticket.queue, after(decision).ticket.owner) == ("billing", lena.address)
        assert letters_of(decision, "handover") == []

    @pytest.mark.parametrize("status", ["waiting", "resolved", "closed"])
    def test_moving_does_not_wake_a_ticket(self, status: str) -> None:
        assert after(decided("#queue billing", case=a_case(status=status))).ticket.status == status


class TestEscalate:
    def test_the_next_team_of_the_ladder_gets_it_and_the_customer_is_told(self) -> None:
        decision = decided("#escalate needs a kernel fix", case=a_case(owner=IVAN.address))
        case = after(decision)
        assert (case.ticket.team, case.ticket.owner, case.ticket.is_team_by_hand) == ("admins", None, False)
        [handover] = letters_of(decision, "handover")
        assert (handover.to, handover.context["reason"]) == (BORYS.address, "needs a kernel fix")
        assert [one.to for one in letters_of(decision, "escalation")] == [OLENA]

    def test_a_team_by_name_is_kept_until_it_is_left_by_hand(self) -> None:
        case = after(decided("#escalate admins: please", case=a_case()))
        assert case.ticket.is_team_by_hand
        back = after(decided("#queue support", case=stored(case), sender=BORYS.address))
        assert (back.ticket.team, back.ticket.is_team_by_hand) == ("support", False)

    def test_off_duty_it_waits_for_the_opening_unless_it_is_high(self) -> None:
        night = MONDAY.replace(hour=22)
        for priority, waits in (("normal", True), ("high", False)):
            decision = decided("#escalate", case=a_case(at=night, priority=priority), at=night)
            [handover] = letters_of(decision, "handover")
            assert (handover.not_before is not None) is waits
            [told] = letters_of(decision, "escalation")
            assert told.context["opens_at"] == (MONDAY + timedelta(days=1)).replace(hour=6)

    def test_after_the_last_rung_only_the_managers_are_told(self) -> None:
        decision = decided("#escalate what now", case=a_case(team="admins"), sender=BORYS.address)
        assert after(decision).ticket.team == "admins"
        assert [one.audience for one in letters_of(decision) if one.kind == "handover"] == ["manager"]
        assert letters_of(decision, "escalation", "command_error") == []

    def test_managers_are_asked_for_a_decision_and_the_ticket_stays(self) -> None:
        decision = decided("#escalate managers may we refund", case=a_case(owner=IVAN.address))
        assert after(decision).ticket.team == "support"
        assert after(decision).ticket.owner == IVAN.address
        [asked] = letters_of(decision, "handover")
        assert (asked.to, asked.context["reason"]) == ("managers@flexihost.example", "may we refund")

    def test_the_next_team_has_the_ball(self) -> None:
        assert after(decided("#escalate", case=a_case(status="waiting"))).ticket.status == "open"
        assert after(decided("#escalate\n\nOur admins will look at it.", case=a_case())).ticket.status == "open"


class TestPriority:
    def test_raising_it_promises_anew_from_the_opening_or_from_now(self) -> None:
        early = live(after(decided("#priority high", case=a_case())), "first_response")
        assert early is not None
        assert early.due_at == MONDAY + timedelta(minutes=15)
        at = MONDAY + timedelta(minutes=40)
        late = live(after(decided("#priority high", case=a_case(), at=at)), "first_response")
        assert late is not None
        assert late.due_at == at + timedelta(minutes=15)

    def test_it_is_right_after_a_pause_too(self) -> None:
        from mailgate.decide import clocks

        desk = shipped_desk()
        case = clocks.change_status(a_case(status="open"), desk, "waiting", MONDAY + timedelta(hours=1))
        case = stored(clocks.change_status(stored(case), desk, "open", MONDAY + timedelta(hours=5)))
        raised = live(after(decided("#priority high", case=case, at=MONDAY + timedelta(hours=6))), "resolve")
        assert raised is not None
        assert raised.due_at == MONDAY + timedelta(hours=12), "8 hours, of which 4 stood still"

    def test_waiting_clocks_are_promised_anew_as_well(self) -> None:
        case = a_case(status="waiting")
        raised = live(after(decided("#priority high", case=case)), "resolve")
        assert raised is not None
        assert (raised.state, raised.remaining_seconds) == ("paused", 8 * 3600)

    def test_what_waits_for_the_opening_leaves_at_once(self) -> None:
        decision = decided("#priority high", case=a_case())
        [hastened] = effects_of(decision, Hasten)
        assert "staff_notice" in hastened.kinds
        assert effects_of(decided("#priority normal", case=a_case()), Hasten) == []


class TestMerge:
    def merged(self, **more: object) -> tuple[object, object, object]:
        source = a_case(10002, at=MONDAY, requestor=OLENA, account="1001")
        target = a_case(10001, at=MONDAY + timedelta(minutes=5), **more)  # type: ignore[arg-type]
        decision = decided("#merge 10001", case=source, others=(target,))
        return decision, after(decision, 10002), after(decision, 10001)

    def test_both_numbers_are_tied_and_the_customer_is_told_once_under_the_survivors_tag(self) -> None:
        decision, gone, kept = self.merged()
        assert (gone.ticket.status, gone.ticket.merged_into) == ("merged", 10001)  # type: ignore[attr-defined]
        assert [one.state for one in gone.deadlines if one.state != "cancelled"] == []  # type: ignore[attr-defined]
        assert {link.kind for link in kept.ticket.links} == {"merged"}  # type: ignore[attr-defined]
        [told] = letters_of(decision, "merged")  # type: ignore[arg-type]
        assert (told.ticket, told.context["from_number"]) == (10001, 10002)
        assert effects_of(decision, MoveMessages) == [MoveMessages(source=10002, target=10001)]  # type: ignore[arg-type]

    def test_the_clock_runs_from_the_oldest_unanswered_mail_of_both(self) -> None:
        _, _, kept = self.merged()
        response = live(kept, "first_response")  # type: ignore[arg-type]
        assert response is not None
        assert response.opened_at == MONDAY
        assert kept.ticket.unanswered_since == MONDAY  # type: ignore[attr-defined]
        assert states(kept, "first_response") == ["cancelled", "pending"]  # type: ignore[arg-type]

    @pytest.mark.parametrize("status", ["waiting", "resolved", "closed"])
    def test_a_survivor_that_waited_is_open_where_the_other_was_unanswered(self, status: str) -> None:
        _, _, kept = self.merged(status=status)
        assert kept.ticket.status == "open"  # type: ignore[attr-defined]
        assert live(kept, "first_response") is not None  # type: ignore[arg-type]

    def test_tickets_of_two_accounts_are_not_merged(self) -> None:
        decision = decided("#merge 10002", case=a_case(), others=(a_case(10002, account="1002"),))
        assert letters_of(decision)[0].context["errors"][0]["code"] == "other_account"

    @pytest.mark.parametrize(
        ("one", "other", "is_merged"),
        [
            ({}, {"requestor": "second@shop.example"}, True),  # of one account
            ({"account": None}, {"account": None}, True),  # one person
            ({"account": None}, {}, True),  # the same person, known by now
            ({"account": None, "requestor": "x@evil.example"}, {}, False),
            ({}, {"account": None, "requestor": "x@evil.example"}, False),
            ({"account": None, "requestor": "a@a.example"}, {"account": None, "requestor": "b@b.example"}, False),
            ({"account": None, "requestor": ""}, {"account": None, "requestor": ""}, False),
            ({"account": None, "requestor": "second@shop.example"}, {}, True),  # a contact of that account
            ({"account": None, "requestor": "former@shop.example"}, {}, False),  # whose time is over
            ({"account": None, "requestor": "second@shop.example"}, {"account": "1002"}, False),
        ],
    )
    def test_two_requestors_who_share_no_account_are_not_brought_together(
        self, one: dict[str, object], other: dict[str, object], is_merged: bool
    ) -> None:
        contacts = (
            a_contact(), a_contact("second@shop.example"), a_contact("former@shop.example", until=date(2026, 6, 7)),
        )  # fmt: skip
        decision = decided("#merge 10002", case=a_case(**one), others=(a_case(10002, **other),), contacts=contacts)
        errors = [
            error["code"] for letter in letters_of(decision, "command_error") for error in letter.context["errors"]
        ]
        assert errors == ([] if is_merged else ["other_requestor"])
        assert bool(effects_of(decision, MoveMessages)) is is_merged

    def test_text_goes_to_the_people_of_the_survivor_under_its_tag(self) -> None:
        source = a_case(10002, requestor="second@shop.example")
        decision = decided("#merge 10001\n\nBoth are one fault.", case=source, others=(a_case(10001),))
        assert {(one.to, one.ticket) for one in letters_of(decision, "relay")} == {
            (OLENA, 10001), ("second@shop.example", 10001),
        }  # fmt: skip
        kept = after(decision, 10001)
        assert kept.ticket.status == "waiting"
        assert "pending" not in states(kept, "first_response")

    def test_a_promise_goes_on_with_the_survivor(self) -> None:
        source = stored(after(decided("#eta 2d", case=a_case(10002)), 10002))
        decision = decided("#merge 10001", case=source, others=(a_case(10001),))
        promise = live(after(decision, 10001), "promise")
        assert promise is not None
        assert promise.person == IVAN.address


class TestSplit:
    def test_of_a_single_mail_a_copy_opens_the_second_ticket_under_the_subject_that_is_given(self) -> None:
        asked = said("My site shows 502. And my invoice is wrong.", message_id="a1@shop.example")
        decision = decided("#split Wrong invoice", case=a_case(), messages=(asked,))
        [copied] = effects_of(decision, AddMessage)
        assert (copied.ticket, copied.message.id, copied.message.visible_text) == (NEW, "", asked.visible_text)
        assert effects_of(decision, MoveMessages) == []
        fresh = after(decision, NEW)
        assert (fresh.ticket.subject, fresh.ticket.status) == ("Wrong invoice", "new")
        for number in (NEW, 10001):  # both questions wait since the mail
            response = live(after(decision, number), "first_response")
            assert response is not None
            assert response.opened_at == MONDAY
        [told] = letters_of(decision, "split_notice")
        assert told.context["is_copied"]

    def test_of_a_single_mail_without_a_subject_there_is_nothing_to_split(self) -> None:
        decision = decided("#split", case=a_case(), messages=(said("My site shows 502."),))
        assert letters_of(decision)[0].context["errors"][0]["code"] == "nothing_to_split"

    ASKED = (said("My site shows 502."), said("And my invoice is wrong.", at=MONDAY + timedelta(minutes=5)))

    def test_the_latest_question_is_a_ticket_of_its_own_and_both_numbers_are_told_once(self) -> None:
        decision = decided("#split Wrong invoice", case=a_case(), messages=self.ASKED)
        fresh = after(decision, NEW)
        assert (fresh.ticket.subject, fresh.ticket.status, fresh.ticket.requestor) == ("Wrong invoice", "new", OLENA)
        response = live(fresh, "first_response")
        assert response is not None
        assert response.opened_at == MONDAY + timedelta(minutes=5)
        assert [one.to for one in letters_of(decision, "split_notice")] == [OLENA]
        assert len(letters_of(decision, "staff_notice")) == 2, "the team has a new ticket"
        assert effects_of(decision, MoveMessages)[0].messages == (self.ASKED[1].id,)
        assert live(after(decision), "first_response"), "the first question still waits"

    def test_where_only_that_question_waited_nobody_waits_on_the_old_ticket(self) -> None:
        from mailgate.decide import clocks

        desk = shipped_desk()
        at = MONDAY + timedelta(minutes=5)
        answered = clocks.change_status(clocks.answered(a_case(), desk, MONDAY), desk, "waiting", MONDAY)
        case = stored(clocks.start_response(clocks.change_status(stored(answered), desk, "open", at), desk, at))
        decision = decided("#split", case=case, messages=self.ASKED)
        assert after(decision).ticket.unanswered_since is None
        assert live(after(decision), "next_response") is None

    def test_what_was_answered_meanwhile_waits_from_now_on(self) -> None:
        from mailgate.decide import clocks

        case = stored(clocks.answered(a_case(), shipped_desk(), MONDAY + timedelta(minutes=7)))
        response = live(after(decided("#split", case=case, messages=self.ASKED), NEW), "first_response")
        assert response is not None
        assert response.opened_at == LATER


@pytest.mark.parametrize(("command", "status"), [("#spam", "closed"), ("#abuse", "open")])
def test_a_blocked_sender_gets_nothing_automatic_and_no_clock_runs(command: str, status: str) -> None:
    decision = decided(command, case=a_case(reply_address="form@shop.example"))
    case = after(decision)
    assert case.ticket.status == status
    assert [one.kind for one in case.deadlines if one.state in ("pending", "paused")] == []
    assert "resolve" not in [one.kind for one in case.deadlines if one.state == "met"], "spam is no work done"
    assert {one.address for one in effects_of(decision, Mark)} == {OLENA, "form@shop.example"}
    assert "ack" in effects_of(decision, Withdraw)[0].kinds
    assert [one for one in letters_of(decision) if one.audience == "customer"] == []
    assert "blocked" in case.ticket.flags


def test_what_the_same_mail_says_to_a_blocked_sender_by_itself_is_left_out() -> None:
    decision = decided("#abuse\n#resolve", case=a_case())
    assert letters_of(decision, "resolved") == []
    decision = decided("#abuse\n#eta 2d", case=a_case())
    assert [one.letter.kind for one in effects_of(decision, LeaveOut)] == ["promise"]


def test_verifying_lifts_the_flag_and_starts_the_clocks() -> None:
    from mailgate.decide import clocks
    from mailgate.model.ticket import Case
    from tests.decide.staff_mail import a_ticket

    waiting = Case(ticket=a_ticket(status="waiting", flags=("identity_required",), level="unknown", account=None))
    case = after(decided("#verify", case=stored(clocks.start_waiting(waiting, shipped_desk(), MONDAY))))
    assert (case.ticket.level, case.ticket.flags, case.ticket.status) == ("verified", (), "open")
    response = live(case, "first_response")
    assert response is not None
    assert response.opened_at == LATER
    assert live(case, "resolve")
    assert live(case, "nudge") is None


class TestEta:
    def test_a_promise_keeps_the_ticket_open_and_is_told(self) -> None:
        decision = decided("#eta 16:00", case=a_case())
        promise = live(after(decision), "promise")
        assert promise is not None
        assert promise.due_at == MONDAY.replace(hour=13), "16:00 in Kyiv"
        assert promise.remind_at == MONDAY.replace(hour=12, minute=30)
        assert [one.context["at"] for one in letters_of(decision, "promise")] == [promise.due_at]

    def test_the_hour_is_that_of_whoever_writes_it(self) -> None:
        abroad = replace(IVAN, timezone="Europe/London")
        promise = live(after(decided("#eta 16:00", case=a_case(), people=(abroad,))), "promise")
        assert promise is not None
        assert promise.due_at == MONDAY.replace(hour=15)

    def test_beside_a_reply_it_is_kept_and_the_ticket_stays_open(self) -> None:
        case = after(decided("#eta 2d\n\nWe have ordered the part.", case=a_case()))
        assert case.ticket.status == "open"
        assert live(case, "promise") is not None
        assert states(case, "first_response") == ["met"]

    def test_a_later_promise_stands_in_the_place_of_an_earlier_one(self) -> None:
        first = stored(after(decided("#eta 2d", case=a_case())))
        second = after(decided("#eta 3d", case=first, at=LATER + timedelta(hours=1)))
        assert states(second, "promise") == ["cancelled", "pending"]

    def test_a_reply_keeps_it(self) -> None:
        first = stored(after(decided("#eta 2d", case=a_case())))
        assert states(after(decided("It is done.", case=first, at=LATER + timedelta(hours=1))), "promise") == ["met"]


class TestSnooze:
    def test_every_clock_but_its_own_stands_still(self) -> None:
        case = after(decided("#snooze 2d", case=a_case()))
        assert [one.kind for one in case.deadlines if one.state == "pending"] == ["snooze"]
        assert case.ticket.snoozed_until == LATER + timedelta(days=2)

    @pytest.mark.parametrize("command", ["#close", "#resolve", "#open", "#wait"])
    def test_a_status_by_hand_ends_it(self, command: str) -> None:
        asleep = stored(after(decided("#snooze 2d", case=a_case())))
        case = after(decided(command, case=asleep, at=LATER + timedelta(hours=1)))
        assert case.ticket.snoozed_until is None
        assert states(case, "snooze") == ["cancelled"]

    def test_a_reply_lets_it_sleep_on(self) -> None:
        asleep = stored(after(decided("#snooze 2d", case=a_case())))
        case = after(decided("We look at it on Thursday.", case=asleep, at=LATER + timedelta(hours=1)))
        assert case.ticket.snoozed_until == LATER + timedelta(days=2)
        assert [one.kind for one in case.deadlines if one.state == "pending"] == ["snooze"]


def test_the_language_of_the_customer_is_changed_for_all_further_letters() -> None:
    decision = decided("#lang en\n#resolve", case=a_case())
    assert [one.language for one in letters_of(decision, "resolved")] == ["en"]


def test_a_finished_ticket_troubles_no_opening_team() -> None:
    kinds = [kind for one in effects_of(decided("#close", case=a_case()), Withdraw) for kind in one.kinds]
    assert {"staff_notice", "reminder", "handover"} <= set(kinds)

"""Mail of staff (C2, C4 to C8, S4): replies, notes, held mail, tickets of their own."""

from datetime import timedelta

import pytest

from mailgate.model.decision import AddMessage, ChangeMessage, DecideHeld, MoveMessages, Save, Withdraw
from mailgate.model.facts import Held
from mailgate.model.mail import Address, Attachment, Forwarded
from mailgate.model.ticket import NEW
from tests.decide.staff_mail import (
    IVAN,
    MONDAY,
    OKSANA,
    OLENA,
    a_case,
    a_contact,
    after,
    decided,
    effects_of,
    letters_of,
    live,
    said,
    states,
    stored,
)

LATER = MONDAY + timedelta(minutes=10)
FILE = Attachment(filename="guide.pdf", content_type="application/pdf", size=3, sha256="0" * 64)
PICTURE = Attachment(
    filename="logo.png", content_type="image/png", size=3, sha256="1" * 64, inline=True, content_id="logo"
)


class TestReply:
    def test_it_is_relayed_after_half_a_minute_to_everyone_on_the_ticket_as_from_the_desk(self) -> None:
        case = a_case(participants=("taras@shop.example", IVAN.address))
        contacts = (a_contact(), a_contact("help@shop.example", purposes=("support",)))
        decision = decided("Please clear the cache.", case=case, contacts=contacts)
        relays = letters_of(decision, "relay")
        assert [one.to for one in relays] == [OLENA, "taras@shop.example", "help@shop.example"]
        assert {one.not_before for one in relays} == {LATER + timedelta(seconds=30)}
        assert not any(one.is_automatic for one in relays)
        assert "team.example" not in str([one.context for one in relays])

    def test_it_meets_the_clock_when_it_arrives_makes_an_owner_and_waits_for_the_customer(self) -> None:
        case = after(decided("Please clear the cache.", case=a_case()))
        assert (case.ticket.status, case.ticket.owner) == ("waiting", IVAN.address)
        assert states(case, "first_response") == ["met"]
        assert [one.kind for one in case.deadlines if one.state == "pending"] == ["nudge", "resolve_auto"]

    def test_an_owner_stays(self) -> None:
        assert after(decided("Done.", case=a_case(owner=OKSANA.address))).ticket.owner == OKSANA.address

    @pytest.mark.parametrize(
        ("command", "status"),
        [("#close", "closed"), ("#resolve", "resolved"), ("#open", "open"), ("#wait", "waiting"), ("#take", "waiting"),
         ("#priority high", "waiting"), ("#assign Oksana", "waiting"), ("#eta 2d", "open")],
    )  # fmt: skip
    def test_the_status_of_a_command_wins(self, command: str, status: str) -> None:
        assert after(decided(f"{command}\n\nDone.", case=a_case())).ticket.status == status

    def test_a_second_answer_lets_no_clock_of_the_desk_run_while_the_customer_has_the_ball(self) -> None:
        first = stored(after(decided("Please clear the cache.", case=a_case())))
        second = after(decided("And the cookies.", case=first, at=MONDAY + timedelta(hours=20)))
        assert [one.kind for one in second.deadlines if one.state == "pending"] == ["nudge", "resolve_auto"]
        nudge = live(second, "nudge")
        assert nudge is not None
        assert nudge.due_at == MONDAY + timedelta(hours=20 + 72), "the customer has been written to just now"

    @pytest.mark.parametrize("status", ["resolved", "closed"])
    def test_an_answer_on_a_finished_ticket_waits_for_the_customer_with_nothing_left_of_its_end(
        self, status: str
    ) -> None:
        case = after(decided("One more thing.", case=a_case(status=status)))
        assert case.ticket.status == "waiting"
        assert live(case, "close_auto") is None
        resolve = live(case, "resolve")
        assert resolve is not None
        assert resolve.state == "paused"

    @pytest.mark.parametrize("status", ["resolved", "closed"])
    def test_closing_what_is_closed_with_a_last_word_starts_no_clock(self, status: str) -> None:
        command = "#resolve" if status == "resolved" else "#close"
        case = after(decided(f"{command}\n\nYou are welcome.", case=a_case(status=status)))
        assert {one.kind for one in case.deadlines if one.state == "pending"} <= {"close_auto"}

    def test_the_closing_notice_leaves_with_the_reply_and_is_taken_back_with_it(self) -> None:
        decision = decided("#resolve\n\nDone.", case=a_case())
        [closing] = letters_of(decision, "resolved")
        assert (closing.not_before, closing.message) == (LATER + timedelta(seconds=30), "")

    def test_of_commands_alone_letters_leave_at_once(self) -> None:
        [closing] = letters_of(decided("#resolve", case=a_case()), "resolved")
        assert closing.not_before is None

    def test_an_inline_answer_keeps_the_customers_words_and_none_of_ours(self) -> None:
        messages = (
            said("My site shows 502.\nIs mail affected?"),
            said("He owes us money.", kind="note", author=IVAN.address),
        )
        inline = "> | due 12:00\n> My site shows 502.\nFixed.\n> He owes us money.\n> Is mail affected?\nNo."
        decision = decided("Fixed.\n\nNo.", case=a_case(), messages=messages, mail={"inline_text": inline})
        assert (
            letters_of(decision, "relay")[0].context["text"] == "> My site shows 502.\nFixed.\n> Is mail affected?\nNo."
        )

    def test_late_reminders_of_an_answered_ticket_are_withdrawn(self) -> None:
        assert ("reminder", "update_due") in [
            one.kinds for one in effects_of(decided("Done.", case=a_case()), Withdraw)
        ]


class TestUndo:
    def replied(self, text: str = "Wrong answer.") -> tuple[object, object]:
        before = a_case()
        decision = decided(text, case=before)
        [added] = effects_of(decision, AddMessage)
        from dataclasses import replace

        return before, (stored(after(decision)), replace(added.message, id="reply1"))

    @pytest.mark.parametrize("text", ["Wrong answer.", "#close\n\nWrong answer.", "#take #eta 2d\n\nWrong answer."])
    def test_status_owner_and_clocks_are_as_before(self, text: str) -> None:
        before, (case, message) = self.replied(text)  # type: ignore[misc]
        at = LATER + timedelta(seconds=20)
        decision = decided(
            "#undo", case=case, messages=(message,), at=at, extra={"unsent_messages": frozenset({"reply1"})}
        )
        restored = after(decision)
        assert (restored.ticket.status, restored.ticket.owner) == ("new", None)
        for kind in ("first_response", "update", "resolve", "silence"):
            assert live(restored, kind) == live(before, kind)  # type: ignore[arg-type]
        assert {one.kind for one in restored.deadlines if one.state == "pending"} == {
            "first_response", "update", "resolve", "silence",
        }  # fmt: skip
        [withdrawn] = [one for one in effects_of(decision, Withdraw) if one.message]
        assert withdrawn.message == "reply1"
        assert [one.state for one in effects_of(decision, ChangeMessage)] == ["taken_back"]

    def test_a_new_text_beside_it_goes_in_its_place_and_can_be_taken_back_to_the_same_state(self) -> None:
        before, (case, message) = self.replied()  # type: ignore[misc]
        at = LATER + timedelta(seconds=20)
        facts = {"extra": {"unsent_messages": frozenset({"reply1"})}}
        decision = decided("#undo\n\nRight answer.", case=case, messages=(message,), at=at, **facts)
        assert [one.context["text"] for one in letters_of(decision, "relay")] == ["Right answer."]
        assert after(decision).ticket.status == "waiting"
        [added] = effects_of(decision, AddMessage)
        assert added.message.undo is not None
        assert added.message.undo["status"] == "new"
        assert {one["id"] for one in added.message.undo["deadlines"]} == {one.id for one in before.deadlines}  # type: ignore[attr-defined]

    def test_what_has_left_cannot_be_taken_back(self) -> None:
        _, (case, message) = self.replied()  # type: ignore[misc]
        decision = decided("#undo", case=case, messages=(message,), extra={"unsent_messages": frozenset()})
        assert letters_of(decision)[0].context["errors"][0]["code"] == "nothing_to_undo"

    def test_a_colleagues_reply_is_not_ones_own_to_take_back(self) -> None:
        _, (case, message) = self.replied()  # type: ignore[misc]
        extra = {"unsent_messages": frozenset({"reply1"})}
        decision = decided("#undo", case=case, messages=(message,), sender=OKSANA.address, extra=extra)
        assert "command_error" in decision.flags

    def test_a_customer_who_wrote_meanwhile_still_waits(self) -> None:
        from mailgate.decide import clocks
        from tests.decide.staff_mail import shipped_desk

        desk = shipped_desk()
        idle = stored(after(decided("Please clear the cache.", case=a_case())))
        decision = decided("And more.", case=idle, at=LATER + timedelta(hours=1))
        from dataclasses import replace

        message = replace(effects_of(decision, AddMessage)[0].message, id="reply2")
        wrote = LATER + timedelta(hours=1, seconds=10)
        case = clocks.change_status(stored(after(decision)), desk, "open", wrote)
        case = stored(clocks.start_response(case, desk, wrote))
        restored = after(decided("#undo", case=case, messages=(message,), at=wrote + timedelta(seconds=5),
                                 extra={"unsent_messages": frozenset({"reply2"})}))  # fmt: skip
        assert restored.ticket.status == "open"
        assert restored.ticket.unanswered_since == wrote
        assert live(restored, "next_response") is not None


class TestCheck:
    @pytest.mark.parametrize(
        "text",
        ["Please see the attached guide.", "Die Anleitung finden Sie im Anhang.", "Instrukcja jest w załączniku.",
         "Инструкция во вложении.", "Інструкція у вкладенні."],
    )  # fmt: skip
    def test_a_reply_that_speaks_of_an_attachment_and_has_none_waits(self, text: str) -> None:
        decision = decided(text, case=a_case())
        assert decision.outcome == "staff_reply"
        assert "awaiting_send" in decision.flags
        assert letters_of(decision, "relay") == []
        assert [one.to for one in letters_of(decision, "reply_check")] == [IVAN.address]
        assert after(decision) == a_case(), "the clock goes on"
        assert letters_of(decided(text, case=a_case(), mail={"attachments": (FILE,)}), "reply_check") == []
        assert letters_of(decided(text, case=a_case(), mail={"attachments": (PICTURE,)}), "reply_check")
        assert letters_of(decided(f"#send\n\n{text}", case=a_case()), "relay")

    def test_what_the_customer_wrote_of_attachments_is_theirs(self) -> None:
        messages = (said("See the attached screenshot."),)
        inline = "> See the attached screenshot.\nThank you, fixed."
        decision = decided("Thank you, fixed.", case=a_case(), messages=messages, mail={"inline_text": inline})
        assert letters_of(decision, "reply_check") == []

    @pytest.mark.parametrize(
        ("text", "names"),
        [
            ("As for sergey@sklad.example, ask him.", ("sergey@sklad.example",)),
            ("The same as on sklad.example!", ("sklad.example",)),
            ("See www.mysklad.example or sklad.example.org.", ()),
            ("Write to somebody@gmail.com.", ()),
        ],
    )  # fmt: skip
    def test_a_reply_that_names_another_customer_waits(self, text: str, names: tuple[str, ...]) -> None:
        foreign = ("sergey@sklad.example", "sklad.example", "gmail.com")
        decision = decided(text, case=a_case(), foreign_accounts=foreign)
        checks = letters_of(decision, "reply_check")
        assert (checks[0].context["names"] if checks else ()) == names

    @pytest.mark.parametrize(
        ("text", "lines"),
        [
            ("It is done.\n#resolve", ("#resolve",)),
            ("Hello,\n\n#note they never pay\nIt is done.", ("#note they never pay",)),
            ("Готово.\n  *#Close*\n", ("#Close",)),
            ("Fertig.\n\n#queue billing\n#assign Oksana", ("#queue billing", "#assign Oksana")),
            ("Done.\n> #resolve", ()),
            ("Order it as #12345.\n#1 is the first step.\n#hashtag\n# resolve is a heading", ()),
            ("Write #resolve on a line of its own.", ()),
        ],
    )
    def test_a_reply_with_a_command_below_its_first_words_waits(self, text: str, lines: tuple[str, ...]) -> None:
        decision = decided(text, case=a_case())
        checks = letters_of(decision, "reply_check")
        assert (checks[0].context["lines"] if checks else ()) == lines
        assert bool(letters_of(decision, "relay")) is not bool(lines)

    def test_people_of_the_ticket_are_no_strangers_to_it(self) -> None:
        case = a_case(account=None, participants=("sergey@sklad.example",))
        decision = decided("Ask sergey@sklad.example.", case=case, foreign_accounts=("sergey@sklad.example",))
        assert letters_of(decision, "relay")

    def waiting(self, text: str) -> tuple[object, object]:
        from dataclasses import replace

        decision = decided(text, case=a_case())
        return after(decision), replace(effects_of(decision, AddMessage)[0].message, id="reply1")

    def test_send_lets_it_go_with_its_commands_once(self) -> None:
        case, message = self.waiting("#resolve\n#priority high\n\nSee the attached guide.")
        decision = decided("#send", case=case, messages=(message,), at=LATER + timedelta(hours=1))
        assert decision.outcome == "command"
        assert [one.context["text"] for one in letters_of(decision, "relay")] == ["See the attached guide."]
        sent = after(decision)
        assert (sent.ticket.status, sent.ticket.priority) == ("resolved", "high")
        assert [one.state for one in effects_of(decision, ChangeMessage)] == ["holding"]
        from dataclasses import replace

        again = decided("#send", case=stored(sent), messages=(replace(message, state="done"),))  # type: ignore[type-var]
        assert letters_of(again)[0].context["errors"][0]["code"] == "nothing_to_send"

    def test_text_beside_send_follows_what_waited(self) -> None:
        case, message = self.waiting("See the attached guide.")
        decision = decided("#send\n\nAnd call us.", case=case, messages=(message,))
        assert [one.context["text"] for one in letters_of(decision, "relay")] == [
            "See the attached guide.",
            "And call us.",
        ]

    def test_undo_beside_a_reply_that_waits_is_done_at_once(self) -> None:
        from dataclasses import replace

        first = decided("Wrong answer.", case=a_case())
        message = replace(effects_of(first, AddMessage)[0].message, id="reply1")
        decision = decided(
            "#undo\n\nSee the attached guide.", case=stored(after(first)), messages=(message,),
            extra={"unsent_messages": frozenset({"reply1"})},
        )  # fmt: skip
        assert [one.message for one in effects_of(decision, Withdraw) if one.message] == ["reply1"]
        assert after(decision).ticket.status == "new"
        assert effects_of(decision, AddMessage)[-1].message.undo == {"commands": []}


class TestNote:
    @pytest.mark.parametrize(
        ("text", "to", "note"),
        [
            ("#note\n\nHe owes us money.", "support@flexihost.example", "He owes us money."),
            ("#note He owes us money.", "support@flexihost.example", "He owes us money."),
            ("He owes us money.", "support+note@flexihost.example", "He owes us money."),
            ("#take\n\nHe owes us money.", "support+note@flexihost.example", "He owes us money."),
        ],
    )  # fmt: skip
    def test_it_goes_to_nobody_and_stops_no_clock(self, text: str, to: str, note: str) -> None:
        decision = decided(text, case=a_case(), to=to)
        assert decision.outcome == "note"
        assert [(one.message.kind, one.message.visible_text) for one in effects_of(decision, AddMessage)] == [
            ("note", note)
        ]
        assert letters_of(decision) == []
        assert live(after(decision), "first_response") is not None

    def test_somebody_elses_note_address_is_none_of_ours(self) -> None:
        people = {
            "to": (Address(address="support@flexihost.example"),),
            "cc": (Address(address="bob+note@mail.example"),),
        }
        assert decided("Fixed.", case=a_case(), mail=people).outcome == "staff_reply"

    def test_commands_beside_a_note_are_carried_out(self) -> None:
        assert after(decided("#resolve\n#note\n\nCalled him.", case=a_case())).ticket.status == "resolved"


class TestHeld:
    HELD = Held(id="h1", arrival="a0", state="held", sender=OLENA, subject="Password", queue="support")

    @pytest.mark.parametrize(("command", "verdict"), [("#accept", "accepted"), ("#REJECT", "rejected")])
    def test_a_reply_to_its_notice_decides_it(self, command: str, verdict: str) -> None:
        decision = decided(command, held=self.HELD)
        assert decision.outcome == "command"
        assert effects_of(decision, DecideHeld) == [DecideHeld(held="h1", verdict=verdict, actor=IVAN.address)]  # type: ignore[arg-type]

    @pytest.mark.parametrize(
        ("text", "state", "code"),
        [("#accept\n#reject", "held", "contradiction"), ("Who is this?", "held", "needs_argument"),
         ("#close", "held", "needs_argument"), ("#accept", "accepted", "already_decided")],
    )  # fmt: skip
    def test_anything_else_decides_nothing(self, text: str, state: str, code: str) -> None:
        from dataclasses import replace

        decision = decided(text, held=replace(self.HELD, state=state))
        assert effects_of(decision, DecideHeld) == []
        assert letters_of(decision, "command_error")[0].context["errors"][0]["code"] == code


class TestOwn:
    def test_a_mail_without_a_tag_is_a_ticket_of_ones_own_without_ack(self) -> None:
        decision = decided("The coffee machine is broken.")
        assert (decision.outcome, after(decision, NEW).ticket.requestor) == ("new", IVAN.address)
        assert letters_of(decision, "ack") == []

    def test_on_ones_own_ticket_one_is_the_customer_unless_one_commands_or_notes(self) -> None:
        case = a_case(requestor=IVAN.address, account=None)
        assert decided("It still leaks.", case=case).outcome == "follow_up"
        assert decided("#close", case=case).outcome == "command"
        assert decided("Bought a new one.", case=case, to="support+note@flexihost.example").outcome == "note"

    def test_commands_need_a_ticket(self) -> None:
        decision = decided("#close")
        assert letters_of(decision, "command_error")[0].context["errors"][0]["code"] == "no_ticket"
        assert effects_of(decision, Save) == []


class TestForward:
    TEXT = (
        "He called me, he is difficult.\n\n---------- Forwarded message ---------\nFrom: Olena <olena@shop.example>\n"
        "Date: Mon, 9 Mar 2026 at 10:00\nSubject: Site down\nTo: Ivan <ivan@team.example>\n\nMy site shows 502."
    )
    MAIL = {
        "is_forward": True, "is_reply": False, "subject": "Fwd: Site down", "core_subject": "Site down",
        "forwarded": Forwarded(
            address="Olena@shop.example", name="Olena", subject="Site down", text="My site shows 502.",
            above="He called me, he is difficult.",
        ),
    }  # fmt: skip

    def test_it_is_a_ticket_for_the_customer_at_level_unknown_without_ack(self) -> None:
        decision = decided(self.TEXT, mail=self.MAIL)
        case = after(decision, NEW)
        assert (case.ticket.requestor, case.ticket.level, case.ticket.account) == (OLENA, "unknown", None)
        assert letters_of(decision, "ack") == []
        assert IVAN.address not in case.ticket.participants

    def test_with_ack_the_customer_hears_of_it_in_the_language_of_their_account(self) -> None:
        decision = decided("#ack\n\n" + self.TEXT, mail=self.MAIL, forwarded_contacts=(a_contact(),))
        [ack] = letters_of(decision, "ack")
        assert (ack.to, ack.language) == (OLENA, "uk")
        assert "m1@team.example" not in (ack.in_reply_to, *ack.references)

    def test_what_the_colleague_wrote_above_it_is_a_note(self) -> None:
        entries = [one.message for one in effects_of(decided(self.TEXT, mail=self.MAIL), AddMessage)]
        assert [(one.kind, one.visible_text) for one in entries] == [
            ("note", "He called me, he is difficult."), ("customer", "My site shows 502."),
        ]  # fmt: skip


def test_no_reply_moves_messages() -> None:
    assert effects_of(decided("Done.", case=a_case()), MoveMessages) == []

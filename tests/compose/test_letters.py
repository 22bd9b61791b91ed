"""What a letter is made of besides its words (A2, A7), and what it must never say (P3, S7)."""

import time
from datetime import UTC, datetime

import pytest

from mailgate import templates as loader
from mailgate.compose.moments import LANGUAGES
from mailgate.compose.samples import variants
from mailgate.compose.wording import LABELS
from mailgate.model import tokens
from mailgate.model.letter import CUSTOMER_LETTERS, LETTER_KINDS, NOTICE_BOTTOM, NOTICE_MARKERS, NOTICE_TOP
from mailgate.model.ticket import NEW
from tests.compose.desks import SECRET, a_desk, a_letter, composed

SHIPPED = loader.load()


def test_the_subject_is_the_tag_and_the_customers_own_words():
    letter = a_letter(subject="Сайт не відкривається, 502")
    assert composed(letter, SHIPPED).subject == "[desk #10001] Сайт не відкривається, 502"


def test_a_tag_that_already_stands_in_the_core_subject_is_not_doubled():
    assert composed(a_letter(subject="[desk #10001] 502"), SHIPPED).subject == "[desk #10001] 502"


def test_without_a_subject_the_tag_stands_alone():
    assert composed(a_letter(subject=""), SHIPPED).subject == "[desk #10001]"


def test_a_new_ticket_takes_the_number_it_is_given():
    rendered = composed(a_letter(ticket=NEW), SHIPPED, number=10077)
    assert rendered.ticket == 10077
    assert rendered.subject.startswith("[desk #10077] ")
    assert "#10077" in rendered.text


def test_a_new_ticket_without_a_number_is_a_bug():
    with pytest.raises(ValueError, match="number"):
        composed(a_letter(ticket=NEW), SHIPPED)


def test_the_number_does_not_touch_a_ticket_that_has_one():
    assert composed(a_letter(ticket=10001), SHIPPED, number=10077).ticket == 10001


def test_an_announcement_bears_no_tag():
    rendered = composed(a_letter("announcement", ticket=None, context={"text": "Hello"}), SHIPPED)
    assert rendered.subject == "The shop shows 502"
    assert rendered.reply_to == "support@desk.example"


@pytest.mark.parametrize(
    ("queue", "mailbox"),
    [("billing", "bill@desk.example"), ("", "support@desk.example"), ("nowhere", "support@desk.example")],
)
def test_a_letter_comes_from_its_queues_mailbox_with_the_desks_title(queue, mailbox):
    rendered = composed(a_letter(queue=queue), SHIPPED)
    assert (rendered.from_, rendered.from_name) == (mailbox, "Example Support")


def test_reply_to_and_envelope_sender_carry_ticket_and_addressee():
    rendered = composed(a_letter(), SHIPPED)
    for address in (rendered.reply_to, rendered.envelope_from):
        token = tokens.read_token(address, SECRET, "desk")
        assert token is not None
        assert token.ticket == 10001
        assert tokens.is_token_of(token, SECRET, "olena@shop.example")
        assert not tokens.is_token_of(token, SECRET, "other@shop.example")


def test_a_letter_about_a_held_mail_is_answered_to_that_mail():
    letter = a_letter("held_notice", audience="staff", ticket=None, held="01hq3zk5abc")
    token = tokens.read_token(composed(letter, SHIPPED).reply_to, SECRET, "desk")
    assert token is not None
    assert (token.kind, token.subject) == ("h", "01hq3zk5abc")


def test_a_desk_without_plus_addresses_keeps_tokens_out_of_them():
    rendered = composed(a_letter(), SHIPPED, a_desk(plus_addresses=False))
    assert rendered.reply_to == rendered.envelope_from == "support@desk.example"


def test_our_message_id_can_be_told_from_a_forged_one_and_marks_the_mail_as_ours():
    rendered = composed(a_letter(), SHIPPED)
    read = tokens.read_message_id(rendered.message_id, SECRET)
    assert read is not None
    assert read.ticket == 10001
    assert dict(rendered.headers)["X-Mailgate-ID"] == rendered.message_id


@pytest.mark.parametrize(
    ("letter", "value"),
    [
        (a_letter(in_reply_to="a@b.example"), "auto-replied"),
        (a_letter("command_error", audience="staff"), "auto-replied"),
        (a_letter("staff_notice", audience="staff", in_reply_to="a@b.example"), "auto-generated"),
        (a_letter("nudge", because="nudge", in_reply_to="a@b.example"), "auto-generated"),
        (a_letter("breach", audience="manager"), "auto-generated"),
        (a_letter("relay", is_automatic=False, in_reply_to="a@b.example"), None),
    ],
)
def test_automatic_letters_say_so_and_a_persons_do_not(letter, value):
    headers = dict(composed(letter, SHIPPED).headers)
    assert headers.get("Auto-Submitted") == value
    assert headers.get("X-Auto-Response-Suppress") == ("All" if value else None)


def test_an_answer_names_the_mail_it_answers_last_and_each_mail_once():
    letter = a_letter(in_reply_to="<c@x.example>", references=("a@x.example", "<b@x.example>", "a@x.example"))
    rendered = composed(letter, SHIPPED)
    assert rendered.in_reply_to == "c@x.example"
    assert rendered.references == ("a@x.example", "b@x.example", "c@x.example")


def test_hostile_message_ids_are_left_out():
    letter = a_letter(in_reply_to="a@b>\r\nBcc: <v@x.example", references=("x y@z", "ok@x.example", "é@x.example"))
    rendered = composed(letter, SHIPPED)
    assert rendered.in_reply_to is None
    assert rendered.references == ("ok@x.example",)


def test_letters_of_a_ticket_share_a_root_by_which_they_thread():
    first = composed(a_letter("staff_notice", audience="staff"), SHIPPED)
    second = composed(a_letter("reminder", audience="staff"), SHIPPED)
    customer = composed(a_letter("promise"), SHIPPED)
    assert first.references[0] == second.references[0]
    assert customer.references[0] != first.references[0]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", [kind for kind in LETTER_KINDS if kind not in CUSTOMER_LETTERS])
def test_what_staff_may_answer_stands_between_the_marker_lines(kind, language):
    for letter in variants(kind, "desk", language).values():
        rendered = composed(letter, SHIPPED)
        lines = rendered.text.rstrip("\n").split("\n")
        if letter.ticket is None and letter.held is None:
            assert not set(lines) & set(NOTICE_MARKERS)
        else:
            assert (lines[0], lines[-1]) == (NOTICE_TOP[language], NOTICE_BOTTOM[language])


@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_no_line_of_ours_to_staff_could_be_taken_for_a_command(kind):
    for letter in variants(kind, "desk", "en").values():
        if letter.audience != "customer":
            assert not [line for line in composed(letter, SHIPPED).text.split("\n") if line.lstrip().startswith("#")]


def test_a_customers_text_plays_neither_marker_nor_command_in_a_notice():
    text = f"hello\n#verify\n{NOTICE_BOTTOM['en']}\n=== MAILGATE: x ===\n {NOTICE_TOP['de']}"
    rendered = composed(a_letter("staff_notice", audience="staff", context={"text": text}), SHIPPED)
    inside = rendered.text.split("\n")[1:-2]
    assert not [line for line in inside if line.startswith("#") or "=== mailgate" in line.lower()]
    assert "> #verify" in inside


@pytest.mark.parametrize("kind", CUSTOMER_LETTERS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_letter_to_a_customer_shows_our_marks_or_an_unfilled_value(kind, language):
    for letter in variants(kind, "desk", language).values():
        text = composed(letter, SHIPPED).text
        assert "mailgate" not in text
        assert not [line for line in text.split("\n") if line.startswith("|")]
        if letter.context:
            assert "None" not in text


def test_the_text_of_a_person_goes_out_as_it_is():
    text = "Hi,\n\n\n\n    $ ls   \n\n-- \nLena"
    assert composed(a_letter("relay", context={"text": text}), SHIPPED).text == f"{text}\n"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_labels_to_fill_in_stand_alone_on_their_lines(language):
    form = ("summary", "environment", "tried", "attachments", "urgency", "server", "service", "order", "started")
    letter = a_letter(language=language, context={"missing": ("address",), "form": form})
    lines = composed(letter, SHIPPED).text.split("\n")
    assert [line for line in lines if line.endswith(":")][-len(form) :] == [f"{LABELS[language][f]}:" for f in form]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_request_for_identity_repeats_nothing_the_sender_has_not_proved(language):
    context = {"identity_required": True, "understood": {"domain": "sklad.example", "login": "melnik"}}
    letter = a_letter(language=language, to_name="Serhii Melnik", context=context)
    text = composed(letter, SHIPPED).text
    assert "sklad.example" not in text
    assert "elnik" not in text
    assert "https://panel.desk.example/" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_after_a_split_the_ack_names_both_numbers(language):
    letter = a_letter(language=language, ticket=10002, context={"from_ticket": 10001, "split_because": "matter"})
    text = composed(letter, SHIPPED).text
    assert "#10001" in text
    assert "#10002" in text


def test_times_are_shown_in_the_readers_zone_and_else_in_the_desks():
    context = {"due_at": datetime(2026, 3, 9, 11, 0, tzinfo=UTC)}
    assert "12:00" in composed(a_letter(context=context), SHIPPED).text
    assert "13:00" in composed(a_letter(context=context, timezone="Europe/Kyiv"), SHIPPED).text
    assert "12:00" in composed(a_letter(context=context, timezone="Mars/Olympus"), SHIPPED).text


def test_a_megabyte_of_the_worst_is_composed_in_linear_time():
    began = time.process_time()
    for text in ("\n" * 2**20, "#" * 2**20, "=" * 2**20, " \t" * 2**19, "#\n" * 2**19, "=== mailgate" * 2**16):
        composed(a_letter("staff_notice", audience="staff", subject=text, context={"text": text}), SHIPPED)
        composed(a_letter("relay", subject=text, context={"text": text}), SHIPPED)
    assert time.process_time() - began < 5

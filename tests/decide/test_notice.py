"""Our own notice goes out of a staff member's answer, however it is quoted (C2, P3)."""

import pytest

from mailgate.decide.notice import without_addresses, without_notice
from mailgate.model.letter import NOTICE_BOTTOM, NOTICE_TOP
from tests.decide.staff_mail import said

CUSTOMER = said("My site shows 502.\n\nIs my mail affected too? I have a lot of customers who write to me every day.")
NOTE = said("He is always like this, do not tell him about node9.", kind="note", author="ivan@team.example")
ENTRIES = (CUSTOMER, NOTE)
NOTICE = f"{NOTICE_TOP['en']}\n| [flexihost #10001] new\n| due 12:00\n|\nMy site shows 502.\n\n| #close\n{NOTICE_BOTTOM['en']}"


@pytest.mark.parametrize("language", NOTICE_TOP)
def test_an_unquoted_notice_goes_from_its_first_mark_to_its_last(language: str) -> None:
    notice = f"{NOTICE_TOP[language]}\n| a line of ours\nMy site shows 502.\n{NOTICE_BOTTOM[language]}"
    assert without_notice(f"Fixed.\n\n{notice}\n\nIvan", ENTRIES) == "Fixed.\n\nIvan"
    assert without_notice(f"{notice}\n\nFixed, below.", ENTRIES) == "Fixed, below."
    assert without_notice(f"Fixed.\n\n{NOTICE_TOP[language]}\nMy site shows 502.", ENTRIES) == "Fixed."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("> My site shows 502.\nFixed.", "> My site shows 502.\nFixed."),
        ("> | due 12:00\n> My site shows 502.\nFixed.", "> My site shows 502.\nFixed."),
        ("> He is always like this, do not tell him about node9.\nFixed.", "Fixed."),
        (">> My site shows 502.\nFixed.", ">> My site shows 502.\nFixed."),
        ("> Is my mail affected too? I have a lot of\n> customers who write to me every day.\nNo.",
         "> Is my mail affected too? I have a lot of\n> customers who write to me every day.\nNo."),
        ("> ivan@team.example\nYes", "Yes"),
        (f"> {NOTICE_TOP['de']}\n> My site shows 502.\nYes\n> {NOTICE_BOTTOM['de']}", "> My site shows 502.\nYes"),
        ("| due 12:00\nFixed.", "Fixed."),
        ("|\nFixed.", "Fixed."),
        ("| name | address |\n| ns1  | 192.0.2.1 |", "| name | address |\n| ns1  | 192.0.2.1 |"),
        (">\nFixed.", "Fixed."),
    ],
)  # fmt: skip
def test_of_quoted_lines_only_the_customers_own_words_stay(text: str, left: str) -> None:
    assert without_notice(text, ENTRIES) == left


def test_a_megabyte_of_quote_marks_is_read_at_once() -> None:
    assert without_notice("> " * 500_000, ENTRIES) == ""
    assert without_notice("> |\n" * 250_000 + "Fixed.", ENTRIES) == "Fixed."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Write to Ivan@team.example.", "Write to support@flexihost.example."),
        ("<ivan@team.example> or olena@shop.example", "<support@flexihost.example> or olena@shop.example"),
        ("notivan@team.example", "notivan@team.example"),
        (f"To: support+r-7pt-k3v0q1m2a9-{'a' * 26}@flexihost.example", "To: support@flexihost.example"),
        ("support+r-1@flexihost.example", "support+r-1@flexihost.example"),
    ],
)
def test_the_address_of_a_colleague_becomes_the_desks(text: str, left: str) -> None:
    assert without_addresses(text, ["ivan@team.example"], "support@flexihost.example") == left


def test_a_megabyte_of_addresses_is_read_at_once() -> None:
    assert without_addresses("a@" * 500_000, ["ivan@team.example"], "support@flexihost.example") == "a@" * 500_000
    assert without_addresses("a.b-" * 250_000, [], "s@x.example") == "a.b-" * 250_000

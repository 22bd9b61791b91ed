"""Text parts as format=flowed (RFC 3676): broken at 76 without harm, joined again by whoever reads or quotes them."""

import email
from datetime import UTC, datetime
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate import phrases
from mailgate.compose import message
from mailgate.compose.flowed import flowed
from mailgate.model.letter import Rendered
from mailgate.parse import flowed as reader
from mailgate.parse import read

LINK = "https://panel.desk.example/tickets/10001?token=0123456789abcdef0123456789abcdef0123456789abcdef&view=all"
LONG = "We have restarted the server and looked at its log; the disk was full, because a backup of last night had not been removed."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Short.", "Short."),
        (f"Please open {LINK} and sign in.", f"Please open \n{LINK} \nand sign in."),
        (LINK, LINK),
        ("From here on it works.", " From here on it works."),
        (" indented code stays as it is, however long it may be, because somebody has laid it out so", None),
        ("> quoted", "> quoted"),
        (">0 is a condition", " >0 is a condition"),
        ("-- \nIvan", "-- \nIvan"),
        ("ends in blanks   ", "ends in blanks"),
        ("", ""),
        ("one\n\ntwo", "one\n\ntwo"),
    ],
)
def test_lines_are_broken_between_words_and_stuffed(text: str, expected: str | None) -> None:
    assert flowed(text) == (" " + text if expected is None else expected)


@pytest.mark.parametrize(
    "text", [LONG, LONG.replace("e", "ё"), f"> {LONG}", f">> {LONG}", f"{LONG}\n\n{LONG}", f"| {LONG}"]
)
def test_no_line_is_longer_than_76_letters(text: str) -> None:
    assert max(len(line.rstrip(" ")) for line in flowed(text).split("\n")) <= 76


def test_lines_of_ours_keep_their_mark_where_they_are_broken() -> None:
    lines = flowed(f"| {LONG}").split("\n")
    assert len(lines) == 2
    assert all(line.startswith("| ") and not line.endswith(" ") for line in lines)


WORDS = st.text("ab>-F кλ.", min_size=0, max_size=30)
LINES = st.lists(st.lists(WORDS, max_size=12).map(" ".join), max_size=5)


@given(LINES)
def test_joined_again_it_is_the_text_that_went_in(lines: list[str]) -> None:
    text = "\n".join(line.rstrip(" ") for line in lines)
    assert reader.joined(flowed(text)) == text


@given(LINES)
def test_a_quoted_letter_is_joined_again_as_well(lines: list[str]) -> None:
    text = "\n".join(line.rstrip(" ") for line in lines if not line.startswith(">"))
    quoted = "\n".join(">" + (line if line.startswith(" ") else f" {line}") for line in flowed(text).split("\n"))
    said = [line.removeprefix(">").removeprefix(" ") for line in reader.joined(quoted).split("\n")]
    assert [line.rstrip(" ") for line in said] == [line.rstrip(" ") for line in text.split("\n")]


def rendered(text: str) -> Rendered:
    return Rendered(
        kind="relay", desk="desk", audience="customer", ticket=10001, to="olena@shop.example", to_name="",
        from_="support@desk.example", from_name="Desk", reply_to="support@desk.example", envelope_from="support@desk.example",
        subject="[desk #10001] Site", text=text, language="en", message_id="x.n.y@desk.example", in_reply_to=None,
        references=(), headers=(),
    )  # fmt: skip


@pytest.mark.parametrize("text", [f"Hello,\n\n{LONG}\n\nDesk\n", f"Здравствуйте!\n\n{LONG.replace('e', 'ё')}\n"])
def test_a_letter_says_that_it_is_flowed_and_is_read_as_it_was_written(text: str) -> None:
    raw = message.to_bytes(rendered(text), (), datetime(2026, 6, 8, tzinfo=UTC))
    part = email.message_from_bytes(raw, policy=policy.default)
    assert part.get_param("format") == "flowed"
    assert part.get_param("delsp") is None
    assert all(len(line) <= 78 for line in part.get_content().split("\n"))
    mail = read(raw, phrases=phrases.load(), known_tags=("desk",))
    assert mail.text.strip() == text.strip()


@pytest.mark.parametrize("mark", ["> ", ">"])
def test_an_answer_that_quotes_our_letter_quotes_whole_lines(mark: str) -> None:
    body = "\r\n".join(f"{mark}{line}" for line in flowed(f"Hello,\n\n{LONG}").split("\n"))
    raw = (
        "From: olena@shop.example\r\nSubject: Re: [desk #10001] Site\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/plain; charset=utf-8; format=flowed\r\n\r\n{body}\r\n\r\nThank you!\r\n"
    ).encode()
    mail = read(raw, phrases=phrases.load(), known_tags=("desk",))
    assert f"> {LONG}" in mail.text
    assert mail.visible_text == "Thank you!"

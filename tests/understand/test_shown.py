# ruff: noqa: E501
"""M3: where the ticket's letters are known, a quote is one if its lines stand in them."""

import random
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate import phrases as phrase_files
from mailgate.model.mail import Mail
from mailgate.model.segments import hidden_lines
from mailgate.parse import read
from mailgate.parse.quoting import frame
from mailgate.understand.shown import NOT_OURS, has_quotes, with_letters

PHRASES = phrase_files.load()
LETTER = (
    "Hello Olga,\n\nplease send us the output of iostat from your server, and say since when the pages have been slow.\n"
    "You may also look at https://status.introserv.example/now before.\n\nAnna\nINTROSERV Support"
)
OLDER = "Guten Tag,\n\nwir haben Ihre Anfrage erhalten. Die Nummer ist #10001.\n\nINTROSERV"
ON = "On Fri, 27 Nov 2026 at 10:10, INTROSERV <support@introserv.example> wrote:"
BLOCK = "From: INTROSERV <support@introserv.example>\nSent: Friday, 27 November 2026 10:10\nTo: Olga\nSubject: Re: Slow site"


def reply(body: str) -> Mail:
    head = "From: olga@shop.example\nTo: support@introserv.example\nSubject: Re: [introserv #10001] Slow site\n\n"
    return read((head + body).encode(), phrases=PHRASES, known_tags=("introserv",))


def shown_now(mail: Mail, *letters: str) -> Mail:
    return with_letters(mail, letters, lambda lines, at: frame(lines, at, PHRASES))


def quoted(text: str, *, width: int = 0, mark: str = "> ") -> str:
    lines = text.split("\n")
    if width:
        lines = [piece for line in lines for piece in textwrap.wrap(line, width) or [""]]
    return "\n".join(f"{mark}{line}".rstrip() for line in lines)


@pytest.mark.parametrize(
    "body",
    [
        f"Since Monday.\n\n{ON}\n{quoted(LETTER)}",
        f"Since Monday.\n\n{ON}\n{quoted(LETTER, width=40)}",
        f"Since Monday.\n\n{ON}\n{quoted(LETTER.upper())}",
        f"Since Monday.\n\n{ON}\n{quoted(LETTER.replace('https://status.introserv.example/now', '<https://safe.example/?u=1>'))}",
        f"Since Monday.\n\n{ON}\n{quoted(LETTER.replace('iostat', '*iostat*'))}",
        f"Since Monday.\n\n{ON}\n{quoted(LETTER)}\n{quoted(OLDER, mark='> > ')}",
        f"Since Monday.\n\n{BLOCK}\n\n{LETTER}",
        f"Since Monday.\n\n-----Original Message-----\n{BLOCK}\n\n{LETTER}\n\n{OLDER}",
        "Since Monday.",
    ],
)
def test_what_stands_in_a_letter_is_quoted_however_the_program_wrote_it(body: str) -> None:
    mail = reply(body)
    assert shown_now(mail, LETTER, OLDER) is mail
    assert mail.visible_text == "Since Monday."
    assert has_quotes(mail) is (body != "Since Monday.")


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (f"It says\n\n> error 1045 access denied for shop\n\nSee above.\n\n{ON}\n{quoted(LETTER)}",
         "It says\n\n> error 1045 access denied for shop\n\nSee above."),
        (f"Answers below.\n\n{BLOCK}\n\nplease send us the output of iostat from your server\n\nsda is 100 percent busy all the time\n\nINTROSERV Support",
         "Answers below.\n\nsda is 100 percent busy all the time"),
        ("See him.\n\nAm 27.11.2026 um 10:15 schrieb Hans Weber:\n\nmeine Rechnung vom Oktober ist doppelt",
         "See him.\n\nAm 27.11.2026 um 10:15 schrieb Hans Weber:\n\nmeine Rechnung vom Oktober ist doppelt"),
    ],
)  # fmt: skip
def test_what_stands_in_no_letter_is_shown(body: str, shown: str) -> None:
    mail = shown_now(reply(body), LETTER, OLDER)
    assert [line for line in mail.visible_text.split("\n") if line] == [line for line in shown.split("\n") if line]
    assert any(one.because == NOT_OURS for one in mail.segments)


OTHERS = "This was written in the old system.\n\nThe office"


@pytest.mark.parametrize(
    ("body", "is_quote"),
    [
        (f"Since Monday.\n\n{ON}\n{quoted(OTHERS)}", True),
        (f"Since Monday.\n\n{ON}\n{quoted(LETTER + OTHERS)}", True),
        (
            f"Since Monday.\n\n{ON.replace('INTROSERV <support@introserv.example>', 'Hans <hans@weber.example>')}\n{quoted(OTHERS)}",
            False,
        ),
        (f"Since Monday.\n\n{ON}\n{quoted(LETTER)}\n\nIt says\n> error 1045 access denied for shop", False),
    ],
)
def test_what_is_marked_below_a_line_that_says_the_desk_wrote_it_is_quoted_though_no_letter_has_it(
    body: str, is_quote: bool
) -> None:
    mail = with_letters(
        reply(body), [LETTER], lambda lines, at: frame(lines, at, PHRASES), ("introserv", "support@introserv.example")
    )
    assert (mail.visible_text == "Since Monday.") is is_quote


sentences = st.lists(
    st.sampled_from("alpha beta gamma delta server down order price please domain never".split()), min_size=3, max_size=9
).map(" ".join)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(
    said=st.lists(sentences, min_size=1, max_size=5), letter=st.lists(sentences, min_size=1, max_size=5),
    foreign=st.lists(sentences, max_size=3), chance=st.randoms(use_true_random=False),
)  # fmt: skip
def test_what_was_said_and_is_in_no_letter_is_visible_or_counted(
    said: list[str], letter: list[str], foreign: list[str], chance: random.Random
) -> None:
    marked = [f"> {line}" for line in letter] + [f"> 7{line}" for line in foreign]
    chance.shuffle(marked)
    body = "\n".join([*said, "", ON, *marked])
    mail = shown_now(reply(body), "\n".join(letter))
    for line in said:
        assert line in mail.visible_text
    whole = " ".join(one.text for one in mail.segments).split()
    assert whole == body.split()
    lines = [line for line in body.split("\n") if line.strip()]
    shown = [line for line in mail.visible_text.split("\n") if line.strip()]
    assert len(lines) == len(shown) + hidden_lines(mail.text, mail.visible_text)

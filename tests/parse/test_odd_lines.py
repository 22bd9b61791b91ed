"""M2: an odd line of a header costs that line, not the header."""

import random
from collections.abc import Callable

import pytest

from mailgate.model.mail import Mail

Reading = Callable[[bytes | str], Mail]

HEADER = (
    "Received: from a.example by b.example; Fri, 27 Nov 2026 10:00:00 +0100",
    "From: Olga <olga@shop.example>",
    "To: support@introserv.example",
    "Subject: Slow site",
    "Date: Fri, 27 Nov 2026 10:00:00 +0100",
    "Message-ID: <a@shop.example>",
    "Content-Type: text/plain; charset=utf-8",
)


def check(mail: Mail) -> None:
    assert [one.address for one in mail.from_] == ["olga@shop.example"]
    assert mail.subject.startswith("Slow site")
    assert mail.date
    assert mail.message_id == "a@shop.example"
    assert mail.text == "Note: the text"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("at", range(len(HEADER)))
@pytest.mark.parametrize(
    "odd",
    ["and it goes on", ">From olga@shop.example Fri Nov 27 10:00:00 2026", "From olga@shop.example Fri Nov 27 2026",
     "----------", "======", "   ", "\x00", "just a word"],
)  # fmt: skip
def test_an_odd_line_anywhere_in_the_header_costs_that_line_alone(
    odd: str, at: int, end: str, reading: Reading
) -> None:
    check(reading(end.join((*HEADER[:at], odd, *HEADER[at:], "", "Note: the text"))))


@pytest.mark.parametrize("at", range(len(HEADER)))
@pytest.mark.parametrize(
    "break_it",
    [lambda line: line.replace(":", " :", 1), lambda line: line.replace(":", "\t :", 1), lambda line: "\ufeff" + line,
     lambda line: line[:1] + "\0" + line[1:], lambda line: line + "\0"],
)  # fmt: skip
def test_a_field_written_oddly_is_that_field(break_it: Callable[[str], str], at: int, reading: Reading) -> None:
    check(reading("\n".join((*HEADER[:at], break_it(HEADER[at]), *HEADER[at + 1 :], "", "Note: the text"))))


def test_headers_may_stand_in_any_order(reading: Reading) -> None:
    chance = random.Random(15)
    for _ in range(20):
        lines = list(HEADER)
        chance.shuffle(lines)
        check(reading("\n".join((*lines, "", "Note: the text"))))


def test_a_text_that_begins_without_an_empty_line_is_text(reading: Reading) -> None:
    mail = reading("From: olga@shop.example\nSubject: Slow site\nHello there,\nthe site is slow.\n\nOlga")
    assert mail.subject == "Slow site"
    assert mail.text == "Hello there,\nthe site is slow.\n\nOlga"


def test_the_first_and_the_newest_of_many_references_are_kept(reading: Reading) -> None:
    ids = [f"<{number}@a.example>" for number in range(900)]
    references = reading("From: a@b.example\nReferences: " + "\n ".join(ids) + "\n\nx").references
    assert (references[0], references[-1]) == ("0@a.example", "899@a.example")


@pytest.mark.parametrize(
    ("field", "addresses"),
    [
        ("a@x.example; b@y.example", ["a@x.example", "b@y.example"]),
        ('"Nowak; Jan" <a@x.example>; Ewa Kowal <b@y.example>;', ["a@x.example", "b@y.example"]),
        ("Nowak, Jan <a@x.example>; Kowal, Ewa <b@y.example>", ["a@x.example", "b@y.example"]),
        ("Team: a@x.example, b@y.example;", ["a@x.example", "b@y.example"]),
        ("undisclosed-recipients:;", []),
    ],
)
def test_semicolons_part_addresses_and_end_groups(field: str, addresses: list[str], reading: Reading) -> None:
    assert [one.address for one in reading(f"From: c@d.example\nCc: {field}\n\nx").cc] == addresses


@pytest.mark.parametrize("coded", ["koi8-r", "cp1251", "cp866", "iso8859_5", "utf-8"])
@pytest.mark.parametrize(
    "subject", ["Домен", "Ваш счет", "СРОЧНО: сервер недоступен", "ПРОБЛЕМА С ПОЧТОЙ", "Помогите", "Re: Заявка 12"]
)
def test_a_raw_cyrillic_subject_is_read_in_its_charset(subject: str, coded: str, reading: Reading) -> None:
    raw = b"From: a@b.example\nSubject: " + subject.encode(coded) + b"\nContent-Type: text/plain\n\nx"
    assert reading(raw).subject == subject

"""The short ways of reading say what the long ones say: one part, a usual date, limits, the desk's patterns as a set."""

import re
from datetime import datetime
from email import policy
from email.parser import BytesParser
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from mailparser.dates import parse_mail_date

from mailgate.model.expressions import Several, Text, expression
from mailgate.parse import limits, reading, tree

_LONG_WAY = BytesParser(_class=tree.Entity, policy=policy.compat32)
_LINE_END = st.sampled_from([b"\n", b"\r\n", b"\n", b"\r"])
_NAME = st.sampled_from(
    [b"Subject", b"X-A", b"Content-Type", b"content-type", b"Received", b"From", b"A(b)", b"X Y", b""]
)
_VALUE = st.one_of(
    st.sampled_from(
        [b"text/plain; charset=utf-8", b"multipart/mixed; boundary=b", b"message/rfc822", b"text/html", b" "]
    ),
    st.binary(max_size=12),
)
_FIELD = st.tuples(_NAME, st.sampled_from([b": ", b":", b" : ", b":\t"]), _VALUE, _LINE_END, st.booleans()).map(
    lambda one: one[0] + one[1] + one[2] + one[3] + (b" folded" + one[3] if one[4] else b"")
)
_BODY = st.lists(
    st.tuples(st.sampled_from([b"words", b"--b", b"From x", b"", b"\xff\x00", b"."]), _LINE_END).map(b"".join)
).map(b"".join)


@given(st.lists(_FIELD, max_size=5), _LINE_END, _BODY)
@example([b"Subject: x\n", b"X-A: \x00\n"], b"\n", b"words")
@example([b"Subject: x\rX-A: y\n"], b"\n", b"words")
@example([b" folded\n", b"Subject: x\n"], b"\n", b"words")
@example([b"Subject: x\n \n"], b"\n", b"words")
def test_a_mail_of_one_part_is_what_the_parser_makes_of_it(fields: list[bytes], gap: bytes, body: bytes):
    raw = b"".join(fields) + gap + body
    short, long = tree._of_one_part(raw), _LONG_WAY.parsebytes(raw)
    assert short is None or (list(short.raw_items()), short.source()) == (list(long.raw_items()), long.source())
    assert short is None or not long.defects


def test_the_short_way_is_taken_for_ordinary_mail():
    assert tree._of_one_part(b"From: a@x.example\r\nSubject: x\r\n y\r\n\r\nwords\r\n") is not None
    assert tree._of_one_part(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nwords\n--b--\n") is None


@given(st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.timezones()))
def test_a_usual_date_is_what_the_library_reads(at: datetime):
    raw = format_datetime(at.replace(microsecond=0))
    assert reading._date(raw) == (parse_mail_date(raw).value or reading._date(f"{raw} (x)"))


@pytest.mark.parametrize("raw", ["Mon, 31 Feb 2026 09:00:00 +0000", "Mon, 02 Mar 2026 24:00:00 +0000"])
def test_a_date_that_is_none_is_none(raw: str):
    assert reading._USUAL_DATE.fullmatch(raw)
    assert reading._date(raw) is None


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("head", "broken"),
    [
        (b"X: y", ""),
        (b"X: " + b"y" * 90, "header_bytes"),
        (b"X: y\n" * 9 + b"X: y", "header_lines"),
        (b"Content-Type: multipart/mixed; boundary=b", "max_parts"),
    ],
)
def test_limits_hold_on_the_short_way_too(head: bytes, broken: str, end: bytes):
    raw = (head + b"\n\n" + b"\n--b\nContent-Type: text/plain\n\nx" * 6).replace(b"\n", end)
    allowed = limits.Limits(header_bytes=80, header_lines=8, max_parts=5, max_depth=5)
    if broken:
        with pytest.raises(limits.LimitExceeded) as caught:
            limits.check(raw, allowed)
        assert caught.value.limit == broken
    else:
        limits.check(raw, allowed)


@given(st.text(alphabet="kundeK #12ä\n", max_size=30))
def test_patterns_asked_at_once_find_what_each_finds(text: str):
    every = [expression(source) for source in (r"(?i)\bkunde (?P<number>\d+)", r"#(?P<number>\d{2})\b", r"ä")]
    where = Text(text)
    found = Several(every).in_text(where)
    assert [one for one in every if one.is_in(where)] == [one for one in found if one.is_in(where)]
    assert re.search("ä", text) is None or every[2] in found


def test_patterns_that_are_too_much_for_one_set_are_asked_one_by_one():
    every = [expression(rf"\w{{1,200}}x{number}(?P<number>\d{{3,12}})") for number in range(50)]
    where = Text("the number is abx7123 here")
    found = [groups["number"] for one in Several(every).in_text(where) for groups in one.every(where)]
    assert found == ["123"]


def test_a_pattern_that_ignores_case_does_so_in_a_set():
    assert Several([expression("kunde", ignores_case=True)]).in_text(Text("KUNDE"))

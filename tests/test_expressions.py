"""Expressions of a desk's own: they mean what they mean in Python, in linear time, or are refused with the reason."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.model.expressions import Expression, Text

ALIKE = [
    r"(?i)\bдоговор\b\s{0,3}№?\s?(?P<number>\d{3,12})\b", r"^foo$", r"(?m)^\w+:$", r"[^\W\d_]{3}", r"[\w.-]+@[\w.]+", r"a\.b",
    r"\u0434+", r"[]x]", r"a{2}", r"a{,x", r"\bfoo\b", r"foo\b.", r"x\bx", r"\Aa\Z", r"[а-я]+\b", r"(?:клиент|клієнт)\b",
    r"[^a]b", r"..", r"\S+\s\S+", r"a|\bb", r"(?P<login>\w+)\b[^\w]", r"(?s)a.b", r"\d+", r"[\d.]+", r"\D", r"\W\b", r"a+?b",
    r"(?i:ЗАКАЗ) [0-9]", r"[\s,]+", r"\x41", r"[\]\-x]", r"ß", r"\(x\)", r"ж{1,2}",
]  # fmt: skip
TEXTS = [
    "мой ДОГОВОР № 12345, и договор 777", "foo", "a\nдата:\nb", "аб1 вгд", "пишу на а.б@в.г", "a.b", "дд", "]", "aa", "a{,x",
    "xfoo foo foobar", "foo! foo", "xx x", "a", "привет!", "клиенты клиент", "цb ab", "я!", "аб\u00a0вг", "xb b", "a\nb", "٣٤ 5",
    "1.2.3", "aab", "заказ 5", "A", "x-]", "straße", "(x)", "жжж", "", " ", "\ufdd0foo\ufdd0",
]  # fmt: skip


def both(source: str, text: str) -> tuple[bool, list[dict[str, Any]], bool, list[dict[str, Any]]]:
    ours, theirs, clean = Expression(source), re.compile(source), text.replace("\ufdd0", "")
    groups = [
        {name: one for name, one in found.groupdict().items() if one is not None} for found in theirs.finditer(clean)
    ]
    return ours.is_in(Text(text)), list(ours.every(Text(text))), theirs.search(clean) is not None, groups


@pytest.mark.parametrize("source", ALIKE)
def test_an_expression_means_what_it_means_in_python(source: str) -> None:
    for text in TEXTS:
        found, groups, wanted, named = both(source, text)
        assert (found, groups) == (wanted, named), text


@given(text=st.text(alphabet="abфы1 .-\n_é", max_size=30), source=st.sampled_from(ALIKE))
def test_on_any_text_too(text: str, source: str) -> None:
    found, _, wanted, _ = both(source, text)
    assert found == wanted


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("(", "missing"), ("(?=a)", "linear"), ("(?<!a)b", "linear"), (r"(a)\1", "linear"), ("a*+", "possessive"), ("[a", "no end"),
        ("\\", "backslash"), ("x{2,1}", "repetition"), ("a{9999}", "repetition"), ("(?P<n", "unknown"), ("(?x)a", "unknown"),
        (r"[\S]", "brackets"), ("*a", "repetition"), (r"\Bx", "linear"), ("(?>a)", "linear"), ("a" * 1001, "longer"),
    ],
)  # fmt: skip
def test_what_cannot_be_in_linear_time_is_refused_with_the_reason(source: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Expression(source)


@pytest.mark.parametrize("source", [r"(a+)+$", r"(\w+\s?)*\bx$", r"(.*)*y", r"\b(?:a|aa)+\bb"])
def test_what_would_hang_python_is_linear(source: str) -> None:
    text = Text("a" * 50_000 + " " + "a " * 20_000)
    started = time.perf_counter()
    Expression(source).is_in(text)
    assert time.perf_counter() - started < 5

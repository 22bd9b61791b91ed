"""Reading stays linear on the worst input, and no mutated mail makes it raise (M1, M4)."""

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailgate import phrases as phrase_files
from mailgate.model.phrases import Phrases
from mailgate.parse import LimitExceeded, html_text, read, visible
from tests.fuzz import mutate
from tests.parse import hostile

MAX_SECONDS = 6.0  # three times the promise: test machines are shared


@pytest.fixture(autouse=True)
def ends_in_time() -> Iterator[None]:
    def too_long(_number: int, _frame: FrameType | None) -> None:
        raise TimeoutError("reading hangs")

    old = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(60)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, old)


def _taken(work: Callable[[], object]) -> float:
    begun = time.process_time()
    with contextlib.suppress(LimitExceeded):
        work()
    return time.process_time() - begun


@pytest.mark.slow
@pytest.mark.parametrize("name", hostile.TEXTS)
def test_a_megabyte_of_the_worst_text_is_read_in_time(name: str, phrases: Phrases) -> None:
    text = hostile.TEXTS[name]
    assert _taken(lambda: visible(text, phrases)) < MAX_SECONDS
    subject = text[:200_000].replace("\n", " ")
    raw = f"From: a@b.example\nSubject: {subject}\n\n{text}".encode()
    assert _taken(lambda: read(raw, phrases=phrases, known_tags=mutate.TAGS)) < MAX_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", hostile.HTMLS)
def test_the_worst_html_is_read_in_time(name: str, phrases: Phrases) -> None:
    assert _taken(lambda: html_text(hostile.HTMLS[name], phrases)) < MAX_SECONDS


@pytest.mark.slow
@pytest.mark.parametrize("name", hostile.MAILS)
def test_the_worst_mail_is_read_in_time(name: str, phrases: Phrases) -> None:
    assert _taken(lambda: read(hostile.MAILS[name], phrases=phrases, known_tags=mutate.TAGS)) < MAX_SECONDS


def test_mutated_mails_never_make_reading_raise() -> None:
    assert mutate.run(list(mutate.SEEDS), 500, random.Random(7)) == []


@pytest.mark.shared
def test_mutated_mails_of_the_corpus_never_make_reading_raise() -> None:
    shared = Path(os.environ.get("MAILGATE_SHARED", Path(__file__).parents[2].parent / "shared"))
    if not (shared / "corpus").is_dir():
        pytest.skip("no shared corpus beside the checkout")
    assert mutate.run(mutate.collected([shared / "corpus", shared / "cases"]), 1500, random.Random(11)) == []


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
@example(b"\x0b*")
def test_any_bytes_are_a_mail(raw: bytes) -> None:
    assert mutate.trouble(raw, phrase_files.load()) == ""


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.sampled_from([*(token.decode("latin-1") for token in mutate.TOKENS), "a", " ", "\n", "Subject: ", "From: "]),
        max_size=30,
    )
)
def test_any_pile_of_mail_words_is_a_mail(tokens: list[str]) -> None:
    assert mutate.trouble("".join(tokens).encode("latin-1"), phrase_files.load()) == ""


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_no_word_of_a_plain_text_without_marks_is_lost(text: str) -> None:
    plain = "".join(letter for letter in text if letter.isalnum() or letter in " \n")
    assert visible(plain, phrase_files.load()).split() == plain.split()

"""The same matter or another (T4a), and subjects that say nothing (T6)."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.understand.matter import compare, fold_subject, is_generic
from tests.decide.a_desk import a_desk

LINES = (Path(__file__).parent / "matter_pairs.tsv").read_text("utf-8").splitlines()
PAIRS = [tuple(line.split("\t")) for line in LINES if line and not line.startswith("#")]


@pytest.mark.parametrize(("verdict", "seen", "new"), PAIRS)
def test_pairs_of_subjects_are_judged_as_people_would(verdict: str, seen: str, new: str) -> None:
    comparison = compare(new, [seen])
    assert comparison.is_same == (verdict == "yes"), comparison


def test_there_are_pairs_of_both_kinds_in_plenty() -> None:
    assert len(PAIRS) >= 150
    assert min(sum(pair[0] == verdict for pair in PAIRS) for verdict in ("yes", "no")) >= 50


def test_any_subject_seen_counts() -> None:
    seen = ["Packet loss towards Frankfurt", "FTP login incorrect"]
    assert compare("FTP login incorrect since today", seen).is_same
    assert not compare("Invoice for April", seen).is_same


def test_a_ticket_that_never_had_a_subject_is_about_whatever_comes() -> None:
    assert compare("Invoice for April", [""]).is_same


@pytest.mark.parametrize(
    ("one", "other"),
    [("Не открывается сайт", "НЕ  ОТКРЫВАЕТСЯ сайт!"), ("Счёт за июнь", "счет за июнь"), ("Büro-Mail", "buero mail")],
)
def test_case_accents_and_punctuation_do_not_make_another_subject(one: str, other: str) -> None:
    assert fold_subject(one) == fold_subject(other)


@pytest.mark.parametrize(
    "subject",
    ["", "Help", "вопрос", "Frage", "Питання", "Pytanie", "Bitte um Hilfe", "Прошу помощи", "need help",
     "Срочный вопрос",
     "Allgemeine Anfrage", "Pilne pytanie", "Термінове питання", "my own words"],
)  # fmt: skip
def test_subjects_that_say_nothing_are_generic(subject: str) -> None:
    assert is_generic(subject, a_desk(generic=("My own words",)))


@pytest.mark.parametrize(
    "subject",
    ["Сайт не открывается", "Question about bandwidth graphs", "Frage zur DNS-Einstellung", "Limit skrzynek"],
)
def test_subjects_that_name_a_matter_are_not_generic(subject: str) -> None:
    assert not is_generic(subject, a_desk())


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=80), st.text(max_size=80))
def test_any_text_is_compared_and_is_its_own_matter(one: str, other: str) -> None:
    assert 0.0 <= compare(one, [other]).score <= 1.0
    assert compare(one, [one]).is_same
    assert compare("", [one]).is_same


@pytest.mark.parametrize("unit", ["a", "ab ", "1.", "a.", "a@a.", "-", "1 ", "(1) "])
def test_a_megabyte_of_a_subject_is_compared_at_once(unit: str) -> None:
    subject = unit * (1_000_000 // len(unit))
    began = time.process_time()
    compare(subject, [subject[:-7], "x" + subject] * 200)
    assert time.process_time() - began < 1.5

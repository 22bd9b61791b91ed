"""A record of a source, whatever it holds: an entry with clean values, or a word about what is wrong."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate import config
from mailgate.accounts.entry import COLUMNS, PURPOSES, ROLES, Entry, Reader, Wrong
from mailgate.model.mail import is_deliverable

READER = Reader(config.load_desk("flexihost"))
VALUES = (
    st.none()
    | st.text(max_size=30)
    | st.integers()
    | st.binary(max_size=5)
    | st.dates()
    | st.floats()
    | st.decimals()
    | st.lists(st.text(max_size=8))
)
RECORDS = st.fixed_dictionaries(
    dict.fromkeys(COLUMNS, VALUES)
    | {
        "number": st.text(min_size=1, max_size=8) | st.integers(),
        "address": st.just("a@b.example") | st.text(max_size=20),
    }
)


@settings(max_examples=300)
@given(RECORDS)
def test_a_record_is_a_clean_entry_or_a_word(record: dict[str, Any]) -> None:
    try:
        entry = READER.read(record)
    except Wrong as error:
        said = str(error)
    else:
        _is_clean(entry)
        return
    assert said
    assert said.isprintable()


def _is_clean(entry: Entry) -> None:
    assert entry.number
    assert all(one.isprintable() for one in (entry.number, entry.login, entry.name, entry.language))
    assert entry.address == "" or is_deliverable(entry.address)
    assert set(entry.roles) <= set(ROLES)
    assert set(entry.purposes) <= set(PURPOSES)


@pytest.mark.parametrize(
    ("said", "code"),
    [("german", "de"), ("Deutsch", "de"), ("de_DE", "de"), ("de-AT", "de"), ("UK", "uk"), ("ukranian", "uk"), ("klingon", None),
     ("", None), (None, None), ("portuguese-br", "pt")],
)  # fmt: skip
def test_languages_go_by_code_or_by_the_name_that_panels_give_them(said: str | None, code: str | None) -> None:
    assert READER.read({"number": 1, "address": "a@b.example", "language": said}).language == (code or "")


@pytest.mark.parametrize(
    ("number", "read"),
    [(7, "7"), ("7", "7"), (Decimal("7"), "7"), (7.0, "7"), (b"K-7", "K-7"), (UUID(int=7), str(UUID(int=7)))],
)
def test_a_number_comes_as_databases_and_json_give_it(number: object, read: str) -> None:
    assert READER.read({"number": number, "address": "a@b.example"}).number == read


@pytest.mark.parametrize(
    ("until", "day"),
    [(date(2031, 1, 2), date(2031, 1, 2)), (datetime(2031, 1, 2, 3, 4), date(2031, 1, 2)),
     ("2031-01-02 00:00:00", date(2031, 1, 2)), ("0000-00-00", None), ("", None), (None, None)],
)  # fmt: skip
def test_a_last_day_comes_as_a_day_or_as_text(until: object, day: date | None) -> None:
    assert READER.read({"number": 1, "address": "a@b.example", "until": until}).until == day


def test_a_name_that_was_kept_as_html_is_read_and_hides_nothing() -> None:
    assert READER.read({"number": 1, "address": "a@b.example", "name": "O&#039;Brien &amp; Co"}).name == "O'Brien & Co"
    with pytest.raises(Wrong, match="control characters"):
        READER.read({"number": 1, "address": "a@b.example", "name": "a&#8238;b"})

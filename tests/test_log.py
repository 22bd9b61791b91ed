"""The log: one line an event, no bodies, addresses shortened."""

import io
import logging
from collections.abc import Iterator

import pytest

from mailgate.log import Log, set_up, short


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    stream = io.StringIO()
    set_up("INFO", stream)
    yield stream
    root.handlers[:] = before
    root.setLevel(level)


def test_an_event_is_one_line_with_its_fields(written: io.StringIO):
    Log("intake").event("mail.accepted", size=12, desk="flexihost", peer=None, because="one two\r\nthree\x1b[2J")
    [line] = written.getvalue().splitlines()
    assert line.endswith(
        'INFO mailgate.intake mail.accepted size=12 desk=flexihost peer=- because="one two\\r\\nthree\\u001b[2J"'
    )


def test_trouble_names_its_kind_and_place(written: io.StringIO):
    try:
        raise ValueError("no")
    except ValueError as error:
        Log("outbox").failed("letter.not_sent", error, letter="1")
    assert "letter.not_sent letter=1 error=ValueError because=no" in written.getvalue()
    assert "Traceback" in written.getvalue()


def test_libraries_that_log_addresses_and_bodies_are_quiet(written: io.StringIO):
    logging.getLogger("mail.log").info("'a@b.example' >> b'RCPT TO:<olena@shop.example>'")
    assert not written.getvalue()


@pytest.mark.parametrize(
    ("address", "shown"),
    [("olena@shop.example", "o…@shop.example"), ("", "<>"), (None, "-"), ("@x", "…@x"), ("olena", "o…")],
)
def test_an_address_is_shortened(address: str | None, shown: str):
    assert short(address) == shown

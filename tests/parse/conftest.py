"""What the tests of reading share: the shipped phrases, and a mail made of a few words."""

from collections.abc import Callable

import pytest

from mailgate import phrases as phrase_files
from mailgate.model.mail import Mail
from mailgate.model.phrases import Phrases
from mailgate.parse import read

TAGS = ("flexihost", "introserv", "strato")


@pytest.fixture(scope="session")
def phrases() -> Phrases:
    return phrase_files.load()


@pytest.fixture(scope="session")
def reading(phrases: Phrases) -> Callable[[bytes | str], Mail]:
    """Return a function that reads raw mail, given as bytes or text."""

    def reads(raw: bytes | str) -> Mail:
        return read(raw.encode() if isinstance(raw, str) else raw, phrases=phrases, known_tags=TAGS)

    return reads

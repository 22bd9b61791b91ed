"""Letters about tickets without a subject, and values in another language than the letter's: nothing dangles, nothing
stands twice."""

import re

import pytest

from mailgate import templates as loader
from mailgate.compose.moments import LANGUAGES
from mailgate.compose.samples import variants
from mailgate.compose.wording import told
from mailgate.model.letter import LETTER_KINDS
from mailgate.model.quick import replace
from tests.compose.desks import a_desk, composed

SHIPPED = loader.load()
_ENTRIES = ("entries", "waiting", "found")


def _without_subject(context):
    """The context of a letter whose tickets have none."""
    return {
        key: tuple({**one, "subject": ""} for one in value) if key in _ENTRIES and value else value
        for key, value in {**context, "mail_subject": "", "from_subject": "", "letter_subject": ""}.items()
        if key in context
    }


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_a_letter_about_a_ticket_without_a_subject_has_no_hole_where_it_would_stand(kind, language):
    for name, letter in variants(kind, "desk", language).items():
        if name == "bare":
            continue  # it lacks what every such letter has
        rendered = composed(replace(letter, subject="", context=_without_subject(letter.context)), SHIPPED, a_desk())
        assert not rendered.subject.endswith(":"), (name, rendered.subject)
        holes = re.findall(r"^.*(?:\S {2,}\(|\(\)|: $|“”|«»|„“|„”).*$", rendered.text, re.MULTILINE)
        assert holes == [], (name, holes)


@pytest.mark.parametrize(
    ("value", "language", "shown"),
    [
        ("since this afternoon", "en", "this afternoon"),
        ("seit heute Nachmittag", "de", "heute Nachmittag"),
        ("Seit heute Nachmittag", "en", "heute Nachmittag"),
        ("Since 9:40", "pl", "9:40"),
        ("Od dziś", "pl", "od dziś"),
        ("С утра", "ru", "с утра"),
        ("Від ранку", "uk", "від ранку"),
        ("З ранку", "en", "з ранку"),
        ("9:40", "en", "9:40"),
        ("Since", "en", "Since"),
    ],
)
def test_a_beginning_is_told_behind_its_label_without_saying_since_twice(value, language, shown):
    assert told(value, "started", language) == shown

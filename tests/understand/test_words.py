"""The engine of the word lists, and that the shipped lists are whole."""

from typing import get_args

import pytest

from mailgate.model.settings import Lexicon
from mailgate.understand.findings import Part, compile_lists
from mailgate.understand.words.lexer import cut, fold
from mailgate.understand.words.lists import Lists
from tests.decide.a_desk import shipped_lexicon

LANGUAGES = ("en", "de", "pl", "ru", "uk")


def found(phrase: str, text: str, **groups: tuple[str, ...]) -> bool:
    lists = {"list": (phrase,)} | {f"group.{name}": words for name, words in groups.items()}
    return bool(Lists(Lexicon({"en": lists})).find(cut(fold(text))))


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("faktur*", "Proszę o fakturę"),
        ("*rechnung", "Die Monatsrechnung fehlt"),
        ("prüfen", "bitte pruefen"),
        ("zurück", "ZURÜCK"),
        ("nicht ... erreichbar", "ist nicht mehr gut erreichbar"),
        ("not ... work*", "It doesn't really work"),
        ("a|b_c d", "b c d"),
        ("a|b_c d", "a d"),
        ("very? good", "good"),
        ("very? good", "very good"),
        ("e-mail", "email"),
        ("счёт", "счет"),
        ("м'ята", "м’ята"),
        ("error <num>", "error 502"),
        ("auth code", "Auth-Code"),
    ],
)
def test_a_pattern_finds(phrase: str, text: str) -> None:
    assert found(phrase, text)


@pytest.mark.parametrize(
    ("phrase", "text"),
    [
        ("faktura", "faktury"),
        ("rechnung*", "Berechnung"),
        ("nicht ... erreichbar", "Das geht nicht. Ich bin erreichbar."),
        ("not ... work*", "not a b c d e f work"),
        ("a b", "a. b"),
    ],
)
def test_a_pattern_does_not_find(phrase: str, text: str) -> None:
    assert not found(phrase, text)


def test_a_group_stands_for_its_words() -> None:
    assert found("@site down", "our shop down", site=("site*", "shop"))


def test_a_missing_group_is_named() -> None:
    with pytest.raises(ValueError, match="@nothing"):
        found("@nothing", "text")


def test_every_shipped_list_compiles_and_stands_in_every_language() -> None:
    lexicon = shipped_lexicon()
    for part in get_args(Part):
        compile_lists(lexicon, part)
    names = {
        language: {name for name in lexicon.words[language] if not name.startswith("group.")} for language in LANGUAGES
    }
    for language in LANGUAGES:
        assert not (names["de"] - names[language] - {"label.customer_number", "label.login"}), language


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_labels_of_the_rules_are_read_in_every_language(language: str) -> None:
    fields = ("summary", "environment", "tried", "attachments", "urgency", "server", "service", "order", "started",
              "callback", "contract")  # fmt: skip
    assert all(f"label.{field}" in shipped_lexicon().words[language] for field in fields)

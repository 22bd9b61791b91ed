"""Single sentences, as people of five languages write them: what is asked, what it is about, outages, thanks (S6, Q3, Q5, T4, T5).

Each table is a file beside this one, so that who adds a word adds the sentence that needs it.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mailgate.config.lexicon import LANGUAGES, shipped_lexicon
from mailgate.model.settings import Lexicon
from mailgate.understand.concepts import pairs_of
from tests.decide.a_desk import a_desk, findings_of

HERE = Path(__file__).parent


def rows(name: str) -> list[tuple[str, str]]:
    return list(_rows(name))


def _rows(name: str) -> Iterator[tuple[str, str]]:
    for line in (HERE / f"{name}.tsv").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            wanted, text = line.split("\t")
            yield wanted, text.replace("\\n", "\n")


@pytest.mark.parametrize(("wanted", "text"), rows("requests"))
def test_what_is_asked_is_read_from_one_sentence(wanted: str, text: str) -> None:
    found = findings_of(text, "Question")
    asked = found.rights if found.request == "sensitive" else (found.request,)
    assert wanted in asked, found.because


@pytest.mark.parametrize(("wanted", "text"), rows("classes"))
def test_the_class_is_read_from_one_sentence(wanted: str, text: str) -> None:
    found = findings_of(text, "Question")
    assert found.class_ == wanted, found.because
    assert found.request != "sensitive", found.because


@pytest.mark.parametrize(("wanted", "text"), rows("outages"))
def test_an_outage_is_one_in_every_language(wanted: str, text: str) -> None:
    found = findings_of(text, "Question")
    assert found.is_outage == (wanted == "1"), found.because


@pytest.mark.parametrize(("wanted", "text"), rows("thanks"))
def test_thanks_are_what_is_left_when_thanks_are_taken_away(wanted: str, text: str) -> None:
    for subject in ("VPN drops", "Сервер не отвечает, please check: noch langsam", ""):  # which says nothing now
        found = findings_of(text, subject)
        assert found.is_thanks == (wanted == "1"), found.because


@pytest.mark.parametrize(("wanted", "text"), rows("announcements"))
def test_opening_words_announce_another_matter_but_not_more_of_this_one(wanted: str, text: str) -> None:
    found = findings_of(text, "VPN drops")
    assert found.announces_new == (wanted == "1"), found.because


def test_no_language_lacks_a_row_of_a_concept() -> None:
    lexicon = shipped_lexicon()
    for pairs in pairs_of(lexicon).values():
        for row in {name for pair in pairs for name in pair}:
            for language in LANGUAGES:
                assert lexicon.words[language].get(row), f"{row} has no words in {language}"


def test_every_language_has_every_list() -> None:
    lists = {language: set(shipped_lexicon().words[language]) for language in LANGUAGES}
    every = set().union(*lists.values())
    # a group serves the phrases of its own language, and labels are as the table of the rules has them
    assert {
        language: sorted(name for name in every - have if not name.startswith(("label.", "group.")))
        for language, have in lists.items()
    } == {language: [] for language in LANGUAGES}


def test_a_concept_stands_in_either_order_within_one_sentence() -> None:
    assert (
        "cancellation"
        in findings_of("The contract, as we said last week on the telephone to your colleague, cancel it.").rights
    )
    assert (
        "cancellation"
        in findings_of("Cancel, as we said last week on the telephone to your colleague, the contract.").rights
    )
    assert findings_of("We have a contract. Do you cancel trains?").request != "sensitive"


def test_the_full_stop_of_an_abbreviation_ends_no_sentence() -> None:
    assert findings_of("Server ist seit ca. 8 Uhr nicht erreichbar").is_outage
    assert "cancellation" in findings_of("Vertrag Nr. 123456 bitte kündigen").rights
    assert "cancellation" in findings_of("Договор по адресу ул. Мира расторгните").rights
    assert a_desk().lexicon is shipped_lexicon()


@pytest.mark.parametrize(("wanted", "text"), rows("starts"))
def test_the_beginning_is_read_as_people_tell_it(wanted: str, text: str) -> None:
    assert findings_of(text, "Question").fields.get("started", "-") == wanted


def test_a_number_in_a_label_may_have_beside_it_what_it_is_of() -> None:
    found = findings_of("Order: #456789 (VPS-2)\nContract number: 1002 (since 2019)").fields
    assert (found["order"], found["service"], found["contract"]) == ("456789", "VPS-2", "1002")


def test_a_desk_adds_words_to_a_row_and_pairs_of_its_own() -> None:
    words = {language: dict(lists) for language, lists in shipped_lexicon().words.items()}
    words["en"]["object.payment_means"] += ("corporate token",)
    words["common"]["concept.request.sensitive.contact_change"] += ("letter + end",)
    own = replace(a_desk(), lexicon=Lexicon(words))
    assert "payment_data" in findings_of("The corporate token we have, please replace it", desk=own).rights
    assert "contact_change" in findings_of("cancel the newsletter", desk=own).rights
    assert findings_of("The corporate token we have, please replace it").request != "sensitive"

"""Golden copies of every template's sample letters. After a wanted change: RENEW_GOLDEN=1 pytest tests/compose,
then read the difference."""

import os
from pathlib import Path

import pytest

from mailgate import templates as loader
from mailgate.compose.moments import LANGUAGES
from mailgate.compose.samples import variants
from mailgate.model.letter import LETTER_KINDS
from tests.compose.desks import a_desk, composed

GOLDEN = Path(__file__).parent / "golden"
SHIPPED = loader.load()


def written(desk: str, language: str, kind: str) -> str:
    """Every sample of a kind but the bare one, one after another."""
    letters = variants(kind, desk, language)
    told = []
    for name in letters:
        if name == "bare":
            continue
        rendered = composed(letters[name], SHIPPED, a_desk(name=desk, tag=desk))
        told.append(f"##### {name}: {rendered.subject}\n\n{rendered.text}")
    return "\n".join(told)


def compare(path: Path, text: str) -> None:
    if os.environ.get("RENEW_GOLDEN"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", LETTER_KINDS)
def test_a_sample_letter_reads_as_its_golden_copy(kind, language):
    compare(GOLDEN / language / f"{kind}.txt", written("desk", language, kind))


@pytest.mark.parametrize("language", LANGUAGES)
def test_flexihosts_acknowledgement_asks_for_the_contract_number_in_new_requests(language):
    compare(GOLDEN / "flexihost" / language / "ack.txt", written("flexihost", language, "ack"))


def test_no_golden_copy_is_left_over():
    expected = {f"{language}/{kind}.txt" for language in LANGUAGES for kind in LETTER_KINDS}
    expected |= {f"flexihost/{language}/ack.txt" for language in LANGUAGES}
    assert {path.relative_to(GOLDEN).as_posix() for path in GOLDEN.rglob("*.txt")} == expected

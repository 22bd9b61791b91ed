"""The document can be followed: every block says where it goes, and the reader of the test reads it as a person would."""

import re
from pathlib import Path

import pytest

from tests.install.container import instructions
from tests.install.document import Block, Command, steps_of, with_settings

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")


def pins_of(name: str) -> dict[str, str]:
    """Return the versions of a lock."""
    return dict(re.findall(r"(?m)^([\w.-]+)(?:\[[^]]*\])?==(\S+)", (ROOT / name).read_text()))


def test_every_block_of_the_document_says_where_it_goes():
    steps = steps_of(TEXT)
    assert {type(step) for step in steps} == {Command, Block}
    assert len({step.section for step in steps}) == TEXT.count("\n## ")


def test_a_block_without_a_place_is_an_error():
    with pytest.raises(ValueError, match="line 3"):
        steps_of("## 1. One\nsomewhere\n```toml\na = 1\n```\n")


def test_commands_keep_their_order_and_their_continuations():
    found = steps_of("## 1. One\n```sh\na b\n\nc \\\n  d\n```\n")
    assert [step.text for step in found] == ["a b", "c \\\n  d"]


@pytest.mark.parametrize(
    ("toml", "wanted", "after"),
    [
        ("a = 1\n[s]\n# b = 2\n", "[s]\nb = 3\n", "a = 1\n[s]\nb = 3\n"),
        ("[s]\nb = 2\n[t]\nb = 2\n", "[t]\nb = 3\n", "[s]\nb = 2\n[t]\nb = 3\n"),
        ("[s]\n[t]\n", "[s]\nc = 1\n", "[s]\nc = 1\n[t]\n"),
        ("a = 1\n[[m]]\na = 2\n", "a = 3\n", "a = 3\n[[m]]\na = 2\n"),
        ("[s]\n", "[[m]]\na = 2\n", "[s]\n\n[[m]]\na = 2\n"),
    ],
)
def test_a_setting_takes_the_place_of_the_one_of_its_section(toml: str, wanted: str, after: str):
    assert with_settings(toml, wanted) == after


def test_the_service_is_installed_with_the_versions_that_the_tests_run_with():
    service, ours = pins_of("requirements-service.lock"), pins_of("requirements.lock")
    assert {name: version for name, version in service.items() if ours.get(name, version) != version} == {}
    assert "pytest" in ours
    assert "pytest" not in service


def test_continued_lines_and_comments_of_the_file_are_read_as_an_engine_reads_them():
    found = instructions("# a\nFROM debian:trixie-slim AS build\nRUN a \\\n && b\n# c\nENV A=b c\n")
    assert found == [("FROM", "debian:trixie-slim AS build"), ("RUN", "a   && b"), ("ENV", "A=b c")]

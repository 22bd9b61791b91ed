"""The files of phrases: every language is complete, and a wrong file is complained of with its key."""

from pathlib import Path

import pytest

from mailgate import phrases as phrase_files
from mailgate import resources
from mailgate.errors import ConfigError
from mailgate.model.phrases import Phrases


def test_the_five_languages_are_shipped(phrases: Phrases) -> None:
    assert {"en", "de", "pl", "ru", "uk"} == {language.code for language in phrases.languages}
    assert all(len(language.words) > 80 and len(language.text) > 400 for language in phrases.languages)


def test_a_language_more_is_a_file_more(tmp_path: Path) -> None:
    for file in (resources.path("config") / "phrases").glob("*.toml"):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "xx.toml").write_text('[reply]\nwrote = ["kirjutas nii"]\n', encoding="utf-8")
    assert "kirjutas nii" in phrase_files.load(tmp_path).wrote


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("[reply]\nwroet = []\n", "reply.wroet"), ("[nonsense]\na = 1\n", "[nonsense]"),
     ("[[header]]\nname = 'x'\n", "kind"),
     ("not toml", "x.toml")],
)  # fmt: skip
def test_a_wrong_file_is_named_with_its_key(content: str, complaint: str, tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=complaint.replace("[", r"\[")):
        phrase_files.load(tmp_path)

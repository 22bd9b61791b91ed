"""Ready answers (C9): `#answer NAME` puts the desk's text there, in the customer's language, with the ticket's values."""

from pathlib import Path

import pytest

from mailgate import config
from mailgate.__main__ import main
from mailgate.compose.answers import SAMPLE, ReadyAnswers
from mailgate.compose.moments import LANGUAGES
from mailgate.decide.second_look import speaks_of_attachment
from mailgate.model.answers import BadAnswer
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from tests.decide.staff_mail import a_case, after, decided, letters_of, shipped_desk
from tests.decide.staff_mail import a_scene as scene_of

NAMES = ("closing", "mail", "outage", "site", "undelivered", "verify")


def a_desk(**texts: str) -> Desk:
    """The shipped desk with answers of its own; a name is as `hello_en`."""
    answers: dict[str, dict[str, str]] = {}
    for name, text in texts.items():
        answers.setdefault(name[:-3], {})[name[-2:]] = text
    return replace(shipped_desk(), answers=answers)


def said(text: str, desk: Desk, **more: object) -> list[str]:
    """Return what is relayed of a mail, or the codes of its errors."""
    from mailgate.decide.guards import decide_mail

    scene = replace(scene_of(text, case=a_case(**more), desk=desk), answers=ReadyAnswers(desk))  # type: ignore[arg-type]
    decision = decide_mail(scene)
    errors = [one["code"] for letter in letters_of(decision, "command_error") for one in letter.context["errors"]]
    return errors or [str(one.context["text"]) for one in letters_of(decision, "relay")]


DESK = a_desk(hello_uk="Вітаємо, {{ name }}! Заявка {{ tag }} #{{ number }}.", hello_en="Hello {{ name }}!", own_ru="Привет.",
              host_uk="Сервер {{ fields.server }}.", odd_uk="{{ secret }}", broken_uk="{% if %}")  # fmt: skip


@pytest.mark.parametrize(
    ("text", "more", "expected"),
    [
        ("#answer hello", {}, ["Вітаємо, Olena! Заявка flexihost #10001."]),
        ("#answer hello", {"language": "en"}, ["Hello Olena!"]),
        ("#lang en\n#answer HELLO", {}, ["Hello Olena!"]),
        ("#answer own", {"language": "en"}, ["Привет."]),  # the desk's first language
        ("#take\n#answer hello\n\nІ ще одне.", {"language": "en"}, ["Hello Olena!\n\nІ ще одне."]),
        ("Before.\n#answer hello\nBehind.", {"language": "en"}, ["Before.\nHello Olena!\nBehind."]),
        ("#answer host", {"fields": {"server": "203.0.113.7"}}, ["Сервер 203.0.113.7."]),
        ("#answer host", {}, ["answer_value"]),
        ("#answer odd", {}, ["answer_value"]),
        ("#answer broken", {}, ["broken_answer"]),
        ("#answer nothing", {}, ["no_such_answer"]),
        ("Hello,\n#answer nothing", {}, ["no_such_answer"]),
        ("#answer", {}, ["needs_argument"]),
    ],
)
def test_the_text_stands_where_the_line_stood(text: str, more: dict[str, object], expected: list[str]) -> None:
    assert said(text, DESK, **more) == expected


def test_an_unknown_name_is_told_those_there_are() -> None:
    with pytest.raises(BadAnswer) as raised:
        ReadyAnswers(DESK).text("nothing", "en", SAMPLE)
    assert raised.value.allowed == ("broken", "hello", "host", "odd", "own")


def test_a_note_may_hold_one_and_a_command_beside_it_is_carried_out() -> None:
    from mailgate.decide.guards import decide_mail

    scene = replace(scene_of("#resolve\n#answer hello", case=a_case(), desk=DESK), answers=ReadyAnswers(DESK))
    decision = decide_mail(scene)
    assert after(decision).ticket.status == "resolved"
    assert letters_of(decision, "relay")


def test_without_answers_at_hand_nothing_is_sent() -> None:
    decision = decided("#answer hello", case=a_case())
    assert letters_of(decision, "relay") == []


@pytest.mark.parametrize("desk", config.PRESETS)
def test_six_are_shipped_in_five_languages_and_none_waits_for_send(desk: str) -> None:
    found = config.load_desk(desk)
    answers = ReadyAnswers(found)
    assert answers.names == NAMES
    scene = scene_of("x", desk=found)
    for name, texts in found.answers.items():
        assert set(texts) == set(LANGUAGES), name
        for language in LANGUAGES:
            text = answers.text(name, language, {**SAMPLE, "title": found.title})
            assert text.rstrip().endswith(found.title)
            assert not speaks_of_attachment(text, scene), (name, language)


@pytest.fixture
def folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["init", str(tmp_path / "new")]) == 0
    (tmp_path / "new" / "answers").mkdir()
    capsys.readouterr()
    return tmp_path / "new"


def test_a_desks_own_stand_over_the_shipped_ones_and_are_checked(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "answers" / "closing.en.txt").write_text("Done, {{ name }}.", encoding="utf-8")
    (folder / "answers" / "pizza.en.txt").write_text("{{ topping }}", encoding="utf-8")
    settings = config.load(str(folder / "mailgate.toml"), {})
    desk = settings.desks["flexihost"]
    assert ReadyAnswers(desk).text("closing", "en", SAMPLE) == "Done, Olena Kovalenko."
    assert set(desk.answers["closing"]) == set(LANGUAGES)
    assert main(["--config", str(folder / "mailgate.toml"), "template", "check"]) == 1
    assert "flexihost: answer pizza.en.txt: 'topping' is undefined (there are " in capsys.readouterr().err


def test_a_wrong_name_of_a_file_is_a_complaint(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "answers" / "Closing.txt").write_text("x", encoding="utf-8")
    assert main(["--config", str(folder / "mailgate.toml"), "config", "check"]) == 2
    assert "the name is not NAME.LANGUAGE.txt" in capsys.readouterr().err

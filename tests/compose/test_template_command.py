"""`mailgate template check` and `render`, against the shipped desks and a folder of the operator's own."""

import shutil
from pathlib import Path

import pytest

from mailgate import resources
from mailgate.__main__ import main


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration of its own with one shipped desk, and room for templates beside it."""
    shutil.copy(resources.path("config") / "flexihost.toml", tmp_path)
    shutil.copytree(resources.path("config") / "words", tmp_path / "words")
    file = tmp_path / "mailgate.toml"
    file.write_text('desks = ["flexihost.toml"]\n', encoding="utf-8")
    return file


def put(config: Path, name: str, source: str) -> None:
    file = config.parent / "templates" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(source, encoding="utf-8")


def test_every_shipped_letter_renders(capsys):
    assert main(["template", "check"]) == 0
    assert "strato" in capsys.readouterr().out


def test_all_errors_are_told_at_once_each_with_its_place(config, capsys):
    put(config, "flexihost/ru/ack.txt", "{{ no_such_name }}")
    put(config, "common/pl/nudge.txt", "{% if %}")
    put(config, "common/de/merged.html", "<p>{{ number }}</p>")
    put(config, "flexihost/uk/promise.txt", "Subject: news\nat {{ at }}")
    assert main(["--config", str(config), "template", "check"]) == 1
    said = capsys.readouterr().err
    assert "flexihost/ru/ack (full): 'no_such_name' is undefined" in said
    assert "common/pl/nudge.txt" in said
    assert "line 1" in said
    assert "flexihost/uk/promise (full): the subject has lost the customer's words" in said


def test_a_template_of_the_operators_own_takes_the_place_of_the_shipped_one(config, capsys):
    put(config, "flexihost/en/ack.txt", "Our own words for #{{ number }}")
    assert main(["--config", str(config), "template", "render", "ack", "--language", "en", "--sample"]) == 0
    assert "Our own words for #10002" in capsys.readouterr().out


def test_render_prints_a_letter_in_the_language_and_of_the_desk_asked_for(capsys):
    assert main(["template", "render", "ack", "--language", "pl", "--sample", "--desk", "strato"]) == 0
    printed = capsys.readouterr().out
    assert "Subject: [strato #10002] Sklep pokazuje 502" in printed
    assert "(czas berliński)" in printed


def test_a_desk_that_does_not_exist_is_one_clear_line(capsys):
    assert main(["template", "render", "ack", "--sample", "--desk", "nope"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_a_desks_template_of_its_first_language_is_pointed_out_where_others_get_it_too(config, capsys):
    put(config, "flexihost/ru/nudge.txt", "Здравствуйте! Ждём ответа по заявке #{{ number }}.")
    put(config, "flexihost/uk/nudge.txt", "Вітаємо! Чекаємо на відповідь щодо заявки #{{ number }}.")
    assert main(["--config", str(config), "template", "check"]) == 0
    [warning] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert "flexihost/ru/nudge.txt goes to customers who are written to in en as well" in warning
    assert "add flexihost/en/nudge.txt" in warning


def test_a_block_that_replaces_none_is_pointed_out_with_those_there_are(config, capsys):
    put(config, "flexihost/uk/ack.txt", '{% extends "common/uk/ack.txt" %}\n{% block goingon %}Ще.{% endblock %}\n')
    put(
        config,
        "flexihost/en/ack.txt",
        '{% extends "common/en/ack.txt" %}\n{% block panel %}{% block mine %}More.{% endblock %}{% endblock %}',
    )
    assert main(["--config", str(config), "template", "check"]) == 0
    [warning] = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert warning.startswith("warning: flexihost/uk/ack.txt: no template that it extends has a block goingon")
    assert "going_on" in warning

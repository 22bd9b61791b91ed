"""simulate --against: what a changed desk does differently, to scenarios and to past mail."""

from pathlib import Path

import pytest

from mailgate import resources
from mailgate.__main__ import main

STORY = """
config = "flexihost"
start = 2026-06-09T10:00:00+03:00

[[staff]]
address = "ivan@team.example"
name = "Ivan"
teams = ["support"]

[[step]]
name = "ask"
at = "0s"
mail = \"\"\"
From: Vira <vira@freemail.example>
To: support@flexihost.example
Subject: Do you offer dedicated servers

Do you offer dedicated servers with two disks?
\"\"\"

[[step]]
name = "later"
at = "3h"
"""


@pytest.fixture
def old_desk(tmp_path: Path) -> Path:
    """Return flexihost as it was when it promised an answer within two hours."""
    shipped = (resources.path("config") / "flexihost.toml").read_text(encoding="utf-8")
    assert 'first_response = "60m"' in shipped
    file = tmp_path / "old.toml"
    file.write_text(shipped.replace('first_response = "60m"', 'first_response = "2h"'), encoding="utf-8")
    return file


def test_a_scenario_under_two_promises_differs_in_its_breach(tmp_path, old_desk, capsys):
    story = tmp_path / "story.toml"
    story.write_text(STORY, encoding="utf-8")
    assert main(["simulate", "--against", str(old_desk), str(story)]) == 0
    printed = capsys.readouterr().out
    assert "differs story" in printed
    assert "+06-09 11:00        ticket 10001: first_response breached" in printed
    assert "-06-09 12:00        ticket 10001: first_response breached" in printed


def test_a_scenario_against_its_own_desk_is_the_same(tmp_path, capsys):
    story = tmp_path / "story.toml"
    story.write_text(STORY, encoding="utf-8")
    assert main(["simulate", "--against", "flexihost", str(story)]) == 0
    assert "same    story" in capsys.readouterr().out


def test_past_mail_is_played_at_its_dates(tmp_path, old_desk, capsys, monkeypatch):
    monkeypatch.setenv("MAILGATE_DATABASE__URL", f"sqlite:///{tmp_path / 'none.db'}")
    folder = tmp_path / "past"
    folder.mkdir()
    mail = "From: v@freemail.example\nTo: support@flexihost.example\nSubject: Two disks in one server\n"
    (folder / "one.eml").write_text(mail + "Date: Tue, 9 Jun 2026 10:00:00 +0300\n\nIs it possible?\n")
    assert main(["simulate", "--desk", "flexihost", "--against", str(old_desk), str(folder)]) == 0
    printed = capsys.readouterr().out
    assert "every sender is unknown" in printed
    assert "+06-09 11:00        ticket 10001: first_response breached" in printed


def test_a_file_that_is_not_there_is_named(tmp_path, capsys):
    assert main(["simulate", str(tmp_path / "nothing.toml")]) == 2
    assert "nothing.toml: there is no such scenario" in capsys.readouterr().err


RULE = """
[[rule]]
name = "sales"
when = { subject = "dedicated servers" }
then = { queue = "billing", ack = false, flag = "sales" }
"""


def test_a_new_rule_shows_what_it_changes(tmp_path, capsys):
    (tmp_path / "story.toml").write_text(STORY, encoding="utf-8")
    shipped = (resources.path("config") / "flexihost.toml").read_text(encoding="utf-8")
    (tmp_path / "new.toml").write_text(shipped + RULE, encoding="utf-8")
    story, new = str(tmp_path / "story.toml"), str(tmp_path / "new.toml")
    assert main(["simulate", "--desk", new, "--against", "flexihost", story]) == 0
    printed = capsys.readouterr().out.splitlines()
    received = [line for line in printed if "  in    new " in line]
    assert [line.strip()[0] for line in received] == ["-", "+"]
    assert "queue billing, normal  by rule «sales»  sales" in received[1]
    assert any(line.strip().startswith("-") and "ack" in line for line in printed)
    assert not any(line.strip().startswith("+") and " ack " in line for line in printed)

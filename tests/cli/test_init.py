"""`mailgate init` and `mailgate config`: a directory that runs as it is, and what is in force in it."""

import json
import stat
from pathlib import Path

import pytest

from mailgate import config
from mailgate.__main__ import main


@pytest.mark.parametrize("desks", [["flexihost"], ["strato", "introserv"], ["flexihost", "introserv", "strato"]])
def test_the_directory_has_everything_beside_its_file(tmp_path: Path, desks: list[str]):
    folder = tmp_path / "new"
    assert main(["init", str(folder), *(word for desk in desks for word in ("--desk", desk))]) == 0
    settings = config.load(str(folder / "mailgate.toml"), {})
    assert list(settings.desks) == desks
    assert settings.database_url == f"sqlite:///{folder}/mailgate.db"
    assert (settings.blobs_url, settings.relay.url) == (f"file://{folder}/blobs", f"maildir:{folder}/outgoing")
    assert {each.name for each in (folder / "outgoing").iterdir()} == {"tmp", "new", "cur"}


def test_the_secret_is_fresh_long_and_for_its_owner_alone(tmp_path: Path):
    main(["init", str(tmp_path / "a")])
    main(["init", str(tmp_path / "b")])
    assert stat.S_IMODE((tmp_path / "a" / "secret").stat().st_mode) == 0o600
    first, second = ((tmp_path / each / "secret").read_text(encoding="ascii") for each in "ab")
    assert first != second
    assert len(first) > 40


def test_nothing_that_exists_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "flexihost.toml").write_text("mine", encoding="utf-8")
    assert main(["init", str(tmp_path)]) == 1
    assert "flexihost.toml already; nothing was written" in capsys.readouterr().err
    assert [each.name for each in tmp_path.iterdir()] == ["flexihost.toml"]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["init", str(tmp_path / "file" / "desk")]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_directory_may_be_moved(tmp_path: Path):
    main(["init", str(tmp_path / "a")])
    (tmp_path / "a").rename(tmp_path / "b")
    assert config.load(str(tmp_path / "b" / "mailgate.toml"), {}).database_url == f"sqlite:///{tmp_path}/b/mailgate.db"


def test_show_names_the_source_of_every_setting_and_hides_secrets(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    main(["init", str(tmp_path / "a")])
    capsys.readouterr()
    monkeypatch.setenv("MAILGATE_SMTP__LISTEN", "127.0.0.1:0")
    monkeypatch.setenv("MAILGATE_RELAY__PASSWORD", "sesame")
    file = str(tmp_path / "a" / "mailgate.toml")
    assert main(["--config", file, "config", "show", "--json"]) == 0
    text = capsys.readouterr().out
    shown = {entry["key"]: entry for entry in map(json.loads, text.splitlines())}
    assert "sesame" not in text
    assert shown["smtp.listen"] == {"key": "smtp.listen", "value": "127.0.0.1:0", "from": "MAILGATE_SMTP__LISTEN"}
    assert shown["relay.url"]["from"] == file
    assert shown["relay.password"]["value"] == "(hidden)"
    assert shown["worker.mail_seconds"] == {"key": "worker.mail_seconds", "value": 10, "from": "default"}
    assert shown["desk[flexihost].timezone"]["value"] == "Europe/Kyiv"


def test_check_says_ok_or_every_complaint(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    main(["init", str(tmp_path / "a")])
    file = tmp_path / "a" / "mailgate.toml"
    capsys.readouterr()
    assert main(["config", "check", "--config", str(file)]) == 0
    assert capsys.readouterr().out == f"ok: {file}, desks flexihost\n"
    file.write_text(file.read_text(encoding="utf-8") + "[worker]\n[oops]\n", encoding="utf-8")
    assert main(["config", "check", "--config", str(file)]) == 2
    assert str(file) in capsys.readouterr().err


def test_a_blank_desk_runs_as_it_is_and_says_what_to_fill_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["init", str(tmp_path / "new"), "--desk", "blank"]) == 0
    assert "where it says <--" in capsys.readouterr().out
    settings = config.load(str(tmp_path / "new" / "mailgate.toml"), {})
    assert list(settings.desks) == ["helpdesk"]
    assert "<--" in (tmp_path / "new" / "blank.toml").read_text(encoding="utf-8")
    assert main(["--config", str(tmp_path / "new" / "mailgate.toml"), "template", "check"]) == 0


def test_hours_are_shown_as_the_file_has_them(capsys: pytest.CaptureFixture[str]):
    assert main(["config", "show"]) == 0
    shown = capsys.readouterr().out
    assert '= { mon-fri = "09:00-18:00" }  # ' in shown
    assert "{'" not in shown

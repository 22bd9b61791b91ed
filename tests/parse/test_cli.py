# ruff: noqa: E501
"""`mailgate parse`: files, folders, mbox, stdin and bare bodies."""

import argparse
import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from mailgate.cli import parse

MAIL = "From: Kate <kate@wilson.example>\nMessage-ID: <1@wilson.example>\nSubject: Re: [introserv #10234] Port\n\nIt works.\n\nOn Tue, 9 Jun 2026 10:12, Desk wrote:\n> x\n"


def run(*words: str) -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", default=None)
    parse.add_arguments(parser)
    return parse.run(parser.parse_args(words))


def objects(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_mail_is_one_object(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.eml"
    file.write_text(MAIL)
    assert run("--json", str(file)) == 0
    (found,) = objects(capsys.readouterr().out)
    assert found["message_id"] == "<1@wilson.example>"
    assert found["from"] == {"name": "Kate", "address": "kate@wilson.example"}
    assert found["tags"] == [{"desk": "introserv", "number": 10234}]
    assert (found["core_subject"], found["visible_text"], found["language"]) == ("Port", "It works.", "en")


def test_folders_and_mboxes_are_walked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.eml").write_text(MAIL)
    (tmp_path / "b.mbox").write_text(f"From a\n{MAIL}\nFrom b\n{MAIL}\n")
    assert run("--json", str(tmp_path)) == 0
    names = [Path(found["file"]).name for found in objects(capsys.readouterr().out)]
    assert names == ["a.eml", "b.mbox#1", "b.mbox#2"]


def test_bare_bodies_and_stdin_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"Yes.\n\n-- \nKate")))
    assert run("--json", "--as", "text", "-") == 0
    assert objects(capsys.readouterr().out)[0]["visible_text"] == "Yes."
    page = tmp_path / "a.html"
    page.write_text("<p>Yes.</p><blockquote type=cite>No?</blockquote>")
    assert run("--json", "--as", "html", str(page)) == 0
    assert objects(capsys.readouterr().out)[0]["visible_text"] == "Yes."


def test_a_missing_file_is_named_and_the_others_are_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a.eml"
    file.write_text(MAIL)
    assert run(str(tmp_path / "none.eml"), str(file)) == 1
    shown = capsys.readouterr()
    assert "none.eml" in shown.err
    assert "introserv #10234" in shown.out

"""A command that names what there is not says so and what there is; it never answers with an empty list."""

import io

import pytest

from tests.cli.desk_folder import DeskFolder


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("ticket list --desk nope", "there is no desk nope (there are flexihost)"),
        ("ticket list --status lost", "lost is no status (new, open, waiting, resolved, closed, merged)"),
        ("ticket list --queue sales", "there is no queue sales (there are support, billing, abuse)"),
        ("ticket find queue:sales", "there is no queue sales (there are support, billing, abuse)"),
        ("ticket find x desk:nope", "there is no desk nope (there are flexihost)"),
        ("held list --desk nope", "there is no desk nope (there are flexihost)"),
        ("aside list --desk nope", "there is no desk nope (there are flexihost)"),
        ("quarantine list --desk nope", "there is no desk nope (there are flexihost)"),
        ("outbox list --desk nope", "there is no desk nope (there are flexihost)"),
        ("account list --desk nope", "there is no desk nope (there are flexihost)"),
        ("staff list --desk nope", "there is no desk nope (there are flexihost)"),
        ("token list --desk nope", "there is no desk nope (there are flexihost)"),
        ("incident list --desk nope", "there is no desk nope (there are flexihost)"),
        ("ticket close 99", "there is no ticket 99; `mailgate ticket list` shows those there are"),
        ("ticket merge 99 98", "there is no ticket 99; `mailgate ticket list` shows those there are"),
        ("incident open --host h --text fr=Panne", "--text: no text for fr: desk flexihost writes in ru, uk, en alone"),
        ("template render ack --language fr", "there are no letters in 'fr': there are de, en, pl, ru, uk"),
        ("backup /nowhere/desk.tar", "/nowhere/desk.tar: No such file or directory"),
    ],
)
def test_what_there_is_not_is_named_with_what_there_is(desk: DeskFolder, words: str, told: str):
    ran = desk.run(*words.split())
    assert (ran.code, ran.out, ran.err) == (1, "", f"mailgate: {told}\n")


def test_an_account_and_a_person_by_hand_are_told_of_in_words(desk: DeskFolder):
    assert (
        desk.run("account", "add", "7", "a@b.example", "--role", "owner").out == "account 7 added, a@b.example added\n"
    )
    again = desk.run("account", "add", "7", "a@b.example", "--role", "billing").out
    assert again == "account 7 as before, a@b.example changed\n"
    assert desk.run("staff", "add", "zoe@team.example", "--team", "support").out == "zoe@team.example added\n"
    assert desk.run("staff", "add", "zoe@team.example", "--role", "lead").out == "zoe@team.example changed\n"


@pytest.mark.parametrize("given", [b"", b"\r\n \n"])
def test_nothing_on_standard_input_is_no_mail_and_tried_again(
    desk: DeskFolder, given: bytes, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given)))
    ran = desk.run("deliver", "--to", "support@flexihost.example")
    assert (ran.code, ran.out) == (75, "")
    assert "no mail on standard input" in ran.err

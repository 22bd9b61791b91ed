"""The pipe (I2): one mail, one exit code."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailgate.blobs import open_blobs
from mailgate.intake.pipe import deliver, sender_of
from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.store.engine import open_engine
from mailgate.store.inbox import INBOX, Inbox, Taken
from tests.store.samples import NOON

MAIL = b"Return-Path: <olena@shop.example>\r\nFrom: x@y.example\r\n\r\nReturn-Path: <evil@x.example>\r\n"
TO = "support@flexihost.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    mailboxes: Any = [type("Box", (), {"address": TO})]
    desk: Any = type("Desk", (), {"mailboxes": mailboxes})
    return Settings(
        desks={"flexihost": desk},
        secret=b"s",
        database_url=f"sqlite:///{tmp_path}/mailgate.db",
        blobs_url=f"file://{tmp_path}/blobs",
        smtp=SmtpSettings(size_limit=1_000_000),
        relay=RelaySettings(url="maildir:out"),
        worker=WorkerSettings(),
    )


def stored(settings: Settings) -> list[Taken]:
    url = settings.database_url.replace("mailgate.db", "inbox.db")
    engine = open_engine(url)
    INBOX.create(engine, checkfirst=True)
    return Inbox(engine, open_blobs(settings.blobs_url)).claim(10, NOON, 60)


@pytest.mark.parametrize("size", [0, 400_000])
def test_an_accepted_mail_is_0_and_in_the_inbox(settings: Settings, size: int):
    raw = MAIL + b"x" * size
    assert deliver(raw, "Support+n@flexihost.example", None, settings, clock=lambda: NOON) == 0
    [taken] = stored(settings)
    arrival = taken.arrival
    assert taken.read() == raw
    assert (arrival.channel, arrival.desk, arrival.recipients) == (
        "pipe",
        "flexihost",
        ("support+n@flexihost.example",),
    )
    assert (arrival.envelope_from, arrival.is_trusted, arrival.received_at) == ("olena@shop.example", True, NOON)


@pytest.mark.parametrize(
    ("given", "sender"), [("a@b.example", "a@b.example"), ("<a@b.example>", "a@b.example"), ("", ""), ("<>", "")]
)
def test_a_sender_that_is_named_is_the_sender(settings: Settings, given: str, sender: str):
    assert deliver(MAIL, TO, given, settings) == 0
    assert stored(settings)[0].arrival.envelope_from == sender


def test_no_such_mailbox_is_67(settings: Settings):
    assert deliver(MAIL, "nobody@flexihost.example", None, settings) == 67
    assert not stored(settings)


def test_too_big_is_65(settings: Settings):
    assert deliver(b"x" * 1_000_001, TO, None, settings) == 65
    assert not stored(settings)


@pytest.mark.parametrize(
    "broken",
    [
        {"database_url": "sqlite:////nowhere/at/all/mailgate.db"},
        {"database_url": "postgresql://u@127.0.0.1:1/x"},
        {"database_url": "nonsense"},
        {"blobs_url": "ftp://bucket"},
    ],
)
def test_trouble_of_ours_is_75(settings: Settings, broken: dict[str, str]):
    assert deliver(MAIL, TO, None, replace(settings, **broken)) == 75


def test_blobs_that_cannot_be_written_are_75(settings: Settings, tmp_path: Path):
    (tmp_path / "blobs").write_bytes(b"")
    assert deliver(MAIL + b"x" * 400_000, TO, None, settings) == 75


@pytest.mark.parametrize(
    ("raw", "sender"),
    [
        (MAIL, "olena@shop.example"),
        (b"From olena Fri Mar 6\nReturn-Path: <a@b.example>\n\nx", "a@b.example"),
        (b"Subject: x\nRETURN-PATH:a@b.example\n\nx", "a@b.example"),
        (b"Return-Path: <>\r\nReturn-Path: <a@b.example>\r\n\r\nx", ""),
        (b"Subject: x\r\n\r\nReturn-Path: <a@b.example>\r\n", None),
        (b"Return-Path: nonsense with words\r\n\r\n", None),
        (b"Return-Path:\r\n\r\n", None),
        (b"", None),
        (b"Return-Path: <" * 80_000, None),
        (b"\r\n" * 500_000 + b"x", None),
        (b"return-path:" + b" " * 1_000_000, None),
    ],
)
def test_the_sender_is_that_of_the_topmost_return_path(raw: bytes, sender: str | None):
    assert sender_of(raw) == sender

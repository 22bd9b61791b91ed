"""How accounts and folders are spelled."""

import time

import pytest

from mailgate.errors import ConfigError
from mailgate.intake.addressed import addressed_to
from mailgate.intake.imap_place import astring, folder_name, modified_utf7, place_of
from mailgate.model.settings import ImapSettings


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("INBOX", "INBOX"),
        ("Обращения", "&BB4EMQRABDAESQQ1BD0EOARP-"),
        ("A&B", "A&-B"),
        ("My Folder", '"My Folder"'),
        ('a"b\\c', '"a\\"b\\\\c"'),
        ("日本語", "&ZeVnLIqe-"),  # RFC 3501, 5.1.3
        ("~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
        ("", '""'),
    ],
)
def test_folder_names_are_modified_utf_7_quoted_only_where_needed(name: str, spelled: str):
    assert folder_name(name) == spelled


def test_an_astring_cannot_end_the_command():
    assert astring("user name") == '"user name"'
    assert modified_utf7("a\r\nb") == "a&AA0ACg-b"


@pytest.mark.parametrize(
    ("url", "host", "port", "user", "folder", "is_encrypted"),
    [
        ("imaps://me@imap.example", "imap.example", 993, "me", "INBOX", True),
        ("imaps://me%40desk.example@imap.example:1993/A%20B", "imap.example", 1993, "me@desk.example", "A B", True),
        ("imaps://me@desk.example@imap.example/Ж", "imap.example", 993, "me@desk.example", "Ж", True),
        ("imap://me@localhost", "localhost", 143, "me", "INBOX", False),
    ],
)
def test_the_url_says_where(url: str, host: str, port: int, user: str, folder: str, is_encrypted: bool):
    place = place_of(ImapSettings(url=url, mailbox="a@b.example", password="p"))
    assert (place.host, place.port, place.user, place.folder, place.is_encrypted) == (
        host, port, user, folder, is_encrypted,
    )  # fmt: skip


def test_a_password_does_not_go_about_in_clear():
    with pytest.raises(ConfigError, match="clear"):
        place_of(ImapSettings(url="imap://me@imap.example", mailbox="a@b.example", password="p"))


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (
            b"To: A <A@b.example>,\r\n c@d.example\r\nCc: e@f.example\r\n\r\nTo: x@y.example",
            "a@b.example c@d.example e@f.example",
        ),
        (b"Delivered-To: z@b.example\nCc: e@f.example\nTo: a@b.example\n\n", "a@b.example e@f.example z@b.example"),
        (b"Subject: to: a@b.example\r\n\r\n", ""),
        (b"", ""),
    ],
)
def test_the_headers_say_to_whom_in_the_order_of_the_rule(header: bytes, found: str):
    assert " ".join(addressed_to(header)) == found


@pytest.mark.parametrize(
    "worst", [b"To: " + b"a@" * 500_000, b"To: " + b"a" * 1_000_000, b"To:\r\n " * 150_000, b"\r\n " * 300_000]
)
def test_a_hostile_header_takes_no_longer_than_an_ordinary_one(worst: bytes):
    begun = time.process_time()
    addressed_to(worst)
    assert time.process_time() - begun < 1

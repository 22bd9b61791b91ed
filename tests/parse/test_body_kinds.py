# ruff: noqa: E501
"""M2: the text of a mail, wherever programs put it."""

import base64
from collections.abc import Callable

import pytest
from asn1crypto import cms

from mailgate.model.mail import Mail
from mailgate.parse import flowed, rich_text

Reading = Callable[[bytes | str], Mail]

HEAD = "From: olga@shop.example\nSubject: x\nMIME-Version: 1.0\n"
PICTURE = "Content-Type: image/png; name=a.png\nContent-Transfer-Encoding: base64\n\niVBORw0K"


def multipart(kind: str, *parts: str) -> str:
    mark = f"B{abs(hash(parts)) % 10**9}"
    body = "".join(f"--{mark}\n{part}\n" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={mark}\n\n{body}--{mark}--"


def plain(text: str, more: str = "") -> str:
    return f"Content-Type: text/plain; charset=utf-8{more}\n\n{text}"


def html(text: str, more: str = "") -> str:
    return f"Content-Type: text/html; charset=utf-8{more}\n\n{text}"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (multipart("alternative", plain("one"), multipart("mixed", html("<p>one"), PICTURE, html("<p>two"))), "one"),
        (multipart("alternative", multipart("mixed", html("<p>one"), PICTURE, html("<p>two"))), "one\ntwo"),
        (multipart("alternative", plain(" \u00a0\u200b\ufeff"), multipart("mixed", html("<p>one"), PICTURE, html("<p>two"))), "one\ntwo"),
        (multipart("alternative", multipart("mixed", plain("one"), PICTURE, plain("two")), html("<p>one two")), "one\ntwo"),
        (multipart("mixed", multipart("alternative", plain("one"), html("<p>one")), plain("two")), "one\ntwo"),
        (multipart("alternative", multipart("alternative", plain("one"), html("<p>one")), "Content-Type: text/calendar\n\nX:1"), "one"),
        (multipart("alternative", html("<p>one"), plain("")), "one"),
        (multipart("alternative", plain("This message is in HTML. Please use a program that shows it."), html("<p>one")), "one"),
        (multipart("alternative", plain("My html page is broken"), html("<p>My html page is broken")), "My html page is broken"),
        (multipart("mixed", plain("one", "; name=message.txt\nContent-Disposition: inline"), PICTURE), "one"),
        (multipart("mixed", plain("one"), plain("log", "; name=log.txt\nContent-Disposition: inline")), "one"),
        ("Content-Type: text/calendar; method=REQUEST\n\nBEGIN:VEVENT\nSUMMARY:Call\nDESCRIPTION:At ten\\, sharp\nEND:VEVENT", "Call\nAt ten, sharp"),
    ],
)  # fmt: skip
def test_all_that_a_reader_sees_is_text_and_nothing_else(body: str, text: str, reading: Reading) -> None:
    assert reading(HEAD + body).text == text


def test_parts_of_an_alternative_may_stand_in_any_order(reading: Reading) -> None:
    parts = plain("one"), html("<p>one</p>"), "Content-Type: text/x-other\n\nthree"
    for first, second, third in ((0, 1, 2), (1, 0, 2), (2, 1, 0), (1, 2, 0)):
        mail = reading(HEAD + multipart("alternative", parts[first], parts[second], parts[third]))
        assert mail.text == "one"


@pytest.mark.parametrize("content_type", ["application/pkcs7-mime", "application/x-pkcs7-mime"])
def test_what_an_opaque_signature_wraps_is_the_mail(content_type: str, reading: Reading) -> None:
    inner = multipart("mixed", plain("Please cancel order 1."), "Content-Type: application/pdf; name=notice.pdf\n\nx")
    signed = cms.ContentInfo(
        {"content_type": "signed_data", "content": cms.SignedData(
            {"version": "v1", "digest_algorithms": [], "signer_infos": [],
             "encap_content_info": {"content_type": "data", "content": inner.encode()}})}
    ).dump()  # fmt: skip
    mail = reading(HEAD + f"Content-Type: {content_type}; smime-type=signed-data; name=smime.p7m\n"
                   f"Content-Transfer-Encoding: base64\n\n{base64.encodebytes(signed).decode()}")  # fmt: skip
    assert mail.text == "Please cancel order 1."
    assert [one.filename for one in mail.attachments] == ["smime.p7m", "notice.pdf"]


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (base64.b64encode(b"Short.").decode() + "\n\n____\nA list\nhttps://lists.a.example/x", "Short.\n____\nA list\nhttps://lists.a.example/x"),
        (base64.b64encode(b"One text.").decode() + "\n" + base64.b64encode(b"Another, longer text.").decode(), "One text.Another, longer text."),
        (base64.b64encode(b"a").decode() + "\n" + base64.b64encode(b"b").decode(), "ab"),
        ("This is no base64 at all.", "This is no base64 at all."),
    ],
)  # fmt: skip
def test_base64_with_something_behind_it_is_read(raw: str, text: str, reading: Reading) -> None:
    mail = reading(HEAD + f"Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n{raw}")
    assert mail.text.split() == text.split()


@pytest.mark.parametrize("label", ["unicode", "ucs-2", "utf-16", "UTF16"])
@pytest.mark.parametrize("coded", ["utf-16-le", "utf-16-be", "utf-16"])
@pytest.mark.parametrize("text", ["Hello", "Привет, не работает сайт", "Zażółć"])
def test_wide_text_is_read_with_and_without_its_mark(label: str, coded: str, text: str, reading: Reading) -> None:
    raw = HEAD + f"Content-Type: text/plain; charset={label}\nContent-Transfer-Encoding: base64\n\n"
    assert reading(raw.encode() + base64.encodebytes(text.encode(coded))).text == text


@pytest.mark.parametrize(
    ("declared", "meta", "coded", "text"),
    [
        ("", '<meta charset="windows-1250">', "cp1250", "Žádám o změnu. Łódź"),
        ("", '<meta http-equiv="Content-Type" content="text/html; charset=gbk">', "gbk", "您好，服务器无法访问"),
        ("; charset=us-ascii", "<meta charset=windows-1254>", "cp1254", "Şifre değişmiyor"),
        ("; charset=iso-8859-1", "<meta charset=koi8-r>", "koi8-r", "Счёт не пришёл"),
        ("; charset=koi8-r", "<meta charset=utf-8>", "koi8-r", "Счёт не пришёл"),
    ],
)
def test_the_charset_of_html_may_stand_in_its_meta(
    declared: str, meta: str, coded: str, text: str, reading: Reading
) -> None:
    raw = HEAD + f"Content-Type: text/html{declared}\n\n<html><head>{meta}</head><body>"
    assert reading(raw.encode() + text.encode(coded)).text == text


@pytest.mark.parametrize(
    ("source", "delete_space", "text"),
    [
        ("A long line that \ngoes on.\nNext", False, "A long line that goes on.\nNext"),
        ("> quoted that \n> goes on\nanswer", False, "> quoted that goes on\nanswer"),
        ("> quoted \nnot of it", False, "> quoted\nnot of it"),
        (" > no quote", False, "> no quote"),
        ("text \n-- \nOlga", False, "text\n-- \nOlga"),
        ("Bei\u00adspiel\nZeichen \nkette", True, "Bei\u00adspiel\nZeichenkette"),
    ],
)
def test_flowed_lines_are_joined(source: str, delete_space: bool, text: str) -> None:
    assert flowed.joined(source, delete_space=delete_space) == text


def test_rich_text_is_read_packed_and_plain() -> None:
    source = (
        rb"{\rtf1\ansi\ansicpg1251{\fonttbl{\f0 Arial;}}\uc1 \'cf\'f0\'e8\'e2\'e5\'f2\par Line \u1090?wo{\*\x hidden}}"
    )
    assert (
        rich_text.text_of(b"\0" * 4 + (len(source)).to_bytes(4, "little") + b"MELA\0\0\0\0" + source)
        == "Привет\nLine тwo"
    )
    # the example of [MS-OXRTFCP] 4.1
    packed = bytes.fromhex(
        "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
    )
    assert rich_text.text_of(packed) == "hello world"


def test_a_reaction_says_its_emoji(reading: Reading) -> None:
    raw = multipart("alternative", plain("👍\n\nOlga reacted via Gmail"),
                    'Content-Type: text/vnd.google.email-reaction+json\n\n{"emoji": "\\ud83d\\udc4d", "version": 1}')  # fmt: skip
    mail = reading(HEAD + raw)
    assert (mail.reaction, mail.attachments) == ("👍", ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("cp1250", "Dzień dobry, proszę o pomoc, serwer źle działa"),
        ("iso8859_2", "Dzień dobry, proszę o pomoc, żółty pasek świeci"),
        ("cp1252", "Größe der Postfächer überschritten"),
        ("cp1252", "Le serveur est très lent, à bientôt"),
    ],
)
def test_a_text_that_names_no_charset_is_read_by_its_letters(name: str, text: str, reading: Reading) -> None:
    head = b"From: a@b.example\nMIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: 8bit\n\n"
    assert reading(head + text.encode(name)).text.strip() == text

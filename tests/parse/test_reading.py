# ruff: noqa: E501
"""M1, M2, M4: headers, charsets, bodies and attachments, also where they are broken."""

import base64
from collections.abc import Callable

import pytest

from mailgate.model.mail import Mail
from mailgate.model.phrases import Phrases
from mailgate.parse import LimitExceeded, Limits, read

Reading = Callable[[bytes | str], Mail]


def word(raw: bytes, charset: str = "utf-8") -> str:
    return f"=?{charset}?B?{base64.b64encode(raw).decode()}?="


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        (word("Ошибка".encode("koi8-r"), "koi8-r").encode(), "Ошибка"),
        (b"=?iso-8859-1?Q?St=F6rung_x?=", "Störung x"),
        ((word("Ошибка".encode()[:5]) + "\r\n " + word("Ошибка".encode()[5:])).encode(), "Ошибка"),
        (b"=?utf-8?Q?a b?=", "a b"),
        (b"=?utf-8?B?0J7RiNC4?= =?utf-8?B?0LHQutCw?=", "Ошибка"),
        (b"Re: =?utf-8?Q?=D0=9E?= x =?utf-8?Q?=D0=9E?=", "Re: О x О"),
        ("Питання".encode(), "Питання"),
        ("Вопрос по тарифу".encode("cp1251"), "Вопрос по тарифу"),
        ("Смена владельца".encode("koi8-r"), "Смена владельца"),
        (b"=?x-unknown?Q?abc?=", "abc"),
        (b"=?utf-8?B?Zg?=", "f"),
        (b"a\r\n\tb", "a b"),
        (b"=?utf-8?Q?a=0D=0ABcc:_x?=", "a Bcc: x"),
        (b"a\0b", "ab"),
    ],
)
def test_a_subject_is_one_clean_line(header: bytes, subject: str, reading: Reading) -> None:
    assert reading(b"From: a@b.example\r\nSubject: " + header + b"\r\n\r\nx").subject == subject


@pytest.mark.parametrize(
    ("declared", "coded"),
    [
        ("koi8-r", "koi8-r"), ("windows-1251", "cp1251"), ("x-unknown", "utf-8"), ("us-ascii", "utf-8"), ("iso-8859-1", "utf-8"),
        ("", "cp1251"), ("", "koi8-r"), ("utf-8", "cp1251"), ("KOI8-R;", "koi8-r"), ("cp-1251", "cp1251"), ('"windows-1251"', "cp1251"),
    ],
)  # fmt: skip
def test_a_body_is_read_in_the_charset_it_is_written_in(declared: str, coded: str, reading: Reading) -> None:
    text = "Здравствуйте, после оплаты сайт не открывается, проверьте пожалуйста."
    kind = f"; charset={declared}" if declared else ""
    raw = f"From: a@b.example\nContent-Type: text/plain{kind}\n\n".encode() + text.encode(coded)
    assert reading(raw).text == text


@pytest.mark.parametrize(
    ("raw", "address"),
    [
        (b"From: Kate <kate@wilson.example>", "kate@wilson.example"),
        (b"From: kate@wilson.example", "kate@wilson.example"),
        (b'From: "Wilson, Kate" <kate@wilson.example>', "kate@wilson.example"),
        (b"From: kate@wilson.example (Kate)", "kate@wilson.example"),
        (b"From: =?utf-8?B?S2F0ZQ==?= <kate@wilson.example>", "kate@wilson.example"),
        (b'From: "boss@wilson.example" <kate@evil.example>', "kate@evil.example"),
        (b"From: boss@wilson.example <kate@evil.example>", "kate@evil.example"),
        ("From: Штёпа <kate@wilson.example>".encode("cp1251"), "kate@wilson.example"),
        (b"From: Kate kate@wilson.example", "kate@wilson.example"),
    ],
)
def test_the_sender_is_the_address_and_not_the_name(raw: bytes, address: str, reading: Reading) -> None:
    assert [one.address for one in reading(raw + b"\n\nx").from_] == [address]


@pytest.mark.parametrize("header", ["=?utf-8?Q?agent?=@victim.example", '"agent@victim.example"', '"x" <>'])
def test_what_is_no_address_becomes_nobodys_address(header: str, reading: Reading) -> None:
    assert "agent@victim.example" not in [one.address for one in reading(f"From: {header}\n\nx").from_]


def test_several_senders_are_all_kept(reading: Reading) -> None:
    assert len(reading("From: a@b.example, c@d.example\n\nx").from_) == 2
    assert len(reading("From: a@b.example\nFrom: c@d.example\n\nx").from_) == 2


def test_the_plain_part_is_the_text_unless_it_is_empty(reading: Reading) -> None:
    mail = "From: a@b.example\nContent-Type: multipart/alternative; boundary=b\n\n--b\n\n{}\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--\n"
    assert reading(mail.format("plain")).text.strip() == "plain"
    assert reading(mail.format("")).text == "rich"
    assert "<p>rich</p>" in reading(mail.format("plain")).html


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("attachment; filename*=UTF-8''%D0%B6.txt", "ж.txt"),
        ("attachment; filename*0*=utf-8''%D0; filename*1*=%B6; filename*2=.txt", "ж.txt"),
        (f'attachment; filename="{word("ж.txt".encode())}"', "ж.txt"),
        ('attachment; filename="ж.txt"', "ж.txt"),
        ("attachment; filename=a b.txt", "a b.txt"),
        ("attachment; filename=../../etc/passwd", "passwd"),
        ('attachment; filename="C:\\\\Temp\\\\a.txt"', "a.txt"),
        ('attachment; filename=".htaccess"', "htaccess"),
        ('attachment; filename="con.txt"', "_con.txt"),
        ('attachment; filename="a\tb\u202etxt.exe"', "a btxt.exe"),
        ("attachment", "part.txt"),
    ],
)
def test_an_attachments_name_fits_a_file_system(disposition: str, name: str, reading: Reading) -> None:
    raw = f"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: text/plain\nContent-Disposition: {disposition}\n\ndata\n--b--\n"
    (found,) = reading(raw).attachments
    assert found.filename == name
    assert found.content == b"data"


@pytest.mark.parametrize(
    ("location", "name"),
    [
        ("plan.png", "plan.png"),
        ("http://intranet.example/pictures/L%C3%A4den.png?size=2#top", "Läden.png"),
        ("file:///C:/Users/olga/plan.png", "plan.png"),
        ("C:\\Temp\\plan.png", "plan.png"),
        ("../../%2e%2e%2fetc%2fplan.png", "plan.png"),
        ("http://shop.example/", "image.png"),
        ("plan.exe", "image.png"),
        ("cid:plan.png", "image.png"),
        ("http://[bad/plan.png", "image.png"),
    ],
)
def test_an_attachment_without_a_name_takes_that_of_its_location(location: str, name: str, reading: Reading) -> None:
    raw = f"From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\ntext\n--b\nContent-Type: image/png\nContent-Location: {location}\n\ndata\n--b--\n"
    (found,) = reading(raw).attachments
    assert found.filename == name


def test_a_body_with_a_location_is_a_body(reading: Reading) -> None:
    mail = reading("From: a@b.example\nContent-Type: text/html\nContent-Location: letter.html\n\n<p>Hello</p>\n")
    assert (mail.text.strip(), mail.attachments) == ("Hello", ())


def test_uuencoded_text_is_an_attachment(reading: Reading) -> None:
    mail = reading("From: a@b.example\n\nHello\n\nbegin 644 a.txt\n#0V%T\n`\nend\n")
    assert mail.text.strip() == "Hello"
    assert [(one.filename, one.content) for one in mail.attachments] == [("a.txt", b"Cat")]


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n\n\n", b"\0", b"no header at all", b"From nobody\nFrom: a@b.example\n\nx", b"\r\n\r\nFrom: a@b.example\r\n\r\nx",
        b"Content-Type: a/b; name*=x''%41; name*1*=z\n\nx", b"Content-Type: text/plain; charset=\"utf\0-8\"\n\n\xff",
        b"Content-Type: multipart/mixed\n\nx", b"Content-Type: multipart/mixed; boundary=b\n\nx", b"Content-Type: message/rfc822\n\n",
        b"Content-Type: text/plain; charset*=x''idna\n\n\xff", b"Content-Type: text/plain; charset=undefined\n\n\xff",
        b"From: a@b.example\rSubject: x\r\rbody", b"Date: Mon, 99 Foo 99999 99:99 +9999\n\nx",
        b"Content-Type: application/ms-tnef; name=winmail.dat\n\nx",
    ],
)  # fmt: skip
def test_whatever_comes_a_mail_comes_out(raw: bytes, reading: Reading) -> None:
    mail = reading(raw)
    assert mail.size == len(raw)
    assert not any(problem.startswith("not parsed") for problem in mail.problems)


def test_the_same_message_has_one_content_key_however_it_came(reading: Reading) -> None:
    mail = (
        "From: A <a@b.example>\nMessage-ID: <1@b.example>\nDate: Tue, 9 Jun 2026 10:12:00 +0200\nSubject: x\n\nbody\n"
    )
    again = "Received: from x\nX-Spam: no\n" + mail.replace("Subject: x", "Subject:\n x")
    assert reading(mail).content_key == reading(again.replace("\n", "\r\n")).content_key
    assert reading(mail).content_key != reading(mail.replace("body", "other")).content_key
    assert reading(mail).digest != reading(again).digest


def test_references_keep_their_order_and_lose_their_brackets(reading: Reading) -> None:
    mail = reading("From: a@b.example\nReferences: <1@x>\n <2@x> <1@x>\nIn-Reply-To: <2@x> (your mail)\n\nx")
    assert mail.references == ("1@x", "2@x")
    assert mail.in_reply_to == ("2@x",)


def test_a_mail_forwarded_as_an_attachment_names_its_sender(reading: Reading) -> None:
    mail = reading(
        "From: a@b.example\nSubject: Fwd: RAM\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nSee.\n--b\n"
        "Content-Type: message/rfc822\n\nFrom: Kate <k@w.example>\nSubject: RAM\nMessage-ID: <r@w.example>\n\nHow much?\n--b--\n"
    )
    assert mail.forwarded is not None
    assert (mail.forwarded.address, mail.forwarded.subject, mail.forwarded.message_id) == (
        "k@w.example",
        "RAM",
        "r@w.example",
    )
    assert [one.filename for one in mail.attachments] == ["RAM.eml"]


@pytest.mark.parametrize(
    ("raw", "limit"),
    [
        (b"X: " + b"a" * 300_000 + b"\n\nx", "header_bytes"),
        (b"X: a\n" * 1001 + b"\nx", "header_lines"),
        (b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 600, "max_parts"),
        (
            b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(80)) + b"\nx",
            "max_depth",
        ),
        (b"Content-Type: message/rfc822\n\n" * 80 + b"x", "max_depth"),
    ],
)
def test_a_mail_beyond_the_limits_is_refused_before_it_costs(raw: bytes, limit: str, phrases: Phrases) -> None:
    with pytest.raises(LimitExceeded) as caught:
        read(raw, phrases=phrases, known_tags=())
    assert caught.value.limit == limit


def test_a_mail_within_the_limits_is_read_whatever_it_talks_about(phrases: Phrases) -> None:
    raw = b"From: a@b.example\n\n" + b"Content-Type: multipart/mixed; boundary=b\n--b\n" * 600
    assert read(raw, phrases=phrases, known_tags=(), limits=Limits(max_parts=5, max_depth=3)).text

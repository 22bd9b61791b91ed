"""What leaves is the message that was meant, byte for byte safe (A4; CVE-2024-6923)."""

import base64
import email
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import unquote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.compose import headers
from mailgate.compose.message import to_bytes
from mailgate.model.letter import Rendered
from mailgate.model.ticket import StoredFile
from mailgate.parse.flowed import joined

NOON = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
MEANT = [
    "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "MIME-Version", "Content-Type", "Content-Transfer-Encoding",
]  # fmt: skip
HIDDEN = "=?utf-8?B?" + base64.b64encode(b"hi\r\nBcc: victim@evil.example").decode() + "?="
HOSTILE = (
    HIDDEN, "=?utf-8?Q?a=0D=0ABcc:_x@y?=", "a\r\nBcc: x@y", "a\nBcc: x", "a\rBcc: x", "=\u200b?utf-8?B?YQ==?=",
    f"=?=?utf-8?B?aGkNCkJjYzogdg==?={HIDDEN}", "x" * 2000, "\udcc8 ok", "Тест " * 300, "a\x00b", "a\u2028Bcc: x",
    "\x85Bcc: x", '"; name="', "\\", "<>", "",
)  # fmt: skip


def a_rendered(**changes: object) -> Rendered:
    rendered = Rendered(
        kind="ack", desk="desk", audience="customer", ticket=10001, to="olena@shop.example", to_name="Olena",
        from_="support@desk.example", from_name="Example Support", reply_to="support+r-1@desk.example",
        envelope_from="support+r-1@desk.example", subject="[desk #10001] 502", text="Hello,\n\n502.\n", language="en",
        message_id="a.t1.b@desk.example", in_reply_to="c@shop.example", references=("c@shop.example",),
        headers=(("Auto-Submitted", "auto-replied"),),
    )  # fmt: skip
    return replace(rendered, **changes)  # type: ignore[arg-type]


def a_file(**changes: object) -> StoredFile:
    file = StoredFile(
        filename="a.txt", content_type="text/plain", size=1, sha256="00", inline=False, digest="d", part=0
    )
    return replace(file, **changes)  # type: ignore[arg-type]


def parsed(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    return message


def words(value: str) -> str:
    """As a reader of the header sees it, whatever the folding did to single spaces."""
    return " ".join(value.split())


def test_a_plain_letter_reads_back_as_it_was_meant():
    message = parsed(to_bytes(a_rendered(), [], NOON))
    assert message.keys() == MEANT
    assert message["Date"].datetime == NOON
    assert message["From"].addresses[0].addr_spec == "support@desk.example"
    assert message["Message-ID"] == "<a.t1.b@desk.example>"
    assert message["References"] == "<c@shop.example>"
    assert message.get_content().replace("\r\n", "\n") == "Hello,\n\n502.\n"


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("place", ["subject", "to_name", "from_name", "to"])
def test_no_value_can_add_a_header(place, value):
    raw = to_bytes(a_rendered(**{place: value}), [], NOON)
    for policies in (policy.default, policy.compat32):
        assert email.message_from_bytes(raw, policy=policies).keys() == MEANT
    assert headers.names_of(raw.partition(b"\r\n\r\n")[0].decode()) == MEANT


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_hostile_name_decodes_to_holds_no_header_either(value):
    message = parsed(to_bytes(a_rendered(subject=value, to_name=value), [(a_file(filename=value), b"x")], NOON))
    assert "\n" not in str(message["Subject"])
    assert "\r" not in str(message["Subject"])
    assert [address.addr_spec for address in message["To"].addresses] == ["olena@shop.example"]
    # The library takes quotes and brackets off a name twice.
    assert [part.get_filename() for part in message.iter_attachments()] == [unquote(headers.clean_line(value, 150))]


@given(subject=st.text(max_size=300), name=st.text(max_size=80))
@settings(max_examples=60, deadline=None)
def test_any_subject_and_name_read_back_as_their_clean_line(subject, name):
    message = parsed(to_bytes(a_rendered(subject=subject, to_name=name), [], NOON))
    assert message.keys() == MEANT
    assert words(str(message["Subject"])) == words(headers.clean_line(subject))
    # The library keeps the space between two encoded words of a name, which RFC 2047, 6.2 drops.
    shown = message["To"].addresses[0].display_name
    assert "".join(shown.split()) == "".join(headers.clean_line(name, 200).split())


@given(text=st.text(max_size=600), html=st.sampled_from(["", "<p>x</p>\n"]))
@settings(max_examples=60, deadline=None)
def test_any_text_reads_back_with_its_lines(text, html):
    message = parsed(to_bytes(a_rendered(text=text + "\n", html=html), [], NOON))
    body = message.get_body(("plain",))
    assert body is not None
    meant = f"{text}\n".replace("\r\n", "\n").replace("\r", "\n").encode("utf-8", "replace").decode()
    payload = body.get_payload(decode=True)
    assert isinstance(payload, bytes)
    # RFC 3676: joined as a reader does; blanks at the end of a line would mean that it goes on
    kept = [line if line == "-- " else line.rstrip(" ") for line in meant.split("\n")]
    assert joined(payload.decode().replace("\r\n", "\n")) == "\n".join(kept)


@given(name=st.text(min_size=1, max_size=200), data=st.binary(max_size=300))
@settings(max_examples=50, deadline=None)
def test_any_attachment_reads_back_with_its_name_and_bytes(name, data):
    message = parsed(to_bytes(a_rendered(), [(a_file(filename=name, content_type="image/png"), data)], NOON))
    (part,) = message.iter_attachments()
    assert part.get_payload(decode=True) == data
    assert words(part.get_filename() or "") == words(unquote(headers.clean_line(name, 150)))


@pytest.mark.parametrize(
    "text",
    ["", "ascii\n", "größer\n", "Привіт\n", "x" * 5000,
     ".\n..\nFrom me\n", "a\x00b", "trailing \nspace\t\n", "🚀" * 500],
)  # fmt: skip
def test_every_line_is_short_ascii_with_crlf(text):
    raw = to_bytes(a_rendered(text=text, subject=f"[desk #1] {text[:300]}", to_name=text[:90]), [], NOON)
    lines = raw.split(b"\r\n")
    assert raw.isascii()
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    assert max(map(len, lines)) <= 998
    assert not [line for line in lines if b"=?utf-8?" in line and len(line) > 76]


def test_the_tag_can_be_read_without_decoding():
    raw = to_bytes(a_rendered(subject="[desk #10001] Сайт не відкривається"), [], NOON)
    assert b"Subject: [desk #10001] =?utf-8?B?" in raw


def test_a_recipient_in_an_idn_domain_is_written_in_idna():
    message = parsed(to_bytes(a_rendered(to="info@müller.example"), [], NOON))
    assert message["To"].addresses[0].addr_spec == "info@xn--mller-kva.example"
    assert headers.wire_address("info@müller.example") == "info@xn--mller-kva.example"


def test_a_local_part_beyond_ascii_stays_and_asks_for_smtputf8():
    raw = to_bytes(a_rendered(to="олена@shop.example", to_name=""), [], NOON)
    assert "To: олена@shop.example\r\n".encode() in raw
    assert not headers.wire_address("олена@shop.example").isascii()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("o'brien+x@a.example", "o'brien+x@a.example"),
        ('"john doe"@a.example', '"john doe"@a.example'),
        ("a, b@c.example", '"a, b"@c.example'),
        ("x@a.example>, <y@b.example", '"x@a.example, y"@b.example'),
    ],
)
def test_an_odd_address_stays_one_address(address, shown):
    assert headers.header_address(address) == shown
    message = parsed(to_bytes(a_rendered(to=address), [], NOON))
    assert len(message["To"].addresses) == 1


def test_pictures_of_the_html_are_related_and_files_attached():
    files = [
        (a_file(filename="logo.png", content_type="image/png", inline=True, content_id="<logo@x>"), b"png"),
        (a_file(filename="Rechnung März.pdf", content_type="application/pdf"), b"%PDF"),
    ]
    message = parsed(to_bytes(a_rendered(html='<img src="cid:logo@x">\n'), files, NOON))
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
        "application/pdf",
    ]  # fmt: skip
    picture = next(part for part in message.walk() if part.get_content_type() == "image/png")
    assert (picture["Content-ID"], picture.get_content_disposition()) == ("<logo@x>", "inline")
    assert [part.get_filename() for part in message.iter_attachments()] == ["Rechnung März.pdf"]


def test_an_inline_picture_without_html_is_an_attachment():
    picture = a_file(filename="p.png", content_type="image/png", inline=True, content_id="<p@x>")
    message = parsed(to_bytes(a_rendered(), [(picture, b"png")], NOON))
    (part,) = message.iter_attachments()
    assert part.get_content_disposition() == "attachment"


@pytest.mark.parametrize(
    ("claimed", "sent"),
    [
        ("message/rfc822", "application/octet-stream"),
        ("multipart/mixed; boundary=x", "application/octet-stream"),
        ("text/plain\r\nBcc: x@y", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("Text/CSV; charset=utf-8", "text/csv"),
    ],
)
def test_a_claimed_type_that_cannot_be_sent_becomes_plain_bytes(claimed, sent):
    message = parsed(to_bytes(a_rendered(), [(a_file(content_type=claimed), b"x")], NOON))
    assert [part.get_content_type() for part in message.iter_attachments()] == [sent]


def test_a_text_that_plays_the_boundary_stays_one_part():
    file = (a_file(), b"--=_mixed-a.t1.b--\r\n\r\nContent-Type: text/html\r\n\r\nx")
    first = to_bytes(a_rendered(), [file], NOON)
    boundary = re.findall(rb'boundary="([^"]+)"', first)[0].decode()
    message = parsed(to_bytes(a_rendered(text=f"--{boundary}\n\n--{boundary}--\n"), [file], NOON))
    assert [part.get_content_type() for part in message.walk()] == ["multipart/mixed", "text/plain", "text/plain"]


def test_a_header_that_was_not_meant_is_a_bug_and_no_mail():
    with pytest.raises(ValueError, match="Bcc"):
        to_bytes(a_rendered(message_id="a@b>\r\nBcc: <v@x"), [], NOON)


def test_a_megabyte_of_the_worst_is_written_in_linear_time():
    began = time.process_time()
    for text in ("=?" * 2**19, " " * 2**20, "\r\n" * 2**19, "é" * 2**20, "x" * 2**20, "\x00" * 2**20):
        to_bytes(a_rendered(subject=text, to_name=text, to=text, text=text), [(a_file(filename=text), b"x")], NOON)
    assert time.process_time() - began < 5

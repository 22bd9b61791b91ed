"""No text of a mail, a form or a name becomes a header, a template, or markup in what leaves (A4)."""

import base64
import email
import re
from dataclasses import replace
from datetime import UTC, datetime
from email import policy
from typing import Any

import pytest

from mailgate.compose.headers import names_of
from mailgate.compose.letters import compose
from mailgate.compose.message import to_bytes
from mailgate.compose.samples import variants
from mailgate.compose.templates import Templates
from mailgate.intake.panel import panel_mail
from mailgate.model.letter import CUSTOMER_LETTERS, LETTER_KINDS, NOTICE_BOTTOM, NOTICE_MARKERS, Letter, Rendered
from mailgate.model.mail import is_deliverable
from mailgate.model.ticket import StoredFile
from mailgate.outbox.relay import Parcel, Refused
from mailgate.outbox.smtp import SmtpAddress, SmtpRelay
from mailgate.parse import html_text, read
from tests.outbox.relays import relay_server
from tests.world import World, a_mail, shipped_desk, shipped_phrases, shipped_templates

SECRET = b"a secret of the tests, 32 bytes."
NOON = datetime(2026, 6, 8, 12, 0, tzinfo=UTC)


def hidden(text: str) -> str:
    """Return `text` as an encoded word."""
    return f"=?utf-8?B?{base64.b64encode(text.encode()).decode()}?="


HEADERS = {
    "crlf": "x\r\nBcc: victim@evil.example\r\n\r\n<b>body</b>",
    "lf": "x\nBcc: victim@evil.example",
    "cr": "x\rBcc: victim@evil.example",
    "next line": "x\x85Bcc: victim@evil.example\u2028Bcc: v@evil.example\x0bBcc: v\x0cBcc: v",
    "encoded word": hidden("x\r\nBcc: victim@evil.example"),
    "quoted word": "=?utf-8?Q?x=0D=0ABcc:_victim@evil.example?=",
    "word in word": f"=?utf-8?Q?{hidden('x')[:-2]}=3F=3D?= {hidden(hidden('a' + chr(13) + chr(10) + 'Bcc: v'))}",
    "folded": "x\r\n Bcc: victim@evil.example\r\nBcc: v@evil.example",
    "nul": "x\0\r\n\0Bcc: v@evil.example",
}
TEMPLATES = (
    "{{ 7*'7' }}", "{% for x in range(9) %}boo{% endfor %}", "{{ self.__init__.__globals__ }}", "{# gone #}kept",
    "{{ ''.__class__.__mro__ }}", "${7*7}", "#{7*7}", "{{", "{%", "%}",
)  # fmt: skip
MARKUP = '<script>alert(1)</script><img src=x onerror=alert(1)>"\'&<a href="javascript:x">x</a>'
EVERYTHING = " ".join((*HEADERS.values(), *TEMPLATES, MARKUP))


def poisoned(value: Any, poison: str) -> Any:
    """Return `value` with `poison` behind every text in it that a stranger could have written."""
    match value:
        case str():
            return f"{value}{poison}" if _is_words(value) else value
        case dict():
            return {key: poisoned(one, poison) for key, one in value.items()}
        case tuple():
            return tuple(poisoned(one, poison) for one in value)
        case list():
            return [poisoned(one, poison) for one in value]
        case _:
            return value


def _is_words(value: str) -> bool:
    # the rest are words of our own: kinds, states, classes, causes
    return bool(re.search(r"[\s@.“”«»„/]|[^\x00-\x7f]", value))


def letters(poison: str, kinds: tuple[str, ...] = LETTER_KINDS) -> list[tuple[str, Letter]]:
    """Return every way to write every letter, with poison wherever a text of others stands."""
    found = []
    for kind in kinds:
        for name, letter in variants(kind, "flexihost", "en").items():
            hostile = replace(
                letter, subject=letter.subject + poison, to_name=letter.to_name + poison,
                context=poisoned(dict(letter.context), poison), in_reply_to=f"<a@b.example{poison}>",
                references=("c@d.example", f"e@f.example{poison}", poison),
            )  # fmt: skip
            found.append((f"{kind} {name}", hostile))
    return found


def rendered(letter: Letter, templates: Templates | None = None, language: str = "en") -> Rendered:
    return compose(
        replace(letter, language=language), shipped_desk("flexihost"), templates or shipped_templates(), id_="01hq3zk5",
        secret=SECRET, number=10001,
    )  # fmt: skip


def a_file(name: str, content_id: str | None = None) -> tuple[StoredFile, bytes]:
    file = StoredFile(
        filename=name, content_type=f"text/plain{name}", size=1, sha256="00", inline=content_id is not None, digest="d",
        part=0, content_id=content_id,
    )  # fmt: skip
    return file, b"\r\n.\r\nMAIL FROM:<a@b>\r\n"


MEANT = {
    "Date", "From", "To", "Reply-To", "Subject", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Auto-Response-Suppress", "Precedence", "X-Mailgate-ID", "X-Mailgate-Kind", "MIME-Version", "Content-Type",
    "Content-Transfer-Encoding",
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_the_bytes_of_every_letter_hold_the_headers_that_were_meant_and_no_other(name: str):
    poison = HEADERS[name]
    for what, letter in letters(poison):
        if not what.endswith(" full"):
            continue
        raw = to_bytes(rendered(letter), [a_file(poison), a_file(f"b{poison}.png", f"<c{poison}>")], NOON)
        head = raw.partition(b"\r\n\r\n")[0]
        assert set(names_of(head.decode())) <= MEANT, what
        assert len(names_of(head.decode())) == len(set(names_of(head.decode()))), what
        for policies in (policy.default, policy.compat32):
            message = email.message_from_bytes(raw, policy=policies)
            assert set(message.keys()) <= MEANT, what
            for part in message.walk():
                assert not {"bcc", "Bcc", "BCC"} & set(part.keys()), what
        lines = raw.split(b"\r\n")
        assert not [line for line in lines if b"\r" in line or b"\n" in line or b"\0" in line], what
        assert b"." not in lines, what  # nothing that a relay could take for the end of the mail


def test_what_a_reader_decodes_from_a_header_of_ours_is_one_line_too():
    for what, letter in letters(EVERYTHING, CUSTOMER_LETTERS):
        message = email.message_from_bytes(to_bytes(rendered(letter), [], NOON), policy=policy.default)
        for name in ("Subject", "To", "From", "Reply-To", "In-Reply-To", "References"):
            value = str(message.get(name, ""))
            assert not re.search("[\r\n\x85\u2028\x0b\x0c]", value), (what, name)
            again = str(email.header.make_header(email.header.decode_header(value)))
            assert not re.search("[\r\n]", again), (what, name)  # a second decoding brings nothing to light


def test_marks_of_the_template_language_in_any_text_are_text():
    poison = " ".join(TEMPLATES)
    for what, letter in letters(poison):
        written = rendered(letter)
        whole = f"{written.subject}\n{written.text}"
        assert not re.search(r"7777777|boo(?!\{)(?:boo)+|<class|__globals__'|\b49\b", whole), what
        if letter.kind in ("ack", "relay", "staff_notice"):
            assert "{{ 7*'7' }}" in written.subject, what


def test_a_customers_marks_come_back_to_them_and_reach_staff_as_they_were_written():
    world = World()
    world.staff("ivan@team.example")
    world.post(
        a_mail("Report {{ 7*7 }} {% raw %}", "Text {{ config }} ${7*7}", sender='"{{ 7*7 }}" <olena@shop.example>'),
        "support@flexihost.example",
    )
    [ack], [notice] = world.sent("ack"), world.sent("staff_notice")
    assert "{{ 7*7 }} {% raw %}" in ack.message["Subject"]
    assert ack.message["To"].addresses[0].display_name == "{{ 7*7 }}"
    assert "Text {{ config }} ${7*7}" in notice.text
    assert "49" not in ack.text


def test_the_html_twin_of_an_operators_template_escapes_every_value():
    sources = {"common/en/ack.txt": "{{ subject }}", "common/en/ack.html": "<p>{{ subject }}</p>{{ to_name }}"}
    [(_, letter), *_] = letters(MARKUP, ("ack",))
    html = rendered(letter, Templates.from_sources(sources)).html
    assert "<script" not in html
    assert "<img" not in html
    assert "&lt;script&gt;" in html


def test_a_template_of_the_operator_cannot_leave_its_sandbox():
    for source in (
        "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ card.__class__ }}", "{{ subject.__init__.__globals__ }}",
        "{% set x = history.append(1) %}",
    ):  # fmt: skip
        [(_, letter), *_] = letters("", ("handover",))
        with pytest.raises(Exception, match=r"unsafe|undefined|not safe|no attribute"):
            rendered(letter, Templates.from_sources({"common/en/handover.txt": source}))


@pytest.mark.parametrize("marker", NOTICE_MARKERS)
def test_no_customer_can_write_the_line_that_ends_our_part_of_a_notice(marker: str):
    several = f"\n{marker}\n{marker.upper()}\n  {marker}\n"
    for what, letter in letters(f" {marker}"):  # names, subjects and fields are lines
        if letter.audience == "customer":
            continue
        texts = {
            key: f"{letter.context[key]}{several}" for key in ("text", "original", "reason") if key in letter.context
        }
        letter = replace(letter, context={**letter.context, **texts})
        lines = [line.strip() for line in rendered(letter).text.split("\n")]
        ours = [line for line in lines if line in NOTICE_MARKERS]
        assert len(ours) in (0, 2), what
        assert not ours or (lines[0] in NOTICE_MARKERS and lines[-2 if not lines[-1] else -1] in NOTICE_BOTTOM.values())


@pytest.mark.parametrize("name", HEADERS)
def test_a_hostile_mail_adds_no_header_to_any_letter_that_follows_from_it(name: str):
    poison = HEADERS[name]
    flat = " ".join(poison.split())
    world = World()
    world.staff("ivan@team.example")
    raw = a_mail(
        f"Help {hidden('Help ' + poison)} {flat}", f"Text\n{poison}\n", sender=f'{hidden(poison)} <olena@shop.example>',
        id_=f"a{flat}@shop.example", more=f"References: <a\t{flat}> <b@c.example>\n"
        f"In-Reply-To: <x{flat}@y>\nReply-To: <{flat}@z>\n"
        f"Cc: {hidden(poison)} <cc@shop.example>\n",
    )  # fmt: skip
    world.post(raw, "support@flexihost.example")
    world.run(hours=3)  # reminder and breach speak of it too
    assert {"ack", "staff_notice", "reminder"} <= {one.kind for one in world.left}
    for one in world.left:
        assert set(names_of(one.raw.partition(b"\r\n\r\n")[0].decode())) <= MEANT
        assert "victim@evil.example" not in one.letter.rendered.envelope_from + one.to


@pytest.mark.parametrize("name", HEADERS)
def test_a_form_of_the_panel_adds_no_header_to_its_mail(name: str):
    poison = HEADERS[name]
    raw = panel_mail(
        address="olena@shop.example", name=f"Olena {poison}", mailbox="support@flexihost.example", subject=poison,
        text=poison, message_id="a@panel.invalid", at=NOON, files=[(f"a{poison}.txt", "text/plain", b"x")],
    )  # fmt: skip
    mail = read(raw, phrases=shipped_phrases(), known_tags=frozenset({"flexihost"}))
    message = email.message_from_bytes(raw, policy=policy.default)
    assert [key.lower() for key in message].count("bcc") == 0
    assert [address.key for address in mail.from_] == ["olena@shop.example"]
    assert [address.key for address in mail.to] == ["support@flexihost.example"]
    assert "\n" not in mail.subject
    assert "\n" not in mail.attachments[0].filename


@pytest.mark.parametrize(
    "type_", ["text/plain\r\nBcc: v@evil.example", "text", "", "/", "a/b/c", "multipart/mixed", "message/rfc822",
              "text/plain; charset=evil\r\n x", "TEXT/\u0430", "x" * 500 + "/y"],
)  # fmt: skip
def test_a_content_type_of_the_panel_is_a_content_type_or_none(type_: str):
    raw = panel_mail(
        address="olena@shop.example", name="", mailbox="support@flexihost.example", subject="x", text="x",
        message_id="a@panel.invalid", at=NOON, files=[("a.bin", type_, b"\x00\x01")],
    )  # fmt: skip
    mail = read(raw, phrases=shipped_phrases(), known_tags=frozenset())
    assert [(one.filename, one.content) for one in mail.attachments] == [("a.bin", b"\x00\x01")]


def test_script_in_a_mail_is_not_text_and_its_words_stay():
    text = html_text(f"<p>Hello</p>{MARKUP}<style>p{{color:red}}</style><p>World</p>", shipped_phrases())
    assert "alert" not in text
    assert "color" not in text
    assert "Hello" in text
    assert "World" in text


TWO_READINGS = (
    "", "x", "@x.example", "x@", "a b@x.example", "x<victim@evil.example>@y", '"a" <victim@evil.example>',
    "a,victim@evil.example",
    "victim@evil.example@x.example", "x@y.example\r\nRCPT TO:<v@evil.example>", "x@y.example;v@evil.example",
    "(v@evil.example)x@y",
    '"v@evil.example"@x.example', "@a.example:v@evil.example", "x\0@y.example", "x" * 65 + "@y.example",
)  # fmt: skip


@pytest.mark.parametrize("address", TWO_READINGS)
async def test_an_address_that_can_be_read_in_two_ways_gets_no_letter(address: str):
    assert not is_deliverable(address)
    async with relay_server() as server:
        relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.port, tls="off", seconds=5))
        parcel = Parcel(
            id="a", message_id="a@b", envelope_from="a@b.example", to=address, raw=b"Subject: x\r\n\r\nx\r\n"
        )
        result = await relay.send(parcel)
        await relay.close()
    assert isinstance(result, Refused)
    assert result.is_permanent
    assert not server.mails


@pytest.mark.parametrize("address", ["o'brien+x@a.example", '"john doe"@a.example', "олена@пошта.example"])
def test_an_ordinary_address_gets_its_letters(address: str):
    assert is_deliverable(address)

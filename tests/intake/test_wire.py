"""What comes in pieces is cut as though it had come at once (I1): against a plain parser of the whole, line by line."""

import asyncio
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.intake.gate import Gate
from mailgate.intake.session import Session, tls_context
from mailgate.intake.wire import LINE_BYTES, Wire
from mailgate.model.settings import SmtpSettings
from mailgate.store.ids import Ids
from tests.certificates import make_certificate
from tests.intake.doors import RECIPIENTS, TO, Kept, beside, house

COMMANDS = [
    b"EHLO client.example", b"HELO x", b"MAIL FROM:<a@b.example>", b"MAIL FROM:<>", b"RCPT TO:<%s>" % TO.encode(),
    b"RCPT TO:<nobody@flexihost.example>", b"DATA", b"DATA x", b"RSET", b"NOOP", b"", b"\xff\xfe", b"WHAT", b"VRFY x",
    b"EHLO a\rb", b"NOOP " + b"x" * 3000, b"NOOP " + b"y" * (LINE_BYTES + 10), b".",
]  # fmt: skip
PIECES = [b"\r\n", b"\n", b"\r", b".", b"..", b".\r\n", b"\r\n.\r\n", b"\n.\n", b"\0", b"text", b"QUIT", b"\r\n.", b" "]
lines = st.builds(lambda line, end: line + end, st.sampled_from(COMMANDS), st.sampled_from([b"\r\n", b"\r\n", b"\n"]))
mails = st.lists(st.sampled_from(PIECES), max_size=12).map(lambda pieces: b"".join(pieces) + b"\r\n.\r\n")
opening = b"EHLO client.example\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % TO.encode()
talks = st.lists(
    st.one_of(lines, st.builds(lambda mail: opening + mail, mails)), max_size=8
).map(b"".join)  # fmt: skip


def pieces_of(said: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """Cut `said`; a cut is taken modulo its length, so that they fall anywhere."""
    places = sorted({cut % (len(said) + 1) for cut in cuts} | {0, len(said)})
    return (said[start:end] for start, end in pairwise(places))


class Plainly:
    """The whole of what a client says, understood line by line: which mails it sent, and the codes of the replies."""

    def __init__(self, said: bytes) -> None:
        self.mails: list[bytes] = []
        self.codes: list[bytes] = []
        self._greeted = self._has_sender = self._has_recipient = False
        self._unknown = 0
        self._is_over = False
        while said and not self._is_over:
            line, end, said = said.partition(b"\n")
            if end:
                said = self._command(line.rstrip(b"\r"), said)

    def _command(self, line: bytes, rest: bytes) -> bytes:
        verb, _, argument = line.partition(b" ")
        verb, argument = verb.upper(), argument.strip()
        code = b"500"
        if len(line) > 2048 + 26 + 10:
            pass
        elif verb in (b"EHLO", b"HELO"):
            code = b"250" if argument else b"501"
            self._forget(code)
            self._greeted |= bool(argument)
        elif verb == b"RSET":
            code = b"501" if argument else b"250"
            self._forget(code)
        elif verb == b"NOOP":
            code = b"250"
        elif verb == b"QUIT":
            code = b"501" if argument else b"221"
            self._is_over = not argument
        elif verb == b"VRFY":
            code = b"252"
        elif verb == b"MAIL":
            code = b"250" if self._greeted and not self._has_sender else b"503"
            self._has_sender |= code == b"250"
        elif verb == b"RCPT":
            code = b"503" if not self._has_sender else b"550" if b"nobody" in line else b"250"
            self._has_recipient |= code == b"250"
        elif verb == b"DATA":
            code = b"503" if not self._greeted else b"501" if argument else b"354"
            if code == b"354" and not self._has_recipient:
                code = b"503"
        elif line and verb.isascii():
            self._unknown += 1
            self._is_over = self._unknown == 5
            code = b"502" if self._is_over else b"500"
        self.codes.append(code)
        return self._mail(rest) if code == b"354" else rest

    def _forget(self, code: bytes) -> None:
        if code == b"250":
            self._has_sender = self._has_recipient = False

    def _mail(self, rest: bytes) -> bytes:
        """RFC 5321, 4.5.2, in so many words."""
        text, lines = b"", rest.split(b"\r\n")
        for place, line in enumerate(lines[:-1]):
            if line == b".":
                self.mails.append(text)
                self.codes.append(b"250")
                self._forget(b"250")
                return b"\r\n".join(lines[place + 1 :])
            text += (line[1:] if line.startswith(b".") else line) + b"\r\n"
        return b""


class Line(asyncio.Transport):
    """What a session writes to."""

    def __init__(self) -> None:
        super().__init__()
        self.said = b""
        self.is_closed = False

    def write(self, data: object) -> None:
        assert isinstance(data, bytes)
        self.said += data

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("127.0.0.1", 5) if name == "peername" else default

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None:
        self.is_closed = True


async def play(said: bytes, cuts: Sequence[int]) -> tuple[list[bytes], list[bytes]]:
    """Say it in pieces; return the mails that were kept, and the codes of the replies."""
    kept, line = Kept(), Line()
    session = Session(Gate(SmtpSettings(hostname="mx.flexihost.example"), RECIPIENTS, kept, Ids().new))
    session.connection_made(line)
    for piece in pieces_of(said, cuts):
        session.data_received(piece)
        if len(piece) % 2:  # a mail is stored while more comes, or before
            await asyncio.sleep(0)
    for _ in range(200):
        await asyncio.sleep(0)
    codes = [reply[:3] for reply in line.said.split(b"\r\n") if reply[3:4] == b" "]
    session.connection_lost(None)
    return kept.raw, codes[1:]


@settings(max_examples=150, deadline=None)
@given(said=talks, cuts=st.lists(st.integers(0, 20_000), max_size=12))
def test_a_talk_is_understood_the_same_however_it_is_cut(said: bytes, cuts: list[int]):
    plainly = Plainly(said)
    mails, codes = asyncio.run(play(said, cuts))
    assert mails == plainly.mails
    assert codes == plainly.codes


@settings(max_examples=30, deadline=None)
@given(said=talks)
def test_a_talk_is_understood_the_same_letter_by_letter(said: bytes):
    plainly = Plainly(said)
    mails, codes = asyncio.run(play(said, range(len(said))))
    assert (mails, codes) == (plainly.mails, plainly.codes)


def test_a_line_that_never_ends_is_not_kept():
    wire = Wire()
    for _ in range(1000):
        wire.feed(b"x" * 1000)
        assert wire.line() is None
        assert len(wire) <= LINE_BYTES + 1000
    wire.feed(b"\r\nNOOP\r\n")
    assert len(wire.line() or b"") > LINE_BYTES
    assert wire.line() == b"NOOP"


def test_of_a_mail_that_is_refused_only_its_end_is_waited_for():
    wire = Wire()
    wire.begin_mail()
    for piece in (b"x" * 10_000, b"\r\n.", b"\rxx", b".\r\n..\r\n", b"\r\n."):
        wire.feed(piece)
        assert wire.mail() is None
        wire.drop()
        assert len(wire) < 10
    wire.feed(b"\r\nNOOP\r\n")
    assert wire.mail() is not None
    assert wire.line() == b"NOOP"


@pytest.mark.parametrize("is_secret", [False, True], ids=["clear", "tls"])
def test_the_door_is_the_same_on_uvloop(tmp_path: Path, is_secret: bool):
    certificate = make_certificate(tmp_path)
    raw = b"Subject: x\r\n\r\n" + b"..x\r\n" * 100_000

    def send(port: int) -> None:
        with smtplib.SMTP("localhost", port, timeout=10) as client:
            if is_secret:
                client.starttls(context=ssl.create_default_context(cafile=certificate[0]))
            for _ in range(2):
                client.sendmail("a@b.example", [TO], raw)

    async def serve() -> list[bytes]:
        async with house(tls=tls_context(*certificate)) as here:
            await beside(send, here.port)
            return here.kept.raw

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(serve()) == [raw, raw]

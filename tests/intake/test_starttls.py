"""STARTTLS at the SMTP door."""

import smtplib
import ssl
from pathlib import Path

import pytest

from mailgate.intake.session import tls_context
from tests.certificates import make_certificate
from tests.intake.doors import TO, House, beside, house

pytestmark = pytest.mark.timeout(30)


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[str, str]:
    return make_certificate(tmp_path)


async def test_a_mail_comes_over_tls_and_nothing_is_offered_to_sign_in_to(certificate: tuple[str, str]):
    def send(port: int) -> list[str]:
        trusted = ssl.create_default_context(cafile=certificate[0])
        with smtplib.SMTP("localhost", port, timeout=10) as client:
            client.ehlo()
            before = sorted(client.esmtp_features)
            client.starttls(context=trusted)
            client.ehlo()
            client.sendmail("a@b.example", [TO], b"Subject: x\r\n\r\n" + b"x\r\n" * 100_000)
            return [*before, "|", *sorted(client.esmtp_features)]

    async with house(tls=tls_context(*certificate)) as here:
        offered = await beside(send, here.port)
    assert offered == [
        "8bitmime", "pipelining", "size", "smtputf8", "starttls", "|", "8bitmime", "pipelining", "size", "smtputf8",
    ]  # fmt: skip
    assert len(here.kept.raw[0]) == 300_014
    assert not here.gate.guests


async def test_what_is_sent_before_the_handshake_is_not_taken_for_what_comes_after(certificate: tuple[str, str]):
    def talk(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.send(b"STARTTLS\r\nMAIL FROM:<evil@x.example>\r\n")
            line.read()
            context = ssl.create_default_context(cafile=certificate[0])
            with context.wrap_socket(line.sock, server_hostname="localhost") as secure:
                secure.sendall(b"EHLO x\r\nRCPT TO:<%s>\r\n" % TO.encode())
                answer = b""
                while b"503" not in answer and b"250 OK" not in answer:
                    answer += secure.recv(4096)
                return answer.decode()

    async with house(tls=tls_context(*certificate)) as here:
        answer = ""
        try:
            answer = await beside(talk, here)
        except ssl.SSLError:  # the line in the clear may also break the handshake
            return
    assert "503" in answer


async def test_garbage_instead_of_a_handshake_ends_the_session(certificate: tuple[str, str]):
    def talk(here: House) -> bool:
        with here.dial() as line:
            line.say("EHLO x")
            assert line.say("STARTTLS").startswith("220")
            line.send(b"garbage garbage garbage garbage\r\n" * 10)
            try:
                line.sock.settimeout(5)
                while line.sock.recv(1000):
                    pass
            except ConnectionError:
                pass
            return True

    async with house(tls=tls_context(*certificate)) as here:
        assert await beside(talk, here)
        await beside(lambda: here.dial().close())


async def test_silence_after_starttls_is_cut(certificate: tuple[str, str]):
    def talk(here: House) -> bool:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("STARTTLS")
            return line.is_closed()

    async with house(tls=tls_context(*certificate), idle_seconds=0.2) as here:
        assert await beside(talk, here)

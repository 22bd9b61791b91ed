"""What a peer may do to the door: slowly, in secret, in heaps; the honest are served meanwhile (I1)."""

import asyncio
import gc
import resource
import smtplib
import socket
import ssl
from contextlib import suppress
from pathlib import Path

import pytest

from mailgate.intake.room import Room
from mailgate.intake.session import tls_context
from tests.certificates import make_certificate
from tests.intake.doors import TO, House, Line, beside, house

pytestmark = pytest.mark.timeout(30)
MAIL = b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n"
ENDS = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n",
    b"\x85.\x85", b"\r\r\n.\r\r\n", b"\n\n.\n\n", b"\x0b.\x0b", b"\r\n .\r\n", b"\r\n. \r\n",
    b"\xe2\x80\xa8.\xe2\x80\xa8",
)  # fmt: skip


def send(port: int, raw: bytes = MAIL) -> object:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        return client.sendmail("a@b.example", [TO], raw)


@pytest.mark.parametrize("lmtp", [False, True], ids=["smtp", "lmtp"])
@pytest.mark.parametrize("end", ENDS, ids=repr)
async def test_nothing_but_crlf_dot_crlf_ends_a_mail(end: bytes, lmtp: bool):
    smuggled = b"MAIL FROM:<admin@flexihost.example>\r\nRCPT TO:<%s>\r\nDATA\r\nFrom: evil\r\n\r\nx" % TO.encode()

    def talk(here: House) -> tuple[str, str]:
        with here.dial() as line:
            line.say("LHLO x" if lmtp else "EHLO x")
            line.say("MAIL FROM:<a@b.example>")
            line.say(f"RCPT TO:<{TO}>")
            line.say("DATA")
            line.send(b"Subject: x\r\n\r\nhello" + end + smuggled + b"\r\n.\r\nQUIT\r\n")
            return line.read(), line.read()

    async with house(lmtp=lmtp) as here:
        first, second = await beside(talk, here)
    assert first.startswith("250")
    assert second.startswith("221")
    [mail] = here.kept.mails
    assert mail.arrival.envelope_from == "a@b.example"
    assert b"MAIL FROM:<admin" in mail.raw


@pytest.mark.parametrize("command", [b"EHLO x\rMAIL FROM:<a@b.example>", b"NOOP\0\0"])
async def test_a_bare_line_end_in_a_command_makes_no_second_command_behind_an_address(command: bytes):
    def talk(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.send(command + b"\r\n")
            line.read()
            return line.say("DATA")

    async with house() as here:
        assert (await beside(talk, here)).startswith(("503", "500"))


async def test_what_was_said_in_the_clear_is_forgotten_with_starttls(tmp_path: Path):
    certificate = make_certificate(tmp_path)

    def talk(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<evil@x.example>")
            line.say(f"RCPT TO:<{TO}>")
            assert line.say("STARTTLS").startswith("220")
            context = ssl.create_default_context(cafile=certificate[0])
            with context.wrap_socket(line.sock, server_hostname="localhost") as secure:
                secure.sendall(b"EHLO x\r\n")
                answer = secure.recv(4096)
                secure.sendall(b"DATA\r\n")
                return secure.recv(4096).decode() + str(b"STARTTLS" in answer)

    async with house(tls=tls_context(*certificate)) as here:
        answer = await beside(talk, here)
    assert answer.startswith("503")  # RFC 3207, 4.2
    assert answer.endswith("False")


async def test_a_client_that_says_a_letter_at_a_time_is_cut():
    async def drip(here: House) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        rest = asyncio.create_task(reader.read())
        while not rest.done():
            writer.write(b"N")
            await asyncio.sleep(0.03)
        try:
            return await rest
        except ConnectionError:
            return b"421"

    async with house(idle_seconds=0.2) as here:
        assert b"421" in await drip(here)
        assert not here.gate.guests


async def test_a_client_that_talks_on_without_ever_sending_a_mail_is_sent_away():
    async def chat(here: House) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        rest = asyncio.create_task(reader.read())
        while not rest.done():
            writer.write(b"RSET\r\n")
            await asyncio.sleep(0.04)
        try:
            return await rest
        except ConnectionError:
            return b"421 4.4.2"

    async with house(idle_seconds=0.1) as here:
        assert b"421 4.4.2" in await asyncio.wait_for(chat(here), 10)


async def test_a_client_that_reads_no_answer_is_cut():
    async with house(idle_seconds=0.3) as here:
        sock = socket.create_connection(("127.0.0.1", here.port))
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setblocking(False)
        for _ in range(200):
            try:
                sock.send(b"VRFY x\r\n" * 100)
            except BlockingIOError:
                break
        for _ in range(400):
            if not here.gate.guests:
                break
            await asyncio.sleep(0.03)
        assert not here.gate.guests
        sock.close()
        assert await beside(send, here.port) == {}


async def half_open(here: House, count: int, size: int) -> list[Line]:
    """Begin that many mails of that size and end none."""

    def begin() -> Line:
        line = here.dial()
        for command in ("EHLO x", "MAIL FROM:<a@b.example>", f"RCPT TO:<{TO}>"):
            line.say(command)
        if line.say("DATA").startswith("354"):
            line.sock.settimeout(2)
            with suppress(OSError):
                line.send(b"x" * size)
        return line

    return list(await asyncio.gather(*(beside(begin) for _ in range(count))))


async def test_many_half_open_big_mails_stay_within_the_memory_they_may_have():
    most, size = 8 * 1024 * 1024, 4 * 1024 * 1024
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with house(size_limit=size, most_bytes=most, max_per_peer=100, idle_seconds=5) as here:
        lines = await half_open(here, 30, size - 1000)
        for _ in range(100):
            await asyncio.sleep(0.01)
        assert here.gate._bytes <= most
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
        assert grown < 60 * 1024 * 1024  # of 120 MiB that were sent; the client's own copies among it
        for line in lines:
            line.close()
        while here.gate.guests:
            await asyncio.sleep(0.01)
        assert here.gate._bytes == 0
        assert not here.gate._bytes_of
        assert await beside(send, here.port) == {}  # and without anybody's help


async def test_a_stranger_who_takes_all_the_room_there_is_leaves_half_of_it_to_others():
    block = 256 * 1024
    async with house(most_bytes=8 * block, trusted_peers=(), max_per_peer=50) as here:
        lines = await half_open(here, 10, 100)
        assert here.gate._bytes == 4 * block
        assert here.gate.hold(block, "198.51.100.7")  # an honest one from elsewhere
        here.gate.free(block, "198.51.100.7")
        for line in lines:
            line.close()


async def test_a_network_of_ipv6_is_one_peer():
    class Somebody:
        def leave(self, reply: str) -> None: ...

        def cut(self) -> None: ...

    async with house(max_per_peer=3) as here:
        guests = [Somebody() for _ in range(5)]
        said = [here.gate.enter(guest, f"2001:db8::{n:x}") for n, guest in enumerate(guests)]
        assert [reply is None for reply in said] == [True] * 3 + [False] * 2
        other = Somebody()
        assert here.gate.enter(other, "2001:db8:0:1::1") is None
        for n, guest in enumerate(guests[:3]):
            here.gate.exit(guest, f"2001:db8::{n:x}")
        here.gate.exit(other, "2001:db8:0:1::1")
        assert not here.gate._peers


async def test_strangers_that_fill_the_house_do_not_keep_our_own_mail_server_out():
    class Somebody:
        def leave(self, reply: str) -> None: ...

        def cut(self) -> None: ...

    async with house(max_connections=20) as here:
        said = [here.gate.enter(Somebody(), f"203.0.113.{n}") for n in range(25)]
        assert [reply is None for reply in said].count(True) == 18
        assert said[-1] is not None
        assert said[-1].startswith("421 4.7.0")
        assert await beside(send, here.port) == {}  # from 127.0.0.1, which is trusted
        here.gate.guests.clear()


async def test_a_full_disk_is_452_before_a_mail_begins_and_over_when_there_is_room():
    def ask(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            return line.say("MAIL FROM:<a@b.example>")

    has_room = [False]
    async with house() as here:
        here.gate.has_room = lambda: has_room[0]
        assert (await beside(ask, here)).startswith("452 4.3.1")
        has_room[0] = True
        assert await beside(send, here.port) == {}


def test_room_is_looked_for_once_a_second_where_the_folder_is_or_will_be(tmp_path: Path):
    moment = [0.0]
    assert Room([tmp_path / "not" / "yet"], 1, lambda: moment[0])()
    room = Room([tmp_path], 1 << 60, lambda: moment[0])
    assert not room()
    room._least = 1
    assert not room()
    moment[0] = 1.0
    assert room()


async def test_hundreds_that_come_at_once_are_served_or_told_and_then_all_is_as_before():
    def knock(here: House) -> str:
        try:
            with here.dial() as line:
                return line.greeting[:3]
        except OSError:
            return "cut"

    async with house(max_connections=50, max_per_peer=50) as here:
        said = await asyncio.gather(*(beside(knock, here) for _ in range(200)))
        assert set(said) <= {"220", "421"}
        while here.gate.guests:
            await asyncio.sleep(0.01)
        assert not here.gate._peers
        assert await beside(send, here.port) == {}

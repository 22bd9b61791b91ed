"""The SMTP door (I1), with real sockets."""

import asyncio
import hashlib
import smtplib
import socket
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.errors import TryLater
from tests.intake.doors import TO, House, Line, beside, house

pytestmark = pytest.mark.timeout(30)
MAIL = b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n"


def send(port: int, raw: bytes = MAIL, to: tuple[str, ...] = (TO,), sender: str = "a@b.example") -> object:
    with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
        client.ehlo("client.example")
        return client.sendmail(sender, list(to), raw)


async def test_a_mail_is_kept_with_its_envelope_before_250():
    async with house() as here:
        await beside(send, here.port)
    [mail] = here.kept.mails
    arrival = mail.arrival
    assert mail.raw == MAIL
    assert (arrival.desk, arrival.channel, arrival.recipients) == ("flexihost", "smtp", (TO,))
    assert (arrival.envelope_from, arrival.peer, arrival.helo) == ("a@b.example", "127.0.0.1", "client.example")
    assert (arrival.digest, arrival.size) == (hashlib.sha256(MAIL).hexdigest(), len(MAIL))
    assert arrival.is_trusted


async def test_the_null_sender_is_empty():
    async with house() as here:
        await beside(send, here.port, MAIL, (TO,), "")
    assert here.kept.mails[0].arrival.envelope_from == ""


async def test_a_mail_to_two_desks_arrives_twice_and_to_two_mailboxes_of_one_once():
    to = (TO, "Bill+note@Flexihost.example", "support@strato.example")
    async with house() as here:
        await beside(send, here.port, MAIL, to)
    assert [(mail.arrival.desk, mail.arrival.recipients) for mail in here.kept.mails] == [
        ("flexihost", (TO, "bill+note@flexihost.example")),
        ("strato", ("support@strato.example",)),
    ]


def test_it_offers_what_it_can_and_nothing_to_sign_in_to():
    async def greet() -> str:
        async with house(size_limit=1000) as here:
            return await beside(lambda: here.dial().say("EHLO x"))

    offered = [line[4:] for line in asyncio.run(greet()).split("\r\n")]
    assert {"SIZE 1000", "8BITMIME", "SMTPUTF8", "PIPELINING"} <= set(offered)
    assert not [line for line in offered if line.startswith(("AUTH", "STARTTLS", "CHUNKING"))]


@pytest.mark.parametrize(
    "address",
    [TO, "SUPPORT@FLEXIHOST.EXAMPLE", "support+note@flexihost.example", "postmaster@strato.example", "Postmaster",
     "postmaster@mx.flexihost.example"],
)  # fmt: skip
async def test_our_addresses_are_taken(address: str):
    async with house() as here:
        await beside(lambda: here.dial().hello("a@b.example", address))


@pytest.mark.parametrize(
    "address",
    ["nobody@flexihost.example", "support@other.example", "support", "support@flexihost.example.evil.example",
     "xsupport@flexihost.example", '"support@flexihost.example"@evil.example', "@flexihost.example:a@b.example",
     "support%b.example@flexihost.example", "support@flexihost.example@b.example"],
)  # fmt: skip
async def test_other_addresses_are_refused(address: str):
    def ask(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<a@b.example>")
            return line.say(f"RCPT TO:<{address}>")

    async with house() as here:
        reply = await beside(ask, here)
    assert reply.startswith(("550 5.1.1", "553"))


async def test_one_bad_recipient_does_not_spoil_the_others():
    async with house() as here:
        refused = await beside(send, here.port, MAIL, ("nobody@flexihost.example", TO))
    assert list(refused) == ["nobody@flexihost.example"]
    assert len(here.kept.mails) == 1


async def test_a_size_over_the_limit_is_refused_at_mail_from():
    def ask(here: House) -> list[str]:
        with here.dial() as line:
            line.say("EHLO x")
            return [line.say(f"MAIL FROM:<a@b.example> {size}") for size in ("SIZE=1001", "BODY=8BITMIME SIZE=1000")]

    async with house(size_limit=1000) as here:
        refused, taken = await beside(ask, here)
    assert refused.startswith("552 5.3.4")
    assert taken.startswith("250")


@pytest.mark.parametrize("excess", [1, 100_000, 1_000_000])
async def test_a_mail_over_the_limit_is_refused_and_the_next_one_taken(excess: int):
    limit = 1_000_000

    def talk(here: House) -> list[str]:
        with here.dial() as line:
            line.hello()
            line.send(b"x" * (limit + excess - 2) + b"\r\n.\r\n")
            replies = [line.read()]
            line.hello()
            line.send(b"x" * (limit - 2) + b"\r\n.\r\n")
            return [*replies, line.read()]

    async with house(size_limit=limit) as here:
        refused, taken = await beside(talk, here)
    assert refused.startswith("552 5.3.4")
    assert taken.startswith("250")
    assert [len(raw) for raw in here.kept.raw] == [limit]


async def test_trouble_of_ours_is_451_without_its_text_and_the_next_mail_is_taken():
    def talk(here: House) -> tuple[str, str]:
        with here.dial() as line:
            line.hello()
            line.send(b"one\r\n.\r\n")
            first = line.read()
            here.kept.error = None
            line.hello()
            line.send(b"two\r\n.\r\n")
            return first, line.read()

    for error in (TryLater("the disk is full at /var/secret"), RuntimeError("password=secret")):
        async with house() as here:
            here.kept.error = error
            first, second = await beside(talk, here)
        assert first.startswith("451 4.3.0")
        assert "secret" not in first
        assert second.startswith("250")
        assert here.kept.raw == [b"two\r\n"]


async def test_a_store_that_hangs_is_451(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailgate.intake.gate.COMMIT_SECONDS", 0.1)

    def talk(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(b"one\r\n.\r\n")
            return line.read()

    async with house() as here:
        here.kept.gate = asyncio.Event()
        assert (await beside(talk, here)).startswith("451 4.3.0")
        here.kept.gate.set()


SMUGGLED = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<support@flexihost.example>\r\nDATA\r\nevil\r\n.\r\n"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n"])
async def test_no_other_line_ending_ends_a_mail(end: bytes):
    def talk(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(b"Subject: x\r\n\r\nhello" + end + SMUGGLED[: -len(b"\r\n.\r\n")] + b"\r\n.\r\nQUIT\r\n")
            return line.read() + " " + line.read()

    async with house() as here:
        replies = await beside(talk, here)
    assert replies.startswith("250")
    assert "221" in replies
    [raw] = here.kept.raw
    assert b"MAIL FROM:<evil" in raw


async def test_a_pipelined_second_mail_is_the_second_mail():
    def talk(here: House) -> list[str]:
        with here.dial() as line:
            line.hello()
            line.send(b"one\r\n.\r\n" + SMUGGLED + b"QUIT\r\n")
            return [line.read()[:3] for _ in range(6)]

    async with house() as here:
        replies = await beside(talk, here)
    assert replies == ["250", "250", "250", "354", "250", "221"]
    assert here.kept.raw == [b"one\r\n", b"evil\r\n"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (b".\r\n", b""),
        (b"\r\n.\r\n", b"\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"..a\r\n..b\r\n\r\n...\r\n.\r\n", b".a\r\n.b\r\n\r\n..\r\n"),
        (b".a\r\n.\r\n", b"a\r\n"),
        (b"a\n..b\r\n.\r\n", b"a\n..b\r\n"),
        (b"x" * 70_000 + b"\r\n.\r\n", b"x" * 70_000 + b"\r\n"),
        (b"\0\xff\xfe\r\n.\r\n", b"\0\xff\xfe\r\n"),
    ],
)
async def test_the_mail_is_as_it_was_before_transparency(sent: bytes, kept: bytes):
    def talk(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(sent)
            return line.read()

    async with house() as here:
        assert (await beside(talk, here)).startswith("250")
    assert here.kept.raw == [kept]


pieces = st.lists(st.sampled_from([b"\r\n", b".", b"\n", b"\r", b"a", b"..", b".\r\n"]), max_size=30).map(b"".join)


@settings(max_examples=25, deadline=None)
@given(body=pieces, cuts=st.lists(st.integers(0, 60), max_size=5))
def test_whatever_is_sent_in_whatever_pieces_arrives_as_one_mail(body: bytes, cuts: list[int]):
    content = body + b"\r\n"
    wire = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"

    async def play() -> list[bytes]:
        async with house() as here:
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@flexihost.example>\r\nDATA\r\n")
            await reader.readuntil(b"354")
            for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(wire)], strict=True):
                writer.write(wire[start:end])
                await asyncio.sleep(0)
            writer.write(b"QUIT\r\n")
            await reader.readuntil(b"221")
            writer.close()
            return here.kept.raw

    assert asyncio.run(play()) == [content]


async def test_a_client_that_hangs_up_during_the_commit_does_not_undo_it():
    async with house() as here:
        here.kept.gate = asyncio.Event()
        line = await beside(here.dial)
        await beside(line.hello)
        line.send(b"one\r\n.\r\n")
        await here.kept.begun.wait()
        line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        line.close()
        await until(lambda: not here.gate.guests)
        here.kept.gate.set()
        await until(lambda: bool(here.kept.mails))
    assert here.kept.raw == [b"one\r\n"]


async def test_a_client_that_hangs_up_within_a_mail_leaves_nothing():
    async with house() as here:
        line = await beside(here.dial)
        await beside(line.hello)
        line.send(b"one\r\n.")
        line.close()
        await until(lambda: not here.gate.guests)
    assert not here.kept.mails


async def test_a_client_that_has_said_all_and_closes_its_side_is_served():
    def talk(here: House) -> str:
        with here.dial() as line:
            line.send(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<%s>\r\nDATA\r\n" % TO.encode())
            line.send(b"one\r\n.\r\nNOOP\r\n")
            line.sock.shutdown(socket.SHUT_WR)
            return "".join(line.read()[:3] for _ in range(6))

    async with house() as here:
        assert await beside(talk, here) == "250250250354250250"
    assert here.kept.raw == [b"one\r\n"]


async def test_an_idle_client_is_told_and_cut():
    def wait(here: House) -> tuple[str, bool]:
        with here.dial() as line:
            return line.read(), line.is_closed()

    async with house(idle_seconds=0.2) as here:
        reply, closed = await beside(wait, here)
    assert reply.startswith("421 4.4.2")
    assert closed


async def test_a_client_that_stalls_within_a_mail_is_told_and_cut():
    def wait(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(b"one\r\n")
            return line.read()

    async with house(idle_seconds=0.2) as here:
        assert (await beside(wait, here)).startswith("421 4.4.2")
    assert not here.kept.mails


async def test_a_client_that_trickles_is_cut_in_the_end():
    async def trickle(here: House) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
        writer.write(b"EHLO x\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@flexihost.example>\r\nDATA\r\n")
        await reader.readuntil(b"354")
        rest = asyncio.create_task(reader.read())
        while not rest.done():
            writer.write(b"x")
            await asyncio.sleep(0.02)
        try:
            return await rest
        except ConnectionError:  # it writes while it is told: the system may drop the reply
            return b"421 4.4.2"

    async with house(idle_seconds=0.1) as here:
        assert b"421 4.4.2" in await trickle(here)
    assert not here.gate.guests
    assert not here.kept.mails


async def test_a_commit_that_takes_longer_than_the_idle_limit_is_waited_for():
    def talk(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(b"one\r\n.\r\n")
            return line.read()

    async with house(idle_seconds=0.1) as here:
        here.kept.gate = asyncio.Event()
        asyncio.get_running_loop().call_later(0.4, here.kept.gate.set)
        assert (await beside(talk, here)).startswith("250")


async def test_too_many_connections_in_all_are_put_off_and_room_is_used_again():
    def dial(here: House) -> Line:
        return here.dial()

    async with house(max_connections=2) as here:
        lines = [await beside(dial, here) for _ in range(3)]
        assert [line.greeting[:3] for line in lines] == ["220", "220", "421"]
        assert lines[2].greeting.startswith("421 4.7.0")
        await beside(lines[0].say, "QUIT")
        await until(lambda: len(here.gate.guests) == 1)
        lines.append(await beside(dial, here))
        assert lines[3].greeting.startswith("220")
        for line in lines:
            line.close()


async def test_too_many_connections_of_one_peer_are_put_off():
    async with house(max_per_peer=1) as here:
        first, second = await beside(here.dial), await beside(here.dial)
        assert second.greeting.startswith("421 4.7.0")
        first.close()
        second.close()


async def test_too_much_mail_at_once_is_put_off_and_taken_later():
    block = 256 * 1024

    def begin(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<a@b.example>")
            line.say(f"RCPT TO:<{TO}>")
            return line.say("DATA")

    def flood(here: House) -> str:
        with here.dial() as line:
            line.hello()
            line.send(b"x" * (3 * block) + b"\r\n.\r\n")
            return line.read()

    async with house(most_bytes=2 * block) as here:
        lines = [await beside(here.dial) for _ in range(2)]
        for line in lines:
            await beside(line.hello)
        assert (await beside(begin, here)).startswith("452 4.3.1")
        for line in lines:
            line.close()
        await until(lambda: not here.gate.guests)
        assert (await beside(flood, here)).startswith("452 4.3.1")
        assert await beside(send, here.port) == {}
    assert here.kept.raw == [MAIL]


async def test_a_flood_without_an_end_is_cut():
    def flood(here: House) -> str:
        with here.dial() as line:
            line.hello()
            try:
                for _ in range(400):
                    line.send(b"x" * 10_000)
            except OSError:
                return "cut"
            return line.read()

    async with house(size_limit=100_000) as here:
        assert (await beside(flood, here)).startswith(("cut", "552"))
        await until(lambda: not here.gate.guests)
    assert not here.kept.mails


async def test_a_command_without_an_end_is_cut():
    def flood(here: House) -> str:
        with here.dial() as line:
            try:
                for _ in range(200):
                    line.send(b"x" * 10_000)
                return line.read()
            except OSError:
                return "cut"

    async with house(idle_seconds=0.5) as here:
        assert (await beside(flood, here)).startswith(("cut", "421"))


async def test_more_than_a_hundred_recipients_are_for_the_next_mail():
    def ask(here: House) -> list[str]:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<a@b.example>")
            return [line.say(f"RCPT TO:<support+{number}@flexihost.example>")[:3] for number in range(101)]

    async with house() as here:
        replies = await beside(ask, here)
    assert replies == ["250"] * 100 + ["452"]


async def test_endless_talk_without_a_mail_is_ended():
    def talk(here: House) -> str:
        with here.dial() as line:
            for _ in range(1002):
                line.send(b"NOOP\r\n")
            replies = [line.read() for _ in range(1001)]
            return replies[-1]

    async with house() as here:
        assert (await beside(talk, here)).startswith("421 4.7.0")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("VRFY support", "252"), ("VRFY \udcff", "252"), ("EXPN staff", "502"), ("AUTH PLAIN AGEAYg==", "502"),
        ("BDAT 5 LAST", "500"), ("DATA", "503"), ("RCPT TO:<a@b.example>", "503"), ("MAIL FROM:<\udcff@x>", "553"),
        ("MAIL FROM:<a@b.example> RET=FULL", "555"), ("HELP", "250"), ("NOOP x", "250"), ("RSET", "250"),
        ("\udcff\udcfe", "500"), ("", "500"), ("MAIL FROM:<" + "(" * 1500 + ">", "4|5"), ("STARTTLS", "454"),
    ],
)  # fmt: skip
async def test_odd_commands_are_answered_and_the_session_goes_on(command: str, code: str):
    def talk(here: House) -> tuple[str, str]:
        with here.dial() as line:
            line.say("EHLO x")
            return line.say(command), line.say("NOOP")

    async with house() as here:
        reply, after = await beside(talk, here)
    assert reply.startswith(tuple(code.split("|")))
    assert "Error: (" not in reply
    assert after.startswith("250")


async def test_an_address_beyond_ascii_is_taken_with_smtputf8():
    def talk(here: House) -> str:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<олена@пошта.example> SMTPUTF8 BODY=8BITMIME")
            line.say(f"RCPT TO:<{TO}>")
            line.say("DATA")
            line.send("Subject: привіт\r\n\r\n.\r\n".encode())
            return line.read()

    async with house() as here:
        assert (await beside(talk, here)).startswith("250")
    assert here.kept.mails[0].arrival.envelope_from == "олена@пошта.example"


async def test_a_stranger_is_known_as_one_with_all_that_a_check_needs():
    async with house(trusted_peers=("10.0.0.0/8",)) as here:
        await beside(send, here.port)
    arrival = here.kept.mails[0].arrival
    assert (arrival.is_trusted, arrival.peer, arrival.helo, arrival.envelope_from) == (
        False, "127.0.0.1", "client.example", "a@b.example",
    )  # fmt: skip


async def test_shutting_down_lets_mail_in_flight_end_and_sends_idle_clients_away():
    async with house() as here:
        here.kept.gate = asyncio.Event()
        idle, busy = await beside(here.dial), await beside(here.dial)
        await beside(busy.hello)
        busy.send(b"one\r\n.\r\n")
        await here.kept.begun.wait()
        closing = asyncio.create_task(here.door.close(5))
        assert (await beside(idle.read)).startswith("421 4.3.2")
        here.kept.gate.set()
        assert (await beside(busy.read)).startswith("250")
        assert (await beside(busy.read)).startswith("421 4.3.2")
        await closing
        idle.close()
        busy.close()
    assert here.kept.raw == [b"one\r\n"]


async def test_shutting_down_does_not_wait_for_ever():
    async with house() as here:
        line = await beside(here.dial)
        await beside(line.hello)
        begun = asyncio.get_running_loop().time()
        await here.door.close(0.2)
        assert asyncio.get_running_loop().time() - begun < 2
        assert await beside(line.is_closed)
        line.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Give the loop time until it is so; the test's own limit ends what never comes."""
    while not is_so():
        await asyncio.sleep(0.005)

"""The dialogue with a relay, byte by byte."""

import asyncio
import itertools
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.compose.flowed import _parts, flowed
from mailgate.outbox.relay import Parcel, Refused, Sent, Unreachable
from mailgate.outbox.smtp import SmtpAddress, SmtpRelay
from mailgate.outbox.wire import Gone, Reply, Wire, dotted

PARCEL = Parcel(
    id="1", message_id="1@a.example", envelope_from="s@a.example", to="o@b.example", raw=b"Subject: x\r\n\r\nhi\r\n"
)


async def said(blocks: list[bytes], *, hangs_up: bool = True) -> list[Reply | str]:
    """Return the replies that a wire reads of those blocks, and why there are no more."""
    is_read = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for block in blocks:
            writer.write(block)
            await writer.drain()
            await asyncio.sleep(0)
        if not hangs_up:
            await is_read.wait()  # from Python 3.13 on a stream that nobody holds is closed
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_connection(asyncio.Protocol, *server.sockets[0].getsockname())
        wire, found = Wire(transport, 0.3), []
        while True:
            try:
                found.append(await wire.reply())
            except Gone as error:
                return [*found, str(error)]
    finally:
        is_read.set()
        server.close()


@given(st.lists(st.integers(0, 60), max_size=6))
def test_replies_are_the_same_however_their_bytes_arrive(cuts: list[int]):
    raw = b"250-one\r\n250 two\r\n354 go on\r\n550-no\r\n550 such user\r\n"
    places = sorted({0, len(raw), *(min(one, len(raw)) for one in cuts)})
    blocks = [raw[begin:end] for begin, end in itertools.pairwise(places)]
    found = asyncio.run(said(blocks))
    assert found[:3] == [Reply(250, "one\ntwo"), Reply(354, "go on"), Reply(550, "no\nsuch user")]


@pytest.mark.parametrize(
    ("block", "why"),
    [(b"hello there\r\n", "what is no reply"), (b"25\r\n", "what is no reply"), (b"9" * 5000, "a reply without an end"),
     (b"250-more\r\n" * 300, "a reply without an end"), (b"", "closed")],
)  # fmt: skip
async def test_what_is_no_smtp_ends_the_dialogue(block: bytes, why: str):
    assert why in str((await said([block]))[-1])


async def test_who_says_nothing_is_not_waited_for_longer_than_told():
    assert await said([b"250-and then"], hangs_up=False) == ["no answer within 0.3 s"]


async def test_no_letter_goes_to_nobody_where_a_relay_asks_for_it_though_it_refused_the_recipient():
    heard: list[bytes] = []
    server = await asyncio.start_server(_hasty(heard), "127.0.0.1", 0)
    relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1], tls="off", seconds=1))
    assert await relay.send(PARCEL) == Refused(code=550, text="550 5.1.1 nobody", is_permanent=True)
    assert heard == [b"MAIL", b"RCPT", b"DATA"]
    assert isinstance(await relay.send(PARCEL), Refused)
    await relay.close()
    server.close()


async def test_three_commands_go_in_one_write_where_the_relay_pipelines():
    writes: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while data := await reader.read(65536):
            writes.append(data)
            replies = {
                b"EHLO": b"250-x\r\n250 PIPELINING\r\n",
                b"MAIL": b"250 a\r\n250 b\r\n354 c\r\n",
                b"QUIT": b"221 bye\r\n",
            }
            writer.write(replies.get(data[:4], b"250 kept\r\n"))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1], tls="off", seconds=1))
    assert await relay.send(PARCEL) == Sent(text="kept")
    assert await relay.send(PARCEL) == Sent(text="kept")
    await relay.close()
    server.close()
    opening = b"MAIL FROM:<s@a.example>\r\nRCPT TO:<o@b.example>\r\nDATA\r\n"
    assert writes[1:5] == [opening, PARCEL.raw + b".\r\n"] * 2


async def test_a_relay_that_hangs_up_in_the_middle_of_the_commands_is_not_there():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        await reader.read(65536)
        writer.write(b"250-x\r\n250 PIPELINING\r\n")
        await reader.read(65536)
        writer.write(b"250 a\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.sockets[0].getsockname()[1], tls="off", seconds=1))
    assert isinstance(await relay.send(PARCEL), Unreachable)
    server.close()


def _hasty(heard: list[bytes]) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]:
    """A relay that says 354 whatever came before."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 hi\r\n")
        while line := await reader.readline():
            if line[:4] in (b"MAIL", b"RCPT", b"DATA") and len(heard) < 3:
                heard.append(line[:4])
            replies = {
                b"EHLO": b"250-x\r\n250 PIPELINING\r\n",
                b"RCPT": b"550 5.1.1 nobody\r\n",
                b"DATA": b"354 go on\r\n",
            }
            writer.write(replies.get(line[:4], b"250 ok\r\n"))

    return serve


@given(st.lists(st.sampled_from([b".", b"a", b"\r\n", b"\n", b"\r", b"..", b" "]), max_size=12).map(b"".join))
def test_a_letter_is_dotted_so_that_a_relay_reads_what_was_meant(raw: bytes):
    sent = dotted(raw)
    assert re.search(rb"(?<!\r)\n|\r(?!\n)", sent) is None
    assert sent.endswith(b".\r\n")
    assert (b"\r\n" + sent).index(b"\r\n.\r\n") == len(sent) - 3
    lines = (re.sub(rb"\r\n|\n|\r", b"\n", raw).removesuffix(b"\n")).split(b"\n")
    assert [
        line.removeprefix(b".") if line.startswith(b".") else line for line in sent[:-3].split(b"\r\n")[:-1]
    ] == lines


@given(st.text(alphabet=" >|-F romx\tü.", max_size=200).map(lambda text: text.replace("x", "x\n")))
def test_lines_that_stay_as_they_are_are_those_that_would(text: str):
    assert flowed(text) == "\n".join(part for line in text.split("\n") for part in _parts(line))

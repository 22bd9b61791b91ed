"""rspamd and clamd, the real ones and some that misbehave (M9): a verdict or none, and never a mail that waits."""

import asyncio
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mailgate.model.arrival import Arrival
from mailgate.verdicts.circuit import Circuit
from mailgate.verdicts.filters import Clamd, Rspamd, Unanswered
from tests.decide.build import NOON
from tests.verdicts.rspamd import running as running_rspamd
from tests.world import World, a_mail

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MALICE = "THIS-IS-MALICE-OF-THE-TESTS"
pytestmark = pytest.mark.timeout(60)


def arrival(**changes: object) -> Arrival:
    values = {"id": "a1", "desk": "flexihost", "channel": "smtp", "received_at": NOON, "digest": "d", "size": 1,
              "recipients": ("support@flexihost.example",), "envelope_from": "a@b.example", "peer": "192.0.2.7",
              "helo": "x.example"}  # fmt: skip
    return Arrival(**{**values, **changes})  # type: ignore[arg-type]


def started(command: list[str], log: Path, is_up: Callable[[], bool]) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
    end = time.monotonic() + 40
    while not is_up():
        is_coming = process.poll() is None and time.monotonic() < end
        assert is_coming, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)
    return process


@pytest.fixture(scope="module")
def rspamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_rspamd(tmp_path_factory.mktemp("rspamd")) as server:
        yield server.url


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("clamd")
    (folder / "signatures").mkdir()
    (folder / "signatures" / "tests.ndb").write_text(f"Tests.Malice:0:*:{MALICE.encode().hex()}\n")
    (folder / "clamd.conf").write_text(
        f"LocalSocket {folder}/socket\nDatabaseDirectory {folder}/signatures\nForeground yes\nLogFile {folder}/log\n"
    )
    process = started(["/usr/sbin/clamd", "-c", str(folder / "clamd.conf")], folder / "out", (folder / "socket").exists)
    yield f"unix:{folder}/socket"
    process.terminate()
    process.wait(20)


@pytest.mark.server("rspamd")
async def test_rspamd_calls_spam_spam_and_says_why(rspamd: str):
    found = await Rspamd(rspamd, 10).ask(a_mail(text=GTUBE), arrival())
    assert (found.is_junk, found.source) == (True, "rspamd")
    assert "reject" in found.because
    assert not (await Rspamd(rspamd, 10).ask(a_mail(), arrival(is_trusted=True))).is_junk


@pytest.mark.server("clamav")
async def test_clamd_names_what_it_finds_and_the_attachment_that_holds_it(clamd: str):
    world, scanner = World(), Clamd(clamd, 10)
    clean = a_mail()
    assert await scanner.ask(clean, world.house.read(clean)) == ()
    infected = with_attachment(MALICE)
    mail = world.house.read(infected)
    (found,) = await scanner.ask(infected, mail)
    assert found.finding.startswith("Tests.Malice")
    assert found.sha256 == mail.attachments[0].sha256
    whole = a_mail(text=MALICE)
    (found,) = await scanner.ask(whole, world.house.read(whole))
    assert (found.finding.startswith("Tests.Malice"), found.sha256) == (True, "")


def with_attachment(text: str) -> bytes:
    return (
        "From: a@shop.example\nTo: support@flexihost.example\nSubject: See\nMIME-Version: 1.0\n"
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n\nSee.\n--b\n"
        'Content-Type: application/octet-stream\nContent-Disposition: attachment; filename="bill.exe"\n\n'
        f"{text}\n--b--\n"
    ).encode()


# those that misbehave


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[str]:
    async def guarded(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(guarded, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def saying(answer: bytes) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(answer)
        await writer.drain()

    return serve


def http(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while True:  # an hour's answer: a byte at a time
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.05)


async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(100)
    writer.transport.abort()


RUBBISH = {
    "no JSON": saying(http(b"<html>")),
    "no object": saying(http(b"[1, 2]")),
    "no action": saying(http(b'{"score": 3}')),
    "an action of its own": saying(http(b'{"action": {"reject": true}}')),
    "an error": saying(http(b"{}", "500 Oops")),
    "another place": saying(http(b"", "302 Found")),
    "no HTTP": saying(b"\0\1\2\3\r\n\r\n"),
    "half an answer": saying(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"action"'),
    "deep": saying(http(b"[" * 100_000)),
    "an answer without an end": saying(http(b" " * 1_000_000)),
    "an hour's answer": trickle,
    "nothing": hang_up,
}


@pytest.mark.parametrize("serve", RUBBISH.values(), ids=RUBBISH)
async def test_a_rspamd_that_answers_rubbish_or_never_is_no_verdict(serve: Serve):
    async with serving(serve) as place:
        begun = time.monotonic()
        with pytest.raises(Unanswered):
            await Rspamd(f"http://{place}", 0.5).ask(a_mail(), arrival())
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize(
    "serve",
    [hang_up, trickle, saying(b"stream: what FOUND or not\0"), saying(b"INSTREAM size limit exceeded. ERROR\0"),
     saying(b"\0"), saying(b"x" * 1_000_000)],
    ids=["dies", "an hour", "no finding", "a limit", "nothing", "no end"],
)  # fmt: skip
async def test_a_clamd_that_dies_in_the_stream_or_says_rubbish_is_no_verdict(serve: Serve):
    async with serving(serve) as place:
        raw = with_attachment("x" * 3_000_000)
        with pytest.raises(Unanswered):
            await Clamd(place, 0.5).ask(raw, World().house.read(raw))


async def test_who_is_away_is_soon_asked_no_more_and_later_again():
    now = 0.0
    circuit = Circuit(3, 30, lambda: now)
    for _ in range(3):
        assert circuit.may_try()
        circuit.failed()
    assert not circuit.may_try()
    now = 31
    assert [circuit.may_try(), circuit.may_try()] == [True, False]
    circuit.worked()
    assert circuit.may_try()


async def test_rspamd_is_told_of_the_client_and_of_nothing_that_would_be_a_line_of_its_own():
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(http(json.dumps({"action": "no action", "score": 1, "required_score": 15}).encode()))
        await writer.drain()

    async with serving(serve) as place:
        for one in (arrival(), arrival(helo="x\r\nIP: 10.0.0.1"), arrival(is_trusted=True, peer="127.0.0.1")):
            await Rspamd(f"http://{place}", 5).ask(a_mail(), one)
    first, evil, behind = asked
    for line in (b"IP: 192.0.2.7", b"Helo: x.example", b"From: a@b.example"):
        assert line in first
    assert b"10.0.0.1" not in evil
    assert b"IP:" not in behind

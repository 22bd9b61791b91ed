"""Commands and letters on a relay's connection that stands, and the replies to them; MAIL, RCPT and DATA in one go where
the relay knows PIPELINING (RFC 2920). aiosmtplib makes the connection (EHLO, STARTTLS, AUTH) and hands it over: its own
commands take a lock, a task and a timer each, and an address through a parser of mail."""

import asyncio
import re
from collections import deque
from typing import NamedTuple

_MOST_BYTES, _MOST_LINES = 4096, 200  # of a line; of replies that nobody has asked for yet
_BARE = re.compile(rb"\r\n|\n|\r")


class Reply(NamedTuple):
    """A reply, its lines joined by line feeds."""

    code: int
    text: str

    def __str__(self) -> str:
        return " ".join(f"{self.code} {self.text}".split())[:500]


class Gone(Exception):
    """The other side hung up, said nothing in time, or what is no SMTP. Nothing more comes over this connection."""


class Wire(asyncio.Protocol):
    """One dialogue at a time, over the transport that it is given."""

    def __init__(self, transport: asyncio.Transport, seconds: float) -> None:
        """`seconds`: for each answer."""
        self._transport = transport
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._lines: list[str] = []  # of a reply that goes on
        self._replies: deque[Reply] = deque()
        self._waiter: asyncio.Future[None] | None = None
        self._trouble = ""
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        return not self._trouble and not self._transport.is_closing()

    def close(self) -> None:
        self._trouble = self._trouble or "closed"
        self._transport.close()

    def say(self, data: bytes) -> None:
        """Write; what was said before and not asked for is no answer to it."""
        self._replies.clear()
        self._transport.write(data)

    async def reply(self) -> Reply:
        """Return the next reply. Raises Gone where none comes."""
        if not self._replies:
            if not self.is_open:
                raise Gone(self._trouble or "the connection is closed")
            timer = self._loop.call_later(self._seconds, self._end, f"no answer within {self._seconds:g} s")
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                timer.cancel()
                self._waiter = None
            if not self._replies:
                raise Gone(self._trouble)
        return self._replies.popleft()

    def data_received(self, data: bytes) -> None:
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            self._take(line.strip(b" \t\r").decode("utf-8", "surrogateescape"))
        if len(self._buffer) > _MOST_BYTES or len(self._lines) + len(self._replies) > _MOST_LINES:
            self._end("a reply without an end")

    def eof_received(self) -> bool:
        self._end("the connection was closed")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._end("the connection was lost" if exc is None else f"the connection was lost: {exc}")

    def _take(self, line: str) -> None:
        if not line[:3].isascii() or not line[:3].isdecimal() or len(line) < 3:
            self._end("what is no reply: " + ascii(line[:80]))
            return
        self._lines.append(line[4:].strip())
        if line[3:4] != "-":
            self._replies.append(Reply(int(line[:3]), "\n".join(self._lines)))
            self._lines = []
            self._wake()

    def _end(self, trouble: str) -> None:
        self._trouble = self._trouble or trouble
        self._transport.close()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def dotted(raw: bytes) -> bytes:
    """Return a letter as it follows DATA: every line ends in CRLF, one that begins with a dot has two (RFC 5321, 4.5.2)."""
    ends = raw.count(b"\r\n")
    if raw.count(b"\n") != ends or raw.count(b"\r") != ends:
        raw = _BARE.sub(b"\r\n", raw)
    if not raw.endswith(b"\r\n"):
        raw += b"\r\n"
    if raw.startswith(b"."):
        raw = b"." + raw
    return raw.replace(b"\r\n.", b"\r\n..") + b".\r\n"

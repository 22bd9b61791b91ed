"""A relay that takes every letter, as cheaply as Python can: what it costs is taken from the same cores."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_REPLIES = {b"EHLO": b"250-sink.example\r\n250-8BITMIME\r\n250-PIPELINING\r\n250 SMTPUTF8\r\n", b"DATA": b"354 go on\r\n",
            b"QUIT": b"221 bye\r\n"}  # fmt: skip
_ACK = b"X-Mailgate-Kind: ack\r\n"


class Sink:
    """What came: how many letters, and how many acknowledgements of them."""

    def __init__(self) -> None:
        self.letters = 0
        self.acks = 0
        self.port = 0


class _Session(asyncio.Protocol):
    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self._buffer = b""
        self._is_in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(b"220 sink.example\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while True:
            end = b"\r\n.\r\n" if self._is_in_data else b"\r\n"
            at = self._buffer.find(end)
            if at < 0:
                return
            taken, self._buffer = self._buffer[:at], self._buffer[at + len(end) :]
            if self._is_in_data:
                self._is_in_data = False
                self._sink.letters += 1
                self._sink.acks += _ACK in taken
                self._transport.write(b"250 taken\r\n")
                continue
            verb = taken[:4].upper()
            self._is_in_data = verb == b"DATA"
            self._transport.write(_REPLIES.get(verb, b"250 OK\r\n"))
            if verb == b"QUIT":
                self._transport.close()


@contextmanager
def sinking() -> Iterator[Sink]:
    """Run a sink in a thread."""
    sink, loop, ready = Sink(), asyncio.new_event_loop(), threading.Event()

    async def listen() -> None:
        server = await loop.create_server(lambda: _Session(sink), "127.0.0.1", 0)
        sink.port = server.sockets[0].getsockname()[1]
        ready.set()

    def run() -> None:
        loop.run_until_complete(listen())
        loop.run_forever()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait()
    try:
        yield sink
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()

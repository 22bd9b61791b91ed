"""Relays that do what they are told, over real sockets."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mailgate.outbox.relay import Parcel, Result, Sent


@dataclass
class Scripted:
    """An SMTP server. `replies[verb]` are given instead of its own, one a time; "" hangs up, "wait" says nothing."""

    replies: dict[str, deque[str]] = field(default_factory=dict)
    mails: list[tuple[str, str, bytes]] = field(default_factory=list)
    connections: int = 0
    extensions: tuple[str, ...] = ("8BITMIME", "SIZE 1000000")
    options: list[str] = field(default_factory=list)
    port: int = 0

    def script(self, verb: str, *replies: str) -> None:
        self.replies[verb] = deque(replies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sender, to, is_refused = "", "", False
        if not await self._reply(writer, "CONNECT", "220 relay.example"):
            return
        while line := (await reader.readuntil(b"\r\n")).decode().strip():
            verb, _, rest = line.partition(" ")
            own = "250 ok"
            match verb.upper():
                case "EHLO":
                    own = "\r\n".join([*(f"250-{x}" for x in ("relay.example", *self.extensions)), "250 HELP"])
                case "MAIL":
                    to, is_refused = "", False
                    sender, _, options = rest.removeprefix("FROM:").partition(" ")
                    self.options.append(options)
                case "RCPT" if is_refused:
                    own = "503 5.5.1 from whom?"
                case "RCPT":
                    to = rest.removeprefix("TO:")
                case "DATA":
                    own = "354 go on" if to else "503 5.5.1 to whom?"
                case "QUIT":
                    own = "221 bye"
            said = await self._reply(writer, verb.upper(), own)
            if not said or verb.upper() == "QUIT":
                return
            if said[0] != "2" and verb.upper() in ("MAIL", "RCPT"):
                to, is_refused = "", True
            if said.startswith("354"):
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-3].replace(b"\r\n.", b"\r\n")
                self.mails.append((sender, to, raw))
                if not await self._reply(writer, "END", "250 kept"):
                    return

    async def _reply(self, writer: asyncio.StreamWriter, verb: str, own: str) -> str:
        waiting = self.replies.get(verb)
        reply = waiting.popleft() if waiting else own
        if reply == "wait":
            await asyncio.sleep(3600)
        writer.write(f"{reply}\r\n".encode() if reply else b"")
        await writer.drain()
        return reply


@asynccontextmanager
async def relay_server() -> AsyncIterator[Scripted]:
    scripted = Scripted()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    try:
        yield scripted
    finally:
        server.close()


@dataclass
class Told:
    """A relay of the program's own kind that gives the results it is told, then Sent."""

    results: list[Result] = field(default_factory=list)
    parcels: list[Parcel] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def send(self, parcel: Parcel) -> Result:
        self.parcels.append(parcel)
        if self.gate is not None:
            await self.gate.wait()
        return self.results.pop(0) if self.results else Sent(text="250 ok")

    async def close(self) -> None:
        """Nothing is open."""

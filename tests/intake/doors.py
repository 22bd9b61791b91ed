"""Doors that are open while a test runs, and raw clients that say whatever they like."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from mailgate.intake.door import Recipients
from mailgate.intake.gate import Gate
from mailgate.intake.lmtp import LmtpDoor
from mailgate.intake.smtp import SmtpDoor
from mailgate.model.settings import SmtpSettings
from mailgate.store.ids import Ids
from mailgate.store.inbox import Incoming

T = TypeVar("T")
RECIPIENTS = Recipients(
    {
        "flexihost": ["support@flexihost.example", "bill@flexihost.example"],
        "strato": ["support@strato.example"],
    },
    "mx.flexihost.example",
)
TO = "support@flexihost.example"


@dataclass
class Kept:
    """A store that can be told to fail, to hang, and to wait."""

    mails: list[Incoming] = field(default_factory=list)
    error: Exception | None = None
    gate: asyncio.Event | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, arrivals: Sequence[Incoming]) -> None:
        self.begun.set()
        if self.gate is not None:
            await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.mails.extend(arrivals)

    @property
    def raw(self) -> list[bytes]:
        return [mail.raw for mail in self.mails]


@dataclass
class House:
    port: int
    kept: Kept
    gate: Gate
    door: Any

    def dial(self, timeout: float = 10) -> "Line":
        """Connect and read the greeting."""
        line = Line(socket.create_connection(("127.0.0.1", self.port), timeout=timeout))
        line.greeting = line.read()
        return line


@dataclass
class Line:
    """A raw connection."""

    sock: socket.socket
    greeting: str = ""

    def __post_init__(self) -> None:
        self._file = self.sock.makefile("rb")

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def read(self) -> str:
        """Return one whole reply, "" at the end."""
        reply = b""
        while line := self._file.readline():
            reply += line
            if line[3:4] != b"-":
                break
        return reply.decode("utf-8", "replace").rstrip("\r\n")

    def say(self, command: str) -> str:
        self.send(command.encode("utf-8", "surrogateescape") + b"\r\n")
        return self.read()

    def hello(self, sender: str = "a@b.example", *to: str) -> None:
        """Go up to DATA's 354."""
        assert self.say("EHLO client.example").startswith("250")
        assert self.say(f"MAIL FROM:<{sender}>").startswith("250")
        for address in to or (TO,):
            assert self.say(f"RCPT TO:<{address}>").startswith("250")
        assert self.say("DATA").startswith("354")

    def is_closed(self) -> bool:
        return self._file.read() == b""

    def close(self) -> None:
        self._file.close()
        self.sock.close()

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@asynccontextmanager
async def house(
    *, lmtp: bool = False, tls: Any = None, most_bytes: int | None = None, **settings: Any
) -> AsyncIterator[House]:
    """An open door on a free port."""
    kept = Kept()
    channel: Any = "lmtp" if lmtp else "smtp"
    values = replace(SmtpSettings(hostname="mx.flexihost.example"), **settings)
    gate = Gate(
        values, RECIPIENTS, kept, Ids().new, channel=channel, tls=tls, most_bytes=most_bytes
    )  # fmt: skip
    door: Any = LmtpDoor(gate) if lmtp else SmtpDoor(gate)
    address = await door.open("127.0.0.1:0")
    try:
        yield House(port=int(address.rpartition(":")[2]), kept=kept, gate=gate, door=door)
    finally:
        await door.close(0.2)


async def beside(work: Callable[..., T], *args: Any) -> T:
    """Run a blocking client beside the loop that serves it."""
    return await asyncio.to_thread(work, *args)

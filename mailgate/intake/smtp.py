"""The SMTP door (I1)."""

import asyncio
import socket
from collections.abc import Callable

from mailgate.intake.gate import Gate
from mailgate.intake.session import Session, tls_context

__all__ = ["SmtpDoor", "tls_context"]
_BACKLOG = 256


class SmtpDoor:
    """A listener in the daemon's own loop. `open`, then `close`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._servers: list[asyncio.Server] = []

    async def open(self, listen: str, sock: socket.socket | None = None) -> str:
        """Listen on `host:port` (port 0 picks a free one), or on a socket that systemd opened; return the address."""
        like = Session(self._gate)
        server = await listen_on(lambda: Session(self._gate, like), listen, sock)
        self._servers.append(server)
        return address_of(server)

    async def close(self, seconds: float = 8.0) -> None:
        """Take no more connections, let mails in flight end, and return after `seconds` at the latest."""
        for server in self._servers:
            server.close()
        await self._gate.drain(seconds)


async def listen_on(
    session: Callable[[], asyncio.Protocol], listen: str, sock: socket.socket | None = None
) -> asyncio.Server:
    """Return a server on `sock`, else on `host:port`, `[v6]:port` or, with a slash in it, a unix socket."""
    loop = asyncio.get_running_loop()
    if sock is not None:
        return await loop.create_server(session, sock=sock, backlog=_BACKLOG)
    if "/" in listen:
        return await loop.create_unix_server(session, listen, backlog=_BACKLOG)
    host, _, port = listen.rpartition(":")
    return await loop.create_server(session, host.strip("[]") or None, int(port), backlog=_BACKLOG)


def address_of(server: asyncio.Server) -> str:
    """Return the address that `server` really has."""
    name = server.sockets[0].getsockname()
    if not isinstance(name, tuple):
        return str(name)
    host = f"[{name[0]}]" if ":" in name[0] else name[0]
    return f"{host}:{name[1]}"

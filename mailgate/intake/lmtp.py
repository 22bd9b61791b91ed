"""The LMTP door (I2): SMTP's session with LHLO, and an answer for each recipient."""

import asyncio
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path

from mailgate.intake.gate import Gate
from mailgate.intake.session import Session
from mailgate.intake.smtp import address_of, listen_on

_SOCKET_MODE = 0o660  # the mail server's group may write to it


class LmtpSession(Session):
    """One LMTP connection (RFC 2033)."""

    async def smtp_LHLO(self, arg: str) -> None:
        """Greet: 4.1, LHLO stands for EHLO."""
        await super().smtp_EHLO(arg)

    async def smtp_EHLO(self, arg: str) -> None:
        """4.1: the commands of SMTP's greeting are not known here."""
        self.say("500 5.5.1 this is LMTP: LHLO")

    async def smtp_HELO(self, arg: str) -> None:
        """4.1: the commands of SMTP's greeting are not known here."""
        self.say("500 5.5.1 this is LMTP: LHLO")

    def reply_to_mail(self, reply: str, to: tuple[str, ...]) -> None:
        # 4.2: one reply for each RCPT that succeeded, in their order. All arrivals of a mail are one commit, so the
        # replies are alike
        for _ in to:
            self.say(reply)


class LmtpDoor:
    """A listener in the daemon's own loop. `open`, then `close`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._servers: list[asyncio.Server] = []
        self._paths: list[Path] = []

    async def open(self, listen: str, sock: socket.socket | None = None) -> str:
        """Listen on `host:port`, on a unix socket whose folder must be there, or on a socket that systemd opened;
        return the address."""
        like = LmtpSession(self._gate)
        server = await listen_on(lambda: LmtpSession(self._gate, like), listen, sock)
        self._servers.append(server)
        if "/" in listen and sock is None:
            os.chmod(listen, _SOCKET_MODE)
            self._paths.append(Path(listen))
        return address_of(server)

    async def close(self, seconds: float = 8.0) -> None:
        """Take no more connections, let mails in flight end, and return after `seconds` at the latest."""
        for server in self._servers:
            server.close()
        for path in self._paths:
            with suppress(OSError):
                if stat.S_ISSOCK(path.stat().st_mode):
                    path.unlink()
        await self._gate.drain(seconds)

"""Letters to an SMTP relay, over connections that are kept and used again."""

import asyncio
import re
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal, cast

from aiosmtplib import SMTP, SMTPException, SMTPResponseException, SMTPServerDisconnected

from mailgate.log import Log
from mailgate.model.mail import is_deliverable
from mailgate.outbox.relay import Parcel, Refused, Result, Sent, Unreachable
from mailgate.outbox.wire import Gone, Reply, Wire, dotted

LOG = Log("outbox")
Tls = Literal["implicit", "required", "opportunistic", "off"]
IDLE_SECONDS = 20
MOST_LETTERS = 100  # over one connection: a balancer behind the name gets its turn
_DATA, _TAKEN = b"DATA\r\n", 250
_WANTED = ((250,), (250, 251), (354,))  # to MAIL, RCPT, DATA
_CONTROL = re.compile("[\x00-\x1f\x7f<> ]")
_OF_THE_SESSION = (421, 454, 530, 534, 535, 538)  # about the connection or our password, not about this letter


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpAddress:
    """Where the relay is and how to sign in."""

    host: str
    port: int
    tls: Tls = "opportunistic"
    user: str = ""
    password: str = field(default="", repr=False)
    local_name: str = "localhost"
    seconds: float = 60.0  # for each answer


class SmtpRelay:
    """A pool of connections to one relay. As many are open as letters are sent at once."""

    def __init__(self, address: SmtpAddress) -> None:
        self._address = address
        self._idle: list[_Connection] = []

    async def send(self, parcel: Parcel) -> Result:
        """Hand it over. A connection that died while it lay idle costs nothing; one that dies after DATA leaves it
        open what became of the letter: that is a refusal for now, and the repeat has the same Message-ID."""
        connection = self._take_idle()
        if connection is not None:
            try:
                return await self._send_over(connection, parcel)
            except _Stale:
                connection.close()
        try:
            connection = await _Connection.open(self._address, self._tls)
        except (SMTPException, OSError, TimeoutError) as error:
            return Unreachable(text=_text_of(error))
        try:
            return await self._send_over(connection, parcel)
        except _Stale as error:
            connection.close()
            return Unreachable(text=str(error))

    async def close(self) -> None:
        """Say goodbye on all connections that are idle."""
        while self._idle:
            await self._idle.pop().quit()

    async def _send_over(self, connection: "_Connection", parcel: Parcel) -> Result:
        try:
            result = await connection.send(parcel)
        except BaseException:
            connection.close()
            raise
        if connection.may_be_kept(result):
            self._idle.append(connection)
        else:
            connection.close()
        return result

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        # one for all connections: reading a machine's authorities takes long, and a megabyte
        return _context(self._address)

    def _take_idle(self) -> "_Connection | None":
        while self._idle:
            connection = self._idle.pop()
            if connection.is_fresh():
                return connection
            connection.close()
        return None


class _Stale(Exception):
    """The connection is gone, and nothing of the letter went over it."""


class _Unable(Exception):
    """The relay knows no way to say this letter's addresses."""


class _Connection:
    def __init__(self, wire: Wire, extensions: frozenset[str]) -> None:
        self._wire = wire
        self._extensions = extensions
        self._count = 0
        self._used_at = asyncio.get_running_loop().time()

    @classmethod
    async def open(cls, address: SmtpAddress, context: ssl.SSLContext) -> "_Connection":
        client = SMTP(
            hostname=address.host,
            port=address.port,
            username=address.user or None,
            password=address.password or None,
            local_hostname=address.local_name,
            timeout=address.seconds,
            use_tls=address.tls == "implicit",
            start_tls={"required": True, "off": False}.get(address.tls) if address.tls != "implicit" else False,
            tls_context=context,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
            if client.transport is None:
                raise SMTPServerDisconnected("the connection was lost")
            wire = Wire(cast(asyncio.Transport, client.transport), address.seconds)
        except BaseException:
            client.close()
            raise
        return cls(wire, frozenset(name.lower() for name in client.esmtp_extensions))

    def is_fresh(self) -> bool:
        age = asyncio.get_running_loop().time() - self._used_at
        return self._wire.is_open and age < IDLE_SECONDS and self._count < MOST_LETTERS

    def may_be_kept(self, result: Result) -> bool:
        return self._wire.is_open and not isinstance(result, Unreachable)

    def close(self) -> None:
        self._wire.close()

    async def quit(self) -> None:
        with suppress(Gone, TimeoutError):
            self._wire.say(b"QUIT\r\n")
            await asyncio.wait_for(self._wire.reply(), 2)
        self.close()

    async def send(self, parcel: Parcel) -> Result:
        self._count += 1
        try:
            return await self._announce(parcel) or await self._hand_over(parcel)
        finally:
            self._used_at = asyncio.get_running_loop().time()

    async def _announce(self, parcel: Parcel) -> Result | None:
        """Say whose letter it is and to whom, and that it comes; None: it may. MAIL, RCPT and DATA go at once where
        the relay knows that."""
        if not is_deliverable(parcel.to) or _CONTROL.search(parcel.envelope_from):
            # a relay would look for an address in it, and might find another than we meant
            return Refused(code=553, text="5.1.3 no address that mail can go to", is_permanent=True)
        try:
            commands = self._commands(parcel)
        except _Unable as error:
            return Refused(code=550, text=str(error), is_permanent=True)
        is_pipelined = "pipelining" in self._extensions
        if is_pipelined:
            self._wire.say(b"".join(commands))
        refused: Reply | None = None
        for command, wanted in zip(commands, _WANTED, strict=True):
            try:
                if not is_pipelined:
                    self._wire.say(command)
                reply = await self._wire.reply()
            except Gone as error:
                if refused is not None:
                    break
                raise _Stale(str(error)) from error
            if reply.code in wanted:
                if refused is not None and command == _DATA:
                    self.close()  # it waits for a letter to nobody
                continue
            refused = refused or reply
            if not is_pipelined:
                break
        if refused is None:
            return None
        await self._reset()
        return _refused(refused)

    async def _hand_over(self, parcel: Parcel) -> Result:
        try:
            self._wire.say(dotted(parcel.raw))
            reply = await self._wire.reply()
        except Gone as error:
            # whether the relay has it nobody can know: RFC 1047
            return Refused(code=0, text=f"no answer to the letter: {error}", is_permanent=False)
        if reply.code != _TAKEN:
            await self._reset()
            return _refused(reply)
        return Sent(text=reply.text)

    def _commands(self, parcel: Parcel) -> tuple[bytes, bytes, bytes]:
        sender, to, options = _with_ascii_domain(parcel.envelope_from), _with_ascii_domain(parcel.to), ""
        if not parcel.raw.isascii() and "8bitmime" in self._extensions:
            options = " BODY=8BITMIME"
        if not (sender + to).isascii():
            if "smtputf8" not in self._extensions:
                raise _Unable("5.6.7 the relay cannot take an address beyond ASCII")
            options += " SMTPUTF8"
        return f"MAIL FROM:<{sender}>{options}\r\n".encode(), f"RCPT TO:<{to}>\r\n".encode(), _DATA

    async def _reset(self) -> None:
        if not self._wire.is_open:
            return
        try:
            self._wire.say(b"RSET\r\n")
            if (await self._wire.reply()).code != _TAKEN:
                self.close()
        except Gone:
            self.close()


async def _greet(client: SMTP) -> None:
    try:
        await client.ehlo()
    except SMTPResponseException:  # an old relay without extensions
        await client.helo()


def _refused(reply: Reply) -> Result:
    if reply.code in _OF_THE_SESSION:
        return Unreachable(text=str(reply))
    return Refused(code=reply.code, text=str(reply), is_permanent=reply.code >= 500)


def _context(address: SmtpAddress) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if address.tls == "opportunistic" and not address.password:
        # RFC 7435: without a demand for encryption any is better than none; a password goes to a proven host alone
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _with_ascii_domain(address: str) -> str:
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    with suppress(UnicodeError):
        return f"{local}{at}{domain.encode('idna').decode()}"
    return address


def _text_of(error: BaseException) -> str:
    if isinstance(error, SMTPResponseException):
        return " ".join(f"{error.code} {error.message}".split())[:500]
    return " ".join((str(error) or type(error).__name__).split())[:500]

"""Letters to an SMTP relay, over connections that are kept and used again."""

import asyncio
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from aiosmtplib import (
    SMTP,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPResponseException,
    SMTPSenderRefused,
    SMTPServerDisconnected,
    SMTPTimeoutError,
)

from mailgate.log import Log
from mailgate.model.mail import is_deliverable
from mailgate.outbox.relay import Parcel, Refused, Result, Sent, Unreachable

LOG = Log("outbox")
Tls = Literal["implicit", "required", "opportunistic", "off"]
IDLE_SECONDS = 20
MOST_LETTERS = 100  # over one connection: a balancer behind the name gets its turn
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


class _Connection:
    def __init__(self, client: SMTP) -> None:
        self._client = client
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
        except BaseException:
            client.close()
            raise
        return cls(client)

    def is_fresh(self) -> bool:
        age = asyncio.get_running_loop().time() - self._used_at
        return self._client.is_connected and age < IDLE_SECONDS and self._count < MOST_LETTERS

    def may_be_kept(self, result: Result) -> bool:
        return self._client.is_connected and not isinstance(result, Unreachable)

    def close(self) -> None:
        self._client.close()

    async def quit(self) -> None:
        with suppress(SMTPException, OSError, TimeoutError):
            await asyncio.wait_for(self._client.quit(), 2)
        self.close()

    async def send(self, parcel: Parcel) -> Result:
        self._count += 1
        try:
            refusal = await self._announce(parcel)
            if refusal is not None:
                return refusal
            return await self._hand_over(parcel)
        finally:
            self._used_at = asyncio.get_running_loop().time()

    async def _announce(self, parcel: Parcel) -> Result | None:
        if not is_deliverable(parcel.to):
            # the library would look for an address in it, and might find another than we meant
            return Refused(code=553, text="5.1.3 no address that mail can go to", is_permanent=True)
        try:
            options, encoding, sender, to = self._envelope(parcel)
            await self._client.mail(sender, options=options, encoding=encoding)
            await self._client.rcpt(to, encoding=encoding)
        except SMTPNotSupported as error:
            return Refused(code=550, text=str(error), is_permanent=True)
        except (SMTPSenderRefused, SMTPRecipientRefused) as error:
            await self._reset()
            return _refused(error)
        except SMTPResponseException as error:
            return Unreachable(text=_text_of(error))
        except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
            raise _Stale(_text_of(error)) from error
        return None

    async def _hand_over(self, parcel: Parcel) -> Result:
        try:
            reply = await self._client.data(parcel.raw)
        except SMTPResponseException as error:
            await self._reset()
            return _refused(error)
        except (SMTPServerDisconnected, SMTPTimeoutError, OSError) as error:
            # whether the relay has it nobody can know: RFC 1047
            return Refused(code=0, text=f"no answer to the letter: {_text_of(error)}", is_permanent=False)
        return Sent(text=reply.message)

    def _envelope(self, parcel: Parcel) -> tuple[list[str], str, str, str]:
        sender, to = _with_ascii_domain(parcel.envelope_from), _with_ascii_domain(parcel.to)
        options = []
        if not parcel.raw.isascii() and self._client.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if (sender + to).isascii():
            return options, "ascii", sender, to
        if not self._client.supports_extension("smtputf8"):
            raise SMTPNotSupported("5.6.7 the relay cannot take an address beyond ASCII")
        return [*options, "SMTPUTF8"], "utf-8", sender, to

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (SMTPException, OSError):
            self.close()


def _refused(error: SMTPResponseException) -> Result:
    if error.code in _OF_THE_SESSION:
        return Unreachable(text=_text_of(error))
    return Refused(code=error.code, text=_text_of(error), is_permanent=error.code >= 500)


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

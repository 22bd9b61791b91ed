"""A session: aiosmtpd's command loop with the mail read in blocks, limits, and replies that blame nobody wrongly."""

import asyncio
import re
import ssl
from collections import defaultdict
from contextlib import suppress
from typing import Any, Self

from aiosmtpd.smtp import MISSING, SMTP, Envelope, TLSSetupException
from aiosmtpd.smtp import Session as SmtpSession

from mailgate.errors import TryLater
from mailgate.intake.gate import (
    FLOOR_BYTES_PER_SECOND,
    MOST_COMMANDS,
    MOST_IDLE_TIMES,
    MOST_RECIPIENTS,
    Gate,
    peer_of,
)
from mailgate.log import Log, short

LOG = Log("intake")
TROUBLE = "451 4.3.0 trouble of ours, try again later"
TOO_BIG = "552 5.3.4 message too big"
FULL = "452 4.3.1 too much mail at the moment, try again later"
NO_ROOM = "452 4.3.1 insufficient system storage, try again later"
_END = b"\r\n.\r\n"
_BLOCK = 256 * 1024
_SLACK = 64 * 1024  # for the dots that transparency adds
_ADDRESS = re.compile(r"<([A-Za-z0-9._=+\-]{1,64}@[A-Za-z0-9.\-]{1,255})>(?: (.*))?\Z")
_SIZE = re.compile(r"[ ]SIZE=(\d{1,20})(?: |\Z)", re.IGNORECASE)


class Session(SMTP):
    """One connection (I1). What aiosmtpd does otherwise: a mail is read up to CRLF.CRLF at once and not line by line,
    an exception is our trouble (451, RFC 5321, 4.2.1) and not the sender's, a commit outlives its client."""

    command_size_limit = 2048
    line_length_limit = 64 * 1024  # of the reader; lines of a mail may be of any length

    def __init__(self, gate: Gate, like: Self | None = None) -> None:
        """`like` is a session of the same gate that nobody has connected to: what aiosmtpd finds out about its own
        methods, a fifth of a short session's time, is taken from there."""
        self._gate = gate
        if like is None:
            self._set_up()
        else:
            self._copy(like)
        # aiosmtpd keeps one for all sessions, and adds to it with every EHLO
        self.command_size_limits = defaultdict(lambda: self.command_size_limit)
        self._peer = ""
        self._is_counted = False
        self._is_refused = False
        self._is_reading = False  # a mail is on its way in
        self._is_busy = False  # a mail is being stored: no timer may cut that
        self._farewell = ""
        self._commands = 0
        self._since = self.loop.time()  # the last mail that was accepted
        self._held = 0

    def _set_up(self) -> None:
        super().__init__(
            _Hooks(self._gate),
            data_size_limit=self._gate.settings.size_limit,
            enable_SMTPUTF8=True,
            hostname=self._gate.settings.hostname,
            ident="ESMTP mailgate",
            tls_context=self._gate.tls,
            timeout=self._gate.settings.idle_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )

    def _copy(self, like: Self) -> None:
        self.__dict__.update(like.__dict__)
        reader = asyncio.StreamReader(limit=self.line_length_limit, loop=self.loop)
        asyncio.StreamReaderProtocol.__init__(self, reader, self._cb_client_connected, self.loop)
        self._smtp_methods = {verb: getattr(self, f"smtp_{verb}") for verb in like._smtp_methods}

    # the connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not self._is_counted:  # else it is STARTTLS that begins anew
            self._peer = peer_of(transport)
            refusal = self._gate.enter(self, self._peer)
            if refusal:
                self._is_refused = True
                LOG.warning("peer.refused", peer=self._peer, because=refusal)
                _write_and_close(transport, refusal)
                return
            self._is_counted = True
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._is_refused:
            return
        if self._is_counted:
            self._is_counted = False
            self._gate.exit(self, self._peer)
        super().connection_lost(error)

    def data_received(self, data: bytes) -> None:
        if not self._is_refused:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        if self._is_refused:
            return False
        # what a client sent before it closed its side is still served; the end is met when the buffer has been read
        self._reader.feed_eof()
        assert self.session is not None
        return self.session.ssl is None

    def leave(self, reply: str) -> None:
        """End the session: at once between two mails, else after the reply to this one."""
        if self._is_reading or self._is_busy:
            self._farewell = reply
        elif self.transport is not None:
            _write_and_close(self.transport, reply)
            self.loop.call_later(5, self.cut)  # a client that does not read keeps a closing transport open

    def cut(self) -> None:
        """End the session now, whatever is going on."""
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    def _timeout_cb(self) -> None:
        if self._is_busy:
            self._reset_timeout()
            return
        LOG.event("peer.timed_out", peer=self._peer)
        self._is_reading = False
        self.leave("421 4.4.2 timeout")

    async def _handle_client(self) -> None:
        with suppress(ConnectionError):
            await super()._handle_client()

    async def handle_exception(self, error: Exception) -> str:
        """Return what the peer hears of an exception: never its text, never that it is the peer's fault."""
        if isinstance(error, asyncio.IncompleteReadError | TLSSetupException):  # it hung up
            self._writer.close()
            return "421 4.4.2 connection closed"
        LOG.failed("session.failed", error, peer=self._peer)
        self._set_rset_state()  # type: ignore[no-untyped-call]
        return TROUBLE

    async def _call_handler_hook(self, command: str, *args: Any) -> Any:
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            self.leave("421 4.7.0 too many commands")
        elif self.loop.time() - self._since > MOST_IDLE_TIMES * self._gate.settings.idle_seconds:
            self.leave("421 4.4.2 too long without a mail")
        return await super()._call_handler_hook(command, *args)

    # commands

    async def smtp_MAIL(self, arg: str | None) -> None:
        size = _SIZE.search(arg or "")
        if size and int(size[1]) > self._gate.settings.size_limit:
            await self.push(TOO_BIG)
        elif not self._gate.has_room():
            await self.push(NO_ROOM)
        elif arg and not _is_clean(arg):
            await self.push("553 5.1.7 malformed address")
        else:
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if arg and not _is_clean(arg):
            await self.push("553 5.1.3 malformed address")
        else:
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
        elif not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 need RCPT command")
        elif not self._gate.hold(_BLOCK, self._peer):
            await self.push(FULL)
        else:
            self._held = _BLOCK
            await self._take_mail()

    async def smtp_VRFY(self, arg: str | None) -> None:
        await self.push("252 2.5.0 cannot verify, but will take what is for us")

    async def smtp_EXPN(self, arg: str | None) -> None:
        await self.push("502 5.5.1 not implemented")

    async def smtp_AUTH(self, arg: str | None) -> None:
        await self.push("502 5.5.1 not implemented")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # what nearly all mail looks like, without the parser of headers that aiosmtpd asks
        plain = _ADDRESS.match(arg)
        if plain:
            return plain[1], plain[2] or ""
        address, options = super()._getaddr(arg)
        return address, options

    # the mail

    async def _take_mail(self) -> None:
        self._is_reading = True
        try:
            await self.push("354 End data with <CR><LF>.<CR><LF>")
            raw, refusal = await self._read_mail()
            self._is_busy = True
            await self._answer_mail(raw, refusal)
        finally:
            self._is_reading = self._is_busy = False
            self._gate.free(self._held, self._peer)
            self._held = 0
        self._reset_timeout()
        if self._farewell:
            self.leave(self._farewell)

    async def _read_mail(self) -> tuple[bytes, str]:
        """Return the mail as it was before transparency (RFC 5321, 4.5.2), and why it is refused, or ""."""
        buffer = bytearray(b"\r\n")  # so that a first line of a dot ends an empty mail, as any other line does
        received, scanned, refusal = 0, 0, ""
        begun = self.loop.time()
        while True:
            block = await self._reader.read(_BLOCK)
            received += len(block)
            if not block or self._is_too_slow(begun, received) or self._is_flood(received):
                raise ConnectionResetError
            self._reset_timeout()
            buffer += block
            refusal = refusal or self._refusal(received)
            end = buffer.find(_END, scanned)
            if end >= 0:
                break
            if refusal:
                del buffer[:-4]
            scanned = max(0, len(buffer) - 4)
        # what a pipelining client sent behind the mail goes back
        self._reader._buffer[:0] = buffer[end + len(_END) :]  # type: ignore[attr-defined]
        raw = bytes(memoryview(buffer)[: end + 2])
        return (raw.replace(b"\r\n.", b"\r\n") if b"\r\n." in raw else raw)[2:], refusal

    def _is_too_slow(self, begun: float, received: int) -> bool:
        allowed = 10 * self._gate.settings.idle_seconds + received / FLOOR_BYTES_PER_SECOND
        if self.loop.time() - begun < allowed:
            return False
        LOG.event("peer.too_slow", peer=self._peer, received=received)
        self._is_reading = False
        self.leave("421 4.4.2 timeout")
        return True

    def _is_flood(self, received: int) -> bool:
        # a client listens only after its mail's end; one that does not come to it is not waited for
        if received <= 4 * (self._gate.settings.size_limit + _SLACK):
            return False
        self._is_reading = False
        self.leave(TOO_BIG)
        return True

    def _refusal(self, received: int) -> str:
        if received > self._gate.settings.size_limit + _SLACK:
            return TOO_BIG
        while self._held < received:
            if not self._gate.hold(_BLOCK, self._peer):
                return FULL
            self._held += _BLOCK
        return ""

    async def _answer_mail(self, raw: bytes, refusal: str) -> None:
        envelope = self.envelope
        assert envelope is not None
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        to = tuple(envelope.rcpt_tos)
        if not refusal and len(raw) > self._gate.settings.size_limit:
            refusal = TOO_BIG
        if refusal:
            LOG.event("mail.refused", peer=self._peer, because=refusal)
        await self._reply_to_mail(refusal or await self._stored(raw, envelope, to), to)

    async def _reply_to_mail(self, reply: str, to: tuple[str, ...]) -> None:
        await self.push(reply)

    async def _stored(self, raw: bytes, envelope: Envelope, to: tuple[str, ...]) -> str:
        assert self.session is not None
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from or ""
        held, self._held = self._held, 0
        try:
            await self._gate.take(raw, sender, to, self._peer, self.session.host_name or "", held)
        except (TryLater, TimeoutError) as error:
            LOG.warning("mail.put_off", peer=self._peer, sender=short(sender), because=str(error) or "too slow")
            return TROUBLE
        except Exception as error:  # a bug is never the sender's problem
            LOG.failed("mail.not_stored", error, peer=self._peer, sender=short(sender))
            return TROUBLE
        self._commands, self._since = 0, self.loop.time()
        return "250 2.0.0 it is kept"


class _Hooks:
    """What aiosmtpd asks."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    async def handle_EHLO(
        self, server: Session, session: SmtpSession, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        # AUTH stands there over TLS, though there is nothing to sign in to
        offered = [line for line in responses if not line.startswith(("250-AUTH", "250 HELP"))]
        # as one, for it goes out in as many packets as there are
        return ["\r\n".join([*offered, "250 PIPELINING"])]

    async def handle_RCPT(
        self, server: Session, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> Any:
        if self._gate.recipients.desk_of(address) is None:
            LOG.event("recipient.refused", peer=server._peer, to=short(address))
            return "550 5.1.1 no such mailbox here"
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return "452 4.5.3 too many recipients"
        return MISSING


def tls_context(certificate: str, key: str) -> ssl.SSLContext:
    """Return a context for STARTTLS with that certificate; OSError where the files cannot be used."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key or None)
    return context


def _is_clean(arg: str) -> bool:
    # bytes that are no UTF-8 came in as surrogates, which nobody could store or answer
    return not any("\ud800" <= char <= "\udfff" or char < " " for char in arg)


def _write_and_close(transport: asyncio.BaseTransport, reply: str) -> None:
    if transport.is_closing():
        return
    transport.write(f"{reply}\r\n".encode())  # type: ignore[attr-defined]
    transport.close()

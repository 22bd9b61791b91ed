"""A session: what aiosmtpd's commands do otherwise here, mail with its limits, and replies that blame nobody wrongly."""

import re
import ssl
from functools import partial
from typing import Any, Self

from aiosmtpd.smtp import MISSING, Envelope
from aiosmtpd.smtp import Session as SmtpSession

from mailgate.errors import TryLater
from mailgate.intake.connection import TROUBLE, Connection
from mailgate.intake.gate import FLOOR_BYTES_PER_SECOND, MOST_RECIPIENTS, Gate
from mailgate.log import Log, short

LOG = Log("intake")
TOO_BIG = "552 5.3.4 message too big"
FULL = "452 4.3.1 too much mail at the moment, try again later"
NO_ROOM = "452 4.3.1 insufficient system storage, try again later"
_BLOCK = 256 * 1024
_SLACK = 64 * 1024  # for the dots that transparency adds
_ADDRESS = re.compile(r"<([A-Za-z0-9._=+\-]{1,64}@[A-Za-z0-9.\-]{1,255})>(?: (.*))?\Z")
_SIZE = re.compile(r"[ ]SIZE=(\d{1,20})(?: |\Z)", re.IGNORECASE)


class Session(Connection):
    """One connection (I1). An exception is our trouble (451, RFC 5321, 4.2.1) and not the sender's; a commit outlives its
    client."""

    _begun = 0.0  # when the present mail began
    _held = 0  # bytes of it that the gate counts
    _refusal = ""

    def __init__(self, gate: Gate, like: Self | None = None) -> None:
        """As `Connection`."""
        super().__init__(gate, _Hooks(gate) if like is None else None, like)

    def connection_lost(self, error: Exception | None) -> None:
        super().connection_lost(error)
        self._let_go()

    # commands

    async def smtp_MAIL(self, arg: str | None) -> None:
        size = _SIZE.search(arg or "")
        if size and int(size[1]) > self.gate.settings.size_limit:
            self.say(TOO_BIG)
        elif not self.gate.has_room():
            self.say(NO_ROOM)
        elif arg and not _is_clean(arg):
            self.say("553 5.1.7 malformed address")
        else:
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str | None) -> None:
        if arg and not _is_clean(arg):
            self.say("553 5.1.3 malformed address")
        else:
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str | None) -> None:
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        if arg:
            self.say("501 5.5.4 Syntax: DATA")
        elif not self.envelope.rcpt_tos:
            self.say("503 5.5.1 need RCPT command")
        elif not self.gate.hold(_BLOCK, self.peer):
            self.say(FULL)
        else:
            self.say("354 End data with <CR><LF>.<CR><LF>")
            self._held, self._refusal, self._begun = _BLOCK, "", self.loop.time()
            self.is_reading = True
            self.wire.begin_mail()

    async def smtp_QUIT(self, arg: str | None) -> None:
        if arg:
            self.say("501 Syntax: QUIT")
        else:
            self.leave("221 Bye")

    async def smtp_STARTTLS(self, arg: str | None) -> None:
        if arg:
            self.say("501 Syntax: STARTTLS")
        elif self.tls_context is None:
            self.say("454 TLS not available")
        elif self.session is not None and self.session.ssl is not None:
            self.say("503 5.5.1 this is TLS already")
        else:
            self.say("220 Ready to start TLS")
            self.change_to_tls()

    async def smtp_VRFY(self, arg: str | None) -> None:
        self.say("252 2.5.0 cannot verify, but will take what is for us")

    async def smtp_EXPN(self, arg: str | None) -> None:
        self.say("502 5.5.1 not implemented")

    async def smtp_AUTH(self, arg: str | None) -> None:
        self.say("502 5.5.1 not implemented")

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        # what nearly all mail looks like, without the parser of headers that aiosmtpd asks
        plain = _ADDRESS.match(arg)
        if plain:
            return plain[1], plain[2] or ""
        address, options = super()._getaddr(arg)
        return address, options

    # the mail

    def read_mail(self) -> bool:
        received = self.wire.received
        if self._is_too_slow(received) or self._is_flood(received):
            return False
        self._refusal = self._refusal or self._refuse(received)
        raw = self.wire.mail()
        if raw is None:
            if self._refusal:
                self.wire.drop()
            return False
        self._take(raw)
        return True

    def _is_too_slow(self, received: int) -> bool:
        allowed = 10 * self.gate.settings.idle_seconds + received / FLOOR_BYTES_PER_SECOND
        if self.loop.time() - self._begun < allowed:
            return False
        LOG.event("peer.too_slow", peer=self.peer, received=received)
        self.give_up("421 4.4.2 timeout")
        return True

    def _is_flood(self, received: int) -> bool:
        # a client listens only after its mail's end; one that does not come to it is not waited for
        if received <= 4 * (self.gate.settings.size_limit + _SLACK):
            return False
        self.give_up(TOO_BIG)
        return True

    def _refuse(self, received: int) -> str:
        if received > self.gate.settings.size_limit + _SLACK:
            return TOO_BIG
        while self._held < received:
            if not self.gate.hold(_BLOCK, self.peer):
                return FULL
            self._held += _BLOCK
        return ""

    def _take(self, raw: bytes) -> None:
        envelope: Envelope | None = self.envelope
        assert envelope is not None
        assert self.session is not None
        self._set_post_data_state()  # type: ignore[no-untyped-call]
        to = tuple(envelope.rcpt_tos)
        refusal = self._refusal or (TOO_BIG if len(raw) > self.gate.settings.size_limit else "")
        if refusal:
            LOG.event("mail.refused", peer=self.peer, because=refusal)
            self._answer(refusal, to)
            return
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from or ""
        held, self._held = self._held, 0
        self.is_busy = True
        self.gate.take(
            raw, sender, to, self.peer, self.session.host_name or "", held, partial(self._stored, sender, to)
        )

    def _stored(self, sender: str, to: tuple[str, ...], error: BaseException | None) -> None:
        if error is None:
            self.was_kept()
            reply = "250 2.0.0 it is kept"
        else:
            reply = TROUBLE
            if isinstance(error, TryLater | TimeoutError):
                LOG.warning("mail.put_off", peer=self.peer, sender=short(sender), because=str(error) or "too slow")
            else:  # a bug is never the sender's problem
                LOG.failed("mail.not_stored", error, peer=self.peer, sender=short(sender))
        self._answer(reply, to)
        self.go_on()

    def _answer(self, reply: str, to: tuple[str, ...]) -> None:
        self.reply_to_mail(reply, to)
        self.is_reading = self.is_busy = False
        self._let_go()
        self._reset_timeout()
        if self._farewell:
            self.leave(self._farewell)

    def reply_to_mail(self, reply: str, to: tuple[str, ...]) -> None:
        """Say what became of the mail."""
        self.say(reply)

    def _let_go(self) -> None:
        if self._held:
            self.gate.free(self._held, self.peer)
            self._held = 0


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
        return [*offered, "250 PIPELINING"]

    async def handle_RCPT(
        self, server: Session, session: SmtpSession, envelope: Envelope, address: str, options: list[str]
    ) -> Any:
        if self._gate.recipients.desk_of(address) is None:
            LOG.event("recipient.refused", peer=server.peer, to=short(address))
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
    return arg.isascii() and arg.isprintable() or not any("\ud800" <= char <= "\udfff" or char < " " for char in arg)

"""A connection that speaks aiosmtpd's commands without aiosmtpd's loop: nothing is waited for, line by line."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Coroutine
from typing import Any, AnyStr, Self

from aiosmtpd.smtp import BOGUS_LIMIT, SMTP

from mailgate.intake.gate import MOST_COMMANDS, MOST_IDLE_TIMES, Gate, peer_of
from mailgate.intake.wire import Wire
from mailgate.log import Log

LOG = Log("intake")
TROUBLE = "451 4.3.0 trouble of ours, try again later"
_MOST_AHEAD = 128 * 1024  # bytes that a client may send before it is answered
_MOST_REPLIES = 64  # that go out as one
_CUT_SECONDS = 5.0  # a client that does not read keeps a closing transport open

Command = Callable[[Any, str | None], Coroutine[Any, Any, None]]


class Connection(SMTP):
    """The commands, their parameters and their order are aiosmtpd's; how they come to be called is not. What has arrived
    is cut into lines and mails as it arrives (`Wire`), and a command runs to its end at once: none of them waits, but
    STARTTLS. aiosmtpd's own loop takes a wait, a timer and two log lines a line (docs/speed.md).

    Of a session (`mailgate.intake.session`) it knows that a mail may be on its way in (`is_reading`) or being stored
    (`is_busy`)."""

    command_size_limit = 2048
    is_reading = False
    is_busy = False  # no timer may cut that
    _is_counted = False
    _is_over = False  # nothing more is heard
    _is_ended = False  # the client will say no more
    _is_changing = False  # to TLS
    _is_stuffed = False  # the client does not read what it is told
    _is_paused = False  # nothing is taken from the client for now
    _farewell = ""
    _commands = 0
    _unknown = 0

    def __init__(self, gate: Gate, hooks: object, like: Self | None) -> None:
        """`like` is a connection of the same gate that nobody has connected to: what aiosmtpd finds out about its own
        methods, most of a short session's time, is taken from there."""
        self.gate = gate
        if like is None:
            self._set_up(hooks)
        else:
            self.__dict__.update(like.__dict__)
        # aiosmtpd keeps one for all sessions, and adds to it with every EHLO
        self.command_size_limits = defaultdict(lambda: self.command_size_limit)
        self.wire = Wire()
        self.peer = ""
        self._replies: list[bytes] = []  # not yet written
        self._since = self._quiet_since = self.loop.time()  # of the last mail that was accepted, and of the last word

    def _set_up(self, hooks: object) -> None:
        super().__init__(
            hooks,
            data_size_limit=self.gate.settings.size_limit,
            enable_SMTPUTF8=True,
            hostname=self.gate.settings.hostname,
            ident="ESMTP mailgate",
            tls_context=self.gate.tls,
            timeout=self.gate.settings.idle_seconds,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=asyncio.get_running_loop(),
        )
        self._verbs: dict[str, Command] = {verb: getattr(type(self), f"smtp_{verb}") for verb in self._smtp_methods}

    # what the loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.peer = peer_of(transport)
        self._begin_anew()
        refusal = self.gate.enter(self, self.peer)
        if refusal:
            LOG.warning("peer.refused", peer=self.peer, because=refusal)
            self.leave(refusal)
            return
        self._is_counted = True
        self._timeout_handle = self.loop.call_later(self._timeout_duration, self._look_at_time)
        self._replies.append(f"220 {self.hostname} {self.__ident__}".encode())
        self._flush()

    def connection_lost(self, error: Exception | None) -> None:
        self._is_over = True
        self.transport = None
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
            self._timeout_handle = None
        if self._is_counted:
            self._is_counted = False
            self.gate.exit(self, self.peer)

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        self.wire.feed(data)
        if self.is_reading:
            self._quiet_since = self.loop.time()
        self.go_on()

    def eof_received(self) -> bool | None:
        # what a client sent before it closed its side is still served; over TLS there is no half of a connection
        self._is_ended = True
        self.go_on()
        assert self.session is not None
        return self.session.ssl is None and not self._is_over

    def pause_writing(self) -> None:
        self._is_stuffed = True

    def resume_writing(self) -> None:
        self._is_stuffed = False
        self.go_on()

    # the end

    def leave(self, reply: str) -> None:
        """End the session: at once between two mails, else after the reply to this one."""
        if self.is_reading or self.is_busy:
            self._farewell = reply
        elif self._is_changing:
            self.cut()
        elif not self._is_over:
            self._replies.append(reply.encode())
            self._flush()
            self._close()

    def cut(self) -> None:
        """End the session now, whatever is going on."""
        self._is_over = True
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    def _close(self) -> None:
        self._is_over = True
        transport: Any = self.transport
        if transport is not None:
            transport.close()
            if transport.get_write_buffer_size():
                self.loop.call_later(_CUT_SECONDS, self.cut)

    # time: one timer a session, which looks when the last word was

    def _reset_timeout(self, duration: float | None = None) -> None:
        self._quiet_since = self.loop.time()

    def _look_at_time(self) -> None:
        left = self._quiet_since + self._timeout_duration - self.loop.time()
        if self.is_busy or left > 0.001:
            self._timeout_handle = self.loop.call_later(max(left, self._timeout_duration / 8), self._look_at_time)
            return
        self._timeout_handle = None
        LOG.event("peer.timed_out", peer=self.peer)
        self.give_up("421 4.4.2 timeout")

    def give_up(self, reply: str) -> None:
        """End the session, a mail on its way in included."""
        self.is_reading = False
        self.leave(reply)

    # what was said

    def read_mail(self) -> bool:
        """Take the mail that is on its way in; False while it is not whole."""
        raise NotImplementedError

    def go_on(self) -> None:
        """Obey whatever is here, until there is no whole command or mail, or something must be waited for."""
        while not (self._is_over or self.is_busy or self._is_changing or self._is_stuffed):
            if self.is_reading:
                if not self.read_mail():
                    break
            elif (line := self.wire.line()) is not None:
                self._obey(line)
                if len(self._replies) >= _MOST_REPLIES:
                    self._flush()
            else:
                break
        self._flush()
        self._hold_back()

    def _hold_back(self) -> None:
        """Take no more from a client that is not answered yet; close where there is nothing more to come."""
        if self._is_over or self._is_changing:
            return
        transport: Any = self.transport
        waits = self.is_busy or self._is_stuffed
        if self._is_ended and not waits:
            self._close()
        elif waits and not self._is_paused and len(self.wire) > _MOST_AHEAD:
            self._is_paused = True
            transport.pause_reading()
        elif self._is_paused and not waits:
            self._is_paused = False
            transport.resume_reading()

    def _obey(self, line: bytes) -> None:
        """Carry out a command, as aiosmtpd's `_handle_client` does."""
        self._commands += 1
        if self._commands > MOST_COMMANDS:
            return self.leave("421 4.7.0 too many commands")
        if self.loop.time() - self._since > MOST_IDLE_TIMES * self._timeout_duration:
            return self.leave("421 4.4.2 too long without a mail")
        said, _, rest = line.partition(b" ")
        verb = said.upper().decode("ascii", "replace")
        assert self.session is not None
        most = self.command_size_limits[verb] if self.session.extended_smtp else self.command_size_limit
        if not line or not verb.isascii():
            return self.say("500 Error: bad syntax")
        if len(line) > most:
            return self.say("500 Command line too long")
        command = self._verbs.get(verb)
        if command is None:
            return self._wonder(verb)
        self._reset_timeout()
        # whatever the peer says, without having been told that it may: its bytes can be had back from the surrogates
        argument = rest.strip().decode("utf-8", "surrogateescape") if rest else None
        try:
            command(self, argument).send(None)
        except StopIteration:
            return None
        except Exception as error:
            LOG.failed("session.failed", error, peer=self.peer)
            self._set_rset_state()  # type: ignore[no-untyped-call]
            return self.say(TROUBLE)
        raise AssertionError(f"{verb} waits for something")

    def _wonder(self, verb: str) -> None:
        self._unknown += 1
        if self._unknown >= BOGUS_LIMIT:
            self.leave("502 5.5.1 Too many unrecognized commands, goodbye.")
        else:
            self.say(f'500 Error: command "{verb}" not recognized')

    def was_kept(self) -> None:
        """A mail was accepted: whoever sends mail may go on talking."""
        self._commands, self._since = 0, self.loop.time()

    async def push(self, status: AnyStr) -> None:
        """Answer; so aiosmtpd's commands do."""
        self._replies.append(status.encode() if isinstance(status, str) else status)

    def say(self, reply: str) -> None:
        """Answer, with the next that is written."""
        self._replies.append(reply.encode())

    def _flush(self) -> None:
        if self._replies:
            data = b"\r\n".join([*self._replies, b""])
            self._replies.clear()
            if self.transport is not None:
                self.transport.write(data)  # type: ignore[attr-defined]

    # TLS

    def change_to_tls(self) -> None:
        """Go on over TLS once the client has shaken hands (RFC 3207)."""
        self._flush()
        self._is_changing = True
        self._changing = self.loop.create_task(self._change())

    async def _change(self) -> None:
        assert self.tls_context is not None
        assert self.transport is not None
        plain: Any = self.transport
        self.wire.clear()  # 4.2: what was said in the clear counts for nothing
        try:
            secure = await self.loop.start_tls(plain, self, self.tls_context, server_side=True)
        except Exception as error:
            LOG.event("peer.not_secured", peer=self.peer, because=type(error).__name__)
            secure = None
        if secure is None or self._is_over:  # it hung up
            plain.abort()
            self.connection_lost(None)  # of which the loop tells nobody before hands are shaken
            return
        self.transport = secure
        self._tls_protocol = secure  # type: ignore[assignment]  # for aiosmtpd: that there is one
        self._begin_anew()
        assert self.session is not None
        self.session.ssl = secure.get_extra_info("ssl_object")
        self._is_changing = False
        self._reset_timeout()
        self.go_on()

    def _begin_anew(self) -> None:
        self.session = self._create_session()
        self.session.peer = self.transport.get_extra_info("peername") if self.transport else None
        self.envelope = self._create_envelope()

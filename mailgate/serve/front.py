"""The front process: doors, group writer, outbox and clock in one loop, and the supervisor of the workers beside it."""

import asyncio
import os
import signal
import ssl
import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Protocol

from mailgate import app
from mailgate.errors import ConfigError, MailgateError
from mailgate.intake.door import Recipients
from mailgate.intake.gate import Gate
from mailgate.intake.lmtp import LmtpDoor
from mailgate.intake.room import Room
from mailgate.intake.smtp import SmtpDoor, tls_context
from mailgate.intake.writer import GroupWriter
from mailgate.log import Log
from mailgate.operations.alarms import Alarms
from mailgate.operations.watch import Watch
from mailgate.outbox.sender import Sender
from mailgate.outbox.ways import open_relay
from mailgate.scheduler import Scheduler
from mailgate.serve import systemd
from mailgate.serve.clock import Clock
from mailgate.serve.letters import Consequences, LetterBytes
from mailgate.serve.lost import LostFiles
from mailgate.serve.names import is_dead, name_of
from mailgate.serve.rush import LASTS_SECONDS, Commits
from mailgate.serve.supervisor import Supervisor
from mailgate.store import outbox
from mailgate.store.engine import reading, transaction
from mailgate.store.fetched import Ledger
from mailgate.store.requests import Requests

if TYPE_CHECKING:  # imported where they are needed: a desk without web and IMAP pays nothing for them
    from mailgate.intake.imap import ImapFetcher
    from mailgate.web.desk import Bell
    from mailgate.web.site import WebDoor

LOG = Log("serve")
ROLES = ("front", "worker", "scheduler")
DRAIN_SECONDS = 4.0
END_SECONDS = 8.5  # all in all: systemd and people wait for ten
BURY_SECONDS = 5.0
FILES_SECONDS = 5.0  # between two looks at the database's files
SILENT_SECONDS = 60.0  # a clock that has not looked for so long is stuck


class Door(Protocol):
    """A listener: opened on an address, closed within so many seconds."""

    async def close(self, seconds: float = ...) -> None: ...


class Front:
    """The daemon, or a part of it. `run` until it is told to stop."""

    def __init__(
        self, built: app.Built, config: str | None, say: Callable[[str], None], roles: Collection[str] = ROLES
    ) -> None:
        """`say` prints a line for whoever started us; `roles` are the parts this process and its workers play."""
        self._built = built
        self._settings = built.settings
        self._config = config
        self._say = say
        self._roles = roles
        self._doors: list[Door] = []
        self._commits = Commits()
        self._stopped = asyncio.Event()
        self._writer: GroupWriter | None = None
        self._sender: Sender | None = None
        self._clock: Clock | None = None
        self._supervisor: Supervisor | None = None
        self._running: list[asyncio.Task[None]] = []
        self._aside: list[asyncio.Task[None]] = []  # what is cut off at the end without harm
        self._bell: Bell | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """End within ten seconds, with nothing half done. To be called in the loop."""
        self._stopped.set()

    async def run(self) -> None:
        """Begin, serve until `stop`, end."""
        self._loop = loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        bell = asyncio.create_task(self._ring())
        try:
            await self._begin()
            self._say("ready")
            systemd.notify("READY=1")
            LOG.event("serve.ready", roles=",".join(self._roles))
            await self._stopped.wait()
        finally:
            systemd.notify("STOPPING=1")
            begun = time.monotonic()
            await self._end(begun + END_SECONDS)
            bell.cancel()
            LOG.event("serve.ended", seconds=round(time.monotonic() - begun, 2))

    async def _begin(self) -> None:
        built = self._built
        if "worker" in self._roles:
            self._supervisor = Supervisor(built.house, built.inbox, self._config, on_applied=self._applied)
            self._go(self._supervisor.run())
        self._watch = Watch(built.house, built.inbox, Alarms(built.house, self._told))
        if "scheduler" in self._roles:
            self._aside.append(asyncio.create_task(self._watch.run()))
            self._clock = Clock(Scheduler(built.house), now=built.house.clock, on_fired=self._applied)
            self._clock.start()
        if "front" in self._roles:
            await self._open_doors()
            self._aside.append(asyncio.create_task(self._watch_files()))
            self._sender = await self._make_sender()
            self._go(self._sender.run())
            self._go(self._keep_burying())

    async def _open_doors(self) -> None:
        smtp = self._settings.smtp
        self._writer = GroupWriter(self._built.inbox, on_commit=self._arrived)
        given = systemd.take_sockets()
        if smtp.listen or "smtp" in given:
            smtp_door = SmtpDoor(self._gate("smtp", tls=True))
            self._doors.append(smtp_door)
            await self._open("smtp", smtp.listen, smtp_door.open(smtp.listen, given.get("smtp")))
        if smtp.lmtp_listen or "lmtp" in given:
            lmtp_door = LmtpDoor(self._gate("lmtp"))
            self._doors.append(lmtp_door)
            await self._open("lmtp", smtp.lmtp_listen, lmtp_door.open(smtp.lmtp_listen, given.get("lmtp")))
        if self._settings.web_listen or "web" in given:
            web_door = self._web_door()
            self._doors.append(web_door)
            await self._open(
                "web", self._settings.web_listen, web_door.open(self._settings.web_listen, given.get("web"))
            )
        for fetcher in self._fetchers():
            self._aside.append(asyncio.create_task(fetcher.run()))

    def _web_door(self) -> "WebDoor":
        from mailgate.web.desk import Faces
        from mailgate.web.site import WebDoor, build_site

        built = self._built
        faces = Faces(
            house=built.house, inbox=built.inbox, requests=Requests(built.inbox_engine, built.inbox),
            on_commit=self._arrived, on_letter=self._applied, is_well=self._is_well, may_take=Room.of(self._settings),
        )  # fmt: skip
        self._bell = faces.bell
        return WebDoor(build_site(faces))

    def _fetchers(self) -> Iterator["ImapFetcher"]:
        """I3: one for each account and folder of the configuration."""
        if not self._settings.imap:
            return
        from mailgate.intake.imap import ImapFetcher

        built, recipients = self._built, Recipients.of(self._settings)
        for account in self._settings.imap:
            yield ImapFetcher(
                account, recipients, Ledger(built.inbox_engine, built.inbox), built.ids.new,
                size_limit=self._settings.smtp.size_limit, on_commit=self._arrived, may_take=Room.of(self._settings),
                tell=partial(self._watch.tell_of_mailbox, account.mailbox),
                tell_of_grant=partial(self._watch.tell_of_grant, account.mailbox),
            )  # fmt: skip

    async def _open(self, name: str, listen: str, opening: Awaitable[str]) -> None:
        try:
            self._say(f"{name} {await opening}")
        except OSError as error:
            place = listen or "the socket that systemd gave"
            raise MailgateError(f"{name} cannot listen on {place}: {_why(error)}") from error

    def _gate(self, channel: str, *, tls: bool = False) -> Gate:
        smtp = self._settings.smtp
        assert self._writer is not None
        return Gate(
            smtp,
            Recipients.of(self._settings),
            self._writer.submit,
            self._built.ids.new,
            channel="lmtp" if channel == "lmtp" else "smtp",
            tls=_tls(smtp.tls_cert, smtp.tls_key) if tls and smtp.tls_cert else None,
            has_room=Room.of(self._settings),
        )

    async def _watch_files(self) -> None:
        """P1: a database that is gone is said, and no mail is taken any more."""
        lost = LostFiles(self._built, open_relay(self._settings.relay, self._settings.smtp.hostname))
        while True:
            await asyncio.sleep(FILES_SECONDS)
            try:
                await lost.look()
            except Exception as error:  # what goes wrong in telling must not end the looking
                LOG.failed("files.not_told", error)

    async def _make_sender(self) -> Sender:
        built, relay = self._built, self._settings.relay
        name = name_of("sender")
        await asyncio.to_thread(_bury_dead_senders, built)
        follows = Consequences(built.house)
        return Sender(
            built.engine,
            open_relay(relay, self._settings.smtp.hostname),
            LetterBytes(built.house),
            on_failure=follows.failed,
            on_sent=follows.sent,
            name=name,
            connections=relay.connections,
            give_up_seconds=relay.give_up_seconds,
            is_pressed=self._is_pressed,
        )

    async def _keep_burying(self) -> None:
        """Another daemon of this machine may die, and nobody start it again."""
        while not self._stopped.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), BURY_SECONDS)
                return
            with suppress(MailgateError):
                await asyncio.to_thread(_bury_dead_senders, self._built)

    def _arrived(self, mails: int = 1) -> None:
        """Mail was committed: the workers look."""
        now = time.monotonic()
        self._commits.add(now, mails)
        if self._supervisor is None:
            return
        if self._commits.are_rush(now):
            self._supervisor.hurry(now + LASTS_SECONDS)
        self._supervisor.wake(is_much=mails > 1 or self._commits.are_many(now))

    def _is_pressed(self) -> bool:
        return self._commits.are_many(time.monotonic())

    def _applied(self) -> None:
        """Something was applied: there may be letters, and deadlines."""
        if self._bell is not None:
            self._bell.ring()
        if self._sender is not None:
            self._sender.wake()
        if self._clock is not None:
            self._clock.nudge()

    def _told(self) -> None:
        """An alarm was written, in a thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._applied)

    def _go(self, work: Awaitable[None]) -> None:
        """Run a part of the daemon; if it ends by an error, the daemon does, to be started anew."""
        task = asyncio.ensure_future(work)
        task.add_done_callback(self._look_at)
        self._running.append(task)

    def _look_at(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            LOG.failed("serve.broken", error)
            self.stop()

    async def _end(self, end: float) -> None:
        """Doors first, then what is in hand; who is not through at `end` is cut off: nothing is lost by that."""
        for task in self._aside:
            task.cancel()  # a mail that was not flagged yet is found again, and known
        await asyncio.gather(*(door.close(DRAIN_SECONDS) for door in self._doors))
        if self._writer is not None:
            await self._writer.close()
        if self._supervisor is not None:
            self._supervisor.stop()
        if self._clock is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._clock.stop(), max(0.1, end - time.monotonic()))
        if self._sender is not None:
            self._sender.stop()
        if not self._running:
            return
        _, late = await asyncio.wait(self._running, timeout=max(0.1, end - time.monotonic()))
        if self._supervisor is not None:
            self._supervisor.kill()
        for task in late:
            LOG.warning("serve.cut_off", what=str(task.get_coro()))
        if late and self._supervisor is not None:
            # a worker that was just killed is gone in no time
            await asyncio.wait(late, timeout=0.5)
        for task in late:
            task.cancel()

    async def _ring(self) -> None:
        """Let systemd know that we are alive, while we are."""
        seconds = systemd.watchdog_seconds()
        while seconds:
            await asyncio.sleep(seconds / 2)
            if self._is_well():
                systemd.notify("WATCHDOG=1")

    def _is_well(self) -> bool:
        return self._clock is None or time.monotonic() - self._clock.looked_at < SILENT_SECONDS


def serve(config: str | None, say: Callable[[str], None], roles: Sequence[str] = ROLES) -> int:
    """Be the daemon of that configuration; return the exit code."""
    built = app.build(config)
    app.settle_memory()
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_serve(built, config, say, roles))
    finally:
        built.close()
    return 0


async def _serve(built: app.Built, config: str | None, say: Callable[[str], None], roles: Sequence[str]) -> None:
    front = Front(built, config, say, roles)
    await front.run()
    for task in front._running:
        if task.done() and not task.cancelled() and (error := task.exception()):
            raise error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return uvloop's where it is there (a door takes half as much again with it), else Python's own."""
    with suppress(ImportError):
        import uvloop

        return uvloop.new_event_loop
    return None


def _why(error: OSError) -> str:
    """Return what the system says, without the address, which asyncio puts before it."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror or error)


def _tls(certificate: str, key: str) -> ssl.SSLContext:
    try:
        return tls_context(certificate, key)
    except OSError as error:
        raise ConfigError([f"smtp.tls_cert: {certificate}: {error.strerror or error}"]) from error


def _bury_dead_senders(built: app.Built) -> None:
    """What a sender that died had in hand goes again now, under the same Message-IDs (P2)."""
    with reading(built.engine) as connection:
        dead = [name for name in outbox.claimers(connection) if is_dead(name)]
    for name in dead:
        with transaction(built.engine) as connection:
            LOG.warning("sender.buried", claimer=name, letters=outbox.bury(connection, name, built.house.clock()))

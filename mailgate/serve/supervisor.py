"""The supervisor: keeps workers running, and ends one that sits on a mail for longer than a mail may take (M4, I7)."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from mailgate.asked import asking_name
from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.pipeline import House, quarantine
from mailgate.serve.board import Board, Busy, new_board
from mailgate.serve.names import cpu_seconds, is_dead, name_of
from mailgate.serve.worker import Lines, command
from mailgate.store.inbox import Inbox

LOG = Log("supervisor")
LOOK_SECONDS = 0.5
REAP_SECONDS = 0.01
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.2, 30.0
SETTLED_SECONDS = 60.0  # who lived so long did not die of how it was started
BURY_SECONDS = 5.0
STUCK_TIMES = 6  # so many times the limit without work of its own: it hangs on something else than the mail
TOO_LONG = "exceeds a limit: time"


@dataclass(slots=True, eq=False)
class _Child:
    """A worker process, and our ends of its lines."""

    process: subprocess.Popen[bytes]
    name: str
    waking: int
    told: int
    board: Board
    has_hung_up: asyncio.Event = field(default_factory=asyncio.Event)
    began_at: float = field(default_factory=time.monotonic)
    ended_for: Busy | None = None  # the mail that it was killed for


class Supervisor:
    """Runs `processes` workers. `run` until `stop`; `wake` when there is mail."""

    def __init__(
        self,
        house: House,
        inbox: Inbox,
        config: str | None,
        *,
        on_applied: Callable[[], None] = lambda: None,
        program: Sequence[str] = (sys.executable, "-m", "mailgate"),
    ) -> None:
        """`on_applied` is called in the loop after a worker has applied something; `program` is what a worker runs."""
        self._house = house
        self._inbox = inbox
        self._config = config
        self._on_applied = on_applied
        self._program = program
        self._children: set[_Child] = set()
        self._is_stopping = asyncio.Event()
        self._settings = house.settings.worker

    @property
    def pids(self) -> list[int]:
        """Return the process ids of the workers that run."""
        return [child.process.pid for child in self._children]

    def wake(self, *, is_much: bool = True) -> None:
        """There is mail: every worker looks now; where it is not much, one that rests, if there is one."""
        resting = [] if is_much else [child for child in self._children if child.board.read() is None]
        for child in resting[:1] or self._children:
            with suppress(OSError):  # a pipe that is full has woken it already
                os.write(child.waking, b".")

    def hurry(self, until: float) -> None:
        """The doors are in a rush until then (monotonic): the workers leave them the cores, for a while."""
        for child in self._children:
            child.board.hurry(until)

    def stop(self) -> None:
        """Let the workers finish the group in hand and end."""
        self._is_stopping.set()
        for child in self._children:
            self._hang_up(child)

    def kill(self) -> None:
        """End what is left of them."""
        for child in self._children:
            _kill(child)

    async def run(self) -> None:
        """Keep the workers running until `stop`; returns when all have ended."""
        await asyncio.to_thread(self._bury_the_dead)
        await asyncio.gather(self._keep_burying(), *(self._keep() for _ in range(self._settings.processes)))

    async def _keep_burying(self) -> None:
        """Another daemon of this machine may die, and nobody start it again."""
        while not self._is_stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_stopping.wait(), BURY_SECONDS)
                return
            await asyncio.to_thread(self._bury_the_dead)

    def _bury_the_dead(self) -> None:
        """Claims of workers that died with their daemon are handed out now, not when their lease ends."""
        try:
            for name in filter(is_dead, self._inbox.claimers()):
                LOG.warning("worker.buried", claimer=name, mails=self._inbox.bury(name))
        except MailgateError as error:
            LOG.failed("worker.not_buried", error)

    async def _keep(self) -> None:
        """Run one worker after the other."""
        pause = FIRST_PAUSE_SECONDS
        while not self._is_stopping.is_set():
            try:
                child = self._start()
            except OSError as error:
                LOG.failed("worker.not_started", error)
            else:
                await self._watch(child)
                if time.monotonic() - child.began_at > SETTLED_SECONDS:
                    pause = FIRST_PAUSE_SECONDS
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_stopping.wait(), pause)
            pause = min(LONGEST_PAUSE_SECONDS, pause * 2)

    def _start(self) -> _Child:
        board = new_board()
        woken, waking = os.pipe()
        told, telling = os.pipe()
        lines = Lines(woken=woken, telling=telling, board=board.descriptor)
        try:
            # not the loop's: uvloop's lets a child have every descriptor that may be inherited
            process = subprocess.Popen(  # noqa: S603 (our own program)
                command(self._config, lines, self._program),
                pass_fds=(woken, telling, board.descriptor),
                stdin=subprocess.DEVNULL,
                # an arena of memory for each thread would count against the limit of a mail
                env={**os.environ, "MALLOC_ARENA_MAX": "2"},
            )
        except OSError:
            for descriptor in (waking, told):
                os.close(descriptor)
            board.close()
            raise
        finally:
            os.close(woken)
            os.close(telling)
        os.set_blocking(waking, False)
        os.set_blocking(told, False)
        child = _Child(process=process, name=name_of("worker", process.pid), waking=waking, told=told, board=board)
        asyncio.get_running_loop().add_reader(told, self._listen, child)
        self._children.add(child)
        if self._is_stopping.is_set():
            self._hang_up(child)
        return child

    async def _watch(self, child: _Child) -> None:
        """Return when the worker has ended and what it had in hand is seen to."""
        while child.process.poll() is None:
            # its end of the line is closed as it ends
            with suppress(TimeoutError):
                await asyncio.wait_for(child.has_hung_up.wait(), LOOK_SECONDS)
                await asyncio.sleep(REAP_SECONDS)
            if child.process.poll() is None:
                self._look(child)
        busy = child.ended_for or child.board.read()
        self._children.discard(child)
        asyncio.get_running_loop().remove_reader(child.told)
        self._hang_up(child)
        os.close(child.told)
        child.board.close()
        await asyncio.to_thread(self._see_to, child, busy)
        self._on_applied()

    def _look(self, child: _Child) -> None:
        """Kill a worker that has worked on one mail for too long, or hangs on whatever it may be."""
        busy = child.board.read()
        if busy is None or child.ended_for is not None:
            return
        limit = self._settings.mail_seconds
        taken = time.monotonic() - busy.begun_at
        if taken <= limit:
            return
        worked = (cpu_seconds(child.process.pid) or 0.0) - busy.cpu_seconds
        # time that the database or a busy machine took is not the mail's fault
        is_of_the_mail = worked > limit / 2
        if (is_of_the_mail or taken > STUCK_TIMES * limit) and child.board.read() == busy:
            LOG.warning("worker.killed", pid=child.process.pid, arrival=busy.arrival, seconds=round(taken, 1))
            _kill(child)
            child.ended_for = busy if is_of_the_mail else None

    def _see_to(self, child: _Child, busy: Busy | None) -> None:
        code = child.process.returncode
        if not self._is_stopping.is_set():
            LOG.warning("worker.died", pid=child.process.pid, code=code, arrival=busy.arrival if busy else None)
        try:
            if child.ended_for is not None:
                self._quarantine(child.ended_for.arrival)
            # the rest of its group is handed out one by one
            self._inbox.bury(child.name)
            self._inbox.bury(asking_name(child.name))
        except Exception as error:  # then their lease runs out
            LOG.failed("worker.not_buried", error, claimer=child.name)

    def _quarantine(self, which: str) -> None:
        arrival = self._inbox.find(which)
        if arrival is not None:
            quarantine(self._house, arrival, TOO_LONG)
            self._inbox.give_up(arrival.id, TOO_LONG)

    def _listen(self, child: _Child) -> None:
        with suppress(BlockingIOError):
            if not os.read(child.told, 65536):
                child.has_hung_up.set()
                asyncio.get_running_loop().remove_reader(child.told)
                return
        self._on_applied()

    def _hang_up(self, child: _Child) -> None:
        if child.waking >= 0:
            os.close(child.waking)
            child.waking = -1


def _kill(child: _Child) -> None:
    with suppress(ProcessLookupError):
        child.process.kill()

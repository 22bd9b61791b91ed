"""The worker process: reads, decides and applies, one group after another, until its supervisor is gone."""

import logging
import os
import resource
import select
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from mailgate import app
from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.pipeline import Worker
from mailgate.serve.board import Board
from mailgate.serve.names import name_of
from mailgate.serve.rush import let_doors_first
from mailgate.store.inbox import Taken
from mailgate.verdicts.asking import Asker

LOG = Log("worker")
POLL_SECONDS = 1.0  # for mail that another process accepted
MOVED_WHEN_IDLE, MOVED_WHEN_BUSY, BUSY_GROUPS = 50, 500, 40
_STACK_BYTES = 1024 * 1024
# What has not been accepted yet comes before what waits safely; but at 10 a neighbour who burns a core leaves a worker a
# tenth of it, and an acknowledgement waits for seconds. At 5 it is a quarter.
NICENESS = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Lines:
    """The descriptors that tie a worker to its supervisor: to be woken by, to tell it by, and its board."""

    woken: int
    telling: int
    board: int

    def __str__(self) -> str:
        return f"{self.woken},{self.telling},{self.board}"


def lines_of(text: str) -> Lines:
    """Return the lines that `str` wrote."""
    woken, telling, board = map(int, text.split(","))
    return Lines(woken=woken, telling=telling, board=board)


def run(config: str | None, lines: Lines) -> int:
    """Be a worker of the house of that configuration, until the line from the supervisor ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C goes to all of us: the supervisor decides
    with suppress(OSError):
        os.nice(NICENESS)
    built = app.build(config, make=False)
    limit_memory(built.settings.worker.mail_memory_mb)
    app.settle_memory()
    try:
        Round(built, Board(lines.board), lines).run()
    finally:
        built.close()
    return 0


class Round:
    """What a worker does, over and over: a group of mail, else tidying up, else waiting."""

    def __init__(self, built: app.Built, board: Board, lines: Lines) -> None:
        self._inbox = built.inbox
        self._name = name_of("worker")
        self._answered, self._answering = os.pipe()  # woken by who was asked about a mail
        os.set_blocking(self._answered, False)
        os.set_blocking(self._answering, False)
        self._asker = Asker(built.settings)
        self._worker = Worker(built.house, built.inbox, name=self._name, ask=self._asker.begin, on_answer=self._answer)
        self._board = board
        self._lines = lines
        self._seconds = built.settings.worker.mail_seconds
        self._groups = 0
        self._took = 0.0  # the last group, in seconds
        self._is_ending = False
        os.set_blocking(lines.woken, False)
        os.set_blocking(lines.telling, False)
        signal.signal(signal.SIGTERM, self._end)

    def run(self) -> None:
        """Work until SIGTERM, or until the supervisor is gone; the group in hand is finished."""
        LOG.event("worker.began", claimer=self._name)
        while not self._is_ending:
            let_doors_first(self._board, self._took, lambda: self._is_ending)
            if not self._work() and not self._tidy():
                self._wait(POLL_SECONDS)
            else:
                self._wait(0)  # whose supervisor was killed ends, however much there is to do: another one does it
        self._worker.let_go()
        self._asker.close()
        LOG.event("worker.ended", claimer=self._name)

    def _work(self) -> int:
        begun = time.monotonic()
        try:
            count = self._worker.work(self._begin, self._rest)
        except Exception as error:  # whatever it was, it must not end the loop: the mails come one by one now
            LOG.failed("worker.failed", error)
            self._put_back()
            self._wait(POLL_SECONDS)
            return 0
        finally:
            self._rest()
        if count:
            self._took = time.monotonic() - begun
            self._groups += 1
            self._tell()
        return count

    def _tidy(self) -> int:
        """Move raw mail that has been read to the blobs; while there is much to read, only now and then."""
        self._groups = 0
        return self._moved(MOVED_WHEN_IDLE)

    def _moved(self, limit: int) -> int:
        try:
            return self._inbox.move_to_blobs(limit)
        except MailgateError as error:
            LOG.failed("inbox.not_moved", error)
            return 0

    def _begin(self, taken: Taken) -> None:
        self._board.begin(taken.arrival.id)
        # what the supervisor sees to, the kernel does where there is no supervisor any more: it ends this process
        signal.setitimer(signal.ITIMER_PROF, 3.0 * self._seconds)

    def _rest(self) -> None:
        self._board.rest()
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _put_back(self) -> None:
        try:
            self._inbox.bury(self._name)
        except MailgateError as error:  # then their lease runs out
            LOG.failed("inbox.not_put_back", error)

    def _tell(self) -> None:
        if self._groups >= BUSY_GROUPS:
            self._groups = 0
            self._moved(MOVED_WHEN_BUSY)
        with suppress(OSError):  # nobody there, or plenty to read already
            os.write(self._lines.telling, b".")

    def _wait(self, seconds: float) -> None:
        with suppress(InterruptedError):
            ready = select.select([self._lines.woken, self._answered], [], [], seconds)[0]
            if self._answered in ready:
                os.read(self._answered, 65536)
            if self._lines.woken in ready:
                self._is_ending |= not os.read(self._lines.woken, 65536)

    def _answer(self) -> None:
        with suppress(OSError):  # plenty to read already
            os.write(self._answering, b".")

    def _end(self, _signal: int, _frame: FrameType | None) -> None:
        self._is_ending = True


def limit_memory(megabytes: int) -> None:
    """Let this process grow by so much at most (M4): beyond it an allocation is a MemoryError."""
    threading.stack_size(_STACK_BYTES)  # room that a thread may never use counts as well
    with suppress(OSError, ValueError):
        size = _address_space() + megabytes * 1024 * 1024
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        soft = size if hard == resource.RLIM_INFINITY else min(size, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()


def command(config: str | None, lines: Lines, program: Sequence[str]) -> list[str]:
    """Return the command line that makes a process a worker."""
    level = logging.getLevelName(logging.getLogger().level)
    named = ("--config", config) if config else ()
    return [*program, *named, "serve", "--log-level", level, "--worker", str(lines)]

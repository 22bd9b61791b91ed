"""The clock of the daemon: looks at what falls due, exactly when it does; the truth is in the rows, not here (D3)."""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.scheduler import Scheduler

LOG = Log("clock")
SWEEP_SECONDS = 5.0  # for what another process wrote
LEAST_SECONDS = 0.05
NUDGE_SECONDS = 0.5  # commits come in hundreds; one look serves them all


class Clock:
    """Runs the scheduler's ticks in a thread, one at a time."""

    def __init__(
        self, scheduler: Scheduler, *, now: Callable[[], datetime], on_fired: Callable[[], None] = lambda: None
    ) -> None:
        """`on_fired` is called in the loop after something was decided."""
        self._scheduler = scheduler
        self._now = now
        self._on_fired = on_fired
        self._is_idle = asyncio.Event()
        self._is_idle.set()
        self._has_started = False
        self.looked_at = time.monotonic()  # the last look that came to its end
        # one process keeps one memory of jobs: two that share a store lose each other's timers
        self._timer = AsyncIOScheduler(
            timezone=UTC, job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1}
        )
        self._job: Any = None

    def start(self) -> None:
        """Begin to look. To be called in the loop."""
        self._job = self._timer.add_job(self._look, "interval", seconds=SWEEP_SECONDS, next_run_time=datetime.now(UTC))
        self._timer.start()
        self._sweep()

    def nudge(self) -> None:
        """Something was committed that may fall due soon. To be called in the loop."""
        self._look_within(NUDGE_SECONDS)

    async def stop(self) -> None:
        """Look no more; a tick in hand is finished."""
        if self._job is None:
            return
        self._job = None
        self._timer.pause()
        await self._is_idle.wait()
        # before that it would have been cancelled, whatever `wait` says
        self._timer.shutdown(wait=False)

    async def _look(self) -> None:
        self._is_idle.clear()
        try:
            fired, next_at = await asyncio.to_thread(self._tick)
            self.looked_at = time.monotonic()
        except MailgateError as error:
            LOG.failed("clock.put_off", error)
            return
        except Exception as error:  # a bug: the rows are as they were, and looked at again
            LOG.failed("clock.failed", error)
            return
        finally:
            self._is_idle.set()
        if fired:
            self._on_fired()
        if next_at is not None:
            self._look_within(max(LEAST_SECONDS, (next_at - self._now()).total_seconds()))

    def _tick(self) -> tuple[int, datetime | None]:
        if not self._has_started:
            self._scheduler.start()
            self._has_started = True
        next_at = self._scheduler.next_at()
        if next_at is None or next_at > self._now():
            return 0, next_at
        return len(self._scheduler.tick()), self._scheduler.next_at()

    def _sweep(self) -> None:
        """The timer thinks in the time of the wall: were that set back, the next look would be as far away."""
        if self._job is None:
            return
        next_at = self._job.next_run_time
        if next_at is not None and next_at > datetime.now(UTC) + timedelta(seconds=2 * SWEEP_SECONDS):
            LOG.warning("clock.set_back", seconds=round((next_at - datetime.now(UTC)).total_seconds()))
            self._look_within(0)
        asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep)

    def _look_within(self, seconds: float) -> None:
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        if self._job is not None and self._job.next_run_time is not None and at < self._job.next_run_time:
            self._job.modify(next_run_time=at)

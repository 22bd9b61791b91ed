"""A circuit: who has not answered several times is not asked for a while, so that nobody waits for the dead."""

import threading
import time
from collections.abc import Callable

_FAILURES = 3
_OPEN_SECONDS = 15.0


class Circuit:
    """Opens after `failures` in a row, for `seconds`; then one may try. Safe from threads."""

    def __init__(
        self,
        failures: int = _FAILURES,
        seconds: float = _OPEN_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._failures = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._count = 0
        self._open_until = 0.0

    def may_try(self) -> bool:
        """Say whether to ask; of an open circuit whose time is over one asker makes the trial."""
        with self._lock:
            if self._count < self._failures:
                return True
            if self._clock() < self._open_until:
                return False
            self._open_until = self._clock() + self._seconds
            return True

    def worked(self) -> None:
        """There was an answer."""
        with self._lock:
            self._count = 0

    def failed(self) -> bool:
        """There was none; return whether the circuit is open now."""
        with self._lock:
            self._count += 1
            if self._count < self._failures:
                return False
            self._open_until = self._clock() + self._seconds
            return True

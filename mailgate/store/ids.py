"""Ids: made by the application, time-ordered, so that several daemons never meet."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime
from threading import Lock

from mailgate.model.spelling import spell

_LETTERS = 16
_LOW_BITS = 32
_SPREAD_BITS = 8


def utc_now() -> datetime:
    """Return the present instant, in UTC."""
    return datetime.now(UTC)


class Ids:
    """Makes ids of 16 characters: 48 bits of milliseconds, 32 bits of chance that count up within one of them.

    `chance(bits)` gives a number below 2**bits; one that always gives 0 makes the ids a function of the clock.
    """

    def __init__(
        self, clock: Callable[[], datetime] = utc_now, chance: Callable[[int], int] = secrets.randbits
    ) -> None:
        self._clock = clock
        self._chance = chance
        self._last = 0
        self._lock = Lock()

    def __call__(self) -> str:
        """Return a new id; see `new`."""
        return self.new()

    def new(self) -> str:
        """Return an id greater than every id this object made before, also when the clock was set back."""
        with self._lock:
            fresh = int(self._clock().timestamp() * 1000) << _LOW_BITS
            if fresh >> _LOW_BITS > self._last >> _LOW_BITS:
                # half of the range stays free, so that counting up within a millisecond has room
                self._last = fresh | self._chance(_LOW_BITS - 1)
            else:
                self._last += 1 + self._chance(_SPREAD_BITS)
            return spell(self._last, _LETTERS)


def least_id(at: datetime) -> str:
    """Return an id that is less than every id made at `at` or later, and greater than those made before."""
    return spell(int(at.timestamp() * 1000) << _LOW_BITS, _LETTERS)


def counted_ids(clock: Callable[[], datetime]) -> Ids:
    """Return ids without chance: the same clock readings give the same ids."""
    return Ids(clock, lambda bits: 0)

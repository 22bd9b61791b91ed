"""How much mail comes: whether the doors are busy, and whether they are in a rush, in which the workers leave them the cores."""

import time
from collections import deque
from collections.abc import Callable

from mailgate.serve.board import Board

COMMITS, SECONDS = 8, 0.2  # so many within so long, and the doors are busy
RUSH_MAILS = 2 * COMMITS  # in these: mail comes faster than it is committed
LASTS_SECONDS = 0.1  # a rush, after the last commit that showed it
# Before a group a worker rests so many times as long as the last one took, and never longer than that second: who waits for a
# 250 comes first, and what was accepted goes on all the same.
REST_TIMES, LONGEST_REST, REST_STEP = 3.0, 1.0, 0.02


class Commits:
    """The last commits of the doors."""

    def __init__(self) -> None:
        self._last = deque([(float("-inf"), 0)] * COMMITS, maxlen=COMMITS)  # when, and of how many mails

    def add(self, now: float, mails: int) -> None:
        """A commit of so many mails was made at `now` (monotonic, in seconds)."""
        self._last.append((now, mails))

    def are_many(self, now: float) -> bool:
        """Say whether much mail comes: whoever waits for a 250 comes first then. A mail alone presses nobody."""
        return now - self._last[0][0] < SECONDS

    def are_rush(self, now: float) -> bool:
        """Say whether mails wait for each other's commits; a door that keeps up commits each of them alone."""
        return self.are_many(now) and sum(mails for _, mails in self._last) >= RUSH_MAILS


def let_doors_first(board: Board, took: float, is_over: Callable[[], bool] = lambda: False) -> None:
    """Rest while there is a rush, in proportion to the seconds that the last group took; `is_over` ends it."""
    end = time.monotonic() + min(LONGEST_REST, REST_TIMES * took)
    while board.is_rush() and time.monotonic() < end and not is_over():
        time.sleep(REST_STEP)

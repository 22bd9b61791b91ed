"""What all faces on the web port are given, and how they wait for mail to be applied."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from mailgate.pipeline import House
from mailgate.store import views
from mailgate.store.engine import reading
from mailgate.store.inbox import Inbox
from mailgate.store.requests import Requests

LOOK_SECONDS = 0.25  # for workers of another process, which ring no bell here


class Bell:
    """Rings when something was applied. To be used in one loop."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Something was applied: whoever waits looks."""
        self._rung.set()
        self._rung = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return at the next ring, or after `seconds`."""
        try:
            await asyncio.wait_for(self._rung.wait(), min(seconds, LOOK_SECONDS))
        except TimeoutError:
            return


@dataclass(frozen=True, kw_only=True)
class Faces:
    """What the handlers need."""

    house: House
    inbox: Inbox
    requests: Requests
    bell: Bell = field(default_factory=Bell)
    on_commit: Callable[[], None] = lambda: None  # mail was accepted: the workers look
    on_letter: Callable[[], None] = lambda: None  # a letter was written: the sender looks
    is_well: Callable[[], bool] = lambda: True
    may_take: Callable[[], bool] = lambda: True  # False: there is no room for mail
    wait_seconds: float = 10.0  # for a ticket to be applied


async def wait_until_applied(faces: Faces, arrival: str) -> tuple[str, int | None] | None:
    """Return outcome and ticket of an arrival as soon as it is applied, or None where that takes too long."""

    def look() -> tuple[str, int | None] | None:
        with reading(faces.house.engine) as connection:
            return views.outcome_of(connection, arrival)

    loop = asyncio.get_running_loop()
    end = loop.time() + faces.wait_seconds
    while True:
        ringing = asyncio.ensure_future(faces.bell.wait(max(0.0, end - loop.time())))
        found = await asyncio.to_thread(look)
        if found is not None or loop.time() >= end:
            ringing.cancel()
            return found
        await ringing

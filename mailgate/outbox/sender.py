"""The sender: claims what is due, hands it to the relay, settles. At any crash the lease runs out and it goes again."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import assert_never

from sqlalchemy import Connection, Engine

from mailgate.errors import MailgateError, TryLater
from mailgate.log import Log, short
from mailgate.outbox.relay import Parcel, Refused, Relay, Result, Sent, Unreachable
from mailgate.store import outbox
from mailgate.store.engine import reading, transaction
from mailgate.store.gather import own_tickets
from mailgate.store.ids import utc_now
from mailgate.store.outbox import Outgoing

LOG = Log("outbox")
GROUP_SECONDS = 0.02  # letters that land within it are settled in one commit
LAG_SECONDS = 30.0
PRESSED_SECONDS, PRESSED_STEP = 1.0, 0.05  # at most, between rounds while the doors are busy: slower, and never still
LEASE_SECONDS = 600.0
SEND_SECONDS = 240.0  # for one letter, all in all
POLL_SECONDS = 1.0  # letters that another process wrote
TROUBLE_SECONDS = 5.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 60.0, 3600.0
FIRST_ABSENCE_SECONDS, LONGEST_ABSENCE_SECONDS = 2.0, 120.0

ToBytes = Callable[[Outgoing], bytes]
OnFailure = Callable[[Connection, Outgoing, int, str], None]
"""What follows from a letter that cannot be delivered (A6), within the settling transaction: code (0: none), text."""
OnSent = Callable[[Connection, Outgoing, datetime], object]
"""What follows from a letter that has left, within the settling transaction."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ready:
    """A letter that is ours, and its bytes where they are made already."""

    letter: Outgoing
    raw: bytes | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Done:
    letter: Outgoing
    result: Result


class Sender:
    """Empties the outbox. Several may run, in several processes."""

    def __init__(
        self,
        engine: Engine,
        relay: Relay,
        to_bytes: ToBytes,
        *,
        on_failure: OnFailure = lambda connection, letter, code, text: None,
        on_sent: OnSent = lambda connection, letter, now: None,
        name: str = "sender",
        connections: int = 4,
        give_up_seconds: float = 3 * 86400,
        is_pressed: Callable[[], bool] = lambda: False,
        clock: Callable[[], datetime] = utc_now,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """`name` tells this sender from all others that run; `to_bytes` may read files and runs in a thread: the letters of
        a claim that have no files in one go, each of the others on its own."""
        self._engine = engine
        self._relay = relay
        self._to_bytes = to_bytes
        self._on_failure = on_failure
        self._on_sent = on_sent
        self._name = name
        self._slots = asyncio.Semaphore(connections)
        self._room = connections * 8  # claimed at once, so that no slot waits for the database
        self._give_up = timedelta(seconds=give_up_seconds)
        self._is_pressed = is_pressed
        self._lag_seconds = 0.0  # of the oldest letter that was claimed last
        self._clock = clock
        self._chance = chance
        self._woken = asyncio.Event()
        self._is_stopping = False
        self._unsettled: list[_Done] = []
        self._absences = 0
        self._absent_until: datetime | None = None

    def wake(self) -> None:
        """There may be something to send: look now. To be called in the loop."""
        self._woken.set()

    def stop(self) -> None:
        """Let `run` end once the letters in hand are settled. To be called in the loop."""
        self._is_stopping = True
        self._woken.set()

    async def run(self) -> None:
        """Send whatever falls due until `stop`; letters in hand are settled before this returns."""
        flying: set[asyncio.Task[_Done]] = set()
        while flying or not self._is_stopping:
            self._woken.clear()
            if self._is_pressed() and self._lag_seconds < LAG_SECONDS and not self._is_stopping:
                # who waits for a 250 comes first; an ack has two minutes, and is not kept for longer than half of one
                await self._let_doors_first()
            pause = POLL_SECONDS
            try:
                if self._unsettled:
                    await asyncio.to_thread(self._settle, [])
                flying |= {asyncio.create_task(self._send(letter)) for letter in await self._claim_for(len(flying))}
                if self._room_beside(len(flying)) > 0:
                    pause = await asyncio.to_thread(self._seconds_to_wait)
            except MailgateError as error:
                LOG.failed("outbox.not_read", error)
                pause = TROUBLE_SECONDS
            landed = await self._wait(flying, pause)
            if landed:
                landed |= await self._landing(flying - landed)
                flying -= landed
                await asyncio.to_thread(self._settle, [task.result() for task in landed])
        await self._relay.close()

    async def _let_doors_first(self) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + PRESSED_SECONDS
        while self._is_pressed() and not self._is_stopping and loop.time() < end:
            await asyncio.sleep(PRESSED_STEP)

    async def send_due(self) -> int:
        """Send one round of what is due now and settle it; return how many letters it was."""
        letters = await self._claim_for(0)
        if letters:
            done = await asyncio.gather(*(self._send(letter) for letter in letters))
            await asyncio.to_thread(self._settle, done)
        return len(letters)

    async def _claim_for(self, flying: int) -> list[_Ready]:
        now = self._clock()
        if self._absent_until and self._absent_until - now > timedelta(seconds=2 * LONGEST_ABSENCE_SECONDS):
            self._absent_until = None  # the clock was set back
        is_absent = self._absent_until is not None and now < self._absent_until
        room = self._room_beside(flying)
        if self._is_stopping or self._unsettled or is_absent or room <= 0:
            return []
        letters = await asyncio.to_thread(self._claim, now, room)
        self._lag_seconds = max(((now - one.letter.may_leave_at).total_seconds() for one in letters), default=0.0)
        return letters

    def _room_beside(self, flying: int) -> int:
        # while the relay does not answer, one letter is enough to find that out
        return (1 if self._absences else self._room) - flying

    async def _wait(self, flying: set[asyncio.Task[_Done]], seconds: float) -> set[asyncio.Task[_Done]]:
        woken = asyncio.create_task(self._woken.wait())
        try:
            landed, _ = await asyncio.wait({*flying, woken}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
        return {task for task in flying if task in landed}

    async def _landing(self, flying: set[asyncio.Task[_Done]]) -> set[asyncio.Task[_Done]]:
        """Give the others a moment: those that land together are settled in one commit."""
        if not flying or self._is_stopping:
            return set()
        landed, _ = await asyncio.wait(flying, timeout=GROUP_SECONDS)
        return landed

    def _claim(self, now: datetime, limit: int) -> list[_Ready]:
        with transaction(self._engine) as connection:
            letters = outbox.claim(connection, now, limit, LEASE_SECONDS, self._name)
        return [_Ready(letter=letter, raw=None if letter.attachments else self._written(letter)) for letter in letters]

    def _written(self, letter: Outgoing) -> bytes | None:
        with suppress(Exception):  # it is told of when its turn comes, and keeps no other in
            return self._to_bytes(letter)
        return None

    def _seconds_to_wait(self) -> float:
        with reading(self._engine) as connection:
            due = outbox.due_at(connection)
        now = self._clock()
        due = max(due or now + timedelta(days=1), self._absent_until or now)
        return min(POLL_SECONDS, max(0.01, (due - now).total_seconds()))

    async def _send(self, ready: _Ready) -> _Done:
        letter = ready.letter
        async with self._slots:
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    result = await self._hand_over(letter, ready.raw)
            except TimeoutError:
                result = Refused(code=0, text="it took too long", is_permanent=False)
            except MailgateError as error:
                result = Refused(code=0, text=str(error), is_permanent=False)
            except Exception as error:  # one letter's bug must not keep the others in
                LOG.failed("letter.not_sent", error, letter=letter.id)
                result = Refused(code=0, text=f"trouble of ours: {type(error).__name__}", is_permanent=False)
        return _Done(letter=letter, result=result)

    async def _hand_over(self, letter: Outgoing, raw: bytes | None) -> Result:
        now = self._clock()
        if letter.lease_until is not None and now + timedelta(seconds=SEND_SECONDS) > letter.lease_until:
            # somebody else may have it before we are through
            return Refused(code=0, text="its turn did not come in time", is_permanent=False)
        if raw is None:
            raw = await asyncio.to_thread(self._to_bytes, letter)
        rendered = letter.rendered
        parcel = Parcel(
            id=letter.id,
            message_id=rendered.message_id,
            envelope_from=rendered.envelope_from,
            to=rendered.to,
            raw=raw,
        )
        return await self._relay.send(parcel)

    def _settle(self, landed: Sequence[_Done]) -> None:
        now = self._clock()
        if landed:
            self._note_absence(landed, now)
        done, self._unsettled = [*self._unsettled, *landed], []
        if not self._settled(done, now):
            # what was sent must be known as sent, whatever is the matter with another of them
            for item in done:
                self._settled([item], now)

    def _settled(self, done: Sequence[_Done], now: datetime) -> bool:
        try:
            with transaction(self._engine) as connection:
                # before the letters, as whoever decides on a ticket does: or the two would wait for each other
                own_tickets(connection, [item.letter.rendered.ticket for item in done])
                for item in done:
                    self._settle_one(connection, item, now)
        except TryLater as error:
            # a database that is away must not make us say things twice: they are kept until it is back
            LOG.failed("outbox.not_settled", error, letters=len(done))
            self._unsettled += done
        except Exception as error:  # a bug: its lease runs out, and it comes again
            LOG.failed("outbox.not_settled", error, letters=len(done))
            return False
        return True

    def _settle_one(self, connection: Connection, item: _Done, now: datetime) -> None:
        letter = item.letter
        match item.result:
            case Sent(text=text):
                outbox.settle_sent(connection, letter, now, text)
                self._on_sent(connection, letter, now)
                _note("letter.sent", letter, text)
            case Refused(is_permanent=True) as refused:
                self._fail(connection, letter, refused.code, refused.text)
            case Refused() as refused:
                pause = self._jittered(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, letter.attempts - 1)
                self._put_off(connection, letter, now, pause, refused.text, refused.code)
            case Unreachable(text=text):
                pause = max(0.0, ((self._absent_until or now) - now).total_seconds())
                self._put_off(connection, letter, now, pause, text, None)
            case _:
                assert_never(item.result)

    def _put_off(
        self, connection: Connection, letter: Outgoing, now: datetime, pause: float, text: str, code: int | None
    ) -> None:
        if now - letter.may_leave_at >= self._give_up:
            self._fail(connection, letter, code or 0, text)
            return
        # of a relay that is not there, no letter's own pause should grow
        counts = code is not None
        outbox.settle_retry(connection, letter, now + timedelta(seconds=pause), text, code or None, counts=counts)
        _note("letter.put_off", letter, text, seconds=round(pause))

    def _fail(self, connection: Connection, letter: Outgoing, code: int, text: str) -> None:
        if outbox.settle_failed(connection, letter, text, code or None):
            self._on_failure(connection, letter, code, text)
            _note("letter.failed", letter, text, code=code)

    def _note_absence(self, done: Sequence[_Done], now: datetime) -> None:
        if any(not isinstance(item.result, Unreachable) for item in done):
            self._absences, self._absent_until = 0, None
        elif self._absent_until is None or now >= self._absent_until:
            pause = self._jittered(FIRST_ABSENCE_SECONDS, LONGEST_ABSENCE_SECONDS, self._absences)
            self._absences += 1
            self._absent_until = now + timedelta(seconds=pause)
            LOG.warning("relay.absent", because=done[0].result.text, seconds=round(pause))

    def _jittered(self, first: float, longest: float, times: int) -> float:
        return min(longest, first * 2.0 ** min(times, 20)) * (0.75 + 0.5 * self._chance())


def _note(event: str, letter: Outgoing, text: str, **fields: object) -> None:
    rendered = letter.rendered
    LOG.event(
        event,
        letter=letter.id,
        kind=rendered.kind,
        ticket=rendered.ticket,
        to=short(rendered.to),
        attempt=letter.attempts,
        because=text,
        **fields,
    )

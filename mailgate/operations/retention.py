"""Retention: what the configuration keeps no longer is let go of, in small batches that any process may go on with."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.model.settings import Desk
from mailgate.store import retention
from mailgate.store.engine import hold_alone, reading, transaction
from mailgate.store.gather import take_tickets
from mailgate.store.inbox import Inbox
from mailgate.store.retention import Gone, Until

if TYPE_CHECKING:
    from mailgate.pipeline import House

LOG = Log("retention")
ROUND_SECONDS = 3600.0
PAUSE_SECONDS = 0.2  # between batches: whoever has mail in hand comes first
TICKETS, ROWS, FOUND = 10, 500, 2000  # of one transaction, and of one look for tickets

Step = Callable[[Connection, Sequence[str]], tuple[Gone, list[str]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """What one transaction let go of, of which desk and kind."""

    desk: str
    kind: str
    counts: dict[str, int] = field(default_factory=dict)


class _Undone(Exception):
    """A trial is taken back."""


class Retention:
    """Lets go of things. Any number may run; a batch is one transaction, and is done once."""

    def __init__(self, house: "House", inbox: Inbox, *, is_trial: bool = False) -> None:
        """`is_trial`: everything is done and taken back again, so that it is known what it would be."""
        self._house = house
        self._inbox = inbox
        self._is_trial = is_trial
        self._marks: dict[str, list[str]] = {}  # of a trial
        self._is_alone = True

    async def run(self) -> None:
        """Go round for ever."""
        while True:
            try:
                await self._round()
            except MailgateError as error:
                LOG.failed("retention.put_off", error)
            except Exception as error:
                LOG.failed("retention.failed", error)
            await asyncio.sleep(ROUND_SECONDS)

    async def _round(self) -> None:
        batches = self.batches()
        while (batch := await asyncio.to_thread(next, batches, None)) is not None:
            LOG.event("retention.let_go", desk=batch.desk, kind=batch.kind, **batch.counts)
            await asyncio.sleep(PAUSE_SECONDS)

    def batches(self) -> Iterator[Batch]:
        """Do a batch and yield what it was, until nothing is left to be done now."""
        now = self._house.clock()
        desks = self._house.settings.desks.values()
        self._untils = {desk.name: until_of(desk, now) for desk in desks}
        if not self._is_trial:
            self._remove_pending()
        for desk in desks:
            if desk.retention.is_on:
                yield from self._of_desk(desk.name, self._untils[desk.name])

    def _of_desk(self, desk: str, until: Until) -> Iterator[Batch]:
        if until.raw_mail:
            yield from self._tickets(desk, "raw_mail", until.raw_mail, self._forget_raw)
        if until.people:
            yield from self._tickets(desk, "people", until.people, self._forget_people)
        if until.parked:
            yield from self._rejected(desk, until.parked)
            yield from self._rows(desk, "parked", self._parked(desk, until.parked))
        if until.letters:
            at = until.letters
            letters: Step = lambda connection, after: retention.forget_letters(connection, desk, at, after, ROWS)  # noqa: E731
            yield from self._rows(desk, "letters", letters)

    def _tickets(
        self, desk: str, kind: str, until: datetime, forget: Callable[[Connection, list[int]], Gone]
    ) -> Iterator[Batch]:
        name = f"{desk}:{kind}"
        while True:
            with reading(self._house.engine) as connection:
                keys = retention.closed_tickets(connection, desk, until, self._mark(connection, name), FOUND)
            for start in range(0, len(keys), TICKETS):
                some = keys[start : start + TICKETS]

                def step(connection: Connection, after: Sequence[str]) -> tuple[Gone, list[str]]:
                    fresh = [key for key in some if not after or _order(key) > _order(after)]  # noqa: B023 (called at once)
                    numbers = take_tickets(connection, [int(number) for _, number in fresh])
                    if len(numbers) < len(fresh):  # somebody is deciding on one of them: another time
                        return Gone(), []
                    found = retention.still_closed(connection, numbers, until)
                    return forget(connection, found) if found else Gone(), list(fresh[-1]) if fresh else []

                batch, is_done = self._do(desk, kind, step)
                if is_done:
                    return
                if batch.counts:
                    yield batch
            if len(keys) < FOUND:
                return

    def _rows(self, desk: str, kind: str, step: Step) -> Iterator[Batch]:
        while True:
            batch, is_done = self._do(desk, kind, step)
            if batch.counts:
                yield batch
            if is_done:
                return

    def _do(self, desk: str, kind: str, step: Step) -> tuple[Batch, bool]:
        """Do one batch from the mark on, and move the mark; also return whether there was nothing more to do."""
        gone, key, name = Gone(), list[str](), f"{desk}:{kind}"
        with suppress(_Undone), transaction(self._house.engine) as connection:
            if not hold_alone(connection, "retention"):
                return Batch(desk=desk, kind=kind), True
            gone, key = step(connection, self._mark(connection, name))
            if self._is_trial:
                self._marks[name] = key or self._marks.get(name, [])
                raise _Undone
            if key:
                retention.set_mark(connection, name, key)
            if gone.digests:
                retention.set_pending(connection, {*retention.pending(connection), *gone.digests})
        gone.count("raw_mails", len(gone.digests))
        if gone.digests and not self._is_trial:
            self._remove_pending()
        return Batch(desk=desk, kind=kind, counts=gone.counts), not key

    def _mark(self, connection: Connection, name: str) -> list[str]:
        return self._marks.get(name) or retention.mark(connection, name)

    def _remove_pending(self) -> None:
        """Remove raw mail whose end was committed; a crash before that is made good by the next round."""
        with reading(self._house.engine) as connection:
            digests = retention.pending(connection)
        if not digests:
            return
        self._inbox.forget_raw(digests)
        with transaction(self._house.engine) as connection:
            retention.set_pending(connection, {*retention.pending(connection)} - set(digests))

    def _forget_raw(self, connection: Connection, numbers: list[int]) -> Gone:
        gone = Gone(digests=retention.raw_of_tickets(connection, numbers, self._untils))
        gone.count("tickets", len(numbers))
        return gone

    def _forget_people(self, connection: Connection, numbers: list[int]) -> Gone:
        own = {box.address for desk in self._house.settings.desks.values() for box in desk.mailboxes}
        gone = Gone(digests=retention.raw_of_tickets(connection, numbers, self._untils))
        for number in numbers:  # a name on one ticket may be a word on another
            people, names = retention.people_of(connection, [number], own)
            stand_ins = {address: f"erased-{self._house.tools.ids()}@erased.invalid" for address in sorted(people)}
            retention.forget_people(connection, [number], stand_ins, names, gone)
        return gone

    def _parked(self, desk: str, until: datetime) -> Step:
        def step(connection: Connection, after: Sequence[str]) -> tuple[Gone, list[str]]:
            rows, key = retention.parked_arrivals(connection, desk, until, after, ROWS)
            return retention.forget_parked(connection, rows, self._untils) if rows else Gone(), key

        return step

    def _rejected(self, desk: str, until: datetime) -> Iterator[Batch]:
        def step(connection: Connection, after: Sequence[str]) -> tuple[Gone, list[str]]:
            rows = retention.rejected_arrivals(connection, desk, until)
            return retention.forget_parked(connection, rows, self._untils) if rows else Gone(), []

        batch, _ = self._do(desk, "rejected", step)
        if batch.counts:
            yield batch


def until_of(desk: Desk, now: datetime) -> Until:
    """Return up to when a desk's things have been kept long enough. A ticket that a reply may still open again (T5)
    keeps everything."""
    kept = desk.retention

    def back(seconds: int | None, least: int = 0) -> datetime | None:
        return now - timedelta(seconds=max(seconds, least)) if seconds else None

    window = desk.rules.reopen_window_seconds
    return Until(
        raw_mail=back(kept.raw_mail_seconds, window), people=back(kept.people_seconds, window),
        parked=back(kept.parked_seconds), letters=back(kept.letters_seconds),
    )  # fmt: skip


def _order(key: Sequence[str]) -> tuple[datetime, int]:
    return datetime.fromisoformat(key[0]), int(key[1])

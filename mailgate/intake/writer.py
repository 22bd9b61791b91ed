"""The writer: one thread that commits whatever arrived during its last commit, so that a group shares one fsync."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Thread

from mailgate.errors import MailgateError, TryLater
from mailgate.log import Log
from mailgate.store.inbox import SMALL_BYTES, Inbox, Incoming

LOG = Log("intake")
MOST_MAILS = 200
MOST_BYTES = 32 * 1024 * 1024


@dataclass(slots=True)
class _Submission:
    arrivals: Sequence[Incoming]
    future: asyncio.Future[None]
    error: BaseException | None = None


class GroupWriter:
    """`submit` for all doors of a process. Make it within the loop that the doors run in; `close` ends the thread."""

    def __init__(self, inbox: Inbox, on_commit: Callable[[int], None] = lambda mails: None) -> None:
        """`on_commit` is called in the loop after each commit, with how many mails it held: whoever waits for mail may look
        now."""
        self._inbox = inbox
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._queue: SimpleQueue[_Submission | None] = SimpleQueue()
        self._thread = Thread(target=self._run, name="inbox-writer", daemon=True)
        self._thread.start()

    async def submit(self, arrivals: Sequence[Incoming]) -> None:
        """Return once `arrivals` are durable; TryLater if they may not be. A caller that goes away changes nothing."""
        if any(len(item.raw) > SMALL_BYTES for item in arrivals):
            await asyncio.to_thread(self._inbox.stage, arrivals)
        submission = _Submission(arrivals, self._loop.create_future())
        self._queue.put(submission)
        await submission.future

    async def close(self, seconds: float = 5.0) -> None:
        """Commit what is queued, then end; a database that takes longer than `seconds` is not waited for."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join, seconds)

    def _run(self) -> None:
        for group in self._groups():
            try:
                self._commit(group)
                self._loop.call_soon_threadsafe(self._answer, group)
            except RuntimeError:  # the loop is gone, and with it all who waited
                return

    def _groups(self) -> Iterator[list[_Submission]]:
        while (first := self._queue.get()) is not None:
            group, size = [first], _size(first)
            while len(group) < MOST_MAILS and size < MOST_BYTES:
                try:
                    following = self._queue.get_nowait()
                except Empty:
                    break
                if following is None:
                    self._queue.put(None)
                    break
                group.append(following)
                size += _size(following)
            yield group

    def _commit(self, group: Sequence[_Submission]) -> None:
        try:
            self._inbox.accept_staged([item for submission in group for item in submission.arrivals])
        except TryLater as error:
            _fail(group, error)
        except Exception as error:
            # not the database's trouble but that of one of them: the others must not suffer from it
            if len(group) == 1:
                _fail(group, error)
            else:
                for submission in group:
                    self._commit([submission])

    def _answer(self, group: Sequence[_Submission]) -> None:
        for submission in group:
            if submission.future.done():
                continue
            if submission.error is None:
                submission.future.set_result(None)
            else:
                submission.future.set_exception(submission.error)
        self._on_commit(len(group))


def _size(submission: _Submission) -> int:
    return sum(len(item.raw) for item in submission.arrivals)


def _fail(group: Sequence[_Submission], error: Exception) -> None:
    LOG.failed("inbox.commit_failed", error, mails=len(group))
    for submission in group:
        submission.error = error if isinstance(error, MailgateError) else TryLater("the inbox failed")

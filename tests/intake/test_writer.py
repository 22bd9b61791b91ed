"""The writer: what arrives together shares a commit."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from threading import Event

import pytest

from mailgate.blobs import MemoryBlobs
from mailgate.errors import TryLater
from mailgate.intake.writer import GroupWriter
from mailgate.store.engine import open_engine
from mailgate.store.inbox import INBOX, SMALL_BYTES, Inbox, Incoming
from tests.store.samples import incoming

pytestmark = pytest.mark.timeout(30)


class WatchedInbox(Inbox):
    """An inbox that can be held up, and that counts its commits."""

    def __init__(self, path: Path) -> None:
        engine = open_engine(f"sqlite:///{path}/inbox.db")
        INBOX.create(engine)
        super().__init__(engine, MemoryBlobs())
        self.groups: list[int] = []
        self.may_go_on = Event()
        self.may_go_on.set()
        self.begun = Event()

    def accept_staged(self, arrivals: Sequence[Incoming]) -> None:
        self.begun.set()
        self.may_go_on.wait()
        super().accept_staged(arrivals)
        self.groups.append(len(arrivals))


async def test_what_came_during_a_commit_goes_in_one(tmp_path: Path):
    inbox, commits = WatchedInbox(tmp_path), []
    writer = GroupWriter(inbox, commits.append)
    inbox.may_go_on.clear()
    first = asyncio.create_task(writer.submit([incoming()]))
    await asyncio.to_thread(inbox.begun.wait)
    others = [asyncio.create_task(writer.submit([incoming()])) for _ in range(250)]
    await asyncio.sleep(0)
    inbox.may_go_on.set()
    await asyncio.gather(first, *others)
    await writer.close()
    assert inbox.groups == [1, 200, 50]
    assert commits == [1, 200, 50]
    assert inbox.waiting()[0] == 251


async def test_nothing_is_answered_before_the_commit(tmp_path: Path):
    inbox = WatchedInbox(tmp_path)
    writer = GroupWriter(inbox)
    inbox.may_go_on.clear()
    task = asyncio.create_task(writer.submit([incoming()]))
    await asyncio.to_thread(inbox.begun.wait)
    assert not task.done()
    inbox.may_go_on.set()
    await task
    await writer.close()


async def test_one_that_cannot_be_stored_spoils_no_other(tmp_path: Path):
    inbox = WatchedInbox(tmp_path)
    writer = GroupWriter(inbox)
    known = incoming()
    await writer.submit([known])
    inbox.begun.clear()
    inbox.may_go_on.clear()
    first = asyncio.create_task(writer.submit([incoming()]))
    await asyncio.to_thread(inbox.begun.wait)
    rest = [asyncio.create_task(writer.submit([item])) for item in (incoming(), known, incoming())]
    await asyncio.sleep(0)
    inbox.may_go_on.set()
    results = await asyncio.gather(first, *rest, return_exceptions=True)
    await writer.close()
    assert [type(result) for result in results] == [type(None), type(None), TryLater, type(None)]
    assert inbox.waiting()[0] == 4


async def test_a_database_that_is_away_is_told_to_all_and_does_not_end_the_writer(tmp_path: Path):
    inbox = WatchedInbox(tmp_path)
    INBOX.drop(open_engine(f"sqlite:///{tmp_path}/inbox.db"))
    writer = GroupWriter(inbox)
    with pytest.raises(TryLater):
        await writer.submit([incoming()])
    INBOX.create(open_engine(f"sqlite:///{tmp_path}/inbox.db"))
    await writer.submit([incoming()])
    await writer.close()


async def test_who_goes_away_does_not_take_the_mail_along(tmp_path: Path):
    inbox = WatchedInbox(tmp_path)
    writer = GroupWriter(inbox)
    inbox.may_go_on.clear()
    task = asyncio.create_task(writer.submit([incoming()]))
    await asyncio.to_thread(inbox.begun.wait)
    task.cancel()
    inbox.may_go_on.set()
    await writer.submit([incoming(b"l" * (SMALL_BYTES + 1))])
    await writer.close()
    assert inbox.waiting()[0] == 2

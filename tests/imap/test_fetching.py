"""I3 against a real Dovecot: nothing lost, nothing doubled, whatever happens to the connection."""

import asyncio
import itertools
import random
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from mailgate.blobs import FolderBlobs
from mailgate.intake.imap import ImapFetcher, Pace
from mailgate.model.settings import ImapSettings
from mailgate.store.engine import open_engine, reading
from mailgate.store.fetched import FETCHED, FOLDER, Ledger
from mailgate.store.ids import Ids
from mailgate.store.inbox import INBOX, Inbox
from tests.imap.dovecot import PASSWORD, CuttingProxy, Dovecot
from tests.imap.token_server import TokenServer
from tests.intake.doors import RECIPIENTS, TO

pytestmark = [pytest.mark.server("dovecot"), pytest.mark.slow]
QUICK = Pace(idle=2, command=5, first_pause=0.05, longest_pause=0.2, refused_pause=0.1, longest_refused_pause=0.2)
_USERS = itertools.count()


def a_mail(number: int | str, size: int = 100, *, to: str = TO, more: str = "") -> bytes:
    head = (
        f"From: <olena@shop.example>\r\nTo: {to}\r\nSubject: a * b {number}\r\nMessage-ID: <{number}@shop.example>\r\n"
    )
    return f"{head}{more}\r\n{'x' * 70}\r\n".encode() + (b"y" * 70 + b"\r\n") * (size // 72)


@dataclass
class Desk:
    """An inbox, what it has taken, and what was told."""

    inbox: Inbox
    ledger: Ledger
    engine: Any
    blobs: Path
    told: list[tuple[str, bool, str]] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def rows(self) -> list[Any]:
        with reading(self.engine) as connection:
            return list(connection.execute(select(INBOX).order_by(INBOX.c.id)).all())

    def arrivals(self) -> list[Any]:
        return [self.inbox.find(row.id) for row in self.rows()]

    def fetcher(self, port: int, user: str, **settings: Any) -> ImapFetcher:
        scheme, tls = settings.pop("scheme", "imap"), settings.pop("tls", None)
        folder, limit = settings.pop("folder", "INBOX"), settings.pop("size_limit", 1 << 20)
        host, may_take = settings.pop("host", "127.0.0.1"), settings.pop("may_take", lambda: True)
        pace = settings.pop("pace", QUICK)
        values = {"mailbox": TO, "password": PASSWORD, "poll_seconds": 60, **settings}
        account = ImapSettings(url=f"{scheme}://{user}@{host}:{port}/{folder}", **values)
        return ImapFetcher(
            account, RECIPIENTS, self.ledger, Ids().new, size_limit=limit, on_commit=lambda _: self.changed.set(),
            tell=lambda *state: (self.told.append(state), self.changed.set()), may_take=may_take, tls=tls, pace=pace,
        )  # fmt: skip

    async def until(self, holds: Callable[[], bool], seconds: float = 30) -> None:
        """Look after each commit, and now and then for what the server alone knows."""
        async with asyncio.timeout(seconds):
            while not await asyncio.to_thread(holds):
                self.changed.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self.changed.wait(), 0.1)


@pytest.fixture
def desk(tmp_path: Path) -> Any:
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    for table in (INBOX, FETCHED, FOLDER):
        table.create(engine)
    inbox = Inbox(engine, FolderBlobs(tmp_path / "blobs"))
    yield Desk(inbox=inbox, ledger=Ledger(engine, inbox), engine=engine, blobs=tmp_path / "blobs")
    engine.dispose()


@pytest.fixture
def user() -> str:
    return f"user{next(_USERS)}@desk.example".replace("@", "%40")


@asynccontextmanager
async def at_work(*fetchers: ImapFetcher) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(one.run()) for one in fetchers]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def plain(user: str) -> str:
    return user.replace("%40", "@")


@pytest.mark.parametrize(("after", "left", "elsewhere"), [("seen", 3, 0), ("delete", 0, 0), ("move:Erledigt", 0, 3)])
async def test_mail_is_taken_whole_and_then_flagged_deleted_or_moved(
    dovecot: Dovecot, desk: Desk, user: str, after: str, left: int, elsewhere: int
):
    mails = [a_mail(1), a_mail(2, 300_000), a_mail(3)]
    dovecot.put(plain(user), mails)
    async with at_work(desk.fetcher(dovecot.port, user, after=after)):
        await desk.until(lambda: len(desk.rows()) == 3 and dovecot.count(plain(user), what="UNSEEN") == 0)
        await desk.until(lambda: dovecot.count(plain(user)) == left)
    assert {desk.inbox.raw_of(row.digest) for row in desk.rows()} == set(mails)
    assert dovecot.count(plain(user), "Erledigt") == elsewhere
    arrival = desk.arrivals()[0]
    assert (arrival.channel, arrival.is_trusted, arrival.recipients) == ("imap", True, (TO,))


async def test_mail_that_comes_while_idle_is_taken_at_once(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail(1)])
    loop = asyncio.get_running_loop()
    async with at_work(desk.fetcher(dovecot.port, user, pace=Pace(idle=60, command=5))):
        await desk.until(lambda: dovecot.count(plain(user), what="SEEN") == 1)
        begun = loop.time()
        await asyncio.to_thread(dovecot.put, plain(user), [a_mail(2)])
        await desk.until(lambda: len(desk.rows()) == 2)
    assert loop.time() - begun < 5


async def test_what_somebody_else_has_read_first_is_taken_all_the_same(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail("before mailgate")], flags="(\\Seen)")
    async with at_work(desk.fetcher(dovecot.port, user)):
        await desk.until(lambda: bool(desk.told))
        await asyncio.to_thread(dovecot.put, plain(user), [a_mail("read by a colleague")], "INBOX", "(\\Seen)")
        await desk.until(lambda: len(desk.rows()) == 1)
    assert b"colleague" in (desk.inbox.raw_of(desk.rows()[0].digest) or b"")


async def test_a_renumbered_mailbox_doubles_nothing_and_loses_nothing(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail(number) for number in range(5)])
    async with at_work(desk.fetcher(dovecot.port, user)):
        await desk.until(lambda: dovecot.count(plain(user), what="SEEN") == 5)
    await asyncio.to_thread(dovecot.renumber, plain(user))
    dovecot.put(plain(user), [a_mail(6)], flags="(\\Seen)")
    async with at_work(desk.fetcher(dovecot.port, user)):
        await desk.until(lambda: len(desk.rows()) == 6)
        await desk.until(lambda: dovecot.count(plain(user), what="UNSEEN") == 0)
    assert len({row.digest for row in desk.rows()}) == 6


async def test_folders_beyond_ascii_are_read_and_moved_to(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail(1)], '"&BB4EMQRABDAESQQ1BD0EOARP- A&-B"')
    fetcher = desk.fetcher(
        dovecot.port,
        user,
        folder="%D0%9E%D0%B1%D1%80%D0%B0%D1%89%D0%B5%D0%BD%D0%B8%D1%8F%20A%26B",
        after="move:Готово & fertig",
    )
    async with at_work(fetcher):
        await desk.until(lambda: len(desk.rows()) == 1)
        await desk.until(lambda: dovecot.count(plain(user), '"&BBMEPgRCBD4EMgQ+- &- fertig"') == 1)


async def test_too_big_a_mail_stays_and_is_not_even_downloaded(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail(1, 200_000), a_mail(2)])
    async with at_work(desk.fetcher(dovecot.port, user, after="delete", size_limit=100_000)):
        await desk.until(lambda: dovecot.count(plain(user)) == 1 and len(desk.rows()) == 1)
    async with at_work(desk.fetcher(dovecot.port, user, after="delete", size_limit=100_000)):
        await desk.until(lambda: desk.told[-1][1])
        await asyncio.to_thread(dovecot.put, plain(user), [a_mail(3)])
        await desk.until(lambda: len(desk.rows()) == 2 and dovecot.count(plain(user)) == 1)


async def test_the_headers_say_which_mailbox_else_the_configuration(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(
        plain(user),
        [
            a_mail(1, to="x@else.example, Bill <BILL@flexihost.example>"),
            a_mail(2, to="hidden:;"),
            a_mail(3, to="list@else.example", more="Delivered-To: support+k.9@flexihost.example\r\n"),
        ],
    )
    async with at_work(desk.fetcher(dovecot.port, user)):
        await desk.until(lambda: len(desk.rows()) == 3)
    assert [arrival.recipients for arrival in desk.arrivals()] == [
        ("bill@flexihost.example",), (TO,), ("support+k.9@flexihost.example",),
    ]  # fmt: skip


async def test_no_room_means_that_mail_waits_where_it_is(dovecot: Dovecot, desk: Desk, user: str):
    room = False
    dovecot.put(plain(user), [a_mail(1)])
    async with at_work(desk.fetcher(dovecot.port, user, may_take=lambda: room, pace=Pace(idle=0.2, command=5))):
        await desk.until(lambda: bool(desk.told))
        assert not desk.rows()
        room = True
        await desk.until(lambda: len(desk.rows()) == 1)


async def test_nothing_is_flagged_of_a_batch_that_could_not_be_committed(dovecot: Dovecot, desk: Desk, user: str):
    gone = Inbox(desk.engine, FolderBlobs(desk.blobs), lambda: "the database's file is gone")
    kept, desk.ledger = desk.ledger, Ledger(desk.engine, gone)
    dovecot.put(plain(user), [a_mail(number) for number in range(120)])
    async with at_work(desk.fetcher(dovecot.port, user, after="delete", pace=Pace(command=5, dead_after=0))):
        await desk.until(lambda: bool(desk.told) and not desk.told[-1][1])
    assert dovecot.count(plain(user), what="UNSEEN UNDELETED") == 120
    assert not desk.rows()
    desk.ledger = kept
    async with at_work(desk.fetcher(dovecot.port, user, after="delete")):
        await desk.until(lambda: dovecot.count(plain(user)) == 0)
    assert len(desk.rows()) == 120


async def test_a_wrong_password_is_told_tried_seldom_and_its_recovery_told(dovecot: Dovecot, desk: Desk, user: str):
    pace = Pace(idle=2, command=5, refused_pause=0.05, longest_refused_pause=0.1)
    async with at_work(desk.fetcher(dovecot.port, user, password="wrong", pace=pace)):
        await desk.until(lambda: len(desk.told) >= 2)
    assert all(not works and "LOGIN" in why and "wrong" not in why for _, works, why in desk.told)
    desk.told.clear()
    async with at_work(desk.fetcher(dovecot.port, user)):
        await desk.until(lambda: bool(desk.told))
    assert desk.told[0][1]


async def test_a_server_that_says_nothing_is_left_within_the_deadline(desk: Desk, user: str):
    silent = await asyncio.start_server(lambda reader, writer: asyncio.sleep(60), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    pace = Pace(command=0.3, first_pause=0.01, longest_pause=0.02, dead_after=0.5)
    async with at_work(desk.fetcher(port, user, pace=pace)):
        await desk.until(lambda: bool(desk.told), 10)
    assert desk.told[0][1] is False
    silent.close()


async def test_the_certificate_is_checked(dovecot: Dovecot, desk: Desk, user: str):
    dovecot.put(plain(user), [a_mail(1)])
    pace = Pace(command=5, first_pause=0.01, longest_pause=0.02, dead_after=0)
    async with at_work(desk.fetcher(dovecot.tls_port, user, scheme="imaps", host="localhost", pace=pace)):
        await desk.until(lambda: bool(desk.told), 10)
    assert "certificate" in desk.told[0][2].lower()
    trusting = ssl.create_default_context(cafile=dovecot.certificate)
    async with at_work(desk.fetcher(dovecot.tls_port, user, scheme="imaps", host="localhost", tls=trusting)):
        await desk.until(lambda: len(desk.rows()) == 1)


async def test_an_access_token_opens_the_account_and_is_renewed_when_refused(
    dovecot: Dovecot, desk: Desk, token_server: TokenServer
):
    dovecot.put("oauth@desk.example", [a_mail("oauth")])
    oauth = {"token_url": token_server.url + "/token", "client_id": "mailgate", "refresh_token": "refresh-1"}
    token_server.answers.append((200, {"access_token": "nobody's", "token_type": "Bearer", "expires_in": 3600}))
    async with at_work(desk.fetcher(dovecot.port, "oauth%40desk.example", oauth=oauth, password="")):
        await desk.until(lambda: len(desk.rows()) == 1)
    assert [works for _, works, _ in desk.told][:2] == [False, True]
    assert len(token_server.asked) == 2


@pytest.mark.timeout(180)
@pytest.mark.parametrize("after", ["move:Done", "seen"])
async def test_500_mails_over_a_connection_cut_all_the_time_are_stored_exactly_once(
    dovecot: Dovecot, desk: Desk, user: str, after: str
):
    """Beside the cuts, fetchers are killed at any moment and started anew."""
    chance = random.Random(20)
    mails = [a_mail(f"{after}-{number}", chance.randint(100, 20_000)) for number in range(500)]
    dovecot.put(plain(user), mails)
    async with CuttingProxy(dovecot.port) as proxy:
        cutter = asyncio.create_task(proxy.cut_often(0.01, 0.08, chance))
        pace = Pace(idle=2, command=5, first_pause=0.005, longest_pause=0.02)
        kills = 0
        async with asyncio.timeout(150):
            while len(await asyncio.to_thread(desk.rows)) < 500:
                async with at_work(desk.fetcher(proxy.port, user, after=after, pace=pace)):
                    with suppress(TimeoutError):
                        await asyncio.wait_for(asyncio.Event().wait(), chance.uniform(0.1, 0.4))
                kills += 1
        cutter.cancel()
        async with at_work(desk.fetcher(proxy.port, user, after=after, pace=pace)):
            await desk.until(lambda: dovecot.count(plain(user), what="UNSEEN") == 0)
    print(f"{kills} fetchers killed, {proxy.count} cuts")
    stored = [desk.inbox.raw_of(row.digest) for row in desk.rows()]
    assert len(stored) == 500
    assert set(stored) == set(mails)
    assert kills > 1
    assert proxy.count > 5

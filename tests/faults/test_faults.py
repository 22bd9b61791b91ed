"""What breaks around mailgate: afterwards all is as though it had not, but later (P1, P2, D3, A6)."""

import asyncio
import os
import smtplib
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, select

from mailgate.blobs import FolderBlobs
from mailgate.intake.gate import Gate
from mailgate.intake.smtp import SmtpDoor
from mailgate.intake.writer import GroupWriter
from mailgate.model.settings import SmtpSettings
from mailgate.outbox.relay import Unreachable
from mailgate.outbox.sender import Sender
from mailgate.outbox.smtp import SmtpAddress, SmtpRelay
from mailgate.scheduler import Scheduler
from mailgate.serve.clock import Clock
from mailgate.store import outbox
from mailgate.store.engine import reading, transaction
from mailgate.store.ids import Ids
from mailgate.store.inbox import INBOX
from mailgate.store.tables import ARRIVAL
from mailgate.verdicts.dns import DnsTrouble
from mailgate.verdicts.own import Client, check
from tests.intake.doors import RECIPIENTS, TO, beside
from tests.outbox.relays import Scripted, Told, relay_server
from tests.world import MONDAY, World, a_mail, on_disk

pytestmark = pytest.mark.timeout(60)


@asynccontextmanager
async def door_of(world: World, **settings: Any) -> AsyncIterator[int]:
    """Open the real door over the world's real inbox; give its port."""
    writer = GroupWriter(world.inbox)
    door = SmtpDoor(Gate(replace(SmtpSettings(), **settings), RECIPIENTS, writer.submit, world.ids))
    address = await door.open("127.0.0.1:0")
    try:
        yield int(address.rpartition(":")[2])
    finally:
        await door.close(0.2)
        await writer.close()


def send(port: int, raw: bytes) -> int:
    """Return the code of the answer to a mail."""
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        try:
            client.sendmail("olena@shop.example", [TO], raw)
        except smtplib.SMTPResponseException as error:
            return error.smtp_code
    return 250


def impatient(engine: Engine) -> None:
    """Let a locked database be given up after a moment, as it would be after ten seconds."""

    @event.listens_for(engine, "connect")
    def hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    engine.dispose()


async def test_while_the_database_is_locked_the_answer_is_451_and_then_the_repeat_is_taken(tmp_path: Path):
    world = on_disk(tmp_path)
    impatient(world.inbox_engine)
    other = on_disk(tmp_path).inbox_engine
    async with door_of(world) as port:
        with transaction(other) as connection:
            connection.execute(INBOX.delete())
            assert await beside(send, port, a_mail()) == 451
        assert await beside(send, port, a_mail()) == 250
    world.work()
    assert world.outcomes() == ["new"]
    assert len(world.send()) == 2


async def test_a_database_that_is_gone_is_451_and_nothing_is_lost_when_it_is_back(tmp_path: Path):
    world = on_disk(tmp_path)
    async with door_of(world) as port:
        assert await beside(send, port, a_mail(id_="1@shop.example")) == 250
        with transaction(world.inbox_engine) as connection:
            connection.exec_driver_sql("ALTER TABLE inbox RENAME TO away")
        assert await beside(send, port, a_mail("Another", id_="2@shop.example")) == 451
        with transaction(world.inbox_engine) as connection:
            connection.exec_driver_sql("ALTER TABLE away RENAME TO inbox")
        assert await beside(send, port, a_mail("Another", id_="2@shop.example")) == 250
    world.work()
    assert world.outcomes() == ["new", "new"]


def test_a_locked_database_costs_the_worker_no_try_and_the_mail_is_applied_when_it_is_free(tmp_path: Path):
    world = on_disk(tmp_path)
    impatient(world.engine)
    arrival = world.accept(a_mail(), TO)
    other = on_disk(tmp_path).engine
    for _ in range(5):  # more often than a mail is tried
        with transaction(other) as connection:
            connection.exec_driver_sql("UPDATE counter SET value = value")
            world.worker.work()
        world.now += timedelta(seconds=10)
    world.work()
    assert world.outcome(arrival)["outcome"] == "new"


async def test_a_database_that_is_full_is_451_and_then_the_repeat_is_taken(tmp_path: Path):
    world = on_disk(tmp_path)
    with reading(world.inbox_engine) as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()

    @event.listens_for(world.inbox_engine, "connect")
    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA max_page_count={most[0]}")

    most = [int(pages or 0) + 2]
    world.inbox_engine.dispose()
    raw = a_mail(text="x\r\n" * 30_000)
    async with door_of(world) as port:
        assert await beside(send, port, raw) == 451
        most[0] = 1_000_000
        world.inbox_engine.dispose()
        assert await beside(send, port, raw) == 250
    world.work()
    assert world.outcomes() == ["new"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; where none can be mounted the test is left out."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no disk can be mounted here (needs root)")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=False)


async def test_a_full_disk_is_451_and_leaves_no_half_of_a_mail(tmp_path: Path, small_disk: Path):
    world = on_disk(tmp_path, blobs=FolderBlobs(small_disk / "blobs"))
    raw = a_mail(text="x\r\n" * 150_000)  # larger than what stays in the inbox: it goes to the blobs
    (small_disk / "filler").write_bytes(b"x" * 900_000)
    async with door_of(world) as port:
        assert await beside(send, port, raw) == 451
        assert await beside(send, port, a_mail("Small")) == 250  # the database lies elsewhere
        (small_disk / "filler").unlink()
        for left in small_disk.rglob(".*"):
            assert not left.is_file()
        assert await beside(send, port, raw) == 250
    world.work()
    assert world.outcomes() == ["new", "new"]
    assert world.inbox.raw_of(str(world.outcome(first_arrival(world, "Site"))["digest"])) == raw


def first_arrival(world: World, word: str) -> str:
    with reading(world.engine) as connection:
        found = connection.execute(select(ARRIVAL.c.id).where(ARRIVAL.c.subject.contains(word))).scalars().first()
    assert found is not None
    return str(found)


async def test_a_relay_that_is_away_for_an_hour_gets_everything_once_when_it_is_back():
    world = World()
    for n in range(5):
        world.accept(a_mail(f"Subject {chr(97 + n)} {n}", sender=f"x{n}@shop.example", id_=f"{n}@shop.example"), TO)
    world.work()
    relay = Told()
    sender = Sender(
        world.engine, relay, world.to_bytes, clock=world.clock, chance=lambda: 0.5, on_sent=world.follows.sent
    )
    back = world.now + timedelta(hours=1)
    tried = 0
    while world.now < back:
        relay.results = [Unreachable(text="connection refused")] * 20
        tried += await sender.send_due()
        world.now += timedelta(seconds=20)
    relay.results, relay.parcels = [], []
    for _ in range(30):
        await sender.send_due()
        world.now += timedelta(seconds=20)
    ids = [parcel.message_id for parcel in relay.parcels]
    assert len(ids) == len(set(ids)) >= 10  # an ack and a notice each
    assert tried < 60  # it was asked now and then, not stormed
    with reading(world.engine) as connection:
        letters = outbox.list_letters(connection)
    assert {one.state for one in letters} == {"sent"}
    assert max(one.attempts for one in letters) <= 2  # of a relay that is away no letter grows old


async def test_a_relay_that_takes_a_letter_and_drops_the_line_gets_the_same_letter_again():
    world = World()
    world.accept(a_mail(), TO)
    world.work()
    async with relay_server() as server:
        server.script("END", "")
        relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.port, tls="off", seconds=5))
        sender = Sender(world.engine, relay, world.to_bytes, clock=world.clock, connections=1)
        for _ in range(4):
            await sender.send_due()
            world.now += timedelta(minutes=2)
        await relay.close()
    assert len(server.mails) == 3  # two letters, one of them twice
    assert repeated(server) == 1


def repeated(server: Scripted) -> int:
    """Return how many mails came again, byte for byte."""
    return len(server.mails) - len({raw for _, _, raw in server.mails})


STRANGER = a_mail(sender="eve@evil.example")
EVE = Client(peer="203.0.113.9", helo="x.example", sender="eve@evil.example")


def test_a_dns_that_is_dead_is_no_verdict_and_never_a_failure():
    def dead(name: str, type_: str) -> Any:
        raise DnsTrouble(f"{name}: timeout")

    found = check(STRANGER, datetime.now(UTC), dead, client=EVE)
    assert found.verdict == "none"
    assert "DNS" in found.because


def test_a_dns_that_answers_slowly_costs_a_mail_a_bounded_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailgate.verdicts.own.SECONDS", 0.2)

    def slow(name: str, type_: str) -> Any:
        time.sleep(0.15)
        return [b"v=spf1 include:a.example include:b.example include:c.example -all"] if type_ == "TXT" else []

    begun = time.monotonic()
    assert check(STRANGER, datetime.now(UTC), slow, client=EVE).verdict == "none"
    assert time.monotonic() - begun < 2


def test_a_clock_that_is_set_back_and_forth_fires_each_deadline_once():
    world = World()
    world.staff("ivan@team.example")
    world.post(a_mail(), TO)
    for jump in (40, 100, -90, 50, 40, -200, 500, -500, 600):
        world.now = max(MONDAY - timedelta(days=1), world.now + timedelta(minutes=jump))
        world.scheduler.tick()
        world.send()
    world.run(hours=3)
    breaches = world.sent("breach", "missed")
    reminders = world.sent("reminder")
    assert (
        len([one for one in breaches if "first_response" in str(one.letter.rendered.text) or one.kind == "breach"]) <= 1
    )
    assert len(reminders) <= 1
    assert len(reminders) + len(breaches) >= 1
    assert len(world.sent("ack")) == 1


def test_ids_stay_in_order_over_a_clock_that_is_set_back():
    moment = [datetime(2026, 6, 8, 12, tzinfo=UTC)]
    ids = Ids(lambda: moment[0])
    made = []
    for jump in (0, 1, -3600, 0, 0, 7200, -86400, 5):
        moment[0] += timedelta(seconds=jump)
        made += [ids() for _ in range(50)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_a_lease_that_a_jump_of_the_clock_ends_makes_no_second_ticket(tmp_path: Path):
    world = on_disk(tmp_path)
    world.accept(a_mail(), TO)
    first = world.inbox.claim(10, world.now, 560, "one")
    world.now += timedelta(hours=2)
    world.work()  # another worker thinks the first is dead
    assert len(first) == 1
    world.worker._apply([r for one in first if (r := world.worker._read(one))])
    assert len(world.tickets()) == 1
    assert world.outcomes() == ["new"]


async def test_a_relay_that_was_away_when_the_clock_was_set_back_is_asked_again_at_once():
    world = World()
    world.accept(a_mail(), TO)
    world.work()
    relay = Told(results=[Unreachable(text="away")] * 2)
    sender = Sender(world.engine, relay, world.to_bytes, clock=world.clock)
    world.now += timedelta(hours=1)
    await sender.send_due()
    with transaction(world.engine) as connection:  # the letters were due before, and still are
        connection.exec_driver_sql("UPDATE outbox SET next_at = created_at")
    world.now -= timedelta(minutes=59)
    assert await sender.send_due() > 0


async def test_the_daemons_clock_looks_on_when_the_clock_of_the_wall_is_set_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailgate.serve.clock.SWEEP_SECONDS", 0.05)
    world = World()
    clock = Clock(Scheduler(world.house), now=world.clock)
    clock.start()
    await asyncio.sleep(0.2)
    # as it is after the wall's clock went back by a day
    clock._job.modify(next_run_time=datetime.now(UTC) + timedelta(days=1))
    seen = clock.looked_at
    for _ in range(100):
        await asyncio.sleep(0.02)
        if clock.looked_at > seen:
            break
    assert clock.looked_at > seen
    await clock.stop()


def test_no_descriptor_is_left_open_by_all_that(tmp_path: Path):
    before = len(os.listdir("/proc/self/fd"))
    for n in range(3):
        world = on_disk(tmp_path / str(n)) if (tmp_path / str(n)).mkdir() is None else None
        assert world is not None
        world.engine.dispose()
        world.inbox_engine.dispose()
    assert len(os.listdir("/proc/self/fd")) <= before + 2

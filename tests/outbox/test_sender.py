"""The sender: what is due leaves, once; what is refused comes back as a value (A6)."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine

from mailgate.errors import TryLater
from mailgate.outbox.relay import Refused, Unreachable
from mailgate.outbox.sender import Sender
from mailgate.store import outbox
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.outbox import OUTBOX, Outgoing
from tests.outbox.relays import Told
from tests.store.samples import NOON, outgoing

pytestmark = pytest.mark.timeout(30)
ROOT = Path(__file__).resolve().parent.parent.parent
NOT_NOW = Refused(code=451, text="451 greylisted", is_permanent=False)
NEVER = Refused(code=550, text="550 5.1.1 no such user", is_permanent=True)


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    engine = open_engine(f"sqlite:///{tmp_path}/mailgate.db")
    OUTBOX.create(engine)
    return engine


@pytest.fixture
def clock() -> Clock:
    return Clock()


def a_sender(engine: Engine, relay: Told, clock: Callable[[], datetime], **changes: Any) -> Sender:
    options: dict[str, Any] = {"clock": clock, "chance": lambda: 0.5}
    return Sender(engine, relay, lambda letter: letter.rendered.text.encode(), **options | changes)


def add(engine: Engine, *letters: Outgoing) -> None:
    with transaction(engine) as connection:
        outbox.add(connection, letters)


def states(engine: Engine) -> list[str]:
    with reading(engine) as connection:
        return [letter.state for letter in outbox.list_letters(connection)]


def due_in(engine: Engine, clock: Clock) -> float:
    with reading(engine) as connection:
        due = outbox.due_at(connection)
    assert due is not None
    return (due - clock.now).total_seconds()


async def test_what_is_due_is_sent_with_its_envelope(engine: Engine, clock: Clock):
    relay = Told()
    add(engine, outgoing(message_id="m@x.example"), outgoing(not_before=NOON + timedelta(seconds=30)))
    assert await a_sender(engine, relay, clock).send_due() == 1
    [parcel] = relay.parcels
    assert (parcel.to, parcel.envelope_from) == ("olena@shop.example", "support+t@flexihost.example")
    assert (parcel.message_id, parcel.raw) == ("m@x.example", "Добрий день".encode())
    assert states(engine) == ["sent", "waiting"]


async def test_a_refusal_for_now_is_tried_again_with_growing_pauses_for_three_days(engine: Engine, clock: Clock):
    relay, failed = Told(results=[NOT_NOW] * 1000), []
    add(engine, outgoing())
    sender = a_sender(
        engine, relay, clock, on_failure=lambda connection, letter, code, text: failed.append((code, text))
    )
    pauses = []
    while await sender.send_due():
        if states(engine) == ["failed"]:
            break
        pauses.append(due_in(engine, clock))
        clock.forward(seconds=pauses[-1])
    assert pauses[:8] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert timedelta(days=3) <= clock.now - NOON < timedelta(days=3, hours=1, minutes=15)
    assert failed == [(451, "451 greylisted")]
    assert len({parcel.message_id for parcel in relay.parcels}) == 1


async def test_the_days_count_from_when_it_may_leave(engine: Engine, clock: Clock):
    add(engine, outgoing(not_before=NOON + timedelta(days=10)))
    clock.forward(days=10)
    await a_sender(engine, Told(results=[NOT_NOW]), clock).send_due()
    assert states(engine) == ["waiting"]


async def test_a_refusal_for_good_fails_at_once_and_is_told_in_the_same_transaction(engine: Engine, clock: Clock):
    def tell(connection: Connection, letter: Outgoing, code: int, text: str) -> None:
        outbox.add(connection, [outgoing(to="staff@team.example", kind="bounce_notice", created_at=clock.now)])
        told.append((letter.rendered.to, code, text))

    told: list[tuple[str, int, str]] = []
    relay = Told(results=[NEVER])
    add(engine, outgoing())
    sender = a_sender(engine, relay, clock, on_failure=tell)
    await sender.send_due()
    assert told == [("olena@shop.example", 550, "550 5.1.1 no such user")]
    assert states(engine) == ["failed", "waiting"]
    await sender.send_due()
    assert states(engine) == ["failed", "sent"]
    assert len(relay.parcels) == 2


async def test_a_bug_in_what_follows_a_failure_does_not_hide_what_was_sent(engine: Engine, clock: Clock):
    def stumble(connection: Connection, letter: Outgoing, code: int, text: str) -> None:
        raise RuntimeError

    add(engine, outgoing(), outgoing(), outgoing())
    sender = a_sender(engine, Told(results=[NEVER]), clock, on_failure=stumble, connections=1)
    await sender.send_due()
    assert sorted(states(engine)) == ["sending", "sent", "sent"]


async def test_one_letter_that_cannot_be_written_keeps_no_other_in(engine: Engine, clock: Clock):
    def to_bytes(letter: Outgoing) -> bytes:
        if letter.rendered.subject == "broken":
            raise RuntimeError
        return b"x"

    relay = Told()
    add(engine, outgoing(subject="broken"), outgoing())
    await Sender(engine, relay, to_bytes, clock=clock).send_due()
    assert states(engine) == ["waiting", "sent"]


async def test_attachments_that_cannot_be_read_now_are_tried_again(engine: Engine, clock: Clock):
    def to_bytes(letter: Outgoing) -> bytes:
        raise TryLater("the blobs are away")

    add(engine, outgoing())
    await Sender(engine, Told(), to_bytes, clock=clock).send_due()
    assert states(engine) == ["waiting"]


async def test_a_relay_that_is_away_is_asked_with_one_letter_and_growing_pauses(engine: Engine, clock: Clock):
    away = Unreachable(text="nobody there")
    relay = Told(results=[away] * 5)
    add(engine, *(outgoing() for _ in range(3)))
    sender = a_sender(engine, relay, clock)
    await sender.send_due()
    assert len(relay.parcels) == 3
    assert due_in(engine, clock) == 2
    assert await sender.send_due() == 0
    for pause, asked in ((2, 4), (4, 5)):
        clock.forward(seconds=pause)
        assert await sender.send_due() == 1
        assert len(relay.parcels) == asked
    clock.forward(seconds=8)
    assert await sender.send_due() == 1
    assert await sender.send_due() == 2
    assert states(engine) == ["sent"] * 3
    with reading(engine) as connection:
        assert [letter.attempts for letter in outbox.list_letters(connection)] == [1, 1, 1]


async def test_a_lease_that_ran_out_is_sent_again_with_the_same_message_id(engine: Engine, clock: Clock):
    add(engine, outgoing())
    with transaction(engine) as connection:
        [lost] = outbox.claim(connection, NOON, 1, 600, "dead")
    relay = Told()
    sender = a_sender(engine, relay, clock)
    assert await sender.send_due() == 0
    clock.forward(seconds=600)
    assert await sender.send_due() == 1
    assert relay.parcels[0].message_id == lost.rendered.message_id
    assert states(engine) == ["sent"]


async def test_no_more_letters_are_under_way_than_there_are_connections(engine: Engine, clock: Clock):
    add(engine, *(outgoing() for _ in range(10)))
    relay = Told(gate=asyncio.Event())
    sender = a_sender(engine, relay, clock, connections=2)
    running = asyncio.create_task(sender.run())
    while len(relay.parcels) < 2:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.02)
    assert len(relay.parcels) == 2
    assert relay.gate is not None
    relay.gate.set()
    while states(engine) != ["sent"] * 10:
        await asyncio.sleep(0.01)
    sender.stop()
    await running


async def test_a_slow_letter_holds_up_no_other(engine: Engine, clock: Clock):
    class OneSlow(Told):
        async def send(self, parcel: Any) -> Any:
            if parcel.to == "slow@shop.example":
                await gate.wait()
            return await super().send(parcel)

    gate, relay = asyncio.Event(), OneSlow()
    add(engine, outgoing(to="slow@shop.example"))
    sender = a_sender(engine, relay, clock, connections=2)
    running = asyncio.create_task(sender.run())
    while states(engine) != ["sending"]:
        await asyncio.sleep(0.005)
    add(engine, outgoing(), outgoing())
    sender.wake()
    while states(engine) != ["sending", "sent", "sent"]:
        await asyncio.sleep(0.005)
    sender.stop()
    gate.set()
    await running
    assert states(engine) == ["sent"] * 3


async def test_what_was_sent_while_the_database_was_away_is_not_sent_twice(engine: Engine, clock: Clock):
    class Cuts(Told):
        async def send(self, parcel: Any) -> Any:
            if not self.parcels:
                with transaction(engine) as connection:
                    connection.exec_driver_sql("ALTER TABLE outbox RENAME TO away")
            return await super().send(parcel)

    relay = Cuts()
    add(engine, outgoing())
    sender = a_sender(engine, relay, clock)
    running = asyncio.create_task(sender.run())
    while not relay.parcels:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    with transaction(engine) as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO outbox")
    clock.forward(hours=1)
    while states(engine) != ["sent"]:
        sender.wake()
        await asyncio.sleep(0.01)
    sender.stop()
    await running
    assert len(relay.parcels) == 1


@pytest.mark.slow
async def test_killed_at_any_moment_no_letter_is_missing_and_a_repeat_has_the_same_message_id(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/mailgate.db")
    OUTBOX.create(engine)
    letters = [outgoing() for _ in range(60)]
    add(engine, *letters)
    said: list[str] = []
    for stop_after in (5, 17):
        command = [sys.executable, "-m", "tests.outbox.victim", str(tmp_path)]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        said += [process.stdout.readline().strip() for _ in range(stop_after)]
        process.kill()
        said += [line.strip() for line in process.stdout if line.endswith("\n")]
        process.wait()
        with transaction(engine) as connection:  # time passes: the leases of the dead run out
            connection.exec_driver_sql("UPDATE outbox SET next_at = created_at WHERE state = 'sending'")

    relay = Told()
    sender = Sender(engine, relay, lambda letter: b"")
    while await sender.send_due():
        pass

    everything = [*said, *(parcel.message_id for parcel in relay.parcels)]
    assert set(everything) == {letter.rendered.message_id for letter in letters}
    assert set(states(engine)) == {"sent"}
    repeats = len(everything) - len(letters)
    assert repeats <= 2 * 16  # what was in hand when it died


async def test_while_the_doors_are_busy_letters_leave_in_rounds_and_none_stays(engine: Engine, clock: Clock):
    relay = Told()
    add(engine, *(outgoing() for _ in range(20)))
    sender = a_sender(engine, relay, clock, is_pressed=lambda: True)
    running = asyncio.create_task(sender.run())
    while len(relay.parcels) < 20:
        await asyncio.sleep(0.01)
    sender.stop()
    await running
    assert states(engine) == ["sent"] * 20

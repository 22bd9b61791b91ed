"""The outbox: a letter leaves once (P2), whoever is killed."""

import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Engine

from mailgate.model.ticket import StoredFile
from mailgate.store import outbox
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.outbox import OUTBOX, Outgoing
from tests.store.samples import NOON, outgoing

ROOT = Path(__file__).resolve().parent.parent.parent


def add(engine: Engine, *letters: Outgoing) -> None:
    with transaction(engine) as connection:
        outbox.add(connection, letters)


def claim(engine: Engine, minutes: float = 0, claimer: str = "one", limit: int = 10) -> list[Outgoing]:
    with transaction(engine) as connection:
        return outbox.claim(connection, NOON + timedelta(minutes=minutes), limit, 600, claimer)


def get(engine: Engine, letter: Outgoing) -> Outgoing:
    with reading(engine) as connection:
        found = outbox.find(connection, letter.id)
    assert found is not None
    return found


def test_a_letter_comes_back_as_it_was_added(engine: Engine):
    file = StoredFile(
        filename="лист.pdf", content_type="application/pdf", size=3, sha256="a" * 64, inline=False, digest="b", part=1
    )
    letter = outgoing(attachments=(file,), because="breach", arrival="x", message="y", held="z", once="ack:1", ticket=7)
    add(engine, letter)

    [taken] = claim(engine)

    assert taken.rendered == letter.rendered
    assert (taken.attachments, taken.because, taken.arrival) == ((file,), "breach", "x")
    assert (taken.message, taken.held, taken.once) == ("y", "z", "ack:1")
    assert (taken.state, taken.attempts, taken.claimer) == ("sending", 1, "one")


def test_the_same_once_is_added_once(engine: Engine):
    first, second = outgoing(once="ack:1"), outgoing(once="ack:1")
    add(engine, first, second)
    add(engine, outgoing(once="ack:1"), outgoing(), outgoing())
    with reading(engine) as connection:
        listed = outbox.list_letters(connection)
    assert [letter.once for letter in listed] == ["ack:1", None, None]
    assert listed[0].id == first.id


def test_a_letter_waits_for_its_moment(engine: Engine):
    add(engine, outgoing(not_before=NOON + timedelta(seconds=30)))
    with reading(engine) as connection:
        assert outbox.due_at(connection) == NOON + timedelta(seconds=30)
    assert not claim(engine, 0.4)
    assert len(claim(engine, 0.5)) == 1


def test_what_is_claimed_is_claimed_by_nobody_else_until_the_lease_ends(engine: Engine):
    add(engine, outgoing())
    [first] = claim(engine)
    assert not claim(engine, 9.9, "two")
    [second] = claim(engine, 10, "two")
    assert second.rendered.message_id == first.rendered.message_id
    assert second.attempts == 2


def test_claimers_at_once_take_each_letter_once(engine: Engine):
    add(engine, *(outgoing() for _ in range(40)))
    taken: list[str] = []
    start = Barrier(4)

    def take() -> None:
        start.wait()
        while found := claim(engine, limit=3):
            taken.extend(letter.id for letter in found)

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 40


def test_what_was_sent_is_claimed_no_more(engine: Engine):
    add(engine, outgoing())
    [letter] = claim(engine)
    with transaction(engine) as connection:
        outbox.settle_sent(connection, letter, NOON, "250 ok")
        assert outbox.due_at(connection) is None
    assert not claim(engine, 10_000)
    assert get(engine, letter).sent_at == NOON


def test_a_retry_comes_at_its_time_with_its_reason(engine: Engine):
    add(engine, outgoing())
    [letter] = claim(engine)
    with transaction(engine) as connection:
        assert outbox.settle_retry(connection, letter, NOON + timedelta(minutes=5), "greylisted", 451)
    assert not claim(engine, 4)
    [again] = claim(engine, 5)
    assert (again.attempts, again.reason, again.code) == (2, "greylisted", 451)


@pytest.mark.parametrize("outcome", ["retry", "failed"])
def test_who_lost_the_lease_settles_nothing(engine: Engine, outcome: str):
    add(engine, outgoing())
    [late] = claim(engine)
    claim(engine, 10)
    with transaction(engine) as connection:
        if outcome == "retry":
            assert not outbox.settle_retry(connection, late, NOON, "late")
        else:
            assert not outbox.settle_failed(connection, late, "late")
    assert get(engine, late).state == "sending"


def test_what_left_is_noted_though_the_lease_was_lost(engine: Engine):
    add(engine, outgoing())
    [late] = claim(engine)
    claim(engine, 10, "two")
    with transaction(engine) as connection:
        outbox.settle_sent(connection, late, NOON)
    assert get(engine, late).state == "sent"
    assert not claim(engine, 60)


def test_what_waits_can_be_withdrawn_by_message_or_by_kind(engine: Engine):
    relay, nudge, other = outgoing(message="m1", kind="relay"), outgoing(kind="nudge"), outgoing(ticket=2, message="m1")
    add(engine, relay, nudge, other)
    with transaction(engine) as connection:
        assert outbox.withdraw(connection, 10001, message="m1", reason="#undo") == [relay.id]
        assert outbox.withdraw(connection, 10001, kinds=("nudge", "ack"), reason="answered") == [nudge.id]
    assert [letter.id for letter in claim(engine)] == [other.id]


def test_what_is_leaving_or_left_cannot_be_withdrawn(engine: Engine):
    add(engine, outgoing(), outgoing())
    sent, _ = claim(engine)
    with transaction(engine) as connection:
        outbox.settle_sent(connection, sent, NOON)
        assert outbox.withdraw(connection, 10001) == []


def test_automatic_letters_to_a_customer_are_counted(engine: Engine):
    add(
        engine,
        outgoing(),
        outgoing(created_at=NOON - timedelta(minutes=11)),
        outgoing(is_automatic=False),
        outgoing(audience="staff"),
        outgoing(to="other@shop.example"),
    )
    with reading(engine) as connection:
        assert outbox.count_to(connection, "olena@shop.example", NOON - timedelta(minutes=10)) == 1
        assert outbox.count_to(connection, "olena@shop.example", NOON - timedelta(days=1)) == 2


def test_a_person_retries_and_drops(engine: Engine):
    add(engine, outgoing(), outgoing())
    failed, waiting = claim(engine)
    with transaction(engine) as connection:
        outbox.settle_failed(connection, failed, "no such user", 550)
        outbox.settle_retry(connection, waiting, NOON + timedelta(hours=1), "later")
        assert outbox.drop(connection, waiting.id, "not wanted")
        assert not outbox.drop(connection, waiting.id, "not wanted")
        assert outbox.retry(connection, failed.id, NOON + timedelta(hours=2))
        assert not outbox.retry(connection, "nothing", NOON)
    [again] = claim(engine, 120)
    assert (again.id, again.attempts, again.code) == (failed.id, 1, None)
    assert get(engine, waiting).state == "withdrawn"


def test_listing_is_by_desk_state_ticket_and_arrival(engine: Engine):
    one, two, three = outgoing(ticket=1), outgoing(ticket=2, desk="strato"), outgoing(ticket=3, arrival="a")
    add(engine, one, two, three)
    with reading(engine) as connection:
        assert [x.id for x in outbox.list_letters(connection, desk="strato")] == [two.id]
        assert [x.id for x in outbox.list_letters(connection, ticket=1)] == [one.id]
        assert [x.id for x in outbox.list_letters(connection, arrival="a")] == [three.id]
        assert [x.id for x in outbox.list_letters(connection, states=("waiting",))] == [one.id, two.id, three.id]
        assert outbox.list_letters(connection, states=("sent", "failed")) == []


@pytest.mark.slow
def test_killed_after_the_relay_had_it_the_letter_goes_again_with_the_same_message_id(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    OUTBOX.create(engine)
    add(engine, outgoing())
    command = [sys.executable, "-m", "tests.store.victims", "send", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    sent = process.stdout.readline().strip()
    process.kill()
    process.wait()

    assert not claim(engine, 1.9, "two")
    [again] = claim(engine, 2, "two")
    assert again.rendered.message_id == sent

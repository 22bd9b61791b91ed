"""The clock's loop on a real database file: fires once, whoever and however many run, and whatever the clock does (D3)."""

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.pipeline import House
from mailgate.scheduler import Scheduler, next_due
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import Ids
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import DEADLINE, DESK_CLOCK, EVENT, TICKET
from tests.world import MONDAY, World, a_mail, on_disk, shipped_desk, shipped_phrases, shipped_templates

TICKETS = 12


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = on_disk(tmp_path)
    world.account("1001", "olena@shop.example")
    world.staff("ivan@team.example", "support", name="Ivan Petrenko")
    world.staff("borys@team.example", "admins", name="Borys Hrim")
    yield world
    world.engine.dispose()
    world.inbox_engine.dispose()


def ask(world: World, count: int = 1) -> None:
    for place in range(count):
        raw = a_mail(
            f"Fault number {place} of mail and site",
            f"Fault {place} since noon.",
            id_=f"{world.now:%H%M}-{place}@shop.example",
        )
        world.accept(raw, "support@flexihost.example")
    world.work()
    world.send()


def letters(world: World, kind: str) -> int:
    with reading(world.engine) as connection:
        return int(connection.execute(select(func.count()).where(OUTBOX.c.kind == kind)).scalar_one())


def a_scheduler(url: str, now: datetime) -> Scheduler:
    settings = Settings(
        desks={"flexihost": shipped_desk("flexihost")}, secret=b"a secret of the tests, 32 bytes.", database_url=url,
        blobs_url="memory:", smtp=SmtpSettings(), relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
    )  # fmt: skip
    house = House(
        settings=settings, engine=open_engine(url), templates=shipped_templates(), phrases=shipped_phrases(), ids=Ids(),
        clock=lambda: now, raw_of=lambda digest: None,
    )  # fmt: skip
    return Scheduler(house, group=3)


def tick_in_process(url: str, now: datetime, started: "multiprocessing.synchronize.Barrier") -> None:
    scheduler = a_scheduler(url, now)
    started.wait(30)
    scheduler.tick()


def test_two_schedulers_in_two_threads_fire_each_deadline_once(world: World) -> None:
    ask(world, TICKETS)
    now = MONDAY + timedelta(minutes=61)
    started, trouble = threading.Barrier(2), []

    def tick() -> None:
        try:
            scheduler = a_scheduler(world.url, now)
            started.wait(30)
            scheduler.tick()
        except Exception as error:
            trouble.append(error)

    threads = [threading.Thread(target=tick) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trouble == []
    assert told_of(world) == TICKETS
    assert letters(world, "handover") == TICKETS
    assert letters(world, "escalation") + left_out(world, "escalation") == TICKETS  # A3 keeps some back


def told_of(world: World) -> int:
    """Return of how many tickets the managers were told, in notices of several or of one."""
    with reading(world.engine) as connection:
        texts = connection.execute(
            select(OUTBOX.c.text).where(OUTBOX.c.kind == "breach", OUTBOX.c.ticket.is_(None))
        ).scalars()
        single = connection.execute(
            select(func.count()).where(OUTBOX.c.kind == "breach", OUTBOX.c.ticket.is_not(None))
        ).scalar_one()
        return int(single) + sum(text.count("| #1") for text in texts)


def left_out(world: World, kind: str) -> int:
    with reading(world.engine) as connection:
        found = connection.execute(select(EVENT.c.detail).where(EVENT.c.kind == "left_out")).scalars()
        return sum(one["text"].startswith(kind) for one in found)


@pytest.mark.slow
def test_two_processes_fire_each_deadline_once(world: World) -> None:
    ask(world, TICKETS)
    context = multiprocessing.get_context("spawn")
    started = context.Barrier(2)
    now = MONDAY + timedelta(minutes=61)
    processes = [context.Process(target=tick_in_process, args=(world.url, now, started)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert told_of(world) == TICKETS


def test_after_a_restart_nothing_fires_again_and_nothing_is_forgotten(world: World) -> None:
    ask(world)
    a_scheduler(world.url, MONDAY + timedelta(minutes=48)).tick()
    assert letters(world, "reminder") == 1
    a_scheduler(world.url, MONDAY + timedelta(minutes=49)).tick()
    assert letters(world, "reminder") == 1
    a_scheduler(world.url, MONDAY + timedelta(minutes=60)).tick()
    assert (letters(world, "reminder"), letters(world, "breach")) == (1, 1)


def test_a_clock_that_jumps_back_and_forth_does_no_harm(world: World) -> None:
    ask(world)
    for minutes in (49, 10, 49, 61, 30, 61, -600, 62):
        a_scheduler(world.url, MONDAY + timedelta(minutes=minutes)).tick()
    assert (letters(world, "reminder"), letters(world, "breach"), letters(world, "handover")) == (1, 1, 1)


def test_a_clock_that_jumps_back_over_the_digest_sends_it_once_a_day(world: World) -> None:
    eight = datetime(2026, 6, 9, 5, 0, tzinfo=UTC)
    for at in (eight, eight - timedelta(hours=2), eight, eight + timedelta(minutes=1)):
        a_scheduler(world.url, at).tick()
    assert letters(world, "digest") == 1
    a_scheduler(world.url, eight + timedelta(days=1)).tick()
    assert letters(world, "digest") == 2


def test_after_downtime_each_person_gets_one_notice_of_all_that_was_missed(world: World) -> None:
    ask(world, TICKETS)
    world.now = MONDAY + timedelta(hours=3)
    Scheduler(world.house, group=5).tick()  # smaller than what is due
    world.send()
    missed = world.sent("missed")
    assert sorted(one.to for one in missed) == ["borys@team.example", "managers@flexihost.example"]
    assert all(one.text.count("Fault number") == TICKETS for one in missed)
    assert world.sent("breach", "reminder", "handover") == []
    with reading(world.engine) as connection:
        states = dict(
            (row.state, row.count_) for row in connection.execute(
                select(DEADLINE.c.state, func.count().label("count_"))
                .where(DEADLINE.c.kind == "first_response")
                .group_by(DEADLINE.c.state)
            )
        )  # fmt: skip
    assert states == {"breached": TICKETS}


def test_a_week_of_downtime_brings_one_digest(world: World) -> None:
    world.now = MONDAY + timedelta(days=7)
    world.scheduler.tick()
    world.send()
    [digest] = world.sent("digest")
    assert digest.letter.rendered.subject.endswith("понедельник, 8 июня 2026 г. – воскресенье, 14 июня 2026 г.")


def test_the_digest_of_a_morning_is_of_the_day_before_from_midnight_to_midnight(world: World) -> None:
    ask(world)  # Monday noon in Kyiv
    world.now = MONDAY + timedelta(hours=16)  # Tuesday, one o'clock at night
    world.post(
        a_mail("Mail is slow", "It is slow.", id_="night@shop.example", at=world.now), "support@flexihost.example"
    )
    world.run(days=1)
    [digest] = world.sent("digest")
    assert digest.letter.rendered.subject.endswith("понедельник, 8 июня 2026 г.")
    assert "| Открыто: 1\n" in digest.text


@pytest.mark.parametrize(("tickets", "notices"), [(2, 2), (5, 1)])
def test_of_many_breaches_at_once_the_managers_get_one_notice_and_of_two_one_each(
    world: World, tickets: int, notices: int
) -> None:
    ask(world, tickets)
    world.run(minutes=61)
    assert (len(world.sent("breach")), told_of(world)) == (notices, tickets)


def test_letters_of_a_clock_do_not_go_to_a_ticket_that_a_machine_alone_has_opened(world: World) -> None:
    world.account("1001", "monitor@shop.example")
    more = "Auto-Submitted: auto-generated\n"
    raw = a_mail("Disk full", "Disk of node7 is full.", sender="monitor@shop.example", auth="pass", more=more)
    number = world.post(raw, "support@flexihost.example")["ticket"]
    world.run(days=3)
    assert world.sent(to="monitor@shop.example") == []
    assert world.sent("breach"), "people of the desk are told as ever"
    resolve = a_mail(
        f"[flexihost #{number}] x", "#resolve", sender="ivan@team.example", auth="pass", id_="r1@team.example"
    )
    world.staff("ivan@team.example")
    assert world.post(resolve, "support@flexihost.example")["outcome"] == "command"
    assert world.sent("resolved") == []
    mail = a_mail(f"Re: [flexihost #{number}] Disk full", "Please look, it is full again.", sender="monitor@shop.example",
                  auth="pass", id_="two@shop.example", at=world.now)  # fmt: skip
    assert world.post(mail, "support@flexihost.example")["outcome"] == "follow_up"
    resolve = a_mail(
        f"[flexihost #{number}] x", "#resolve", sender="ivan@team.example", auth="pass", id_="r2@team.example"
    )
    world.post(resolve, "support@flexihost.example")
    assert [one.to for one in world.sent("resolved")] == ["monitor@shop.example"], "a person has written by now"


def test_a_new_ticket_suspends_nothing_the_ack_meets_its_deadline_when_it_leaves(world: World) -> None:
    raw = a_mail(id_="one@shop.example")
    world.accept(raw, "support@flexihost.example")
    world.work()
    world.now = MONDAY + timedelta(minutes=3)  # the relay was not there
    world.scheduler.tick()
    with reading(world.engine) as connection:
        state = connection.execute(select(DEADLINE.c.state).where(DEADLINE.c.kind == "ack")).scalar_one()
    assert state == "breached"
    world.send()
    assert len(world.sent("ack")) == 1
    raw = a_mail("Invoice 4711 is wrong", id_="two@shop.example")
    world.post(raw, "bill@flexihost.example")
    with reading(world.engine) as connection:
        states = connection.execute(select(DEADLINE.c.state).where(DEADLINE.c.kind == "ack").order_by(DEADLINE.c.id))
        assert list(states.scalars()) == ["breached", "met"]


def test_the_next_moment_is_found_by_index(world: World) -> None:
    ask(world)
    with reading(world.engine) as connection:
        assert next_due(connection) == MONDAY + timedelta(minutes=48)
        for statement in (
            "SELECT ticket FROM deadline WHERE state = 'pending' AND next_at <= '2026' ORDER BY next_at LIMIT 100",
            "SELECT min(next_at) FROM deadline WHERE state = 'pending'",
        ):
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}").all()
            assert "INDEX deadline_next" in str(plan)


def test_what_is_of_no_desk_any_more_is_forgotten(world: World) -> None:
    ask(world)
    with transaction(world.engine) as connection:
        connection.execute(TICKET.update().values(desk="gone"))
        connection.execute(DEADLINE.update().values(desk="gone"))
        connection.execute(DESK_CLOCK.delete())
    world.now = MONDAY + timedelta(hours=2)
    assert world.scheduler.tick() == []
    assert world.scheduler.next_at() is None


def test_a_held_mail_is_brought_to_the_managers_after_an_hour_once(world: World) -> None:
    world.post(a_mail(auth="fail"), "support@flexihost.example")
    assert [one.to for one in world.sent("held_notice")] == ["ivan@team.example"]
    world.run(minutes=59)
    assert len(world.sent("held_notice")) == 1
    world.run(minutes=2)
    world.run(hours=5)
    assert [one.to for one in world.sent("held_notice")] == ["ivan@team.example", "managers@flexihost.example"]


def test_shipped_desks_are_what_these_tests_think() -> None:
    assert shipped_desk("flexihost").queues["support"].ladder == ("support", "admins")

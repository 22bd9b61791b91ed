"""Several workers on one database: what belongs together ends together, and no update of a ticket is lost."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Event

import pytest
from sqlalchemy import func, select, update

from mailgate import config
from mailgate.app import Built
from mailgate.config.directory import write_directory
from mailgate.errors import TryLater
from mailgate.model.arrival import Arrival
from mailgate.model.mail import Mail
from mailgate.pipeline import House, Worker
from mailgate.scheduler import Scheduler
from mailgate.store.engine import Collision, hold, reading, transaction
from mailgate.store.gather import read_cases, take_tickets
from mailgate.store.ids import utc_now
from mailgate.store.inbox import Incoming, Taken
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, DEADLINE, MESSAGE, TICKET
from tests.serve.daemon import mail
from tests.store.conftest import POSTGRESQL
from tests.store.databases import fresh_database
from tests.store.samples import incoming

WORKERS = 3
ON_POSTGRESQL = pytest.mark.parametrize("houses", [POSTGRESQL], indirect=True)
ODD = {
    "zero": (b"Odd: a\x00b", b"a\x00b"),
    "half a pair": (b"Odd", "\ud800 half".encode("utf-8", "surrogatepass")),
    "long": (b"Odd " + b"x" * 900, b"x" * 300_000),
    "controls": (b"Odd \x01\x02\x7f", b"\x01\x02\x7f"),
}


@pytest.fixture(params=["sqlite", POSTGRESQL])
def houses(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[list[Built]]:
    """Houses of separate daemons, on one database and the same blobs."""
    write_directory(tmp_path, ["flexihost"])
    environ = {}
    with ExitStack() as stack:
        if request.param == "postgresql":
            server = request.getfixturevalue("postgresql_url")
            environ["MAILGATE_DATABASE__URL"] = stack.enter_context(fresh_database(server))
        built = [Built(config.load(str(tmp_path / "mailgate.toml"), environ)) for _ in range(WORKERS)]
        built[0].upgrade()
        yield built
        for one in built:
            one.close()


def accept(house: Built, mails: Sequence[bytes]) -> None:
    house.inbox.accept([at_the_door(raw) for raw in mails])


def at_the_door(raw: bytes) -> Incoming:
    return incoming(raw, received_at=utc_now(), envelope_from="en@shop.example", peer="127.0.0.1", is_trusted=True)


def work(houses: Sequence[Built], *, group: int = 1) -> None:
    """Let all of them work at once until nothing is left."""
    together = Barrier(len(houses))

    def drain(house: Built, name: str) -> None:
        worker = Worker(house.house, house.inbox, name=name, group=group)
        together.wait(10)
        while worker.work() or house.inbox.waiting()[0]:
            pass

    with ThreadPoolExecutor(len(houses)) as pool:
        for done in [pool.submit(drain, house, f"w{place}") for place, house in enumerate(houses)]:
            done.result(60)


def read(house: House, raw: bytes) -> tuple[Arrival, Mail]:
    return at_the_door(raw).arrival, house.read(raw)


def question(number: int, text: str = "My site is slow.", **headers: str) -> bytes:
    return mail(text, sender=f"c{number}@shop{number}.example", subject=f"Slow site {number} of ours",
                message_id=f"q{number}@shop.example", **headers)  # fmt: skip


@pytest.mark.parametrize("group", [1, 7])
def test_a_mail_that_comes_to_all_at_once_is_one_ticket(houses: list[Built], group: int):
    for _ in range(5):
        accept(houses[0], [question(number) for number in range(8)])
    work(houses, group=group)
    with reading(houses[0].engine) as connection:
        outcomes = dict(connection.execute(select(ARRIVAL.c.outcome, func.count()).group_by(ARRIVAL.c.outcome)).all())
        assert outcomes == {"new": 8, "duplicate": 32}
        numbers = sorted(connection.execute(select(TICKET.c.number)).scalars())
        acks = sorted(connection.execute(select(OUTBOX.c.ticket).where(OUTBOX.c.kind == "ack")).scalars())
    assert numbers == list(range(10001, 10009))
    assert acks == numbers


@pytest.mark.parametrize("group", [1, 7])
def test_follow_ups_of_one_ticket_lose_no_update(houses: list[Built], group: int):
    accept(houses[0], [question(1)])
    work(houses[:1])
    more = [
        mail(f"Detail {place}.", sender="c1@shop1.example", subject="Re: [flexihost #10001] Slow site 1 of ours",
             message_id=f"m{place}@shop.example", Cc=f"colleague{place}@shop1.example")
        for place in range(20)
    ]  # fmt: skip
    accept(houses[0], more)
    work(houses, group=group)
    with reading(houses[0].engine) as connection:
        found = connection.execute(select(TICKET.c.number, TICKET.c.participants)).one()
        count = connection.execute(select(func.count()).select_from(MESSAGE)).scalar_one()
    assert count == 21
    assert {f"colleague{place}@shop1.example" for place in range(20)} <= set(found.participants)


def test_a_mail_and_the_answers_to_it_meet_on_one_ticket(houses: list[Built]):
    for number in range(6):
        first = question(number, Cc=f"d{number}@shop{number}.example")
        shop, own, theirs = f"shop{number}.example", f"a{number}@shop.example", f"<q{number}@shop.example>"
        answer = mail("I have it too.", sender=f"d{number}@{shop}", subject=f"Re: Slow site {number} of ours",
                      message_id=own, In_Reply_To=theirs, Cc=f"c{number}@{shop}")  # fmt: skip
        accept(houses[0], [first, answer] if number % 2 else [answer, first])
    work(houses)
    with reading(houses[0].engine) as connection:
        assert connection.execute(select(func.count()).select_from(TICKET)).scalar_one() == 6
        assert connection.execute(select(func.count()).select_from(MESSAGE)).scalar_one() == 12


@pytest.mark.parametrize("houses", ["sqlite"], indirect=True)
def test_what_came_first_is_decided_first_though_two_read_at_once(houses: list[Built]):
    accept(houses[0], [question(number) for number in range(6)])
    has_claimed, has_overtaken, is_deciding = Event(), Event(), Event()

    def slowly(taken: Taken) -> None:
        has_claimed.set()
        has_overtaken.wait(0.3 if not is_deciding.is_set() else 0.0)  # nobody overtakes: it goes on after that
        is_deciding.set()

    def first() -> int:
        return Worker(houses[0].house, houses[0].inbox, name="first", group=3).work(slowly)

    def second() -> int:
        read: list[str] = []

        def seen(taken: Taken) -> None:
            if taken.arrival.id in read:  # read before, and now to be decided
                if not counted():
                    has_overtaken.set()
            read.append(taken.arrival.id)

        has_claimed.wait(10)
        return Worker(houses[1].house, houses[1].inbox, name="second", group=3).work(seen)

    def counted() -> int:
        with reading(houses[2].engine) as connection:
            return connection.execute(select(func.count()).select_from(ARRIVAL)).scalar_one()

    with ThreadPoolExecutor(2) as pool:
        assert [done.result(30) for done in (pool.submit(first), pool.submit(second))] == [3, 3]
    assert not has_overtaken.is_set()
    with reading(houses[0].engine) as connection:
        senders = [row[0] for row in connection.execute(select(TICKET.c.requestor).order_by(TICKET.c.number))]
    assert senders == [f"c{number}@shop{number}.example" for number in range(6)]


@pytest.mark.parametrize("houses", ["sqlite"], indirect=True)
def test_whoever_died_with_mail_in_hand_is_not_waited_for(houses: list[Built]):
    accept(houses[0], [question(number) for number in range(2)])
    now = utc_now()
    assert len(houses[0].inbox.claim(1, now, 60.0, "dead")) == 1
    (other,) = houses[1].inbox.claim(1, now, 60.0, "alive")
    assert houses[1].inbox.is_preceded(other.arrival.id, "alive", now)
    assert not houses[1].inbox.is_preceded(other.arrival.id, "alive", now + timedelta(seconds=61))
    houses[1].inbox.bury("dead")
    assert not houses[1].inbox.is_preceded(other.arrival.id, "alive", now)


def test_a_sender_of_many_mails_gets_five_acks(houses: list[Built]):
    words = ("apples", "bridges", "carpets", "dolphins", "engines", "forests", "gardens", "hammers", "islands")
    mails = [
        mail("Again.", sender="x@shop.example", subject=f"Quite another matter {word}", message_id=f"{word}@x")
        for word in words
    ]
    accept(houses[0], mails)
    work(houses)
    with reading(houses[0].engine) as connection:
        query = select(func.count()).where(OUTBOX.c.kind == "ack", OUTBOX.c.to_address == "x@shop.example")
        assert connection.execute(query).scalar_one() == 5


def test_each_deadline_fires_once_however_many_schedulers_run(houses: list[Built]):
    accept(houses[0], [question(number) for number in range(30)])
    work(houses[:1], group=30)
    now = utc_now()
    with transaction(houses[0].engine) as connection:
        late = update(DEADLINE).where(DEADLINE.c.kind == "first_response")
        connection.execute(
            late.values(due_at=now - timedelta(seconds=5), remind_at=None, next_at=now - timedelta(seconds=5))
        )
    with ThreadPoolExecutor(WORKERS) as pool:
        for done in [pool.submit(Scheduler(house.house).tick) for house in houses]:
            done.result(60)
    Scheduler(houses[0].house).tick()
    with reading(houses[0].engine) as connection:
        states = set(connection.execute(select(DEADLINE.c.state).where(DEADLINE.c.kind == "first_response")).scalars())
        notices = connection.execute(select(OUTBOX.c.ticket, OUTBOX.c.text).where(OUTBOX.c.kind == "breach")).all()
        told = [
            number
            for ticket, text in notices
            for number in ([ticket] if ticket else re.findall(r"(?m)^\| #(\d+) ", text))
        ]
    assert states == {"breached"}
    assert sorted(told) == sorted(set(told))
    assert len(told) == 30


@ON_POSTGRESQL
def test_nobody_waits_for_the_counter_of_a_transaction_that_goes_on(houses: list[Built]):
    first, second = houses[0].house, houses[1].house
    with transaction(first.engine) as connection:
        received = first.receive(connection, *read(first, question(1)))
        with transaction(second.engine) as other:
            other.exec_driver_sql("SET LOCAL lock_timeout = 2000")
            also = second.receive(other, *read(second, question(2)))
    assert [received[0].applied.number, also[0].applied.number] == [10001, 10002]


@ON_POSTGRESQL
def test_who_decides_on_a_ticket_has_it_alone_and_readers_do_not_wait(houses: list[Built]):
    accept(houses[0], [question(1)])
    work(houses[:1])
    with transaction(houses[0].engine) as connection:
        assert list(read_cases(connection, None, [10001])[0]) == [10001]
        with transaction(houses[1].engine) as other:
            assert take_tickets(other, [10001]) == []
        with reading(houses[1].engine) as other:
            assert list(read_cases(other, None, [10001])[0]) == [10001]
        with pytest.raises(TryLater, match="lock timeout"):
            read_impatiently(houses[1])
    with transaction(houses[1].engine) as other:
        assert take_tickets(other, [10001]) == [10001]


def read_impatiently(house: Built) -> None:
    with transaction(house.engine) as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = 50")
        read_cases(connection, None, [10001])


@ON_POSTGRESQL
def test_who_waits_in_a_ring_is_told_to_do_it_again(houses: list[Built]):
    together = Barrier(2)

    def cross(house: Built, names: Sequence[str]) -> str:
        try:
            with transaction(house.engine) as connection:
                hold(connection, names[:1])
                together.wait(10)
                hold(connection, names[1:])
        except Collision:
            return "again"
        return "done"

    with ThreadPoolExecutor(2) as pool:
        ways = [pool.submit(cross, houses[0], ["a", "b"]), pool.submit(cross, houses[1], ["b", "a"])]
        assert sorted(way.result(30) for way in ways) == ["again", "done"]


@ON_POSTGRESQL
def test_a_server_that_ends_our_connections_is_trouble_that_passes(houses: list[Built]):
    house = houses[0].house

    def receive_while_the_line_is_cut() -> None:
        with transaction(house.engine) as connection:
            mine = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar()
            with transaction(houses[1].engine) as other:
                other.exec_driver_sql("SELECT pg_terminate_backend(%s, 5000)", (mine,))
            house.receive(connection, *read(house, question(1)))

    with pytest.raises(TryLater):
        receive_while_the_line_is_cut()
    accept(houses[0], [question(1)])
    work(houses[:1])
    with reading(house.engine) as connection:
        assert connection.execute(select(ARRIVAL.c.outcome)).scalars().all() == ["new"]


@pytest.mark.parametrize("odd", ODD)
def test_what_no_database_likes_is_a_ticket_all_the_same(houses: list[Built], odd: str):
    subject, text = ODD[odd]
    raw = mail("", sender="n@shop.example", subject="SUBJECT", message_id="nSUBJECTm@shop.example")
    accept(houses[0], [raw.replace(b"SUBJECT", subject) + text])
    work(houses[:1])
    with reading(houses[0].engine) as connection:
        row = connection.execute(select(ARRIVAL.c.outcome, ARRIVAL.c.reason)).one()
    assert row.outcome == "new", row.reason

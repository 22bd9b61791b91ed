"""The numbers that are kept are those of a count of all rows, whatever is written, in whatever transaction."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from mailgate.model.ticket import Ticket
from mailgate.store import schema, tally
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import Ids, utc_now
from mailgate.store.rows import ticket_row
from mailgate.store.tables import ARRIVAL, HELD, TICKET
from tests.store.conftest import POSTGRESQL
from tests.store.databases import fresh_database, made
from tests.store.samples import NOON

QUEUES, STATUSES = ("support", "sales"), ("new", "open", "closed")
ids = Ids(utc_now)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def counted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_engine(f"sqlite:///{tmp_path}/a.db")
        schema.upgrade(engine)
        yield engine
        engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        engine = made(url)
        yield engine
        engine.dispose()


def ticket(number: int, queue: str = "support", status: str = "new") -> dict[str, object]:
    one = Ticket(
        number=number, desk="flexihost", queue=queue, team="support", status=status, priority="normal", subject="x",  # type: ignore[arg-type]
        subjects=("x",), requestor="a@shop.example", created_at=NOON, changed_at=NOON,
    )  # fmt: skip
    return dict(ticket_row(one, "x"))


def arrival(which: str, outcome: str, state: str = "", reason: str = "") -> dict[str, object]:
    texts = dict.fromkeys(("digest", "content_key", "sender", "recipient", "subject"), "x")
    return {**texts, "id": which, "desk": "flexihost", "channel": "lmtp", "received_at": NOON, "applied_at": NOON,
            "outcome": outcome, "state": state, "reason": reason, "attempts": 1, "trace": [], "arrival": {}}  # fmt: skip


def tickets_of(engine: Engine) -> dict[tuple[str, str, str], int]:
    with reading(engine) as connection:
        assert list(tally.differences(connection)) == []
        return tally.read(connection, "tickets")


def test_rows_that_come_change_and_go_are_counted(counted: Engine):
    with transaction(counted) as connection:
        connection.execute(insert(TICKET), [ticket(n) for n in range(1, 6)])
    with transaction(counted) as connection:
        connection.execute(update(TICKET).where(TICKET.c.number <= 2).values(status="open"))
        connection.execute(update(TICKET).where(TICKET.c.number == 3).values(queue="sales", subject="y"))
        connection.execute(update(TICKET).values(subject="z", status=TICKET.c.status))
        connection.execute(delete(TICKET).where(TICKET.c.number == 5))
    assert tickets_of(counted) == {("flexihost", "support", "open"): 2, ("flexihost", "sales", "new"): 1,
                                   ("flexihost", "support", "new"): 1}  # fmt: skip


def test_what_is_taken_back_was_never_counted(counted: Engine):
    with counted.connect() as connection, connection.begin() as open_:
        connection.execute(insert(TICKET), [ticket(1)])
        open_.rollback()
    assert tickets_of(counted) == {}


def test_our_own_test_mails_are_in_no_number_and_released_mail_is_not_set_aside_any_more(counted: Engine):
    with transaction(counted) as connection:
        connection.execute(insert(ARRIVAL), [arrival("a", "new"), arrival("b", "new"),
                                             arrival("c", "set_aside", reason="loop")])  # fmt: skip
        connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == "b").values(state="probe"))
    with reading(counted) as connection:
        assert tally.read(connection, "mails") == {
            ("flexihost", "lmtp", "new"): 1,
            ("flexihost", "lmtp", "set_aside"): 1,
        }
        assert tally.read(connection, "set_aside") == {("flexihost", "loop", ""): 1}
    with transaction(counted) as connection:
        connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == "c").values(outcome="new"))
    with reading(counted) as connection:
        assert tally.read(connection, "set_aside") == {}
        assert list(tally.differences(connection)) == []


ACTS = st.lists(
    st.tuples(st.sampled_from(("put", "put", "move", "drop", "settle")), st.integers(1, 6), st.sampled_from(QUEUES),
              st.sampled_from(STATUSES), st.booleans()), max_size=25,
)  # fmt: skip


@given(acts=ACTS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_order_of_writing_loses_count(counted: Engine, acts: list[tuple[str, int, str, str, bool]]):
    with transaction(counted) as connection:
        connection.execute(delete(TICKET))
    known: set[int] = set()
    for act, number, queue, status, stays in acts:
        with counted.connect() as connection, connection.begin() as open_:
            was = set(known)
            if act == "put" and number not in known:
                connection.execute(insert(TICKET), [ticket(number, queue, status)])
                known.add(number)
            elif act == "move":
                connection.execute(update(TICKET).where(TICKET.c.number == number).values(queue=queue, status=status))
            elif act == "drop":
                connection.execute(delete(TICKET).where(TICKET.c.number == number))
                known.discard(number)
            else:
                tally.settle(connection)
            if not stays:
                open_.rollback()
                known = was
    assert sum(tickets_of(counted).values()) == len(known)


def test_several_who_write_at_once_and_one_who_adds_up_lose_nothing(counted: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tally, "_MANY", 10)

    def write(first: int) -> None:
        for number in range(first, first + 40):
            with transaction(counted) as connection:
                connection.execute(insert(TICKET), [ticket(number)])
                connection.execute(update(TICKET).where(TICKET.c.number == number).values(status="open"))

    def add_up(_: int) -> None:
        for _ in range(30):
            with transaction(counted) as connection:
                tally.settle(connection)
            with reading(counted) as connection:
                assert list(tally.differences(connection)) == []

    with ThreadPoolExecutor(4) as pool:
        jobs = [pool.submit(write, first) for first in (1, 1001, 2001)] + [pool.submit(add_up, 0)]
        for job in jobs:
            job.result()
    assert tickets_of(counted) == {("flexihost", "support", "open"): 120}
    with transaction(counted) as connection:
        tally.settle(connection)
        rows = connection.exec_driver_sql("SELECT count(*) FROM tally").scalar_one()
    assert rows <= 12
    assert tickets_of(counted) == {("flexihost", "support", "open"): 120}


def test_an_upgrade_counts_what_is_there(counted: Engine):
    with transaction(counted) as connection:
        connection.execute(insert(TICKET), [ticket(n) for n in range(1, 4)])
        for statement in tally._gone(connection.dialect.name):
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("UPDATE meta SET value = '5' WHERE name = 'schema_version'")
        connection.execute(insert(HELD), [{
            "id": "h", "arrival": "a", "desk": "flexihost", "queue": "support", "sender": "x", "subject": "x",
            "state": "held", "reason": "", "at": NOON, "context": {},
        }])  # fmt: skip
    assert any(line.startswith("version 6") for line in schema.upgrade(counted))
    assert tickets_of(counted) == {("flexihost", "support", "new"): 3}
    with reading(counted) as connection:
        assert tally.read(connection, "held") == {("flexihost", "held", ""): 1}


def test_a_wrong_number_is_named_and_mended(counted: Engine):
    with transaction(counted) as connection:
        connection.execute(insert(TICKET), [ticket(1)])
        connection.exec_driver_sql("UPDATE tally SET number = 7 WHERE what = 'tickets'")
    with reading(counted) as connection:
        assert list(tally.differences(connection)) == [("tickets", ("flexihost", "support", "new"), 7, 1)]
    with transaction(counted) as connection:
        tally.mend(connection)
    assert tickets_of(counted) == {("flexihost", "support", "new"): 1}


def test_the_ddl_makes_them_too():
    connection = sqlite3.connect(":memory:")
    connection.executescript(schema.ddl())
    triggers = connection.execute("SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'tally_%'")
    assert triggers.fetchone() == (3 * len(tally.KINDS),)
    connection.close()

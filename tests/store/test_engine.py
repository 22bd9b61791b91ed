"""The engine: serial writes on SQLite, and addresses that are told from nonsense."""

from pathlib import Path
from threading import Thread

import pytest
from sqlalchemy import select, text
from sqlalchemy.dialects import postgresql, sqlite

from mailgate.errors import ConfigError, TryLater
from mailgate.store.engine import inbox_url, json_text, json_value, open_engine, reading, transaction, unindexed
from mailgate.store.tables import TICKET


def test_read_then_write_loses_no_update(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES (0)"))

    def add() -> None:
        for _ in range(20):
            with transaction(engine) as connection:
                seen = connection.execute(text("SELECT n FROM t")).scalar_one()
                connection.execute(text("UPDATE t SET n = :n"), {"n": seen + 1})

    threads = [Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with reading(engine) as connection:
        assert connection.execute(text("SELECT n FROM t")).scalar_one() == 80


def test_a_column_that_is_not_to_be_searched_by_is_so_on_sqlite_alone():
    query = select(unindexed(TICKET.c.desk)).where(unindexed(TICKET.c.desk).in_(["a", "b"]))
    assert "+ticket.desk IN" in str(query.compile(dialect=sqlite.dialect()))
    assert "+" not in str(query.compile(dialect=postgresql.dialect()))


def test_json_of_a_column_is_read_whole_or_not_at_all():
    for value in ([], [1, {"a": None}], {}, {"a": "\x00 😀"}):
        assert json_value(json_text(value)) == value
    for wrong in ("[1] [2]", "[1", ""):
        with pytest.raises(ValueError):
            json_value(wrong)


def test_reading_waits_for_no_writer(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with transaction(engine), reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0


def test_what_fails_leaves_nothing_behind(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/x.db")

    def create_and_stumble() -> None:
        with transaction(engine) as connection:
            connection.execute(text("CREATE TABLE t (n INTEGER)"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        create_and_stumble()
    with pytest.raises(TryLater, match="no such table"), reading(engine) as connection:
        connection.execute(text("SELECT * FROM t"))


def test_a_reader_cannot_write(tmp_path: Path):
    with transaction(open_engine(f"sqlite:///{tmp_path}/x.db")) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    with (
        pytest.raises(TryLater, match="readonly"),
        transaction(open_engine(f"sqlite:///{tmp_path}/x.db", readonly=True)) as connection,
    ):
        connection.execute(text("INSERT INTO t VALUES (1)"))


def test_memory_is_one_database_for_all_threads():
    engine = open_engine("sqlite://")
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (n INTEGER)"))
    seen: list[int] = []

    def look() -> None:
        with reading(engine) as connection:
            seen.append(connection.execute(text("SELECT count(*) FROM t")).scalar_one())

    thread = Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [0]


@pytest.mark.parametrize("url", ["mysql://x/y", "nonsense", "", "oracle+cx://a"])
def test_an_address_that_cannot_be_meant_is_a_matter_of_configuration(url: str):
    with pytest.raises(ConfigError, match=r"database\.url"):
        open_engine(url)


def test_a_server_that_is_not_there_is_trouble_that_passes():
    with pytest.raises(TryLater), transaction(open_engine("postgresql://u@127.0.0.1:1/x")):
        pass


@pytest.mark.parametrize(
    ("url", "inbox"),
    [
        ("sqlite:////var/lib/mailgate/mailgate.db", "sqlite:////var/lib/mailgate/inbox.db"),
        ("sqlite:///mailgate.db", "sqlite:///inbox.db"),
        ("sqlite://", "sqlite://"),
        ("postgresql://u:p@h/db", "postgresql://u:p@h/db"),
    ],
)
def test_the_inbox_lies_beside_the_database(url: str, inbox: str):
    assert inbox_url(url) == inbox

"""The tables, the DDL and a database hold the same."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Index, MetaData, String, Table

from mailgate.errors import TryLater
from mailgate.store import schema, tokens
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import utc_now
from mailgate.store.migrations import Migration, add_column, add_index
from mailgate.store.tables import SCHEMA_VERSION, metadata
from tests.store.conftest import POSTGRESQL
from tests.store.databases import fresh_database

FILE = Path(__file__).resolve().parents[2] / "schema.sql"


def shape(connection: sqlite3.Connection) -> dict[str, list[tuple[object, ...]]]:
    """Return the columns of every table and the columns of every index that has a name of ours."""
    names = [
        name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    ]
    found = {name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names}
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"):
        found[f"index {name}"] = connection.execute(f"PRAGMA index_info({name})").fetchall()
    return found


def test_the_file_says_what_the_tables_say():
    assert FILE.read_text(encoding="utf-8") == schema.ddl(), "run: mailgate schema > schema.sql"


def test_the_file_makes_the_database_that_an_upgrade_makes(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    assert f"table {metadata.sorted_tables[0].name} made" in schema.upgrade(engine)
    engine.dispose()
    with sqlite3.connect(tmp_path / "b.db") as written, sqlite3.connect(tmp_path / "a.db") as made:
        written.executescript(FILE.read_text(encoding="utf-8"))
        assert shape(written) == shape(made)


def test_an_upgrade_does_nothing_twice(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/a.db")
    assert schema.version(engine) is None
    schema.upgrade(engine)
    assert schema.upgrade(engine) == []
    assert schema.version(engine) == SCHEMA_VERSION


def test_both_engines_get_every_table():
    for dialect in ("sqlite", "postgresql"):
        text = schema.ddl(dialect)
        assert not [table.name for table in metadata.sorted_tables if f"CREATE TABLE {table.name} " not in text]


class Next:
    """What a later version might do: a column with a default for all, and an index on it."""

    table = Table("account", MetaData(), Column("id", String), Column("colour", String, nullable=False))
    index = Index("account_colour", table.c.colour)

    def __init__(self, readable_by: int = SCHEMA_VERSION) -> None:
        step = Migration(
            version=SCHEMA_VERSION + 1, readable_by=readable_by, what="accounts have a colour", run=self.run
        )
        inbox = Migration(
            version=SCHEMA_VERSION + 1, readable_by=readable_by, what="the inbox too", run=self.run_inbox, place="inbox"
        )
        self.steps = (step, inbox)

    def run(self, connection: Connection) -> None:
        add_column(connection, self.table.c.colour, "'grey'")
        add_index(connection, self.index)

    def run_inbox(self, connection: Connection) -> None:
        add_column(connection, Table("inbox", MetaData(), Column("colour", String)).c.colour)


@pytest.fixture(params=["sqlite", POSTGRESQL])
def engines(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Engine, Engine | None]]:
    """A database without tables, and the inbox's where it is another."""
    if request.param == "sqlite":
        yield open_engine(f"sqlite:///{tmp_path}/a.db"), open_engine(f"sqlite:///{tmp_path}/b.db")
        return
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        engine = open_engine(url)
        yield engine, None
        engine.dispose()


def add_account(engine: Engine, which: str) -> None:
    row = dict.fromkeys(("id", "desk", "number", "number_key", "login", "login_key", "name"), which)
    with transaction(engine) as connection:
        connection.execute(metadata.tables["account"].insert(), [row])


def test_a_newer_version_upgrades_while_the_older_one_works_on(engines: tuple[Engine, Engine | None]):
    engine, inbox = engines
    schema.upgrade(engine, inbox)
    add_account(engine, "before")
    done = schema.upgrade(engine, inbox, Next().steps)

    assert sorted(done) == [f"version {SCHEMA_VERSION + 1}: accounts have a colour",
                            f"version {SCHEMA_VERSION + 1}: the inbox too"]  # fmt: skip
    assert schema.version(engine) == SCHEMA_VERSION + 1
    schema.require(engine)  # we are the older one
    add_account(engine, "after")
    assert schema.upgrade(engine, inbox) == []
    with reading(engine) as connection:
        colours = connection.exec_driver_sql("SELECT id, colour FROM account ORDER BY id").all()
    assert [tuple(row) for row in colours] == [("after", "grey"), ("before", "grey")]


def test_a_step_is_made_once(engines: tuple[Engine, Engine | None]):
    schema.upgrade(*engines)
    schema.upgrade(*engines, Next().steps)
    assert schema.upgrade(*engines, Next().steps) == []
    assert schema.version(engines[0]) == SCHEMA_VERSION + 1


def test_a_step_that_fails_leaves_all_as_it_was(engines: tuple[Engine, Engine | None]):
    schema.upgrade(*engines)
    bad = Migration(version=SCHEMA_VERSION + 2, readable_by=1, what="nonsense", run=lambda connection: 1 / 0)  # type: ignore[arg-type,return-value]
    with pytest.raises(ZeroDivisionError):
        schema.upgrade(*engines, (*Next().steps, bad))
    assert schema.version(engines[0]) == SCHEMA_VERSION
    schema.upgrade(*engines, Next().steps)
    assert schema.version(engines[0]) == SCHEMA_VERSION + 1


def test_a_database_that_the_older_version_cannot_read_is_left_alone(engines: tuple[Engine, Engine | None]):
    schema.upgrade(*engines)
    schema.upgrade(*engines, Next(readable_by=SCHEMA_VERSION + 1).steps)
    with pytest.raises(TryLater, match="needs a newer mailgate"):
        schema.require(engines[0])


def test_several_may_make_a_database_at_once(engines: tuple[Engine, Engine | None]):
    with ThreadPoolExecutor(4) as pool:
        done = [lines for lines in pool.map(lambda _: schema.upgrade(*engines, Next().steps), range(4)) if lines]
    assert len(done) == 1
    assert schema.version(engines[0]) == SCHEMA_VERSION + 1


def test_a_new_database_needs_no_steps_of_old_ones(engines: tuple[Engine, Engine | None]):
    assert all(line.endswith(" made") for line in schema.upgrade(*engines, Next().steps))


def test_a_database_of_the_first_version_is_brought_to_this_one(engines: tuple[Engine, Engine | None]):
    engine, inbox = engines
    schema.upgrade(engine, inbox)
    now = utc_now()
    with transaction(engine) as connection:
        tokens.add_token(connection, id_="a", desk="d", token="of then", name="", at=now)
        connection.exec_driver_sql("ALTER TABLE panel_token DROP COLUMN expires_at")
        connection.exec_driver_sql("DROP TABLE probe")
        connection.exec_driver_sql("UPDATE meta SET value = '1' WHERE name = 'schema_version'")
    assert {"table probe made", "version 2: tokens of panels may expire"} <= set(schema.upgrade(engine, inbox))
    schema.require(engine)
    with transaction(engine) as connection:
        tokens.add_token(connection, id_="b", desk="d", token="of now", name="", at=now, expires_at=now)
        found = [tokens.find_desk_of_token(connection, token, now) for token in ("of then", "of now")]
    assert found == ["d", None]
    assert schema.upgrade(engine, inbox) == []


@pytest.mark.slow
@pytest.mark.server("postgresql")
def test_the_ddl_for_postgresql_makes_the_database_that_an_upgrade_makes(postgresql_url: str):
    shapes = []
    for make in (lambda engine: _run(engine, schema.ddl("postgresql")), schema.upgrade):
        with fresh_database(postgresql_url) as url:
            engine = open_engine(url)
            make(engine)
            with reading(engine) as connection:
                columns = "SELECT table_name, column_name, data_type, is_nullable FROM information_schema.columns"
                indexes = "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2"
                where = " WHERE table_schema = 'public' ORDER BY table_name, ordinal_position"
                shapes.append([connection.exec_driver_sql(query).all() for query in (columns + where, indexes)])
            engine.dispose()
    assert shapes[0] == shapes[1]


def _run(engine: Engine, script: str) -> None:
    with transaction(engine) as connection:
        driver: Any = connection.connection.driver_connection  # it takes them all at once
        driver.execute(script)

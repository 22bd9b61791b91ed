"""The tables, the DDL and a database hold the same."""

import sqlite3
from pathlib import Path

from mailgate.store import schema
from mailgate.store.engine import open_engine
from mailgate.store.tables import SCHEMA_VERSION, metadata

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

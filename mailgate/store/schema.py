"""Making a database, and bringing an older one to this version."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from mailgate.errors import TryLater
from mailgate.store import fetched
from mailgate.store.engine import insert_new, reading, transaction
from mailgate.store.tables import COUNTER, DESK_CLOCK, META, SCHEMA_VERSION, metadata

_INBOX = frozenset(("inbox", *fetched.TABLES))  # they lie together, so that one commit holds for all


def upgrade(engine: Engine, inbox_engine: Engine | None = None) -> list[str]:
    """Bring the database (and the inbox's, where it is another) to this version; return what was done, in words."""
    done = []
    with transaction(engine) as connection:
        known = set(inspect(connection).get_table_names())
        names = [table for table in metadata.sorted_tables if table.name not in known]
        names = [table for table in names if table.name not in _INBOX or inbox_engine is None]
        metadata.create_all(connection, tables=names)
        done += [f"table {table.name} made" for table in names]
        insert_new(connection, META, [{"name": "schema_version", "value": str(SCHEMA_VERSION)}], "name")
        insert_new(connection, COUNTER, [{"name": name, "value": 0} for name in ("ticket", "incident")], "name")
    if inbox_engine is not None:
        with transaction(inbox_engine) as connection:
            known = set(inspect(connection).get_table_names())
            names = [table for table in metadata.sorted_tables if table.name in _INBOX - known]
            metadata.create_all(connection, tables=names)
            done += [f"table {table.name} made" for table in names]
    return done


def version(engine: Engine) -> int | None:
    """Return the schema version of the database, or None where it has none."""
    with reading(engine) as connection:
        if "meta" not in inspect(connection).get_table_names():
            return None
        found = connection.execute(select(META.c.value).where(META.c.name == "schema_version")).scalar()
    return int(found) if found else None


def require(engine: Engine) -> None:
    """Raise TryLater where the database is not of this version, with the way out."""
    found = version(engine)
    if found != SCHEMA_VERSION:
        raise TryLater(
            f"the database is of version {found or 'none'}, this is {SCHEMA_VERSION}: run `mailgate db upgrade`"
        )


def start_desk_clocks(connection: Connection, digests: Mapping[str, datetime]) -> None:
    """Let the digest of each desk come round, first at the given instant; one that runs already is left alone."""
    known = {row.desk for row in connection.execute(select(DESK_CLOCK.c.desk).where(DESK_CLOCK.c.kind == "digest"))}
    fresh = [{"desk": desk, "kind": "digest", "next_at": at} for desk, at in digests.items() if desk not in known]
    if fresh:
        connection.execute(insert(DESK_CLOCK), fresh)


def ddl(dialect_name: str = "sqlite") -> str:
    """Return the DDL of every table and index, as `schema.sql` holds it for SQLite."""
    module: Any = postgresql if dialect_name == "postgresql" else sqlite
    dialect: Dialect = module.dialect()
    parts = []
    for table in metadata.sorted_tables:
        parts.append(_statement(str(CreateTable(table).compile(dialect=dialect))))
        parts += [
            _statement(str(CreateIndex(index).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    return "\n\n".join(parts) + "\n"


def _statement(text: str) -> str:
    lines = [line.rstrip().replace("\t", "    ") for line in text.strip().splitlines() if line.strip()]
    return "\n".join(lines) + ";"

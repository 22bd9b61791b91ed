"""Making a database, and bringing an older one to this version."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial

from sqlalchemy import Connection, Dialect, Engine, Table, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateIndex, CreateTable

from mailgate.errors import TryLater
from mailgate.store import fetched, requests, search_index, tally
from mailgate.store.engine import hold_alone, insert_new, reading, transaction, upsert
from mailgate.store.migrations import MIGRATIONS, Migration
from mailgate.store.tables import COUNTER, DESK_CLOCK, MESSAGE, META, SCHEMA_VERSION, metadata

_INBOX = frozenset(("inbox", *fetched.TABLES, *requests.TABLES))  # they lie together, so that one commit holds for all
_VERSION, _OLDEST = "schema_version", "readable_by"


Told = Callable[[str, int, int], None]  # what is being done, how many of how many


def upgrade(
    engine: Engine, inbox_engine: Engine | None = None, migrations: Sequence[Migration] = MIGRATIONS,
    told: Told = lambda what, done, total: None,
) -> list[str]:  # fmt: skip
    """Bring the database (and the inbox's, where it is another) to this version; return what was done, in words. `told`
    hears of long steps how far they are.

    Any number may do it at once: the second waits, and finds nothing to do. A newer database is left as it is.
    """
    target = max((SCHEMA_VERSION, *(step.version for step in migrations)))
    done: list[str] = []
    with transaction(engine) as connection:
        _have_time(connection)
        found = _version(connection)
        if found is not None and found > target:
            return []
        steps = [step for step in migrations if found is not None and step.version > found]
        if inbox_engine is not None:
            # it comes first: where this is cut off, the version says that it is still to be done
            with transaction(inbox_engine) as inbox:
                done += _make(inbox, [table for table in metadata.sorted_tables if table.name in _INBOX])
                done += _step(inbox, [step for step in steps if step.place == "inbox"], told)
            steps = [step for step in steps if step.place != "inbox"]
        own = [table for table in metadata.sorted_tables if inbox_engine is None or table.name not in _INBOX]
        done += _make(connection, own)
        done += _step(connection, steps, told)
        _note_version(connection, target, max((step.readable_by for step in migrations), default=1))
        insert_new(connection, COUNTER, [{"name": name, "value": 0} for name in ("ticket", "incident")], "name")
    return done


def version(engine: Engine) -> int | None:
    """Return the schema version of the database, or None where it has none."""
    with reading(engine) as connection:
        return _version(connection)


def require(engine: Engine) -> None:
    """Raise TryLater where this version cannot work with the database, with the way out."""
    with reading(engine) as connection:
        found = _version(connection)
        oldest = _meta(connection, _OLDEST) if found is not None else None
    if found is None or found < SCHEMA_VERSION:
        raise TryLater(
            f"the database is of version {found or 'none'}, this is {SCHEMA_VERSION}: run `mailgate db upgrade`"
        )
    if int(oldest or found) > SCHEMA_VERSION:
        raise TryLater(
            f"the database is of version {found}, which needs a newer mailgate than this one ({SCHEMA_VERSION})"
        )


def start_desk_clocks(connection: Connection, digests: Mapping[str, datetime]) -> None:
    """Let the digest of each desk come round, first at the given instant; one that runs already is left alone."""
    known = {row.desk for row in connection.execute(select(DESK_CLOCK.c.desk).where(DESK_CLOCK.c.kind == "digest"))}
    fresh = [{"desk": desk, "kind": "digest", "next_at": at} for desk, at in digests.items() if desk not in known]
    insert_new(connection, DESK_CLOCK, fresh, "desk", "kind")


def ddl(dialect_name: str = "sqlite") -> str:
    """Return the DDL of every table and index, as `schema.sql` holds it for SQLite."""
    dialect: Dialect = make_url(f"{dialect_name}://").get_dialect()()
    parts = []
    for table in metadata.sorted_tables:
        parts.append(_statement(str(CreateTable(table).compile(dialect=dialect))))
        parts += [
            _statement(str(CreateIndex(index).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name))
        ]
    beside = [*search_index.statements(dialect_name), *tally.statements(dialect_name)]
    parts += [f"{statement};" for statement in beside]
    return "\n\n".join(parts) + "\n"


def _have_time(connection: Connection) -> None:
    hold_alone(connection, "schema", wait=True)
    if connection.dialect.name == "postgresql":
        # filling a large table takes its time; waiting for a lock does not: all others would queue behind it
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")


def _make(connection: Connection, tables: Sequence[Table]) -> list[str]:
    known = set(inspect(connection).get_table_names())
    missing = [table for table in tables if table.name not in known]
    metadata.create_all(connection, tables=missing)
    if any(table is MESSAGE for table in missing):
        search_index.make(connection)
        tally.make(connection)
    return [f"table {table.name} made" for table in missing]


def _step(connection: Connection, steps: Sequence[Migration], told: Told) -> list[str]:
    for step in steps:
        step.run(connection)
        if step.fill is not None:
            step.fill(connection, partial(told, step.what))
    return [f"version {step.version}: {step.what}" for step in steps]


def _version(connection: Connection) -> int | None:
    if "meta" not in inspect(connection).get_table_names():
        return None
    found = _meta(connection, _VERSION)
    return int(found) if found else None


def _meta(connection: Connection, name: str) -> str | None:
    found: str | None = connection.execute(select(META.c.value).where(META.c.name == name)).scalar()
    return found


def _note_version(connection: Connection, found: int, oldest: int) -> None:
    for name, value in ((_VERSION, found), (_OLDEST, oldest)):
        upsert(connection, META, {"name": name, "value": str(value)}, ["name"])


def _statement(text: str) -> str:
    lines = [line.rstrip().replace("\t", "    ") for line in text.strip().splitlines() if line.strip()]
    return "\n".join(lines) + ";"

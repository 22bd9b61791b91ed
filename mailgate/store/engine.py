"""The engine: durable, serial connections; the one file where SQLite and PostgreSQL differ."""

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import ColumnElement, Connection, Engine, Select, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DataError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    ProgrammingError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.pool import StaticPool
from sqlalchemy.sql.visitors import InternalTraversal

from mailgate.errors import ConfigError, TryLater

BUSY_SECONDS = 10
_MOST_NAMES = 400  # locks that one transaction holds one by one; a server has some 6,400 in all
_READS = "mailgate_reads"
_DECODER = json.JSONDecoder()
_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a 250 promises that a power cut loses nothing; groups make it cheap
    "foreign_keys=ON",
    f"busy_timeout={BUSY_SECONDS * 1000}",
)
_COLLISIONS = ("40001", "40P01")  # serialization_failure, deadlock_detected
_POSTGRESQL_ARGUMENTS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "options": "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=10000",
}


class Collision(TryLater):
    """Two transactions were in each other's way, and this one was taken back: done again, it goes through."""


def open_engine(url: str, *, readonly: bool = False) -> Engine:
    """Return an engine for `sqlite:///PATH`, `sqlite://` (memory, one connection) or `postgresql://…`.

    Writers on SQLite begin with BEGIN IMMEDIATE: a deferred transaction that reads before it writes loses updates.
    Raises ConfigError for an address that cannot be meant; connects to nothing yet.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, readonly)
    return _open_postgresql(address, readonly)


def inbox_url(url: str) -> str:
    """Return where the inbox of the database at `url` lives: `inbox.db` beside an SQLite file, else the same place."""
    address = _address(url)
    if address.get_backend_name() != "sqlite" or _is_memory(address):
        return url
    beside = Path(str(address.database)).with_name("inbox.db")
    return address.set(database=str(beside)).render_as_string(hide_password=False)


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """Commit what the block did, or nothing; trouble of the database itself is TryLater, a bug stays what it is."""
    with _temporary(), engine.begin() as connection:
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection for one consistent look, without the write lock."""
    options: dict[str, Any] = {_READS: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _temporary(), engine.connect().execution_options(**options) as connection:
        yield connection


def claimable(query: Select[Any]) -> Select[Any]:
    """Return `query` so that rows another claimer is just taking are passed over (SQLite: its write lock does it)."""
    return query.with_for_update(skip_locked=True)


def may_lock(connection: Connection) -> bool:
    """Say whether rows that are read here to be changed must be locked: PostgreSQL has other writers meanwhile."""
    return connection.dialect.name == "postgresql" and not connection.get_execution_options().get(_READS)


def has_one_writer(engine: Engine) -> bool:
    """Say whether writers wait for each other anyway, so that waiting for one's turn costs nothing."""
    return engine.dialect.name == "sqlite"


def unindexed(column: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return `column` so that SQLite does not search by it: without statistics it believes that a desk has few rows, and
    a desk has nearly all. PostgreSQL counts, and knows."""
    return _Unindexed(column)


def hold(connection: Connection, names: Iterable[str]) -> None:
    """Keep what goes by these `names` to this transaction until its end: whoever else holds one of them waits.

    To be called once, at its beginning, with all names: they are taken in one order, so that nobody waits in a ring.
    SQLite has one writer at a time, who holds everything.
    """
    if connection.dialect.name != "postgresql":
        return
    keys = sorted({_lock_key(name) for name in names})
    # whoever would hold too many holds all there are
    everything = "pg_advisory_xact_lock_shared" if len(keys) <= _MOST_NAMES else "pg_advisory_xact_lock"
    connection.exec_driver_sql(f"SELECT {everything}(%s)", (_lock_key("everything"),))
    if 0 < len(keys) <= _MOST_NAMES:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(k) FROM unnest(%s::bigint[]) AS k", (keys,))


def hold_alone(connection: Connection, name: str, *, wait: bool = False) -> bool:
    """Be the only one who does what goes by `name`, until the transaction ends. False: somebody else is at it."""
    if connection.dialect.name != "postgresql":
        return True
    if wait:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (_lock_key(name),))
        return True
    return bool(connection.exec_driver_sql("SELECT pg_try_advisory_xact_lock(%s)", (_lock_key(name),)).scalar())


@contextmanager
def counting(connection: Connection) -> Iterator[Connection]:
    """Give the connection on which a number is drawn from a counter that everybody wants.

    On PostgreSQL it is one of its own, which commits at once: a counter's row would stay locked to the end of a long
    transaction, and no two of them could open tickets. What is rolled back leaves a gap in the numbers.
    """
    if connection.dialect.name != "postgresql":
        yield connection
        return
    with transaction(connection.engine) as own:
        yield own


def insert_of(dialect: str) -> Callable[[Table], Any]:
    """Return the INSERT that knows ON CONFLICT. Who has SQLite does not load PostgreSQL, and the other way round."""
    if dialect == "sqlite":
        from sqlalchemy.dialects import sqlite

        return sqlite.insert
    from sqlalchemy.dialects import postgresql

    return postgresql.insert


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], *key: str) -> None:
    """Insert `rows`, leaving out those whose `key` (unique columns, null never collides) is there already."""
    if not rows:
        return
    make = insert_of(connection.dialect.name)
    connection.execute(make(table).on_conflict_do_nothing(index_elements=list(key)), [dict(row) for row in rows])


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], key: Sequence[str]) -> None:
    """Insert `row`, or write its other columns over the one with the same `key`."""
    make = insert_of(connection.dialect.name)
    others = {name: value for name, value in row.items() if name not in key}
    statement = make(table).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=others))


def json_text(value: Any) -> str:
    """Return `value` as the JSON of a column; most lists of a ticket are empty."""
    return "[]" if value == [] else json.dumps(value)


def json_value(text: str) -> Any:
    """Return what `json_text` wrote: a list or a mapping (of a bare number SQLite would make a number)."""
    if text == "[]":
        return []
    value, end = _DECODER.raw_decode(text)
    return value if end == len(text) else json.loads(text)  # which says what is wrong with it


class _Unindexed(ColumnElement[Any]):
    inherit_cache = True
    _traverse_internals = [("column", InternalTraversal.dp_clauseelement)]  # noqa: RUF012 (SQLAlchemy declares it so)

    def __init__(self, column: ColumnElement[Any]) -> None:
        self.column = column
        self.type = column.type


@compiles(_Unindexed)
def _as_it_is(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return str(compiler.process(element.column, **options))


@compiles(_Unindexed, "sqlite")
def _not_by_index(element: _Unindexed, compiler: Any, **options: Any) -> str:
    return "+" + _as_it_is(element, compiler, **options)  # its own word for it (SQLite's documentation: optoverview, 2)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ConfigError([f"database.url: {url!r} is no database address (sqlite:///PATH, postgresql://…)"]) from error
    if address.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return address.set(drivername="postgresql+psycopg")
    if address.drivername != "sqlite":
        raise ConfigError([f"database.url: {address.drivername} is not known (allowed: sqlite, postgresql)"])
    return address


def _is_memory(address: URL) -> bool:
    return address.database in (None, "", ":memory:")


def _open_sqlite(address: URL, readonly: bool) -> Engine:
    options: dict[str, Any] = {"connect_args": {"timeout": BUSY_SECONDS}}
    if _is_memory(address):
        options = {"connect_args": {"check_same_thread": False}, "poolclass": StaticPool}
    engine = create_engine(
        address, hide_parameters=True, json_serializer=json_text, json_deserializer=json_value, **options
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver's own idea of when to begin is switched off
        for pragma in _SQLITE_PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        if readonly:
            connection.execute("PRAGMA query_only=ON")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = readonly or connection.get_execution_options().get(_READS)
        driver: Any = connection.connection.driver_connection  # SQLAlchemy's way costs more than the BEGIN
        try:
            driver.execute("BEGIN" if reads else "BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise trouble(error) from error

    return engine


def _open_postgresql(address: URL, readonly: bool) -> Engine:
    arguments = dict(_POSTGRESQL_ARGUMENTS)
    if readonly:
        arguments["options"] = f"{arguments['options']} -c default_transaction_read_only=on"
    try:
        return create_engine(
            address, connect_args=arguments, pool_pre_ping=True, pool_timeout=BUSY_SECONDS, hide_parameters=True
        )
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(["database.url: PostgreSQL needs psycopg; install mailgate[postgresql]"]) from error


@contextmanager
def _temporary() -> Iterator[None]:
    try:
        yield
    except (IntegrityError, DataError, ProgrammingError):
        raise
    except (DBAPIError, PoolTimeout) as error:
        cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
        raise trouble(cause) from error


def trouble(error: BaseException) -> TryLater:
    """Return what an error of the driver, which is no bug of ours, means to us."""
    said = str(error).split("\n", 1)[0]
    if getattr(error, "sqlstate", None) in _COLLISIONS:
        return Collision(f"another transaction was in the way: {said}")
    return TryLater(f"the database does not answer: {said}")


def _lock_key(name: str) -> int:
    """Return the 64 bits under which PostgreSQL knows the lock of that name."""
    return int.from_bytes(hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest(), signed=True)

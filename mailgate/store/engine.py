"""The engine: durable, serial connections; the one file where SQLite and PostgreSQL differ."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Select, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
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
from sqlalchemy.pool import StaticPool

from mailgate.errors import ConfigError, TryLater

BUSY_SECONDS = 10
_READS = "mailgate_reads"
_SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",  # a 250 promises that a power cut loses nothing; groups make it cheap
    "foreign_keys=ON",
    f"busy_timeout={BUSY_SECONDS * 1000}",
)
_POSTGRESQL_ARGUMENTS = {
    "connect_timeout": 5,
    "tcp_user_timeout": 15_000,
    "options": "-c timezone=UTC -c synchronous_commit=on -c statement_timeout=30000 -c lock_timeout=10000",
}


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
    with _temporary(), engine.connect().execution_options(**{_READS: True}) as connection:
        yield connection


def claimable(query: Select[Any]) -> Select[Any]:
    """Return `query` so that rows another claimer is just taking are passed over (SQLite: its write lock does it)."""
    return query.with_for_update(skip_locked=True)


def insert_new(connection: Connection, table: Table, rows: Sequence[Mapping[str, Any]], key: str) -> None:
    """Insert `rows`, leaving out those whose `key` (a unique column, null never collides) is there already."""
    if not rows:
        return
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    connection.execute(make(table).on_conflict_do_nothing(index_elements=[key]), [dict(row) for row in rows])


def upsert(connection: Connection, table: Table, row: Mapping[str, Any], key: Sequence[str]) -> None:
    """Insert `row`, or write its other columns over the one with the same `key`."""
    make = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    others = {name: value for name, value in row.items() if name not in key}
    statement = make(table).values(**row)
    connection.execute(statement.on_conflict_do_update(index_elements=list(key), set_=others))


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
    if _is_memory(address):
        arguments = {"check_same_thread": False}
        engine = create_engine(address, poolclass=StaticPool, connect_args=arguments, hide_parameters=True)
    else:
        engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS}, hide_parameters=True)

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
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

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
        raise TryLater(f"the database does not answer: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    return str(cause).split("\n", 1)[0]

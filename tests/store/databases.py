"""Databases of this version, empty, on either engine."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

from sqlalchemy import Engine, create_engine, make_url

from mailgate.store import schema
from mailgate.store.engine import open_engine, transaction
from mailgate.store.tables import COUNTER, metadata


@contextmanager
def fresh_database(server: str) -> Iterator[str]:
    """Give the URL of a new database on the PostgreSQL at `server`; it is dropped at the end."""
    name = f"t{uuid4().hex[:12]}"
    address = make_url(server).set(drivername="postgresql+psycopg")
    maker = create_engine(address, isolation_level="AUTOCOMMIT")
    try:
        with maker.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        yield address.set(drivername="postgresql", database=name).render_as_string(hide_password=False)
        with maker.connect() as connection:
            connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        maker.dispose()


def made(url: str) -> Engine:
    """Return an engine on the database at `url`, brought to this version."""
    engine = open_engine(url)
    schema.upgrade(engine)
    return engine


def empty(engine: Engine) -> None:
    """Forget every row but those that a new database has."""
    with transaction(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name not in ("meta", "counter"):
                connection.execute(table.delete())
        connection.execute(COUNTER.update().values(value=0))

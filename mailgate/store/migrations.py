"""The steps from one version of the database to the next. They are run in order, under a lock, in one transaction.

Daemons of the old version work on while a step runs and after it, as long as its `readable_by` lets them: a step adds
first (a table, a column with a default, an index); what the old version still reads goes in a later release's step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Connection, Index, inspect
from sqlalchemy.schema import CreateColumn


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """A step. On SQLite the inbox is a database of its own, which has no version: its steps may be run twice."""

    version: int  # what the database is of afterwards
    readable_by: int  # the oldest version of mailgate that works with it then
    what: str
    run: Callable[[Connection], None]
    place: Literal["main", "inbox"] = "main"


MIGRATIONS: tuple[Migration, ...] = ()


def add_column(connection: Connection, column: "Column[object]", default: str | None = None) -> None:
    """Add a column, if it is not there; `default` (SQL) fills the rows there are and those that old daemons write."""
    table = column.table.name
    if column.name in {one["name"] for one in inspect(connection).get_columns(table)}:
        return
    shape = CreateColumn(column).compile(dialect=connection.dialect)
    filled = f" DEFAULT {default}" if default is not None else ""
    connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {shape}{filled}")


def add_index(connection: Connection, index: Index) -> None:
    """Make an index, if it is not there."""
    index.create(connection, checkfirst=True)

"""The steps from one version of the database to the next. They are run in order, under a lock, in one transaction.

Daemons of the old version work on while a step runs and after it, as long as its `readable_by` lets them: a step adds
first (a table, a column with a default, an index); what the old version still reads goes in a later release's step.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Column, Connection, Index, inspect
from sqlalchemy.schema import CreateColumn

from mailgate.store import search_index, tally
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ACCOUNT, CONTACT, DEADLINE, MESSAGE, PANEL_TOKEN, TICKET


@dataclass(frozen=True, kw_only=True, slots=True)
class Migration:
    """A step. On SQLite the inbox is a database of its own, which has no version: its steps may be run twice."""

    version: int  # what the database is of afterwards
    readable_by: int  # the oldest version of mailgate that works with it then
    what: str
    run: Callable[[Connection], None]
    place: Literal["main", "inbox"] = "main"
    # what takes long on a large database, after `run`: it says how many of how many are done
    fill: Callable[[Connection, Callable[[int, int], None]], None] | None = None


MIGRATIONS: tuple[Migration, ...] = (
    Migration(
        version=2, readable_by=1, what="tokens of panels may expire",
        run=lambda connection: add_column(connection, PANEL_TOKEN.c.expires_at),
    ),
    Migration(
        version=3, readable_by=1, what="lists and digests go by indexes, however many tickets there are",
        run=lambda connection: _index_lists(connection),  # noqa: PLW0108 (it stands below)
    ),
    Migration(
        version=4, readable_by=1, what="words are found by the database's full-text index",
        run=search_index.make, fill=search_index.fill,
    ),
    Migration(
        version=5, readable_by=1, what="accounts come from where they live, and their history is kept",
        run=lambda connection: _have_sources(connection),  # noqa: PLW0108 (it stands below)
    ),
    Migration(
        version=6, readable_by=1, what="how many mails, letters and tickets there are is kept, not counted",
        run=tally.make, fill=tally.fill,
    ),
)  # fmt: skip


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


def _have_sources(connection: Connection) -> None:
    for column in (ACCOUNT.c.source, CONTACT.c.source):
        add_column(connection, column)


def _index_lists(connection: Connection) -> None:
    names = (
        "ticket_place", "ticket_of_account", "ticket_created", "ticket_unanswered", "message_staff", "deadline_ended",
        "outbox_arrival",
    )  # fmt: skip
    for table in (TICKET, MESSAGE, DEADLINE, OUTBOX):
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            if index.name in names:
                add_index(connection, index)
    for old in ("ticket_open", "ticket_account"):  # the new ones do what they did; no version asks for them by name
        connection.exec_driver_sql(f"DROP INDEX IF EXISTS {old}")

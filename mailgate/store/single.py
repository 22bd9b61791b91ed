"""One mail into an SQLite inbox that is there, without SQLAlchemy: its import takes longer than all else a pipe does."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path

from mailgate.errors import TryLater
from mailgate.store.incoming import SMALL_BYTES, Incoming, row_of
from mailgate.store.instants import instant_text

BUSY_SECONDS = 10


def put(database_url: str, arrivals: Sequence[Incoming]) -> bool:
    """Make the arrivals durable in the inbox beside the database at `sqlite:///PATH`, as `Inbox.accept` does, in one
    transaction. False, and nothing done: it is not for here (another engine, a large mail, no inbox yet). TryLater: the
    database does not answer."""
    path = database_url.removeprefix("sqlite:///")
    if path == database_url or any(mark in path for mark in "?%#"):
        return False
    inbox = Path(path).with_name("inbox.db")
    if not path or not inbox.is_file() or any(len(item.raw) > SMALL_BYTES for item in arrivals):
        return False
    rows = [row_of(item) | {"received_at": instant_text(item.arrival.received_at)} for item in arrivals]
    names = ", ".join(rows[0])
    try:
        with closing(sqlite3.connect(inbox, timeout=BUSY_SECONDS, isolation_level=None)) as connection:
            if not connection.execute("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'inbox'").fetchone():
                return False
            connection.execute("PRAGMA synchronous=FULL")  # a yes promises that a power cut loses nothing
            connection.execute("BEGIN IMMEDIATE")
            try:
                places = ", ".join(f":{name}" for name in rows[0])
                connection.executemany(f"INSERT INTO inbox ({names}) VALUES ({places})", rows)  # noqa: S608 (our names)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
    except sqlite3.OperationalError as error:
        raise TryLater(f"the database does not answer: {error}") from error
    return True

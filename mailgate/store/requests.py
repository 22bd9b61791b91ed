"""Requests of the control panel, remembered by their Idempotency-Key in the transaction that accepts their mail."""

from datetime import datetime, timedelta

from sqlalchemy import Column, Engine, String, Table, delete, insert, select

from mailgate.store.engine import reading, transaction
from mailgate.store.inbox import Inbox, Incoming
from mailgate.store.types import METADATA, Instant

KEPT = timedelta(days=7)


# A request that was accepted: what it was (`body`, a digest) and the arrival it became. `key` holds the desk.
PANEL_REQUEST = Table(
    "panel_request",
    METADATA,
    Column("key", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("arrival", String, nullable=False),
    Column("at", Instant, nullable=False, index=True),
)
TABLES = ("panel_request",)


class Requests:
    """Safe from threads; trouble of ours is TryLater. `engine` is the inbox's."""

    def __init__(self, engine: Engine, inbox: Inbox) -> None:
        self._engine = engine
        self._inbox = inbox

    def find(self, key: str) -> tuple[str, str] | None:
        """Return the digest of the body and the arrival of an earlier request with that key, or None."""
        with reading(self._engine) as connection:
            row = connection.execute(select(PANEL_REQUEST).where(PANEL_REQUEST.c.key == key)).first()
        return (row.body, row.arrival) if row else None

    def accept(self, incoming: Incoming, key: str | None, body: str, now: datetime) -> tuple[str, str]:
        """Make the mail durable, once for a key; return whose it is: body and arrival of the first with that key."""
        self._inbox.stage([incoming])
        with transaction(self._engine) as connection:
            if key is not None:
                connection.execute(delete(PANEL_REQUEST).where(PANEL_REQUEST.c.at < now - KEPT))
                row = connection.execute(select(PANEL_REQUEST).where(PANEL_REQUEST.c.key == key)).first()
                if row is not None:
                    return row.body, row.arrival
                values = {"key": key, "body": body, "arrival": incoming.arrival.id, "at": now}
                connection.execute(insert(PANEL_REQUEST), [values])
            self._inbox.insert(connection, [incoming])
        return body, incoming.arrival.id

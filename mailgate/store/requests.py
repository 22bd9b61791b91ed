"""Requests of the control panel, remembered by their Idempotency-Key in the transaction that accepts their mail."""

from datetime import datetime, timedelta

from sqlalchemy import Engine, delete, insert, select
from sqlmodel import Field, SQLModel

from mailgate.store.engine import reading, transaction
from mailgate.store.inbox import Inbox, Incoming
from mailgate.store.types import Instant

KEPT = timedelta(days=7)


class PanelRequestRow(SQLModel, table=True):
    """A request that was accepted: what it was (`body`, a digest) and the arrival it became. `key` holds the desk."""

    __tablename__ = "panel_request"

    key: str = Field(primary_key=True)
    body: str
    arrival: str
    at: datetime = Field(sa_type=Instant, index=True)


PANEL_REQUEST = SQLModel.metadata.tables["panel_request"]
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

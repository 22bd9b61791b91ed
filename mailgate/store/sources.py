"""What is kept beside accounts: where they come from and when that is read again (S10), and who changed what, when."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field, SQLModel

from mailgate.store.types import Instant


class AccountSourceRow(SQLModel, table=True):
    """A source of accounts (S10). `next_at` is when to read it: whoever moves it on reads it. `mark` is what the last
    good reading left, as an ETag."""

    __tablename__ = "account_source"

    desk: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    next_at: datetime = Field(sa_type=Instant)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
    contacts: int = 0
    mark: str = ""


class AccountEventRow(SQLModel, table=True):
    """The history of accounts: what changed on one, or on a contact of it, by whom, when."""

    __tablename__ = "account_event"
    __table_args__ = (Index("account_event_account", "desk", "account", "id"),)

    id: str = Field(primary_key=True)
    desk: str
    account: str  # its number
    address: str | None = None  # None: the account itself
    at: datetime = Field(sa_type=Instant)
    actor: str
    kind: str  # added, changed, ended, removed
    detail: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))

"""What is kept beside accounts: where they come from and when that is read again (S10), and who changed what, when."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table

from mailgate.store.types import METADATA, Instant

# A source of accounts (S10). `next_at` is when to read it: whoever moves it on reads it. `mark` is what the last
# good reading left, as an ETag.
ACCOUNT_SOURCE = Table(
    "account_source",
    METADATA,
    Column("desk", String, primary_key=True),
    Column("name", String, primary_key=True),
    Column("next_at", Instant, nullable=False),
    Column("read_at", Instant),
    Column("contacts", Integer, nullable=False, default=0),
    Column("mark", String, nullable=False, default=""),
)


# The history of accounts: what changed on one, or on a contact of it, by whom, when.
ACCOUNT_EVENT = Table(
    "account_event",
    METADATA,
    Column("id", String, primary_key=True),
    Column("desk", String, nullable=False),
    Column("account", String, nullable=False),  # its number
    Column("address", String),  # None: the account itself
    Column("at", Instant, nullable=False),
    Column("actor", String, nullable=False),
    Column("kind", String, nullable=False),  # added, changed, ended, removed
    Column("detail", JSON, nullable=False),
    Index("account_event_account", "desk", "account", "id"),
)

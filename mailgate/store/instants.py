"""Instants as text: how SQLite keeps them."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(maxsize=4096)  # a mail's rows hold the same few instants
def instant_text(value: datetime) -> str:
    """Return `value` as RFC 3339 in UTC with microseconds, always 27 characters: it sorts as time does."""
    if value.tzinfo is not UTC:
        value = value.astimezone(UTC)
    return value.isoformat(timespec="microseconds")[:26] + "Z"

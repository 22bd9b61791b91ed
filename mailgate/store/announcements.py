"""Who has got which announcement (N4): one row an address, so that nobody gets it twice."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select

from mailgate.store.engine import hold
from mailgate.store.tables import ADDRESS_MARK, ANNOUNCED


def read_announced(connection: Connection, desk: str, key: str) -> frozenset[str]:
    """Return the addresses that announcement `key` was written to."""
    query = select(ANNOUNCED.c.address).where(ANNOUNCED.c.desk == desk, ANNOUNCED.c.announcement == key)
    return frozenset(connection.execute(query).scalars())


def failed_addresses(connection: Connection, desk: str) -> frozenset[str]:
    """Return the addresses of the desk that mail does not reach (A6)."""
    query = select(ADDRESS_MARK.c.address).where(ADDRESS_MARK.c.desk == desk, ADDRESS_MARK.c.mark == "failed")
    return frozenset(connection.execute(query).scalars())


def note_announced(
    connection: Connection, desk: str, key: str, addresses: Sequence[str], at: datetime
) -> frozenset[str]:
    """Remember that `addresses` get it; return those that did not have it before."""
    hold(connection, [f"announcement:{desk}:{key}"])
    fresh = frozenset(addresses) - read_announced(connection, desk, key)
    if fresh:
        rows = [{"desk": desk, "announcement": key, "address": address, "at": at} for address in sorted(fresh)]
        connection.execute(insert(ANNOUNCED), rows)
    return fresh

"""All rows as JSON lines: how a PostgreSQL database goes into a backup, read in one snapshot."""

import base64
import json
from collections.abc import Iterable
from datetime import date, datetime
from typing import IO, Any

from sqlalchemy import Connection, Engine, Table, func, insert, select

from mailgate.errors import Refused
from mailgate.store.engine import transaction
from mailgate.store.tables import metadata

_GROUP = 500
_GIVEN = ("meta", "counter")  # an upgrade writes these itself


def write_rows(engine: Engine, out: IO[bytes]) -> None:
    """Write every row of every table, in an order in which they can be inserted."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ", stream_results=True) as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(select(table)).mappings():
                line = json.dumps(
                    [table.name, {name: _packed(value) for name, value in row.items()}], ensure_ascii=True
                )
                out.write(line.encode() + b"\n")


def read_rows(engine: Engine, lines: Iterable[bytes]) -> int:
    """Insert the rows that `write_rows` wrote into empty tables, all or none; return how many."""
    count, name = 0, ""
    group: list[dict[str, Any]] = []
    with transaction(engine) as connection:
        for known in _GIVEN:
            connection.execute(metadata.tables[known].delete())
        for line in lines:
            table, row = json.loads(line)
            if group and (table != name or len(group) >= _GROUP):
                count += _insert(connection, name, group)
                group = []
            name = table
            group.append(row)
        if group:
            count += _insert(connection, name, group)
    return count


def is_empty(engine: Engine) -> bool:
    """Say whether no table of the database holds anything of ours."""
    with engine.connect() as connection:
        found = (
            _count(connection, table) for table in metadata.sorted_tables if table.name not in (*_GIVEN, "desk_clock")
        )
        return not any(found)


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


def _insert(connection: Connection, name: str, rows: list[dict[str, Any]]) -> int:
    table = metadata.tables.get(name)
    if table is None:
        raise Refused(f"the backup has a table that this version does not know: {name}")
    connection.execute(insert(table), [{key: _unpacked(value) for key, value in row.items()} for row in rows])
    return len(rows)


def _packed(value: Any) -> Any:
    match value:
        case datetime():
            return {"$instant": value.isoformat()}
        case date():
            return {"$date": value.isoformat()}
        case bytes() | memoryview():
            return {"$bytes": base64.b64encode(value).decode()}
    return value


def _unpacked(value: Any) -> Any:
    match value:
        case {"$instant": str(text)}:
            return datetime.fromisoformat(text)
        case {"$date": str(text)}:
            return date.fromisoformat(text)
        case {"$bytes": str(text)}:
            return base64.b64decode(text)
    return value

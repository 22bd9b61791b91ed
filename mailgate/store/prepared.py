"""Core statements for the hot path: compiled once for a dialect, then run on the driver's own cursor.

A statement of SQLAlchemy Core costs 100 µs before the database sees it; a mail needs some twenty. These keep Core's
words, types and both dialects, and leave out what is the same every time.

0.1.0 wrote a function out for each statement (`eval`): values of a ticket's row in 2.5 µs instead of 2.9, its row by names
in 3.1 instead of 3.8, a mail 6 µs of some 4,500; and each statement took 0.2 ms longer to compile.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import JSON, BindParameter, Connection, Dialect, Select, bindparam
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from mailgate.store.engine import json_text, json_value, trouble

Statement = Select[Any] | UpdateBase
Processor = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement in one dialect, with functions of its own for what goes in and out."""

    sql: str
    parameters: Callable[[Mapping[str, Any]], Any]  # of the given values, as the driver takes them
    plain: Callable[[Any], tuple[Any, ...]] | None  # of a row; None: it is right as it comes
    named: Callable[[Any], dict[str, Any]]  # of a row, by the names of the columns


class Prepared:
    """A statement with named parameters. What the statement itself sets is not overridden by values given."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return every row, in the order of the statement's columns."""
        compiled = self._for(connection.dialect)
        rows = _execute(connection, compiled.sql, compiled.parameters(values)).fetchall()
        return list(map(compiled.plain, rows)) if compiled.plain else rows

    def mapped(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return every row by the names of its columns."""
        compiled = self._for(connection.dialect)
        rows = _execute(connection, compiled.sql, compiled.parameters(values)).fetchall()
        return list(map(compiled.named, rows))

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        compiled = self._for(connection.dialect)
        row = _execute(connection, compiled.sql, compiled.parameters(values)).fetchone()
        return compiled.plain(row) if compiled.plain and row is not None else row

    def scalar(self, connection: Connection, values: Mapping[str, Any]) -> Any:
        """Return the first column of the first row, or None."""
        row = self.first(connection, values)
        return None if row is None else row[0]

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Carry it out; return how many rows it touched."""
        compiled = self._for(connection.dialect)
        return int(_execute(connection, compiled.sql, compiled.parameters(values)).rowcount)

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Carry it out for each of `rows`."""
        if len(rows) == 1:
            self.run(connection, rows[0])
        elif rows:
            compiled = self._for(connection.dialect)
            _execute(connection, compiled.sql, [compiled.parameters(row) for row in rows], many=True)

    def _for(self, dialect: Dialect) -> _Compiled:
        compiled = self._compiled.get(dialect.name)
        if compiled is None:
            compiled = self._compiled[dialect.name] = _compile(self._statement, dialect)
        return compiled


class Listed:
    """A statement with a list of values, prepared for lengths of powers of two: shorter lists repeat their last."""

    def __init__(self, make: Callable[[list[BindParameter[Any]]], Statement]) -> None:
        self._make = make
        self._prepared: dict[int, Prepared] = {}

    def all(self, connection: Connection, listed: Sequence[Any], **values: Any) -> list[tuple[Any, ...]]:
        """Return every row for `listed`; none for an empty list."""
        prepared, filled = self._fitting(listed)
        return prepared.all(connection, {**filled, **values}) if prepared else []

    def mapped(self, connection: Connection, listed: Sequence[Any], **values: Any) -> list[dict[str, Any]]:
        """As `all`, by the names of the columns."""
        prepared, filled = self._fitting(listed)
        return prepared.mapped(connection, {**filled, **values}) if prepared else []

    def run_all(self, connection: Connection, listed: Sequence[Any], **values: Any) -> int:
        """Carry it out for `listed`; return how many rows it touched."""
        prepared, filled = self._fitting(listed)
        return prepared.run(connection, {**filled, **values}) if prepared else 0

    def _fitting(self, listed: Sequence[Any]) -> tuple[Prepared | None, dict[str, Any]]:
        if not listed:
            return None, {}
        length = 1 << (len(listed) - 1).bit_length()
        prepared = self._prepared.get(length)
        if prepared is None:
            names: list[BindParameter[Any]] = [bindparam(f"l{place}") for place in range(length)]
            prepared = self._prepared[length] = Prepared(self._make(names))
        return prepared, {f"l{place}": listed[min(place, len(listed) - 1)] for place in range(length)}


def _compile(statement: Statement, dialect: Dialect) -> _Compiled:
    compiled: Any = statement.compile(dialect=dialect)
    binds: dict[str, BindParameter[Any]] = {compiled.bind_names[bind]: bind for bind in compiled.bind_names}
    names = tuple(compiled.positiontup if compiled.positional else binds)
    columns = tuple(getattr(statement, "selected_columns", None) or getattr(statement, "_returning", ()) or ())
    readers = [
        (place, reader) for place, column in enumerate(columns) if (reader := _reader(column.type, dialect)) is not None
    ]
    return _Compiled(
        sql=compiled.string,
        parameters=_taking(names, binds, dialect, is_positional=compiled.positional),
        plain=_plain(readers) if readers else None,
        named=_named(tuple(str(column.key) for column in columns), readers),
    )


def _taking(
    names: Sequence[str], binds: Mapping[str, BindParameter[Any]], dialect: Dialect, *, is_positional: bool
) -> Callable[[Mapping[str, Any]], Any]:
    """Return what makes of values by name what the driver takes. They are picked in one call; then only those that the
    driver would not take as they are, and those that the statement itself sets, are looked at."""
    known, fixed = dict.fromkeys(names, None), []
    binders: list[tuple[int, Callable[[Any], Any]]] = []
    for place, name in enumerate(names):
        bind, binder = binds[name], _binder(binds[name].type, dialect)
        if not bind.required:  # converted once
            known[name] = binder(bind.effective_value) if binder else bind.effective_value
            fixed.append(name)
        elif binder:
            binders.append((place, binder))
    own = {name: known[name] for name in fixed}
    pick = _picker(names)

    def take(values: Mapping[str, Any]) -> Any:
        picked = list(pick({**values, **own} if own else values))
        for place, binder in binders:
            picked[place] = binder(picked[place])
        return picked if is_positional else dict(zip(names, picked, strict=False))

    return take


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], Sequence[Any]]:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _plain(readers: Sequence[tuple[int, Callable[[Any], Any]]]) -> Callable[[Any], tuple[Any, ...]]:
    def read(row: Any) -> tuple[Any, ...]:
        cells = list(row)
        for place, reader in readers:
            if cells[place] is not None:
                cells[place] = reader(cells[place])
        return tuple(cells)

    return read


def _named(
    names: Sequence[str], readers: Sequence[tuple[int, Callable[[Any], Any]]]
) -> Callable[[Any], dict[str, Any]]:
    def read(row: Any) -> dict[str, Any]:
        cells = list(row)
        for place, reader in readers:
            if cells[place] is not None:
                cells[place] = reader(cells[place])
        return dict(zip(names, cells, strict=False))

    return read


def _binder(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    if dialect.name == "sqlite" and isinstance(type_, JSON):  # SQLAlchemy's own calls through three functions
        return _json_text_or_null if type_.none_as_null else json_text
    found: Processor = type_.dialect_impl(dialect).bind_processor(dialect)
    return found


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    if dialect.name == "sqlite" and isinstance(type_, JSON):
        return json_value
    found: Processor = type_.dialect_impl(dialect).result_processor(dialect, None)
    return found


def _json_text_or_null(value: Any) -> str | None:
    return None if value is None else json_text(value)


def _execute(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> Any:
    """Run it in the connection's transaction; trouble of the database is TryLater, as `engine.transaction` has it."""
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.dialect.loaded_dbapi
    cursor: Any = connection.connection.dbapi_connection.cursor()  # type: ignore[union-attr]
    try:
        if many:
            cursor.executemany(sql, parameters)
        else:
            cursor.execute(sql, parameters)
    except (driver.OperationalError, driver.InterfaceError, driver.InternalError) as error:
        if connection.dialect.is_disconnect(error, connection.connection.driver_connection, cursor):
            connection.invalidate(error)  # the pool would hand it out again
        raise trouble(error) from error
    return cursor

"""Core statements for the hot path: compiled once for a dialect, then run on the driver's own cursor.

A statement of SQLAlchemy Core costs 100 µs before the database sees it; a mail needs some twenty. These keep Core's
words, types and both dialects, and leave out what is the same every time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Select, bindparam
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from mailgate.store.engine import trouble

Statement = Select[Any] | UpdateBase
Processor = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement in one dialect. What needs no conversion is moved by the interpreter's own C, as a whole."""

    sql: str
    is_by_name: bool
    names: tuple[str, ...]  # in the order of the parameters
    pick: Callable[[Mapping[str, Any]], tuple[Any, ...]]
    binders: tuple[tuple[int, Callable[[Any], Any]], ...]
    fixed: Mapping[str, Any]
    readers: tuple[tuple[int, Callable[[Any], Any]], ...]
    columns: tuple[str, ...]

    def parameters(self, values: Mapping[str, Any]) -> Any:
        picked = list(self.pick({**self.fixed, **values} if self.fixed else values))
        for place, binder in self.binders:
            picked[place] = binder(picked[place])
        return dict(zip(self.names, picked, strict=True)) if self.is_by_name else picked

    def read(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        if not self.readers:
            return row
        found = list(row)
        for place, reader in self.readers:
            found[place] = reader(found[place])
        return tuple(found)


class Prepared:
    """A statement with named parameters."""

    def __init__(self, statement: Statement) -> None:
        self._statement = statement
        self._compiled: dict[str, _Compiled] = {}

    def all(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Return every row, in the order of the statement's columns."""
        compiled = self._for(connection.dialect)
        rows = _execute(connection, compiled.sql, compiled.parameters(values)).fetchall()
        return [compiled.read(row) for row in rows]

    def mapped(self, connection: Connection, values: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return every row by the names of its columns."""
        columns = self._for(connection.dialect).columns
        return [dict(zip(columns, row, strict=True)) for row in self.all(connection, values)]

    def first(self, connection: Connection, values: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return the first row, or None."""
        compiled = self._for(connection.dialect)
        row = _execute(connection, compiled.sql, compiled.parameters(values)).fetchone()
        return None if row is None else compiled.read(row)

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
    columns = getattr(statement, "selected_columns", None) or getattr(statement, "_returning", ()) or ()
    names = tuple(compiled.positiontup if compiled.positional else binds)
    bound = enumerate(_binder(binds[name].type, dialect) for name in names)
    read = enumerate(_reader(column.type, dialect) for column in columns)
    return _Compiled(
        sql=compiled.string,
        is_by_name=not compiled.positional,
        names=names,
        pick=_picker(names),
        binders=tuple((place, binder) for place, binder in bound if binder is not None),
        fixed={name: bind.effective_value for name, bind in binds.items() if not bind.required},
        readers=tuple((place, reader) for place, reader in read if reader is not None),
        columns=tuple(column.key for column in columns),
    )


def _picker(names: Sequence[str]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Return what takes the values of `names` out of a mapping, in that order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple(values[name] for name in names)


def _binder(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    found: Processor = type_.dialect_impl(dialect).bind_processor(dialect)
    return found


def _reader(type_: TypeEngine[Any], dialect: Dialect) -> Processor:
    found: Processor = type_.dialect_impl(dialect).result_processor(dialect, None)
    return found


def _execute(connection: Connection, sql: str, parameters: Any, *, many: bool = False) -> Any:
    """Run it in the connection's transaction; trouble of the database is TryLater, as `engine.transaction` has it."""
    if not connection.in_transaction():
        connection.begin()
    driver: Any = connection.dialect.loaded_dbapi
    cursor = connection.connection.cursor()
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

"""Core statements for the hot path: compiled once for a dialect, then run on the driver's own cursor.

A statement of SQLAlchemy Core costs 100 µs before the database sees it; a mail needs some twenty. These keep Core's
words, types and both dialects, and leave out what is the same every time.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import JSON, BindParameter, Connection, Dialect, Select, bindparam
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.types import TypeEngine

from mailgate.store.engine import json_text, json_value, trouble

Statement = Select[Any] | UpdateBase
Processor = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class _Compiled:
    """One statement in one dialect, with functions of its own, written out value by value, for what goes in and out."""

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
    readers = [_reader(column.type, dialect) for column in columns]
    known: dict[str, Any] = {f"read{place}": reader for place, reader in enumerate(readers)}
    given: list[str] = []
    for place, name in enumerate(names):
        bind, binder = binds[name], _binder(binds[name].type, dialect)
        if not bind.required:  # what the statement itself sets is converted once
            known[f"fixed{place}"] = binder(bind.effective_value) if binder else bind.effective_value
            given.append(f"fixed{place}")
        else:
            known[f"bind{place}"] = binder
            given.append(f"bind{place}(values[{name!r}])" if binder else f"values[{name!r}]")
    cells = [f"None if row[{place}] is None else read{place}(row[{place}])" if reader else f"row[{place}]"
             for place, reader in enumerate(readers)]  # fmt: skip
    as_list, as_mapping = f"[{', '.join(given)}]", _mapping(names, given)
    return _Compiled(
        sql=compiled.string,
        parameters=_function("values", as_list if compiled.positional else as_mapping, known),
        plain=_function("row", f"({', '.join(cells)},)", known) if any(readers) else None,
        named=_function("row", _mapping([column.key for column in columns], cells), known),
    )


def _mapping(names: Sequence[str], expressions: Sequence[str]) -> str:
    return f"{{{', '.join(f'{name!r}: {one}' for name, one in zip(names, expressions, strict=True))}}}"


def _function(name: str, expression: str, known: dict[str, Any]) -> Callable[[Any], Any]:
    """Return the function of `name` that is `expression`; it holds places, and names of our own columns and parameters."""
    made: Callable[[Any], Any] = eval(f"lambda {name}: {expression}", known)  # noqa: S307
    return made


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

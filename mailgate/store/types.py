"""Column types that both engines read alike, and the list of our tables."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, Index, MetaData, String, TextClause
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateIndex
from sqlalchemy.types import TypeDecorator, TypeEngine

from mailgate.store.instants import instant_text

METADATA = MetaData()
_WHERE = "mailgate_where"


def partial_index(name: str, *columns: str, where: TextClause) -> Index:
    """Return an index of the rows of which `where` holds. SQLAlchemy's own options for it (`postgresql_where`) load both
    dialects wherever the tables are imported: a tenth of a command's start."""
    return Index(name, *columns, info={_WHERE: where.text})


@compiles(CreateIndex)
def _with_where(create: CreateIndex, compiler: Any, **options: Any) -> str:
    made: str = compiler.visit_create_index(create, **options)
    condition = create.element.info.get(_WHERE)
    return f"{made} WHERE {condition}" if condition else made


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept in UTC: text of fixed width in SQLite (it sorts as time does), timestamptz in PostgreSQL."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(27))

    # TypeDecorator's own processors call through three functions for every value of every row
    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], Any]:
        return _to_server if dialect.name == "postgresql" else _to_text

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], datetime | None]:
        return _read


def _to_text(value: datetime | None) -> str | None:
    return None if value is None else instant_text(_aware(value))


def _to_server(value: datetime | None) -> datetime | None:
    return None if value is None else _aware(value).astimezone(UTC)


def _aware(value: datetime) -> datetime:
    if value.tzinfo is None:
        raise ValueError("a naive time cannot be stored")
    return value


def _read(value: Any) -> datetime | None:
    if value is None:
        return None
    return value.astimezone(UTC) if isinstance(value, datetime) else datetime.fromisoformat(value)

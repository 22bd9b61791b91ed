"""Prepared statements say what Core says, on either engine."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import Engine, bindparam, insert, select, update

from mailgate.errors import TryLater
from mailgate.store import schema
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.prepared import Listed, Prepared
from mailgate.store.tables import EVENT, META
from tests.store.databases import empty

AT = datetime(2026, 3, 6, 12, 0, 0, 123456, tzinfo=UTC)
DETAIL = {"text": "Сайт \x00 100% %s 😀", "many": [1, None, {"a": "\\u0000"}]}
_ADD = Prepared(insert(EVENT))
_SOME = Listed(lambda names: select(EVENT).where(EVENT.c.id.in_(names)).order_by(EVENT.c.id))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    schema.upgrade(engine)
    empty(engine)
    yield engine
    engine.dispose()


def event(which: str, **changes: object) -> dict[str, object]:
    return {"id": which, "desk": "d", "ticket": 1, "at": AT, "actor": "%", "kind": "k", "detail": DETAIL, **changes}


def test_what_is_written_is_read_by_it_and_by_core(engine: Engine):
    rows = [event(str(place)) for place in range(5)]
    with transaction(engine) as connection:
        assert _ADD.run(connection, rows[0]) == 1
        _ADD.run_many(connection, rows[1:])
        _ADD.run_many(connection, [])
    with reading(engine) as connection:
        assert [dict(row) for row in connection.execute(select(EVENT).order_by(EVENT.c.id)).mappings()] == rows
        assert _SOME.mapped(connection, ["0", "3", "4"]) == [rows[0], rows[3], rows[4]]
        assert _SOME.all(connection, []) == []


def test_rows_are_counted_and_returned(engine: Engine):
    change = Prepared(
        update(EVENT)
        .where(EVENT.c.kind == bindparam("which"))
        .values(detail=bindparam("new"))
        .returning(EVENT.c.detail)
    )
    plain = Prepared(update(EVENT).where(EVENT.c.kind == bindparam("which")).values(actor="somebody"))
    with transaction(engine) as connection:
        _ADD.run_many(connection, [event("1"), event("2"), event("3", kind="other")])
        assert change.all(connection, {"which": "k", "new": {"a": [1]}}) == [({"a": [1]},)] * 2
        assert change.scalar(connection, {"which": "none", "new": {}}) is None
        assert plain.run(connection, {"which": "k"}) == 2


def test_it_is_part_of_the_transaction(engine: Engine):
    def write_and_stumble() -> None:
        with transaction(engine) as connection:
            _ADD.run(connection, event("1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_and_stumble()
    with reading(engine) as connection:
        assert _SOME.all(connection, ["1"]) == []


def test_what_is_there_already_is_an_error_of_its_own_and_no_trouble_that_passes(engine: Engine):
    with pytest.raises(Exception, match=r"(?i)unique") as caught, transaction(engine) as connection:
        _ADD.run_many(connection, [event("1"), event("1")])
    assert not isinstance(caught.value, TryLater)
    assert type(caught.value).__name__ in ("IntegrityError", "UniqueViolation")


def test_a_reader_cannot_write(engine: Engine):
    with (
        pytest.raises(TryLater),
        transaction(open_engine(str(engine.url.render_as_string(False)), readonly=True)) as one,
    ):
        Prepared(update(META).values(value="x")).run(one, {})

"""Finding what a mail names stays flat with the number of tickets: no statement of gathering reads a whole table."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import bindparam

from mailgate.store import gather, schema
from mailgate.store.engine import open_engine, reading
from mailgate.store.prepared import Listed, Prepared

SMALL = ("staff", "incident")  # a desk has few of these
NAMED = {name: value for name, value in vars(gather).items() if isinstance(value, Prepared | Listed)}


def statement_of(value: Prepared | Listed) -> Any:
    if isinstance(value, Listed):
        return value._make([bindparam("l0"), bindparam("l1")])
    return value._statement


def plan_of(name: str) -> Iterator[str]:
    engine = open_engine("sqlite://")
    schema.upgrade(engine)
    compiled = statement_of(NAMED[name]).compile(dialect=engine.dialect)
    with reading(engine) as connection:
        values = tuple(None for _ in compiled.positiontup)
        for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled.string}", values):
            yield row[-1]


def test_there_are_statements_to_look_at() -> None:
    assert len(NAMED) >= 10


@pytest.mark.parametrize("name", NAMED)
def test_a_statement_of_gathering_goes_by_an_index(name: str) -> None:
    scans = [step for step in plan_of(name) if step.startswith("SCAN") and step.split()[1] not in SMALL]
    assert scans == []

"""Both databases: what the store promises it promises on each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from mailgate.store.engine import open_engine
from mailgate.store.inbox import INBOX
from mailgate.store.outbox import OUTBOX
from tests.store.postgresql import running

POSTGRESQL = pytest.param("postgresql", marks=[pytest.mark.server("postgresql"), pytest.mark.slow])


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture(params=["sqlite", POSTGRESQL])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/inbox.db"
    return str(request.getfixturevalue("postgresql_url"))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = open_engine(database_url)
    for table in (INBOX, OUTBOX):
        table.drop(engine, checkfirst=True)
        table.create(engine)
    yield engine
    engine.dispose()

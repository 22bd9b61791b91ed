"""The same scenarios on the other database: the same timeline, line by line."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from mailgate import config, phrases, templates
from mailgate.byhand import perform
from mailgate.compose.templates import Templates
from mailgate.model.phrases import Phrases
from mailgate.simulate.player import Player
from mailgate.simulate.scenario import read_scenario
from tests.conftest import shared_folder
from tests.store.databases import empty, fresh_database, made
from tests.store.postgresql import running

pytestmark = [pytest.mark.slow, pytest.mark.shared, pytest.mark.server("postgresql")]
FILES = sorted((shared_folder() / "scenarios").glob("*.toml"))


@pytest.fixture(scope="module")
def database() -> Iterator[Engine]:
    with running() as server, fresh_database(server) as url:
        engine = made(url)
        yield engine
        engine.dispose()


@cache
def words() -> tuple[Templates, Phrases]:
    return templates.load(), phrases.load()


def timeline(file: Path, engine: Engine | None) -> list[dict[str, Any]]:
    scenario = read_scenario(file)
    desk = config.load_desk(scenario.config)
    lines: list[dict[str, Any]] = []
    Player(scenario, desk, *words(), perform, lines.append, engine=engine).play()
    return lines


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_both_databases_tell_the_same_story(file: Path, database: Engine):
    empty(database)
    assert timeline(file, database) == timeline(file, None)

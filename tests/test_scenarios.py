"""Stories on a virtual clock: our own, and the shared ones where they are (MAILGATE_SHARED)."""

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from mailgate import config, phrases, templates
from mailgate.byhand import perform
from mailgate.model.settings import Desk
from mailgate.simulate.player import Player
from mailgate.simulate.scenario import read_scenario
from tests.conftest import shared_folder

OWN = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))


def _shared() -> Iterator[Any]:
    for file in sorted((shared_folder() / "scenarios").glob("*.toml")):
        yield pytest.param(file, id=file.stem, marks=pytest.mark.shared)


@pytest.mark.parametrize("file", [*(pytest.param(file, id=file.stem) for file in OWN), *_shared()])
def test_the_story_ends_as_it_says(file: Path) -> None:
    assert failures(file) == []


def test_there_are_stories() -> None:
    assert len(OWN) >= 40


def failures(file: Path) -> list[str]:
    """What was otherwise than the scenario says, step by step."""
    scenario = read_scenario(file)
    lines: list[dict[str, Any]] = []
    Player(scenario, _desk(scenario.config), _templates(), _phrases(), perform, lines.append).play()
    return [f"{one['step']}: {why}" for one in lines if one["event"] == "step" for why in one["why"]]


@lru_cache
def _desk(name: str) -> Desk:
    return config.load_desk(name)


@lru_cache
def _templates():  # type: ignore[no-untyped-def]
    return templates.load()


@lru_cache
def _phrases():  # type: ignore[no-untyped-def]
    return phrases.load()

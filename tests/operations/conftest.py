"""A desk in a folder, as the commands know it; where a test asks for it, with a database server behind it."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder
from tests.store.databases import fresh_database
from tests.store.postgresql import running

BOTH = ("sqlite", pytest.param("postgresql", marks=[pytest.mark.server("postgresql"), pytest.mark.slow]))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    with running() as url:
        yield url


@pytest.fixture
def desk(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[DeskFolder]:
    """A module has both engines with `@pytest.fixture(params=BOTH, autouse=True)` on a fixture `engine`."""
    name = request.getfixturevalue("engine") if "engine" in request.fixturenames else "sqlite"
    desk = DeskFolder(tmp_path / "desk", capsys, "flexihost")
    if name == "sqlite":
        yield desk
        return
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        file = Path(desk.file)
        text = re.sub(r'(?m)^url = "sqlite:.*$', f'url = "{url}"', file.read_text())
        assert url in text
        file.write_text(text)
        assert desk.run("db", "upgrade").code == 0
        yield desk

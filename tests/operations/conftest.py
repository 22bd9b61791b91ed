"""A desk in a folder, as the commands know it."""

from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeskFolder:
    return DeskFolder(tmp_path / "desk", capsys, "flexihost")

from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeskFolder:
    """A folder with the desk flexihost and nobody in it."""
    return DeskFolder(tmp_path / "desk", capsys, "flexihost")

"""The units are what systemd takes without a complaint, and as closed as it knows how to say."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

UNITS = Path(__file__).resolve().parents[2] / "systemd"
WORST_EXPOSURE = 1.8  # of 10: network, its own folders, and one capability for ports below 1024


def analyze(*words: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed")
    return subprocess.run([program, *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, their program in a place where there is one."""
    for file in UNITS.glob("mailgate.s*"):
        if file.suffix in (".service", ".socket"):
            text = file.read_text().replace("/usr/bin/mailgate", sys.executable)
            (tmp_path / file.name).write_text(text)
    return tmp_path


@pytest.mark.slow
def test_systemd_has_nothing_to_say_about_the_units(units: Path):
    ran = analyze("verify", "--man=no", str(units / "mailgate.service"), str(units / "mailgate.socket"))
    ours = [line for line in ran.stderr.splitlines() if "mailgate" in line]
    assert not ours, "\n".join(ours)


@pytest.mark.slow
def test_the_service_is_hardly_exposed(units: Path):
    ran = analyze("security", "--offline=true", "--no-pager", str(units / "mailgate.service"))
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", ran.stdout + ran.stderr)
    if found is None:
        pytest.skip(f"systemd-analyze cannot say: {(ran.stdout + ran.stderr)[-200:]}")
    assert float(found[1]) <= WORST_EXPOSURE, ran.stdout

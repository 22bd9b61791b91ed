"""The wheel carries all it needs: it is built without a network, installed elsewhere, and run there."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the hatchling of this environment."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; the libraries it needs are lent by this one."""
    folder = tmp_path_factory.mktemp("elsewhere")
    venv.create(folder / "venv", symlinks=True)
    python = str(folder / "venv" / "bin" / "python")
    run(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", str(wheel))
    (site,) = (folder / "venv" / "lib").glob("python*/site-packages")
    (site / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return folder


def run(*command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command that must end well, without our own environment."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("MAILGATE_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=kept, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def test_the_wheel_carries_config_templates_and_schema(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    carried = {ROOT / "schema.sql", *(ROOT / "config").rglob("*.*"), *(ROOT / "templates").rglob("*.*")}
    expected = {f"mailgate/_data/{path.relative_to(ROOT)}" for path in carried if path.is_file()}
    assert len(expected) > 10
    assert sorted(expected - names) == []
    assert not [name for name in names if "__pycache__" in name or name.startswith("tests/")]


def test_the_installed_wheel_writes_a_directory_that_it_can_use(elsewhere: Path):
    mailgate = str(elsewhere / "venv" / "bin" / "mailgate")
    assert run(mailgate, "--version", cwd=elsewhere).stdout.startswith("mailgate ")
    run(mailgate, "init", "desk", "--desk", "strato", "--desk", "flexihost", cwd=elsewhere)
    checked = run(mailgate, "--config", "desk/mailgate.toml", "config", "check", cwd=elsewhere)
    assert checked.stdout == "ok: desk/mailgate.toml, desks strato, flexihost\n"


def test_the_installed_wheel_knows_its_shipped_default(elsewhere: Path):
    python = str(elsewhere / "venv" / "bin" / "python")
    code = "import mailgate.config as c; print(c.__file__, *c.load(None, {'MAILGATE_SECRET': 'x' * 32}).desks)"
    place, *desks = run(python, "-c", code, cwd=elsewhere).stdout.split()
    assert desks == ["flexihost", "introserv", "strato"]
    assert Path(place).is_relative_to(elsewhere)

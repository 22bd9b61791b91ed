"""What all tests share: real servers found or missed, and an environment that does not leak into them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# a machine with other work is no fault of what is tested: where time matters a test measures it itself
settings.register_profile("house", deadline=None)
settings.load_profile("house")

SERVERS = {
    "dovecot": ("dovecot", "/usr/sbin/dovecot"),
    "postfix": ("postfix", "/usr/sbin/postfix"),
    "postgresql": ("pg_ctlcluster", "/usr/bin/pg_ctlcluster"),
    "mariadb": ("mariadbd", "/usr/sbin/mariadbd"),
    "slapd": ("slapd", "/usr/sbin/slapd"),
    "rt": ("rt-setup-database-5", "/usr/sbin/rt-setup-database-5"),
    "debootstrap": ("debootstrap", "/usr/sbin/debootstrap"),
    "rspamd": ("rspamd", "/usr/bin/rspamd"),
    "clamav": ("clamd", "/usr/sbin/clamd"),
    "chromium": ("chromium", "/usr/bin/chromium", "chromium-browser", "chrome", "headless_shell"),
}
ROOT = Path(__file__).resolve().parent.parent


# what starts daemons and servers, or plays for a long time: left out of the quick set
SLOW_FOLDERS = ("serve", "crash", "malice", "faults", "imap", "web", "operations", "fuzz")
SLOW_FILES = ("test_wheel.py", "test_buckets.py")


def _is_slow(path: Path) -> bool:
    parts = path.relative_to(ROOT / "tests").parts
    return bool(parts) and (parts[0] in SLOW_FOLDERS or parts[-1] in SLOW_FILES)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """The quick set does not even import what is slow."""
    is_quick = str(config.option.markexpr).startswith("not (slow")
    return True if is_quick and _is_slow(collection_path) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark as slow what lies in the folders and files of the slow."""
    for item in items:
        if _is_slow(item.path):
            item.add_marker(pytest.mark.slow)


def shared_folder() -> Path:
    """Return the folder of shared scenarios and corpora; it may be missing."""
    return Path(os.environ.get("MAILGATE_SHARED") or ROOT.parent / "shared")


def find_server(name: str) -> str | None:
    """Return the program of a server that tests may start, or None where the machine has none."""
    return next((found for each in SERVERS[name] if (found := shutil.which(each))), None)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what needs a shared folder or a server that is missing; under CI a missing server is a failure."""
    if item.get_closest_marker("shared") and not shared_folder().is_dir():
        pytest.skip("the shared folder is missing (MAILGATE_SHARED)")
    for marker in item.iter_markers("server"):
        for name in marker.args:
            if not find_server(name):
                _miss(name)


def _miss(server: str) -> None:
    reason = f"{server} is not installed (as root: make test MAILGATE_TEST_APT=1)"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of shared scenarios and corpora."""
    folder = shared_folder()
    if not folder.is_dir():
        pytest.skip("the shared folder is missing (MAILGATE_SHARED)")
    return folder


@pytest.fixture(autouse=True)
def _mask_of_files() -> Iterator[None]:
    """A command that is run within the tests' process keeps others out of its files; the next test's server is another."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whoever runs the tests may have a mailgate of their own: neither its settings nor its data are touched."""
    for name in os.environ:
        if name.startswith("MAILGATE_") and name != "MAILGATE_SHARED" and not name.startswith("MAILGATE_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    for name in ("STATE_DIRECTORY", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "LISTEN_FDS"):
        monkeypatch.delenv(name, raising=False)

"""A PostgreSQL of our own for tests, on a unix socket, gone at the end."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SERVER = "MAILGATE_TEST_POSTGRESQL"


def programs() -> Path | None:
    """Return the folder of the newest server's programs."""
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def is_offered() -> bool:
    """Say whether there is a server to test with: one to be started, or one that is named."""
    return bool(os.environ.get(SERVER) or programs())


@contextmanager
def running() -> Iterator[str]:
    """Give the URL of an empty database. MAILGATE_TEST_POSTGRESQL names another server, whose tables may go."""
    if url := os.environ.get(SERVER):
        yield url
        return
    bin_ = programs()
    assert bin_ is not None
    folder = Path(tempfile.mkdtemp(prefix="mailgate-pg-"))
    as_postgres = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    if as_postgres:
        shutil.chown(folder, "postgres")
    data = folder / "data"

    def run(*command: str) -> None:
        subprocess.run([*as_postgres, *command], check=True, stdout=subprocess.DEVNULL, cwd=folder, timeout=60)

    run(str(bin_ / "initdb"), "-D", str(data), "-A", "trust", "-U", "mailgate", "--no-sync", "-E", "UTF8")
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c max_connections=60"
    run(str(bin_ / "pg_ctl"), "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://mailgate@/postgres?host={folder}"
    finally:
        run(str(bin_ / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)

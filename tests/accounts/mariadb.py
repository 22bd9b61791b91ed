"""A MariaDB of our own for tests, on a unix socket and on loopback, gone at the end."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pymysql


@dataclass(frozen=True)
class MariaDb:
    """A running server; root needs no password on its socket."""

    socket: Path
    port: int

    def connect(self, database: str | None = None) -> Any:
        return pymysql.connect(unix_socket=str(self.socket), user="root", database=database, autocommit=True)

    def run(self, script: str, database: str | None = None) -> None:
        """Carry out statements that are separated by `;` at the end of a line."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                for statement in script.split(";\n"):
                    if statement.strip():
                        cursor.execute(statement)
        finally:
            connection.close()


@contextmanager
def running() -> Iterator[MariaDb]:
    folder = Path(tempfile.mkdtemp(prefix="mailgate-maria-"))
    user = []
    if os.geteuid() == 0:
        shutil.chown(folder, "mysql", "mysql")
        folder.chmod(0o755)
        user = ["--user=mysql"]
    data, place = folder / "data", folder / "sock"
    subprocess.run(
        ["mariadb-install-db", "--no-defaults", *user, f"--datadir={data}", "--auth-root-authentication-method=normal",
         "--skip-test-db"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        ["mariadbd", "--no-defaults", *user, f"--datadir={data}", f"--socket={place}", f"--port={port}",
         "--bind-address=127.0.0.1", f"--pid-file={folder}/pid", "--innodb-flush-log-at-trx-commit=0",
         "--innodb-buffer-pool-size=64M"],
        stdout=subprocess.DEVNULL, stderr=(folder / "log").open("wb"), cwd=folder,
    )  # fmt: skip
    found = MariaDb(place, port)
    try:
        _await(found, server, folder / "log")
        yield found
    finally:
        server.terminate()
        server.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _await(found: MariaDb, server: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            found.connect().close()
            return
        except pymysql.err.OperationalError:
            assert server.poll() is None, log.read_text(errors="replace")[-2000:]
            assert time.monotonic() < until, log.read_text(errors="replace")[-2000:]
            time.sleep(0.1)

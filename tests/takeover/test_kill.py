"""An import that is killed with -9 goes on where it was: nothing is doubled, nothing is missing (P1, P2)."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder

TICKETS = 3000


def counted(database: Path) -> tuple[int, int, int, int]:
    with closing(sqlite3.connect(database)) as connection:
        return tuple(
            connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in ("ticket", "message", "event", "reference")
        )


@pytest.mark.slow
def test_killed_in_the_middle_and_taken_up_again_nothing_is_doubled(desk: DeskFolder, tmp_path: Path) -> None:
    file, database = tmp_path / "old.jsonl", desk.folder / "mailgate.db"
    with file.open("w", encoding="utf-8") as out:
        for number in range(1, TICKETS + 1):
            entries = [
                {"kind": kind, "from": f"c{number}@shop.example", "at": f"2026-03-0{day}T10:00:00Z", "text": "words " * 50,
                 "message_id": f"<{number}.{day}@shop.example>"}
                for day, kind in enumerate(("customer", "staff", "customer"), 1)
            ]  # fmt: skip
            ticket = {"number": number, "requestor": f"c{number}@shop.example", "subject": f"Matter {number}",
                      "status": "resolved", "created_at": "2026-03-01T10:00:00Z", "messages": entries}  # fmt: skip
            out.write(json.dumps(ticket) + "\n")
    command = [sys.executable, "-m", "mailgate", "--config", desk.file, "ticket", "import", str(file)]
    for threshold in (400, 1600):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while counted(database)[0] < threshold and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it was killed at work"
        assert threshold <= counted(database)[0] < TICKETS
    last = desk.run("ticket", "import", str(file))
    assert last.code == 0, last.err
    assert counted(database) == (TICKETS, 3 * TICKETS, TICKETS, 3 * TICKETS)

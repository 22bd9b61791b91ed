"""A worker whose daemon was killed ends soon, however much there is to do: it is nobody's any more."""

import os
from pathlib import Path

import pytest

from mailgate.store.ids import utc_now
from mailgate.store.inbox import INBOX
from mailgate.store.tables import ARRIVAL
from tests.serve.daemon import mail, running
from tests.store.samples import incoming

MAILS = 2000


@pytest.mark.slow
def test_a_worker_without_its_daemon_ends_in_the_midst_of_work(tmp_path: Path):
    with running(tmp_path, arguments=["--role", "front"]) as daemon:
        with daemon.built() as built:
            built.inbox.accept([
                incoming(
                    mail("Hello.", sender=f"p{n}@shop{n}.example", subject=f"Matter {n}", message_id=f"{n}@shop.example"),
                    received_at=utc_now(), peer="127.0.0.1", is_trusted=True,
                )
                for n in range(MAILS)
            ])  # fmt: skip
        daemon.stop()
        daemon.arguments = ()
        daemon.start()
        daemon.wait_for(lambda: daemon.rows(ARRIVAL))
        workers = daemon.workers()
        assert workers
        daemon.kill()
        daemon.wait_for(lambda: not any(map(is_alive, workers)), 20)
        assert any(row["state"] == "waiting" for row in daemon.rows(INBOX)), "it was through before: take more mails"


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"

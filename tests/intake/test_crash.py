"""A door that is killed while mail comes in (P1)."""

import smtplib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from mailgate.blobs import FolderBlobs
from mailgate.store.engine import open_engine
from mailgate.store.inbox import INBOX, Inbox
from tests.intake.doors import TO
from tests.store.samples import NOON

pytestmark = pytest.mark.timeout(60)
ROOT = Path(__file__).resolve().parent.parent.parent


def send_until_it_dies(port: int, name: int, enough: Event) -> list[bytes]:
    """Return the mails that got their 250."""
    taken: list[bytes] = []
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10) as client:
            while True:
                size = 300_000 if len(taken) % 5 == 4 else 100
                mail = b"Subject: %d of %d\r\n\r\n%s\r\n" % (len(taken), name, b"x" * size)
                client.sendmail("a@b.example", [TO], mail)
                taken.append(mail)
                if len(taken) == 10:
                    enough.set()
    except (OSError, smtplib.SMTPException):
        return taken


@pytest.mark.slow
def test_whatever_got_its_250_is_in_the_inbox_after_kill_9(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    INBOX.create(engine)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.intake.victim", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    port, enough = int(process.stdout.readline()), Event()
    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(send_until_it_dies, port, name, enough) for name in range(4)]
        assert enough.wait(30)
        process.kill()
        taken = [mail for client in clients for mail in client.result(30)]
    process.wait()

    kept = [item.read() for item in Inbox(engine, FolderBlobs(tmp_path / "blobs")).claim(100_000, NOON, 60)]

    assert len(taken) >= 10
    assert set(taken) <= set(kept)
    # at most one a client was kept without its 250 being heard: that one comes again, and is a duplicate
    assert len(kept) - len(taken) <= 4

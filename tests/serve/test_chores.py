"""What the daemon does beside mail: test mails to itself, and letting go of what is kept no longer."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from sqlalchemy import update

from mailgate.store.engine import transaction
from mailgate.store.inbox import INBOX
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, MESSAGE, PROBE, TICKET
from tests.serve.daemon import Daemon, mail, running

SUPPORT = "support@flexihost.example"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon whose relay is its own door: what it sends to its mailboxes comes back."""
    port = free_port()
    url = f"smtp://127.0.0.1:{port}"
    environ = {
        "MAILGATE_SMTP__LISTEN": f"127.0.0.1:{port}", "MAILGATE_RELAY__URL": url, "MAILGATE_PROBE__TO": SUPPORT,
        "MAILGATE_PROBE__THROUGH": url, "MAILGATE_PROBE__WITHIN": "25s", "MAILGATE_PROBE__EVERY": "1h",
        "MAILGATE_WEB__LISTEN": "127.0.0.1:0",
    }  # fmt: skip
    with running(tmp_path_factory.mktemp("probed"), **environ) as one:
        yield one


def ended(daemon: Daemon) -> list[dict[str, object]]:
    return [row for row in daemon.rows(PROBE) if row["state"] != "under_way"]


def test_the_daemon_sends_one_by_itself_and_it_comes_back(daemon: Daemon):
    row = daemon.wait_for(lambda: ended(daemon))[0]
    assert (row["state"], row["reason"], row["would_be"]) == ("through", "", "new (support)")
    assert row["began_at"] <= row["handed_in_at"] <= row["decided_at"] <= row["answered_at"]
    assert row["arrived_at"] <= row["returned_at"]
    assert daemon.rows(TICKET) == []
    assert {one["state"] for one in daemon.rows(ARRIVAL)} == {"probe"}
    assert [one["kind"] for one in daemon.rows(OUTBOX)] == ["probe"]


def test_the_command_prints_the_times_and_the_figures_have_them(daemon: Daemon, monkeypatch: pytest.MonkeyPatch):
    daemon.wait_for(lambda: ended(daemon))
    for name, value in daemon.environ.items():
        monkeypatch.setenv(name, value)
    shown = daemon.cli("probe")[0]
    assert shown["state"] == "through"
    assert 0 <= shown["handed_in_seconds"] <= shown["answered_seconds"] <= shown["returned_seconds"] + 1
    with urlopen(f"http://{daemon.lines['web']}/metrics") as answer:
        figures = answer.read().decode()
    assert "mailgate_probe_failures 0.0" in figures
    assert "mailgate_probe_last_success_timestamp_seconds" in figures
    assert 'outcome="set_aside"' not in figures


def test_a_daemon_lets_go_of_raw_mail_by_itself(tmp_path: Path):
    with running(tmp_path / "desk", MAILGATE_RETENTION__RAW_MAIL="20 days") as daemon:
        for name in ("old", "new"):
            daemon.send(
                mail("It is slow.", sender=f"{name}@a.example", subject=f"{name} matter", message_id=f"{name}@a")
            )
            daemon.wait_for(lambda name=name: daemon.letters(f"{name}@a.example"))
        daemon.wait_for(lambda: not daemon.rows(INBOX))
        numbers = {row["requestor"]: row["number"] for row in daemon.rows(TICKET)}
        for number in numbers.values():
            words = ["ticket", "close", str(number)]
            subprocess.run([sys.executable, "-m", "mailgate", "--config", daemon.config, *words], check=True)
        daemon.stop()
        long_ago = datetime.now(UTC) - timedelta(days=30)
        with daemon.built() as built, transaction(built.engine) as connection:
            old = TICKET.c.number == numbers["old@a.example"]
            connection.execute(update(TICKET).where(old).values(changed_at=long_ago))
        digests = {row["ticket"]: row["digest"] for row in daemon.rows(MESSAGE) if row["kind"] == "customer"}
        daemon.start()
        daemon.wait_for(lambda: "retention.let_go" in daemon.log)
        with daemon.built() as built:
            daemon.wait_for(lambda: built.inbox.raw_of(digests[numbers["old@a.example"]]) is None)
            assert built.inbox.raw_of(digests[numbers["new@a.example"]]) is not None

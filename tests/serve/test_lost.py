"""The files of a database that are removed or replaced while the daemon has them open (P1)."""

import json
import shutil
import smtplib
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.config.directory import write_directory
from tests.serve.daemon import Daemon, mail, running

pytestmark = [pytest.mark.timeout(120)]


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with running(tmp_path, MAILGATE_WEB__LISTEN="127.0.0.1:0") as daemon:
        daemon.send(
            mail(
                "Hello, my site is slow.", sender="en@shop.example", subject="Slow site 1", message_id="1@shop.example"
            )
        )
        daemon.wait_for(lambda: daemon.letters("en@shop.example"))
        yield daemon


def ready(daemon: Daemon) -> dict[str, object]:
    try:
        with urllib.request.urlopen(f"http://{daemon.lines['web']}/readyz") as answer:
            return dict(json.load(answer))
    except urllib.error.HTTPError as error:
        return dict(json.load(error))


@pytest.mark.parametrize("name", ["inbox.db", "mailgate.db"])
@pytest.mark.parametrize("replaced", [False, True], ids=["removed", "replaced"])
def test_a_database_that_is_gone_is_noticed_and_no_mail_is_taken_into_it(daemon: Daemon, name: str, replaced: bool):
    file = daemon.folder / name
    assert ready(daemon)["ready"]
    file.rename(daemon.folder / "aside")
    if replaced:
        shutil.copy(daemon.folder / "aside", file)
    with pytest.raises(smtplib.SMTPDataError) as refused:
        daemon.send(
            mail("Is anybody there?", sender="en@shop.example", subject="Slow site 2", message_id="2@shop.example")
        )
    assert refused.value.smtp_code == 451
    checks = ready(daemon)["checks"]
    assert isinstance(checks, dict)
    assert not checks["files"]
    alarm = daemon.wait_for(lambda: daemon.letters("managers@flexihost.example", kind="alarm"))[0]
    assert str(file) in alarm.as_string().replace("=\n", "")
    assert "files.lost" in daemon.log


@pytest.mark.parametrize("name", ["inbox.db", "mailgate.db"])
def test_a_start_makes_no_empty_database_in_place_of_one_that_is_gone(daemon: Daemon, name: str):
    daemon.stop()
    (daemon.folder / name).unlink()
    with pytest.raises(AssertionError, match="is missing, though"):
        daemon.start()
    assert not (daemon.folder / name).exists()
    way_out = [sys.executable, "-m", "mailgate", "--config", daemon.config, "db", "upgrade"]
    subprocess.run(way_out, check=True, capture_output=True)
    daemon.start()


def test_mail_that_a_pipe_took_before_the_first_start_keeps_no_daemon_from_starting(tmp_path: Path):
    write_directory(tmp_path, ["flexihost"])
    daemon = Daemon(tmp_path)
    taken = [
        sys.executable,
        "-m",
        "mailgate",
        "--config",
        daemon.config,
        "deliver",
        "--to",
        "support@flexihost.example",
    ]
    raw = mail("Hello", sender="en@shop.example", subject="First", message_id="1@shop.example")
    for each in (raw, raw.replace(b"First", b"Second") + b"x" * 300_000):  # one of them goes to the blobs
        subprocess.run(taken, input=each, check=True)
    assert not (tmp_path / "mailgate.db").exists()
    daemon.start()
    daemon.wait_for(lambda: daemon.cli("ticket", "list"))
    daemon.stop()

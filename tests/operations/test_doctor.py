"""`mailgate doctor` finds what is wrong, and says what to do."""

import os
import socket
from pathlib import Path

import pytest

from tests.certificates import make_certificate
from tests.cli.desk_folder import DeskFolder


@pytest.fixture(autouse=True)
def _no_name_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests run where there may be no resolver, and must not ask one about names of examples."""
    monkeypatch.setattr("mailgate.operations.checks.CHECKS", _without_dns())


def _without_dns() -> dict[str, object]:
    from mailgate.operations import checks

    return {name: check for name, check in checks.CHECKS.items() if name != "dns"}


def findings(desk: DeskFolder) -> tuple[int, dict[str, dict[str, str]]]:
    ran = desk.run("doctor", "--json")
    worst: dict[str, dict[str, str]] = {}
    for row in ran.rows:
        known = worst.get(row["check"])
        if known is None or row["state"] == "wrong":
            worst[row["check"]] = row
    return ran.code, worst


def test_a_fresh_desk_is_well(desk: DeskFolder):
    desk.open().close()
    code, found = findings(desk)
    assert code == 0
    assert {name: row["state"] for name, row in found.items() if row["state"] != "ok"} in (
        {"people": "warning"}, {"people": "warning", "clock": "warning"}, {"people": "warning", "disk": "warning"},
        {"people": "warning", "clock": "warning", "disk": "warning"},
    )  # fmt: skip
    assert not list((desk.folder / "blobs").glob("??/??/*"))  # the probe is gone


def test_a_database_without_tables_is_said_with_the_way_out(desk: DeskFolder):
    code, found = findings(desk)
    assert (code, found["database"]["state"], found["database"]["advice"]) == (1, "wrong", "mailgate db upgrade")


def test_a_relay_that_is_not_there_is_wrong(desk: DeskFolder, monkeypatch: pytest.MonkeyPatch):
    desk.open().close()
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    monkeypatch.setenv("MAILGATE_RELAY__URL", f"smtp://127.0.0.1:{port}")
    code, found = findings(desk)
    assert (code, found["relay"]["state"]) == (1, "wrong")
    assert "relay.url" in found["relay"]["advice"]


def test_an_account_that_does_not_open_is_wrong(desk: DeskFolder):
    desk.open().close()
    with open(desk.file, "a") as out:
        out.write(
            '\n[[imap]]\nurl = "imap://me@127.0.0.1:9/INBOX"\npassword = "x"\nmailbox = "support@flexihost.example"\n'
        )
    code, found = findings(desk)
    assert (code, found["imap"]["state"]) == (1, "wrong")


def test_a_certificate_shortly_before_its_end_is_a_warning(
    desk: DeskFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    desk.open().close()
    certificate, key = make_certificate(tmp_path)
    monkeypatch.setenv("MAILGATE_SMTP__TLS_CERT", certificate)
    monkeypatch.setenv("MAILGATE_SMTP__TLS_KEY", key)
    code, found = findings(desk)
    assert (code, found["certificate"]["state"]) == (0, "warning")
    assert "renew" in found["certificate"]["advice"]


def test_a_secret_for_all_to_read_is_wrong(desk: DeskFolder):
    desk.open().close()
    os.chmod(desk.folder / "secret", 0o644)
    code, found = findings(desk)
    assert (code, found["files"]["state"]) == (1, "wrong")
    assert "chmod 600" in found["files"]["advice"]


def test_people_read_lines_with_the_advice_below(desk: DeskFolder):
    ran = desk.run("doctor")
    assert ran.code == 1
    assert "WRONG  database" in ran.out
    assert "→ mailgate db upgrade" in ran.out

"""`mailgate doctor` finds what is wrong, and says what to do."""

import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dns.resolver
import pytest

from mailgate.operations import checks
from mailgate.store import probes
from mailgate.store.engine import transaction
from tests.certificates import make_certificate
from tests.cli.desk_folder import DeskFolder
from tests.nameserver import MailServer, NameServer


@pytest.fixture(autouse=True)
def _no_name_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests run where there may be no resolver, and must not ask one about names of examples."""
    monkeypatch.setattr("mailgate.operations.checks.CHECKS", _without_dns())


def _without_dns() -> dict[str, object]:
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
    assert "chmod o= " in found["files"]["advice"]


def test_people_read_lines_with_the_advice_below(desk: DeskFolder):
    ran = desk.run("doctor")
    assert ran.code == 1
    assert "WRONG  database" in ran.out
    assert "→ mailgate db upgrade" in ran.out


def test_tokens_that_end_soon_are_named_and_those_that_ended_are_wrong(desk: DeskFolder):
    desk.rows("token", "create", "--name", "panel", "--expires", "90d")
    code, found = findings(desk)
    assert (code, found["tokens"]["state"]) == (0, "ok")
    desk.rows("token", "create", "--name", "old panel", "--expires", "5d")
    rows = [row for row in desk.run("doctor", "--json").rows if row["check"] == "tokens"]
    assert [row["state"] for row in rows] == ["ok", "warning"]
    assert "old panel" in rows[1]["detail"]
    with open(desk.file, "a", encoding="utf-8") as out:
        out.write(
            '\n[[imap]]\nurl = "imap://me@127.0.0.1:9/INBOX"\nmailbox = "support@flexihost.example"\n'
            '[imap.oauth]\ntoken_url = "http://127.0.0.1:9/"\nclient_id = "c"\nclient_secret = "s"\n'
            'refresh_token = "r"\nclient_secret_expires = "2020-01-31"\n'
        )
    code, found = findings(desk)
    assert (code, found["tokens"]["state"], "client secret" in found["tokens"]["detail"]) == (1, "wrong", True)


def test_the_probe_is_named_where_there_is_one(desk: DeskFolder):
    assert "probe" not in findings(desk)[1]
    with open(desk.file, "a", encoding="utf-8") as out:
        out.write('\n[probe]\nto = "support@flexihost.example"\nthrough = "smtp://127.0.0.1:9"\n')
    built = desk.open()
    assert findings(desk)[1]["probe"]["state"] == "warning"
    now = built.house.clock()
    for which, state in (("a", "through"), ("b", "failed")):
        with transaction(built.engine) as connection:
            probes.begin(connection, which, now, comes_back=False)
            probe = probes.find(connection, which)
            assert probe is not None
            probes.end(connection, replace(probe, answered_at=now), state, "" if state == "through" else "no", now)  # type: ignore[arg-type]
        assert findings(desk)[1]["probe"]["state"] == ("ok" if state == "through" else "wrong")
    built.close()


@pytest.fixture
def zone() -> Iterator[NameServer]:
    with NameServer({"flexihost.example": MailServer("mx.flexihost.example")}) as server:
        yield server


def dns_findings(desk: DeskFolder, port: int, **changes: object) -> list[checks.Finding]:
    def resolver() -> dns.resolver.Resolver:
        found = dns.resolver.Resolver(configure=False)
        found.nameservers, found.port = ["127.0.0.1"], port
        return found

    built = desk.open()
    settings = replace(built.settings, smtp=replace(built.settings.smtp, **changes))  # type: ignore[arg-type]
    patient = checks.Patient(
        settings=settings, engine=built.engine, inbox=built.inbox, blobs=built.blobs, resolver=resolver
    )  # fmt: skip
    try:
        return list(checks._dns(patient))
    finally:
        built.close()


def test_a_mail_domain_is_asked_for_its_mail_server(desk: DeskFolder, zone: NameServer):
    (found,) = dns_findings(desk, zone.port)
    assert (found.state, "mx.flexihost.example" in found.detail) == ("ok", True)
    assert zone.asked == ["flexihost.example"]


@pytest.mark.parametrize("answer", ["nothing", "no such name"])
def test_a_mail_domain_without_a_mail_server_is_a_warning(desk: DeskFolder, zone: NameServer, answer: str):
    zone.records = {} if answer == "no such name" else {"flexihost.example": "nothing"}
    (found,) = dns_findings(desk, zone.port)
    assert (found.state, "no MX" in found.detail) == ("warning", True)


@pytest.mark.parametrize(("listen", "state"), [("127.0.0.1:25", "warning"), ("0.0.0.0:25", "wrong")])
def test_a_resolver_that_fails_is_wrong_only_where_strangers_mail_is_checked(
    desk: DeskFolder, zone: NameServer, listen: str, state: str
):
    zone.records = {"flexihost.example": "servfail"}
    (found,) = dns_findings(desk, zone.port, listen=listen)
    assert (found.state, "resolv.conf" in found.advice) == (state, True)

"""What `mailgate doctor` says of other people's servers, of this machine's time zones, and of who may read what."""

import asyncio
import json
import shutil
import ssl
import stat
import subprocess
import tempfile
import zoneinfo
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path

import pytest

from mailgate import config
from mailgate.__main__ import main
from mailgate.model.settings import ImapSettings
from mailgate.operations import privacy, zones
from mailgate.operations.mailboxes import Unfit, try_account
from mailgate.operations.trust import distrust
from tests.certificates import make_certificate

DOVECOT, CYRUS = "OK Dovecot ready.", "OK mail.desk.example Cyrus IMAP 3.6.1-Debian server ready"
ALL = "IMAP4rev1 IDLE UIDPLUS MOVE"
JANUARY = datetime(2026, 1, 1, tzinfo=UTC)


@asynccontextmanager
async def imap_server(greeting: str, can: str, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """An IMAP server with one empty mailbox, whatever the password."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"* {greeting}\r\n".encode())
        while line := (await reader.readline()).decode().split():
            if line[1] == "CAPABILITY":
                writer.write(f"* CAPABILITY {can}\r\n".encode())
            elif line[1] == "SELECT":
                writer.write(b"* 0 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 1] x\r\n")
            writer.write(f"{line[0]} OK done\r\n".encode())
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def account(url: str, after: str = "seen") -> ImapSettings:
    return ImapSettings(url=url, mailbox="support@desk.example", password="x", after=after)


@pytest.mark.parametrize(
    ("greeting", "can", "after", "told"),
    [
        (DOVECOT, ALL, "delete", []),
        (DOVECOT, "IMAP4rev1 IDLE MOVE", "delete", ["UIDPLUS"]),
        (DOVECOT, "IMAP4rev1 IDLE MOVE", "move:Done", []),  # RFC 6851 needs none
        (DOVECOT, "IMAP4rev1 IDLE", "move:Done", ["UIDPLUS"]),
        (DOVECOT, "IMAP4rev1 IDLE", "seen", []),
        (DOVECOT, "IMAP4rev1 UIDPLUS MOVE", "seen", ["IDLE"]),
        (CYRUS, ALL, "seen", ["Cyrus"]),
        (CYRUS, "IMAP4rev1", "delete", ["UIDPLUS", "IDLE", "Cyrus"]),
    ],
)
async def test_what_a_server_cannot_do_is_said_where_it_matters(greeting: str, can: str, after: str, told: list[str]):
    async with imap_server(greeting, can) as port:
        remarks = await try_account(account(f"imap://me@127.0.0.1:{port}/INBOX", after), 10)
    assert len(remarks) == len(told)
    assert all(word in detail and advice for word, (detail, advice) in zip(told, remarks, strict=True))


async def test_a_certificate_that_nobody_signed_is_told_in_words(tmp_path: Path):
    async with imap_server(DOVECOT, ALL, _serving(*make_certificate(tmp_path))) as port:
        with pytest.raises(Unfit) as caught:
            await try_account(account(f"imaps://me@localhost:{port}/INBOX"), 10)
    assert "signed by nobody whom this machine trusts" in caught.value.detail
    assert "update-ca-certificates" in caught.value.advice


def _serving(certificate: str, key: str) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


async def test_a_home_made_ca_that_python_3_13_refuses_is_told_with_the_way_out(tmp_path: Path):
    """The CA as many a how-to makes it, without keyUsage: good enough for 3.11, not for VERIFY_X509_STRICT."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is missing")
    _home_made(tmp_path)
    async with imap_server(DOVECOT, ALL, _serving(str(tmp_path / "leaf.pem"), str(tmp_path / "leaf.key"))) as port:
        strict = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
        strict.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
        with pytest.raises(ssl.SSLCertVerificationError) as caught:
            await asyncio.open_connection("localhost", port, ssl=strict)
    wrapped = OSError("the library's own words")
    wrapped.__cause__ = caught.value
    detail, advice = distrust(wrapped) or ("", "")
    assert "which Python 3.13 and newer refuses" in detail
    assert "keyUsage=critical,keyCertSign" in advice
    assert distrust(OSError("connection refused")) is None


def _home_made(folder: Path) -> None:
    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    (folder / "ca.cnf").write_text(
        "[req]\ndistinguished_name = dn\nx509_extensions = ca\n[dn]\n[ca]\nbasicConstraints = CA:TRUE\n"
    )
    (folder / "leaf.ext").write_text("subjectAltName = DNS:localhost\n")
    for words in (
        ["req", "-x509", *new, "-config", "ca.cnf", "-subj", "/CN=our CA", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem"],
        ["req", *new, "-subj", "/CN=localhost", "-keyout", "leaf.key", "-out", "leaf.csr"],
        ["x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
         "-extfile", "leaf.ext", "-out", "leaf.pem"],
    ):  # fmt: skip
        subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def old_files(tmp_path: Path) -> Iterator[Path]:
    """Time zone files of this machine's own: Berlin has never heard of summer."""
    for name, content in (("Europe/Berlin", "Etc/GMT-1"), ("Europe/Warsaw", "Europe/Warsaw")):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(files("tzdata").joinpath("zoneinfo", *content.split("/")).read_bytes())
    zoneinfo.reset_tzpath([str(tmp_path)])
    yield tmp_path
    zoneinfo.reset_tzpath()


@pytest.mark.parametrize(("version", "is_told"), [("2019a", True), ("", True), ("2999a", False)])
def test_older_time_zone_files_are_told_where_a_desk_would_notice(old_files: Path, version: str, is_told: bool):
    if version:
        (old_files / "tzdata.zi").write_text(f"# version {version}\nR x\n")
    found = zones.strayed(["Europe/Berlin", "Europe/Warsaw"], JANUARY)
    assert [one.name for one in found] == ["Europe/Berlin"] * is_told
    assert not is_told or "say UTC+01:00 on 2026-03-29" in str(found[0])


def test_what_init_and_the_database_write_is_read_by_user_and_group_alone(tmp_path: Path):
    tmp_path.chmod(0o755)
    desk = tmp_path / "desk"
    assert main(["init", str(desk)]) == 0
    assert main(["--config", str(desk / "mailgate.toml"), "db", "upgrade"]) == 0
    written = [desk, *desk.rglob("*")]
    assert len(written) > 5
    assert not [path for path in written if stat.S_IMODE(path.stat().st_mode) & 0o007]


def test_what_everybody_can_read_is_told_unless_a_folder_keeps_it():
    with tempfile.TemporaryDirectory() as name:
        outer = Path(name)
        assert main(["init", str(outer / "desk")]) == 0
        settings = config.load(str(outer / "desk" / "mailgate.toml"), {})
        assert main(["--config", settings.source, "db", "upgrade"]) == 0
        for path in (outer, *(outer / "desk").rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        assert [path.name for path in privacy.exposed(settings)] == ["secret"]  # the folder of init lets no stranger in
        (outer / "desk").chmod(0o755)
        told = {path.name for path in privacy.exposed(settings)}
        assert {"mailgate.toml", "flexihost.toml", "secret", "mailgate.db", "inbox.db", "blobs"} <= told


@pytest.mark.parametrize(("place", "state"), [("DE-BE", "ok"), ("UA", "warning")])
def test_a_calendar_whose_public_holidays_nobody_knows_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, state: str
):
    """Ukraine's under martial law: the library knows none since 2022, and each would count as a working day."""
    assert main(["init", str(tmp_path / "desk"), "--desk", "introserv"]) == 0
    file = tmp_path / "desk" / "introserv.toml"
    file.write_text(file.read_text().replace('holidays = "DE-BE"', f'holidays = "{place}"'))
    capsys.readouterr()
    main(["--config", str(tmp_path / "desk" / "mailgate.toml"), "doctor", "--json"])
    found = [one for one in map(json.loads, capsys.readouterr().out.splitlines()) if one["check"] == "holidays"]
    assert [one["state"] for one in found] == [state]
    assert place in found[0]["detail"]

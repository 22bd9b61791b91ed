"""Signed mail is known by the daemon itself at every door, without any header of a mail server (S2)."""

import smtplib
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import dkim
import pytest

from tests.imap import dovecot
from tests.nameserver import NameServer
from tests.serve.daemon import Daemon
from tests.verdicts.keys import KEY, RECORD

EN, IVAN, TO = "en@shop.example", "ivan@team.example", "support@flexihost.example"
Put = Callable[[str, bytes], None]
pytestmark = pytest.mark.timeout(150)


def signed(sender: str, subject: str, text: str, message_id: str) -> bytes:
    mail = (
        f"From: <{sender}>\r\nTo: {TO}\r\nSubject: {subject}\r\nMessage-ID: <{message_id}>\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n"
    ).encode()
    return bytes(dkim.sign(mail, b"s", sender.partition("@")[2].encode(), KEY)) + mail


@pytest.fixture(
    params=["lmtp", "pipe", pytest.param("imap", marks=pytest.mark.server("dovecot"))],
)
def door(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Daemon, Put]]:
    """A daemon that asks a name server of the test, and the hand that puts mail into a door of it."""
    records = {"s._domainkey.shop.example": RECORD, "s._domainkey.team.example": RECORD}
    with ExitStack() as stack:
        names = stack.enter_context(NameServer(records))
        daemon = Daemon(tmp_path, environ={"MAILGATE_LMTP__LISTEN": "127.0.0.1:0"})
        daemon.make()
        config = Path(daemon.config)
        more = f'\n[dns]\nservers = ["{names.place}"]\n'
        server = stack.enter_context(dovecot.running()) if request.param == "imap" else None
        if server:
            (tmp_path / "imap-password").write_text(dovecot.PASSWORD)
            url = f"imap://desk@127.0.0.1:{server.port}/INBOX"
            more += f'\n[[imap]]\nurl = "{url}"\nmailbox = "{TO}"\npassword_file = "imap-password"\npoll_seconds = 1\n'
        config.write_text(config.read_text(encoding="utf-8") + more, encoding="utf-8")
        daemon.start()
        stack.callback(daemon.stop)

        def by_lmtp(sender: str, raw: bytes) -> None:
            host, _, port = daemon.lines["lmtp"].rpartition(":")
            with smtplib.LMTP(host, int(port)) as client:
                client.sendmail(sender, [TO], raw)

        def by_pipe(sender: str, raw: bytes) -> None:
            command = [
                sys.executable,
                "-m",
                "mailgate",
                "--config",
                daemon.config,
                "deliver",
                "--to",
                TO,
                "--from",
                sender,
            ]
            subprocess.run(command, input=raw, check=True)

        def by_imap(sender: str, raw: bytes) -> None:
            assert server
            server.put("desk", [raw])

        yield daemon, {"lmtp": by_lmtp, "pipe": by_pipe, "imap": by_imap}[request.param]


def test_a_customer_is_verified_and_a_staff_reply_reaches_them_and_one_byte_changed_does_not(door: tuple[Daemon, Put]):
    daemon, put = door
    put(EN, signed(EN, "Slow site", "My site shop.example is slow.", "1@shop.example"))
    ack = daemon.wait_for(lambda: daemon.letters(EN))[0]
    tag = ack["Subject"].partition("]")[0] + "]"
    put(IVAN, signed(IVAN, f"Re: {tag} Slow site", "#close", "2@team.example").replace(b"#close", b"#clone"))
    put(IVAN, signed(IVAN, f"Re: {tag} Slow site", "We have restarted it.", "3@team.example"))
    relayed = daemon.wait_for(lambda: daemon.letters(EN, kind="relay"))[0]
    assert "We have restarted it." in relayed.get_content()
    (held,) = daemon.wait_for(lambda: daemon.cli("held", "list"))
    assert held["from"] == IVAN
    steps = daemon.cli("trace", "1@shop.example")[0]["steps"]
    assert any(one["rule"] == "S2" and "dkim=pass header.d=shop.example" in one["because"] for one in steps)

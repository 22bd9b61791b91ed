"""The daemon from end to end: real sockets, real processes, a real folder of outgoing mail."""

import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.store.inbox import INBOX
from mailgate.store.outbox import OUTBOX
from tests.serve.daemon import Daemon, mail, running

QUESTION = "Після оновлення shop.example показує «502 Bad Gateway».\nБудь ласка, допоможіть."

WITH_PICTURE = """\
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="=_x"

--=_x
Content-Type: text/plain

See the picture.
--=_x
Content-Type: image/png; name="a.png"
Content-Transfer-Encoding: base64
Content-Disposition: attachment

aGVsbG8gcGljdHVyZQ==
--=_x--
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    with running(tmp_path_factory.mktemp("daemon"), MAILGATE_LMTP__LISTEN="127.0.0.1:0") as one:
        yield one


def test_a_mail_is_answered_and_its_replies_find_their_way(daemon: Daemon):
    daemon.send(mail(QUESTION, sender="uk@shop.example", subject="Сайт не відкривається", message_id="q1@shop.example"))
    ack = daemon.wait_for(lambda: daemon.letters("uk@shop.example"))[0]
    number = int(ack["Subject"].partition("#")[2].partition("]")[0])
    shown = daemon.cli("ticket", "show", str(number))[0]

    assert ack["Subject"] == f"[flexihost #{number}] Сайт не відкривається"
    assert ack["In-Reply-To"] == "<q1@shop.example>"
    assert ack["Auto-Submitted"] == "auto-replied"
    assert f"#{number}" in ack.get_content()
    assert "Дякуємо" in ack.get_content() or "отримали" in ack.get_content()
    assert (shown["status"], shown["language"], shown["account"]) == ("new", "uk", "1001")
    assert shown["messages"][0]["trace"]
    assert shown["messages"][0]["message_id"].strip("<>") == "q1@shop.example"

    mangled = f"RE: [ FLEXIHOST#{number} ] Сайт не відкривається"
    daemon.send(mail("Помилка й досі є.", sender="uk@shop.example", subject=mangled, message_id="q2@shop.example"))
    daemon.wait_for(lambda: "outcome=follow_up" in daemon.log)

    stranger = mail("Let me in.", sender="x@evil.example", subject=f"Re: [flexihost #{number}] hello", auth="none",
                    message_id="x1@evil.example")  # fmt: skip
    daemon.send(stranger)
    daemon.wait_for(lambda: daemon.letters("x@evil.example"))
    trace = daemon.cli("trace", "<x1@evil.example>")[0]
    assert trace["outcome"] == "new"
    assert trace["ticket"] != number
    assert len(daemon.cli("ticket", "show", str(number))[0]["messages"]) == 2


def test_a_mail_that_comes_twice_is_answered_once(daemon: Daemon):
    raw = mail("Bitte helfen Sie.", sender="de@shop.example", subject="Rechnung fehlt", message_id="d1@shop.example")
    daemon.send(raw)
    daemon.send(raw)
    daemon.wait_for(lambda: "outcome=duplicate" in daemon.log)
    assert len(daemon.wait_for(lambda: daemon.letters("de@shop.example"))) == 1


def test_a_staff_reply_reaches_the_customer_as_from_the_desk(daemon: Daemon):
    daemon.send(mail("Hello, my site shop.example is slow.", sender="en@shop.example", subject="Slow site today",
                     message_id="e1@shop.example"))  # fmt: skip
    ack = daemon.wait_for(lambda: daemon.letters("en@shop.example"))[0]
    tag = ack["Subject"].partition("]")[0] + "]"
    daemon.send(mail("We have restarted it.", sender="ivan@team.example", subject=f"Re: {tag} Slow site today",
                     message_id="s1@team.example"))  # fmt: skip

    relayed = daemon.wait_for(lambda: daemon.letters("en@shop.example", kind="relay"))[0]
    assert "We have restarted it." in relayed.get_content()
    assert "ivan@team.example" not in relayed.as_string()
    assert relayed["Auto-Submitted"] is None


def test_lmtp_takes_mail_too(daemon: Daemon):
    host, _, port = daemon.lines["lmtp"].rpartition(":")
    with smtplib.LMTP(host, int(port)) as client:
        raw = mail(
            "Dzień dobry, nie działa poczta.", sender="pl@shop.example", subject="Poczta", message_id="p1@shop.example"
        )
        assert client.sendmail("pl@shop.example", ["support@flexihost.example"], raw) == {}
    daemon.wait_for(lambda: daemon.letters("pl@shop.example"))


def test_an_attachment_reaches_the_staff_as_it_came(daemon: Daemon):
    head = mail("", sender="ru@shop.example", subject="Picture of the error", message_id="r1@shop.example")
    raw = head.partition(b"MIME-Version")[0] + WITH_PICTURE.replace("\n", "\r\n").encode()
    daemon.send(raw)
    notices = daemon.wait_for(
        lambda: [one for one in daemon.letters("ivan@team.example") if "Picture" in one["Subject"]]
    )
    files = [part.get_payload(decode=True) for part in notices[0].iter_attachments()]
    assert files == [b"hello picture"]


def test_raw_mail_that_was_read_goes_to_the_blobs(daemon: Daemon):
    daemon.send(mail("It is kept.", sender="blobs@shop.example", subject="To the blobs", message_id="b1@shop.example"))
    daemon.wait_for(lambda: not daemon.rows(INBOX))
    assert list((daemon.folder / "blobs").rglob("*"))


def test_it_ends_in_time_with_nothing_in_hand(tmp_path: Path):
    with running(tmp_path) as daemon:
        for place in range(20):
            daemon.send(mail("Hello, it is slow.", sender="en@shop.example", subject=f"Slow {place}",
                             message_id=f"{place}@shop.example"))  # fmt: skip
        code, seconds = daemon.stop()
        assert code == 0
        assert seconds < 10
        assert not [row for row in daemon.rows(OUTBOX) if row["state"] == "sending"]
        assert not [row for row in daemon.rows(INBOX) if row["claimer"]]


@pytest.mark.slow
def test_a_client_in_the_middle_of_a_mail_does_not_keep_it_up(tmp_path: Path):
    with running(tmp_path) as daemon, socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.recv(1000)
        client.sendall(b"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@flexihost.example>\r\nDATA\r\nhalf a ma")
        assert daemon.stop()[1] < 10


@pytest.mark.slow
def test_a_port_that_is_taken_is_one_clear_line(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(AssertionError, match="it ended"),
            running(tmp_path, MAILGATE_SMTP__LISTEN=f"127.0.0.1:{port}"),
        ):
            pass
    log = (tmp_path / "log").read_text()
    assert f"smtp cannot listen on 127.0.0.1:{port}: Address already in use" in log
    assert "mailgate: " in log


@pytest.mark.slow
def test_the_parts_can_run_as_processes_of_their_own(tmp_path: Path):
    with running(tmp_path, arguments=["--role", "front", "--role", "scheduler"]) as front:
        front.send(mail("Hello, it is slow.", sender="en@shop.example", subject="Slow", message_id="1@shop.example"))
        assert not front.workers()
        worker = Daemon(tmp_path, arguments=("--role", "worker")).start()
        try:
            front.wait_for(lambda: front.letters("en@shop.example"))
            assert "smtp" not in worker.lines
        finally:
            worker.stop()

"""The web port and IMAP in the daemon itself."""

from pathlib import Path

import httpx
import pytest

from mailgate.store.tables import ARRIVAL
from tests.imap.dovecot import PASSWORD
from tests.imap.dovecot import running as dovecot_running
from tests.intake.doors import TO
from tests.serve.daemon import Daemon, running

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


def url_of(daemon: Daemon) -> str:
    return "http://" + daemon.lines["web"]


def test_a_panels_form_goes_through_the_whole_house(tmp_path: Path):
    with running(tmp_path / "desk", MAILGATE_WEB__LISTEN="127.0.0.1:0") as daemon:
        token = daemon.cli("token", "create", "--desk", "flexihost")[0]["token"]
        form = {"account": "1003", "subject": "Site is down", "text": "shop.example shows 502."}
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a"}
        answer = httpx.post(url_of(daemon) + "/api/v1/tickets", json=form, headers=headers, timeout=30)
        assert (answer.status_code, answer.json()["number"]) == (201, 10001)
        assert daemon.wait_for(lambda: daemon.letters("en@shop.example"))
        assert httpx.get(url_of(daemon) + "/readyz").status_code == 200
        assert 'channel="panel"' in httpx.get(url_of(daemon) + "/metrics").text
        httpx.post(url_of(daemon) + "/sign-in", data={"address": "ivan@team.example"})
        letters = daemon.wait_for(
            lambda: [one for one in daemon.letters("ivan@team.example") if "/sign-in/" in one.get_content()]
        )
        assert letters[0]["Auto-Submitted"] == "auto-generated"
        code, seconds = daemon.stop()
    assert code == 0
    assert seconds < 10


@pytest.mark.server("dovecot")
def test_killed_daemons_take_each_mail_of_an_account_once(tmp_path: Path):
    mails = [
        f"From: en@shop.example\r\nTo: {TO}\r\nSubject: Matter {number}\r\nMessage-ID: <{number}@shop.example>\r\n"
        f"Date: Fri, 06 Mar 2026 21:50:00 +0200\r\n\r\nWords {number}\r\n".encode()
        for number in range(40)
    ]  # fmt: skip
    with dovecot_running() as dovecot:
        dovecot.put("desk@desk.example", mails)
        daemon = Daemon(tmp_path / "desk")
        daemon.make()
        with open(daemon.config, "a") as out:
            out.write(
                f'\n[[imap]]\nurl = "imap://desk%40desk.example@127.0.0.1:{dovecot.port}/INBOX"\n'
                f'password = \'{PASSWORD}\'\nmailbox = "{TO}"\nafter = "move:Done"\n'
            )
        daemon.start()
        daemon.wait_for(lambda: len(daemon.rows(ARRIVAL)) > 3)
        daemon.kill()
        daemon.start()
        daemon.wait_for(
            lambda: len(daemon.rows(ARRIVAL)) >= 40 and dovecot.count("desk@desk.example", "Done") == 40, 60
        )
        assert daemon.stop()[0] == 0
        outcomes = [row["outcome"] for row in daemon.rows(ARRIVAL)]
        assert (len(outcomes), "duplicate" in outcomes) == (40, False)
        assert dovecot.count("desk@desk.example") == 0

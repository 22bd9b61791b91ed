"""The LMTP door (I2): an answer for each recipient."""

import smtplib
import socket
import stat
from pathlib import Path

import pytest

from mailgate.errors import TryLater
from mailgate.intake.gate import Gate
from mailgate.intake.lmtp import LmtpDoor
from mailgate.model.settings import SmtpSettings
from mailgate.store.ids import Ids
from tests.intake.doors import RECIPIENTS, TO, House, Kept, beside, house

pytestmark = pytest.mark.timeout(30)
MAIL = b"From: a@b.example\r\nSubject: x\r\n\r\nhello\r\n"
BILL = "bill@flexihost.example"


def send(port: int, to: list[str]) -> tuple[dict[str, object], list[int]]:
    with smtplib.LMTP("127.0.0.1", port) as client:
        refused = client.sendmail("a@b.example", to, MAIL)
        # smtplib reads the first answer alone
        return refused, [client.getreply()[0] for _ in range(len(to) - len(refused) - 1)]


async def test_several_recipients_have_several_answers():
    async with house(lmtp=True) as here:
        to = [TO, "nobody@flexihost.example", BILL, "support@strato.example"]
        refused, further = await beside(send, here.port, to)
    assert list(refused) == ["nobody@flexihost.example"]
    assert further == [250, 250]
    assert [(mail.arrival.desk, mail.arrival.recipients) for mail in here.kept.mails] == [
        ("flexihost", (TO, BILL)),
        ("strato", ("support@strato.example",)),
    ]
    assert {mail.arrival.channel for mail in here.kept.mails} == {"lmtp"}


async def test_every_recipient_hears_of_trouble_of_ours_and_the_session_goes_on():
    def talk(here: House) -> list[str]:
        with here.dial() as line:
            line.say("LHLO x")
            line.send(f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{TO}>\r\nRCPT TO:<{BILL}>\r\nDATA\r\n".encode())
            [line.read() for _ in range(4)]
            line.send(MAIL + b".\r\n")
            return [line.read() for _ in range(2)] + [line.say("NOOP")]

    async with house(lmtp=True) as here:
        here.kept.error = TryLater("no")
        first, second, after = await beside(talk, here)
    assert first.startswith("451 4.3.0")
    assert second.startswith("451 4.3.0")
    assert after.startswith("250")


async def test_every_recipient_hears_that_a_mail_is_too_big():
    def talk(here: House) -> list[str]:
        with here.dial() as line:
            line.say("LHLO x")
            line.send(f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{TO}>\r\nRCPT TO:<{BILL}>\r\nDATA\r\n".encode())
            [line.read() for _ in range(4)]
            line.send(b"x" * 200_000 + b"\r\n.\r\n")
            return [line.read()[:9] for _ in range(2)] + [line.say("NOOP")[:3]]

    async with house(lmtp=True, size_limit=1000) as here:
        assert await beside(talk, here) == ["552 5.3.4", "552 5.3.4", "250"]


async def test_lmtp_is_trusted_wherever_it_comes_from():
    async with house(lmtp=True, trusted_peers=()) as here:
        await beside(send, here.port, [TO])
    assert here.kept.mails[0].arrival.is_trusted


@pytest.mark.parametrize("greeting", ["EHLO x", "HELO x"])
async def test_the_greetings_of_smtp_are_not_known(greeting: str):
    async with house(lmtp=True) as here:
        line = await beside(here.dial)
        assert (await beside(line.say, greeting)).startswith("500")
        assert "PIPELINING" in await beside(line.say, "LHLO x")
        line.close()


async def test_data_without_a_recipient_is_503():
    async with house(lmtp=True) as here:
        line = await beside(here.dial)
        for command in ("LHLO x", "MAIL FROM:<a@b.example>"):
            await beside(line.say, command)
        assert (await beside(line.say, "RCPT TO:<nobody@flexihost.example>")).startswith("550 5.1.1")
        assert (await beside(line.say, "DATA")).startswith("503")
        line.close()


async def test_it_listens_on_a_unix_socket_and_leaves_none_behind(tmp_path: Path):
    path, kept = tmp_path / "lmtp", Kept()
    gate = Gate(SmtpSettings(trusted_peers=()), RECIPIENTS, kept, Ids().new, channel="lmtp")
    for _ in range(2):
        door = LmtpDoor(gate)
        assert await door.open(str(path)) == str(path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        await beside(lambda: smtplib.LMTP(str(path)).sendmail("a@b.example", [TO, BILL], MAIL))
        await door.close(0.2)
        assert not path.exists()
        gate.is_draining = False
    assert [mail.arrival.peer for mail in kept.mails] == ["unix", "unix"]


async def test_a_unix_socket_that_a_crash_left_is_taken_over(tmp_path: Path):
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as left:  # no server of asyncio: from 3.13 on it removes its file itself
        left.bind(str(path))
    assert path.exists()
    door = LmtpDoor(Gate(SmtpSettings(), RECIPIENTS, Kept(), Ids().new, channel="lmtp"))
    assert await door.open(str(path)) == str(path)
    await door.close(0.1)

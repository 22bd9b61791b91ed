"""A real Postfix in front delivers by LMTP (I2): each recipient has its own answer, and trouble of ours is deferred."""

import asyncio
import smtplib
from collections.abc import Callable

import pytest

from mailgate.errors import TryLater
from tests.intake.doors import TO, beside, house
from tests.intake.postfix import running

pytestmark = [pytest.mark.server("postfix"), pytest.mark.slow, pytest.mark.timeout(90)]
MAILS = 30


def send(port: int, start: int, count: int, *to: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        for number in range(start, start + count):
            client.sendmail("a@b.example", to, f"From: a@b.example\r\nSubject: {number}\r\n\r\n.\r\nhello\r\n".encode())


async def until(holds: Callable[[], bool], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.05)


@pytest.mark.parametrize("over", ["inet", "unix"])
async def test_postfix_delivers_over_lmtp_and_keeps_what_we_cannot_take_yet(
    over: str, tmp_path_factory: pytest.TempPathFactory
):
    path = tmp_path_factory.mktemp("lmtp") / "socket"
    for folder in (path.parent, *path.parent.parents[:3]):
        folder.chmod(0o755)
    async with house(lmtp=True, idle_seconds=30) as here:
        target = f"inet:127.0.0.1:{here.port}"
        if over == "unix":
            from mailgate.intake.lmtp import LmtpDoor

            door = LmtpDoor(here.gate)
            await door.open(str(path))
            path.chmod(0o666)
            target = f"unix:{path}"
        with running(target) as postfix:
            await beside(send, postfix.port, 0, MAILS, TO, "support@strato.example", "nobody@flexihost.example")
            await until(lambda: len(here.kept.mails) == 2 * MAILS)
            await until(lambda: postfix.log.count("status=bounced") >= MAILS)
            assert "550 5.1.1" in postfix.log
            here.kept.error = TryLater("no disk")
            await beside(send, postfix.port, MAILS, 2, TO)
            await until(lambda: postfix.log.count("451 4.3.0") >= 2)
            here.kept.error = None
            await until(lambda: postfix.waiting() == 0)
        if over == "unix":
            await door.close(0.2)
    subjects = [
        mail.raw.split(b"Subject: ")[1].split(b"\r\n")[0]
        for mail in here.kept.mails
        if mail.arrival.desk == "flexihost"
    ]
    assert sorted(map(int, subjects)) == list(range(MAILS + 2))
    assert all(b"\r\n\r\n.\r\nhello" in mail.raw for mail in here.kept.mails)
    assert all(mail.arrival.is_trusted for mail in here.kept.mails)

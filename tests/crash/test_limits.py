"""A mail that costs too much costs its worker, and nothing else (M4, I7)."""

from pathlib import Path

import pytest

from mailgate.store.inbox import INBOX
from mailgate.store.tables import ARRIVAL
from tests.serve.daemon import Daemon, mail, running

pytestmark = pytest.mark.slow
HUGE = "All work and no play makes this mail a long one, and it wrote:\r\n" * 350_000


def outcomes(daemon: Daemon) -> dict[str, tuple[str, str]]:
    """Return outcome and reason by envelope sender."""
    return {row["envelope_from"]: (row["outcome"], row["reason"]) for row in daemon.rows(ARRIVAL)}


def test_a_mail_that_takes_too_long_is_quarantined_at_once_and_others_go_on(tmp_path: Path):
    room = {"MAILGATE_SMTP__SIZE_LIMIT": "100MB", "MAILGATE_WORKER__MAIL_MEMORY_MB": "4096"}  # time alone is to run out
    with running(tmp_path, MAILGATE_WORKER__MAIL_SECONDS="1", **room) as daemon:
        before = daemon.wait_for(daemon.workers)
        daemon.send(
            mail(HUGE * 3, sender="en@shop.example", subject="Long", message_id="long@shop.example"),
            sender="long@shop.example",
        )
        daemon.send(
            mail("Guten Tag, es ist langsam.", sender="de@shop.example", subject="Langsam", message_id="d@shop.example")
        )
        daemon.wait_for(lambda: daemon.letters("de@shop.example"))
        daemon.wait_for(lambda: "long@shop.example" in outcomes(daemon))

        assert outcomes(daemon)["long@shop.example"] == ("quarantined", "exceeds a limit: time")
        assert [row["state"] for row in daemon.rows(INBOX) if row["size"] > 1_000_000] == ["given_up"]
        assert daemon.wait_for(lambda: daemon.letters("managers@flexihost.example", "alarm"))
        assert daemon.workers() != before


def test_a_mail_that_takes_too_much_memory_is_quarantined_at_once(tmp_path: Path):
    with running(tmp_path, MAILGATE_WORKER__MAIL_MEMORY_MB="64") as daemon:
        daemon.send(
            mail(HUGE, sender="en@shop.example", subject="Long", message_id="long@shop.example"),
            sender="long@shop.example",
        )
        daemon.wait_for(lambda: "long@shop.example" in outcomes(daemon))
        assert outcomes(daemon)["long@shop.example"] == ("quarantined", "exceeds a limit: memory")
        daemon.send(
            mail("Guten Tag, es ist langsam.", sender="de@shop.example", subject="Langsam", message_id="d@shop.example")
        )
        daemon.wait_for(lambda: daemon.letters("de@shop.example"))

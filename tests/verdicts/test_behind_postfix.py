"""What a desk knows of its mail behind a real Postfix: without any filter, and with rspamd as its milter (S2)."""

import asyncio
import smtplib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.intake import postfix
from tests.intake.doors import house as door
from tests.nameserver import NameServer
from tests.verdicts import rspamd
from tests.verdicts.keys import RECORD
from tests.verdicts.test_asking import IVAN, OLENA, RECORDS, TO, House, evidence, house, signed
from tests.world import a_mail

pytestmark = [pytest.mark.server("postfix"), pytest.mark.slow, pytest.mark.timeout(150)]
XCLIENT = "smtpd_authorized_xclient_hosts = 127.0.0.1\n"
POLICY = b"v=DMARC1; p=reject"


def hand_in(port: int, sender: str, raw: bytes) -> None:
    """As a stranger from the world outside would."""
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo()
        client.docmd("XCLIENT", "ADDR=192.0.2.7 NAME=mail.elsewhere.example")
        client.ehlo("mail.elsewhere.example")
        client.sendmail(sender, [TO], raw)


async def through(more: str, *mails: tuple[str, bytes]) -> list[bytes]:
    """Return the mails as they reach our LMTP door."""
    async with door(lmtp=True) as here:

        def send() -> None:
            with postfix.running(f"inet:127.0.0.1:{here.port}", XCLIENT + more) as server:
                for number, (sender, raw) in enumerate(mails, 1):
                    hand_in(server.port, sender, raw)
                    _until(lambda number=number: len(here.kept.mails) >= number)  # type: ignore[misc]

        await asyncio.to_thread(send)
        return [one.raw for one in here.kept.mails]


def _until(what: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def decided(world: House, raws: list[bytes]) -> list[tuple[str, str]]:
    arrivals = [world.come(raw) for raw in raws]
    world.decide()
    return [(str(world.outcome(one)["outcome"]), evidence(world, one)) for one in arrivals]


FORGED = b"Authentication-Results: mx.flexihost.example; dmarc=pass header.from=team.example\r\n" + a_mail(
    sender=IVAN, id_="forged@x.example"
)


async def test_a_postfix_without_any_filter_is_enough_for_signed_mail():
    raws = await through(
        "", (OLENA, signed()), (IVAN, signed(IVAN)), (IVAN, signed(IVAN).replace(b"502 Bad", b"503 Bad"))
    )
    with house() as (world, _):
        assert decided(world, raws) == [("new", "pass"), ("new", "pass"), ("held", "none")]


@pytest.mark.server("rspamd")
async def test_rspamd_as_milter_says_who_it_is_and_takes_away_what_strangers_say(tmp_path: Path):
    records = {"s._domainkey.shop.example": RECORD, "_dmarc.shop.example": POLICY, "_dmarc.team.example": POLICY}
    with NameServer(RECORDS | records) as names, rspamd.running(tmp_path, names.place) as filter_:
        more = f"smtpd_milters = {filter_.milter}\nmilter_default_action = tempfail\n"
        raws = await through(more, (OLENA, signed()), (IVAN, FORGED))
    assert b"header.from=shop.example" in raws[0]
    assert b"dmarc=pass header.from=team.example" not in raws[1]
    with house(is_silent=True) as (world, names):  # the header says it all: nobody is asked
        assert decided(world, raws) == [("new", "pass"), ("held", "fail")]
        assert names.asked == []

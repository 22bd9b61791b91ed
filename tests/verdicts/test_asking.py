"""The stage between arrival and decision: it asks everybody at once, within a time, and keeps no mail (S2, M9)."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import dkim
import pytest

from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.intake.pipe import sender_of
from mailgate.model.arrival import Channel
from mailgate.model.settings import JunkSettings
from mailgate.pipeline import Worker
from mailgate.verdicts.asking import SECONDS, Asker
from tests.nameserver import NameServer
from tests.verdicts.keys import ED_KEY, ED_PUBLIC, KEY, RECORD
from tests.world import World, a_mail

TO = "support@flexihost.example"
OLENA, IVAN = "olena@shop.example", "ivan@team.example"
RECORDS: dict[str, Any] = {
    "s._domainkey.shop.example": RECORD,
    "s._domainkey.team.example": RECORD,
    "e._domainkey.shop.example": b"v=DKIM1; k=ed25519; p=" + ED_PUBLIC,
    "slow._domainkey.shop.example": "silent",
    "broken._domainkey.shop.example": "servfail",
    "broken._domainkey.team.example": "servfail",
}
pytestmark = pytest.mark.timeout(90)


def signed(sender: str = OLENA, selector: bytes = b"s", raw: bytes | None = None, **more: Any) -> bytes:
    mail = raw or a_mail(sender=sender)
    domain = sender.partition("@")[2].encode()
    return bytes(dkim.sign(mail, selector, domain, more.pop("key", KEY), **more)) + mail


class House(World):
    """A world whose worker asks, of a name server of its own."""

    answered: threading.Event

    def asking(self, server: NameServer, junk: JunkSettings | None = None, seconds: float = SECONDS) -> Asker:
        self.now = datetime.now(UTC)
        settings = replace(self.settings, dns_servers=(server.place,), junk=junk or JunkSettings())
        asker = Asker(settings, seconds=seconds)
        self.answered = threading.Event()
        self.worker = Worker(self.house, self.inbox, ask=asker.begin, on_answer=self.answered.set)
        return asker

    def come(self, raw: bytes, channel: Channel = "lmtp", *, trusted: bool = True, peer: str = "unix") -> str:
        envelope = Envelope(
            channel=channel, sender=sender_of(raw), recipients=(TO,), peer=peer, helo="x.example", is_trusted=trusted
        )
        incoming = arrivals_of(raw, envelope, Recipients.of(self.settings), self.ids, self.now)
        self.inbox.accept(incoming)
        return incoming[0].arrival.id

    def decide(self) -> None:
        """Work until nothing is in hand; what waits for another day is left."""
        while self.worker.work() or self.worker.is_asking:
            if self.worker.is_asking:
                self.answered.wait(1)
                self.answered.clear()


@contextmanager
def house(
    records: dict[str, Any] | None = None, *, seconds: float = SECONDS, **server: Any
) -> Iterator[tuple[House, NameServer]]:
    world = House()
    world.account("1001", OLENA)
    world.staff(IVAN)
    with NameServer(RECORDS | (records or {}), **server) as names:
        asker = world.asking(names, seconds=seconds)
        try:
            yield world, names
        finally:
            asker.close()


@pytest.mark.parametrize("channel", ["lmtp", "pipe", "imap", "smtp"])
def test_a_signed_mail_is_verified_at_every_door_without_any_header_of_a_server(channel: Channel):
    with house() as (world, _):
        arrival = world.come(signed(), channel)
        staff = world.come(signed(IVAN), channel)
        changed = world.come(signed(IVAN).replace(b"Hello", b"Hallo") + b"x", channel)
        world.decide()
        assert world.outcome(arrival)["outcome"] == "new"
        assert evidence(world, arrival) == "pass"
        assert evidence(world, staff) == "pass"
        assert (world.outcome(changed)["outcome"], evidence(world, changed)) == ("held", "none")


def evidence(world: House, arrival: str) -> str:
    return str(next(one for one in world.outcome(arrival)["trace"] if one["rule"] == "S2")["verdict"])


def because(world: House, arrival: str) -> str:
    return str(next(one for one in world.outcome(arrival)["trace"] if one["rule"] == "S2")["because"])


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (signed(selector=b"e", key=ED_KEY, signature_algorithm=b"ed25519-sha256"), "pass"),
        (signed(length=True), "none"),
        (signed(selector=b"missing"), "none"),
        (signed(selector=b"broken"), "none"),
        (signed(selector=b"missing", raw=signed(selector=b"missing", raw=signed())), "pass"),
    ],
    ids=["ed25519", "l=", "a key that is not there", "SERVFAIL", "the third of three"],
)
def test_every_kind_of_signature_gets_its_verdict(raw: bytes, expected: str):
    with house() as (world, _):
        arrival = world.come(raw)
        world.decide()
        assert evidence(world, arrival) == expected
        assert world.outcome(arrival)["outcome"] == "new"


def test_of_ten_signatures_five_are_tried():
    raw = signed()
    for _ in range(9):
        raw = signed(selector=b"missing", raw=raw)
    with house() as (world, names):
        arrival = world.come(raw)
        world.decide()
        assert evidence(world, arrival) == "none"
        assert names.asked.count("missing._domainkey.shop.example") == 1  # and what is known is not asked again


def test_a_name_that_does_not_answer_costs_its_mail_a_bounded_time_and_others_none():
    with house() as (world, _):
        begun = time.monotonic()
        slow = world.come(signed(selector=b"slow"))
        quick = [world.come(signed(IVAN, raw=a_mail(sender=IVAN, id_=f"{n}@team.example"))) for n in range(20)]
        while world.worker.work():
            pass
        assert [evidence(world, one) for one in quick] == ["pass"] * 20
        assert time.monotonic() - begun < 3
        assert world.worker.is_asking
        world.decide()
        assert time.monotonic() - begun < 10
        assert evidence(world, slow) == "none"
        assert "DNS did not tell" in because(world, slow)


def test_of_one_sender_no_mail_overtakes_an_earlier_one():
    with house(seconds=1) as (world, _):
        first = world.come(signed(selector=b"slow"))
        second = world.come(a_mail(sender=OLENA, id_="second@shop.example"))
        while world.worker.work():
            pass
        assert world.outcomes() == []
        world.decide()
        assert world.outcome(first)["applied_at"] <= world.outcome(second)["applied_at"]


def test_a_staff_mail_waits_for_dns_a_quarter_of_an_hour_before_it_is_held():
    with house() as (world, _):
        arrival = world.come(signed(IVAN, selector=b"broken"))
        began, looks = world.now, 0
        while not world.outcomes():
            world.decide()
            looks += 1
            world.now += timedelta(seconds=10)
            assert world.now < began + timedelta(minutes=17)
        assert world.outcome(arrival)["outcome"] == "held"
        assert world.outcome(arrival)["applied_at"] >= began + timedelta(minutes=15)
        assert looks > 5


def test_a_staff_mail_is_staffs_as_soon_as_dns_is_back():
    with house() as (world, names):
        arrival = world.come(signed(IVAN, selector=b"later", raw=a_mail(sender=IVAN)))
        names.records["later._domainkey.team.example"] = "servfail"
        world.decide()
        assert world.outcomes() == []
        names.records["later._domainkey.team.example"] = RECORD
        world.worker = Worker(world.house, world.inbox, ask=Asker(asked_of(world, names)).begin)
        world.now += timedelta(minutes=1)
        while not world.outcomes():
            world.worker.work()
        assert evidence(world, arrival) == "pass"


def asked_of(world: House, names: NameServer) -> Any:
    return replace(world.settings, dns_servers=(names.place,))


@pytest.mark.slow
def test_a_thousand_mails_are_decided_while_the_resolver_is_dead():
    with house(is_silent=True) as (world, _):
        raws = [
            signed(f"c{n}@shop{n}.example", raw=a_mail(sender=f"c{n}@shop{n}.example", id_=f"{n}@x.example"))
            for n in range(1000)
        ]
        arrivals = [world.come(raw) for raw in raws]
        begun = time.monotonic()
        world.decide()
        assert time.monotonic() - begun < 60
        assert {world.outcome(one)["outcome"] for one in arrivals} == {"new"}
        assert {evidence(world, one) for one in arrivals} == {"none"}


def test_where_a_trusted_header_speaks_nobody_is_asked():
    header = b"Authentication-Results: mx.flexihost.example; dmarc=pass header.from=shop.example\r\n"
    with house() as (world, names):
        arrival = world.come(header + signed())
        world.decide()
        assert names.asked == []
        assert evidence(world, arrival) == "pass"
        assert "dmarc=pass by mx.flexihost.example" in because(world, arrival)


def test_a_worker_that_ends_hands_back_what_it_asked_about():
    with house() as (world, _):
        world.come(signed(selector=b"slow"))
        world.worker.work()
        world.worker.let_go()
        again = Worker(world.house, world.inbox)
        assert again.work() == 1
        assert world.outcomes() == ["new"]

"""`mailgate doctor` says in words what is missing for the desk to know who its mail is from."""

from collections.abc import Iterator

import pytest

from mailgate.operations.evidence import look
from tests.world import World, a_mail

IVAN = "ivan@team.example"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.staff(IVAN)
    for number in range(5):
        world.account(f"100{number}", f"c{number}@shop{number}.example")
    return world


def said(world: World) -> list[tuple[bool, str, str]]:
    return list(look(world.settings, world.engine, world.inbox))


def come(world: World, sender: str, number: int, **more: str) -> None:
    world.post(
        a_mail(sender=sender, id_=f"{number}@x.example", subject=f"Matter {number}", **more),
        "support@flexihost.example",
    )


def test_a_server_that_writes_under_a_name_that_is_not_trusted_is_named(world: World):
    for number in range(5):
        come(world, f"c{number}@shop{number}.example", number, auth="pass", server="mail.desk.example")
    come(world, IVAN, 9, auth="pass", server="mail.desk.example")
    ((is_well, found, advice),) = said(world)
    assert not is_well
    assert found == "flexihost, smtp: 1 of 1 mails of staff had no evidence, 5 of 5 mails of customers had no evidence"
    assert advice == "your server writes Authentication-Results as mail.desk.example: put it into authserv_ids"


def test_a_name_in_the_mail_of_one_sender_alone_is_not_thought_to_be_ours(world: World):
    for number in range(5):
        name = "mx.evil.example" if number == 0 else f"mx{number}.other.example"
        come(world, f"c{number}@shop{number}.example", number, auth="pass", server=name)
    ((is_well, _, advice),) = said(world)
    assert not is_well
    assert "evil" not in advice
    assert "docs/providers.md" in advice


def test_where_everybody_is_known_all_is_well_and_strangers_do_not_count(world: World):
    for number in range(5):
        come(world, f"c{number}@shop{number}.example", number, auth="pass")
    come(world, "stranger@elsewhere.example", 9)
    ((is_well, found, _),) = said(world)
    assert (is_well, found) == (True, "flexihost, smtp: 0 of 5 mails of customers had no evidence")


def test_a_mailbox_of_exchange_online_is_known_by_its_header_without_a_name(world: World):
    for number in range(5):
        raw = a_mail(sender=f"c{number}@shop{number}.example", id_=f"{number}@x.example", subject=f"Matter {number}")
        top = b"Authentication-Results: spf=pass (sender IP is 192.0.2.1)\n smtp.mailfrom=x.example;dmarc=pass action=none\n"
        arrival = world.accept(top + raw, "support@flexihost.example", channel="imap")
        world.work()
        assert world.outcome(arrival)["channel"] == "imap"
    ((_, _, advice),) = said(world)
    assert 'authserv_ids = ["exchange-online"]' in advice

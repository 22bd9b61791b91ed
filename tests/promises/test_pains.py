"""What support desks suffer from elsewhere, and what nobody else tries: played through the whole house."""

from datetime import timedelta

import pytest

from mailgate.parse import read
from tests.world import World, a_mail, shipped_phrases

SUPPORT = "support@flexihost.example"
BILL = "bill@flexihost.example"
TRANSIT = (
    b"Return-Path: <x@y.example>\r\nDelivered-To: support\r\nReceived: from a by b; Mon, 8 Jun 2026 09:00:00 +0000\r\n"
)


def test_a_mail_that_comes_by_two_ways_and_through_two_mailboxes_is_one_ticket():
    world = World()
    raw = a_mail(to=f"{SUPPORT}, {BILL}")
    world.post(raw, SUPPORT, BILL)
    for again, to in ((raw, BILL), (TRANSIT + raw, SUPPORT), (raw.replace(b"\r\n", b"\n"), SUPPORT)):
        assert world.post(again, to)["outcome"] == "duplicate"
    assert [ticket.queue for ticket in world.tickets()] == ["support"]
    assert len(world.sent("ack")) == 1


def test_another_mail_with_the_same_message_id_is_taken():
    world = World()
    world.post(a_mail(), SUPPORT)
    assert world.post(a_mail("My invoice is wrong", "Please correct invoice 77."), SUPPORT)["outcome"] == "new"


def test_an_hours_backlog_is_worked_off_in_its_order_and_each_mail_once():
    world = World()
    arrivals = [
        world.accept(a_mail(f"Case {n}", sender=f"c{n}@shop.example", id_=f"{n}@shop.example"), SUPPORT)
        for n in range(100)
    ]
    world.now += timedelta(hours=1)
    world.work()
    assert world.outcomes() == ["new"] * 100
    assert [ticket.requestor for ticket in world.tickets()] == [f"c{n}@shop.example" for n in range(100)]
    assert len(set(arrivals)) == 100


def test_a_vacation_reply_leaves_a_waiting_ticket_waiting():
    world = World()
    world.account("1001", "olena@shop.example")
    world.staff("ivan@team.example")
    world.post(a_mail(auth="pass"), SUPPORT)
    [notice] = world.sent("staff_notice")
    subject = str(notice.message["Subject"])
    world.post(
        a_mail(f"Re: {subject}", "Which address?", sender="ivan@team.example", id_="r@team.example", auth="pass"),
        SUPPORT,
    )
    world.run(minutes=1)
    assert world.tickets()[0].status == "waiting"
    got = world.post(
        a_mail(f"Out of office: {subject}", "I am away.", id_="v@shop.example", more="Auto-Submitted: auto-replied\n"),
        SUPPORT,
    )
    assert got["outcome"] == "recorded"
    assert world.tickets()[0].status == "waiting"
    assert len(world.sent("ack")) == 1


@pytest.mark.parametrize("sender", ["", "undisclosed", "<>", "a b c", '"', "=?utf-8?Q?x?=", "@", ",,,", "x@y@z"])
def test_a_mail_whose_from_is_broken_is_kept_and_stops_nothing(sender: str):
    world = World()
    assert world.post(a_mail(sender=sender), SUPPORT)["outcome"] in ("new", "set_aside", "held")
    assert world.post(a_mail("Next", id_="n@shop.example"), SUPPORT)["outcome"] == "new"


@pytest.mark.parametrize("charset", ["koi8-r", "windows-1251", "iso-8859-5", "utf-8"])
def test_a_mail_in_an_old_charset_is_readable(charset: str):
    head = f"From: a@b.example\r\nSubject: x\r\nContent-Type: text/plain; charset={charset}\r\n"
    head += "Content-Transfer-Encoding: 8bit\r\n\r\n"
    mail = read(
        head.encode() + "Сайт не работает с утра".encode(charset), phrases=shipped_phrases(), known_tags=frozenset()
    )
    assert "Сайт не работает с утра" in mail.text

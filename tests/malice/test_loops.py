"""Machines that answer machines: whoever is at the other end, it ends after five letters at the most (M6, M7, A3)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from mailgate.store import outbox, views
from mailgate.store.engine import reading
from tests.world import MONDAY, Left, World, a_mail

TAG = re.compile(r"\[flexihost #[0-9]+\] ")
SUPPORT = "support@flexihost.example"
DESK = "help@peer.example"


def without(raw: bytes, *names: str) -> bytes:
    """Return a letter as a mean system on the way leaves it: without some headers."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = re.sub(rb"\r\n[ \t]+", b" ", head).split(b"\r\n")
    kept = [line for line in lines if not line.lower().startswith(tuple(f"{name}:".lower().encode() for name in names))]
    return b"\r\n".join(kept) + b"\r\n\r\n" + body


MARKS = ("Auto-Submitted", "X-Auto-Response-Suppress", "Precedence", "X-Mailgate-ID", "X-Mailgate-Kind")


def two_worlds(first: World, second: World, strip: tuple[str, ...], rounds: int = 40, pause: float = 60) -> list[Left]:
    """Let each get what the other sends to it, over and over; return all that left for the other's mailbox."""
    pairs = [(first, second, "@introserv.example"), (second, first, "@flexihost.example")]
    crossed: list[Left] = []
    handed: set[str] = set()
    for _ in range(rounds):
        for one, other, domain in pairs:
            for letter in [left for left in one.left if left.to.endswith(domain)]:
                if letter.letter.id not in handed:
                    handed.add(letter.letter.id)
                    crossed.append(letter)
                    other.post(without(letter.raw, *strip), letter.to, trusted=False)
        for world in (first, second):
            world.run(seconds=pause)
    return crossed


@pytest.mark.parametrize(
    "strip", [(), ("Auto-Submitted",), MARKS], ids=["as it left", "no Auto-Submitted", "no mark at all"]
)
def test_two_mailgates_that_answer_each_other_stop(strip: tuple[str, ...]):
    first = World(desks=("flexihost",), secret=b"one secret of one house, 32 byte")
    second = World(desks=("introserv",), secret=b"another of another house, 32 byt")
    first.post(a_mail(sender="Support <support@introserv.example>", to=SUPPORT), SUPPORT, trusted=False)
    crossed = two_worlds(first, second, strip)
    assert 1 <= len([one for one in crossed if one.kind == "ack"]) <= 5, [(one.at, one.kind) for one in crossed]
    assert len(crossed) <= 20


def a_helpdesk(
    world: World, answer: Callable[[Left, int], bytes], *, pause: float, hours: float = 30, first: bytes | None = None
) -> list[Left]:
    """Let a machine answer whatever it gets after `pause` seconds; return what it got."""
    world.post(first or answer_of(subject="We have a question", number=0), SUPPORT, trusted=False)
    got: list[Left] = []
    end = world.now + timedelta(hours=hours)
    while world.now < end and len(got) < 100:
        fresh = [one for one in world.sent(to=DESK) if one not in got]
        if not fresh:
            break
        got += fresh
        for one in fresh:
            world.run(seconds=pause)
            world.post(answer(one, len(got)), SUPPORT, trusted=False)
    return got


def answer_of(
    *, subject: str, number: int, text: str = "Thank you, we have received your message.", more: str = ""
) -> bytes:
    return a_mail(subject, text, sender=f"Helpdesk <{DESK}>", to=SUPPORT, id_=f"{number}.new@peer.example", more=more)


ANSWERS: dict[str, Callable[[Left, int], bytes]] = {
    "keeps our tag": lambda one, n: answer_of(subject=f"Re: {one.message['Subject']}", number=n),
    "a number of its own before our subject": lambda one, n: answer_of(
        subject=f"[Peer#{20000 + n}] Re: {one.message['Subject']}", number=n
    ),
    "its own subject, always the same": lambda one, n: answer_of(subject="We have received your message", number=n),
    "its own subject with a new number": lambda one, n: answer_of(subject=f"Request {20000 + n} received", number=n),
    "its own number in brackets": lambda one, n: answer_of(subject=f"[ID:{n:06d}-{n * 7}] Request received", number=n),
    "our subject without the tag, longer each time": lambda one, n: answer_of(
        subject=f"Received: {TAG.sub('', str(one.message['Subject']))}", number=n
    ),
    "names our Message-ID": lambda one, n: answer_of(
        subject="Request received", number=n, more=f"In-Reply-To: {one.message['Message-ID']}\n"
    ),
    "no subject": lambda one, n: answer_of(subject="", number=n),
    "quotes us": lambda one, n: answer_of(
        subject=f"Ticket {n} opened", number=n,
        text="Opened.\n\n" + "\n".join(f"> {line}" for line in one.text.split("\n"))
    ),
}  # fmt: skip


@pytest.mark.parametrize("pause", [60, 900], ids=lambda seconds: f"after {seconds} s")
@pytest.mark.parametrize("name", ANSWERS)
def test_a_helpdesk_that_answers_every_mail_gets_five_letters_at_the_most(name: str, pause: float):
    world = World()
    got = a_helpdesk(world, ANSWERS[name], pause=pause)
    acks = [one for one in got if one.kind == "ack"]
    assert 1 <= len(acks) <= 5, [str(one.message["Subject"]) for one in got]
    assert len([one for one in got if one.at < MONDAY + timedelta(days=1)]) <= 20
    assert world.outcomes().count("new") + world.outcomes().count("split") == len(world.tickets())


def test_what_is_left_out_is_recorded_on_its_ticket():
    world = World()
    a_helpdesk(world, ANSWERS["its own subject with a new number"], pause=900)
    last = world.tickets()[-1].number
    with reading(world.engine) as connection:
        events = [one for one in views.events_of(connection, last) if one["kind"] == "left_out"]
        assert outbox.list_letters(connection, ticket=last, states=("waiting", "sent"))  # staff are told all the same
    assert events
    assert "A3" in str(events)


def test_our_own_mail_sent_back_whole_is_a_loop_and_gets_no_letter():
    world = World()
    world.post(a_mail(), SUPPORT)
    [ack] = world.sent("ack")
    for raw in (
        ack.raw,
        without(ack.raw, "Message-ID"),
        without(ack.raw, "Auto-Submitted", "X-Auto-Response-Suppress"),
    ):
        assert world.post(raw, SUPPORT, trusted=False)["outcome"] in ("set_aside", "duplicate")
    assert len(world.sent("ack")) == 1


def test_a_mail_bomb_opens_its_tickets_and_gets_five_acks_in_ten_minutes_and_twenty_a_day():
    world = World()
    for n in range(60):
        raw = a_mail(
            f"Question about {WORDS[n % 20]} and {WORDS[n // 20 + 3]} {chr(97 + n % 26)}x", id_=f"{n}@shop.example"
        )
        world.post(raw, SUPPORT)
        world.run(seconds=10)
    acks = world.sent("ack")
    assert len(world.tickets()) == 60
    for one in acks:
        assert len([other for other in acks if timedelta() <= other.at - one.at < timedelta(minutes=10)]) <= 5
    world.run(hours=10)
    assert len(world.sent(to="olena@shop.example")) <= 20


WORDS = (
    "certificates", "backups", "mailboxes", "invoices", "firewalls", "snapshots", "domains", "traffic", "kernels",
    "disks",
    "memory", "routers", "panels", "cron", "databases", "logs", "quotas", "webmail", "archives", "rescue",
)  # fmt: skip


def test_a_bomb_with_the_address_of_a_victim_in_many_spellings_is_one_bomb():
    world = World()
    for n in range(30):
        raw = a_mail(
            f"About {WORDS[n % 20]} {n}", sender="x <victim@mail.example>" if n % 2 else "x <Victim@MAIL.example>",
            id_=f"{n}@mail.example",
        )  # fmt: skip
        world.post(raw, SUPPORT, trusted=False)
        world.run(seconds=5)
    assert len(world.sent("ack")) == 5


def test_the_moment_of_a_loop_changes_nothing_for_others():
    world = World()
    a_helpdesk(world, ANSWERS["its own subject, always the same"], pause=5)
    world.post(a_mail(id_="other@shop.example"), SUPPORT)
    assert len(world.sent("ack", to="olena@shop.example")) == 1
    assert world.now >= MONDAY

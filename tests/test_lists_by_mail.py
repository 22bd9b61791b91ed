"""Lists of tickets by mail (C9): #find WORDS, #mine, #queue, each a mail of its own."""

from datetime import timedelta

import pytest

from tests.world import World, a_mail

IVAN, PETRO = "ivan@team.example", "petro@team.example"


@pytest.fixture
def world() -> World:
    world = World()
    world.account("1001", "olena@shop.example")
    world.staff(IVAN, name="Ivan")
    world.staff(PETRO, name="Petro")
    for number, (subject, text, to) in enumerate((
        ("Site shows 502", "The shop shows 502 since noon.", "support"), ("Mail is slow", "Letters take an hour.", "support"),
        ("Invoice 4711", "The shop's invoice is wrong.", "bill"),
    )):  # fmt: skip
        world.now += timedelta(minutes=11)
        world.post(
            a_mail(subject, text, id_=f"m{number}@shop.example", auth="pass", at=world.now), f"{to}@flexihost.example"
        )
    return world


def ask(world: World, text: str, subject: str = "x", to: str = "support@flexihost.example", sender: str = IVAN) -> str:
    """Let somebody of the desk ask; return the answer."""
    world.now += timedelta(minutes=1)
    id_ = f"q{world.now:%H%M}@team.example"
    before = len(world.left)
    outcome = world.post(a_mail(subject, text, sender=sender, to=to, id_=id_, auth="pass", at=world.now), to)
    assert (outcome["outcome"], outcome["ticket"]) == ("command", None), outcome["trace"]
    [answer] = world.left[before:]
    assert (answer.to, len(world.tickets())) == (sender, 3)
    return answer.text


def numbers(text: str) -> list[int]:
    return [int(line[3:].split()[0]) for line in text.split("\n") if line.startswith("| #1")]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("#find olena", [10003, 10002, 10001]),
        ("#find 502", [10001]),
        ("#find from:olena@shop.example slow", [10002]),
        ("#find hour\n\nIvan Petrenko\nFlexihost", [10002]),
        ("#find nothing-of-the-kind", []),
        ("#queue", [10001, 10002]),
        ("#mine", []),
    ],
)
def test_a_mail_of_its_own_brings_the_tickets(world: World, line: str, found: list[int]) -> None:
    assert numbers(ask(world, line)) == found


def test_what_is_mine_comes_in_the_order_of_work(world: World) -> None:
    for number, text in ((10001, "#take"), (10002, "#take #priority high")):
        world.post(a_mail(f"[flexihost #{number}] x", text, sender=IVAN, id_=f"t{number}@team.example", auth="pass"),
                   "support@flexihost.example")  # fmt: skip
    answer = ask(world, "#mine")
    assert numbers(answer) == [10002, 10001]
    assert "http://127.0.0.1:8025/tickets/10002" in answer
    assert numbers(ask(world, "#mine", sender=PETRO)) == []


def test_the_queue_is_that_of_the_mailbox(world: World) -> None:
    assert numbers(ask(world, "#queue", to="bill@flexihost.example")) == [10003]


@pytest.mark.parametrize("line", ["#find", "#find before:yesterday"])
def test_what_cannot_be_looked_for_comes_back(world: World, line: str) -> None:
    assert line in ask(world, line)
    assert world.left[-1].kind == "command_error"


@pytest.mark.parametrize("text", ["#find shop\n#take", "#take\n#mine", "#queue\n\nIt is done."])
def test_beside_anything_else_it_is_an_error_and_nothing_is_done(world: World, text: str) -> None:
    mail = a_mail("Re: [flexihost #10001] x", text, sender=IVAN, id_="b@team.example", auth="pass", at=world.now)
    assert world.post(mail, "support@flexihost.example")["outcome"] == "command"
    assert world.left[-1].kind == "command_error"
    assert world.tickets()[0].owner is None
    assert world.sent("relay") == []


def test_a_customer_gets_no_list(world: World) -> None:
    mail = a_mail("Question", "#find shop", id_="c@shop.example", auth="pass", at=world.now)
    assert world.post(mail, "support@flexihost.example")["outcome"] == "new"
    assert world.sent("command_done") == []

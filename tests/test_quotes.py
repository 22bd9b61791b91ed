"""M3, P6 in a whole house: quotes are compared with the ticket's letters, notices count what is left out, #full brings all."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.store.views import show_ticket
from tests.world import MONDAY, World, a_mail

ANNA = "anna@team.example"
ASKED = "Please send us the output of iostat from your server, and say since when the pages have been slow."
ON = "On Mon, 8 Jun 2026 at 09:10, Flexihost <support@flexihost.example> wrote:"


@pytest.fixture
def world() -> World:
    world = World()
    world.account("100", "olena@shop.example")
    world.staff(ANNA, name="Anna Berg")
    world.post(a_mail("Slow site", "My site is slow.", auth="pass"), "support@flexihost.example")
    world.now += timedelta(minutes=10)
    answer = a_mail(
        "Re: [flexihost #10001] Slow site", ASKED, sender=ANNA, id_="s1@team.example", auth="pass", at=world.now
    )
    world.post(answer, "support@flexihost.example")
    world.run(minutes=5)
    assert [one.kind for one in world.left if one.to == "olena@shop.example"] == ["ack", "relay"]
    return world


def reply(world: World, text: str, id_: str = "a2@shop.example") -> str:
    """Let the customer answer; return the notice that staff got, without the history."""
    mail = a_mail("Re: [flexihost #10001] Slow site", text, id_=id_, auth="pass", at=world.now)
    assert world.post(mail, "support@flexihost.example")["outcome"] == "follow_up"
    return world.sent("staff_notice", to=ANNA)[-1].text.partition("#take")[0]


def test_what_quotes_our_letter_is_left_out_and_counted(world: World) -> None:
    notice = reply(world, f"Since yesterday.\n\n{ON}\n> {ASKED[:57]}\n> {ASKED[58:]}\n\n-- \nOlena")
    assert "Since yesterday." in notice
    assert "5 строк письма" in notice
    with reading(world.engine) as connection:
        shown = show_ticket(connection, 10001)
    assert shown is not None
    assert [(one["visible_text"], one["hidden_lines"]) for one in shown["messages"]][-1] == ("Since yesterday.", 5)


def test_what_is_marked_as_quoted_and_is_in_no_letter_is_shown_and_read(world: World) -> None:
    notice = reply(world, f"The log says:\n\n> device sda at 203.0.113.7 reports errors\n\n{ON}\n> {ASKED}")
    assert "> device sda at 203.0.113.7 reports errors\n\n|" in notice
    ticket = world.tickets()[0]
    assert ticket.fields["server"] == "203.0.113.7"


def test_where_a_letters_words_are_gone_the_marks_alone_decide(world: World) -> None:
    with transaction(world.engine) as connection:
        connection.execute(update(OUTBOX).values(text=""))
    notice = reply(world, f"The log says:\n\n> device sda reports errors\n\n{ON}\n> {ASKED}")
    assert "device sda" not in notice


def test_a_mail_of_which_nothing_is_left_out_says_nothing_of_it(world: World) -> None:
    assert "Не показано" not in reply(world, "Since yesterday.")


def test_full_brings_the_whole_mail_as_it_came(world: World) -> None:
    reply(world, f"Since yesterday.\n\n{ON}\n> {ASKED}")
    command = a_mail("Re: [flexihost #10001] Slow site", "#full", sender=ANNA, id_="s2@team.example", auth="pass")
    assert world.post(command, "support@flexihost.example")["outcome"] == "command"
    letter = world.sent("command_done")[-1]
    (file,) = letter.message.iter_attachments()
    assert file.get_filename() == "mail.eml"
    assert file.get_payload(decode=True) == a_mail(
        "Re: [flexihost #10001] Slow site", f"Since yesterday.\n\n{ON}\n> {ASKED}", id_="a2@shop.example", auth="pass",
        at=world.now,
    )  # fmt: skip
    assert letter.to == ANNA


def test_full_without_a_mail_is_an_error(world: World) -> None:
    own = a_mail("Disk order", "Order two disks.", sender=ANNA, id_="s3@team.example", auth="pass", at=MONDAY)
    world.post(own, "support@flexihost.example")
    number = world.tickets()[-1].number
    command = a_mail(
        f"Re: [flexihost #{number}] Disk order", "#full now", sender=ANNA, id_="s4@team.example", auth="pass"
    )
    assert world.post(command, "support@flexihost.example")["outcome"] == "command"
    assert world.sent("command_error")


@pytest.mark.parametrize(
    ("emoji", "said", "status"),
    [
        ("👍", "", "resolved"),
        ("👎", "", "open"),
        ("👍", "\nIt is broken again, please cancel my contract and the server by the end of the month.", "open"),
    ],
)
def test_a_reaction_of_gmail_thanks_unless_it_is_unhappy_or_more_is_said(
    world: World, emoji: str, said: str, status: str
) -> None:
    world.now += timedelta(minutes=10)
    done = a_mail(
        "Re: [flexihost #10001] Slow site", "#resolve", sender=ANNA, id_="s9@team.example", auth="pass", at=world.now
    )
    world.post(done, "support@flexihost.example")
    assert world.tickets()[0].status == "resolved"
    body = (
        f"--B\nContent-Type: text/plain; charset=utf-8\n\n{emoji}\n\nOlena reacted via Gmail{said}\n"
        f'--B\nContent-Type: text/vnd.google.email-reaction+json; charset=utf-8\n\n{{"emoji": "{emoji}", "version": 1}}\n--B--'
    )
    more = "MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary=B\n"
    mail = a_mail("Re: [flexihost #10001] Slow site", body, id_="a9@shop.example", auth="pass", at=world.now, more=more)
    world.post(mail, "support@flexihost.example")
    assert world.tickets()[0].status == status

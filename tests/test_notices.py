"""What staff need in a notice (C1): which sensitive request it is, what else is open, what the ack said, the board."""

from datetime import timedelta

import pytest

from mailgate.compose import wording
from mailgate.model.people import Staff
from mailgate.store import people
from mailgate.store.engine import transaction
from tests.world import World, a_mail

IVAN = "ivan@team.example"


@pytest.fixture
def world() -> World:
    world = World()
    world.account("1001", "olena@shop.example", "taras@shop.example")
    world.account("1002", "sergey@sklad.example")
    with transaction(world.engine) as connection:
        people.put_staff(
            connection, Staff(desk="flexihost", address=IVAN, name="Ivan", teams=("support", "billing"), language="en")
        )
    return world


def notice(world: World) -> str:
    return world.sent("staff_notice", to=IVAN)[-1].text


def test_it_names_the_sensitive_request(world: World) -> None:
    world.post(
        a_mail("Access", "Please send me a new password for the panel.", auth="pass"), "support@flexihost.example"
    )
    assert "Request: SENSITIVE (password)" in notice(world)


def test_it_names_the_customers_other_open_tickets_and_nobody_elses(world: World) -> None:
    def ask(sender: str, subject: str, text: str, auth: str = "pass") -> int:
        world.now += timedelta(minutes=11)
        mail = a_mail(
            subject, text, sender=sender, id_=f"{subject}@x.example".replace(" ", ""), auth=auth, at=world.now
        )
        return int(world.post(mail, "support@flexihost.example")["ticket"])

    first = ask("olena@shop.example", "Site shows 502", "Since the update it shows 502.")
    assert "Also open" not in notice(world)
    ask("sergey@sklad.example", "Mail is slow", "Mail is slow since noon.")
    assert "Also open" not in notice(world)
    stranger = ask("x@evil.example", "Prices of hosting", "What do you charge?", "none")
    second = ask("taras@shop.example", "Domain renewal", "How do I renew shop.example?")
    assert f"Also open for this customer: #{first}\n" in notice(world)
    ask("x@evil.example", "Another thing entirely", "Where are your servers?", "none")
    assert f"Also open for this customer: #{stranger}\n" in notice(world)
    third = ask("olena@shop.example", "PHP version", "Which PHP versions do you have?")
    assert f"Also open for this customer: #{second}, #{first}\n" in notice(world)
    assert third not in (first, second)


def test_it_says_what_the_ack_has_promised_and_asked(world: World) -> None:
    world.post(a_mail(auth="pass", text="My site does not work."), "support@flexihost.example")
    told = notice(world)
    assert "| Acknowledged; an answer is promised by " in told
    assert "; asked for: " in told
    world.now += timedelta(minutes=11)
    world.post(a_mail("Cancel", "I cancel my contract.", id_="c@shop.example"), "support@flexihost.example")
    assert "| Acknowledged; asked to show who is writing." in notice(world)


def test_it_leads_to_the_board(world: World) -> None:
    number = world.post(a_mail(auth="pass"), "support@flexihost.example")["ticket"]
    assert f"| Board: http://127.0.0.1:8025/tickets/{number}\n" in notice(world)
    assert not any("8025" in one.text for one in world.left if one.kind == "ack")


def test_what_cannot_be_seen_is_taken_out_of_names_and_subjects_and_left_in_texts(world: World) -> None:
    hidden = "Oleg\u200b \u2066Ko\u00adval\u202e\ufeff"
    mail = a_mail(
        "Site\u200b shows\u200d 502", "It shows\u200d 502.", sender=f"{hidden} <olena@shop.example>", auth="pass"
    )
    world.post(mail, "support@flexihost.example")
    letter = world.sent("staff_notice", to=IVAN)[-1]
    assert "| New ticket from Oleg Koval\n" in letter.text
    assert "Customer: Oleg Koval <olena@shop.example>" in letter.text
    assert str(letter.message["Subject"]) == "[flexihost #10001] Site shows 502"
    assert "It shows\u200d 502." in letter.text


@pytest.mark.parametrize(
    ("value", "language", "told"),
    [
        ("since this afternoon", "en", "this afternoon"),
        ("seit heute Morgen", "de", "heute Morgen"),
        ("od wczoraj", "pl", "od wczoraj"),
        ("с утра", "ru", "с утра"),
        ("sincerely yours", "en", "sincerely yours"),
    ],
)
def test_a_value_does_not_repeat_the_word_of_its_label(value: str, language: str, told: str) -> None:
    assert wording.told(value, "started", language) == told

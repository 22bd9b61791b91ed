"""P3: whoever guesses a number, a token, a Message-ID or a login learns nothing, not even whether it exists."""

import base64
import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import pytest

from mailgate import config, phrases, templates
from mailgate.compose.message import to_bytes
from mailgate.model.arrival import Arrival
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import RelaySettings, Settings, SmtpSettings, WorkerSettings
from mailgate.model.tokens import message_id, reply_address
from mailgate.pipeline import House
from mailgate.store import outbox, people, schema
from mailgate.store.engine import open_engine, transaction
from mailgate.store.ids import counted_ids

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
SECRET = b"a secret of the tests"
STRANGER = "mallory@evil.example"
NUMBER = 10001  # Olena's ticket, in the world that has one


@lru_cache
def _desks() -> dict[str, config.Desk]:  # type: ignore[name-defined]
    return {name: config.load_desk(name) for name in ("flexihost", "introserv", "strato")}


class World:
    """A house in memory. With `olena` it has an account, a contact, staff, and a ticket that talks of secrets."""

    def __init__(self, *, olena: bool) -> None:
        self._now = NOON
        self._ids = counted_ids(lambda: self._now)
        self._raws: dict[str, bytes] = {}
        settings = Settings(
            desks=_desks(), secret=SECRET, database_url="sqlite://", blobs_url="memory:", smtp=SmtpSettings(),
            relay=RelaySettings(url="maildir:nowhere"), worker=WorkerSettings(),
        )  # fmt: skip
        self._house = House(
            settings=settings, engine=open_engine("sqlite://"), templates=_templates(), phrases=_phrases(),
            ids=self._ids, clock=lambda: self._now, raw_of=self._raws.get,
        )  # fmt: skip
        schema.upgrade(self._house.engine)
        with transaction(self._house.engine) as connection:
            people.put_staff(connection, Staff(desk="flexihost", address="ivan@team.example", teams=("support",)))
            if olena:
                account = Account(id="", desk="flexihost", number="1001", login="olena", name="Olena K", language="uk")
                id_, _ = people.put_account(connection, account, self._ids)
                contact = Contact(id="", account=account, address="olena@shop.example", purposes=("support",))
                people.put_contact(connection, contact, id_, self._ids)
        if olena:
            self.receive(FIRST, "olena@shop.example", "pass")

    def receive(self, mail: str, sender: str = STRANGER, verdict: str = "pass", envelope: str | None = None) -> None:
        domain = sender.rpartition("@")[2]
        top = f"Authentication-Results: mx.flexihost.example; dmarc={verdict} header.from={domain}\n"
        raw = (top + mail.lstrip()).replace("\n", "\r\n").encode()
        digest = hashlib.sha256(raw).hexdigest()
        self._raws[digest] = raw
        to = re.search(r"^To: (\S+)", mail, re.MULTILINE)
        assert to is not None
        arrival = Arrival(
            id=self._ids(), desk="flexihost", channel="lmtp", received_at=self._now, digest=digest, size=len(raw),
            recipients=(to.group(1).lower(),), envelope_from=sender if envelope is None else envelope, is_trusted=True,
        )  # fmt: skip
        with transaction(self._house.engine) as connection:
            self._house.gatherer.forget_people()
            self._house.receive(connection, arrival, self._house.read(raw))
        self._now += timedelta(minutes=5)

    def letters_to(self, address: str) -> list[str]:
        """Every letter to the address, byte for byte as the relay gets it, but for numbers, dates, ids and tokens."""
        with transaction(self._house.engine) as connection:
            found = outbox.claim(connection, self._now + timedelta(days=1), 500, 10**7, "test")
        return [_neutral(to_bytes(one.rendered, (), NOON).decode()) for one in found if one.rendered.to == address]


def _neutral(letter: str) -> str:
    head, _, body = letter.partition("\r\n\r\n")
    if "encoding: base64" in head.lower():
        letter = f"{head}\r\n\r\n{base64.b64decode(body).decode()}"
    letter = re.sub(r"[0-9a-z]{6,}\.(?:t[0-9a-z]+|n)\.[0-9a-z]{26}@", "ID@", letter)
    letter = re.sub(r"\+r-[0-9a-z]+-[0-9a-z]{10}-[0-9a-z]{26}", "+TOKEN", letter)
    letter = re.sub(r"#\d{5}\b", "#NUMBER", letter)
    return re.sub(r"\d{1,2}:\d\d", "TIME", letter)


@lru_cache
def _templates():  # type: ignore[no-untyped-def]
    return templates.load()


@lru_cache
def _phrases():  # type: ignore[no-untyped-def]
    return phrases.load()


FIRST = """
From: Olena <olena@shop.example>
To: support@flexihost.example
Subject: Secret project Walrus
Message-ID: <first@shop.example>
Date: Wed, 4 Mar 2026 12:00:00 +0000

The database of walrus.example does not start.
"""


def a_mail(
    subject: str = "Hello", body: str = "Please tell me more.", to: str = "support@flexihost.example", **headers: str
) -> str:
    more = "".join(f"{name.replace('_', '-')}: {value}\n" for name, value in headers.items())
    return (
        f"From: Mallory <{STRANGER}>\nTo: {to}\nSubject: {subject}\nMessage-ID: <m1@evil.example>\n"
        f"Date: Wed, 4 Mar 2026 12:01:00 +0000\n{more}\n{body}\n"
    )


TOKEN = reply_address("support@flexihost.example", SECRET, "flexihost", "r", str(NUMBER), "olena@shop.example")
OURS = message_id(SECRET, "0abc", "flexihost.example", ticket=NUMBER)
OLENAS = "[flexihost #10001] Secret project Walrus"
MADE_UP_TOKEN = "support+r-7pt-abcdefghij-abcdefghijklmnopqrstuvwxyz@flexihost.example"
MADE_UP_ID = "0abc.t7pt.aaaaaaaaaaaaaaaaaaaaaaaaaa@flexihost.example"
REPORT = """Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<olena@shop.example>: 550 5.1.1 unknown

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.evil.example

Final-Recipient: rfc822; olena@shop.example
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Subject: Re: [flexihost #10001] Secret project Walrus
Message-ID: <0abc.t7pt.aaaaaaaaaaaaaaaaaaaaaaaaaa@flexihost.example>

--b--"""
GUESSES = {
    "a tag": a_mail("Re: [flexihost #10001] Secret project Walrus"),
    "a tag and a new subject": a_mail("Re: [flexihost #10001] Something else entirely"),
    "words": a_mail("Ticket #10001: please answer"),
    "words in Russian": a_mail("Заявка №10001", "Пришлите ответ ещё раз."),
    "a quoted tag": a_mail("Re: question", f"Please answer.\n\nOn Monday support wrote:\n> {OLENAS}\n> hello"),
    "a token that was stolen": a_mail("Secret project Walrus", to=TOKEN),
    "a token that is wrong": a_mail("Secret project Walrus", to=TOKEN.replace("@", "x@")),
    "a token made up": a_mail("Secret project Walrus", to=MADE_UP_TOKEN),
    "our Message-ID": a_mail("Re: Secret project Walrus", In_Reply_To=f"<{OURS}>"),
    "our Message-ID made up": a_mail("Re: Secret project Walrus", References=f"<{MADE_UP_ID}>"),
    "the customer's Message-ID": a_mail("Re: Secret project Walrus", In_Reply_To="<first@shop.example>"),
    "the same subject": a_mail("Secret project Walrus"),
    "a forward": a_mail("Fwd: [flexihost #10001] Secret project Walrus", In_Reply_To="<first@shop.example>"),
    "a contract number": a_mail("Hello", "договор № 1001, как сменить тариф?"),
    "a login": a_mail("Hello", "login: olena, how do I add a domain?"),
    "an invoice for a contract": a_mail("Invoice", "Please send me all invoices of contract no. 1001."),
    "a password for a contract": a_mail("Password", "Please reset the root password, contract no. 1001."),
    "a password for a login": a_mail("Password", "login: olena. Please reset the root password."),
    "a cancellation": a_mail("Cancellation", "I hereby cancel contract no. 1001."),
    "a host of theirs": a_mail("Outage", "walrus.example is completely down, nothing works."),
    "the customer in Cc": a_mail("Hello", Cc="olena@shop.example"),
    "a vacation reply": a_mail(f"Automatic reply: {OLENAS}", Auto_Submitted="auto-replied"),
    "a newsletter": a_mail("[flexihost #10001] News", Precedence="bulk", List_Id="<news.evil.example>"),
    "a bounce": a_mail("Undelivered Mail Returned to Sender").replace("\n\nPlease tell me more.", "\n" + REPORT),
}  # fmt: skip


SILENT = ("a vacation reply", "a newsletter", "a bounce")


@pytest.fixture(scope="module")
def worlds() -> tuple[World, World]:
    """The world with Olena's ticket, and the world without."""
    return World(olena=True), World(olena=False)


@pytest.mark.parametrize("verdict", ["pass", "none"])
@pytest.mark.parametrize("name", GUESSES)
def test_a_stranger_who_guesses_gets_what_they_would_get_where_there_is_nothing(
    name: str, verdict: str, worlds: tuple[World, World]
) -> None:
    stranger = f"m{list(GUESSES).index(name)}{verdict}@evil.example"  # each guess by somebody new
    guess = GUESSES[name].replace(STRANGER, stranger).replace("<m1@", f"<{stranger.partition('@')[0]}@")
    letters = []
    for world in worlds:
        world.receive(guess, stranger, verdict)
        letters.append(world.letters_to(stranger))
    assert letters[0] == letters[1]
    assert len(letters[0]) == (0 if name in SILENT else 1)
    assert not re.search(r"walrus(?!\.example)|olena", "".join(_without_own_words(letters[0], guess)), re.IGNORECASE)


def _without_own_words(letters: list[str], guess: str) -> Iterator[str]:
    own = {word.lower() for word in re.findall(r"\w+", guess)}
    for letter in letters:
        yield " ".join(word for word in re.findall(r"\w+", letter) if word.lower() not in own)


def test_the_customer_hears_nothing_of_a_guess() -> None:
    world = World(olena=True)
    before = world.letters_to("olena@shop.example")
    for place, guess in enumerate(GUESSES.values()):
        if "Cc: " not in guess:
            world.receive(guess.replace("m1@evil", f"m{place}@evil"))
    assert len(before) == 1
    assert world.letters_to("olena@shop.example") == []


def test_a_number_that_exists_looks_like_one_that_does_not() -> None:
    world = World(olena=True)
    world.receive(a_mail("Re: [flexihost #10001] My question"))
    world.receive(a_mail("Re: [flexihost #77777] My question").replace("m1@", "m2@"))
    first, second = (one.replace("m1@", "m2@") for one in world.letters_to(STRANGER))
    assert first == second

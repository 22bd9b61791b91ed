"""Whatever a staff member's mail program quotes, the customer sees their answer and nothing of the desk's own (C2, P3)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import lru_cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailgate.model.letter import NOTICE_MARKERS
from mailgate.model.people import Staff
from mailgate.store import people
from mailgate.store.engine import transaction
from tests.reply_styles import STYLES, Notice, plain
from tests.world import Left, World, a_mail

LANGUAGES = ("en", "de", "pl", "ru", "uk")
NOTE = "Between us: Walrus owes money since spring, node9-internal is to blame."
OTHER = "Pelican asks about the secret merger with Ostrich."
INLINE = ("gmail_inline", "gmail_html_inline", "thunderbird_inline", "mutt_inline")


class Play:
    """A desk with one customer, a colleague who notes, and one staff member for each language."""

    def __init__(self) -> None:
        self.world = World()
        self.count = 0
        self.world.account("1001", "olena@shop.example")
        self.world.account("1002", "pelican@other.example")
        with transaction(self.world.engine) as connection:
            for language in LANGUAGES:
                people.put_staff(connection, Staff(
                    desk="flexihost", address=f"ivan.{language}@team-inside.example", name="Ivan Zimorodok",
                    teams=("support",), language=language,
                ))  # fmt: skip

    def ask(self, asked: str, note: str) -> int:
        """A customer asks, another one asks something else, a colleague notes; return the ticket."""
        self.count += 1
        world, name = self.world, f"q{self.count}"
        world.now += timedelta(minutes=11)
        mail = a_mail(f"Question {name} about sites", asked, id_=f"{name}@shop.example", at=world.now)
        number = int(world.post(mail, "support@flexihost.example")["ticket"])
        mail = a_mail(
            f"Matter {name}", OTHER, sender="pelican@other.example", id_=f"{name}@other.example", at=world.now
        )
        world.post(mail, "support@flexihost.example")
        noted = a_mail(
            f"Re: [flexihost #{number}] x", note, sender="ivan.en@team-inside.example", to="support+note@flexihost.example",
            id_=f"n{name}@team-inside.example", auth="pass", at=world.now,
        )  # fmt: skip
        assert world.post(noted, "support+note@flexihost.example")["outcome"] == "note"
        more = a_mail(
            f"Re: [flexihost #{number}] Question {name} about sites",
            "Is anybody there?",
            id_=f"m{name}@shop.example",
            at=world.now,
        )
        world.post(more, "support@flexihost.example")
        return number

    def notice(self, number: int, language: str, asked: str) -> Left:
        """Return the notice of the first mail, which carries the question."""
        to = f"ivan.{language}@team-inside.example"
        return next(
            one
            for one in self.world.left
            if one.kind == "staff_notice" and one.letter.rendered.ticket == number and one.to == to
        )

    def answer(self, style: str, answer: str, notice: Left, asked: str) -> list[Left]:
        """Answer in a style; return what reaches the customer."""
        message = notice.message
        seen = Notice(
            text=notice.text.rstrip("\n"), sender=f"Support flexihost <{parseaddr(message['Reply-To'])[1]}>", to=notice.to,
            subject=str(message["Subject"]), asked=asked,
        )  # fmt: skip
        made = STYLES[style](answer, seen)
        reply = EmailMessage()
        domain = notice.to.partition("@")[2]
        reply["Authentication-Results"] = f"mx.flexihost.example; dmarc=pass header.from={domain}"
        reply["X-Internal-Host"] = "node9-internal"
        reply["Received"] = "from laptop.team-inside.example by mx.flexihost.example"
        reply["From"] = f"Ivan Zimorodok <{notice.to}>"
        reply["To"] = parseaddr(message["Reply-To"])[1]
        reply["Subject"] = made.prefix + seen.subject
        reply["In-Reply-To"] = str(message["Message-ID"])
        reply["Date"] = format_datetime(self.world.now)
        reply["Message-ID"] = f"<{style}{self.count}@team-inside.example>"
        if made.text:
            reply.set_content(made.text, cte="8bit")
        if made.html and made.text:
            reply.add_alternative(made.html, subtype="html")
        elif made.html:
            reply.set_content(made.html, subtype="html")
        before = len(self.world.left)
        outcome = self.world.post(reply.as_bytes(), parseaddr(message["Reply-To"])[1])
        assert outcome["outcome"] == "staff_reply", outcome["trace"]
        self.world.run(seconds=40)
        return [one for one in self.world.left[before:] if one.to == "olena@shop.example"]


@lru_cache(maxsize=1)
def play() -> Play:
    return Play()


def decoded(left: Left) -> str:
    parts = [part.get_content() for part in left.message.walk() if part.get_content_type().startswith("text/")]
    return "\n".join([*(f"{name}: {value}" for name, value in left.message.items()), *parts])


def leaks(left: Left, note: str = NOTE) -> list[str]:
    """What of the inside stands in a mail to a customer."""
    whole = decoded(left)
    found = [
        word
        for word in ("team-inside", "Zimorodok", "node9-internal", "X-Internal", "Ostrich", "Pelican")
        if word in whole
    ]
    found += [line for line in note.split("\n") if line and line in whole]
    found += [mark for mark in NOTICE_MARKERS if mark in whole]
    found += [
        one
        for one in ("#take", "#resolve", "#undo", "#escalate", "Sent from", "Von meinem", "Get Outlook")
        if one in whole
    ]
    found += re.findall(r"^[>\s]*\|(?: .*)?$", left.text, re.MULTILINE)
    own = set(re.findall(r"\+r-[0-9a-z]+-([0-9a-z]{10})-", whole))
    return found + ([f"tokens of {len(own)} people"] if len(own) > 1 else [])


def _pairs() -> Iterator[object]:
    """Every style in one language by turns; in all of them with the slow tests."""
    for place, style in enumerate(STYLES):
        for language in LANGUAGES:
            is_slow = language != LANGUAGES[place % len(LANGUAGES)]
            yield pytest.param(style, language, marks=pytest.mark.slow if is_slow else ())


@pytest.mark.parametrize(("style", "language"), list(_pairs()))
def test_the_customer_sees_the_answer_alone_however_it_is_quoted(style: str, language: str) -> None:
    asked = "The page shop.example shows an error since this morning and I do not know what to do about it."
    one = play()
    number = one.ask(asked, NOTE)
    sent = one.answer(style, "We have restarted it.\n\nPlease try again.", one.notice(number, language, asked), asked)
    [relay] = [left for left in sent if left.kind == "relay"]
    assert leaks(relay) == []
    body = relay.text
    assert "We have restarted it." in body
    assert "Please try again." in body
    assert relay.letter.rendered.ticket == number
    if style in INLINE:
        quoted = " ".join(line.lstrip("> ") for line in body.split("\n") if line.startswith(">"))
        assert plain(asked) in plain(quoted), "an inline answer keeps the words it answers"
    else:
        own_words = " ".join(line for line in body.split("\n") if not line.startswith(">"))
        assert asked not in plain(own_words)


WORDS = (
    st.text("abcdefgh äöłжі", min_size=3, max_size=40)
    .map(lambda text: " ".join(text.split()))
    .filter(lambda text: len(text) > 2)
)
LINES = st.lists(WORDS, min_size=1, max_size=3).map("\n".join)


@given(st.sampled_from(sorted(STYLES)), st.sampled_from(LANGUAGES), LINES, LINES, LINES)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_nothing_of_a_note_or_a_colleague_reaches_a_customer(
    style: str, language: str, asked: str, note: str, answer: str
) -> None:
    question, inside, reply = f"Frage: {asked}", f"Intern-Walross: {note}", f"Antwort: {answer}"
    one = play()
    number = one.ask(question, inside)
    sent = one.answer(style, reply, one.notice(number, language, question), question)
    assert [left.kind for left in sent].count("relay") == 1
    for left in sent:
        assert leaks(left, "") == []
        assert "Intern-Walross" not in decoded(left)
    relay = next(left for left in sent if left.kind == "relay")
    assert plain(reply) in plain(relay.text)


def test_no_letter_of_any_kind_to_a_customer_carries_the_inside() -> None:
    one = Play()
    number = one.ask("Nothing works, shop.example shows an error 502 for everybody.", NOTE)
    one.world.run(hours=2)  # the letters of the question no longer count (A3)
    say = [
        "#take", "#eta 2d", "#priority high", "#split Another matter", "#escalate\n\nOur admins have a look.", "#queue billing",
        "#lang en", "#resolve\n\nIt is done.", "#open", f"#note\n\n{NOTE}",
    ]  # fmt: skip
    for place, text in enumerate(say):
        mail = a_mail(
            f"Re: [flexihost #{number}] x", text, sender="Ivan Zimorodok <ivan.en@team-inside.example>",
            id_=f"say{place}-{number}@team-inside.example", auth="pass", at=one.world.now,
        )  # fmt: skip
        one.world.post(mail, "support@flexihost.example")
        one.world.run(minutes=11)
    one.world.run(days=9)
    sent = [left for left in one.world.left if left.to in ("olena@shop.example", "pelican@other.example")]
    assert {"ack", "relay", "promise", "split_notice", "escalation", "resolved"} <= {left.kind for left in sent}
    for left in sent:
        found = [leak for leak in leaks(left) if not (left.to.startswith("pelican") and leak in ("Pelican", "Ostrich"))]
        assert found == [], left.kind

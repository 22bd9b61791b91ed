"""Forged senders, verdicts, tokens and ids, guesses at tickets and accounts: nobody gets in or learns (P3, S2, T3)."""

import hmac
import re
from pathlib import Path

import pytest

from mailgate.model import tokens
from mailgate.model.tokens import is_token_of, message_id, read_message_id, read_token, reply_address
from tests.intake.doors import House as Doors
from tests.intake.doors import beside, house
from tests.world import World, a_mail

SUPPORT = "support@flexihost.example"
SECRET = b"a secret of the tests, 32 bytes."
OWNER = "olena@shop.example"


def a_world() -> World:
    world = World()
    world.account("1001", OWNER, login="olena")
    world.staff("ivan@team.example")
    return world


def with_ticket() -> tuple[World, int]:
    """Return a world in which Olena has a ticket with a secret in it."""
    world = a_world()
    world.post(a_mail(text="The root password is hunter2.", auth="pass"), SUPPORT)
    return world, world.tickets()[0].number


@pytest.mark.parametrize("place", range(26))
def test_a_token_with_one_letter_changed_is_none(place: int):
    address = reply_address(SUPPORT, SECRET, "flexihost", "r", "10001", OWNER)
    local, _, domain = address.rpartition("@")
    at = len(local) - 26 + place
    forged = f"{local[:at]}{'a' if local[at] != 'a' else 'b'}{local[at + 1 :]}@{domain}"
    assert read_token(address, SECRET, "flexihost") is not None
    assert read_token(forged, SECRET, "flexihost") is None


@pytest.mark.parametrize("place", range(26))
def test_our_own_message_id_with_one_letter_changed_is_a_strangers(place: int):
    own = message_id(SECRET, "01hq3zk5", "flexihost.example", ticket=10001)
    at = own.index("@") - 26 + place
    assert read_message_id(own, SECRET) is not None
    assert read_message_id(f"{own[:at]}{'a' if own[at] != 'a' else 'b'}{own[at + 1 :]}", SECRET) is None


def test_a_token_is_good_for_its_ticket_its_desk_its_addressee_and_its_kind_alone():
    token = reply_address(SUPPORT, SECRET, "flexihost", "r", "10001", OWNER)
    read = read_token(token, SECRET, "flexihost")
    assert read is not None
    assert is_token_of(read, SECRET, OWNER)
    assert not is_token_of(read, SECRET, "evil@x.example")
    assert read_token(token, SECRET, "introserv") is None
    assert read_token(token, SECRET[::-1], "flexihost") is None
    other = reply_address(SUPPORT, SECRET, "flexihost", "r", "10002", OWNER)
    check, foreign = token.partition("@")[0][-26:], other.partition("@")[0]
    assert read_token(f"{foreign[:-26]}{check}@flexihost.example", SECRET, "flexihost") is None
    assert read_token(token.replace("+r-", "+h-"), SECRET, "flexihost") is None


def test_checksums_are_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch):
    compared: list[tuple[str, str]] = []

    def compare(one: str, other: str) -> bool:
        compared.append((one, other))
        return hmac.compare_digest(one, other)

    monkeypatch.setattr(
        tokens, "hmac", type("Spy", (), {"compare_digest": staticmethod(compare), "digest": hmac.digest})
    )
    address = reply_address(SUPPORT, SECRET, "flexihost", "r", "10001", OWNER)
    token = read_token(address, SECRET, "flexihost")
    assert token is not None
    is_token_of(token, SECRET, OWNER)
    read_message_id(message_id(SECRET, "01hq3zk5", "flexihost.example", ticket=10001), SECRET)
    assert len(compared) == 3
    source = Path(tokens.__file__).read_text(encoding="utf-8")
    assert not re.search(r"\bcheck\s*[!=]=|[!=]=\s*(?:check|_check|_who)\b", source)


CLAIMS = {
    "the tag": {"subject": "Re: [flexihost #{n}] Site shows 502"},
    "words": {"subject": "Re: ticket #{n}"},
    "the ack's Message-ID": {"more": "In-Reply-To: {ack}\n"},
    "the customer's Message-ID": {"more": "References: <a1@shop.example>\n"},
    "the token of another": {"to": "{token}"},
}


@pytest.mark.parametrize("auth", ["", "pass"])
@pytest.mark.parametrize("name", CLAIMS)
def test_a_stranger_with_good_evidence_gets_a_ticket_of_their_own_and_no_word_of_the_other(name: str, auth: str):
    world, number = with_ticket()
    [ack] = world.sent("ack")
    known = {"n": number, "ack": ack.message["Message-ID"], "token": ack.letter.rendered.reply_to}
    claim = {key: value.format(**known) for key, value in CLAIMS[name].items()}
    to = claim.get("to", SUPPORT)
    got = world.post(
        a_mail(**{"subject": "Hello again", **claim, "to": to}, sender="x <eve@evil.example>",
               id_="e@evil.example", auth=auth, text="What is the password?"), to,
    )  # fmt: skip
    assert got["outcome"] == "new"
    assert got["ticket"] != number
    world.run(hours=40)
    letters = world.sent(to="eve@evil.example")
    assert letters
    for one in letters:
        assert "hunter2" not in one.text
        assert str(number) not in one.text.replace(str(claim.get("subject", "")), "")
        assert OWNER not in one.text


def told_to(world: World, address: str) -> list[bytes]:
    """Return what an address got, byte for byte, without what differs from letter to letter by nature."""
    return [
        re.sub(rb"<[0-9a-z]{16}\.[^>]+>|X-Mailgate-ID: \S+|support\+\S+@", b"-", one.raw)
        for one in world.sent(to=address)
    ]


def test_a_ticket_that_exists_and_one_that_does_not_are_answered_by_the_same_bytes():
    answers = []
    for claimed in ("10001", "99999"):
        world = a_world()
        # two numbers are taken in both worlds; only one of them is claimed
        world.post(a_mail(auth="pass"), SUPPORT)
        world.post(
            a_mail(f"Re: [flexihost #{claimed}] Hello", "Any news?", sender="eve@evil.example", id_="e@evil.example"),
            SUPPORT, trusted=False,
        )  # fmt: skip
        world.run(hours=3)
        answers.append([one.replace(claimed.encode(), b"-----") for one in told_to(world, "eve@evil.example")])
    assert answers[0]
    assert answers[0] == answers[1]


NAMING = (
    "My contract number is {}. Please cancel it.", "login: {}\nPlease send me the auth code for shop.example.",
    "договор № {}. Прошу расторгнуть договор.",
)  # fmt: skip


@pytest.mark.parametrize("text", NAMING)
def test_an_account_that_exists_and_one_that_does_not_are_answered_by_the_same_bytes(text: str):
    answers = []
    for named in ("1001", "7777"):
        world = a_world()
        world.post(
            a_mail("Request", text.format(named), sender="Eve <eve@evil.example>", id_="e@evil.example"),
            SUPPORT,
            trusted=False,
        )
        world.run(hours=3)
        answers.append([one.replace(named.encode(), b"----") for one in told_to(world, "eve@evil.example")])
    assert answers[0]
    assert answers[0] == answers[1]
    assert OWNER.encode() not in b"".join(answers[0])


async def test_the_answer_to_a_recipient_tells_no_good_token_from_a_bad_one():
    token = reply_address(SUPPORT, SECRET, "flexihost", "r", "10001", OWNER)

    def ask(here: Doors) -> list[str]:
        with here.dial() as line:
            line.say("EHLO x")
            line.say("MAIL FROM:<a@b.example>")
            asked = (
                token,
                token[:-20] + "0" + token[-19:],
                "support+r-1-a-b@flexihost.example",
                "support+10001@flexihost.example",
            )
            return [line.say(f"RCPT TO:<{one}>") for one in asked]

    async with house() as here:
        replies = await beside(ask, here)
    assert len(set(replies)) == 1
    assert replies[0].startswith("250")


async def test_vrfy_and_expn_tell_nobody_who_is_there():
    def ask(here: Doors) -> list[str]:
        with here.dial() as line:
            line.say("EHLO x")
            return [line.say(f"{verb} {who}") for verb in ("VRFY", "EXPN") for who in ("support", "nobody", SUPPORT)]

    async with house() as here:
        replies = await beside(ask, here)
    assert len(set(replies[:3])) == len(set(replies[3:])) == 1


VERDICT = "Authentication-Results: mx.flexihost.example; dmarc=pass header.from={domain}\n"


@pytest.mark.parametrize("sender", ["ivan@team.example", OWNER])
def test_a_verdict_that_a_stranger_wrote_is_none(sender: str):
    world, number = with_ticket()
    got = world.post(
        a_mail(f"Re: [flexihost #{number}] Site", "#close", sender=sender, id_="f@x.example",
               more=VERDICT.format(domain=sender.partition("@")[2])), SUPPORT, trusted=False,
    )  # fmt: skip
    if sender == OWNER:  # a registered address may add; it is not verified by its own word
        assert got["outcome"] == "follow_up"
        assert "registered" in str(got["trace"])
    else:
        assert got["outcome"] == "held"
    assert world.tickets()[0].status != "closed"


def test_below_the_verdict_of_the_desks_own_server_another_one_counts_for_nothing():
    world, number = with_ticket()
    forged = VERDICT.format(domain="team.example")
    own = "Authentication-Results: mx.flexihost.example; dmarc=fail header.from=team.example\r\n"
    raw = own.encode() + a_mail(
        f"Re: [flexihost #{number}] x", "#close", sender="ivan@team.example", more=forged, id_="f@x.example"
    )
    assert world.post(raw, SUPPORT)["outcome"] == "held"


LOOKALIKES = (
    "Authentication-Results: mx.flexihost.example.evil.example; dmarc=pass header.from=team.example\n",
    "Authentication-Results: (mx.flexihost.example) evil.example; dmarc=pass header.from=team.example\n",
    'Authentication-Results: "mx.flexihost.example evil"; dmarc=pass header.from=team.example\n',
    "Authentication-Results: mx.flexihost.example; dmarc=none (dmarc=pass header.from=team.example)\n",
    "Authentication-Results: mx.flexihost.example; spf=pass smtp.mailfrom=evil.example; dkim=pass "
    "header.d=evil.example\n",
    "Authentication-Results: mx.flexihost.example; dmarc=pass header.from=evil.example\n",
    "Authentication-Results: mx.flexihost.example; dkim=pass header.d=example\n",
    "X-Authentication-Results: mx.flexihost.example; dmarc=pass header.from=team.example\n",
)


@pytest.mark.parametrize("header", LOOKALIKES)
def test_what_looks_like_a_verdict_of_the_desks_server_is_not_one(header: str):
    world, number = with_ticket()
    got = world.post(
        a_mail(f"Re: [flexihost #{number}] x", "#close", sender="ivan@team.example", more=header, id_="f@x.example"),
        SUPPORT,
    )
    assert got["outcome"] == "held"
    assert not world.sent("relay")


SENDERS = {
    "two From headers": "From: eve@evil.example\nFrom: ivan@team.example\n",
    "two addresses": "From: eve@evil.example, ivan@team.example\n",
    "staff as the name": 'From: "ivan@team.example" <eve@evil.example>\n',
    "staff in a comment": "From: eve@evil.example (ivan@team.example)\n",
    "staff as Sender": "From: eve@evil.example\nSender: ivan@team.example\n",
    "staff as Reply-To": "From: eve@evil.example\nReply-To: ivan@team.example\n",
    "staff with a nul": "From: ivan@team.example\0.evil.example\n",
    "staff as an encoded word": "From: =?utf-8?Q?ivan=40team.example?= <eve@evil.example>\n",
    "an encoded address": "From: =?utf-8?Q?ivan=40team.example=3E?=@evil.example\n",
    "a lookalike letter": "From: iv\u0430n@team.example\n",
    "a part of the address": "From: van@team.example\n",
    "a route": "From: <@team.example:eve@evil.example>\n",
}


@pytest.mark.parametrize("name", SENDERS)
def test_only_the_one_from_address_is_the_sender(name: str):
    world, number = with_ticket()
    raw = a_mail(f"Re: [flexihost #{number}] x", "#close", id_="f@x.example").decode()
    raw = "Authentication-Results: mx.flexihost.example; dmarc=pass header.from=evil.example\r\n" + raw
    raw = raw.replace("From: Olena Kovalenko <olena@shop.example>\r\n", SENDERS[name].replace("\n", "\r\n"))
    got = world.post(raw.encode(), SUPPORT)
    assert got["outcome"] in ("new", "held", "set_aside")
    assert world.tickets()[0].status == "new"
    assert not world.sent("relay")


def test_our_mark_with_a_wrong_checksum_makes_no_loop():
    world = a_world()
    forged = "06facteig0000009.t7pt.8li83l9seds85hauqo1sqp0fop@flexihost.example"
    got = world.post(a_mail(more=f"X-Mailgate-ID: {forged}\n", id_=forged), SUPPORT)
    assert got["outcome"] == "new"  # nobody's mail is silenced by a header that anybody can write


def test_a_forged_bounce_marks_nobody_and_moves_nothing():
    world, number = with_ticket()
    before = world.tickets()[0]
    report = (
        "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n"
    )  # fmt: skip
    body = (
        f"--b\nContent-Type: text/plain\n\nUndelivered [flexihost #{number}]\n--b\n"
        "Content-Type: message/delivery-status\n\n"
        f"Reporting-MTA: dns; evil.example\n\nFinal-Recipient: rfc822; {OWNER}\nAction: failed\nStatus: 5.1.1\n\n"
        "--b\nContent-Type: message/rfc822\n\n"
        "Message-ID: <06facteig0000009.t7pt.8li83l9seds85hauqo1sqp0fop@flexihost.example>\n"
        f"Subject: [flexihost #{number}] x\n\nx\n--b--"
    )
    got = world.post(
        a_mail("Undelivered Mail Returned to Sender", body, sender="MAILER-DAEMON@evil.example", more=report), SUPPORT,
        trusted=False,
    )  # fmt: skip
    assert got["outcome"] == "set_aside"
    assert world.tickets()[0] == before

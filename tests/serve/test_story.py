"""A story of ten mails against a running daemon: the customer by SMTP, the colleague from a real IMAP mailbox."""

import email
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.imap.dovecot import Dovecot
from tests.imap.dovecot import running as dovecot_running
from tests.serve.daemon import Daemon, mail, running

CUSTOMER, COLLEAGUE = "en@shop.example", "ivan@team.example"

pytestmark = [pytest.mark.server("dovecot"), pytest.mark.timeout(240)]


class Mailbox:
    """The colleague's mailbox: letters to him are delivered into it, and he reads and answers from there."""

    def __init__(self, server: Dovecot, daemon: Daemon) -> None:
        self._server = server
        self._daemon = daemon
        self._delivered = 0
        self._sent = 0

    def read(self, *words: str) -> EmailMessage:
        """Return the newest mail in the mailbox whose text has all the words, once it is there."""
        return self._daemon.wait_for(lambda: self._look(words), seconds=60)

    def answer(self, notice: EmailMessage, text: str, *, to: str | None = None) -> None:
        """Reply as his program does: above the quoted notice, with its own attribution and signature."""
        self._sent += 1
        quoted = "\n".join("> " + line for line in notice.get_content().splitlines())
        body = f"{text}\n\n-- \nIvan Petrenko\n{COLLEAGUE}\n\nOn Tue, 9 Jun 2026 at 10:00, flexihost wrote:\n{quoted}"
        raw = mail(body, sender=COLLEAGUE, subject=f"Re: {notice['Subject']}", message_id=f"i{self._sent}@team.example",
                   In_Reply_To=notice["Message-ID"])  # fmt: skip
        self._daemon.send(raw, to=to or notice["Reply-To"].partition("<")[2].rstrip(">") or notice["Reply-To"],
                          sender=COLLEAGUE)  # fmt: skip

    def _look(self, words: tuple[str, ...]) -> EmailMessage | None:
        letters = self._daemon.letters(COLLEAGUE)
        self._server.put(COLLEAGUE, [one.as_bytes(policy=policy.SMTP) for one in letters[self._delivered :]])
        self._delivered = len(letters)
        client = self._server.client(COLLEAGUE)
        try:
            client.select("INBOX")
            for number in reversed(client.search(None, "ALL")[1][0].split()):
                raw = client.fetch(number, "(BODY.PEEK[])")[1][0][1]
                found = email.message_from_bytes(raw, policy=policy.default)
                assert isinstance(found, EmailMessage)
                if all(word in found.get_content() for word in words):
                    return found
        finally:
            client.logout()
        return None


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Daemon]:
    with running(tmp_path / "desk") as one:
        yield one


@pytest.fixture
def mailbox(daemon: Daemon) -> Iterator[Mailbox]:
    with dovecot_running() as server:
        yield Mailbox(server, daemon)


def test_ten_mails_between_a_customer_and_a_colleague_end_right(daemon: Daemon, mailbox: Mailbox):
    # 1 the customer asks
    subject = "Contact form returns error 550"
    daemon.send(
        mail("The contact form says 550 relay denied.", sender=CUSTOMER, subject=subject, message_id="c1@shop.example")
    )
    ack = daemon.wait_for(lambda: daemon.letters(CUSTOMER, "ack"))[0]
    notice = mailbox.read("550 relay denied", "#resolve")

    # 2 the colleague takes it, 3 notes something for the others
    mailbox.answer(notice, "#take")
    mailbox.answer(notice, "#note\n\nHe moved from another provider last week.")
    # 4 and answers
    mailbox.answer(notice, "Which address does the form send from?")
    relay = daemon.wait_for(lambda: daemon.letters(CUSTOMER, "relay"))[0]
    assert "Which address does the form send from?" in relay.get_content()
    assert ticket(daemon)["status"] == "waiting"

    # 5 the customer answers, 6 and adds something under a mangled tag
    daemon.send(mail("From form@shop.example.", sender=CUSTOMER, subject=f"Re: {relay['Subject']}",
                     message_id="c2@shop.example", In_Reply_To=relay["Message-ID"]))  # fmt: skip
    mailbox.read("form@shop.example")
    mangled = f"RE: AW: {str(ack['Subject']).upper().replace('#', '  #')}"
    daemon.send(mail("It worked last month.", sender=CUSTOMER, subject=mangled, message_id="c3@shop.example"))
    second = mailbox.read("It worked last month.")

    # 7 the colleague solves it
    mailbox.answer(second, "#resolve\n\nPlease use localhost as SMTP server, it works now.")
    daemon.wait_for(lambda: daemon.letters(CUSTOMER, "resolved"))
    daemon.wait_for(lambda: len(daemon.letters(CUSTOMER, "relay")) == 2)
    assert ticket(daemon)["status"] == "resolved"

    # 8 the customer says thank you: nothing moves
    daemon.send(
        mail("Thank you very much!", sender=CUSTOMER, subject=f"Re: {ack['Subject']}", message_id="c4@shop.example")
    )
    mailbox.read("Thank you very much!")
    assert ticket(daemon)["status"] == "resolved"

    # 9 and asks something else under the old tag: a ticket of its own
    other = f"Re: [flexihost #{ticket(daemon)['number']}] Invoice for June"
    daemon.send(
        mail("Please send me the invoice for June.", sender=CUSTOMER, subject=other, message_id="c5@shop.example")
    )
    acks = daemon.wait_for(lambda: found if len(found := daemon.letters(CUSTOMER, "ack")) == 2 else [])
    assert "Invoice for June" in str(acks[1]["Subject"])
    assert f"#{ticket(daemon)['number']}" in acks[1].get_content()

    # 10 a stranger's guess comes to nothing
    daemon.send(mail("Tell me.", sender="x@evil.example", subject=f"Re: {ack['Subject']}", message_id="x1@evil.example",
                     auth="none"))  # fmt: skip
    daemon.wait_for(lambda: daemon.letters("x@evil.example", "ack"))

    shown = ticket(daemon)
    assert [one["kind"] for one in shown["messages"]] == [
        "customer", "note", "staff", "customer", "customer", "staff", "customer"
    ]  # fmt: skip
    assert shown["owner"] == COLLEAGUE
    for letter in daemon.letters(CUSTOMER):
        text = letter.as_string() + letter.get_content()
        for inner in (COLLEAGUE, "Ivan Petrenko", "another provider", "#take", "=== mailgate"):
            assert inner not in text, f"{inner} in {letter['Subject']}"


def ticket(daemon: Daemon) -> dict:
    """Return the ticket of the story."""
    first = min(one["number"] for one in daemon.cli("ticket", "list"))
    return daemon.cli("ticket", "show", str(first))[0]

"""What colleagues write to each other and to experts stays inside (C8), however their programs forward and answer."""

from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

import pytest

from mailgate.model.letter import NOTICE_MARKERS
from mailgate.store.engine import reading
from mailgate.store.gather import read_messages
from tests.forward_styles import ANSWERS, FORWARDS
from tests.reply_styles import quoted
from tests.world import Left, World, a_mail

OLENA, IVAN, PETRO, EXPERT = "olena@shop.example", "ivan@team.example", "petro@team.example", "dan@datacenter.example"
WORDS = "Dan, is this your switch again? The customer is a pain."
ANSWER = "Yes, port 7 flaps. Do not tell them."


class Desk:
    """A customer's question with its notices, and people who write about it."""

    def __init__(self) -> None:
        self.world = World()
        self.world.account("1001", OLENA)
        self.world.staff(IVAN, name="Ivan Petrenko")
        self.world.staff(PETRO, name="Petro Melnyk")
        self.number = int(self.world.post(a_mail(auth="pass"), "support@flexihost.example")["ticket"])
        self.count = 0

    def notice(self, to: str = IVAN) -> Left:
        return self.world.sent("staff_notice", to=to)[0]

    def write(
        self, sender: str, subject: str, text: str, *, answers: str = "", attached: bytes = b"", **headers: str
    ) -> str:
        """Let somebody write; return what became of it. `answers` is a Message-ID with its brackets."""
        self.count += 1
        mail = EmailMessage()
        domain = sender.partition("@")[2]
        mail["Authentication-Results"] = f"mx.flexihost.example; dmarc=pass header.from={domain}"
        mail["From"] = sender
        mail["Subject"] = subject
        mail["Message-ID"] = f"<w{self.count}@{domain}>"
        mail["Date"] = format_datetime(self.world.now)
        for name, value in headers.items():
            mail[name] = value
        if answers:
            mail["In-Reply-To"] = mail["References"] = answers
        mail.set_content(text, cte="8bit")
        if attached:
            inner = EmailMessage()
            inner["From"] = "Support flexihost <support@flexihost.example>"
            inner["Subject"] = "x"
            inner.set_content("inside")
            mail.add_attachment(inner)
        self.last_id = str(mail["Message-ID"])
        outcome = self.world.post(mail.as_bytes(), "support@flexihost.example")
        assert outcome["ticket"] == self.number, outcome["trace"]
        return str(outcome["outcome"])

    def forward(self, program: str, words: str = WORDS, **headers: str) -> str:
        style, notice = FORWARDS[program], self.notice()
        subject = str(notice.message["Subject"])
        sender = f"Support flexihost <{parseaddr(notice.message['Reply-To'])[1]}>"
        text = style.body(words, notice.text, sender, IVAN, subject)
        to = headers or {"To": EXPERT, "Cc": "support@flexihost.example"}
        return self.write(IVAN, style.prefix + subject, text, answers=str(notice.message["Message-ID"]), **to)

    def last_note(self) -> str:
        with reading(self.world.engine) as connection:
            entry = read_messages(connection, [self.number])[self.number][-1]
        assert entry.kind == "note"
        return entry.visible_text

    def to_outside(self) -> list[tuple[str, str]]:
        """What leaves for anybody who is not of the desk, the first ack left out."""
        self.world.run(minutes=1)
        return [(one.kind, one.to) for one in self.world.left if "team.example" not in one.to and one.kind != "ack"]


@pytest.mark.parametrize("program", list(FORWARDS))
def test_a_forward_to_an_expert_with_the_desk_in_copy_is_a_note(program: str) -> None:
    desk = Desk()
    assert desk.forward(program) == "note"
    assert desk.to_outside() == []
    assert desk.world.tickets()[0].unanswered_since is not None, "the customer still waits for an answer"
    if program in ANSWERS or not program.startswith("a program"):
        assert desk.last_note() == WORDS
    assert not any(mark in desk.last_note() for mark in NOTICE_MARKERS)


@pytest.mark.parametrize("program", ["gmail-en", "outlook-de", "apple-ru", "thunderbird-pl"])
def test_a_forward_to_the_desk_alone_is_a_note_and_its_writer_is_told(program: str) -> None:
    desk = Desk()
    assert desk.forward(program, To="support@flexihost.example") == "note"
    assert desk.to_outside() == []
    [told] = desk.world.sent("command_done", to=IVAN)
    assert "как заметка" in told.text


def test_a_forward_as_an_attachment_is_a_note() -> None:
    desk = Desk()
    subject = f"Fwd: {desk.notice().message['Subject']}"
    assert desk.write(IVAN, subject, WORDS, attached=b"x", To=EXPERT, Cc="support@flexihost.example") == "note"
    assert (desk.to_outside(), desk.last_note()) == ([], WORDS)


@pytest.mark.parametrize("answer", list(ANSWERS))
def test_the_experts_answer_is_a_note_and_goes_to_whoever_asked(answer: str) -> None:
    desk = Desk()
    desk.forward("gmail-en")
    prefix, line = ANSWERS[answer]
    text = f"{ANSWER}\n\n{line.format(f'Ivan Petrenko <{IVAN}>')}\n{quoted(WORDS) if 'gmail' in answer else WORDS}\n"
    subject = f"{prefix}Fwd: {desk.notice().message['Subject']}"
    status = desk.world.tickets()[0].status
    assert desk.write(EXPERT, subject, text, answers=desk.last_id, To=IVAN, Cc="support@flexihost.example") == "note"
    assert (desk.to_outside(), desk.last_note()) == ([], ANSWER)
    told = [one for one in desk.world.sent("staff_notice") if ANSWER in one.text]
    assert [one.to for one in told] == [IVAN]
    assert desk.world.tickets()[0].status == status
    assert len(desk.world.tickets()) == 1


def test_an_experts_answer_by_the_tag_alone_is_a_note_too() -> None:
    desk = Desk()
    desk.forward("outlook-en")
    assert desk.write(EXPERT, f"RE: [flexihost #{desk.number}] Site", ANSWER, To="support@flexihost.example") == "note"
    assert desk.to_outside() == []


def test_nobody_else_becomes_an_expert_by_the_tag() -> None:
    desk = Desk()
    desk.forward("gmail-en")
    with pytest.raises(AssertionError):
        desk.write(
            "x@evil.example",
            f"Re: Fwd: [flexihost #{desk.number}] x",
            ANSWER,
            answers=desk.last_id,
            To="support@flexihost.example",
        )


def test_going_on_with_the_expert_stays_inside_also_where_the_desk_stands_in_to() -> None:
    desk = Desk()
    desk.forward("gmail-en")
    subject = f"Re: Fwd: {desk.notice().message['Subject']}"
    desk.write(EXPERT, subject, ANSWER, answers=desk.last_id, To=IVAN, Cc="support@flexihost.example")
    more = "Then replace it, and keep quiet."
    assert desk.write(IVAN, subject, more, answers=desk.last_id, To=f"{EXPERT}, support@flexihost.example") == "note"
    assert (desk.to_outside(), desk.last_note()) == ([], more)


def test_a_question_to_a_colleague_and_the_answer_are_notes() -> None:
    desk = Desk()
    subject = f"[flexihost #{desk.number}] your opinion?"
    assert desk.write(IVAN, subject, WORDS, To=PETRO, Cc="support@flexihost.example") == "note"
    assert desk.write(PETRO, f"Re: {subject}", ANSWER, answers=desk.last_id, To="support@flexihost.example") == "note"
    assert desk.to_outside() == []
    assert [one.to for one in desk.world.sent("staff_notice") if ANSWER in one.text] == [IVAN]


def test_a_blind_copy_to_the_desk_of_a_mail_to_somebody_outside_is_a_note_and_its_writer_is_not_bothered() -> None:
    desk = Desk()
    assert desk.write(IVAN, f"[flexihost #{desk.number}] offer", WORDS, To=EXPERT) == "note"
    assert desk.to_outside() == []
    assert desk.world.sent("command_done") == []


def test_commands_above_a_forward_are_carried_out() -> None:
    desk = Desk()
    assert desk.forward("gmail-en", f"#priority high\n#take\n{WORDS}") == "note"
    ticket = desk.world.tickets()[0]
    assert (ticket.priority, ticket.owner, desk.last_note()) == ("high", IVAN, WORDS)


@pytest.mark.parametrize(
    ("to", "cc"),
    [("support@flexihost.example", ""), ("support@flexihost.example", EXPERT), (OLENA, "support@flexihost.example")],
)
def test_a_reply_to_the_desk_or_to_the_customer_is_relayed(to: str, cc: str) -> None:
    desk = Desk()
    headers = {"To": to} | ({"Cc": cc} if cc else {})
    subject = f"Re: {desk.notice().message['Subject']}"
    assert (
        desk.write(IVAN, subject, "Fixed.", answers=str(desk.notice().message["Message-ID"]), **headers)
        == "staff_reply"
    )
    assert desk.to_outside() == [("relay", OLENA)]


def test_an_untagged_forward_of_a_notice_is_about_its_ticket() -> None:
    desk = Desk()
    notice = desk.notice()
    text = FORWARDS["gmail-en"].body(WORDS, notice.text, "<support@flexihost.example>", IVAN, "Site")
    answers = str(notice.message["Message-ID"])
    assert desk.write(IVAN, "Fwd: Site", text, answers=answers, To=EXPERT, Cc="support@flexihost.example") == "note"
    assert (desk.to_outside(), desk.last_note()) == ([], WORDS)


def test_a_customer_who_was_asked_inside_and_answers_on_their_own_ticket_is_heard_as_a_customer() -> None:
    desk = Desk()
    subject = f"Fwd: [flexihost #{desk.number}] Site"
    desk.write(IVAN, subject, WORDS, To=f"{EXPERT}, {OLENA}", Cc="support@flexihost.example")
    assert (
        desk.write(OLENA, f"Re: {subject}", "It works now.", answers=desk.last_id, To="support@flexihost.example")
        == "follow_up"
    )

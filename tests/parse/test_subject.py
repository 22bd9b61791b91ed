"""T1d, T2, T4: tags, prefixes, numbers in words, and the core of a subject."""

import pytest

from mailgate.model.phrases import Phrases
from mailgate.parse import subject

TAGS = ("flexihost", "introserv", "strato")

SUBJECTS = [
    ("[introserv #10234] Port 22", "Port 22", [10234]),
    ("RE: AW: WG: Odp: PD: Отв: Ответ: На: Fwd: Re[2]: [StRaTo  # 10079 ] x", "x", [10079]),
    ("Re: На: НА: Відп: Переслано: [flexihost #1] x", "x", [1]),
    ("Re:[flexihost#12347]DNS", "DNS", [12347]),
    ("Re (2): [flexihost #7] x", "x", [7]),
    ("Re^2: RE*3: [flexihost #7] x", "x", [7]),
    ("[introserv #10236] Re: Fwd: RAID", "RAID", [10236]),
    ("AW: Zertifikat [strato #10080]", "Zertifikat", [10080]),
    ("Question [introserv #10238] about invoices", "Question about invoices", [10238]),
    ("Re: [flexihost\u00a0#12348] Заявка на перенос", "Заявка на перенос", [12348]),
    ("Re: [introserv #10300] [introserv #10242] [introserv #10300] Disk", "Disk", [10300, 10242]),
    ("Re: [strato #10084]", "", [10084]),
    ("", "", []),
    ("Order #123456 late", "Order #123456 late", []),
    ("Bestellung #445566: Server", "Bestellung #445566: Server", []),
    ("#123456", "#123456", []),
    ("Re: [JIRA #4711] Patch", "[JIRA #4711] Patch", []),
    ("[flexihost] Works", "[flexihost] Works", []),
    ("[flexihosting #12] x", "[flexihosting #12] x", []),
    ("Reparatur: Anzeige", "Reparatur: Anzeige", []),
    ("Recovery: base", "Recovery: base", []),
    ("Наша: заявка", "Наша: заявка", []),
    ("Re: ticket", "ticket", []),
    ("[EXTERNAL] Re: [flexihost #12] x", "x", [12]),
    ("Re: [flexihost #12] [EXT] AW: x", "x", [12]),
    ("EXT: x", "x", []),
    ("*****SPAM(15.3)***** Fwd: x", "x", []),
    ("{Spam?} [External Sender] x", "x", []),
    ("[ВНЕШНЕЕ] Отв: x", "x", []),
    ("[ Caution: External Email ] x", "x", []),
    ("[SPAM 5,2]Odp: x", "x", []),
    ("[EXTERNAL]", "", []),
    ("Spam: what can I do?", "Spam: what can I do?", []),
    ("External monitoring is down", "External monitoring is down", []),
    ("Extern: Festplatte", "Extern: Festplatte", []),
    ("x [EXTERNAL]", "x [EXTERNAL]", []),
    ("[external disk] x", "[external disk] x", []),
]


@pytest.mark.parametrize(("text", "core", "numbers"), SUBJECTS)
def test_tags_and_prefixes_are_taken_off_the_core(text: str, core: str, numbers: list[int], phrases: Phrases) -> None:
    found = subject.facts(text, phrases, TAGS)
    assert found.core == core
    assert [tag.number for tag in found.tags] == numbers


@pytest.mark.parametrize(
    ("text", "core", "numbers"),
    [
        ("Ticket #12345", "", (12345,)),
        ("Ticket Nr. 12345: Postfach", "Postfach", (12345,)),
        ("Re: ticket 12345 mail", "mail", (12345,)),
        ("zgłoszenie nr 12345 - poczta", "poczta", (12345,)),
        ("Заявка №12345, домен", "домен", (12345,)),
        ("тикет 12345", "", (12345,)),
        ("Звернення № 12345: сайт", "сайт", (12345,)),
        ("Support ticket #12345 and ticket #12346", "and", (12345, 12346)),
        ("Order 12345", "Order 12345", ()),
        ("заказ №12345", "заказ №12345", ()),
        ("zamówienie nr 12345", "zamówienie nr 12345", ()),
        ("Kernel panic on server #10001", "Kernel panic on server #10001", ()),
        ("The ticket 3 days later", "The ticket 3 days later", ()),
    ],
)
def test_words_with_a_ticket_number_are_evidence(
    text: str, core: str, numbers: tuple[int, ...], phrases: Phrases
) -> None:
    found = subject.facts(text, phrases, TAGS)
    assert (found.core, found.word_numbers) == (core, numbers)


@pytest.mark.parametrize(
    ("text", "is_reply", "is_forward"),
    [("Re: x", True, False), ("WG: AW: x", False, True), ("AW: WG: x", True, False), ("PD: x", False, True),
     ("[strato #1] Re: x", True, False), ("x", False, False)],
)  # fmt: skip
def test_the_first_prefix_says_what_the_mail_is(text: str, is_reply: bool, is_forward: bool, phrases: Phrases) -> None:
    found = subject.facts(text, phrases, TAGS)
    assert (found.is_reply, found.is_forward) == (is_reply, is_forward)


def test_a_tag_torn_by_a_quoted_line_break_is_read() -> None:
    assert [tag.number for tag in subject.quoted_tags("> [flexihost\n> #10001] x", TAGS)] == [10001]

"""M9: where a filter's word counts, and what becomes of what a scanner found."""

from dataclasses import replace
from typing import Any

import pytest

from mailgate.model.decision import AddMessage, Note
from mailgate.model.mail import Attachment, Mail
from mailgate.model.verdicts import Junk, Malware, Verdicts
from tests.decide.build import (
    IVAN,
    OLENA,
    STRANGER,
    a_case,
    a_mail,
    after,
    authenticated,
    decided,
    letters,
    rules,
    token_for,
)

REPLY = "Re: [flexihost #10001] Site shop.example"
SAID = Junk(is_junk=True, source="header", because="x-spam-flag: YES")
ASKED = Verdicts(junk=Junk(is_junk=True, source="rspamd", score=17.0))
HARMLESS = Verdicts(junk=Junk(is_junk=False, source="rspamd", score=0.1))


def a_file(name: str, digest: str) -> Attachment:
    return Attachment(filename=name, content_type="application/zip", size=3, sha256=digest * 64)


GOOD, BAD = a_file("photo.jpg", "a"), a_file("invoice.zip", "b")
FOUND = Verdicts(malware=(Malware(finding="Eicar-Test-Signature", sha256=BAD.sha256),))
SOMEWHERE = Verdicts(malware=(Malware(finding="Eicar-Test-Signature"),))


@pytest.mark.parametrize(
    ("mail", "arrival", "outcome", "is_flagged"),
    [
        (a_mail(sender=STRANGER), {"verdicts": ASKED}, "set_aside", False),
        (a_mail(sender=STRANGER, junk=SAID), {}, "set_aside", False),
        (a_mail(sender=STRANGER, junk=SAID), {"verdicts": HARMLESS}, "set_aside", False),
        (a_mail(sender=STRANGER, junk=SAID), {"is_trusted": False}, "new", False),
        (a_mail(sender=STRANGER), {"verdicts": ASKED, "is_trusted": False}, "set_aside", False),
        (a_mail(sender=STRANGER), {"verdicts": HARMLESS}, "new", False),
        (a_mail(sender=OLENA), {"verdicts": ASKED}, "set_aside", False),
        (authenticated(a_mail(sender=OLENA)), {"verdicts": ASKED}, "new", True),
        (authenticated(a_mail(sender=STRANGER)), {"verdicts": ASKED}, "set_aside", False),
        (a_mail(sender=OLENA, to=(token_for(OLENA),)), {"verdicts": ASKED}, "follow_up", True),
        (a_mail(sender=STRANGER, to=(token_for(OLENA),)), {"verdicts": ASKED}, "set_aside", False),
        (authenticated(a_mail(sender=IVAN, subject=REPLY)), {"verdicts": ASKED}, "staff_reply", True),
        (authenticated(a_mail(), "fail"), {"verdicts": ASKED}, "held", True),
        (a_mail(automatic="auto_reply", subject=REPLY), {"verdicts": ASKED}, "recorded", True),
        (a_mail(sender=STRANGER, automatic="list"), {"verdicts": ASKED}, "set_aside", False),
        (a_mail(sender=STRANGER), {"verdicts": ASKED, "is_released": True}, "new", False),
        (a_mail(sender=STRANGER, automatic="list"), {"is_released": True}, "new", False),
        (a_mail(sender=STRANGER), {"verdicts": ASKED, "accepted_from": "h1"}, "new", False),
    ],
)
def test_junk_is_set_aside_but_for_those_who_are_known(
    mail: Mail, arrival: dict[str, Any], outcome: str, is_flagged: bool
) -> None:
    decision = decided(mail, a_case(), arrival=arrival)
    assert (decision.outcome, "junk_suspected" in decision.flags) == (outcome, is_flagged)
    if outcome == "set_aside":
        assert letters(decision) == []


@pytest.mark.parametrize(("verdicts", "left"), [(FOUND, ["photo.jpg"]), (SOMEWHERE, [])])
def test_what_is_infected_goes_to_nobody_and_the_ticket_says_so(verdicts: Verdicts, left: list[str]) -> None:
    mail = authenticated(a_mail(attachments=(GOOD, BAD)))
    decision = decided(mail, arrival={"verdicts": verdicts})
    assert (decision.outcome, after(decision).flags) == ("new", ("malware_removed",))
    (added,) = (one.message for one in decision.effects if isinstance(one, AddMessage))
    assert [one.filename for one in added.attachments] == left
    assert [one.part for one in added.attachments] == list(range(len(left)))
    for letter in letters(decision):
        assert [one.filename for one in letter.attachments] in (left, [])
    (notice,) = letters(decision, "staff_notice")
    assert "invoice.zip" in {one["filename"] for one in notice.context["removed"]}
    details = [one.detail for one in decision.effects if isinstance(one, Note) and one.kind == "malware_removed"]
    assert any(detail.startswith("invoice.zip: ") for detail in details)


def test_the_good_file_behind_a_bad_one_keeps_its_place() -> None:
    decision = decided(authenticated(a_mail(attachments=(BAD, GOOD))), arrival={"verdicts": FOUND})
    (added,) = (one.message for one in decision.effects if isinstance(one, AddMessage))
    assert [(one.filename, one.part) for one in added.attachments] == [("photo.jpg", 1)]


def test_an_infected_file_of_staff_reaches_no_customer() -> None:
    mail = authenticated(a_mail(sender=IVAN, subject=REPLY, text="Here you are.", attachments=(BAD,)))
    decision = decided(mail, a_case(), arrival={"verdicts": FOUND})
    assert (decision.outcome, "malware_removed" in decision.flags) == ("staff_reply", True)
    assert [one.attachments for one in letters(decision, "relay")] == [()]


@pytest.mark.parametrize(
    ("mail", "arrival", "outcome"),
    [
        (authenticated(a_mail(text="", attachments=(BAD,))), {"verdicts": FOUND}, "set_aside"),
        (authenticated(a_mail(text=" \n", attachments=(BAD,))), {"verdicts": SOMEWHERE}, "set_aside"),
        (authenticated(a_mail(text="", attachments=(BAD, GOOD))), {"verdicts": FOUND}, "new"),
        (a_mail(text="", attachments=(BAD,)), {"verdicts": FOUND, "is_released": True}, "new"),
        (a_mail(text="", attachments=(BAD,), malware=Malware(finding="x", source="header")), {}, "set_aside"),
        (
            a_mail(text="", attachments=(BAD,), malware=Malware(finding="x", source="header")),
            {"is_trusted": False},
            "new",
        ),
        (authenticated(a_mail(text="", attachments=(BAD,)), "fail"), {"verdicts": FOUND}, "held"),
    ],
)
def test_a_mail_that_is_nothing_else_is_set_aside_as_malware(mail: Mail, arrival: dict[str, Any], outcome: str) -> None:
    assert decided(mail, arrival=arrival).outcome == outcome


def test_the_trace_says_what_the_filters_say() -> None:
    decision = decided(authenticated(a_mail()), arrival={"verdicts": replace(HARMLESS, malware=FOUND.malware)})
    said = [(one.verdict, one.because) for one in decision.reasons if one.rule == "M9"]
    assert said == [("no junk", "by rspamd"), ("malware", "Eicar-Test-Signature, by clamd")]
    assert "M9" not in rules(decided(authenticated(a_mail())))

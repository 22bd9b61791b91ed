"""Known outages (N1 to N3): what matches, who is told, and when many tickets suspect one."""

from datetime import timedelta
from typing import Any

import pytest

from mailgate.decide.incidents import decide_change, matches, text_in
from mailgate.model.decision import LeaveOut, Suspect
from mailgate.model.facts import Incident
from mailgate.model.ticket import NEW
from tests.decide.staff_mail import MONDAY, OLENA, a_case, after, decided, effects_of, letters_of, shipped_desk


def an_incident(**more: Any) -> Incident:
    values: dict[str, Any] = {
        "number": 1, "desk": "flexihost", "state": "open", "hosts": ("srv7.flexihost.example", "192.0.2.7"),
        "services": ("cloud storage",), "domains": ("shop.example",), "texts": {"en": "Storage failure", "uk": "Збій сховища"},
        "opened_at": MONDAY,
    }  # fmt: skip
    return Incident(**{**values, **more})


@pytest.mark.parametrize(
    ("hosts", "words", "is_it"),
    [
        ((), "the server srv7.flexihost.example is down", True), (("192.0.2.7",), "", True), ((), "on 192.0.2.7:443", True),
        ((), "on 192.0.2.77", False), (("www.shop.example",), "", True), ((), "myshop.example is down", False),
        ((), "my Cloud Storage is slow", True), ((), "cloud-storage", False), ((), "a cloud storages", False),
        ((), "shop.example.org", False), ((), "It is shop.example.", True), ((), "nothing of it", False),
    ],
)  # fmt: skip
def test_facts_or_words_of_a_ticket_match(hosts: tuple[str, ...], words: str, is_it: bool) -> None:
    assert matches(an_incident(), hosts, words) is is_it


@pytest.mark.parametrize(
    ("language", "text"), [("uk", "Збій сховища"), ("ru", "Storage failure"), ("en", "Storage failure")]
)
def test_a_text_is_in_the_language_of_the_ticket_else_in_english(language: str, text: str) -> None:
    assert text_in(an_incident(), language) == text


def test_each_requestor_is_told_once_a_change_however_many_tickets_they_have() -> None:
    cases = [
        a_case(10001),
        a_case(10002),
        a_case(10003, requestor="taras@shop.example"),
        a_case(10004, requestor="bot@shop.example"),
    ]
    decision = decide_change(
        an_incident(), "open", cases, shipped_desk(), blocked=["taras@shop.example"], silent=[10004]
    )
    assert [(one.to, one.ticket, one.language) for one in letters_of(decision)] == [(OLENA, 10001, "uk")]
    assert [one.letter.to for one in effects_of(decision, LeaveOut)] == ["taras@shop.example"]
    assert [link.kind for link in after(decision, 10002).ticket.links] == ["incident"]
    again = [after(decision, number) for number in (10001, 10002)]
    assert (
        letters_of(decide_change(an_incident(), "update", again, shipped_desk(), blocked=(), silent=()))[0].to == OLENA
    )


def ask(text: str, **facts: Any) -> Any:
    return decided(text, sender="new@customer.example", auth="none", **facts)


def test_a_matching_new_ticket_is_linked_and_its_ack_carries_the_text() -> None:
    decision = ask("Hello, srv7.flexihost.example does not answer.", incidents=(an_incident(),))
    assert [(one.kind, one.ticket) for one in after(decision, NEW).ticket.links] == [("incident", 1)]
    assert letters_of(decision, "ack")[0].context["incidents"] == ("Storage failure",)
    assert effects_of(decision, Suspect) == []


@pytest.mark.parametrize(("before", "is_told"), [(3, False), (4, True), (9, True)])
def test_the_fifth_ticket_that_names_a_host_suspects_an_incident(before: int, is_told: bool) -> None:
    sightings = {"srv9.flexihost.example": tuple(range(10001, 10001 + before))}
    decision = ask(
        "Hello, srv9.flexihost.example does not answer.", sightings=sightings, at=MONDAY + timedelta(minutes=1)
    )
    assert [one.audience for one in letters_of(decision, "incident_suspected")] == ["manager"] * is_told
    assert bool(effects_of(decision, Suspect)) is is_told


def test_a_service_may_be_what_they_have_in_common() -> None:
    decision = ask("Service: Backup Pro\n\nIt does not answer.", sightings={"backup pro": (10001, 10002, 10003, 10004)})
    assert [one.subject for one in letters_of(decision, "incident_suspected")] == ["backup pro"]


def test_the_managers_are_told_once_in_the_window() -> None:
    decision = ask(
        "Hello, srv9.flexihost.example does not answer.", sightings={"srv9.flexihost.example": (1, 2, 3, 4, 5)},
        suspected=frozenset({"srv9.flexihost.example"}),
    )  # fmt: skip
    assert letters_of(decision, "incident_suspected") == []

"""Builders for what a person of the desk writes on a ticket: people, tickets with their clocks, the decision."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, TypeVar

from mailgate import config
from mailgate.decide import clocks
from mailgate.decide.guards import decide_mail
from mailgate.decide.scene import Scene
from mailgate.model.arrival import Arrival
from mailgate.model.decision import Decision, Save, Send
from mailgate.model.facts import Facts
from mailgate.model.letter import Letter
from mailgate.model.mail import Address, AuthMethod, AuthResults, Mail, Tag
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case, Deadline, Message, Ticket
from mailgate.understand.clues import read_clues

SECRET = b"a secret of the tests, 32 bytes."
MONDAY = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)  # 11:00 in Berlin, 12:00 in Kyiv
OLENA = "olena@shop.example"

IVAN = Staff(desk="flexihost", address="ivan@team.example", name="Ivan Petrenko", teams=("support",))
OKSANA = Staff(desk="flexihost", address="oksana@team.example", name="Oksana Bondar", teams=("support",), role="lead")
BORYS = Staff(desk="flexihost", address="borys@team.example", name="Borys Hrim", teams=("admins",))
HALYNA = Staff(desk="flexihost", address="halyna@team.example", name="Halyna Sych", teams=("billing",))
PEOPLE = (BORYS, HALYNA, IVAN, OKSANA)

E = TypeVar("E")


@lru_cache
def shipped_desk(name: str = "flexihost") -> Desk:
    return config.load_desk(name)


def a_contact(address: str = OLENA, number: str = "1001", **more: Any) -> Contact:
    account = Account(id=f"a{number}", desk="flexihost", number=number, login="olena", name="Olena", language="uk")
    return Contact(id=f"c{address}", account=account, address=address, **more)


def a_ticket(number: int = 10001, **more: Any) -> Ticket:
    values: dict[str, Any] = {
        "number": number, "desk": "flexihost", "queue": "support", "team": "support", "status": "new",
        "priority": "normal", "subject": "Site shows 502", "subjects": ("Site shows 502",), "requestor": OLENA,
        "requestor_name": "Olena", "account": "1001", "language": "uk", "level": "verified", "created_at": MONDAY,
        "changed_at": MONDAY,
    }  # fmt: skip
    return Ticket(**{**values, **more})


def a_case(number: int = 10001, *, desk: Desk | None = None, at: datetime = MONDAY, **more: Any) -> Case:
    """Return a case opened at `at`, its clocks running; a status other than `new` is gone to at that moment."""
    desk = desk or shipped_desk()
    status = more.pop("status", "new")
    case = Case(ticket=a_ticket(number, desk=desk.name, created_at=at, changed_at=at, **more))
    case = clocks.start_desk_clocks(case, desk, at)
    return stored(clocks.change_status(case, desk, status, at) if status != "new" else case)


def stored(case: Case) -> Case:
    """Return the case as the store gives it back: every deadline with its id."""
    return replace(
        case,
        deadlines=tuple(
            one if one.id else replace(one, id=f"{case.ticket.number}-{place:03}-{one.kind}")
            for place, one in enumerate(case.deadlines)
        ),
    )


def said(text: str, *, kind: Any = "customer", author: str = OLENA, at: datetime = MONDAY, **more: Any) -> Message:
    values = {"id": f"m{at.timestamp():.0f}{kind}", "author_name": "", "subject": "Site shows 502", **more}
    return Message(kind=kind, author=author, at=at, visible_text=text, **values)


def a_scene(
    text: str, *, sender: str = IVAN.address, case: Case | None = None, others: Iterable[Case] = (),
    messages: Iterable[Message] = (), at: datetime = MONDAY + timedelta(minutes=10), desk: Desk | None = None,
    auth: str = "pass", to: str = "", people: tuple[Staff, ...] = PEOPLE, contacts: tuple[Contact, ...] = (),
    mail: Mapping[str, Any] | None = None, **facts: Any,
) -> Scene:  # fmt: skip
    """Return the scene of a mail of `sender` that bears the tag of `case`."""
    desk = desk or shipped_desk()
    domain = sender.rpartition("@")[2]
    results = AuthResults(
        authserv_id=desk.authserv_ids[0],
        methods=(AuthMethod(method="dmarc", result=auth, properties={"header.from": domain}),),
    )
    to = to or desk.mailboxes[0].address
    values: dict[str, Any] = {
        "digest": "d" * 64, "content_key": "k", "size": len(text), "message_id": "m1@team.example",
        "from_": (Address(address=sender, name=""),), "to": (Address(address=to),),
        "subject": f"Re: {case.ticket.subject}" if case else "A question",
        "core_subject": case.ticket.subject if case else "A question",
        "tags": (Tag(desk=desk.tag, number=case.ticket.number),) if case else (),
        "is_reply": case is not None, "text": text, "visible_text": text, "auth_results": (results,), "language": "en",
    }  # fmt: skip
    letter = Mail(**{**values, **(mail or {})})
    arrival = Arrival(
        id="arrival1", desk=desk.name, channel="smtp", received_at=at, digest="d" * 64, size=len(text), recipients=(to,),
        envelope_from=sender, peer="127.0.0.1", is_trusted=True,
    )  # fmt: skip
    clues = read_clues(letter, arrival, desk, SECRET)
    cases = {one.ticket.number: one for one in (*([case] if case else []), *others)}
    known = {
        "contacts": tuple(one for one in contacts if one.address == sender),
        "staff": next((one for one in people if one.address == sender), None), "people": people,
        "survivors": {number: number for number in cases}, "cases": cases, "account_contacts": contacts,
        "messages": {case.ticket.number: tuple(messages)} if case else {},
    }  # fmt: skip
    return Scene(
        mail=letter, arrival=arrival, clues=clues, facts=Facts(**{**known, **facts}), desk=desk, secret=SECRET, now=at
    )


def decided(text: str, **more: Any) -> Decision:
    """Return what becomes of a mail (see `a_scene`)."""
    return decide_mail(a_scene(text, **more))


def effects_of(decision: Decision, kind: type[E]) -> list[E]:
    return [one for one in decision.effects if isinstance(one, kind)]


def letters_of(decision: Decision, *kinds: str) -> list[Letter]:
    return [one.letter for one in effects_of(decision, Send) if not kinds or one.letter.kind in kinds]


def after(decision: Decision, number: int = 10001) -> Case:
    """Return the ticket as the decision leaves it."""
    return next(one.after for one in reversed(effects_of(decision, Save)) if one.after.ticket.number == number)


def live(case: Case, kind: str) -> Deadline | None:
    """Return the pending or paused deadline of a kind."""
    return next((one for one in case.deadlines if one.kind == kind and one.state in ("pending", "paused")), None)


def states(case: Case, kind: str) -> list[str]:
    return [one.state for one in case.deadlines if one.kind == kind]

"""Builders of what a rule looks at: a mail, who is known, which tickets there are; and the decision they lead to."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from mailgate import config, phrases
from mailgate.decide import clocks
from mailgate.decide.guards import decide_mail
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.sender import identify
from mailgate.model.arrival import Arrival, PanelForm
from mailgate.model.decision import Decision, Identity, LeaveOut, Save, Send
from mailgate.model.facts import Facts, Held, Incident, Referenced, Seen
from mailgate.model.letter import Letter
from mailgate.model.mail import Address, AuthMethod, AuthResults, Automatic, DeliveryReport, FailedRecipient, Mail
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case, Ticket
from mailgate.model.tokens import message_id, reply_address
from mailgate.parse.subject import facts as subject_facts
from mailgate.understand.clues import read_clues

SECRET = b"a secret of the tests"
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)  # a Wednesday
OLENA, TARAS, BUH = "olena@shop.example", "taras@shop.example", "buh@shop.example"
SERGEY, STRANGER, IVAN = "sergey@sklad.example", "x@evil.example", "ivan@team.example"
TEXT = "It answers with an error 502 since noon."
TAGS = frozenset(("flexihost", "introserv", "strato"))

SHOP = Account(id="a1", desk="flexihost", number="1001", login="olena", name="Shop", language="uk")
SKLAD = Account(id="a2", desk="flexihost", number="1002", login="sergey", name="Sklad", language="ru")


@lru_cache
def desk(name: str = "flexihost") -> Desk:
    """One of the shipped desks."""
    return config.load_desk(name)


@lru_cache
def _phrases() -> Any:
    return phrases.load()


def a_contact(address: str, account: Account = SHOP, *roles: str, **more: Any) -> Contact:
    return Contact(id=address, account=account, address=address, roles=roles or ("owner",), **more)


def a_person(address: str = IVAN, *teams: str, **more: Any) -> Staff:
    return Staff(
        desk="flexihost", address=address, name=address.partition("@")[0].title(), teams=teams or ("support",), **more
    )


CONTACTS = (
    a_contact(OLENA),
    a_contact(TARAS, SHOP, "technical"),
    a_contact(BUH, SHOP, "billing"),
    a_contact(SERGEY, SKLAD),
)


def a_mail(
    *,
    sender: str | Iterable[str] = OLENA,
    subject: str = "Site shop.example",
    text: str = TEXT,
    to: Iterable[str] = ("support@flexihost.example",),
    cc: Iterable[str] = (),
    reply_to: str | None = None,
    automatic: str | None = None,
    because: str = "a test",
    **more: Any,
) -> Mail:
    """A mail as `parse` would make it; the subject is read by the real reader."""
    senders = (sender,) if isinstance(sender, str) else tuple(sender)
    facts = subject_facts(subject, _phrases(), TAGS)
    values: dict[str, Any] = {
        "digest": "d" * 64,
        "content_key": f"{senders}{subject}{text}",
        "size": 100,
        "message_id": "one@mail.example",
        "from_": tuple(Address(address=one) for one in senders),
        "to": tuple(Address(address=one) for one in to),
        "cc": tuple(Address(address=one) for one in cc),
        "reply_to": (Address(address=reply_to),) if reply_to else (),
        "subject": subject,
        "core_subject": facts.core,
        "tags": facts.tags,
        "word_numbers": facts.word_numbers,
        "is_reply": facts.is_reply,
        "is_forward": facts.is_forward,
        "text": text,
        "visible_text": text,
        "language": "en",
        "automatic": Automatic(kind=automatic, because=because) if automatic else None,  # type: ignore[arg-type]
    }
    return Mail(**{**values, **more})


def a_bounce(*failed: str, status: str = "5.1.1", permanent: bool | None = True, **report: Any) -> Mail:
    """A delivery report about `failed`."""
    named = tuple(FailedRecipient(address=one, status=status, permanent=permanent) for one in failed)
    return a_mail(
        sender="mailer-daemon@mx.example",
        subject="Undelivered Mail Returned to Sender",
        automatic="bounce",
        report=DeliveryReport(failed=named, **report),
    )


def authenticated(mail: Mail, verdict: str = "pass", server: str = "mx.flexihost.example") -> Mail:
    """The mail with the verdict of a trusted server on top."""
    domain = mail.from_[0].address.rpartition("@")[2] if mail.from_ else ""
    method = AuthMethod(method="dmarc", result=verdict, properties={"header.from": domain})
    return replace(mail, auth_results=(AuthResults(authserv_id=server, methods=(method,)), *mail.auth_results))


def a_case(number: int = 10001, **more: Any) -> Case:
    """An open ticket of Olena's account with its clocks, an hour old."""
    at = NOON - timedelta(hours=1)
    subject = more.pop("subject", "Site shop.example")
    values: dict[str, Any] = {
        "number": number,
        "desk": "flexihost",
        "queue": "support",
        "team": "support",
        "status": "open",
        "priority": "normal",
        "subject": subject,
        "subjects": (subject,) if subject else (),
        "requestor": OLENA,
        "account": "1001",
        "language": "uk",
        "level": "verified",
        "created_at": at,
        "changed_at": at,
    }
    values |= more
    wanted = values.pop("status")
    case = Case(ticket=Ticket(**values, status="waiting" if wanted == "waiting" else "open"))
    if wanted == "waiting":
        return clocks.start_waiting(case, desk(), at)
    case = clocks.start_desk_clocks(case, desk(), at)
    if wanted in ("resolved", "closed"):
        case = clocks.change_status(case, desk(), wanted, more.get("finished_at", at))
    elif wanted != "open":
        case = replace(case, ticket=replace(case.ticket, status=wanted))
    return case


def a_scene(
    mail: Mail,
    *cases: Case,
    contacts: Iterable[Contact] = CONTACTS,
    people: Iterable[Staff] = (a_person(),),
    survivors: Mapping[int, int] | None = None,
    named_by: Mapping[str, int] | None = None,
    on: Desk | None = None,
    form: PanelForm | None = None,
    arrival: Mapping[str, Any] | None = None,
    now: datetime = NOON,
    **facts: Any,
) -> Scene:
    """All that a decision may look at. `named_by`: whose Message-IDs are known, with their tickets."""
    on, contacts, people = on or desk(), tuple(contacts), tuple(people)
    values: dict[str, Any] = {
        "id": "arrival",
        "desk": on.name,
        "channel": "panel" if form else "lmtp",
        "received_at": now,
        "digest": mail.digest,
        "size": mail.size,
        "recipients": tuple(one.key for one in mail.to) or (on.mailboxes[0].address,),
        "envelope_from": mail.from_[0].key if mail.from_ else None,
        "is_trusted": True,
        "form": form,
    }
    came = Arrival(**{**values, **(arrival or {})})
    clues = read_clues(mail, came, on, SECRET)
    accounts = {one.account.number: one.account for one in contacts}
    logins = {one.account.login: one.account for one in contacts}
    named = [accounts.get(one) for one in clues.findings.account_numbers]
    named += [logins.get(one) for one in clues.findings.logins]
    by_number = {one.ticket.number: one for one in cases}
    wanted = {**{number: number for number in by_number}, **(survivors or {})}
    staff = next((one for one in people if one.address == clues.sender), None)
    registered = {one.address for one in contacts} | {one.address for one in people}
    known: dict[str, Any] = {
        "staff": staff,
        "people": people,
        "cases": by_number,
        "survivors": wanted,
        "contacts": () if staff else tuple(one for one in contacts if one.address == clues.sender),
        "reply_to_contacts": tuple(one for one in contacts if one.address == clues.reply_to),
        "reply_to_is_known": clues.reply_to in registered,
        "named_accounts": tuple(dict.fromkeys(one for one in named if one)),
        "account_contacts": contacts,
        "referenced": tuple(
            Referenced(message_id=one, ticket=number)
            for one in clues.message_ids
            if (number := (named_by or {}).get(one))
        ),
    }
    return Scene(
        mail=mail,
        arrival=came,
        clues=clues,
        facts=Facts(**{**known, **facts}),
        desk=on,
        secret=SECRET,
        now=now,
        desk_addresses=frozenset(("support@flexihost.example", "bill@flexihost.example", "support@strato.example")),
    )


def decided(mail: Mail, *cases: Case, **more: Any) -> Decision:
    """What becomes of the mail."""
    return decide_mail(a_scene(mail, *cases, **more))


def who(mail: Mail, *cases: Case, **more: Any) -> Identity:
    """Who the mail is of, before any ticket is known."""
    return identify(a_scene(mail, *cases, **more))


def letters(decision: Decision, kind: str | None = None) -> list[Letter]:
    """The letters that the decision sends."""
    return [one.letter for one in decision.effects if isinstance(one, Send) and kind in (None, one.letter.kind)]


def left_out(decision: Decision) -> list[LeaveOut]:
    return [one for one in decision.effects if isinstance(one, LeaveOut)]


def ack_of(decision: Decision) -> Letter:
    (letter,) = letters(decision, "ack")
    return letter


def after(decision: Decision, number: int | None = None) -> Ticket:
    """The ticket as the decision leaves it."""
    return case_after(decision, number).ticket


def case_after(decision: Decision, number: int | None = None) -> Case:
    wanted = decision.ticket if number is None else number
    return [one.after for one in decision.effects if isinstance(one, Save) and one.after.ticket.number == wanted][-1]


def rules(decision: Decision) -> list[str]:
    return [one.rule for one in decision.reasons]


def token_for(address: str, number: int = 10001) -> str:
    """The reply address that we put into a letter to `address`."""
    return reply_address("support@flexihost.example", SECRET, "flexihost", "r", str(number), address)


def our_id(number: int = 10001, name: str = "0letter") -> str:
    """A Message-ID of ours on ticket `number`."""
    return message_id(SECRET, name, "flexihost.example", ticket=number)


def a_form(account: str = "1001", source: str = "panel", **more: Any) -> PanelForm:
    values: dict[str, Any] = {"contact": None, "department": "technical", "priority": "normal", "source": source}
    return PanelForm(**{**values, "account": account, **more})


__all__ = ["Held", "Incident", "Seen", "Trace"]

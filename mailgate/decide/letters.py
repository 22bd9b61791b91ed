"""What is said to whom (A1 to A3, A8, C1, D5, D6): Letters from decisions. The words are in the templates."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from mailgate.decide import calendar, clocks
from mailgate.model.decision import Effect, Identity, LeaveOut, Send
from mailgate.model.facts import Facts
from mailgate.model.letter import Letter
from mailgate.model.mail import is_daemon, is_deliverable
from mailgate.model.people import Staff
from mailgate.model.quick import replace
from mailgate.model.settings import Calendar, Desk, Team
from mailgate.model.ticket import Case, Message, StoredFile, Ticket

_UNLIMITED = ("relay", "incident", "announcement")  # A3: a person's words, and what N4 throttles
_HISTORY = 5
_OTHERS = 10
_ALL_ENTRIES = 20  # what is read of a ticket
_TAG = re.compile(r"\[[^\[\]]{1,80} #\d{1,12}\] ?")
_NO_WORD = re.compile(r"[\W\d_]+")
_ALIKE, _ALIKE_LETTERS = 3, 8


def to_customer(kind: str, case: Case, desk: Desk, context: Mapping[str, Any], **more: Any) -> Letter:
    """Return a letter to the ticket's requestor, answered where S9 says."""
    ticket = case.ticket
    values: dict[str, Any] = {
        "kind": kind, "desk": desk.name, "audience": "customer", "to": ticket.reply_address or ticket.requestor,
        "to_name": ticket.requestor_name, "language": ticket.language, "ticket": ticket.number,
        "subject": ticket.subject, "context": context, "queue": ticket.queue,
    }  # fmt: skip
    return Letter(**{**values, **more})


def to_staff(kind: str, case: Case, desk: Desk, person: Staff, context: Mapping[str, Any], **more: Any) -> Letter:
    """Return a letter to one person of the desk, in their language and zone."""
    ticket = case.ticket
    values: dict[str, Any] = {
        "kind": kind, "desk": desk.name, "audience": "staff", "to": person.address, "to_name": person.name,
        "language": person.language or desk.languages[0], "timezone": person.timezone or "", "ticket": ticket.number,
        "subject": ticket.subject, "context": context, "queue": ticket.queue,
    }  # fmt: skip
    return Letter(**{**values, **more})


def to_managers(kind: str, desk: Desk, case: Case | None, context: Mapping[str, Any], **more: Any) -> list[Letter]:
    """Return a letter to each address of the management."""
    values: dict[str, Any] = {
        "kind": kind, "desk": desk.name, "audience": "manager", "language": desk.languages[0], "context": context,
        "ticket": case.ticket.number if case else None, "subject": case.ticket.subject if case else "",
        "queue": case.ticket.queue if case else "",
    }  # fmt: skip
    return [Letter(**{**values, "to": address, **more}) for address in desk.managers]


def to_team(
    kind: str, case: Case, desk: Desk, facts: Facts, now: datetime, context: Mapping[str, Any], **more: Any
) -> list[Letter]:
    """Return a letter to each person who is to hear of the ticket: its owner, else its team (C1). A team off duty gets
    it at its opening, unless the ticket is high (D6). A team of nobody: the managers, so that it is not lost."""
    except_ = more.pop("except_", None)
    people = [one for one in readers(case.ticket, facts.people) if one.address != except_]
    if not people:
        if except_ and readers(case.ticket, facts.people):
            return []
        return to_managers(kind, desk, case, context, **more)
    wait = None if case.ticket.priority == "high" else opening(desk, case.ticket.team, now)
    return [to_staff(kind, case, desk, one, context, **{"not_before": wait, **more}) for one in people]


def bounce_notices(
    case: Case, desk: Desk, facts: Facts, now: datetime, context: Mapping[str, Any], failed: Collection[str]
) -> list[Letter]:
    """Return the notices of a mail that was not delivered (A6), none to an address that fails: that would go round.
    Where the team itself is not reached, the managers hear of it."""
    dead = {*failed, *(address for address, marks in facts.marks.items() if "failed" in marks)}
    told = to_team("bounce_notice", case, desk, facts, now, context)
    if all(letter.to in dead for letter in told):
        told = to_managers("bounce_notice", desk, case, context)
    return [letter for letter in told if letter.to not in dead]


def readers(ticket: Ticket, people: Iterable[Staff]) -> list[Staff]:
    """Return the owner where there is one (and still a person of the desk), else the team."""
    people = list(people)
    owner = [one for one in people if one.address == ticket.owner]
    return owner or [one for one in people if ticket.team in one.teams]


def leads(team: str, people: Iterable[Staff]) -> list[Staff]:
    return [one for one in people if team in one.teams and one.role in ("lead", "manager")]


def opening(desk: Desk, team: str, now: datetime) -> datetime | None:
    """Return when `team` opens, or None where it is on duty now."""
    own = team_calendar(desk, team)
    return None if calendar.is_open(own, now) else calendar.next_opening(own, now)


def team_calendar(desk: Desk, name: str) -> Calendar | None:
    team: Team | None = desk.teams.get(name)
    return desk.calendars[team.calendar] if team and team.calendar else None


def gate(facts: Facts, desk: Desk, letter: Letter, sender: str | None = None) -> Effect:
    """Send, or leave out what A3 keeps back: to a blocked sender (wherever they want it sent), or past the limits to
    one address. `sender` is the writer of the mail that a new ticket is made of."""
    if letter.audience != "customer" or letter.kind in _UNLIMITED:
        return Send(letter=letter)
    if letter.ticket and _is_only_automatic(facts.messages.get(letter.ticket, ())):
        return LeaveOut(letter=letter, reason="only automatic mail is on the ticket (A3)")
    if not is_deliverable(letter.to):
        return LeaveOut(letter=letter, reason="the sender has no address that mail can go to")
    if letter.is_automatic and is_daemon(letter.to):
        return LeaveOut(letter=letter, reason="nothing automatic is said to a program's address (A3)")
    if _is_blocked(facts, letter, sender):
        return LeaveOut(letter=letter, reason="the sender is blocked (C5)")
    rules = desk.rules
    if facts.letters_10_minutes.get(letter.to, 0) >= rules.letters_per_10_minutes:
        return LeaveOut(letter=letter, reason=f"{rules.letters_per_10_minutes} letters in 10 minutes (A3)")
    if facts.letters_day.get(letter.to, 0) >= rules.letters_per_day:
        return LeaveOut(letter=letter, reason=f"{rules.letters_per_day} letters in a day (A3)")
    if _is_echo(facts, letter, rules.letters_per_10_minutes):
        return LeaveOut(letter=letter, reason="whoever it is answers like a machine, always about the same (A3)")
    return Send(letter=letter)


def _is_only_automatic(entries: Sequence[Message]) -> bool:
    """Has nobody but machines written on the ticket? Of a long one only the newest entries are known: then it may be."""
    kinds = {one.kind for one in entries}
    return "auto" in kinds and "customer" not in kinds and len(entries) < _ALL_ENTRIES


def _is_echo(facts: Facts, letter: Letter, most: int) -> bool:
    """A stranger whose tickets of this day sound alike, one after each ack: another desk's machine, which no header
    gives away. The slower of these loops would run on below the limit of ten minutes."""
    earlier = facts.acks_day.get(letter.to, ())
    if letter.kind != "ack" or facts.contacts or len(earlier) < most:
        return False
    own = _sound(letter.subject)
    return sum(_is_alike(own, _sound(_TAG.sub("", subject, count=1))) for subject in earlier) >= _ALIKE


def _sound(subject: str) -> str:
    return _NO_WORD.sub("", subject).casefold()


def _is_alike(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) >= _ALIKE_LETTERS and short in long)


def _is_blocked(facts: Facts, letter: Letter, sender: str | None) -> bool:
    known = facts.cases.get(letter.ticket) if letter.ticket else None
    requestor = known.ticket.requestor if known and letter.to == known.ticket.reply_address else sender
    return any("blocked" in facts.marks.get(one, ()) for one in (letter.to, requestor or ""))


def card(case: Case, desk: Desk, facts: Facts, identity: Identity | None = None) -> dict[str, Any]:
    """Return what a person of the desk sees of a ticket in every letter about it (C1)."""
    ticket = case.ticket
    due = clocks.find_live(case, *clocks.RESPONSE) or clocks.find_live(case, "promise", "update", "resolve")
    return {
        "queue": ticket.queue, "team": ticket.team, "owner": ticket.owner, "status": ticket.status,
        "priority": ticket.priority, "customer": ticket.requestor, "customer_name": ticket.requestor_name,
        "account": _account(ticket, facts), "level": identity.level if identity else ticket.level,
        "role": ", ".join(identity.roles) if identity else "", "evidence": identity.because if identity else "",
        "flags": ticket.flags, "request": ticket.request, "rights": ticket.rights,
        "others": _others(ticket, facts), "class": ticket.class_, "language": ticket.language,
        "fields": dict(ticket.fields), "missing": ticket.missing, "due_at": due.due_at if due else None,
        "due_kind": due.kind if due else "", "named_account": ticket.named_account, "created_at": ticket.created_at,
        "links": tuple({"kind": link.kind, "ticket": link.ticket} for link in ticket.links),
    }  # fmt: skip


def _others(ticket: Ticket, facts: Facts) -> tuple[int, ...]:
    """Return the customer's other open tickets: of the account, or where there is none of the same requestor."""
    return tuple(
        one.number for one in facts.open_tickets
        if one.number != ticket.number
        and (one.account == ticket.account if ticket.account else bool(one.requestor) and one.requestor == ticket.requestor)
    )[:_OTHERS]  # fmt: skip


def history(facts: Facts, number: int, *, before: str | None = None) -> list[dict[str, Any]]:
    """Return the last entries of a ticket in short, the oldest first."""
    known = [one for one in facts.messages.get(number, ()) if one.state != "taken_back" and one.id != before]
    return [
        {"at": one.at, "who": one.author_name or one.author, "kind": one.kind, "text": shorten(one.visible_text)}
        for one in known[-_HISTORY:]
    ]


def last_words(facts: Facts, number: int) -> dict[str, Any]:
    """Return what the customer wrote last, and how many lines of it are not shown (P6), by the names of templates."""
    said = [one for one in facts.messages.get(number, ()) if one.kind == "customer"]
    return {"text": said[-1].visible_text, "hidden": said[-1].hidden} if said else {"text": "", "hidden": 0}


def files_of(message: Message) -> list[dict[str, Any]]:
    return [_file(one) for one in message.attachments]


def escalation(case: Case, desk: Desk, cause: str, team: str, now: datetime) -> Letter:
    """Return the customer's notice of an escalation: why, who has it now, when they work (D5)."""
    own = team_calendar(desk, team)
    due, opens_at = clocks.find_live(case, *clocks.RESPONSE), opening(desk, team, now)
    # nobody answers before the team is at work: the promise stands for us, and is not given to the customer again
    is_kept = due is not None and due.due_at is not None and (opens_at is None or due.due_at > opens_at)
    context = {
        "cause": cause, "team": team, "opens_at": opens_at, "hours": calendar.describe(own) if own else (),
        "due_at": due.due_at if due and is_kept else None,
    }  # fmt: skip
    return to_customer("escalation", case, desk, context)


def handovers(
    case: Case, desk: Desk, facts: Facts, now: datetime, *, cause: str, reason: str, from_team: str, **more: Any
) -> list[Letter]:
    """Return the letters that give a ticket to its new team: everything there is (D5)."""
    context = {
        "card": card(case, desk, facts), "cause": cause, "reason": reason, "from_team": from_team,
        **last_words(facts, case.ticket.number), "files": [], "history": history(facts, case.ticket.number),
    }  # fmt: skip
    return to_team("handover", case, desk, facts, now, context, **more)


def with_files(letter: Letter, files: tuple[StoredFile, ...]) -> Letter:
    return replace(letter, attachments=files)


def shorten(text: str, limit: int = 400) -> str:
    words = " ".join(text.split())
    return words if len(words) <= limit else words[: limit - 1] + "…"


def _account(ticket: Ticket, facts: Facts) -> dict[str, str] | None:
    if not ticket.account:
        return None
    known = (contact.account for contact in (*facts.contacts, *facts.account_contacts))
    found = next((one for one in known if one.number == ticket.account), None)
    return {
        "number": ticket.account,
        "login": found.login if found else "",
        "name": found.name if found else "",
    }


def _file(stored: StoredFile) -> dict[str, Any]:
    return {"filename": stored.filename, "size": stored.size, "content_type": stored.content_type}

"""What becomes of an old ticket, as a Decision without letters: nobody hears of what is taken over (T8)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mailgate.decide import clocks
from mailgate.model.decision import AddMessage, Decision, Effect, Reason, Refer, Save
from mailgate.model.people import Contact, Staff
from mailgate.model.quick import replace
from mailgate.model.settings import Desk, bare_address
from mailgate.model.ticket import Case, Link, Message, Status, StoredFile, Ticket
from mailgate.takeover.record import OldMessage, OldTicket, Wrong
from mailgate.understand.findings import find

SOURCE = "import"
_MOST_SUBJECTS = 20
_STATUSES: Mapping[str, Status] = {
    "open": "open", "waiting": "waiting", "resolved": "resolved", "closed": "closed", "merged": "merged",
}  # fmt: skip
Core = Callable[[str], str]
"""Returns the core subject of a subject."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Setting:
    """What a decision about an old ticket looks at: its desk and people, and how subjects and languages are read."""

    desk: Desk
    staff: tuple[Staff, ...]
    core: Core
    language: Callable[[str], str | None]
    queues: Mapping[str, str]  # the other system's queue -> ours
    own_addresses: Collection[str]  # mailboxes of every desk


def take_over(
    old: OldTicket, setting: Setting, contacts: Sequence[Contact], files: Sequence[Sequence[StoredFile]], now: datetime
) -> Decision:
    """Return what writes the ticket as it was. `contacts`: who is registered with the requestor's address and counts
    today; `files`: the stored attachments of each of its messages. Clocks run from `now`, on an open ticket alone.
    Raises Wrong where the desk has no such queue."""
    ticket = _ticket(old, setting, contacts, now)
    case = _with_clocks(Case(ticket=ticket), old, setting.desk, now)
    effects: list[Effect] = [Save(before=None, after=case, actor=SOURCE, because=f"taken over: {old.source}")]
    effects += [
        AddMessage(ticket=old.number, message=_message(one, stored))
        for one, stored in zip(old.messages, files, strict=True)
    ]
    if old.message_ids:
        effects.append(Refer(ticket=old.merged_into or old.number, message_ids=old.message_ids))
    reason = Reason(rule="T8", verdict="taken over", because=old.source)
    return Decision(outcome=None, reasons=(reason,), effects=tuple(effects), desk=setting.desk.name, ticket=old.number)


def find_owner(name: str, staff: Sequence[Staff]) -> Staff | None:
    """Return whom the other system calls `name`: by address, by the part before its @, by the whole name; or None."""
    wanted = name.strip().lower()
    if not wanted:
        return None
    ways = (
        [one for one in staff if one.address == wanted],
        [one for one in staff if one.address.partition("@")[0] == wanted],
        [one for one in staff if one.name.lower() == wanted],
    )
    return next((found[0] for found in ways if len(found) == 1), None)


def _ticket(old: OldTicket, setting: Setting, contacts: Sequence[Contact], now: datetime) -> Ticket:
    desk, subject = setting.desk, setting.core(old.subject)
    queue = desk.queues[_queue(old, setting)]
    accounts = {one.account.number: one.account for one in contacts}
    account = next(iter(accounts.values())) if len(accounts) == 1 else None  # of several nobody says which
    first = next((one.text for one in old.messages if one.kind == "customer"), "")
    owner = find_owner(old.owner, setting.staff)
    names = {one.author: one.author_name for one in old.messages if one.author_name}
    ticket = Ticket(
        number=old.number, desk=desk.name, queue=queue.name, team=queue.team, status=_STATUSES[old.status],
        priority="normal", subject=subject, subjects=_subjects(old, subject, setting.core), requestor=old.requestor,
        requestor_name=old.requestor_name or names.get(old.requestor, ""), reply_address=old.requestor,
        participants=_participants(old, setting), account=account.number if account else None,
        owner=owner.address if owner else None, language=_language(account.language if account else None, first, setting),
        level="registered" if contacts else "unknown", source=SOURCE, created_at=old.created_at,
        changed_at=old.messages[-1].at if old.messages else old.created_at, unanswered_since=_unanswered_since(old),
        staff_spoke_at=max((one.at for one in old.messages if one.kind == "staff"), default=None),
        finished_at=_finished_at(old), merged_into=old.merged_into,
        links=(Link(kind="merged", ticket=old.merged_into),) if old.merged_into else (),
    )  # fmt: skip
    return _understood(ticket, first, desk) if old.status == "open" else ticket


def _understood(ticket: Ticket, text: str, desk: Desk) -> Ticket:
    """Read the first mail of a ticket that is still worked on as if it came today: its class and facts (Q4, Q5)."""
    found = find(subject=ticket.subject, core_subject=ticket.subject, text=text, desk=desk)
    return replace(ticket, class_=found.class_, fields=dict(found.fields))


def _queue(old: OldTicket, setting: Setting) -> str:
    queues = setting.desk.queues
    named = setting.queues.get(old.queue or "", old.queue)
    if not named:
        return next(iter(queues))
    for name in queues:
        if name.lower() == named.lower():
            return name
    raise Wrong(f"queue: {named!r} is none of desk {setting.desk.name} ({', '.join(queues)}); map it with --queue")


def _subjects(old: OldTicket, subject: str, core: Core) -> tuple[str, ...]:
    """Return every core subject seen on it (T4)."""
    seen = dict.fromkeys((subject, *(core(one.subject) for one in old.messages if one.kind == "customer")))
    return tuple(one for one in seen if one)[:_MOST_SUBJECTS]


def _participants(old: OldTicket, setting: Setting) -> tuple[str, ...]:
    """Desk addresses and staff are never taken as participants (A8)."""
    staff = {one.address for one in setting.staff}
    return tuple(
        one
        for one in old.participants
        if one != old.requestor and one not in staff and bare_address(one) not in setting.own_addresses
    )


def _language(of_account: str | None, text: str, setting: Setting) -> str:
    languages = setting.desk.languages
    if of_account in languages:
        return str(of_account)
    detected = setting.language(text) if text else None
    return detected if detected in languages else languages[0]


def _unanswered_since(old: OldTicket) -> datetime | None:
    """Return since when the customer of an open ticket waits: their first mail after the last answer (D1)."""
    if old.status != "open":
        return None
    since: datetime | None = None
    for one in old.messages:
        if one.kind == "staff":
            since = None
        elif one.kind == "customer" and since is None:
            since = one.at
    return since


def _finished_at(old: OldTicket) -> datetime | None:
    if old.status not in ("resolved", "closed"):
        return None
    return old.finished_at or (old.messages[-1].at if old.messages else old.created_at)


def _with_clocks(case: Case, old: OldTicket, desk: Desk, now: datetime) -> Case:
    """Start the clocks of an open ticket, from now: nobody is late with what another system promised."""
    if old.status != "open":
        return case
    if case.ticket.unanswered_since is None:
        return clocks.start_ball_clocks(case, desk, now)
    kind = "next_response" if case.ticket.staff_spoke_at else "first_response"
    return clocks.start_desk_clocks(case, desk, now, responds=kind)


def _message(old: OldMessage, files: Sequence[StoredFile]) -> Message:
    return Message(
        id="", kind=old.kind, author=old.author, author_name=old.author_name, at=old.at, subject=old.subject,
        visible_text=old.text, text=old.text, attachments=tuple(files), message_id=old.message_id,
        digest=files[0].digest if files else None,
    )  # fmt: skip

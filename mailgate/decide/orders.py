"""What staff commands do (C3 to C5, C7, D5, T7): each an order on a piece of work, or an error that stops them all."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from mailgate.decide import clocks, letters
from mailgate.decide.acknowledge import acknowledgement
from mailgate.decide.escalate import TEAM_LETTERS, climb, hand_over
from mailgate.decide.route import Routed
from mailgate.decide.scene import Scene
from mailgate.model.decision import AddMessage, ChangeMessage, Effect, Hasten, Mark, MoveMessages, Note, Save, Withdraw
from mailgate.model.letter import CUSTOMER_LETTERS, Letter
from mailgate.model.people import Staff
from mailgate.model.quick import replace
from mailgate.model.ticket import NEW, WHOLE, Case, Link, Message, Status, StoredFile, Ticket
from mailgate.understand.commands import STATUS_OF, WITH_ARGUMENT, WITHOUT_ARGUMENT, Command, read_moment

_ADDRESS = re.compile(r"[\w.+'-]{1,64}@[\w.-]{1,253}")
LATE_LETTERS = ("reminder", "update_due")  # about a clock: pointless once it is met or stopped
AUTOMATIC_LETTERS = tuple(kind for kind in CUSTOMER_LETTERS if kind != "relay")
_THEIRS = ("customer", "auto", "recorded")
_SILENT = ("full", "take", "close", "resolve", "wait", "open", "priority", "note", "ack", "help", "send")


@dataclass(slots=True)
class Work:
    """A mail of staff in the making: the case as it will be, what else happens, and what went wrong."""

    scene: Scene
    person: Staff
    before: Case
    case: Case
    status: Status | None = None
    is_handed: bool = False  # to another team: nobody owns it now
    is_escalated: bool = False  # the next team has the ball
    origin: Case | None = None  # the ticket that the mail is on, where it has gone into another by now
    base: Case | None = None  # what #undo goes back to, where it is not `before`
    snoozed_until: datetime | None = None  # by a command of this mail
    promised_at: datetime | None = None  # likewise
    stops_clocks: bool = False  # #spam, #abuse
    effects: list[Effect] = field(default_factory=list)
    letters: list[Letter] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    done: list[dict[str, str]] = field(default_factory=list)
    saved_elsewhere: list[Effect] = field(default_factory=list)

    @property
    def first(self) -> Case:
        return self.origin or self.before

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.person.timezone) if self.person.timezone else self.scene.desk.timezone

    def fail(self, command: Command, code: str, detail: str = "", allowed: tuple[str, ...] = ()) -> None:
        self.errors.append({"line": command.line, "code": code, "detail": detail, "allowed": allowed})

    def report(self, command: Command, detail: str) -> None:
        if command.name not in _SILENT:
            self.done.append({"line": command.line, "detail": detail})

    def change(self, **values: Any) -> None:
        self.case = replace(self.case, ticket=replace(self.case.ticket, **values))


def carry_out(work: Work, commands: tuple[Command, ...]) -> None:
    """Carry out every command in its order; the first error makes the mail a letter back (C4)."""
    if odd := _contradiction(commands):
        work.fail(odd, "contradiction")
    for command in sorted(commands, key=lambda one: one.name != "undo"):  # what is taken back goes first
        order = ORDERS.get(command.name)
        if order is None:
            work.fail(command, "unknown", "#" + command.name, tuple("#" + name for name in ORDERS))
        elif command.name in work.scene.desk.leads_only and work.person.role == "staff":
            work.fail(command, "leads_only")
        elif command.name in WITH_ARGUMENT and not command.argument:
            work.fail(command, "needs_argument")
        elif command.argument and command.name in WITHOUT_ARGUMENT:
            work.fail(command, "own_line", command.argument)
        else:
            order(work, command)


def _contradiction(commands: tuple[Command, ...]) -> Command | None:
    """Return the last of commands that cannot be meant together, or None."""
    wanted: dict[str, dict[str, Command]] = {}
    for one in commands:
        if one.name in STATUS_OF:
            wanted.setdefault("status", {})[one.name] = one
        elif one.name in ("assign", "take"):
            wanted.setdefault("owner", {})[one.argument.casefold()] = one
        elif one.name in ("queue", "priority", "lang", "eta", "snooze", "merge"):
            wanted.setdefault(one.name, {})[one.argument.casefold()] = one
    return next((list(found.values())[-1] for found in wanted.values() if len(found) > 1), None)


def find_person(name: str, people: tuple[Staff, ...]) -> list[Staff]:
    """Return the persons that an address or a unique part of a name means (C3)."""
    wanted = name.strip().strip("@\"'").casefold()
    # mail programs make links of addresses: `ivan@team.example<mailto:ivan@team.example>`
    if found := _ADDRESS.search(wanted):
        return [one for one in people if one.address == found.group(0)]
    if not wanted:
        return []
    exact = [one for one in people if wanted == one.name.casefold()]
    named = exact or [one for one in people if wanted in one.name.casefold()]
    return named or [one for one in people if wanted in one.address.partition("@")[0]]


def _status(work: Work, command: Command) -> None:
    work.status = STATUS_OF[command.name]  # type: ignore[assignment]


def _take(work: Work, command: Command) -> None:
    work.change(owner=work.person.address)
    work.is_handed = False


def _assign(work: Work, command: Command) -> None:
    found = find_person(command.argument, work.scene.facts.people)
    if len(found) != 1:
        code = "several_persons" if found else "no_such_person"
        choice = found or list(work.scene.facts.people)
        work.fail(command, code, command.argument, tuple(one.name or one.address for one in choice)[:20])
        return
    person = found[0]
    work.change(owner=person.address)
    if person.address != work.person.address:
        scene = work.scene
        context = {
            "card": letters.card(work.case, scene.desk, scene.facts), "cause": "command", "reason": "",
            "from_team": work.case.ticket.team, **letters.last_words(scene.facts, work.case.ticket.number),
            "files": [], "history": letters.history(scene.facts, work.case.ticket.number),
        }  # fmt: skip
        work.letters.append(letters.to_staff("handover", work.case, scene.desk, person, context))
    work.report(command, person.name or person.address)


def _queue(work: Work, command: Command) -> None:
    desk, name = work.scene.desk, command.argument.lower()
    queue = next((one for one in desk.queues.values() if one.name.lower() == name), None)
    if queue is None:
        work.fail(command, "no_such_queue", command.argument, tuple(desk.queues))
        return
    old_team = work.case.ticket.team
    work.change(queue=queue.name, is_team_by_hand=False)
    work.case = clocks.reprioritise(work.case, desk, work.scene.at)
    if old_team != queue.team:
        work.letters += hand_over(work, queue.team, cause="queue", reason="")
    work.report(command, queue.name)


def _priority(work: Work, command: Command) -> None:
    value = command.argument.lower()
    if value not in ("high", "normal"):
        work.fail(command, "bad_priority", command.argument, ("high", "normal"))
        return
    is_raised = value == "high" and work.case.ticket.priority != "high"
    work.change(priority=value)
    work.case = clocks.reprioritise(work.case, work.scene.desk, work.scene.at)
    if is_raised:  # D6: a high ticket's notices wait for no opening
        work.effects.append(Hasten(ticket=work.case.ticket.number, kinds=TEAM_LETTERS))


def _escalate(work: Work, command: Command) -> None:
    """D5: to the named team, which is kept and waited for, or to the next of the ladder."""
    desk = work.scene.desk
    first, _, reason = command.argument.partition(" ")
    if first.lower() in ("managers", "management"):
        _ask_managers(work, reason.strip())
        return
    team = next((name for name in desk.teams if name.lower() == first.lower().rstrip(":,")), None)
    is_named = team is not None
    if team is None:
        team, reason = climb(work.case, desk, work.scene.now), command.argument
        if team is None:  # D5: after the last rung only the managers are told
            work.letters += _to_management(work, reason.strip(), "last_rung")
            work.report(command, "managers")
            return
    if team == work.case.ticket.team:
        work.fail(command, "itself", team)
        return
    work.change(is_team_by_hand=is_named)
    work.is_escalated = True
    work.letters += hand_over(work, team, cause="command", reason=reason.strip())
    work.letters.append(letters.escalation(work.case, desk, "command", team, work.scene.now))
    work.report(command, team)


def _ask_managers(work: Work, reason: str) -> None:
    """C5: a decision of the management is asked for; the ticket stays where it is."""
    scene, case = work.scene, work.case
    work.is_escalated = case.ticket.status in ("resolved", "closed")  # what is to be decided is not over
    work.letters += _to_management(work, reason, "management")
    work.letters.append(letters.escalation(case, scene.desk, "management", case.ticket.team, scene.now))


def _to_management(work: Work, reason: str, cause: str) -> list[Letter]:
    scene, case = work.scene, work.case
    work.effects.append(Note(ticket=case.ticket.number, kind="escalated", detail="managers", actor=work.person.address))
    context = {
        "card": letters.card(case, scene.desk, scene.facts), "cause": cause, "reason": reason,
        "asker": work.person.name or work.person.address, "from_team": case.ticket.team,
        **letters.last_words(scene.facts, case.ticket.number), "files": [],
        "history": letters.history(scene.facts, case.ticket.number),
    }  # fmt: skip
    return letters.to_managers("handover", scene.desk, case, context)


def _merge(work: Work, command: Command) -> None:
    """T7: this ticket goes into the named one; both numbers lead there, the customer is told once."""
    scene, ticket = work.scene, work.case.ticket
    digits = "".join(letter for letter in command.argument if letter.isdigit())
    survivor = scene.facts.survivors.get(int(digits)) if digits and len(digits) < 13 else None
    target = scene.facts.cases.get(survivor) if survivor is not None else None
    if target is None:
        work.fail(command, "no_such_ticket", command.argument)
    elif target.ticket.number == ticket.number:
        work.fail(command, "itself", command.argument)
    elif ticket.account and target.ticket.account and ticket.account != target.ticket.account:
        work.fail(command, "other_account", command.argument)
    elif not _is_one_customers(work.scene, ticket, target.ticket):
        work.fail(command, "other_requestor", command.argument)
    else:
        merge(work, target)
        work.report(command, str(target.ticket.number))


def _is_one_customers(scene: Scene, one: Ticket, other: Ticket) -> bool:
    """Are the requestors one person, or do they share an account (T7)? Else one would come to read the other's text. A
    ticket without an account counts for every account that its requestor is a contact of today."""
    if one.requestor and one.requestor == other.requestor:
        return True
    today = scene.at.astimezone(scene.desk.timezone).date()
    contacts = [each for each in scene.facts.account_contacts if each.until is None or each.until >= today]
    accounts = [
        {ticket.account} if ticket.account
        else {each.account.number for each in contacts if ticket.requestor and each.address == ticket.requestor}
        for ticket in (one, other)
    ]  # fmt: skip
    return bool(accounts[0] & accounts[1])


def merge(work: Work, target: Case) -> None:
    """Let `work.case` go into `target`; text and commands behind it are about the survivor."""
    scene, ticket, at = work.scene, work.case.ticket, work.scene.at
    number = target.ticket.number
    gone = clocks.change_status(work.case, scene.desk, "merged", at)
    links = (*ticket.links, Link(kind="merged", ticket=number))
    gone = replace(gone, ticket=replace(gone.ticket, merged_into=number, links=links, snoozed_until=None))
    work.saved_elsewhere.append(Save(before=work.before, after=gone, actor=work.person.address, because="merge"))
    work.effects += [
        MoveMessages(source=ticket.number, target=number),
        Withdraw(ticket=ticket.number, kinds=TEAM_LETTERS, reason="merged"),
    ]
    after = replace(target, ticket=_joined(target.ticket, ticket, at))
    if ticket.unanswered_since and ticket.status in ("new", "open") and after.ticket.status != "new":
        after = clocks.change_status(after, scene.desk, "open", at)
    work.origin = work.first
    work.before, work.case = target, clocks.take_over(after, work.case, scene.desk, at)
    context = {"from_number": ticket.number, "from_subject": ticket.subject}
    told = letters.to_customer("merged", after, scene.desk, context, to=ticket.reply_address or ticket.requestor,
                               to_name=ticket.requestor_name, language=ticket.language)  # fmt: skip
    work.letters.append(told)


def _joined(target: Ticket, source: Ticket, at: datetime) -> Ticket:
    """Return `target` with the people, words and fields of `source`."""
    people = dict.fromkeys((*target.participants, source.requestor, *source.participants))
    people.pop(target.requestor, None)
    return replace(
        target, participants=tuple(people), subjects=tuple(dict.fromkeys((*target.subjects, *source.subjects))),
        fields={**source.fields, **target.fields}, links=(*target.links, Link(kind="merged", ticket=source.number)),
        account=target.account or source.account, is_formal=target.is_formal or source.is_formal, changed_at=at,
    )  # fmt: skip


def _split(work: Work, command: Command) -> None:
    """T7: the latest question becomes a ticket of its own; of a single mail, which asks two things, a copy does, under a
    subject that tells the two apart."""
    said = [one for one in work.scene.facts.messages.get(work.case.ticket.number, ()) if one.kind == "customer"]
    if not said or (len(said) < 2 and not command.argument):
        work.fail(command, "nothing_to_split")
        return
    split(work, said[-1], command.argument, is_copied=len(said) < 2)
    work.report(command, command.argument or said[-1].subject)


def split(work: Work, message: Message, subject: str, *, is_copied: bool = False) -> None:
    """Make a ticket of `message`, or of a copy of it, with clocks from its arrival."""
    scene, ticket = work.scene, work.case.ticket
    core = subject or ticket.subject
    fresh = replace(
        ticket, number=NEW, status="new", subject=core, subjects=(core,), links=(Link(kind="split", ticket=ticket.number),),
        owner=None, flags=(), fields={}, missing=(), created_at=message.at, changed_at=scene.at, unanswered_since=None,
        staff_spoke_at=None, finished_at=None, snoozed_until=None, is_formal=False, is_team_by_hand=False,
        team=scene.desk.queues[ticket.queue].team,
    )  # fmt: skip
    # what a person has answered since waits anew from now on, as a question of its own
    is_unanswered = ticket.unanswered_since is not None and message.at >= ticket.unanswered_since
    since = message.at if is_unanswered else scene.at
    case = clocks.start_desk_clocks(Case(ticket=fresh), scene.desk, since, let_in=scene.at)
    if is_unanswered and message.at == ticket.unanswered_since and not is_copied:
        work.case = clocks.forget_question(work.case, scene.at)
    work.saved_elsewhere.append(Save(before=None, after=case, actor=work.person.address, because="split"))
    if is_copied:
        work.effects.append(AddMessage(ticket=NEW, message=replace(message, id="", subject=core)))
    else:
        work.effects.append(MoveMessages(source=ticket.number, target=NEW, messages=(message.id,)))
    work.change(links=(*work.case.ticket.links, Link(kind="split", ticket=NEW)))
    context = {"from_number": ticket.number, "from_subject": ticket.subject, "is_copied": is_copied}
    work.letters.append(letters.to_customer("split_notice", case, scene.desk, context))
    notice = {
        "card": letters.card(case, scene.desk, scene.facts), "event": "split", "author": message.author,
        "author_name": message.author_name, "text": message.visible_text, "hidden": message.hidden,
        "files": letters.files_of(message),
        "history": [], "suggest_split": False, "claimed": (), "from_ticket": ticket.number, "left_out": "",
    }  # fmt: skip
    work.letters += letters.to_team(
        "staff_notice", case, scene.desk, scene.facts, scene.now, notice, attachments=message.attachments
    )


def _snooze(work: Work, command: Command) -> None:
    until = read_moment(command.argument, work.scene.at, work.zone)
    if until is None or until <= work.scene.at:
        work.fail(
            command, "past" if until else "bad_duration", command.argument, ("2d", "4h", "16:00", "2026-03-09 16:00")
        )
        return
    work.snoozed_until = until  # after the status: see `staff`
    work.report(command, _show(until, work.zone))


def _eta(work: Work, command: Command) -> None:
    """D1: a promise with a deadline of its own, told to the customer; it keeps the ticket open."""
    scene = work.scene
    at = read_moment(command.argument, scene.at, work.zone)
    if at is None or at <= scene.at:
        work.fail(
            command, "past" if at else "bad_duration", command.argument, ("2d", "4h", "16:00", "2026-03-09 16:00")
        )
        return
    work.promised_at = at  # after the reply, which meets earlier promises: see `staff`
    work.status = work.status or "open"
    work.letters.append(letters.to_customer("promise", work.case, scene.desk, {"at": at}))
    work.report(command, _show(at, work.zone))


def _verify(work: Work, command: Command) -> None:
    """C3: the writer vouches for the sender: the flag is lifted, the clocks begin."""
    ticket, scene = work.case.ticket, work.scene
    was_flagged = "identity_required" in ticket.flags
    work.change(level="verified", flags=tuple(flag for flag in ticket.flags if flag != "identity_required"))
    if was_flagged and ticket.status in ("new", "waiting"):
        work.case = clocks.change_status(work.case, scene.desk, "open", scene.at)
        work.case = clocks.start_response(work.case, scene.desk, scene.at, kind="first_response")
        work.case = clocks.ensure_resolve(work.case, scene.desk, scene.at)
    work.report(command, "verified")


def _language(work: Work, command: Command) -> None:
    value, known = command.argument.lower(), work.scene.desk.languages
    if value not in known:
        work.fail(command, "bad_language", command.argument, known)
        return
    work.change(language=value)
    work.report(command, value)


def _block(work: Work, command: Command) -> None:
    """C5: that sender gets no automatic mail any more; #spam closes the ticket too. Both stop its clocks."""
    ticket = work.case.ticket
    because = f"{command.line} on {ticket.number}"
    for address in dict.fromkeys((ticket.requestor, ticket.reply_address)):
        if address:
            work.effects.append(Mark(address=address, mark="blocked", because=because))
    kinds = (*AUTOMATIC_LETTERS, *TEAM_LETTERS) if command.name == "spam" else AUTOMATIC_LETTERS
    work.effects.append(Withdraw(ticket=ticket.number, kinds=kinds, reason="blocked"))
    if command.name == "spam":
        work.status = "closed"
    work.stops_clocks = True
    work.change(flags=tuple(dict.fromkeys((*work.case.ticket.flags, "blocked"))))
    work.report(command, ticket.requestor)


def _undo(work: Work, command: Command) -> None:
    """C2, C7: a reply that has not left is taken back; clock, owner and status are as before it."""
    scene, number = work.scene, work.case.ticket.number
    waiting = scene.facts.extra.get("unsent_messages", frozenset())
    own = [
        one for one in scene.facts.messages.get(number, ())
        if one.author == work.person.address and one.kind == "staff" and (one.id in waiting or one.state == "awaiting_send")
        and one.state != "taken_back"
    ]  # fmt: skip
    if not own:
        work.fail(command, "nothing_to_undo")
        return
    message = own[-1]
    work.effects.append(Withdraw(ticket=number, message=message.id, reason="#undo"))
    work.effects.append(ChangeMessage(ticket=number, message=message.id, state="taken_back"))
    if message.undo and message.state != "awaiting_send":
        work.case = restore(work.case, message.undo, scene.at)
        if work.case.ticket.status in ("new", "open") and not work.case.ticket.snoozed_until:
            work.case = clocks.resume(work.case, scene.desk, scene.at)
        work.base = work.case
    work.report(command, letters.shorten(message.visible_text, 80))


def restore(case: Case, undo: Any, at: datetime) -> Case:
    """Put back what the reply changed: status, owner, who waits, and the deadlines that it closed. What a customer has
    written meanwhile stays unanswered."""
    wrote_again = undo["unanswered_since"] is None and case.ticket.unanswered_since is not None
    kept = {one["id"]: one for one in undo["deadlines"]}
    deadlines = []
    for one in case.deadlines:
        if one.id in kept:
            deadlines.append(replace(one, **kept[one.id]))
        elif one.state in ("pending", "paused") and not (wrote_again and one.kind in clocks.RESPONSE):
            deadlines.append(replace(one, state="cancelled", closed_at=at, remind_at=None))
        else:
            deadlines.append(one)
    ticket = replace(
        case.ticket, status=undo["status"], owner=undo["owner"],
        unanswered_since=case.ticket.unanswered_since if wrote_again else undo["unanswered_since"],
        staff_spoke_at=undo["staff_spoke_at"], finished_at=undo["finished_at"], snoozed_until=undo["snoozed_until"],
    )  # fmt: skip
    if wrote_again and ticket.status == "waiting":
        ticket = replace(ticket, status="open")
    return Case(ticket=ticket, deadlines=tuple(deadlines))


def snapshot(case: Case) -> dict[str, Any]:
    """Return what `restore` needs to put back."""
    ticket = case.ticket
    return {
        "status": ticket.status, "owner": ticket.owner, "unanswered_since": ticket.unanswered_since,
        "staff_spoke_at": ticket.staff_spoke_at, "finished_at": ticket.finished_at, "snoozed_until": ticket.snoozed_until,
        "deadlines": [
            {"id": one.id, "state": one.state, "due_at": one.due_at, "remind_at": one.remind_at,
             "remaining_seconds": one.remaining_seconds, "closed_at": one.closed_at}
            for one in case.deadlines if one.state in ("pending", "paused")
        ],
    }  # fmt: skip


def _ack(work: Work, command: Command) -> None:
    scene, case = work.scene, work.case
    if any(one.kind == "ack" and one.state != "cancelled" for one in case.deadlines):  # P2: one a ticket
        work.fail(command, "acknowledged")
        return
    work.case = clocks.start_ack(case, scene.desk, scene.at)
    queue = scene.desk.queues[case.ticket.queue]
    routed = Routed(queue=queue, priority=case.ticket.priority, language=case.ticket.language, needs_identity=False,
                    missing=case.ticket.missing)  # fmt: skip
    letter = acknowledgement(scene, case, routed)
    work.letters.append(replace(letter, in_reply_to=None, references=()) if case.ticket.number != NEW else letter)


def _full(work: Work, command: Command) -> None:
    """The customer's newest mail, whole, as it came (P6)."""
    scene = work.scene
    entries = [
        one for one in scene.facts.messages.get(work.before.ticket.number, ()) if one.digest and one.kind in _THEIRS
    ]
    if not entries:
        work.fail(command, "nothing_whole")
        return
    newest = entries[-1]
    whole = StoredFile(
        filename="mail.eml", content_type="message/rfc822", size=0, sha256=newest.digest or "", inline=False,
        digest=newest.digest or "", part=WHOLE,
    )  # fmt: skip
    done = [{"line": command.line, "detail": newest.subject}]
    context = {"card": letters.card(work.case, scene.desk, scene.facts), "done": done, "is_help": False}
    work.letters.append(
        letters.with_files(letters.to_staff("command_done", work.case, scene.desk, work.person, context), (whole,))
    )


def _nothing(work: Work, command: Command) -> None:
    """Seen to elsewhere: #answer is put into the text (`ready`), #note makes the mail a note, #send and #help are whole
    mails (see `staff`)."""


def _alone(work: Work, command: Command) -> None:
    """C9: a mail of its own; whatever stands beside it would be lost."""
    work.fail(command, "alone")


def _no_held(work: Work, command: Command) -> None:
    work.fail(command, "nothing_held")


def _show(at: datetime, zone: ZoneInfo) -> str:
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M} ({zone.key})"


ORDERS: dict[str, Callable[[Work, Command], None]] = {
    "close": _status, "resolve": _status, "wait": _status, "open": _status, "take": _take, "assign": _assign,
    "queue": _queue, "priority": _priority, "escalate": _escalate, "merge": _merge, "split": _split, "snooze": _snooze,
    "note": _nothing, "verify": _verify, "eta": _eta, "lang": _language, "spam": _block, "abuse": _block,
    "accept": _no_held, "reject": _no_held, "undo": _undo, "send": _nothing, "ack": _ack, "help": _nothing,
    "answer": _nothing, "find": _alone, "mine": _alone,
    "full": _full,
}  # fmt: skip

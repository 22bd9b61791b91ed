"""A customer's mail (T1 to T6, S7, Q1 to Q8, A1): a new ticket, a follow-up, or a split."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from mailgate.decide import clocks, incidents, letters
from mailgate.decide.acknowledge import acknowledgement, told_by
from mailgate.decide.filters import flags_of, removed
from mailgate.decide.own_rules import copies_of, notes_of, owner_of, shown_notes, what_rules_say
from mailgate.decide.route import Routed, choose_language, may_ask, may_confirm, names_account, route
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.sender import as_contact_of, find_reply_address, senders_contacts
from mailgate.decide.thread import Thread, find_same_subject, find_thread, is_other_matter
from mailgate.model.decision import (
    AddMessage,
    Decision,
    Effect,
    Identity,
    Save,
)
from mailgate.model.own_rules import Said
from mailgate.model.quick import replace
from mailgate.model.settings import bare_address
from mailgate.model.ticket import NEW, Case, Link, Message, StoredFile, Ticket
from mailgate.understand.shown import NOT_OURS


def decide_customer(scene: Scene, identity: Identity, trace: Trace) -> Decision:
    """Return what becomes of a person's mail that is not staff's: follow-up, split or new."""
    if doubtful := sum(one.lines for one in scene.mail.segments if one.because == NOT_OURS):
        trace.add("M3", "shown though marked as quoted", f"{doubtful} lines are {NOT_OURS}")
    thread = find_thread(scene, identity, trace)
    case = thread.case
    if case is None and thread.forwards is None:
        case = find_same_subject(scene, identity, trace)
        thread = replace(thread, by="subject" if case else None, case=case)
    identity = as_participant(scene, identity, case, trace)
    if case is None:
        return open_ticket(scene, identity, thread, trace)
    why = is_other_matter(scene, case, trace) if thread.by != "subject" else ""
    if why:
        return open_ticket(scene, identity, thread, trace, split_from=case, split_because=why)
    return follow_up(scene, identity, thread, case, trace)


def as_participant(scene: Scene, identity: Identity, case: Case | None, trace: Trace) -> Identity:
    """An unknown sender who is on this ticket is a participant of it (S3)."""
    ticket = case.ticket if case else None
    if identity.level == "unknown" and ticket and scene.clues.sender:
        if identity.address in (ticket.requestor, ticket.reply_address) or identity.address in ticket.participants:
            identity = replace(identity, level="participant")
    if ticket:
        identity = as_contact_of(scene, identity, ticket.account or ticket.named_account)
    who = f"{identity.contact or identity.address or 'nobody'}" + (
        f" of {identity.account}" if identity.account else ""
    )
    trace.add("S3", f"level {identity.level}", f"{who}; {identity.because}")
    return identity


def open_ticket(
    scene: Scene,
    identity: Identity,
    thread: Thread,
    trace: Trace,
    *,
    split_from: Case | None = None,
    split_because: str = "",
) -> Decision:
    """Open a ticket for the mail, with its clocks, its links and its letters (A1, C1)."""
    said = what_rules_say(scene, identity)
    routed = route(scene, identity, trace, said)
    flags = tuple(dict.fromkeys((*_flags(scene, identity, thread, routed, trace), *flags_of(scene), *said.flags)))
    ticket = _new_ticket(scene, identity, routed, flags, split_from, thread)
    team = said.team or _team_of(scene, routed, trace)
    ticket = replace(ticket, team=team, owner=owner_of(scene, said, trace))
    case = _start(scene, Case(ticket=ticket), routed)
    wants_ack = scene.mail.automatic is None and scene.arrival.wants_ack and not _is_null_sender(scene)
    if wants_ack and said.ack is False:
        wants_ack = False
        trace.add("Q9", "no ack", "a rule of the desk")
    elif not wants_ack and scene.mail.automatic is None:
        trace.add("A3", "no ack", "the envelope sender is empty" if _is_null_sender(scene) else "none is wanted")
    if wants_ack:
        case = clocks.start_ack(case, scene.desk, scene.at)
    message = message_of(scene, identity, kind="customer" if scene.mail.automatic is None else "auto")
    effects: list[Effect] = [
        Save(before=None, after=case, actor=identity.address or "", because=split_because or "mail")
    ]
    effects.append(AddMessage(ticket=NEW, message=message))
    effects += notes_of(said, NEW, message)
    if split_from:
        effects.append(_link(split_from, Link(kind="split", ticket=NEW), identity))
    elif thread.forwards is not None:
        effects.append(_link(scene.facts.cases[thread.forwards], Link(kind="forward", ticket=NEW), identity))
    left_out, promised = "", None
    if wants_ack:
        letter = acknowledgement(scene, case, routed, split_from, split_because)
        ack = letters.gate(scene.facts, scene.desk, letter, identity.address)
        effects.append(ack)
        left_out = getattr(ack, "reason", "")
        promised = None if left_out else told_by(letter)
        trace.add("A1" if not left_out else "A3", "ack" if not left_out else "no ack", left_out)
        if team != routed.queue.team and not said.team:
            moved = letters.escalation(case, scene.desk, "overflow", team, scene.now)
            effects.append(letters.gate(scene.facts, scene.desk, moved, identity.address))  # D5
        if left_out:  # what is not to be said is not due
            case = clocks.close(case, ("ack",), "cancelled", scene.at)
    effects += _tell_staff(scene, identity, case, message, thread, split_from, left_out, promised, said)
    incident_effects, case = incidents.watch(scene, case, trace)
    effects[0] = Save(before=None, after=case, actor=identity.address or "", because=split_because or "mail")
    effects += incident_effects
    return _decision(
        scene, identity, thread, trace, case, effects, outcome="split" if split_from else "new", ticket=NEW,
        from_ticket=split_from.ticket.number if split_from else None, flags=flags,
    )  # fmt: skip


def follow_up(scene: Scene, identity: Identity, thread: Thread, case: Case, trace: Trace) -> Decision:
    """Add the mail to its ticket (T5, D1, D6, D7, S7)."""
    before, mail = case, scene.mail
    is_auto = mail.automatic is not None
    is_thanks = scene.findings.is_thanks and case.ticket.status in ("resolved", "closed")
    message = message_of(scene, identity, kind="auto" if is_auto else "customer")
    case = _remember(scene, identity, case)
    flags: list[str] = []
    woke = False
    if is_auto:
        trace.add("M7", "moves nothing", "automatic mail")
    elif is_thanks:
        trace.add("T5", "a mere thank-you leaves the status alone", scene.findings.because.get("thanks", ""))
    else:
        case, flags, woke = _move(scene, identity, case, trace)
    effects: list[Effect] = [
        Save(before=before, after=case, actor=identity.address or "", because=f"follow-up by {thread.by}"),
        AddMessage(ticket=case.ticket.number, message=message),
    ]
    said = what_rules_say(scene, identity)
    flags += (*flags_of(scene), *said.flags)
    effects += notes_of(said, case.ticket.number, message)
    effects += _tell_staff_of_more(scene, identity, before, case, message, thread, is_thanks, flags, said)
    if woke:
        context = {"card": letters.card(case, scene.desk, scene.facts), "cause": "snooze", "due_at": None,
                   "text": mail.visible_text, "hidden": message.hidden}  # fmt: skip
        effects += _sends(scene, letters.to_team("reminder", case, scene.desk, scene.facts, scene.now, context))
    if thread.claimed:
        flags.append("claimed_tag")
    all_flags = tuple(dict.fromkeys((*case.ticket.flags, *flags)))
    return _decision(
        scene, identity, thread, trace, case, effects, outcome="follow_up", ticket=case.ticket.number, flags=all_flags
    )


def message_of(scene: Scene, identity: Identity, *, kind: Any = "customer", text: str | None = None) -> Message:
    """Return the mail as an entry of a ticket."""
    mail = scene.mail
    files = tuple(
        StoredFile(
            filename=one.filename, content_type=one.content_type, size=one.size, sha256=one.sha256, inline=one.inline,
            digest=mail.digest, part=place, content_id=one.content_id,
        )
        for place, one in enumerate(mail.attachments)
        if not one.finding  # what is infected stays with the raw mail (M9)
    )  # fmt: skip
    return Message(
        id="", kind=kind, author=identity.address or "", author_name=identity.name, at=scene.at, subject=mail.subject,
        visible_text=mail.visible_text if text is None else text, text=mail.text, attachments=files,
        message_id=mail.message_id, references=tuple(dict.fromkeys((*mail.in_reply_to, *mail.references)))[:20],
        digest=mail.digest, arrival=scene.arrival.id,
    )  # fmt: skip


def participants_of(scene: Scene, requestor: str) -> tuple[str, ...]:
    """Return those in To and Cc, without the requestor, mailboxes of any desk and the staff (A8). A mailing list and
    whom a machine writes to take no part."""
    if scene.mail.automatic:
        return ()
    boxes = {mailbox.address for mailbox in scene.desk.mailboxes} | scene.desk_addresses
    postmasters = {f"postmaster@{address.rpartition('@')[2]}" for address in boxes}
    own = boxes | postmasters | {*scene.desk.managers, *scene.desk.groups, *scene.clues.groups}
    staff = {person.address for person in scene.facts.people}
    others = (address for address in scene.clues.people if bare_address(address) not in own)
    return tuple(address for address in others if address != requestor and address not in staff)[:20]


def _new_ticket(
    scene: Scene, identity: Identity, routed: Routed, flags: tuple[str, ...], split_from: Case | None, thread: Thread
) -> Ticket:
    findings, requestor = scene.findings, identity.address or ""
    links = [Link(kind="split", ticket=split_from.ticket.number)] if split_from else []
    links += [Link(kind="forward", ticket=thread.forwards)] if thread.forwards is not None else []
    source = scene.arrival.form.source if scene.arrival.form else "mail"
    return Ticket(
        number=NEW, desk=scene.desk.name, queue=routed.queue.name, team=routed.queue.team,
        status="waiting" if routed.needs_identity else "new",
        priority="high" if routed.priority == "high" else "normal",
        subject=scene.mail.core_subject, subjects=(scene.mail.core_subject,) if scene.mail.core_subject else (),
        requestor=requestor, requestor_name=identity.name, reply_address=find_reply_address(scene, identity),
        participants=participants_of(scene, requestor), account=identity.account,
        named_account=_named_account(scene, identity), language=routed.language, level=identity.level,
        request=findings.request, rights=findings.rights, class_=findings.class_, source=source, flags=flags,
        links=tuple(links), fields=dict(findings.fields), missing=routed.missing, created_at=scene.at,
        changed_at=scene.at, is_formal=findings.is_formal,
    )  # fmt: skip


def _start(scene: Scene, case: Case, routed: Routed) -> Case:
    if routed.needs_identity:
        return clocks.start_waiting(case, scene.desk, scene.at)
    return clocks.start_desk_clocks(case, scene.desk, scene.at, let_in=scene.let_in)


def _team_of(scene: Scene, routed: Routed, trace: Trace) -> str:
    """Q8: a queue that drowns sends new tickets to its overflow team, if that is on duty."""
    queue = routed.queue
    if not queue.overflow or scene.facts.overdue_load.get(queue.name, 0) < scene.desk.rules.overflow_count:
        return queue.team
    if letters.opening(scene.desk, queue.overflow, scene.now) is not None:
        return queue.team
    trace.add("Q8", f"overflow: team {queue.overflow}", f"{scene.facts.overdue_load[queue.name]} tickets past 80 %")
    return queue.overflow


def _flags(scene: Scene, identity: Identity, thread: Thread, routed: Routed, trace: Trace) -> tuple[str, ...]:
    flags: list[str] = []
    if routed.needs_identity:
        flags.append("identity_required")
    if _is_mismatch(scene, identity):
        flags.append("account_mismatch")
        trace.add("S5", "account_mismatch", f"names {', '.join(one.number for one in scene.facts.named_accounts)}")
    if routed.moved:
        flags.append("misdirected")
    if thread.claimed:
        flags.append("claimed_tag")
    if "blocked" in scene.facts.marks.get(identity.address or "", ()):
        flags.append("blocked")
    return tuple(flags)


def _is_mismatch(scene: Scene, identity: Identity) -> bool:
    form = scene.arrival.form
    own = {contact.account.number for contact in senders_contacts(scene)} if not form else set()
    own |= {identity.account, form.account if form else None}  # type: ignore[arg-type]
    return bool(identity.account) and any(one.number not in own for one in scene.facts.named_accounts)


def _named_account(scene: Scene, identity: Identity) -> str | None:
    return next((one.number for one in scene.facts.named_accounts if one.number != identity.account), None)


def _remember(scene: Scene, identity: Identity, case: Case) -> Case:
    """Keep what a follow-up adds to the ticket: its subject, people, fields; what is no longer missing (Q4, Q7)."""
    ticket, findings = case.ticket, scene.findings
    core = scene.mail.core_subject
    subjects = ticket.subjects if not core or core in ticket.subjects else (*ticket.subjects, core)[-20:]
    fields = {**ticket.fields, **findings.fields}
    people = [one for one in participants_of(scene, ticket.requestor) if one not in ticket.participants]
    if identity.address and identity.address != ticket.requestor and identity.address not in ticket.participants:
        people.append(identity.address)
    return replace(
        case,
        ticket=replace(
            ticket, subjects=subjects, fields=fields, changed_at=scene.at,
            participants=tuple(dict.fromkeys((*ticket.participants, *people)))[:40],
            missing=tuple(name for name in ticket.missing if not _is_given(scene, fields, name)),
            named_account=ticket.named_account or _named_account(scene, identity),
        ),
    )  # fmt: skip


def _is_given(scene: Scene, fields: Mapping[str, str], name: str) -> bool:
    """Has the customer said it by now? A server is known by its order as well; any number of theirs names them (S8)."""
    if name == "contract":
        return bool(fields.get("contract") or names_account(scene))
    return bool(fields.get(name) or (name == "server" and fields.get("order")))


def _move(scene: Scene, identity: Identity, case: Case, trace: Trace) -> tuple[Case, list[str], bool]:
    """Let a person's follow-up move status and clocks; return the case, the mail's own flags, and whether it woke."""
    desk, at, ticket = scene.desk, scene.at, case.ticket
    flags = ["account_mismatch"] if _is_mismatch(scene, identity) else []
    if not may_ask(scene, identity):
        flags.append("identity_required")
    if "identity_required" in ticket.flags:
        return _answer_identity(scene, identity, case, trace), flags, False
    woke = ticket.snoozed_until is not None
    if ticket.status in ("resolved", "closed"):
        trace.add("T5", "reopened", f"was {ticket.status}")
        case = clocks.change_status(case, desk, "open", at)
    elif ticket.status == "waiting" or woke:
        case = clocks.change_status(case, desk, "new" if ticket.status == "new" else "open", at)
    return clocks.start_response(case, desk, at, let_in=scene.let_in), flags, woke


def _answer_identity(scene: Scene, identity: Identity, case: Case, trace: Trace) -> Case:
    """S7: a contact who may lifts the flag, gives the ticket that account, and opens it; else it waits."""
    ticket = case.ticket
    accounts = {number for number in (ticket.account, ticket.named_account) if number}
    fits = not accounts or identity.account in accounts
    rights = tuple(ticket.rights)
    if not (identity.contact and fits and may_confirm(ticket.request, rights, identity)):  # type: ignore[arg-type]
        trace.add("S7", "the flag stays", f"level {identity.level}")
        is_over = ticket.status in ("resolved", "closed")
        return clocks.change_status(case, scene.desk, "waiting", scene.at) if is_over else case
    trace.add("S7", "the flag is lifted", f"{identity.contact} of {identity.account}, level {identity.level}")
    lifted = replace(
        ticket, flags=tuple(flag for flag in ticket.flags if flag != "identity_required"), account=identity.account,
        level=identity.level,
    )  # fmt: skip
    case = clocks.change_status(replace(case, ticket=lifted), scene.desk, "open", scene.at)
    case = clocks.start_response(case, scene.desk, scene.at, kind="first_response", let_in=scene.let_in)
    return clocks.ensure_resolve(case, scene.desk, scene.at)


def _tell_staff(
    scene: Scene,
    identity: Identity,
    case: Case,
    message: Message,
    thread: Thread,
    split_from: Case | None,
    left_out: str,
    ack: dict[str, Any] | None,
    said: Said,
) -> list[Effect]:
    context = {
        "card": letters.card(case, scene.desk, scene.facts, identity), "event": "split" if split_from else "new",
        "author": identity.address or "", "author_name": identity.name, "text": message.visible_text, "hidden": message.hidden,
        "files": letters.files_of(message), "history": shown_notes(said, scene.at), "suggest_split": False,
        "claimed": thread.claimed, "from_ticket": split_from.ticket.number if split_from else None, "left_out": left_out,
        "ack": ack, "removed": removed(scene),
    }  # fmt: skip
    told = letters.to_team(
        "staff_notice", case, scene.desk, scene.facts, scene.now, context, attachments=message.attachments
    )
    return _sends(scene, [*told, *copies_of(said, scene, case, context, message)])


def _tell_staff_of_more(
    scene: Scene, identity: Identity, before: Case, case: Case, message: Message, thread: Thread, is_thanks: bool,
    flags: Sequence[str], said: Said,
) -> list[Effect]:  # fmt: skip
    desk, facts, ticket = scene.desk, scene.facts, case.ticket
    event = "thanks" if is_thanks else "reopened" if before.ticket.status in ("resolved", "closed") else "follow_up"
    summary = letters.card(case, desk, facts, identity)
    summary["flags"] = tuple(dict.fromkeys((*summary["flags"], *flags)))
    context = {
        "card": summary, "event": event, "author": identity.address or "", "author_name": identity.name,
        "text": message.visible_text, "hidden": message.hidden, "files": letters.files_of(message),
        "history": [*letters.history(facts, ticket.number), *shown_notes(said, scene.at)],
        "suggest_split": scene.findings.announces_new, "removed": removed(scene),
        "claimed": thread.claimed, "from_ticket": None, "left_out": "",
    }  # fmt: skip
    told = letters.to_team("staff_notice", case, desk, facts, scene.now, context, attachments=message.attachments)
    effects = _sends(scene, [*told, *copies_of(said, scene, case, context, message)])
    since = before.ticket.unanswered_since
    if since and scene.at - since >= timedelta(seconds=desk.rules.silence_seconds) and not scene.mail.automatic:
        effects += _wake_lead(scene, case, since)
    return effects


def _wake_lead(scene: Scene, case: Case, since: Any) -> list[Effect]:
    """D6: who writes again after 48 hours without an answer brings the ticket to the lead at once."""
    context = {"card": letters.card(case, scene.desk, scene.facts), "cause": "wrote_again", "since": since,
               "text": scene.mail.visible_text}  # fmt: skip
    people = letters.leads(case.ticket.team, scene.facts.people)
    found = [letters.to_staff("lead_notice", case, scene.desk, one, context) for one in people]
    return _sends(scene, found or letters.to_managers("lead_notice", scene.desk, case, context))


def _sends(scene: Scene, found: Sequence[Any]) -> list[Effect]:
    return [letters.gate(scene.facts, scene.desk, letter) for letter in found]


def _link(case: Case, link: Link, identity: Identity) -> Effect:
    linked = replace(case, ticket=replace(case.ticket, links=(*case.ticket.links, link)))
    return Save(before=case, after=linked, actor=identity.address or "", because=link.kind)


def _is_null_sender(scene: Scene) -> bool:
    return scene.arrival.envelope_from == ""


def _decision(
    scene: Scene, identity: Identity, thread: Thread, trace: Trace, case: Case, effects: list[Effect], *, outcome: Any,
    ticket: int, flags: tuple[str, ...], from_ticket: int | None = None,
) -> Decision:  # fmt: skip
    one = case.ticket
    return Decision(
        outcome=outcome, reasons=tuple(trace.reasons), effects=tuple(effects), desk=scene.desk.name, ticket=ticket,
        from_ticket=from_ticket, identity=identity,
        automatic=scene.mail.automatic.kind if scene.mail.automatic else None,
        by=thread.by, thread_ticket=thread.case.ticket.number if thread.case else None, queue=one.queue,
        priority=one.priority, request=scene.findings.request, class_=scene.findings.class_,
        language=one.language if ticket == NEW else choose_language(scene, identity), flags=flags,
        fields=dict(one.fields),
        missing=one.missing, visible_text=scene.mail.visible_text, clues=scene.clues,
    )  # fmt: skip

"""Mail of staff (C2 to C8): a reply to relay, a note, commands, a held mail decided, a ticket of their own."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from mailgate.decide import clocks, internal, letters
from mailgate.decide.colleagues import tell_readers, tell_second
from mailgate.decide.customer import message_of, open_ticket
from mailgate.decide.escalate import TEAM_LETTERS
from mailgate.decide.listing import decide_listing
from mailgate.decide.notice import without_addresses, without_notice
from mailgate.decide.orders import LATE_LETTERS, Work, carry_out, snapshot
from mailgate.decide.ready import put_answers
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.second_look import Doubts, look_again
from mailgate.decide.thread import Thread, find_thread
from mailgate.model.decision import (
    AddMessage,
    ChangeMessage,
    DecideHeld,
    Decision,
    Effect,
    Identity,
    LeaveOut,
    Save,
    Send,
    Withdraw,
)
from mailgate.model.letter import Letter
from mailgate.model.people import Staff
from mailgate.model.quick import replace
from mailgate.model.settings import bare_address
from mailgate.model.ticket import NEW, Case, Message, Status
from mailgate.understand.commands import Command, Said, read_commands
from mailgate.understand.findings import find

FINISHED = ("resolved", "closed")
_ACTS_NOT = ("undo", "help")  # do not count as acting on the ticket: it stays `new`


def decide_staff(scene: Scene, identity: Identity, trace: Trace) -> Decision:
    """Return what a staff member's mail does."""
    person = scene.facts.staff
    assert person is not None
    if scene.facts.held:
        return _decide_held(scene, identity, person, read_commands(without_notice(scene.mail.visible_text, ())), trace)
    if scene.clues.listing:
        return decide_listing(scene, identity, person, trace)
    thread = find_thread(scene, identity, trace)
    entries = scene.facts.messages.get(thread.case.ticket.number, ()) if thread.case else ()
    said = read_commands(without_notice(scene.mail.inline_text or scene.mail.visible_text, entries))
    said = _without_own_block(scene, said)
    thread = _joined_by_forward(scene, thread, trace)
    if thread.case is None:
        return _own_or_forwarded(scene, identity, person, said, trace)
    case = thread.case
    if case.ticket.requestor == person.address and not said.commands and not _is_note_address(scene):
        from mailgate.decide.customer import follow_up  # the ticket is their own: here they are the customer

        return follow_up(scene, identity, thread, case, trace)
    return _on_ticket(scene, identity, person, said, thread, trace)


def _joined_by_forward(scene: Scene, thread: Thread, trace: Trace) -> Thread:
    """A forward without a tag, of a letter of ours or past the desk to somebody else, is about the ticket that it names
    by its References (C8); any other one is a new mail (T1, C6)."""
    case = scene.facts.cases.get(thread.forwards) if thread.forwards is not None else None
    if case is None or not (internal.forwards_own_letter(scene) or internal.outsiders(scene, case)):
        return thread
    trace.add("C8", f"about ticket {case.ticket.number}", "a forward of what belongs to it")
    return replace(thread, by="references", case=case)


def _without_own_block(scene: Scene, said: Said) -> Said:
    """A forwarded mail of the desk's own, a notice mostly, is for nobody: what stands above it is meant (P3)."""
    forwarded = scene.mail.forwarded
    address = bare_address(forwarded.address) if forwarded and forwarded.address else ""
    if address not in {mailbox.address for mailbox in scene.desk.mailboxes}:
        return said
    assert forwarded is not None
    return read_commands(without_notice(forwarded.above, ()))


def settle_by_hand(work: Work) -> Decision:
    """Return what commands that came by no mail (command line, board) lead to; their letters leave at once."""
    _settle_status(work, replied=False)
    identity = Identity(level="staff", address=work.person.address, name=work.person.name, because="by hand")
    return _finish(work, identity, Thread(), Trace([]), None, work.letters)


def _on_ticket(scene: Scene, identity: Identity, person: Staff, said: Said, thread: Thread, trace: Trace) -> Decision:
    assert thread.case is not None
    work = Work(scene=scene, person=person, before=thread.case, case=thread.case)
    if said.has("help"):
        trace.add("C3", "help")
        return _finish(work, identity, thread, trace, "command", [_help(work)])
    said = put_answers(work, said)
    if because := internal.why_internal(scene, thread.case):
        return _internal(work, said, identity, thread, trace, because)
    is_note = said.has("note") or _is_note_address(scene)
    if is_note:
        said = _as_note(said)
    if is_note and not said.text and not scene.mail.attachments:
        line = next((one for one in said.commands if one.name == "note"), _NOTE_ADDRESS)
        work.fail(line, "no_desk_text")
    waiting = _awaiting(scene, person, thread.case) if said.has("send") else None
    if said.has("send") and not said.text and waiting is None:
        work.fail(next(one for one in said.commands if one.name == "send"), "nothing_to_send")
    carry_out(work, said.commands)
    if work.errors:
        return _command_error(work, identity, thread, trace)
    if is_note:
        return _note(work, said, identity, thread, trace)
    if waiting is not None:
        return _send_waiting(work, waiting, said, identity, thread, trace)
    if not said.text and not _relays_files(scene, said):
        return _commands_alone(work, said, identity, thread, trace)
    return _reply(work, said, identity, thread, trace)


def _reply(work: Work, said: Said, identity: Identity, thread: Thread, trace: Trace) -> Decision:
    """C2, C7, C8: relayed to the participants as from the desk, after the time to take it back."""
    scene = work.scene
    doubts = Doubts() if said.has("send") else look_again(scene, work.before, said)
    if doubts.causes:
        return _await_send(work, said, identity, thread, trace, doubts)
    message = _answer(work, said, identity)
    trace.add("C2", "relayed as from the desk", f"after {scene.hold_seconds} s (C7)")
    _settle_status(work, replied=True)
    work.letters += [*tell_second(work, trace), *tell_readers(work, message, "")]
    return _finish(work, identity, thread, trace, "staff_reply", _hold_back(work))


def _answer(work: Work, said: Said, identity: Identity) -> Message:
    """Make the reply an entry of the ticket, with its letters; return it."""
    message = replace(
        message_of(work.scene, identity, kind="staff", text=said.text), state="holding",
        undo=snapshot(work.base or work.before),
    )  # fmt: skip
    work.effects += [AddMessage(ticket=work.case.ticket.number, message=message), *_relay(work, message, "")]
    return message


def _await_send(
    work: Work,
    said: Said,
    identity: Identity,
    thread: Thread,
    trace: Trace,
    doubts: Doubts,
) -> Decision:
    scene, before = work.scene, work.first
    later = [one.line for one in said.commands if one.name not in ("send", "undo")]
    message = replace(
        message_of(scene, identity, kind="staff", text=said.text), state="awaiting_send", undo={"commands": later}
    )
    now = Work(scene=scene, person=work.person, before=before, case=before)  # what is taken back cannot wait
    carry_out(now, tuple(one for one in said.commands if one.name == "undo"))
    context = {
        "card": letters.card(before, scene.desk, scene.facts),
        "causes": doubts.causes,
        "names": doubts.names,
        "lines": doubts.lines,
        "text": said.text,
    }
    trace.add("C7", "not relayed before #send", ", ".join((*doubts.causes, *doubts.names, *doubts.lines)))
    effects: list[Effect] = [
        Save(before=before, after=now.case, actor=work.person.address, because="undo"),
        *now.effects,
        AddMessage(ticket=before.ticket.number, message=message),
        Send(letter=letters.to_staff("reply_check", before, scene.desk, work.person, context, **_answers(scene))),
    ]
    decision = _decision(work, identity, thread, trace, "staff_reply", now.case, effects)
    return replace(decision, flags=tuple(dict.fromkeys((*decision.flags, "awaiting_send"))))


def _send_waiting(
    work: Work, waiting: Message, said: Said, identity: Identity, thread: Thread, trace: Trace
) -> Decision:
    """C7: #send lets the writer's last reply go, with the commands that it bore; text beside #send follows it."""
    trace.add("C7", "sent by #send", f"the reply of {waiting.at:%H:%M} UTC")
    then = read_commands("\n".join((waiting.undo or {}).get("commands", ()))).commands
    carry_out(work, then)
    if work.errors:
        return _command_error(work, identity, thread, trace)
    number = work.case.ticket.number
    work.effects.append(ChangeMessage(ticket=number, message=waiting.id, state="holding", undo=snapshot(work.before)))
    work.effects += _relay(work, waiting, waiting.id)
    has_more = bool(said.text) or _relays_files(work.scene, said)
    if has_more:
        _answer(work, said, identity)
    _settle_status(work, replied=True)
    work.letters += [*tell_second(work, trace), *tell_readers(work, waiting, waiting.id)]
    return _finish(
        work, identity, thread, trace, "staff_reply" if has_more else "command", _hold_back(work, waiting.id)
    )


def _commands_alone(work: Work, said: Said, identity: Identity, thread: Thread, trace: Trace) -> Decision:
    trace.add("C3", "commands alone: nothing is relayed", " ".join(one.line for one in said.commands))
    if not said.commands:
        trace.add("C3", "an empty mail does nothing")
        return _decision(work, identity, thread, trace, "command", work.first, [])
    acts = any(one.name not in _ACTS_NOT for one in said.commands)
    _settle_status(work, replied=False, acts=acts)
    done = [_done(work)] if work.done else []
    return _finish(work, identity, thread, trace, "command", [*work.letters, *done])


def _note(work: Work, said: Said, identity: Identity, thread: Thread, trace: Trace) -> Decision:
    """C3, C5: a note stays among staff and stops no clock."""
    trace.add("C5" if _is_note_address(work.scene) else "C3", "a note: relayed to nobody")
    message = message_of(work.scene, identity, kind="note", text=said.text)
    _settle_status(work, replied=False)
    work.effects.append(AddMessage(ticket=work.case.ticket.number, message=message))
    return _finish(work, identity, thread, trace, "note", work.letters)


def _internal(work: Work, said: Said, identity: Identity, thread: Thread, trace: Trace, because: str) -> Decision:
    """C8: what colleagues and experts write to each other in copy to the desk: a note, never relayed."""
    scene, case = work.scene, work.first
    carry_out(work, said.commands)
    if work.errors:
        return _command_error(work, identity, thread, trace)
    trace.add("C8", "an internal mail: a note, relayed to nobody", because)
    words = _as_note(said).text
    if scene.mail.is_forward and not internal.forwards_own_letter(scene):
        words = words or scene.mail.visible_text
    question = internal.find_question(scene, case)
    if question is not None:
        message = internal.answer_of(scene, identity, question, words)
        work.letters += internal.tell_asker(scene, work.case, message, question)
    else:
        message = message_of(scene, identity, kind="note", text=words or scene.mail.subject)
    readers = (*(message.undo or {}).get("asked", ()), *internal.asked_by(scene, work.person))
    message = replace(message, undo={"asked": list(dict.fromkeys(readers))})
    _settle_status(work, replied=False)
    work.effects.append(AddMessage(ticket=work.case.ticket.number, message=message))
    told = [] if internal.is_addressed_elsewhere(scene) else [_kept(work)]
    return _finish(work, identity, thread, trace, "note", [*work.letters, *told])


def _kept(work: Work) -> Letter:
    """Who sent it to the desk alone may have meant the customer."""
    context = {"card": letters.card(work.case, work.scene.desk, work.scene.facts), "done": work.done, "is_help": False,
               "is_kept": True}  # fmt: skip
    return letters.to_staff("command_done", work.case, work.scene.desk, work.person, context, **_answers(work.scene))


def _as_note(said: Said) -> Said:
    """Words on the line of #note are of the note."""
    words = [one.argument for one in said.commands if one.name == "note" and one.argument]
    return replace(said, text="\n".join((*words, said.text)).strip())


def _settle_status(work: Work, *, replied: bool, acts: bool = True) -> None:
    """C2, C3: a reply meets the clocks, makes its writer the owner and sets `waiting`; a command's status wins."""
    desk, at = work.scene.desk, work.scene.at
    slept_until = work.case.ticket.snoozed_until
    if replied:
        work.case = clocks.answered(work.case, desk, at)
        if not work.case.ticket.owner and not work.is_handed:
            work.change(owner=work.person.address)
        work.effects.append(Withdraw(ticket=work.case.ticket.number, kinds=LATE_LETTERS, reason="answered"))
    if work.promised_at:
        work.case = clocks.promise(work.case, desk, work.promised_at, at, work.person.address)
    wanted = work.status or _status_by(work, replied, acts)
    if work.stops_clocks:  # spam is no work done: nothing of it is met
        work.case = clocks.stop_all(work.case, at)
    if wanted:
        work.case = clocks.change_status(work.case, desk, wanted, at)
    until = work.snoozed_until or (slept_until if replied and not work.status else None)
    if until and work.status not in FINISHED:
        work.case = clocks.snooze(work.case, desk, until, at)
    if work.stops_clocks:
        work.case = clocks.stop_all(work.case, at)
        work.change(unanswered_since=None)
    if wanted in FINISHED and work.before.ticket.status not in FINISHED:
        _finished(work)


def _status_by(work: Work, replied: bool, acts: bool) -> Status | None:
    """Return the status that follows without a command for it: a ticket of another team is not the customer's turn."""
    if replied:
        return "open" if work.is_handed else "waiting"
    if work.is_escalated:
        return "open"
    return "open" if acts and work.case.ticket.status == "new" else None


def _finished(work: Work) -> None:
    """D9: the closing notice; what still waits for the team's opening is pointless (D6)."""
    number, days = work.case.ticket.number, work.scene.desk.rules.reopen_window_seconds // 86400
    work.effects.append(Withdraw(ticket=number, kinds=TEAM_LETTERS, reason="finished"))
    if not work.stops_clocks:
        context = {"reopen_days": days, "by_clock": False}
        work.letters.append(letters.to_customer("resolved", work.case, work.scene.desk, context))


def _relay(work: Work, message: Message, message_id: str) -> list[Effect]:
    """One letter to the requestor and to each participant (A8), with the files of the reply."""
    scene, ticket = work.scene, work.case.ticket
    files = tuple(one for one in message.attachments)
    people = list(dict.fromkeys((ticket.reply_address or ticket.requestor, *_copies(scene, work.case))))
    last = next((one for one in reversed(scene.facts.messages.get(ticket.number, ())) if one.kind == "customer"), None)
    leaves_at = scene.now + timedelta(seconds=scene.hold_seconds)
    mailbox = next(
        (one.address for one in scene.desk.mailboxes if one.queue == ticket.queue), scene.desk.mailboxes[0].address
    )
    text = without_addresses(message.visible_text, (one.address for one in scene.facts.people), mailbox)
    return [
        Send(
            letter=letters.to_customer(
                "relay", work.case, scene.desk, {"text": text}, to=address,
                to_name=ticket.requestor_name if place == 0 else "", is_automatic=False, not_before=leaves_at,
                attachments=files, message=message_id, in_reply_to=last.message_id if last else None,
                references=_chain(last),
            )
        )
        for place, address in enumerate(people) if address
    ]  # fmt: skip


def _copies(scene: Scene, case: Case) -> list[str]:
    """Return who else gets staff's replies: participants, and the account's `support` address (A8)."""
    ticket, staff = case.ticket, {one.address for one in scene.facts.people}
    today = scene.at.astimezone(scene.desk.timezone).date()
    support = [
        contact.address for contact in scene.facts.account_contacts
        if contact.account.number == ticket.account and "support" in contact.purposes
        and (contact.until is None or contact.until >= today)
    ]  # fmt: skip
    failed = {address for address, marks in scene.facts.marks.items() if "failed" in marks}
    return [one for one in (*ticket.participants, *support) if one not in staff and one not in failed]


def _hold_back(work: Work, message: str = "") -> list[Letter]:
    """Letters to the customer that come of a mail leave with its reply, and are taken back with it (C7)."""
    leaves_at = work.scene.now + timedelta(seconds=work.scene.hold_seconds)
    return [
        replace(one, not_before=leaves_at, message=message)
        if one.audience == "customer" and not one.not_before
        else one
        for one in work.letters
    ]


def _command_error(work: Work, identity: Identity, thread: Thread, trace: Trace) -> Decision:
    """C4: nothing of the mail is done or relayed; its writer gets it back with the reason."""
    scene = work.scene
    trace.add("C4", "nothing is done", "; ".join(f"{one['line']}: {one['code']}" for one in work.errors))
    context = {"card": letters.card(work.first, scene.desk, scene.facts), "errors": work.errors,
               "original": scene.mail.visible_text}  # fmt: skip
    letter = letters.to_staff("command_error", work.first, scene.desk, work.person, context, **_answers(scene))
    decision = _decision(work, identity, thread, trace, "command", work.first, [Send(letter=letter)])
    return replace(decision, flags=tuple(dict.fromkeys((*decision.flags, "command_error"))))


def _help(work: Work) -> Letter:
    context = {"card": letters.card(work.before, work.scene.desk, work.scene.facts), "done": [], "is_help": True}
    return letters.to_staff("command_done", work.before, work.scene.desk, work.person, context, **_answers(work.scene))


def _done(work: Work) -> Letter:
    context = {"card": letters.card(work.case, work.scene.desk, work.scene.facts), "done": work.done, "is_help": False}
    return letters.to_staff("command_done", work.case, work.scene.desk, work.person, context, **_answers(work.scene))


def _decide_held(scene: Scene, identity: Identity, person: Staff, said: Said, trace: Trace) -> Decision:
    """S4: a staff reply to the notice of a held mail accepts or rejects it."""
    held = scene.facts.held
    assert held is not None
    verdicts = [one.name for one in said.commands if one.name in ("accept", "reject")]
    code = "" if len(set(verdicts)) == 1 else "contradiction" if verdicts else "needs_argument"
    if not code and held.state != "held":
        code = "already_decided"
    thread = Thread()
    if code:
        line = said.commands[0].line if said.commands else letters.shorten(scene.mail.visible_text, 80)
        error = {"line": line, "code": code, "detail": held.state, "allowed": ("#accept", "#reject")}
        letter = _loose(scene, person, "command_error", {"card": None, "errors": [error], "original": scene.mail.visible_text},
                        subject=held.subject, held=held.id)  # fmt: skip
        trace.add("C4", "nothing is done", code)
        return Decision(outcome="command", reasons=(), effects=(Send(letter=letter),), identity=identity,
                        flags=("command_error",), visible_text=scene.mail.visible_text)  # fmt: skip
    verdict = "accepted" if verdicts[0] == "accept" else "rejected"
    trace.add("S4", verdict, f"by {person.address}")
    effects: tuple[Effect, ...] = (DecideHeld(held=held.id, verdict=verdict, actor=person.address),)  # type: ignore[arg-type]
    return Decision(outcome="command", reasons=(), effects=effects, identity=identity, by=thread.by,
                    visible_text=scene.mail.visible_text)  # fmt: skip


def _own_or_forwarded(scene: Scene, identity: Identity, person: Staff, said: Said, trace: Trace) -> Decision:
    """C6: a ticket of their own without ack; a forwarded customer's mail is a ticket for that customer."""
    wrong = [one for one in said.commands if one.name not in ("ack", "help")]
    if said.has("help") or wrong:
        kind = "command_error" if wrong else "command_done"
        errors = [{"line": one.line, "code": "no_ticket", "detail": "", "allowed": ()} for one in wrong]
        asked: dict[str, Any] = {"card": None, "done": [], "is_help": True}
        context = {"card": None, "errors": errors, "original": scene.mail.visible_text} if wrong else asked
        letter = _loose(scene, person, kind, context, subject=scene.mail.core_subject)
        trace.add("C4" if wrong else "C3", "no ticket is named" if wrong else "help")
        return Decision(outcome="command", reasons=(), effects=(Send(letter=letter),), identity=identity,
                        flags=("command_error",) if wrong else (), visible_text=scene.mail.visible_text)  # fmt: skip
    wants_ack = said.has("ack")
    if not _is_for_customer(scene):
        trace.add("C6", "a ticket of the staff member's own", "no ack")
        scene = replace(scene, arrival=replace(scene.arrival, wants_ack=wants_ack))
        return open_ticket(scene, identity, Thread(), trace)
    customer, theirs = _as_customer(scene, said, trace)
    customer = replace(customer, arrival=replace(customer.arrival, wants_ack=wants_ack))
    decision = open_ticket(customer, theirs, Thread(), trace)
    return replace(decision, effects=_apart(decision.effects, customer, identity, said))


def _is_for_customer(scene: Scene) -> bool:
    forwarded = scene.mail.forwarded
    if not (scene.mail.is_forward and forwarded and forwarded.address):
        return False
    own = {one.address for one in scene.facts.people} | {one.address for one in scene.desk.mailboxes}
    return forwarded.address.lower() not in own


def _as_customer(scene: Scene, said: Said, trace: Trace) -> tuple[Scene, Identity]:
    """Read the forwarded mail as its From's, at level `unknown` (C6): a forward proves nothing."""
    forwarded = scene.mail.forwarded
    assert forwarded is not None
    assert forwarded.address is not None
    address = forwarded.address.lower()
    trace.add("C6", "a ticket for the customer of the forwarded mail", address)
    # The customer hears nothing of the staff member's mail, not even its Message-ID.
    known = next((one.account.language for one in scene.facts.forwarded_contacts if one.account.language), None)
    mail = replace(
        scene.mail, language=known or scene.mail.language, visible_text=said.text or scene.mail.visible_text, reply_to=(),
        message_id=forwarded.message_id, in_reply_to=(), references=(),
    )  # fmt: skip
    findings = find(subject=mail.subject, core_subject=mail.core_subject, text=forwarded.text or mail.visible_text,
                    desk=scene.desk, files=len(mail.attachments))  # fmt: skip
    general = replace(findings, request="general", rights=())
    clues = replace(scene.clues, findings=general, sender=address, reply_to=None, people=())
    identity = Identity(level="unknown", address=address, name=forwarded.name, because="forwarded by staff (C6)")
    return replace(scene, mail=replace(mail, from_=()), clues=clues), identity


def _apart(effects: Sequence[Effect], scene: Scene, identity: Identity, said: Said) -> tuple[Effect, ...]:
    """Keep the customer's words apart from what the staff member wrote above them, which is a note (P3)."""
    forwarded = scene.mail.forwarded
    words = forwarded.text.strip() if forwarded else ""
    if forwarded is None or not words:
        return tuple(effects)
    comment = read_commands(without_notice(forwarded.above, ())).text
    parted: list[Effect] = []
    for effect in effects:
        if isinstance(effect, AddMessage):
            if comment:
                note = replace(message_of(scene, identity, kind="note", text=comment), message_id=None, attachments=())
                parted.append(AddMessage(ticket=NEW, message=replace(note, references=())))
            effect = replace(effect, message=replace(effect.message, visible_text=words))
        parted.append(effect)
    return tuple(parted)


def _loose(scene: Scene, person: Staff, kind: str, context: dict[str, Any], **more: Any) -> Letter:
    """A letter to staff about no ticket."""
    values = dict(kind=kind, desk=scene.desk.name, audience="staff", to=person.address, to_name=person.name,
                  language=person.language or scene.desk.languages[0], timezone=person.timezone or "", ticket=None,
                  context=context, **_answers(scene))  # fmt: skip
    return Letter(**{**values, **more})


def _awaiting(scene: Scene, person: Staff, case: Case) -> Message | None:
    own = [one for one in scene.facts.messages.get(case.ticket.number, ())
           if one.author == person.address and one.state == "awaiting_send"]  # fmt: skip
    return own[-1] if own else None


def _is_note_address(scene: Scene) -> bool:
    addresses = (*scene.arrival.recipients, *scene.clues.people)
    own = {mailbox.address for mailbox in scene.desk.mailboxes}
    notes = (one for one in addresses if one.partition("@")[0].partition("+")[2].lower() == "note")
    return any(bare_address(one) in own for one in notes)


def _relays_files(scene: Scene, said: Said) -> bool:
    """A mail without text that brings files is a reply; with commands alone its pictures are a signature's."""
    return not said.commands and any(not one.inline for one in scene.mail.attachments)


def _answers(scene: Scene) -> dict[str, Any]:
    return {"in_reply_to": scene.mail.message_id}


def _chain(last: Message | None) -> tuple[str, ...]:
    if last is None or not last.message_id:
        return ()
    return tuple(dict.fromkeys((*last.references, last.message_id)))[-10:]


def _finish(work: Work, identity: Identity, thread: Thread, trace: Trace, outcome: Any, sent: list[Letter]) -> Decision:
    effects: list[Effect] = [Save(before=work.before, after=work.case, actor=work.person.address, because=outcome)]
    effects = [*work.saved_elsewhere, *effects, *work.effects]
    effects += [_gate(work, letter) for letter in sent]
    return _decision(work, identity, thread, trace, outcome, work.case, effects)


def _gate(work: Work, letter: Letter) -> Effect:
    """C5: whom this very mail blocks gets nothing automatic of it either."""
    if work.stops_clocks and letter.audience == "customer" and letter.is_automatic:
        return LeaveOut(letter=letter, reason="the sender is blocked (C5)")
    return letters.gate(work.scene.facts, work.scene.desk, letter)


def _decision(
    work: Work, identity: Identity, thread: Thread, trace: Trace, outcome: Any, case: Case, effects: list[Effect]
) -> Decision:
    ticket = case.ticket
    number = work.first.ticket.number
    return Decision(
        outcome=outcome, reasons=tuple(trace.reasons), effects=tuple(effects), desk=work.scene.desk.name, ticket=number,
        identity=identity, by=thread.by, thread_ticket=number, queue=ticket.queue, priority=ticket.priority,
        language=ticket.language, flags=ticket.flags, fields=dict(ticket.fields), missing=ticket.missing,
        visible_text=work.scene.mail.visible_text,
    )  # fmt: skip


_NOTE_ADDRESS = Command(name="note", argument="", line="+note")  # where an error names the line

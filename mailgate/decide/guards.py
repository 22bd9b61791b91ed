"""The order of policy (M8): the first guard that speaks decides. One table, for people to read."""

from collections.abc import Callable

from mailgate.decide import letters
from mailgate.decide.customer import as_participant, decide_customer, message_of
from mailgate.decide.filters import (
    find_junk,
    find_malware,
    flags_of,
    is_exempt,
    is_nothing_else,
    removal_notes,
    trace_filters,
    without_malware,
)
from mailgate.decide.internal import decide_answer
from mailgate.decide.letters import gate
from mailgate.decide.own_rules import note_rules, what_rules_say
from mailgate.decide.reach import redirect
from mailgate.decide.route import choose_mailbox
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.sender import identify
from mailgate.decide.staff import decide_staff
from mailgate.decide.thread import find_thread
from mailgate.model.decision import (
    AddMessage,
    Decision,
    Effect,
    Hold,
    Identity,
    Mark,
    Note,
    Outcome,
    Save,
    Send,
    SetAside,
)
from mailgate.model.quick import replace
from mailgate.model.segments import hidden_lines
from mailgate.model.ticket import Case, Ticket
from mailgate.model.tokens import read_message_id


def decide_mail(scene: Scene) -> Decision:
    """Return what becomes of a mail: the verdict of the first guard that speaks, with every reason on the way."""
    scene = without_malware(scene)
    trace, identity = Trace([]), identify(scene)
    trace.add("S2", identity.evidence, identity.because)
    for missing in scene.verdicts.unanswered:
        trace.add("S2" if missing.startswith("own") else "M9", "no answer", missing)
    if scene.arrival.accepted_from:
        trace.add("S4", "accepted by a person", "goes on at the level its From has without evidence")
    if scene.mail.automatic:
        trace.add("M6", scene.mail.automatic.kind, scene.mail.automatic.because)
    if scene.arrival.is_released:
        trace.add("M9", "released by a person", "an ordinary mail")
    trace_filters(scene, trace)
    _note_way(scene, trace)
    for guard in GUARDS:
        decision = guard(scene, identity, trace)
        if decision is not None:
            decision = _as_filtered(decision, scene)
            return replace(decision, reasons=tuple(trace.reasons), desk=scene.desk.name, clues=scene.clues)
    raise AssertionError("the last guard always speaks")


def duplicate(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """I5: the same message is one message, however often it comes."""
    seen = scene.facts.seen
    if seen is None or scene.arrival.is_let_in:
        return None
    trace.add("I5", "duplicate", f"the same message arrived before as {seen.arrival}")
    return _plain(scene, identity, "duplicate", ticket=seen.ticket)


def loop(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M6, M7: our own mail come back is set aside."""
    because = _loop_evidence(scene)
    if because is None and _is(scene, "loop"):
        because = "automatic, with the mark of another mailgate"
    if because is None:
        return None
    trace.add("M6", "loop", because)
    trace.add("M7", "set aside", "nobody answers himself")
    return replace(_plain(scene, identity, "set_aside", (SetAside(reason="loop"),)), automatic="loop")


def report(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M7: receipts and reports are set aside; an abuse report to the abuse mailbox opens a ticket there."""
    if not _is(scene, "report"):
        return None
    if choose_mailbox(scene).is_abuse and _is_abuse_report(scene):
        trace.add("M7", "a report to the abuse mailbox opens a ticket")
        return decide_customer(scene, identity, trace)
    trace.add("M7", "set aside", "a report")
    return _plain(scene, identity, "set_aside", (SetAside(reason="report"),))


def bounce(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M7, A6: a bounce is recorded on the ticket whose mail bounced, the address marked, staff told."""
    if not _is(scene, "bounce"):
        return None
    case = _bounced_case(scene)
    if case is None:
        trace.add("M7", "set aside", "a bounce of nothing of ours")
        return _plain(scene, identity, "set_aside", (SetAside(reason="bounce"),))
    trace.add("M7", f"recorded on {case.ticket.number}", "envelope token, Message-ID or returned headers of ours")
    effects: list[Effect] = [
        AddMessage(ticket=case.ticket.number, message=message_of(scene, identity, kind="recorded"))
    ]
    if scene.mail.report and not scene.mail.report.delayed_only:
        effects += _bounce_effects(scene, case, trace)
    changed = next((one.after for one in effects if isinstance(one, Save)), case)
    return _plain(scene, identity, "recorded", tuple(effects), ticket=case.ticket.number, case=changed)


def auto_reply(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M7: a vacation reply is recorded on its ticket, moving nothing; else set aside."""
    if not _is(scene, "auto_reply"):
        return None
    thread = find_thread(scene, identity, trace)
    if thread.case is None:
        trace.add("M7", "set aside", "an automatic reply that belongs to no ticket")
        return _plain(scene, identity, "set_aside", (SetAside(reason="auto_reply"),))
    case = thread.case
    trace.add("M7", f"recorded on {case.ticket.number}", "moves nothing, is never answered")
    message = message_of(scene, identity, kind="recorded")
    decision = _plain(
        scene, identity, "recorded", (AddMessage(ticket=case.ticket.number, message=message),),
        ticket=case.ticket.number, case=case,
    )  # fmt: skip
    return replace(decision, by=thread.by, thread_ticket=case.ticket.number)


def forged(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """S4: a forged mail is held: nobody is answered, staff are told what it would have been."""
    if identity.level != "forged":
        return None
    trace.add("S3", "level forged", identity.because)
    return _held(scene, identity, trace, "S4", ("forged",))


def malware(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M9: a mail that is nothing but what a scanner found in it is set aside, whoever sent it."""
    if scene.arrival.is_let_in or not find_malware(scene) or not is_nothing_else(scene):
        return None
    trace.add("M9", "set aside as malware", "there is nothing else in it")
    return _plain(scene, identity, "set_aside", (SetAside(reason="malware"),))


def junk(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M9: junk of anyone but a verified contact, staff or a sender with a valid token is set aside."""
    if find_junk(scene) is None:
        return None
    if is_exempt(scene, identity):
        trace.add("M9", "an ordinary mail with a flag", f"level {identity.level}; {identity.because}")
        return None
    trace.add("M9", "set aside as junk", f"level {identity.level}; {identity.because}")
    return _plain(scene, identity, "set_aside", (SetAside(reason="junk"),))


def unwanted(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """M7: list and auto-generated mail of anyone but a contact is set aside, unless the desk's own rules say who is to
    have it (Q9)."""
    if not _is(scene, "list", "auto_generated") or identity.contact or scene.arrival.is_released:
        return None
    said = what_rules_say(scene, identity)
    if said.places and not said.parked:
        return None
    trace.add("M7", "set aside", f"{scene.mail.automatic.kind if scene.mail.automatic else ''} of no contact")
    return _plain(
        scene, identity, "set_aside", (SetAside(reason=str(scene.mail.automatic and scene.mail.automatic.kind)),)
    )


def own_rules(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """Q9: the desk's own rules that set aside or hold; what a person let in is neither again."""
    said = what_rules_say(scene, identity)
    note_rules(said, trace)
    if said.parked is None or scene.arrival.is_let_in:
        return None
    what, name = said.parked
    if what == "hold":
        trace.add("S3", f"level {identity.level}", identity.because)
        return _held(scene, identity, trace, "Q9", said.flags, rule=name)
    trace.add("Q9", "set aside", f"rule «{name}»")
    decision = _plain(scene, identity, "set_aside", (SetAside(reason=f"rule: {name}"),))
    return replace(decision, flags=said.flags)


def _held(
    scene: Scene, identity: Identity, trace: Trace, by: str, flags: tuple[str, ...], *, rule: str = ""
) -> Decision:
    """Keep the mail for a person to decide, and tell the staff of its queue."""
    because = f"rule «{rule}»" if rule else identity.because
    would_be = decide_without_evidence(scene)
    trace.add(by, "held", f"would have been: {would_be.outcome}")
    queue = scene.desk.queues[choose_mailbox(scene).queue]
    context = {
        "sender": identity.address or "", "sender_name": identity.name, "mail_subject": scene.mail.subject,
        "would_be": would_be.outcome, "would_be_ticket": would_be.ticket or None, "because": because,
        "text": letters.shorten(scene.mail.visible_text, 2000), "for_managers": False, "since": scene.at,
        "hidden": hidden_lines(scene.mail.text, scene.mail.visible_text),
        "queue": queue.name, "rule": rule,
    }  # fmt: skip
    team = Case(ticket=_held_ticket(scene, identity, queue.name, queue.team))
    told = letters.to_team("held_notice", team, scene.desk, scene.facts, scene.now, context, ticket=None, held="")
    effects: list[Effect] = [Hold(queue=queue.name, reason=because)]
    effects += [gate(scene.facts, scene.desk, letter) for letter in told]
    return replace(
        _plain(scene, identity, "held", tuple(effects)), queue=queue.name, request=scene.findings.request,
        class_=scene.findings.class_, flags=flags,
    )  # fmt: skip


def staff(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """C2 to C8: a person of the desk answers, notes, or commands."""
    if identity.level != "staff":
        return None
    trace.add("S3", "level staff", f"{identity.address}; {identity.because}")
    decision = decide_staff(scene, identity, trace)
    return _answered_on_the_board(decision, identity) if scene.arrival.board else decision


def _answered_on_the_board(decision: Decision, identity: Identity) -> Decision:
    """W1: what answers the act itself is shown where it was done, and not mailed as well."""

    def shown(effect: Effect) -> Effect:
        if isinstance(effect, Send) and effect.letter.kind in _ANSWERS and effect.letter.to == identity.address:
            return replace(effect, letter=replace(effect.letter, is_shown=True))
        return effect

    return replace(decision, effects=tuple(shown(effect) for effect in decision.effects))


_ANSWERS = ("command_done", "command_error", "reply_check", "colleague_notice")


def answer(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """C8: who was asked by an internal mail of a colleague answers inside."""
    return decide_answer(scene, identity, trace)


def customer(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """T1 to T6: everyone else."""
    return decide_customer(scene, identity, trace)


Guard = Callable[[Scene, Identity, Trace], Decision | None]

GUARDS: tuple[Guard, ...] = (  # M8: the first that speaks decides
    duplicate,  # P2, I5
    loop,  # M6: our own mail come back
    report,  # M7: receipts; abuse reports open a ticket in the abuse mailbox
    bounce,  # M7, A6: recorded, never answered
    auto_reply,  # M7: recorded on its ticket or set aside
    forged,  # S4: held
    malware,  # M9: nothing but what a scanner found
    junk,  # M9: set aside, but for those who are known
    unwanted,  # M7: newsletters and monitoring of strangers
    own_rules,  # Q9: what the desk itself sets aside or holds
    staff,  # C
    answer,  # C8: of an expert, to a colleague's internal mail
    customer,  # T, Q, A
)


def decide_without_evidence(scene: Scene) -> Decision:
    """Return what a held mail would be if a person accepted it (S4)."""
    accepted = replace(scene, arrival=replace(scene.arrival, accepted_from="?"))
    identity, trace = identify(accepted), Trace([])
    for guard in (unwanted, staff, answer, customer):
        decision = guard(accepted, identity, trace)
        if decision is not None:
            return decision
    raise AssertionError("the last guard always speaks")


def _as_filtered(decision: Decision, scene: Scene) -> Decision:
    """Return the decision with what filters say of its mail: flags, and on the ticket what was taken out (M9)."""
    if decision.outcome in ("set_aside", "duplicate"):
        return decision
    flags = tuple(dict.fromkeys((*decision.flags, *flags_of(scene))))
    notes = removal_notes(scene, decision.ticket) if decision.ticket is not None else []
    if not notes and flags == decision.flags:
        return decision
    return replace(decision, flags=flags, effects=(*decision.effects, *notes))


def _note_way(scene: Scene, trace: Trace) -> None:
    """Say through which hands of our own the mail came, and whom it is of then (M7, S9)."""
    clues, behind = scene.clues, scene.clues.behind
    if clues.groups:
        trace.add("M7", "through the desk's own group", clues.groups[0])
    if behind and behind.kind == "group":
        trace.add("M7", f"of {behind.address or 'nobody that it names'}", f"the group rewrote From; {behind.said_by}")
    elif behind:
        trace.add("S9", f"a form's: of {behind.address or 'nobody that one could answer'}", "posted as the desk itself")


def _is(scene: Scene, *kinds: str) -> bool:
    return scene.mail.automatic is not None and scene.mail.automatic.kind in kinds


def _loop_evidence(scene: Scene) -> str | None:
    mail = scene.mail
    if mail.message_id and read_message_id(mail.message_id, scene.secret):
        return "carries our own Message-ID"
    if any(read_message_id(value, scene.secret) for value in mail.gateway_ids) and not mail.report:
        return "carries our own mark X-Mailgate-ID"
    return None


def _is_abuse_report(scene: Scene) -> bool:
    """Is it a report about mail (RFC 5965), not a receipt?"""
    return scene.mail.automatic is not None and "feedback-report" in scene.mail.automatic.because


def _bounced_case(scene: Scene) -> Case | None:
    """Return the ticket whose mail bounced (M7): only evidence that nobody can guess counts (T3), our token or
    Message-ID, or a customer's that the returned headers name."""
    numbers = [token.ticket for token in scene.clues.tokens if token.ticket]
    numbers += [own.ticket for _, own in scene.clues.own_ids if own.ticket]
    numbers += [one.ticket for one in scene.facts.referenced if one.ticket]
    for number in numbers:
        survivor = scene.facts.survivors.get(number)
        if survivor is not None and survivor in scene.facts.cases:
            return scene.facts.cases[survivor]
    return None


def _bounce_effects(scene: Scene, case: Case, trace: Trace) -> list[Effect]:
    report_ = scene.mail.report
    assert report_ is not None
    ticket, known = case.ticket, _readers_of(scene, case.ticket)
    named = [one for one in report_.failed if one.address.lower() in known]
    # who gave up after trouble that passes has failed as well, where nobody failed for good
    failed = [one for one in named if one.permanent is not False] or named
    marked = list(dict.fromkeys(one.address.lower() for one in failed))
    instead: str | None = None
    effects: list[Effect] = [
        Mark(address=address, mark="failed", because=f"bounce on ticket {ticket.number}") for address in marked
    ]
    if marked:
        trace.add("A6", "address marked", ", ".join(marked))
        today = scene.at.astimezone(scene.desk.timezone).date()
        redirected, instead = redirect(ticket, marked, scene.facts.account_contacts, scene.facts.marks, today)
        if instead:
            trace.add("A6", "the next registered address is used instead", instead)
        effects.append(Save(before=case, after=replace(case, ticket=redirected), actor="mailgate", because="bounce"))
    else:
        effects.append(Note(ticket=ticket.number, kind="bounce", detail="names no address of this ticket"))
    context = {
        "card": letters.card(case, scene.desk, scene.facts),
        "failed": [
            {"address": one.address, "status": one.status, "diagnostic": letters.shorten(one.diagnostic)}
            for one in report_.failed
        ],
        "letter_kind": scene.facts.extra.get("bounced_kind", ""),
        "letter_subject": report_.original_subject or ticket.subject,
        "next_address": instead,
    }
    dead = {one.address.lower() for one in report_.failed}
    told = letters.bounce_notices(case, scene.desk, scene.facts, scene.now, context, dead)
    return effects + [gate(scene.facts, scene.desk, letter) for letter in told]


def _readers_of(scene: Scene, ticket: Ticket) -> set[str]:
    """Return everyone whom a letter about the ticket may have gone to."""
    contacts = [one.address for one in scene.facts.account_contacts if one.account.number == ticket.account]
    people = [one.address for one in scene.facts.people]
    return {ticket.requestor, ticket.reply_address, *ticket.participants, *contacts, *people, *scene.desk.managers}


def _held_ticket(scene: Scene, identity: Identity, queue: str, team: str) -> Ticket:
    """A held mail is no ticket yet; its notice goes the way a new ticket's would."""
    return Ticket(
        number=0, desk=scene.desk.name, queue=queue, team=team, status="new",
        priority="high" if scene.findings.is_outage else "normal", subject=scene.mail.core_subject, subjects=(),
        requestor=identity.address or "", created_at=scene.at, changed_at=scene.at,
    )  # fmt: skip


def _plain(
    scene: Scene, identity: Identity, outcome: Outcome, effects: tuple[Effect, ...] = (), *, ticket: int | None = None,
    case: Case | None = None,
) -> Decision:  # fmt: skip
    if outcome in ("recorded", "held"):
        identity = as_participant(scene, identity, case, Trace([]))
    return Decision(
        outcome=outcome, reasons=(), effects=effects, ticket=ticket, identity=identity,
        automatic=scene.mail.automatic.kind if scene.mail.automatic else None,
        queue=case.ticket.queue if case else None, priority=case.ticket.priority if case else None,
        language=case.ticket.language if case else scene.mail.language, flags=case.ticket.flags if case else (),
        fields=dict(case.ticket.fields) if case else {}, visible_text=scene.mail.visible_text,
    )  # fmt: skip

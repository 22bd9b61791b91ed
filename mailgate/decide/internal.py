"""Mail of staff that is meant for colleagues and experts (C8): a note, never relayed; and what is answered to it."""

from collections.abc import Iterable

from mailgate.decide import letters
from mailgate.decide.customer import message_of
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.thread import belongs, find_named
from mailgate.model.decision import AddMessage, Decision, Identity
from mailgate.model.letter import NOTICE_MARKERS, Letter
from mailgate.model.people import Staff
from mailgate.model.quick import replace
from mailgate.model.settings import bare_address
from mailgate.model.ticket import Case, Message


def why_internal(scene: Scene, case: Case) -> str:
    """Return why a staff member's mail on `case` is none for the customer (C8), in words; "" where it may be."""
    if is_forward(scene):
        return "a forward"
    if asked := find_question(scene, case):
        return f"answers an internal mail of {asked.author_name or asked.author}"
    if strangers := outsiders(scene, case):
        return f"the desk is not in To, and {', '.join(strangers[:3])} is not on the ticket"
    return ""


def is_forward(scene: Scene) -> bool:
    """Is it a forward, by its subject or by what it holds: a letter of ours that was forwarded, whatever the subject says
    by now? Programs of other languages write prefixes that no list has."""
    mail = scene.mail
    if mail.is_forward:
        return True
    forwarded = mail.forwarded
    if forwarded is None:
        return False
    return _is_desks(scene, forwarded.address or "") or any(mark in forwarded.text for mark in NOTICE_MARKERS)


def forwards_own_letter(scene: Scene) -> bool:
    """Is what is forwarded a letter of the desk's own?"""
    forwarded = scene.mail.forwarded
    return forwarded is not None and _is_desks(scene, forwarded.address or "")


def outsiders(scene: Scene, case: Case) -> list[str]:
    """Return those in To who are not on the ticket, where the desk itself is not in To."""
    named = [address.key for address in scene.mail.to]
    if any(_is_desks(scene, one) for one in named):
        return []
    ticket = case.ticket
    own = {ticket.requestor, ticket.reply_address, *ticket.participants}
    own |= {one.address for one in scene.facts.account_contacts if ticket.account == one.account.number}
    return [one for one in named if one not in own]


def is_addressed_elsewhere(scene: Scene) -> bool:
    """Is anybody but the desk among the readers? Then the writer meant somebody, and needs not be told that it stays
    inside."""
    return any(not _is_desks(scene, one.key) for one in (*scene.mail.to, *scene.mail.cc))


def asked_by(scene: Scene, person: Staff) -> tuple[str, ...]:
    """Return whom an internal mail goes to beside the desk: their answers are notes too."""
    readers = (one.key for one in (*scene.mail.to, *scene.mail.cc))
    return tuple(dict.fromkeys(one for one in readers if not _is_desks(scene, one) and one != person.address))[:20]


def find_question(scene: Scene, case: Case) -> Message | None:
    """Return the internal mail on `case` that this mail answers, by the Message-IDs that it names."""
    named = (*scene.mail.in_reply_to, *reversed(scene.mail.references))
    notes = {one.message_id: one for one in _questions(scene, case) if one.message_id}
    return next((notes[one] for one in named if one in notes), None)


def decide_answer(scene: Scene, identity: Identity, trace: Trace) -> Decision | None:
    """C8: what somebody answers to an internal mail is a note too, and goes to whoever asked. None for any other mail."""
    found = _asked(scene, identity)
    if found is None:
        return None
    case, question = found
    number = case.ticket.number
    trace.add("C8", f"a note on {number}", f"answers an internal mail of {question.author_name or question.author}")
    message = answer_of(scene, identity, question, scene.mail.visible_text)
    told = tell_asker(scene, case, message, question)
    ticket = case.ticket
    return Decision(
        outcome="note", reasons=(), desk=scene.desk.name, ticket=number, identity=identity, thread_ticket=number,
        effects=(AddMessage(ticket=number, message=message), *(letters.gate(scene.facts, scene.desk, one) for one in told)),
        by="references" if find_question(scene, case) else None, queue=ticket.queue, priority=ticket.priority,
        language=ticket.language, flags=ticket.flags, fields=dict(ticket.fields), missing=ticket.missing,
        visible_text=scene.mail.visible_text,
    )  # fmt: skip


def answer_of(scene: Scene, identity: Identity, question: Message, text: str) -> Message:
    """Return the answer as a note, which whoever asked may answer in turn."""
    return replace(message_of(scene, identity, kind="note", text=text), undo={"asked": [question.author]})


def tell_asker(scene: Scene, case: Case, message: Message, question: Message) -> list[Letter]:
    """Return the notice of an answer to the person of the desk who asked; to the ticket's readers where they have left."""
    desk, facts = scene.desk, scene.facts
    if question.author == message.author:
        return []
    people = [one for one in facts.people if one.address == question.author]
    if not people and message.author in {one.address for one in facts.people}:
        return []  # a colleague goes on with somebody outside, to whom we write nothing
    context = {
        "card": letters.card(case, desk, facts), "event": "answer", "author": message.author,
        "author_name": message.author_name, "text": message.visible_text, "files": letters.files_of(message),
        "history": [], "suggest_split": False, "claimed": (), "from_ticket": None, "left_out": "",
    }  # fmt: skip
    files = message.attachments
    if not people:
        return letters.to_team("staff_notice", case, desk, facts, scene.now, context, attachments=files)
    return [letters.to_staff("staff_notice", case, desk, one, context, attachments=files) for one in people]


def _asked(scene: Scene, identity: Identity) -> tuple[Case, Message] | None:
    """Return the ticket and the question of a mail of somebody who was asked there and has no part in it (T3). Its
    Message-ID tells which question it answers; where the program names none, the last one to that person."""
    sender = scene.clues.sender
    if sender is None or scene.arrival.form:
        return None
    for number in dict.fromkeys(number for _, number in find_named(scene)):
        case = scene.facts.cases[number]
        own = [one for one in _questions(scene, case) if sender in (one.undo or {})["asked"]]
        if own and not belongs(scene, identity, case):
            exact = find_question(scene, case)
            return case, exact or own[-1]
    return None


def _questions(scene: Scene, case: Case) -> Iterable[Message]:
    entries = scene.facts.messages.get(case.ticket.number, ())
    return [one for one in entries if one.kind == "note" and "asked" in (one.undo or {})]


def _is_desks(scene: Scene, address: str) -> bool:
    bare = bare_address(address)
    return bare in scene.desk_addresses or any(one.address == bare for one in scene.desk.mailboxes)

"""Two who answer (C8): the second is told of the first, with its text; the other readers of a notice that it is answered."""

from datetime import datetime, timedelta

from mailgate.decide import letters
from mailgate.decide.orders import Work
from mailgate.decide.scene import Scene, Trace
from mailgate.model.letter import Letter
from mailgate.model.ticket import Message

_SENT = ("done", "holding")


def tell_second(work: Work, trace: Trace) -> list[Letter]:
    """Return the notice to a writer whom another was ahead of: by five minutes at most, or at any time since the notice
    that is being answered."""
    scene, person = work.scene, work.person
    span = timedelta(seconds=scene.desk.rules.two_staff_seconds)
    answered = _letter_answered(scene, work.first.ticket.number)
    others = [
        one for one in scene.facts.messages.get(work.case.ticket.number, ())
        if one.kind == "staff" and one.author != person.address and one.state in _SENT
        and (scene.at - one.at <= span or answered and answered < one.id)
    ]  # fmt: skip
    if not others:
        return []
    first = others[-1]
    trace.add("C8", "told of a colleague's answer", first.author)
    return [letters.to_staff("colleague_notice", work.case, scene.desk, person, _context(work, "first", first))]


def tell_readers(work: Work, message: Message, message_id: str) -> list[Letter]:
    """Return a line to everyone else whom the answered notice went to. It leaves with the answer, and is taken back with
    it (`message_id` of the stored answer; "": the one that this decision adds)."""
    scene, before = work.scene, work.first
    if not scene.desk.rules.tell_of_answers:
        return []
    if not before.ticket.owner and before.ticket.unanswered_since is None:
        return []  # nobody waits for an answer, and the ticket is nobody's
    people = [one for one in letters.readers(before.ticket, scene.facts.people) if one.address != work.person.address]
    leaves_at = _later(scene.now + timedelta(seconds=scene.hold_seconds), _opening(work))
    context = _context(work, "answered", message)
    return [
        letters.to_staff(
            "colleague_notice", work.case, scene.desk, one, context, not_before=leaves_at, message=message_id
        )
        for one in people
    ]


def _letter_answered(scene: Scene, number: int) -> str:
    """Return the id of our letter that the mail answers, the nearest first; "" where it names none. Ids are made in the
    order of time: a colleague's answer with a greater one came after the letter."""
    survivors = scene.facts.survivors
    named = (own.id for _, own in scene.clues.own_ids if own.ticket and survivors.get(own.ticket) == number)
    return next(named, "")


def _context(work: Work, cause: str, message: Message) -> dict[str, object]:
    scene = work.scene
    return {
        "card": letters.card(work.case, scene.desk, scene.facts), "cause": cause,
        "colleague": message.author_name or message.author, "at": message.at, "text": message.visible_text,
    }  # fmt: skip


def _opening(work: Work) -> datetime | None:
    """A team off duty has not had the notice yet: what is said of it waits as long (D6)."""
    ticket, scene = work.first.ticket, work.scene
    if ticket.owner or ticket.priority == "high":
        return None
    return letters.opening(scene.desk, ticket.team, scene.now)


def _later(one: datetime, other: datetime | None) -> datetime:
    return one if other is None or other < one else other

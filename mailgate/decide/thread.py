"""Which ticket (T1 to T6): the ladder of evidence, who may add, and what is a new question."""

from collections.abc import Iterator
from dataclasses import dataclass

from mailgate.decide.scene import Scene, Trace
from mailgate.decide.sender import senders_contacts
from mailgate.model.decision import By, Identity
from mailgate.model.ticket import Case
from mailgate.understand.findings import find
from mailgate.understand.matter import compare, is_generic


@dataclass(frozen=True, kw_only=True, slots=True)
class Thread:
    """Where a mail belongs. `claimed`: tickets that it named and its sender has no part in (T3)."""

    by: By | None = None
    case: Case | None = None
    claimed: tuple[int, ...] = ()
    forwards: int | None = None  # the ticket that a forward without a tag is linked to


def find_thread(scene: Scene, identity: Identity, trace: Trace) -> Thread:
    """Return the ticket that the strongest evidence names and the sender belongs to (T1, T3)."""
    named = list(find_named(scene))
    if len({number for _, number in named}) > 1:
        listed = ", ".join(f"{by} → {number}" for by, number in named)
        trace.add("T1", "the evidence disagrees", listed)
    claimed: list[int] = []
    for by, number in named:
        case = scene.facts.cases[number]
        if not belongs(scene, identity, case, *(one for one, other in named if other == number)):
            claimed.append(number)
            continue
        if _is_untagged_forward(scene, by):
            trace.add("T1", "a forward without a tag is a new ticket", f"linked to {number}")
            return Thread(forwards=number, claimed=tuple(dict.fromkeys(claimed)))
        trace.add("T1", f"ticket {number} by {by}", _words_of(scene, by))
        return Thread(by=by, case=case, claimed=tuple(dict.fromkeys(claimed)))
    if claimed:
        trace.add("T3", "the evidence is void", f"{identity.address or 'the sender'} has no part in what it names")
    return Thread(claimed=tuple(dict.fromkeys(claimed)))


def find_same_subject(scene: Scene, identity: Identity, trace: Trace) -> Case | None:
    """Return the open ticket that a contact wrote on lately under the same subject (T6)."""
    if not identity.contact or scene.mail.is_forward or scene.arrival.form or not scene.facts.same_subject:
        return None
    if is_generic(scene.mail.core_subject, scene.desk):
        trace.add("T6", "a generic subject names no ticket", scene.mail.core_subject)
        return None
    case = next((case for number in scene.facts.same_subject if (case := _standing_for(scene, number))), None)
    if case is None or case.ticket.status in ("resolved", "closed", "merged"):
        return None
    trace.add("T6", f"ticket {case.ticket.number} by subject", "an open ticket of this contact with the same subject")
    return case


def _standing_for(scene: Scene, number: int) -> Case | None:
    """Return the ticket, or where it was merged the one it went into (T2), if the sender wrote on that lately."""
    survivor = scene.facts.survivors.get(number)
    case = scene.facts.cases.get(survivor) if survivor is not None else None
    if case is None or survivor == number:
        return case
    window = scene.desk.rules.same_subject_seconds
    said = scene.facts.messages.get(case.ticket.number, ())
    lately = (one for one in said if (scene.at - one.at).total_seconds() <= window)
    return case if any(one.author == scene.clues.sender for one in lately) else None


def belongs(scene: Scene, identity: Identity, case: Case, *by: By) -> bool:
    """May the sender add to this ticket (T3, S7)? `by` is every kind of evidence that names it."""
    ticket, address = case.ticket, identity.address
    if identity.level == "staff":
        return True
    if scene.clues.sender is None or address is None:
        return False
    if address in (ticket.requestor, ticket.reply_address) or address in ticket.participants:
        return True
    accounts = {contact.account.number for contact in senders_contacts(scene)}
    if ticket.account and ticket.account in accounts:
        return True
    if "identity_required" not in ticket.flags or not accounts:
        return False
    return ticket.named_account in accounts or "token" in by or "references" in by


def is_other_matter(scene: Scene, case: Case, trace: Trace) -> str:
    """Return why a customer's mail on `case` is a new question (T4): matter, window, announced; "" where it is not."""
    ticket = case.ticket
    window = scene.desk.rules.reopen_window_seconds
    if ticket.status == "closed" and ticket.finished_at and (scene.at - ticket.finished_at).total_seconds() > window:
        trace.add("T4", "split: closed for longer than the window", f"closed {ticket.finished_at:%Y-%m-%d %H:%M} UTC")
        return "window"
    if _is_thanks_alone(scene):
        trace.add("T4", "the same matter", "a mere thank-you asks nothing new")
        return ""
    comparison = compare(scene.mail.core_subject, ticket.subjects)
    if not comparison.is_same:
        trace.add("T4", "split: about something else", comparison.because)
        return "matter"
    if scene.findings.announces_new:
        words = scene.findings.because.get("announces", "")
        if ticket.status in ("resolved", "closed"):
            trace.add("T4", "split: another question is announced on a finished ticket", words)
            return "announced"
        trace.add("T4", "announces another question on an open ticket: staff may #split", words)
    else:
        trace.add("T4", "the same matter", comparison.because)
    return ""


def find_named(scene: Scene) -> Iterator[tuple[By, int]]:
    """Yield (by, surviving number) for all evidence that names a ticket, the strongest first (T1), each once."""
    mail, desk = scene.mail, scene.desk
    found: list[tuple[By, int]] = [("tag", tag.number) for tag in mail.tags if desk.has_tag(tag.desk)]
    found += [("token", token.ticket) for token in scene.clues.tokens if token.ticket is not None]
    found += [("references", number) for number in _referenced(scene)]
    found += [("words", number) for number in mail.word_numbers]
    found += [("words", tag.number) for tag in mail.quoted_tags if desk.has_tag(tag.desk)]
    survivors = ((by, scene.facts.survivors.get(number)) for by, number in found)
    yield from dict.fromkeys((by, number) for by, number in survivors if number in scene.facts.cases)  # type: ignore[misc]


def _referenced(scene: Scene) -> list[int]:
    own = {value: made.ticket for value, made in scene.clues.own_ids if made.ticket}
    looked_up = {one.message_id: one.ticket for one in scene.facts.referenced if one.ticket}
    order = [*scene.mail.in_reply_to, *reversed(scene.mail.references)]
    found = [own.get(value) or looked_up.get(value) for value in order]
    if scene.mail.report or scene.mail.forwarded:
        found += [made.ticket for _, made in scene.clues.own_ids] + [one.ticket for one in scene.facts.referenced]
    if scene.facts.expected_by is not None:
        found.append(scene.facts.expected_by)
    return [number for number in found if number]


def _is_thanks_alone(scene: Scene) -> bool:
    """Is it thanks and no more, its subject included? «Danke!» is about no other matter (T5)."""
    core = scene.mail.core_subject
    if not scene.findings.is_thanks or not core:
        return False
    return find(subject="", core_subject="", text=core, desk=scene.desk).is_thanks


def _is_untagged_forward(scene: Scene, by: By) -> bool:
    return scene.mail.is_forward and by != "tag"


def _words_of(scene: Scene, by: By) -> str:
    match by:
        case "tag":
            return f"subject «{scene.mail.subject[:120]}»"
        case "token":
            return "a reply token of ours in the address"
        case "references":
            return "In-Reply-To or References name a mail of it"
        case "words":
            return "words in the subject, or a tag in the quoted text"
        case "subject":
            return "the same subject"

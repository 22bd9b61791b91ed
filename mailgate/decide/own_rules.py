"""The desk's own rules (Q9): which of them speak of a mail. What they say never lets anybody in: no level, no thread."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from mailgate.decide import letters
from mailgate.decide.route import choose_mailbox
from mailgate.decide.scene import Scene, Trace
from mailgate.decide.thread import find_thread
from mailgate.model.decision import AddMessage, Effect, Identity
from mailgate.model.letter import Letter
from mailgate.model.own_rules import NOTHING_SAID, OwnRule, Said, Searched, find_any, together
from mailgate.model.quick import replace
from mailgate.model.ticket import Case, Message

_THINGS = ("queue", "priority", "team", "owner", "ack")


def what_rules_say(scene: Scene, identity: Identity) -> Said:
    """Return what the desk's own rules say of the mail (Q9)."""
    if not scene.clues.rules:
        return NOTHING_SAID
    rules = [scene.desk.own_rules[place] for place in scene.clues.rules]
    if any(rule.when.levels for rule in rules):
        level = _level(scene, identity)
        rules = [rule for rule in rules if not rule.when.levels or level in rule.when.levels]
    return together(tuple(rule for rule in rules if _is_for_mailbox(scene, rule)))


def note_rules(said: Said, trace: Trace) -> None:
    """Put every rule that spoke into the trace, with what it says and what was said before it."""
    before: dict[str, str] = {}
    for rule in said.rules:
        trace.add("Q9", f"rule «{rule.name}»", ", ".join(_words(rule, before)))


def owner_of(scene: Scene, said: Said, trace: Trace) -> str | None:
    """Return the owner that a rule of the desk names (Q9), where that is a person of the desk."""
    if said.owner is None:
        return None
    if all(person.address != said.owner for person in scene.facts.people):
        trace.add("Q9", "no owner", f"{said.owner} is nobody of the staff")
        return None
    return said.owner


def notes_of(said: Said, ticket: int, message: Message) -> list[Effect]:
    """Return the notes of the rules as entries of the ticket; `message` is the mail's own."""
    return [
        AddMessage(
            ticket=ticket,
            message=replace(
                message, kind="note", author="mailgate", author_name=f"rule «{name}»", visible_text=text, text=text, html="",
                attachments=(), message_id=None, references=(), digest=None, arrival=None,
            ),
        )
        for name, text in said.notes
    ]  # fmt: skip


def shown_notes(said: Said, at: datetime) -> list[dict[str, Any]]:
    """Return the notes of the rules as the history of a letter to staff shows them."""
    return [{"at": at, "who": f"rule «{name}»", "kind": "note", "text": text} for name, text in said.notes]


def copies_of(said: Said, scene: Scene, case: Case, notice: Mapping[str, Any], message: Message) -> list[Letter]:
    """Return the notice to staff once more, for each address that a rule wants to have it."""
    return [
        letter
        for address in said.copy_to
        for letter in letters.to_managers(
            "staff_notice", replace(scene.desk, managers=(address,)), case, notice, attachments=message.attachments
        )
    ]


def _level(scene: Scene, identity: Identity) -> str:
    """Return the sender's level; on which ticket they take part is not known before the thread is (S3)."""
    if identity.level != "unknown" or not scene.clues.sender:
        return identity.level
    case = find_thread(scene, identity, Trace([])).case
    ticket = case.ticket if case else None
    takes_part = ticket and identity.address in (ticket.requestor, ticket.reply_address, *ticket.participants)
    return "participant" if takes_part else "unknown"


def _is_for_mailbox(scene: Scene, rule: OwnRule) -> bool:
    if not rule.when.mailbox:
        return True
    return find_any(rule.when.mailbox, (Searched(choose_mailbox(scene).address),)) is not None


def _words(rule: OwnRule, before: dict[str, str]) -> Iterator[str]:
    then = rule.then
    for thing in _THINGS:
        value = getattr(then, thing)
        if value is None:
            continue
        words = ("an ack" if value else "no ack") if thing == "ack" else f"{thing} {value}"
        yield f"{words} (said already by «{before[thing]}»)" if thing in before else words
        before.setdefault(thing, rule.name)
    yield from (f"flag {flag}" for flag in then.flags)
    yield from (word for word, is_said in (("set aside", then.set_aside), ("hold", then.hold)) if is_said)
    yield from (f"copy to {address}" for address in then.copy_to)
    if then.note:
        yield "a note"

"""What makes a reply wait for its writer's #send (C7): a forgotten file, another customer's name, a command in the text."""

import re
from dataclasses import dataclass

from mailgate.decide.providers import PROVIDERS
from mailgate.decide.scene import Scene
from mailgate.model.ticket import Case
from mailgate.understand.commands import Said, find_commands_within


@dataclass(frozen=True, kw_only=True, slots=True)
class Doubts:
    """Why a reply does not leave yet: codes of the letter, names of other customers, lines that read like commands."""

    causes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def look_again(scene: Scene, case: Case, said: Said) -> Doubts:
    """Return what speaks against sending a reply before its writer says #send (C7)."""
    own_words = "\n".join(line for line in said.text.split("\n") if not line.lstrip().startswith(">"))
    has_files = any(not one.inline for one in scene.mail.attachments)
    known = _known_names(scene, case)
    names = tuple(name for name in scene.facts.foreign_accounts if name not in known and _is_named(own_words, name))
    lines = find_commands_within(own_words)
    speaks = {
        "attachment": not has_files and speaks_of_attachment(own_words, scene), "foreign": bool(names), "command": bool(lines),
    }  # fmt: skip
    return Doubts(causes=tuple(cause for cause, is_so in speaks.items() if is_so), names=names, lines=lines)


def speaks_of_attachment(text: str, scene: Scene) -> bool:
    """Does a reply say that something is attached, in any language of the lists?"""
    lowered = text.lower()
    lists = (words.get("staff.attachment", ()) for words in scene.desk.lexicon.words.values())
    return any(
        phrase in lowered and re.search(r"(?<!\w)" + re.escape(phrase), lowered)
        for phrases in lists
        for phrase in phrases
    )


def _known_names(scene: Scene, case: Case) -> frozenset[str]:
    """Return names that give nobody away: those of people on the ticket, the desk's own, and of mail providers."""
    ticket = case.ticket
    people = {ticket.requestor, ticket.reply_address, *ticket.participants}
    own = {mailbox.address for mailbox in scene.desk.mailboxes} | {one.address for one in scene.facts.people}
    domains = {one.rpartition("@")[2] for one in people | own}
    return frozenset(people | own | domains) | PROVIDERS


def _is_named(text: str, name: str) -> bool:
    return re.search(rf"(?<![\w.+@-]){re.escape(name)}(?![\w-]|\.\w)", text.lower()) is not None

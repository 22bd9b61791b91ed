"""What a mail names that the store should look up: numbers, Message-IDs, tokens, people, accounts."""

import re
from collections.abc import Collection, Iterable
from typing import TypeVar

from mailgate.model.arrival import Arrival
from mailgate.model.facts import Clues
from mailgate.model.findings import Findings
from mailgate.model.mail import Mail, is_deliverable
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.model.tokens import OwnId, Token, read_message_id, read_token
from mailgate.understand.author import as_the_desk_has_it, groups_of, reply_addresses, see_behind
from mailgate.understand.commands import numbers_named, read_listing
from mailgate.understand.findings import find
from mailgate.understand.matter import fold_subject
from mailgate.understand.own_rules import fitting_rules
from mailgate.understand.shown import has_quotes

_ADDRESS = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_DOMAIN = re.compile(r"(?<![\w.@-])(?:[\w-]{1,63}\.){1,5}[a-z]{2,18}(?![\w-])", re.IGNORECASE)
_MOST_REFERENCES = 40
_UNHAPPY = frozenset(
    "\U0001f44e\U0001f620\U0001f621\U0001f622\U0001f62d\U0001f494\U0001f61e\U0001f641\u2639\U0001f92c\U0001f624\U0001f615"
)  # of whoever wants more
T = TypeVar("T")

_MOST_REACTION = 12  # words: the program tells whose reaction it is; whoever writes more says something
_MOST = 50  # ids, addresses and numbers of one mail that are looked up; more is no person's mail


def read_clues(mail: Mail, arrival: Arrival, desk: Desk, secret: bytes, desk_addresses: Collection[str] = ()) -> Clues:
    """Return what `mail` names on `desk`. The one look at the words of the mail (`findings`) is made here.
    `desk_addresses`: the mailboxes of every desk of the house."""
    groups = groups_of(mail, desk)
    mail = as_the_desk_has_it(mail, desk)
    behind = None if arrival.form else see_behind(mail, desk, groups, desk_addresses)
    tokens = _tokens(mail, arrival, desk, secret)
    own_ids, message_ids = _message_ids(mail, secret)
    findings = find(
        subject=mail.subject, core_subject=mail.core_subject, text=mail.visible_text, desk=desk,
        files=len(mail.attachments),
    ) if mail.automatic is None or mail.automatic.kind in ("list", "auto_generated") else Findings()  # fmt: skip
    if mail.reaction[:1] and mail.reaction[0] not in _UNHAPPY and len(mail.visible_text.split()) <= _MOST_REACTION:
        findings = Findings(is_thanks=True, because={"thanks": f"a reaction: {mail.reaction}"})
    if arrival.form:
        findings = replace(findings, account_numbers=_unique((arrival.form.account, *findings.account_numbers)))
    numbers = [tag.number for tag in (*mail.tags, *mail.quoted_tags) if desk.has_tag(tag.desk)]
    numbers += [token.ticket for token in tokens if token.ticket is not None]
    numbers += [own.ticket for _, own in own_ids if own.ticket is not None]
    numbers += mail.word_numbers
    sender = behind.address if behind else mail.from_[0].key if len(mail.from_) == 1 else None
    return Clues(
        desk=desk.name,
        sender=sender,
        reply_to=None if behind else _reply_to(mail, groups),
        content_key=mail.content_key,
        numbers=_unique(numbers),
        message_ids=message_ids,
        own_ids=own_ids,
        tokens=tokens,
        own_message_id=mail.message_id,
        subject=fold_subject(mail.core_subject),
        findings=findings,
        commands_name=numbers_named(mail.visible_text),
        people=_unique(address.key for address in (*mail.to, *mail.cc)),
        failed=_unique(one.address.lower() for one in mail.report.failed) if mail.report else (),
        others=_unique(address.key for address in mail.from_) if len(mail.from_) > 1 else (),
        behind=behind,
        rules=fitting_rules(mail, sender, arrival.recipients, findings, desk),
        groups=groups,
        forwarded=mail.forwarded.address.lower() if mail.forwarded and mail.forwarded.address else None,
        mentioned=_mentioned(mail.visible_text),
        listing=_listing(mail),
        has_quotes=has_quotes(mail),
    )


def _listing(mail: Mail) -> tuple[str, str] | None:
    found = read_listing(mail.visible_text, is_alone=not mail.tags and not mail.is_reply)
    return (found.name, found.argument) if found else None


def _reply_to(mail: Mail, groups: tuple[str, ...]) -> str | None:
    """Return the one address of Reply-To, beside the group's own; one that can be read in two ways is none (S9)."""
    found = reply_addresses(mail, groups)
    return found[0].key if len(found) == 1 and is_deliverable(found[0].key) else None


def _tokens(mail: Mail, arrival: Arrival, desk: Desk, secret: bytes) -> tuple[Token, ...]:
    addresses = _unique((*arrival.recipients, *(address.key for address in (*mail.to, *mail.cc))))
    found = (read_token(address, secret, desk.name) for address in addresses if "+" in address)
    return tuple(token for token in found if token)


def _message_ids(mail: Mail, secret: bytes) -> tuple[tuple[tuple[str, OwnId], ...], tuple[str, ...]]:
    """Return the named ids that we made, and the others, each the nearest relative first (T1c)."""
    references = list(reversed(mail.references))
    if len(references) > _MOST_REFERENCES:  # the newest, and the first, which every program keeps
        references = [*references[: _MOST_REFERENCES - 5], *references[-5:]]
    named = [*mail.in_reply_to[:5], *references]
    if mail.report:
        named += [mail.report.original_message_id] if mail.report.original_message_id else []
        named += list(reversed(mail.report.original_references))
    if mail.forwarded and mail.forwarded.message_id:
        named.append(mail.forwarded.message_id)
    ids = _unique(named)
    own = tuple((value, made) for value in ids if (made := read_message_id(value, secret)))
    known = {value for value, _ in own}
    return own, tuple(value for value in ids if value not in known)


def _mentioned(text: str) -> tuple[str, ...]:
    """Return addresses and domains that `text` speaks of, lower case (C7)."""
    # both have a dot within, and no space
    start = " ".join(run for run in text[:20_000].lower().split() if "." in run[1:-1])
    return _unique((*_ADDRESS.findall(start), *_DOMAIN.findall(start)))


def _unique(values: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))[:_MOST]

"""Which of the desk's own rules a mail fits (Q9), as far as the mail itself can say: all but level and mailbox."""

from collections.abc import Iterable
from functools import cached_property

from mailgate.model.findings import Findings
from mailgate.model.mail import Mail
from mailgate.model.own_rules import OwnRule, Pattern, Searched, When, find_any
from mailgate.model.settings import Desk

_MOST_TEXT = 1_000_000  # characters of a mail that rules look at
_MOST = 200  # addresses, files, values of a header


def fitting_rules(
    mail: Mail, sender: str | None, recipients: tuple[str, ...], findings: Findings, desk: Desk
) -> tuple[int, ...]:
    """Return the places of the rules whose conditions the mail meets. `sender` is who it is of, `recipients` the
    envelope's."""
    if not desk.own_rules:
        return ()
    said = _Said(mail, sender, recipients, findings)
    return tuple(place for place, rule in enumerate(desk.own_rules) if said.meets(rule))


class _Said:
    """What the conditions look at, each made ready when the first asks for it."""

    def __init__(self, mail: Mail, sender: str | None, recipients: tuple[str, ...], findings: Findings) -> None:
        self._mail, self._sender, self._recipients, self._findings = mail, sender, recipients, findings

    def meets(self, rule: OwnRule) -> bool:
        when, mail = rule.when, self._mail
        if when.larger_than is not None and mail.size <= when.larger_than:
            return False
        if when.classes and not {self._findings.class_, mail.automatic.kind if mail.automatic else ""} & set(
            when.classes
        ):
            return False
        if when.languages and mail.language not in when.languages:
            return False
        return (
            self._is_from(when)
            and _found(when.to, self.to)
            and _found(when.subject, self.subject)
            and _found(when.attachment, self.attachments)
            and all(self._has_header(name, patterns) for name, patterns in when.headers)
            and _found(when.text, self.text)
        )

    def _is_from(self, when: When) -> bool:
        if not (when.from_ or when.names):
            return True
        return find_any(when.from_, self.from_) is not None or find_any(when.names, self.names) is not None

    def _has_header(self, name: str, patterns: tuple[Pattern, ...]) -> bool:
        values = self._mail.headers.get(name)
        if values is None:
            return False
        return not patterns or find_any(patterns, (Searched(one) for one in values)) is not None

    @cached_property
    def from_(self) -> list[Searched]:
        keys = dict.fromkeys((*([self._sender] if self._sender else ()), *(one.key for one in self._mail.from_)))
        return [Searched(one) for one in keys]

    @cached_property
    def names(self) -> list[Searched]:
        return [Searched(one.name) for one in self._mail.from_ if one.name]

    @cached_property
    def to(self) -> list[Searched]:
        mail = self._mail
        keys = dict.fromkeys((*(one.key for one in (*mail.to, *mail.cc)), *self._recipients))
        return [Searched(one) for one in list(keys)[:_MOST]]

    @cached_property
    def subject(self) -> list[Searched]:
        return [Searched(one) for one in dict.fromkeys((self._mail.subject, self._mail.core_subject))]

    @cached_property
    def text(self) -> list[Searched]:
        return [Searched(self._mail.text[:_MOST_TEXT])]

    @cached_property
    def attachments(self) -> list[Searched]:
        return [Searched(one.filename) for one in self._mail.attachments[:_MOST]]


def _found(patterns: tuple[Pattern, ...], values: list[Searched]) -> bool:
    return not patterns or find_any(patterns, values) is not None


def wanted_headers(desks: Iterable[Desk]) -> frozenset[str]:
    """Return the names of the headers that rules look at, in small letters."""
    return frozenset(name for desk in desks for rule in desk.own_rules for name, _ in rule.when.headers)

"""[[rule]] of a desk file → the desk's own rules (Q9), made ready for matching; every wrong key is a complaint."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from mailgate.config import kinds
from mailgate.config.reading import Kind, Section
from mailgate.model.own_rules import Form, OwnRule, Pattern, Searched, Then, When, find_any, is_of_address, pattern
from mailgate.model.settings import Queue, Team

LEVELS = ("staff", "verified", "registered", "participant", "unknown")
AUTOMATIC = ("auto_generated", "list")
OUR_FLAGS = frozenset((
    "identity_required", "account_mismatch", "misdirected", "claimed_tag", "command_error", "awaiting_send",
    "address_failed", "blocked", "forged", "junk_suspected", "malware_removed",
))  # fmt: skip
_PLAIN = "a text: words, a glob with *, or a regular expression /…/"
_HEADER = 'a table of header names, as { "X-Monitor" = "zabbix*" }, or a list, as ["X-Monitor"]'


def read_own_rules(
    section: Section, *, queues: Collection[Queue], teams: Collection[Team], mailboxes: Sequence[str], classes: Sequence[str],
    languages: Sequence[str],
) -> tuple[OwnRule, ...]:  # fmt: skip
    """Return the rules in their order."""
    found: list[OwnRule] = []
    for place, each in enumerate(section.subs("rule", "name"), 1):
        name = each.take("name", kinds.TEXT, f"rule {place}", required=True)
        if any(one.name == name for one in found):
            section.complain("rule", f"names {name} twice")
        when = _read_when(each.sub("when"), mailboxes, classes, languages)
        then = _read_then(each.sub("then"), queues, teams, mailboxes)
        each.finish()
        if when == When():
            each.complain(
                "when", "is missing or empty: the rule would speak of every mail; allowed is one condition at least"
            )
        if then == Then():
            each.complain("then", "is missing or empty: the rule says nothing")
        found.append(OwnRule(name=name, when=when, then=then))
    return tuple(found)


def _read_when(section: Section, mailboxes: Sequence[str], classes: Sequence[str], languages: Sequence[str]) -> When:
    senders = section.take("from", _texts("address"), ())
    when = When(
        mailbox=section.take("mailbox", _texts("address"), ()),
        from_=tuple(one for one in senders if is_of_address(one.source)),
        names=tuple(one for one in senders if not is_of_address(one.source)),
        to=section.take("to", _texts("address"), ()),
        subject=section.take("subject", _texts("words"), ()),
        text=section.take("text", _texts("words"), ()),
        attachment=section.take("attachment", _texts("name"), ()),
        headers=section.take("header", Kind(_HEADER, _headers), ()),
        larger_than=section.take("larger_than", kinds.SIZE, 0) or None,
        levels=section.take("level", _some_of(LEVELS), ()),
        languages=section.take("language", _some_of(languages), ()),
        classes=section.take("class", _some_of((*classes, *AUTOMATIC)), ()),
    )
    section.finish()
    boxes = [Searched(one) for one in mailboxes]
    for one in when.mailbox:
        if find_any((one,), boxes) is None:
            section.wrong("mailbox", one.source, f"a mailbox of this desk: {', '.join(mailboxes)}")
    return when


def _read_then(section: Section, queues: Collection[Queue], teams: Collection[Team], mailboxes: Sequence[str]) -> Then:
    then = Then(
        queue=section.take("queue", _named([one.name for one in queues], "queue"), "") or None,
        priority=section.take("priority", kinds.one_of("normal", "high"), "") or None,
        team=section.take("team", _named([one.name for one in teams], "team"), "") or None,
        owner=section.take("owner", kinds.ADDRESS, "") or None,
        flags=section.take("flag", _each(kinds.NAME, "a name such as vip, or a list of them"), ()),
        ack=section.take("ack", kinds.FLAG, True) if section.has("ack") else None,
        set_aside=section.take("set_aside", kinds.FLAG, False),
        hold=section.take("hold", kinds.FLAG, False),
        copy_to=section.take("copy_to", _each(kinds.ADDRESS, "an address, or a list of them"), ()),
        note=section.take("note", _NOTE, ""),
    )
    section.skip("ack")
    section.finish()
    for flag in then.flags:
        if flag in OUR_FLAGS:
            section.wrong("flag", flag, "a name of your own: this one has a meaning already")
    for address in then.copy_to:
        if address in mailboxes:
            section.wrong(
                "copy_to", address, "an address that is no mailbox of the desk: a copy would come in as a mail"
            )
    for key in ("hold", "queue", "priority", "team", "owner", "ack", "copy_to", "note"):
        if then.set_aside and section.has(key):
            section.complain(key, "and set_aside are both given: of a mail that is set aside nothing else comes")
    return then


def _texts(form: Form) -> Kind[tuple[Pattern, ...]]:
    return _each(Kind(_PLAIN, lambda value: _pattern(value, form)), f"{_PLAIN}; or a list of them")


def _pattern(value: Any, form: Form) -> Pattern:
    if not isinstance(value, str):
        raise ValueError
    return pattern(value, form)


def _each(kind: Kind[Any], allowed: str) -> Kind[tuple[Any, ...]]:
    """One value, or a list."""

    def read(value: Any) -> tuple[Any, ...]:
        if value in ([], ""):
            raise ValueError("it is empty")
        return tuple(kind.read(one) for one in (value if isinstance(value, list) else [value]))

    return Kind(allowed, read)


def _headers(value: Any) -> tuple[tuple[str, tuple[Pattern, ...]], ...]:
    if isinstance(value, str | list):
        parts = [str(one).partition(":") for one in ([value] if isinstance(value, str) else value)]
        value = {name: text.strip() or True for name, _, text in parts}
    if not isinstance(value, dict) or not value:
        raise ValueError
    return tuple((_header_name(name), _header_values(wanted)) for name, wanted in value.items())


def _header_name(name: str) -> str:
    text = name.strip().lower()
    if not text or not all(33 <= ord(letter) < 127 and letter != ":" for letter in text):
        raise ValueError(f"{name!r} is no name of a header")
    return text


def _header_values(wanted: Any) -> tuple[Pattern, ...]:
    if wanted is True:
        return ()
    return tuple(_pattern(one, "words") for one in (wanted if isinstance(wanted, list) else [wanted]))


def _some_of(names: Iterable[str]) -> Kind[tuple[str, ...]]:
    known = tuple(names)
    return _each(kinds.one_of(*known), f"one or several of {', '.join(known)}")


def _named(names: Sequence[str], what: str) -> Kind[str]:
    return kinds.text_of(f"a {what} of this desk: {', '.join(names) or 'none'}", lambda text: text in names)


def _is_note(text: str) -> bool:
    return bool(text.strip()) and len(text) <= 2000 and "\0" not in text


_NOTE = kinds.text_of("a text of up to 2000 characters", _is_note)

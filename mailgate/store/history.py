"""What happened to a ticket, in words: the line that `ticket history` and the board show of an event."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

Stamp = Callable[[datetime], str]
_NOTHING: tuple[object, ...] = (None, "", [], {})
# the values of a change that have words of their own, and whose words they are
_SECTIONS = {
    "status": "status", "priority": "priority", "level": "level", "request": "request", "class_": "class",
    "class": "class", "flags": "flag", "missing": "field", "rights": "right",
}  # fmt: skip
_LETTER = re.compile(r"(\w+) to (\S+): (.*)", re.DOTALL)
_BEHIND = (
    (re.compile(r"follow-up by (tag|token|references|words|subject)"), "because.{0}", ""),
    (re.compile(r"incident (\d+)(?:: \w+)?"), "because.incident", "number"),
    (re.compile(r"taken over: (.+)"), "because.taken_over", "source"),
)
# What the rules say in the record, with the words for it: they keep to these (tests/store/test_history.py).
_TEXTS = (
    (re.compile(r"managers"), "managers"),
    (re.compile(r"names no address of this ticket"), "not_of_the_ticket"),
    (re.compile(r"only automatic mail is on the ticket \(A3\)"), "automatic"),
    (re.compile(r"the sender has no address that mail can go to"), "no_address"),
    (re.compile(r"nothing automatic is said to a program's address \(A3\)"), "program"),
    (re.compile(r"the sender is blocked \(C5\)"), "blocked"),
    (re.compile(r"(?P<count>\d+) letters in 10 minutes \(A3\)"), "ten_minutes"),
    (re.compile(r"(?P<count>\d+) letters in a day \(A3\)"), "one_day"),
    (re.compile(r"whoever it is answers like a machine, always about the same \(A3\)"), "machine"),
    (re.compile(r"incident (?P<number>\d+): (?:open|update|resolved)"), "incident"),
)


class Say(Protocol):
    """Gives the words of `section.name` in the reader's language; a name that has none is shown as words."""

    def __call__(self, key: str, /, **values: Any) -> str: ...


def told(event: Mapping[str, Any], stamp: Stamp, say: Say) -> str:
    """Return what an event of `events_of` says, in one line; `stamp` writes an instant as its readers' clock shows it."""
    detail = event["detail"]
    because = f" ({_because(detail['because'], say)})" if detail.get("because") else ""
    said = "; ".join(
        [
            *_changes(detail.get("changes", {}), stamp, say),
            *_clocks(detail.get("deadlines", ()), stamp, say),
            *([_text(str(detail["text"]), say)] if detail.get("text") else ()),
        ]
    )
    return say("event." + event["kind"]) + because + (f": {said}" if said else "")


def _because(because: str, say: Say) -> str:
    for pattern, key, name in _BEHIND:
        if found := pattern.fullmatch(because):
            return say(key, **{name: found[1]}) if name else say(key.format(found[1]))
    return say(f"because.{because}") if re.fullmatch(r"\w+", because) else because


def _text(text: str, say: Say) -> str:
    """Return what the record says of itself in the reader's words; what servers and scanners said is theirs."""
    if found := _LETTER.fullmatch(text):
        return say("event_text.letter", letter=say(f"letter.{found[1]}"), to=found[2], why=_text(found[3], say))
    for pattern, name in _TEXTS:
        if found := pattern.fullmatch(text):
            return say(f"event_text.{name}", **found.groupdict())
    return text


def _changes(changes: Mapping[str, Sequence[Any]], stamp: Stamp, say: Say) -> Iterator[str]:
    for name, (old, new) in changes.items():
        if old in _NOTHING and new in _NOTHING:
            continue
        before = "" if old in _NOTHING else f"{_value(name, old, stamp, say)} → "
        yield f"{say('change.' + name.removesuffix('_'))}: {before}{_value(name, new, stamp, say)}"


def _clocks(clocks: Sequence[Mapping[str, Any]], stamp: Stamp, say: Say) -> Iterator[str]:
    """Say of each clock what became of it; of one that runs, until when."""
    for one in clocks:
        is_running = one["state"] == "pending" and one.get("due_at")
        state = _value("", one["due_at"], stamp, say) if is_running else say(f"state.{one['state']}")
        yield f"{say('clock.' + one['kind'])}: {state}"


def _value(name: str, value: Any, stamp: Stamp, say: Say) -> str:
    if value in _NOTHING:
        return "–"
    match value:
        case bool():
            return say("change.yes" if value else "change.no")
        case list():
            return ", ".join(_value(name, one, stamp, say) for one in value)
        case {"kind": kind, "ticket": ticket}:
            return f"{say(f'link.{kind}')} {'' if kind == 'incident' else '#'}{ticket}"
        case dict():
            return ", ".join(f"{say(f'field.{one}')}: {_value('', known, stamp, say)}" for one, known in value.items())
        case str() if (instant := _instant(value)) is not None:
            return stamp(instant)
        case str() if section := _SECTIONS.get(name):
            return say(f"{section}.{value}")
        case _:
            return str(value)


def _instant(value: str) -> datetime | None:
    """Return the instant that `value` is; only ours have date, time and offset, so that no other word is taken for one."""
    if len(value) < 20 or value[4:5] != "-" or value[10:11] != "T":
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None

"""What happened to a ticket, in words: the line that `ticket history` and the board show of an event."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

Stamp = Callable[[datetime], str]
_NOTHING: tuple[object, ...] = (None, "", [], {})


def told(event: Mapping[str, Any], stamp: Stamp) -> str:
    """Return what an event of `events_of` says, in one line; `stamp` writes an instant as its readers' clock shows it."""
    detail = event["detail"]
    because = f" ({_named(detail['because'])})" if detail.get("because") else ""
    said = "; ".join(
        [
            *_changes(detail.get("changes", {}), stamp),
            *_clocks(detail.get("deadlines", ()), stamp),
            *([str(detail["text"])] if detail.get("text") else ()),
        ]
    )
    return f"{_named(event['kind'])}{because}" + (f": {said}" if said else "")


def _changes(changes: Mapping[str, Sequence[Any]], stamp: Stamp) -> Iterator[str]:
    for name, (old, new) in changes.items():
        if old in _NOTHING and new in _NOTHING:
            continue
        before = "" if old in _NOTHING else f"{_value(old, stamp)} → "
        yield f"{_named(name)} {before}{_value(new, stamp)}"


def _clocks(clocks: Sequence[Mapping[str, Any]], stamp: Stamp) -> Iterator[str]:
    """Say of each clock what became of it; of one that runs, until when."""
    for one in clocks:
        is_running = one["state"] == "pending" and one.get("due_at")
        yield f"{_named(one['kind'])} {'due ' + _value(one['due_at'], stamp) if is_running else one['state']}"


def _value(value: Any, stamp: Stamp) -> str:
    if value in _NOTHING:
        return "–"
    match value:
        case list():
            return ", ".join(_value(one, stamp) for one in value)
        case {"kind": kind, "ticket": ticket}:
            return f"{kind} {'' if kind == 'incident' else '#'}{ticket}"
        case dict():
            return ", ".join(f"{_named(str(name))}: {_value(one, stamp)}" for name, one in value.items())
        case str() if (instant := _instant(value)) is not None:
            return stamp(instant)
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


def _named(name: str) -> str:
    return name.replace("_", " ")

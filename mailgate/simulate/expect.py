"""Comparing what happened with what a scenario expects; every difference in words."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mailgate.model.ticket import Ticket

_OF_IDENTITY = ("level", "account", "contact", "role")
_OF_TICKET = ("status", "owner", "team")


def compare_received(
    expect: Mapping[str, Any], received: Mapping[str, Any] | None, ticket: Ticket | None
) -> Iterator[str]:
    """Yield each difference between `expect` and the received event, or the ticket as it is now."""
    for key, wanted in expect.items():
        if key in _OF_TICKET:
            have = getattr(ticket, key) if ticket else None
        elif received is None:
            have = _of_ticket(key, ticket)
        elif key in _OF_IDENTITY:
            have = received["identity"][key]
        elif key == "by":
            have = received["thread"]["by"]
        else:
            have = received.get(key)
        if not _agrees(key, wanted, have):
            yield f"{key}: expected {wanted!r}, got {have!r}"


def compare_sent(
    wanted: Sequence[Mapping[str, Any]] | None, unwanted: Sequence[Mapping[str, Any]], sent: Sequence[Mapping[str, Any]]
) -> Iterator[str]:
    """Yield each expected mail that was not sent (or not so often), and each sent that was not to be."""
    if wanted is not None and not wanted and sent:
        yield f"nothing was to be sent, got {_listed(sent)}"
    for entry in wanted or ():
        matching = [one for one in sent if _matches(entry, one)]
        if "count" in entry and len(matching) != entry["count"]:
            yield f"expected {entry['count']} of {dict(entry)}, got {len(matching)} among {_listed(sent)}"
        elif not matching:
            yield f"expected {dict(entry)} to be sent, got {_listed(sent)}"
    for entry in unwanted:
        matching = [one for one in sent if _matches(entry, one)]
        if len(matching) > (entry.get("count", 0) or 0):
            yield f"{dict(entry)} was not to be sent, got {_listed(matching)}"


def _of_ticket(key: str, ticket: Ticket | None) -> Any:
    if ticket is None:
        return None
    name = {"ticket": "number", "class": "class_"}.get(key, key)
    return getattr(ticket, name, None)


def _agrees(key: str, wanted: Any, have: Any) -> bool:
    match key:
        case "flags" | "missing":
            return set(wanted) <= set(have or ())
        case "fields":
            return all(_same(value, (have or {}).get(name)) for name, value in wanted.items())
        case "by" | "automatic" if wanted == "none":
            return have is None
        case _:
            return _same(wanted, have)


def _same(wanted: Any, have: Any) -> bool:
    if isinstance(wanted, str) or isinstance(have, str):
        return _plain(wanted) == _plain(have)
    return bool(wanted == have)


def _matches(entry: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    for key, wanted in entry.items():
        match key:
            case "count":
                continue
            case "to":
                fits = wanted.lower() in (address.lower() for address in sent["to"])
            case "subject_has":
                fits = all(_plain(part) in _plain(sent["subject"]) for part in _several(wanted))
            case "text_has":
                fits = all(_plain(part) in _plain(sent["text"]) for part in _several(wanted))
            case "text_lacks":
                fits = not any(_plain(part) in _plain(sent["text"]) for part in _several(wanted))
            case _:
                fits = _same(wanted, sent.get(key))
        if not fits:
            return False
    return True


def _several(value: Any) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)]


def _plain(value: Any) -> str:
    """Return text as it is compared: without regard to case and white space."""
    return " ".join(str(value).casefold().split())


def _listed(sent: Sequence[Mapping[str, Any]]) -> str:
    return "; ".join(f"{one['kind']} to {', '.join(one['to'])} on {one['ticket']}" for one in sent) or "nothing"

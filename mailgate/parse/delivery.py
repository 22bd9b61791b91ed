"""The machine's part of a delivery report (RFC 3464) and of a disposition notification (RFC 8098): its groups of fields."""

import re
from collections.abc import Iterator, Sequence

from mailgate.parse import charset
from mailgate.parse.tree import Part

STATUS_TYPES = ("message/delivery-status", "message/global-delivery-status")
NOTIFICATION = "message/disposition-notification"
SUCCESS = frozenset({"delivered", "relayed", "expanded"})
_FIELD = re.compile(r"^([A-Za-z][A-Za-z0-9-]{0,60})[ \t]*:[ \t]*([^\n]*(?:\n[ \t]+[^\n]*)*)", re.MULTILINE)
_BETWEEN = re.compile(r"\n[ \t]*\n")
_MAX_TEXT = 60_000


def words_of(part: Part) -> str:
    """Return the text of a part, its beginning, whatever its charset."""
    return charset.clean(charset.decode(part.content)[0])[:_MAX_TEXT]


def groups(parts: Sequence[Part]) -> Iterator[dict[str, str]]:
    """Yield the groups of fields of all status parts, names in lower case."""
    for part in parts:
        if part.content_type in STATUS_TYPES:
            for group in _BETWEEN.split(words_of(part)):
                yield fields_of(group)


def action_of(group: dict[str, str]) -> str:
    """Return the action of a recipient's group in lower case, without its comment; "" where none is stated."""
    return group.get("action", "").split("(")[0].strip().lower()


def actions(parts: Sequence[Part]) -> set[str]:
    """Return every action that the report states."""
    return {action for group in groups(parts) if (action := action_of(group))}


def fields_of(text: str) -> dict[str, str]:
    """Return the fields of a header as it stands in `text`, the first of each name."""
    found: dict[str, str] = {}
    for one in _FIELD.finditer(text):
        found.setdefault(one.group(1).lower(), one.group(2).strip())
    return found

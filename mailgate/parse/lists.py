"""Which lists and groups a mail came through, by their own headers (RFC 2919, RFC 2369, and what came before them)."""

import re
from collections.abc import Iterable

from mailgate.parse.fields import Fields

_ID = re.compile(r"<([^<>\s@]{1,255})>\s*\Z")
_BARE_ID = re.compile(r"\s*([\w.-]{3,255})\s*\Z")
_ADDRESS = re.compile(r"[\w.+=~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_POSTING = ("list-post", "mailing-list", "x-mailing-list", "x-beenthere")
_MOST = 20


def ids(fields: Fields) -> tuple[str, ...]:
    """Return the ids of List-Id, lower case: `support.lists.desk.example`."""
    found = (_ID.search(value[:1000]) or _BARE_ID.match(value[:1000]) for value in fields.every("list-id")[:_MOST])
    return _unique(one.group(1).lower() for one in found if one)


def addresses(fields: Fields) -> tuple[str, ...]:
    """Return where the lists take mail, lower case: of List-Post, and of Mailing-List the first address."""
    found: list[str] = []
    for name in _POSTING:
        for value in fields.every(name)[:_MOST]:
            found += [one.lower() for one in _ADDRESS.findall(value[:2000])[:1]]
    return _unique(found)


def _unique(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))[:_MOST]

"""Our own notice in a staff member's answer (C2, P3): every line of it goes, however their client quotes it."""

import re
from collections.abc import Iterable

from mailgate.model.letter import NOTICE_BOTTOM, NOTICE_LINE, NOTICE_TOP
from mailgate.model.ticket import Message

_QUOTE = re.compile(r"[>\s|]*")
_ADDRESS = re.compile(r"(?<![\w.+-])[\w.+-]{1,80}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}")
_TOKEN = re.compile(r"\+[rh]-[0-9a-z]{1,16}-[0-9a-z]{10}-[0-9a-z]{26}@")
_TOPS = frozenset(NOTICE_TOP.values())
_BOTTOMS = frozenset(NOTICE_BOTTOM.values())


def without_notice(text: str, entries: Iterable[Message]) -> str:
    """Return what the staff member wrote: without our notice, with quoted lines only where they are the customer's own
    words (an inline answer keeps those, and never ours or a note's)."""
    said = _customer_words(entries)
    kept = [line for line in _outside_notice(text.split("\n")) if _may_stay(line, said)]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(kept)).strip()


def without_addresses(text: str, people: Iterable[str], mailbox: str) -> str:
    """Return `text` with the desk's address in the place of its people's, and without anybody's reply token (P3)."""
    own = frozenset(people)

    def shown(found: re.Match[str]) -> str:
        address = found.group(0)
        return mailbox if address.lower() in own or _TOKEN.search(address.lower()) else address

    return _ADDRESS.sub(shown, text)


def _outside_notice(lines: list[str]) -> list[str]:
    """Cut an unquoted notice, from its top mark to its last bottom mark, or to the end where that is lost. Quoted ones
    are looked at line by line: answers may stand between them."""
    top = next((place for place, line in enumerate(lines) if line.strip() in _TOPS), None)
    if top is None:
        return lines
    bottoms = [place for place, line in enumerate(lines) if line.strip() in _BOTTOMS and place > top]
    return lines[:top] + (lines[bottoms[-1] + 1 :] if bottoms else [])


def _may_stay(line: str, said: str) -> bool:
    stripped = line.strip()
    if stripped in _TOPS or stripped in _BOTTOMS or stripped == NOTICE_LINE.strip():
        return False
    if stripped.startswith(NOTICE_LINE):
        return stripped.endswith("|") and stripped.count("|") > 2  # a table of the writer's own
    if not stripped.startswith(">"):
        return True
    words = _plain(stripped)
    return bool(words) and f" {words} " in said


def _customer_words(entries: Iterable[Message]) -> str:
    """Return what customers wrote on one line: mail programs break quoted lines elsewhere."""
    words = (_plain(line) for one in entries if one.kind == "customer" for line in one.visible_text.split("\n"))
    return f" {' '.join(word for word in words if word)} "


def _plain(line: str) -> str:
    return " ".join(_QUOTE.sub("", line, count=1).split()).casefold()

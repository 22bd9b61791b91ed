"""A record of a source as an entry: cleaned and checked. What a source says is as hostile as mail."""

import html
import re
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from mailgate.model.mail import is_deliverable
from mailgate.model.settings import Desk, bare_address

COLUMNS = ("number", "login", "name", "language", "address", "roles", "purposes", "until")
ROLES = ("owner", "billing", "technical")
PURPOSES = ("invoices", "support", "abuse")
_LONGEST = 500
_LONGEST_NUMBER = 100
_CODE = re.compile(r"([a-z]{2})(?:[-_][a-z0-9]{2,8})*", re.IGNORECASE)
# as the control panels of the field call them: by their English or their own name
_LANGUAGES = {
    "english": "en", "german": "de", "deutsch": "de", "polish": "pl", "polski": "pl", "russian": "ru", "русский": "ru",
    "ukrainian": "uk", "ukranian": "uk", "українська": "uk", "french": "fr", "spanish": "es", "italian": "it",
    "dutch": "nl", "czech": "cs", "danish": "da", "swedish": "sv", "norwegian": "no", "portuguese": "pt",
    "portuguese-br": "pt", "portuguese-pt": "pt", "romanian": "ro", "hungarian": "hu", "turkish": "tr",
    "croatian": "hr", "estonian": "et", "chinese": "zh", "arabic": "ar", "hebrew": "he", "farsi": "fa",
    "catalan": "ca", "macedonian": "mk", "azerbaijani": "az",
}  # fmt: skip


class Entry(NamedTuple):
    """An address of an account, as a source has it."""

    number: str
    login: str
    language: str
    address: str  # lower case; "" where the account has none
    name: str
    roles: tuple[str, ...]
    purposes: tuple[str, ...]
    until: date | None

    @property
    def key(self) -> str:
        return key_of(self.number, self.address)


class Wrong(Exception):
    """A record that cannot be taken. `key` is the contact it is about, where that can be read: it does not end then."""

    def __init__(self, text: str, key: str | None = None) -> None:
        super().__init__(text)
        self.key = key


def key_of(number: str, address: str) -> str:
    """Return what tells a contact of a desk from all others."""
    return f"{number}\n{address}"


class Reader:
    """Reads the records of one desk's source."""

    def __init__(self, desk: Desk) -> None:
        self._mailboxes = frozenset(mailbox.address for mailbox in desk.mailboxes)
        self._domains = frozenset(one.rpartition("@")[2] for one in self._mailboxes)

    def read(self, record: Mapping[str, Any]) -> Entry:
        """Return the entry of a record; one without an address speaks of the account alone. Raises Wrong with what is
        wrong."""
        number = _cell(record, "number", _LONGEST_NUMBER)
        if not number:
            raise Wrong("number: is empty")
        address = _cell(record, "address", 320).lower()
        if address and not is_deliverable(address):
            raise Wrong(f"account {number}: address: {address[:80]!r} is no mail address")
        if address.rpartition("@")[2] in self._domains and bare_address(address) in self._mailboxes:
            raise Wrong(f"account {number}: address: {address} is a mailbox of the desk")
        try:
            return Entry(
                number=number, login=_cell(record, "login"), language=_language(record), address=address,
                name=_cell(record, "name", is_escaped=True),
                roles=_given(_several(record, "roles", ROLES) or ("owner",)),
                purposes=_given(_several(record, "purposes", PURPOSES)), until=_day(record),
            )  # fmt: skip
        except Wrong as error:
            raise Wrong(f"account {number}, {address}: {error}", key_of(number, address)) from None


def _cell(record: Mapping[str, Any], name: str, longest: int = _LONGEST, *, is_escaped: bool = False) -> str:
    """Return a value as text; `is_escaped`: some control panels keep what people type as HTML (`O&#039;Brien`)."""
    value = record.get(name)
    if value is None or value == "":
        return ""
    if isinstance(value, str) and len(value) <= longest and not is_escaped and value.isprintable():
        return value.strip()
    text = _as_text(name, value)
    if is_escaped and "&" in text:
        text = html.unescape(text)
    if not text.isprintable():
        if not text.replace("\t", " ").replace("\n", " ").replace("\r", " ").isprintable():
            raise Wrong(f"{name}: has control characters")
        text = " ".join(text.split())
    if len(text) > longest:
        raise Wrong(f"{name}: is longer than {longest} letters")
    return text.strip()


def _as_text(name: str, value: Any) -> str:
    """Return a value of a database or of JSON as text: numbers may come as any kind, texts as bytes."""
    match value:
        case str():
            return value
        case bytes():
            return value.decode("utf-8", "replace")
        case float() if value.is_integer():
            return str(int(value))
        case Decimal() if value.is_finite() and value == value.to_integral_value():
            return str(int(value))
        case int() | date() | UUID() | Decimal():
            return str(value)
        case _:
            raise Wrong(f"{name}: a {type(value).__name__} is no text")


def _language(record: Mapping[str, Any]) -> str:
    """Return the two letters of a language; "" where there is none, or one that nobody knows."""
    return _code(_cell(record, "language"))


@lru_cache(maxsize=256)
def _code(language: str) -> str:
    value = language.lower()
    if not value or value in _LANGUAGES:
        return _LANGUAGES.get(value, "")
    found = _CODE.fullmatch(value)
    return found[1] if found else ""


def _several(record: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    value = record.get(name)
    if not value:
        return ()
    text = ";".join(map(str, value[:20])) if isinstance(value, list | tuple) else _cell(record, name)
    return _words(name, text, allowed)


@lru_cache(maxsize=256)
def _words(name: str, text: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
    words = text.split(";")
    found = tuple(dict.fromkeys(word for one in words if (word := one.strip().lower())))
    if found == ("none",):
        return found
    for word in found:
        if word not in allowed:
            raise Wrong(f"{name}: {word[:40]!r} is none (allowed: {', '.join(allowed)}, none)")
    return found


def _given(words: tuple[str, ...]) -> tuple[str, ...]:
    """Return the words; `none` says that there are none, where an empty cell says that of the roles nobody spoke."""
    return () if words == ("none",) else words


def _day(record: Mapping[str, Any]) -> date | None:
    value = record.get("until")
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = _cell(record, "until")
    if not text or text.startswith("0000-00-00"):  # how MySQL says never
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        raise Wrong(f"until: {text[:40]!r} is no day (as 2026-12-31)") from None

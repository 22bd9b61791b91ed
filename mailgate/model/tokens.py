"""Signed names: reply tokens in addresses (A7), Message-IDs of our letters and of our test mails. Keyed checksums of
130 bits (RFC 2104, SHA-256).

A reply token is the plus part of a mailbox: `support+r-7pt-k3v0q1m2a9-<26 letters>@desk.example`. It carries the
ticket, a keyed short name of the addressee, and the checksum over both, the desk and the kind. Letters are base32 of
lower case, because local parts lose their case on the way.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from mailgate.model.spelling import spell

TokenKind = Literal["r", "h"]  # a ticket's reply, a held mail's decision

_CHECK_LETTERS = 26  # 130 bits
_WHO_LETTERS = 10
_LOCAL_PART_LIMIT = 64  # RFC 5321, 4.5.3.1.1
_TOKEN = re.compile(r"([rh])-([0-9a-z]{1,16})-([0-9a-z]{10})-([0-9a-z]{26})\Z")
_OWN_ID = re.compile(r"([0-9a-z]{1,32})\.(t[0-9a-z]{1,16}|h[0-9a-z]{1,32}|n)\.([0-9a-z]{26})@")
_PROBE_ID = re.compile(r"([0-9a-z]{1,32})\.p\.([0-9a-z]{26})@")
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class Token:
    """A reply token whose checksum is right. `subject` is a ticket number in decimal, or a held mail's id."""

    kind: TokenKind
    subject: str
    who: str

    @property
    def ticket(self) -> int | None:
        return int(self.subject) if self.kind == "r" else None


def reply_address(mailbox: str, secret: bytes, desk: str, kind: TokenKind, subject: str, addressee: str) -> str:
    """Return `mailbox` with a token for `addressee`; without one where it would not fit into a local part."""
    local, _, domain = mailbox.rpartition("@")
    carried = _to_base36(int(subject)) if kind == "r" else subject
    who = _who(secret, addressee)
    plus = f"{kind}-{carried}-{who}-{_check(secret, 'reply', desk, kind, carried, who)}"
    address = f"{local}+{plus}@{domain}"
    return address if len(local) + 1 + len(plus) <= _LOCAL_PART_LIMIT else mailbox


def read_token(address: str, secret: bytes, desk: str) -> Token | None:
    """Return the token in the plus part of `address`, or None where there is none or its checksum is wrong."""
    local = address.lower().rpartition("@")[0]
    found = _TOKEN.match(local.partition("+")[2])
    if not found:
        return None
    kind, carried, who, check = found.groups()
    if not hmac.compare_digest(check, _check(secret, "reply", desk, kind, carried, who)):
        return None
    if kind == "r":
        return Token(kind="r", subject=str(int(carried, 36)), who=who)
    return Token(kind="h", subject=carried, who=who)


def is_token_of(token: Token, secret: bytes, address: str) -> bool:
    """Is `address` the person whom the token was made for (S2)?"""
    return hmac.compare_digest(token.who, _who(secret, address))


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnId:
    """What a Message-ID of ours is about: a ticket, a held mail, or neither."""

    id: str
    ticket: int | None = None
    held: str | None = None


def message_id(secret: bytes, id_: str, domain: str, *, ticket: int | None = None, held: str | None = None) -> str:
    """Return a Message-ID of ours, without brackets: it says what it is about, and cannot be forged."""
    about = f"h{held}" if held else f"t{_to_base36(ticket)}" if ticket else "n"
    return f"{id_}.{about}.{_check(secret, 'message-id', id_, about)}@{domain}"


def read_message_id(value: str, secret: bytes) -> OwnId | None:
    """Return what `value` (without brackets) is about, or None where we did not make it."""
    found = _OWN_ID.match(value.lower())
    if not found:
        return None
    id_, about, check = found.groups()
    if not hmac.compare_digest(check, _check(secret, "message-id", id_, about)):
        return None
    if about[0] == "t":
        return OwnId(id=id_, ticket=int(about[1:], 36))
    return OwnId(id=id_, held=about[1:] if about[0] == "h" else None)


def probe_message_id(secret: bytes, id_: str, domain: str) -> str:
    """Return the Message-ID, without brackets, of a test mail of ours. It is none of our letters' (M6: no loop)."""
    return f"{id_}.p.{_check(secret, 'probe', id_)}@{domain}"


def read_probe_message_id(value: str, secret: bytes) -> str | None:
    """Return the id of the test mail that `value` (without brackets) names, or None where we did not make it."""
    found = _PROBE_ID.match(value.lower())
    if not found or not hmac.compare_digest(found[2], _check(secret, "probe", found[1])):
        return None
    return found[1]


@lru_cache(maxsize=4096)  # the same people are written to again and again
def _who(secret: bytes, address: str) -> str:
    return _letters(_digest(secret, "who", address.lower()))[:_WHO_LETTERS]


def _check(secret: bytes, *parts: str) -> str:
    return _letters(_digest(secret, *parts))[:_CHECK_LETTERS]


def _digest(secret: bytes, *parts: str) -> bytes:
    return hmac.digest(secret, "\0".join(parts).encode("utf-8", "surrogatepass"), hashlib.sha256)


def _letters(data: bytes) -> str:
    return spell(int.from_bytes(data[:20]), 32)


def _to_base36(number: int) -> str:
    letters = ""
    while True:
        number, digit = divmod(number, 36)
        letters = _DIGITS[digit] + letters
        if not number:
            return letters

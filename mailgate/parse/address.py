"""Addresses of header fields: mail-parser's structural reader, with a short cut for the plain form."""

import re

from mailparser.utils import get_addresses

from mailgate.model.mail import Address
from mailgate.parse import header

_SPEC = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]++@[A-Za-z0-9.-]++"
_PLAIN = re.compile(rf"\s*+(?:\"?([^\"<>,;:\\@()\[\]]*+)\"?\s*+<({_SPEC})>|({_SPEC}))\s*+\Z")
_ANYWHERE = re.compile(r"[^\s<>\"',;:()\[\]\\]{1,256}@[^\s<>\"',;:()\[\]\\@]{1,255}")
_ANGLED = re.compile(r"<([^<>\"]*@[^<>\"]*)>")
_CLOSED = re.compile(  # within these a semicolon parts nothing
    r"\"(?:[^\"\\]|\\.)*\"|=\?[^?\s]{1,60}\?[bBqQ]\?[^?\n]*\?=|<[^<>\n]*>|\([^()\n]*\)", re.DOTALL
)
_MAX_BYTES = 64 * 1024
_MAX_ADDRESSES = 1000


def addresses(raw: str, hint: str | None = None) -> tuple[Address, ...]:
    """Return the mailboxes of a field; nothing is ever taken for an address out of a display name or comment."""
    plain = _PLAIN.match(raw)
    if plain:
        return (Address(address=plain.group(2) or plain.group(3), name=_name(plain.group(1) or "", hint)),)
    text = raw[:_MAX_BYTES]
    if not text.isascii():
        text = header.eight_bit(text, hint)
    found = [one for piece in _pieces(text) for one in _read(piece)]
    return tuple(Address(address=address, name=_name(name, hint)) for name, address in found[:_MAX_ADDRESSES])


def _pieces(text: str) -> list[str]:
    """Return the text between semicolons, which Outlook puts between addresses; a group (RFC 5322) keeps its own."""
    if ";" not in text:
        return [text]
    bare = _CLOSED.sub(lambda found: "x" * len(found.group()), text)
    if ":" in bare or bare.count(";") > _MAX_ADDRESSES:
        return [text]
    ends = [place for place, character in enumerate(bare) if character == ";"]
    pieces = [text[start:end] for start, end in zip([0, *(end + 1 for end in ends)], [*ends, len(text)], strict=True)]
    found = [piece for piece in pieces if piece.strip()]
    return found if all("@" in piece for piece in found) else [text]


def address(raw: str | None, hint: str | None = None) -> Address | None:
    """Return the first mailbox of a field, or None."""
    found = addresses(raw, hint) if raw else ()
    return found[0] if found else None


def _read(text: str) -> list[tuple[str, str]]:
    try:
        pairs = get_addresses(text, decode_names=False)
    except Exception:  # mail-parser leaks what the stdlib raises below it; the recovery reads on
        pairs = []
    found = [(name, clean) for name, one in pairs if (clean := _clean(one))]
    return found or _recovered(text)


def _recovered(text: str) -> list[tuple[str, str]]:
    """A field that is no address list by any grammar still names its writer if it holds just one address."""
    text = header.one_line(text)
    found = list(_ANYWHERE.finditer(text))
    if len({one.group().lower() for one in found}) != 1 or len(text) > 300:
        return []
    if '"' in text or "<" in text:
        # quoted or torn: what stands there is kept as written, and equals nobody's address
        angled = _ANGLED.search(text)
        return [(text[: angled.start()].strip(' "'), angled.group(1).strip())] if angled else [("", text)]
    return [(text[: found[0].start()].strip(), _clean(found[0].group()))]


def _clean(text: str) -> str:
    return re.sub(r"[\s\x00-\x20\ud800-\udfff]+", "", text).strip("<>") if "@" in text else ""


def _name(raw: str, hint: str | None) -> str:
    raw = raw.strip()
    return header.decoded(raw, hint).strip("\"' ") if raw else ""

"""Header values that stay one line and one header, whatever stands in them (A4; CVE-2024-6923, CVE-2026-1299)."""

import base64
import re
from functools import lru_cache
from urllib.parse import quote

_LINE_LIMIT = 76  # RFC 2047, 2: a line with an encoded word
_WORD_BYTES = 42  # of UTF-8 in one encoded word: 12 + 56 letters
_VALUE_LIMIT = 500
# Controls, line and paragraph separators, bidi overrides, lone surrogates, the start of an encoded word, runs of space.
_SUSPECT = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]|=\\?|\\s\\s")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile("[\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
# all that takes no room on the screen: zero-width and bidirectional marks, soft hyphens, fillers, tags
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff"
    "\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff\ud800-\udfff]"
)
_PLAIN_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~ ]+\Z")
_DOT_ATOM = re.compile(r"[^\s()<>\[\]:;@\\,.\"]+(?:\.[^\s()<>\[\]:;@\\,.\"]+)*\Z")
_ID = re.compile(r"[!-;=?-~]{1,250}\Z")  # printable ASCII without angle brackets and space


def clean_line(value: str, limit: int = _VALUE_LIMIT) -> str:
    """Return `value` as one line without controls, and without what a parser could take for an encoded word."""
    if _SUSPECT.search(value):
        value = _INVISIBLE.sub("", _CONTROL.sub(" ", value))
        value = " ".join(value.split()).replace("=?", "= ?")
    return value.strip()[:limit].rstrip()


def clean_id(value: str) -> str | None:
    """Return a Message-ID without its brackets, or None where it could not stand in a header."""
    bare = value.strip().removeprefix("<").removesuffix(">")
    return bare if _ID.match(bare) else None


def field(name: str, value: str) -> str:
    """Return the header `name` with free text: ASCII folded, other words encoded (RFC 2047), CRLF at its end."""
    value = clean_line(value)
    return f"{name}: {_encoded(value, len(name) + 2)}\r\n"


@lru_cache(maxsize=1024)  # the desk's own and its people's come again and again
def address_field(name: str, display: str, address: str) -> str:
    """Return the header `name` with one mailbox. A local part beyond ASCII stays as UTF-8 (RFC 6532)."""
    display, shown = clean_line(display, 200), f"<{header_address(address)}>"
    if not display:
        return f"{name}: {shown[1:-1]}\r\n"
    if display.isascii():
        phrase = display if _PLAIN_PHRASE.match(display) else _quoted(display)
    else:
        phrase = _words(display, _LINE_LIMIT - len(name) - 2)
    fits = len(name) + 3 + len(phrase.rpartition("\r\n")[2]) + len(shown) <= _LINE_LIMIT
    return f"{name}: {phrase}{' ' if fits else chr(13) + chr(10) + ' '}{shown}\r\n"


def ids_field(name: str, ids: tuple[str, ...]) -> str:
    """Return a header of Message-IDs, one a line."""
    return f"{name}: " + "\r\n ".join(f"<{value}>" for value in ids) + "\r\n"


def parameter(name: str, value: str) -> str:
    """Return a parameter of Content-Type or Content-Disposition, from its `;` on, beyond ASCII by RFC 2231."""
    value = clean_line(value, 150)
    if value.isascii() and len(value) <= 60:
        return f";\r\n {name}={_quoted(value)}"
    encoded = "utf-8''" + quote(value, safe="")
    pieces = _cut_escapes(encoded, 60)
    if len(pieces) == 1:
        return f";\r\n {name}*={encoded}"
    return "".join(f";\r\n {name}*{place}*={piece}" for place, piece in enumerate(pieces))


def header_address(address: str) -> str:
    """Return `address` as it may stand in a header: domain in IDNA, an odd local part quoted, nothing else."""
    local, _, domain = clean_line(address, 320).replace("<", "").replace(">", "").rpartition("@")
    if not local:
        local, domain = domain, ""
    if not _DOT_ATOM.match(local):
        local = _quoted(local.strip('"').replace('\\"', '"'))
    domain = re.sub(r"[^\w.:\-\[\]]", "", domain)
    return f"{local}@{wire_domain(domain)}" if domain else local


def wire_domain(domain: str) -> str:
    """Return `domain` in ASCII (IDNA), or as it is where IDNA does not know it."""
    if domain.isascii():
        return domain
    try:
        return domain.encode("idna").decode("ascii")
    except UnicodeError:
        return domain


def wire_address(address: str) -> str:
    """Return `address` for an envelope: its domain in ASCII. Beyond ASCII still: it needs SMTPUTF8 (RFC 6531)."""
    local, at, domain = address.rpartition("@")
    return f"{local}{at}{wire_domain(domain)}"


def names_of(block: str) -> list[str]:
    """Return the header names of a serialised block, as a reader of mail would see them."""
    return [line.partition(":")[0] for line in re.split(r"\r\n|\r|\n", block) if line and line[0] not in " \t"]


def _encoded(value: str, used: int) -> str:
    if value.isascii():
        return _folded(value, used)
    # The tag stays readable for filters that do not decode: plain words first, the rest in encoded ones.
    at = next(place for place, letter in enumerate(value) if not letter.isascii())
    split = value.rfind(" ", 0, at) + 1
    plain, rest = value[:split], value[split:]
    if used + len(plain) > _LINE_LIMIT - 24:
        plain, rest = "", value
    return plain + _words(rest, _LINE_LIMIT - used - len(plain))


def _words(value: str, room: int) -> str:
    """Return `value` in encoded words of whole letters; `room` is what the first line has left."""
    words, piece, limit = [], b"", max(12, min(_WORD_BYTES, (room - 12) // 4 * 3))
    for letter in value:
        encoded = letter.encode("utf-8", "replace")
        if len(piece) + len(encoded) > limit:
            words.append(piece)
            piece, limit = b"", _WORD_BYTES
        piece += encoded
    words.append(piece)
    return "\r\n ".join(f"=?utf-8?B?{base64.b64encode(word).decode('ascii')}?=" for word in words)


def _folded(value: str, used: int) -> str:
    if used + len(value) <= 78:
        return value
    lines, line = [], ""
    for word in value.split(" "):
        if line and used + len(line) + 1 + len(word) > 78:
            lines.append(line)
            line, used = word, 1
        else:
            line = f"{line} {word}" if line else word
    lines.append(line)
    return "\r\n ".join(lines)


def _quoted(value: str) -> str:
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _cut_escapes(encoded: str, width: int) -> list[str]:
    pieces = []
    while len(encoded) > width:
        cut = width
        while "%" in encoded[cut - 2 : cut]:
            cut -= 1
        pieces.append(encoded[:cut])
        encoded = encoded[cut:]
    return [*pieces, encoded]

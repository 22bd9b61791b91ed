"""Header fields as text: RFC 2047 in all its violations, parameters by RFC 2231, Message-IDs."""

import binascii
import re
from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from mailgate.parse import charset

_WORD = re.compile(r"=\?([A-Za-z0-9_.:()+-]++)(?:\*[A-Za-z0-9-]*+)?\?([bBqQ])\?(.*?)\?=", re.DOTALL)
_ENDLESS = re.compile(r"=\?([A-Za-z0-9_.:()+-]++)(?:\*[A-Za-z0-9-]*+)?\?([bBqQ])\?([^?\s]++)\Z")
_FOLD = re.compile(r"[\r\n\t\x0b\x0c\x85\u2028\u2029]+")
_CONTROL = re.compile("[\x00-\x1f\x7f\x80-\x9f\ud800-\udfff\ufeff\u202a-\u202e\u2066-\u2069]+")
_HEX = re.compile(rb"=([0-9A-Fa-f]{2})")
_ID = re.compile(r"<\s*+([^<>]++)>")
_SPACE = re.compile(r"\s+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_PARAMETER = re.compile(
    r";\s*+([^\s=;\"]++)\s*+=\s*+"
    r"(?:\"([^\"\\]*+(?:\\.[^\"\\]*+)*)(?:\"|\Z)|((?:=\?[^?\s]*+\?[bqBQ]\?[^?\n]*+\?=\s*+)+|[^;]*+))",
    re.DOTALL,
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PIECE = re.compile(r"([^*]++)\*(\d{1,4})?(\*?)\Z")
_MAX_IDS = 500
_SHORT = 100  # characters of a field that is worth keeping


def decoded(raw: str, hint: str | None = None) -> str:
    """Return a header's value as one clean line of text; `raw` may hold surrogate-escaped bytes."""
    text = _FOLD.sub(" ", raw) if not raw.isprintable() else raw
    if not text.isascii():
        text = eight_bit(text, hint)
    if "=?" in text:
        text = _decode_words(text)
    return one_line(text)


def one_line(text: str) -> str:
    """Return `text` without controls, line breaks, surrogates and what turns the direction of writing."""
    if not text.isprintable():
        text = _CONTROL.sub("", _FOLD.sub(" ", text))
    return text.strip()


def eight_bit(text: str, hint: str | None = None) -> str:
    """Return `text` with its surrogate-escaped bytes read as what they most likely are."""
    try:
        raw = text.encode("ascii", "surrogateescape")
    except UnicodeError:
        return text
    return charset.decode(raw, None, hint)[0]


def message_ids(raw: str | None) -> tuple[str, ...]:
    """Return the Message-IDs of a field in their order, each once, without brackets and inner white space."""
    if not raw:
        return ()
    raw = raw.encode("ascii", "replace").decode("ascii") if not raw.isascii() else raw
    words = _ID.findall(raw) or [word for word in raw.split() if "@" in word]
    ids = dict.fromkeys(_SPACE.sub("", _CONTROL.sub("", one)).strip("<>") for one in words)
    ids.pop("", None)
    found = tuple(ids)
    return found if len(found) <= _MAX_IDS else (found[0], *found[1 - _MAX_IDS :])  # the root names the thread


def parameters(raw: str) -> tuple[str, Mapping[str, str]]:
    """Return the value of a MIME field in lower case and its parameters, by RFC 2231 and against it."""
    return _known_parameters(raw) if len(raw) < _SHORT else _parameters(raw)


@lru_cache(maxsize=512)
def _known_parameters(raw: str) -> tuple[str, Mapping[str, str]]:
    return _parameters(raw)  # a few say nearly all that is ever said


def _parameters(raw: str) -> tuple[str, Mapping[str, str]]:
    value, semicolon, rest = raw.partition(";")
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[str, bool]]] = {}
    if semicolon:
        for found in _PARAMETER.finditer(semicolon + rest):
            name = found.group(1).lower()
            text = _ESCAPE.sub(r"\1", found.group(2)) if found.group(2) is not None else (found.group(3) or "").strip()
            split = _PIECE.match(name)
            if split:
                place = int(split.group(2) or 0)
                coded = bool(split.group(3)) or split.group(2) is None
                pieces.setdefault(split.group(1), {}).setdefault(place, (text, coded))
            else:
                plain.setdefault(name, text)
    for name, parts in pieces.items():
        plain[name] = _joined(parts)
    return _SPACE.sub("", value).lower(), plain


def _joined(parts: dict[int, tuple[str, bool]]) -> str:
    """Put the pieces of an RFC 2231 parameter together; bytes first, so that a character may be cut by a border."""
    raw = bytearray()
    declared: str | None = None
    for place, (text, coded) in sorted(parts.items()):
        if coded and place == 0 and text.count("'") >= 2:
            declared, _, text = text.split("'", 2)
        octets = text.encode("utf-8", "surrogateescape")
        raw += unquote_to_bytes(octets) if coded else octets
    text, _ = charset.decode(bytes(raw), declared or None)
    return _decode_words(text) if "=?" in text else text


def _decode_words(text: str) -> str:
    """Decode encoded words; neighbours of one charset are joined as bytes, for words are cut inside characters."""
    out: list[str] = []
    pending = bytearray()
    pending_charset = ""
    end = 0
    # nothing looks for an end beyond the last one: a thousand openings without one cost a thousand steps
    last = text.rfind("?=") + 2
    found = list(_WORD.finditer(text, 0, last)) or list(_ENDLESS.finditer(text))
    for word in found:
        between = text[end : word.start()]
        name = word.group(1).lower()
        if between and not (between.isspace() and end) or name != pending_charset:
            out.append(_flush(pending, pending_charset))
            if not (between.isspace() and end):
                out.append(between)
        pending_charset = name
        pending += _word_bytes(word.group(2), word.group(3))
        end = word.end()
    out += (_flush(pending, pending_charset), text[end:])
    return "".join(out)


def _flush(pending: bytearray, name: str) -> str:
    text = charset.decode(bytes(pending), name)[0] if pending else ""
    pending.clear()
    return text


def _word_bytes(form: str, text: str) -> bytes:
    raw = text.encode("utf-8", "surrogateescape")
    if form in "bB":
        return base64_bytes(raw)
    return _HEX.sub(lambda found: bytes((int(found.group(1), 16),)), raw.replace(b"_", b" "))


def base64_bytes(raw: bytes) -> bytes:
    """Return what base64 text says, however it is broken: foreign characters are skipped, the end may be missing."""
    if b"=" in raw.rstrip(b"=\r\n\t "):
        return b"".join(base64_bytes(piece) for piece in re.split(rb"=+", raw) if piece.strip())
    core = _NOT_BASE64.sub(b"", raw)
    if len(core) % 4 == 1:
        core = core[:-1]
    return binascii.a2b_base64(core + b"=" * (-len(core) % 4))

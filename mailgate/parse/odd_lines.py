"""A header with odd lines in it made one that the parser reads to its end (M2): an odd line costs itself alone."""

import re

_WELL = re.compile(rb"(?:[!-9;-~]++:[^\n]*+\n|[ \t]++[^\s][^\n]*+\n)*")
_FIELD = re.compile(rb"([!-9;-~]{1,80})[ \t]{0,20}:")
_NAME = re.compile(
    rb"(?:from|to|cc|bcc|subject|date|message-id|in-reply-to|references|reply-to|sender|return-path|received|mime-version"
    rb"|content-[a-z-]{2,40}|x-[a-z0-9-]{1,60}|dkim-signature|authentication-results|auto-submitted|precedence|list-[a-z]{2,20}"
    rb"|arc-[a-z-]{2,40}|thread-(?:topic|index)|importance|priority|user-agent|delivered-to|errors-to)[ \t]{0,20}:",
    re.IGNORECASE,
)
_MOST = 2_000  # lines that are looked at: more than a header may have (M4)
_BOM = b"\xef\xbb\xbf"


def mended(raw: bytes) -> bytes:
    """Return `raw` with a header of well-formed lines, where fields stand below what is odd; else `raw` itself.

    A blank before the colon goes; a line without a name goes on the field above it; `>From`, rules, byte order marks and
    NUL go. Where no known field follows before the first empty line, the odd line is the text's first.
    """
    end = _WELL.match(raw).end()  # type: ignore[union-attr]  # the pattern matches the empty text
    if raw[end : end + 1] in (b"\n", b"") or raw[end : end + 2] == b"\r\n":
        if b"\0" not in raw[:end]:
            return raw
    place, lines, is_open = 0, [], False
    for line, following, is_last in _head(raw):
        bare = line.replace(b"\0", b"").removeprefix(_BOM)
        found = _FIELD.match(bare)
        if found and (not bare.startswith(b">") or _NAME.match(bare)):
            lines.append(found.group(1) + b":" + bare[found.end() :])
            is_open = True
        elif bare[:1] in b" \t" and bare.strip():
            lines.append(bare if is_open else b"")
        elif is_last:
            break
        elif is_open and bare.strip() and not bare.startswith((b">", b"From ", b"--", b"==", b"__", b"**")):
            lines.append(b" " + bare)
        place = following
    gap = b"" if raw[place : place + 1] in (b"\n", b"") or raw[place : place + 2] == b"\r\n" else b"\n"
    return b"".join(lines) + gap + raw[place:] if lines else raw


def _head(raw: bytes) -> list[tuple[bytes, int, bool]]:
    """The lines before the first empty one, each with where the next begins and whether no known field follows."""
    found: list[tuple[bytes, int]] = []
    place = 0
    while len(found) < _MOST:
        end = raw.find(b"\n", place)
        line = raw[place : end + 1 if end >= 0 else len(raw)]
        if not line or line in (b"\n", b"\r\n"):
            break
        place += len(line)
        found.append((line, place))
    last = max(
        (at for at, (line, _) in enumerate(found) if _NAME.match(line.replace(b"\0", b"").removeprefix(_BOM))),
        default=-1,
    )
    return [(line, following, at > last) for at, (line, following) in enumerate(found)]

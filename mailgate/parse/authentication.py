"""Authentication-Results (RFC 8601), whoever wrote them, as they stand: every header keeps its place, readable or not.

A header is read whole or not at all (S2): whoever can put something odd into what the desk's own server writes, an
envelope sender with half a comment in it, gains nothing by that, and hides nothing that stands in it.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence

from mailgate.model.mail import AuthMethod, AuthResults
from mailgate.parse import tree
from mailgate.parse.fields import Fields

# what stands between the pieces of a header: quoted strings, comments, the ends of results
_MARK = re.compile(r'"(?P<quoted>(?:[^"\\]|\\.)*)"|[()";\\\x00]', re.S)
_IN_COMMENT = re.compile(r'\\.|[()"\\]', re.S)
_ID = re.compile(r"\s*(?:([\w.!#$%&'*+^`{|}~-]+)(?:/[\w.-]+)?|\x00(\d+)\x00)(?:\s+\d+)?\s*\Z", re.ASCII)
_METHOD = re.compile(r"\s*([A-Za-z][\w-]*)\s*(?:/\s*\d+\s*)?=\s*([A-Za-z][\w-]*)(?=\s|\Z)", re.ASCII)
# `action=none` and `compauth=pass` of Exchange Online stand where only `reason=` may: they are read, and mean nothing
_PROPERTY = re.compile(r"\s+([A-Za-z][\w-]*)(?:\s*\.\s*([\w-]+))?\s*=(\S*)", re.ASCII)
_QUOTED = re.compile(r"\x00(\d+)\x00")
_PAIR = re.compile(r"\\(.)", re.S)
# in what cannot be read whole a failure is looked for wherever it stands
_FAIL = re.compile(r"(?<![\w.-])dmarc\s*(?:/\s*\d+\s*)?=\s*fail(?![\w-])", re.I | re.ASCII)
_BEGINNING = re.compile(r"\s*([\w.-]+)(?:\s+\d+)?\s*;", re.ASCII)  # of what is odd further on
_OPENING = 1000


class _Odd(Exception):
    """This header cannot be read whole."""


def results(values: Iterable[str]) -> tuple[AuthResults, ...]:
    """Return all headers of `values`, in their order, each of them read or marked as unreadable."""
    return tuple(map(result, values))


def results_of(raw: bytes) -> tuple[AuthResults, ...]:
    """Return those of a raw mail, topmost first."""
    return results(Fields(tree.parse(raw)).every("authentication-results"))


def result(value: str) -> AuthResults:
    """Return what one header says. `value` is as it stands in the mail, 8-bit bytes surrogate-escaped."""
    text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    try:
        parts, quoted = _parts(text)
        server, rest = _server(parts, quoted)
        found = [_method(part, quoted) for part in rest if part.strip().lower() not in ("", "none")]
    except _Odd:
        begins = _BEGINNING.match(text)
        return AuthResults(
            authserv_id=_id(begins[1]) if begins else "", methods=(), is_whole=False,
            fails=_FAIL.search(text) is not None, opening=text[:_OPENING],
        )  # fmt: skip
    fails = any(one.method == "dmarc" and one.result == "fail" for one, _ in found)
    return AuthResults(authserv_id=server, methods=_unambiguous(found), fails=fails)


def _parts(text: str) -> tuple[list[str], list[str]]:
    """Return the text between the semicolons without its comments, and the quoted strings: \\0N\\0 stands for the Nth."""
    pieces: list[str] = []
    quoted: list[str] = []
    parts: list[str] = []
    at = 0
    while (found := _MARK.search(text, at)) is not None:
        pieces.append(text[at : found.start()])
        at = found.end()
        if found["quoted"] is not None:
            pieces.append(f"\x00{len(quoted)}\x00")
            quoted.append(_PAIR.sub(r"\1", found["quoted"]))
        elif found[0] == "(":
            pieces.append(" ")
            at = _end_of_comment(text, at)
        elif found[0] == ";":
            parts.append("".join(pieces))
            pieces.clear()
        else:  # half a quoted string, the end of a comment alone, a backslash or NUL out of place
            raise _Odd
    pieces.append(text[at:])
    return [*parts, "".join(pieces)], quoted


def _end_of_comment(text: str, at: int) -> int:
    """Return where the comment ends that has begun before `at`. Half a quoted address within it is odd: what follows
    its bracket may be the address's writer, not the server."""
    depth, marks = 1, 0
    for found in _IN_COMMENT.finditer(text, at):
        if found[0] == "(":
            depth += 1
        elif found[0] == '"':
            marks += 1
        elif found[0] == ")":
            depth -= 1
            if not depth and marks % 2 == 0:
                return found.end()
            if not depth:
                break
    raise _Odd


def _server(parts: Sequence[str], quoted: Sequence[str]) -> tuple[str, Sequence[str]]:
    """Return the authserv-id in lower case and the results; "" where the header begins with a result."""
    found = _ID.match(parts[0])
    if found is None:
        if _METHOD.match(parts[0]) is None:
            raise _Odd
        return "", parts
    return _id(found[1] or quoted[int(found[2])]), parts[1:]


def _id(written: str) -> str:
    return written.lower().rstrip(".")


def _method(part: str, quoted: Sequence[str]) -> tuple[AuthMethod, bool]:
    """Return one result, and whether each of its properties comes once."""
    found = _METHOD.match(part)
    if found is None:
        raise _Odd
    properties: list[tuple[str, str]] = []
    at, end = found.end(), len(part.rstrip())
    while at < end:
        one = _PROPERTY.match(part, at)
        if one is None or not one[3]:  # "smtp.mailfrom= smtp.helo=x": whose value is that?
            raise _Odd
        at = one.end()
        name = f"{one[1]}.{one[2]}" if one[2] else one[1]
        properties.append((name.lower(), _QUOTED.sub(lambda mark: quoted[int(mark[1])], one[3])))
    known = dict(properties)
    method = AuthMethod(method=found[1].lower(), result=found[2].lower(), properties=known)
    return method, len(known) == len(properties)


def _unambiguous(found: Sequence[tuple[AuthMethod, bool]]) -> tuple[AuthMethod, ...]:
    """Return the results of which one can be believed: whose properties come once, and that nothing contradicts (there
    is one DMARC and one envelope sender)."""
    singles = Counter(single for one, _ in found for single in _singles(one))
    return tuple(one for one, is_clear in found if is_clear and all(singles[single] == 1 for single in _singles(one)))


def _singles(one: AuthMethod) -> list[str]:
    names = ["dmarc"] if one.method == "dmarc" else []
    return [*names, *(["mailfrom"] if one.method == "spf" and "smtp.mailfrom" in one.properties else [])]

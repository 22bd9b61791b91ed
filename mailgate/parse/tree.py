"""Bytes to MIME parts: the standard library's parser, corrected here and nowhere else.

mail-parser reads addresses and dates; the structure comes from the message class underneath it, whose default
accessors raise on hostile parameters and whose payload decoding trusts the declared charset. `Entity` closes that.
"""

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email import policy
from email.message import Message
from email.parser import BytesParser

from mailgate.parse import header, odd_lines, signed
from mailgate.parse.limits import LimitExceeded, Limits

_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_MBOX = re.compile(rb">?From \S[^\n]*\n")
_NO_MARKUP = re.compile(rb"[A-Za-z0-9+/=\s]*+\Z")
_CODE_LINE = re.compile(rb"[A-Za-z0-9+/]{1,200}={0,2}[ \t]*")
_SURE_CODE = 20  # characters: a line as long, of such characters and of whole groups, is no word
_IN_ORDER = re.compile(rb"((?:[!-9;-~]++:[^\n]*+\n(?:[ \t]++[^\s][^\n]*+\n)*)+)\r?\n")
_FIELDS = re.compile(r"[!-9;-~]++:[^\n]*+\n(?:[ \t][^\n]*+\n)*")
_UU_BEGIN = re.compile(rb"^begin [0-7]{3,4} ([^\r\n]{1,200})\r?\n", re.MULTILINE)


class Entity(Message):
    """A message whose structural accessors never raise."""

    _payload: object  # of the class above: lines as they came, or the list of parts
    _parsed: tuple[str, Mapping[str, str]] | None = None
    _first: dict[str, str] | None = None

    def raw_value(self, name: str) -> str | None:
        """Return a field as it stands in the mail, 8-bit bytes surrogate-escaped (`get` would lose them)."""
        if self._first is None or not self._first and len(self):
            self._first = {}
            for field_name, value in self.raw_items():
                self._first.setdefault(field_name.lower(), str(value))
        return self._first.get(name)

    def source(self) -> object:
        """Return the payload as it was fed in (`get_payload` decodes 8-bit text by what the part declares)."""
        return self._payload

    def content_parameters(self) -> tuple[str, Mapping[str, str]]:
        """Return content type and parameters of this part."""
        if self._parsed is None:
            raw = self.raw_value("content-type")
            kind, parameters = header.parameters(raw) if raw is not None else (self.get_default_type(), {})
            if not _TYPE.fullmatch(kind):
                kind = "text/plain" if not kind.startswith("multipart/") else "multipart/mixed"
            self._parsed = (kind, parameters)
        return self._parsed

    def get_content_type(self) -> str:
        return self.content_parameters()[0]

    def get_boundary(self, failobj: object = None) -> str | None:  # type: ignore[override]
        boundary = self.content_parameters()[1].get("boundary", "").rstrip()
        return boundary or None


@dataclass(kw_only=True, slots=True)
class Part:
    """A leaf of the tree, or an attached message; `inner` are the leaves of that message."""

    entity: Entity
    content_type: str
    parameters: Mapping[str, str]
    disposition: str
    disposition_parameters: Mapping[str, str]
    parents: tuple[str, ...]  # content types from the root down
    report_type: str = ""  # of a multipart/report at the root
    path: tuple[
        tuple[int, int], ...
    ] = ()  # the alternatives it stands in, outermost first: which one, which form of it
    inner: Entity | None = None
    content: bytes = b""
    problems: list[str] = field(default_factory=list)


def parse(raw: bytes) -> Entity:
    """Return the tree of `raw`, after what mail programs and mailboxes put before the header is taken off."""
    raw = _trimmed(raw)
    root = _of_one_part(raw) or _PARSER.parsebytes(raw)
    assert isinstance(root, Entity)
    return root


def _of_one_part(raw: bytes) -> Entity | None:
    """Return what the parser would make of a mail whose header is in order and whose body is one text, as most are, in
    a third of its time: it goes through the body line by line."""
    found = _IN_ORDER.match(raw)
    if found is None or b"\0" in (head := found.group(1)) or head.count(b"\r") != head.count(b"\r\n"):
        return None
    entity = Entity(policy=policy.compat32)
    for field_lines in _FIELDS.findall(head.decode("ascii", "surrogateescape")):
        entity.set_raw(*policy.compat32.header_source_parse([field_lines]))
    if entity.get_content_type().startswith(("multipart/", "message/")):
        return None
    entity.set_payload(raw[found.end() :].decode("ascii", "surrogateescape"))
    return entity


def leaves(root: Entity, limits: Limits) -> list[Part]:
    """Return the leaves of `root` in order; attached messages are leaves. Raises LimitExceeded (M4)."""
    found: list[Part] = []
    count = 0
    groups = 0
    stack: list[tuple[Entity, tuple[str, ...], tuple[tuple[int, int], ...]]] = [(root, (), ())]
    while stack:
        entity, parents, path = stack.pop()
        count += 1
        if count > limits.max_parts:
            raise LimitExceeded("max_parts", limits.max_parts)
        if len(parents) > limits.max_depth:
            raise LimitExceeded("max_depth", limits.max_depth)
        kind = entity.get_content_type()
        children = entity.source()
        if isinstance(children, list) and not kind.startswith("message/"):
            forms = [path] * len(children)
            if kind == "multipart/alternative":
                groups += 1
                forms = [(*path, (groups, place)) for place in range(len(children))]
            below = [(child, (*parents, kind), form) for child, form in zip(children, forms, strict=True)]
            stack += [one for one in reversed(below) if isinstance(one[0], Entity)]
        elif kind.startswith("multipart/"):
            found.append(_unsplit(entity, kind, parents, path))
        else:
            part = _part(entity, kind, parents, path)
            found.append(part)
            if kind in signed.KINDS and (content := signed.content_of(part.content)):
                stack.append((parse(content), (*parents, kind), path))
    if found and root.get_content_type() == "multipart/report":
        found[0].report_type = root.content_parameters()[1].get("report-type", "").lower()
    return found


def _unsplit(entity: Entity, kind: str, parents: tuple[str, ...], path: tuple[tuple[int, int], ...]) -> Part:
    """A multipart whose boundary never comes is the text that it is."""
    part = _part(entity, kind, (*parents, kind), path)
    head = part.content[:1000].lower()
    part.content_type = "text/html" if b"<html" in head or b"<body" in head else "text/plain"
    part.problems.append("multipart without its boundary")
    return part


def _part(entity: Entity, kind: str, parents: tuple[str, ...], path: tuple[tuple[int, int], ...]) -> Part:
    raw = entity.raw_value("content-disposition")
    disposition, parameters = header.parameters(raw) if raw is not None else ("", {})
    part = Part(
        entity=entity,
        content_type=kind,
        parameters=entity.content_parameters()[1],
        disposition=disposition,
        disposition_parameters=parameters,
        parents=parents,
        path=path,
    )
    payload = entity.source()
    if isinstance(payload, list):
        _read_inner(part, [child for child in payload if isinstance(child, Message)])
    else:
        part.content = _payload(part, payload if isinstance(payload, str) else "")
        if kind == "message/rfc822" and part.content.strip():
            part.inner = parse(part.content)
    return part


def _read_inner(part: Part, payload: list[Message]) -> None:
    """Attached mail as its source; delivery-status blocks as their text."""
    pieces = []
    for child in payload:
        try:
            pieces.append(child.as_bytes(policy=policy.compat32))
        except Exception:  # the generator trusts charsets that the parser accepted
            pieces.append(_plain_source(child))
    part.content = b"\n".join(pieces)
    if part.content_type == "message/rfc822" and payload and isinstance(payload[0], Entity):
        part.inner = payload[0]


def _plain_source(message: Message) -> bytes:
    lines = [f"{name}: {value}" for name, value in message.items()]
    payload = message.source() if isinstance(message, Entity) else ""
    body = payload if isinstance(payload, str) else ""
    return ("\n".join(lines) + "\n\n" + body).encode("ascii", "surrogateescape" if _escaped(body) else "replace")


def _escaped(text: str) -> bool:
    try:
        text.encode("ascii", "surrogateescape")
    except UnicodeError:
        return False
    return True


def _payload(part: Part, text: str) -> bytes:
    raw = (
        text.encode("ascii", "surrogateescape") if text.isascii() or _escaped(text) else text.encode("utf-8", "replace")
    )
    coding = (part.entity.raw_value("content-transfer-encoding") or "").split(";")[0].strip().strip("\"'").lower()
    if coding in ("", "7bit", "8bit", "binary"):
        return raw
    if coding == "quoted-printable":
        return binascii.a2b_qp(raw)
    if coding == "base64":
        return _base64(part, raw)
    if coding in ("x-uuencode", "uuencode", "uue", "x-uue"):
        found = _UU_BEGIN.search(raw)
        return uudecode(raw[found.end() :]) if found else raw
    part.problems.append(f"unknown transfer encoding {coding[:40]!r}")
    return raw


def _base64(part: Part, raw: bytes) -> bytes:
    if _NO_MARKUP.match(raw):
        if b"=" in raw.rstrip(b"=\r\n\t "):
            return header.base64_bytes(raw)  # two texts, one behind the other
        try:
            return binascii.a2b_base64(raw)
        except binascii.Error:
            part.problems.append("base64 is broken")
            return header.base64_bytes(raw)
    part.problems.append("base64 holds other characters")
    pieces = _base64_and_text(raw)
    if pieces:
        return pieces
    if len(re.findall(rb"[^A-Za-z0-9+/=\s]", raw)) * 10 > len(raw) or (b" " in raw.strip() and len(raw) < 2000):
        return raw  # plain text under a wrong label
    return header.base64_bytes(raw)


def _base64_and_text(raw: bytes) -> bytes:
    """Return what lines of base64 say and, as they stand, the lines that somebody on the way wrote behind or between
    them without encoding them; b"" where the lines are not so."""
    runs: list[tuple[bool, list[bytes]]] = []
    for line in raw.split(b"\n"):
        line = line.rstrip(b"\r")
        is_code = bool(_CODE_LINE.fullmatch(line)) or not line and bool(runs) and runs[-1][0]
        if runs and runs[-1][0] == is_code:
            runs[-1][1].append(line)
        else:
            runs.append((is_code, [line]))
    pieces, coded = [], 0
    for is_code, lines in runs:
        code = b"".join(lines)
        if is_code and len(code) % 4 == 0 and (len(code) >= _SURE_CODE or b"=" in code or not coded and len(code) >= 8):
            pieces.append(header.base64_bytes(code))
            coded += len(code)
        else:
            pieces.append(b"\n".join(lines) + b"\n")
    is_first = bool(runs) and (runs[0][0] or len(runs) > 1 and not b"".join(runs[0][1]).strip())
    return b"\n".join(pieces) if coded and is_first else b""


def uudecode(raw: bytes) -> bytes:
    """Return the content of uuencoded lines up to `end`."""
    out = bytearray()
    for line in raw.split(b"\n"):
        line = line.rstrip(b"\r")
        if line.strip() in (b"end", b""):
            if line.strip() == b"end":
                break
            continue
        try:
            out += binascii.a2b_uu(line)
        except binascii.Error:
            length = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out += binascii.a2b_uu(line[:length])
            except binascii.Error:
                break
    return bytes(out)


def uuencoded(raw: bytes) -> Iterator[tuple[int, int, str, bytes]]:
    """Yield start, end, name and content of each uuencoded file within a text."""
    place = 0
    while found := _UU_BEGIN.search(raw, place):
        end = re.compile(rb"^end[ \t]*\r?$", re.MULTILINE).search(raw, found.end())
        if not end:
            return
        content = uudecode(raw[found.end() : end.end()])
        if content:
            yield found.start(), end.end(), found.group(1).decode("utf-8", "replace"), content
        place = end.end()


def _trimmed(raw: bytes) -> bytes:
    if raw[:1] in (b"\r", b"\n", b"\xef"):
        raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\r" in raw[:4096] and b"\n" not in raw[:65536]:
        raw = raw.replace(b"\r", b"\n")
    if raw[:6] in (b"From x", b">From ") or raw.startswith(b"From "):
        matched = _MBOX.match(raw)
        if matched:
            raw = raw[matched.end() :]
    return odd_lines.mended(raw)


_PARSER = BytesParser(_class=Entity, policy=policy.compat32)

"""Tickets as JSON lines: a ticket a line (docs/takeover.md), each read for itself, a wrong one named with its line."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from mailgate.errors import Refused
from mailgate.takeover.record import (
    OldFile,
    OldMessage,
    OldTicket,
    Wrong,
    check_messages,
    check_number,
    clean_text,
    find_message_id,
    instant,
    one_line,
    people,
    person,
)

_LONGEST_LINE = 128 * 1024 * 1024
_UNKNOWN = re.compile(r"unknown field `([^`]{1,100})`")
_MOST_UNKNOWN = 20


class _File(msgspec.Struct):
    filename: str
    base64: bytes
    content_type: str = "application/octet-stream"


class _Message(msgspec.Struct, rename={"sender": "from"}):
    kind: Literal["customer", "staff", "note"]
    at: datetime
    sender: str | None = None
    subject: str = ""
    text: str = ""
    message_id: str | None = None
    attachments: list[_File] = []


class _Line(msgspec.Struct):
    number: int
    subject: str
    status: Literal["open", "waiting", "resolved", "closed", "merged"]
    created_at: datetime
    requestor: str | None
    messages: list[_Message]
    desk: str | None = None
    queue: str | None = None
    participants: list[str] = []
    owner: str | None = None
    finished_at: datetime | None = None
    merged_into: int | None = None
    message_ids: list[str] = []


class _Number(msgspec.Struct):
    number: int = 0


_LINE, _NUMBER = msgspec.json.Decoder(_Line), msgspec.json.Decoder(_Number)
_KEYS = frozenset((*_Line.__struct_encode_fields__,))


@dataclass(slots=True)
class JsonLines:
    """The tickets of a file. `complaints`: what could not be taken, with its line; `remarks`: what was left out."""

    file: Path
    default_desk: str | None
    now: datetime
    complaints: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def survey(self) -> tuple[int, int]:
        """Return how many lines there are, and the greatest number in them. Raises Refused where there is no file."""
        count = greatest = 0
        for _, line in self._lines(is_survey=True):
            count += 1
            try:
                greatest = max(greatest, _NUMBER.decode(line).number)
            except (msgspec.DecodeError, UnicodeDecodeError):
                continue
        return count, greatest

    def tickets(self) -> Iterator[OldTicket | None]:
        """Yield the ticket of each line; None for one that cannot be taken, which is among the complaints then."""
        for number, line in self._lines():
            try:
                yield self._ticket(f"{self.file.name}:{number}", line)
            except Wrong as error:
                self.complaints.append(f"{self.file}:{number}: {error}")
                yield None

    def _lines(self, *, is_survey: bool = False) -> Iterator[tuple[int, bytes]]:
        """Yield the lines that say something, with their numbers; of one without an end no more than a line may have."""
        try:
            with self.file.open("rb") as lines:
                number = 0
                while line := lines.readline(_LONGEST_LINE):
                    number += 1
                    if len(line) == _LONGEST_LINE and not line.endswith(b"\n"):
                        while (rest := lines.readline(_LONGEST_LINE)) and not rest.endswith(b"\n"):
                            pass
                        if not is_survey:
                            self.complaints.append(f"{self.file}:{number}: is longer than {_LONGEST_LINE >> 20} MiB")
                        continue
                    line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
                    if line.strip():
                        yield number, line
        except OSError as error:
            raise Refused(f"{self.file}: {error.strerror or error}") from error

    def _ticket(self, source: str, line: bytes) -> OldTicket:
        found = self._decoded(line)
        desk = found.desk or self.default_desk
        if desk is None:
            raise Wrong("desk: is missing, and there are several (or say --desk)")
        requestor, name = person("requestor", found.requestor) if found.requestor else ("", "")
        others, left_out = people(found.participants)
        if left_out:
            self.remarks["participants that are no mail address, or too many for a ticket, are left out"] += left_out
        messages = check_messages([self._message(place, one) for place, one in enumerate(found.messages)])
        if (found.status == "merged") != (found.merged_into is not None):
            raise Wrong("merged_into: goes with the status merged, and only with it")
        if not messages and found.status != "merged":
            raise Wrong("messages: a ticket has one at least")
        return OldTicket(
            source=source, desk=desk, number=check_number(found.number), queue=found.queue, requestor=requestor,
            requestor_name=name, participants=tuple(one for one in others if one != requestor),
            owner=one_line(found.owner or ""), subject=one_line(found.subject), status=found.status,
            merged_into=check_number(found.merged_into) if found.merged_into is not None else None,
            created_at=instant("created_at", found.created_at, self.now),
            finished_at=instant("finished_at", found.finished_at, self.now) if found.finished_at else None,
            messages=messages,
            message_ids=tuple(id_ for one in found.message_ids[:1000] if (id_ := find_message_id(one))),
        )  # fmt: skip

    def _decoded(self, line: bytes) -> _Line:
        try:
            found = _LINE.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Wrong(one_line(str(error)).replace("$.", "").replace("$", "the line")) from error
        if len(self.remarks) < _MOST_UNKNOWN:
            self._remark_unknown(line)
        return found

    def _remark_unknown(self, line: bytes) -> None:
        """A key that is none is left out, and said: it may be a slip of the pen."""
        unknown = msgspec.json.decode(line, type=dict[str, msgspec.Raw]).keys() - _KEYS
        for key in sorted(unknown)[:_MOST_UNKNOWN]:
            self.remarks[f"the key {one_line(key)[:60]!r} is none of ours and was left out"] += 1

    def _message(self, place: int, found: _Message) -> OldMessage:
        what = f"messages[{place}]"
        author, name = person(f"{what}.from", found.sender) if found.sender else ("", "")
        return OldMessage(
            kind=found.kind, author=author, author_name=name, at=instant(f"{what}.at", found.at, self.now),
            subject=one_line(found.subject), text=clean_text(found.text), message_id=find_message_id(found.message_id),
            files=tuple(
                OldFile(
                    filename=one_line(one.filename), content_type=one_line(one.content_type), content=one.base64
                )
                for one in found.attachments
            ),
        )  # fmt: skip

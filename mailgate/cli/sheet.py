"""CSV of people: every cell checked, every complaint with its line, nothing taken where one is left."""

import csv
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from mailgate.errors import Refused
from mailgate.model.settings import Desk, Settings, bare_address

_ADDRESS = re.compile(r"[^\s@<>,;\"()]{1,64}@[^\s@<>,;\"()]{1,255}\Z")
_LANGUAGE = re.compile(r"[a-z]{2}\Z")
_MOST_SHOWN = 50
_LONGEST_CELL = 500


@dataclass(slots=True)
class Sheet:
    """The rows of a file and what is wrong with them."""

    settings: Settings
    default_desk: str | None
    rows: "list[Row]" = field(default_factory=list)
    complaints: list[tuple[int, str]] = field(default_factory=list)

    @classmethod
    def of_one(cls, values: Mapping[str, str], settings: Settings) -> Self:
        """Return a sheet of one row, as the command line gives it."""
        sheet = cls(settings=settings, default_desk=None)
        sheet.rows.append(Row(sheet=sheet, line=0, cells=values))
        return sheet

    def check(self, name: str) -> None:
        """Raise Refused with all complaints, if there are any."""
        if not self.complaints:
            return
        found = sorted(dict.fromkeys(self.complaints))
        lines = [f"{name}:{line}: {text}" if line else f"{name}: {text}" for line, text in found[:_MOST_SHOWN]]
        if len(found) > _MOST_SHOWN:
            lines.append(f"and {len(found) - _MOST_SHOWN} more")
        raise Refused("\n".join((*lines, "nothing was imported") if found[0][0] else lines))


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """A row whose cells are read by kind; a wrong one becomes a complaint and an empty value."""

    sheet: Sheet
    line: int
    cells: Mapping[str, str]

    def complain(self, text: str) -> None:
        self.sheet.complaints.append((self.line, text))

    def text(self, name: str) -> str:
        value = " ".join(self.cells.get(name, "").split())
        if len(value) > _LONGEST_CELL or not value.isprintable():
            self.complain(f"{name}: up to {_LONGEST_CELL} printable letters")
            return ""
        return value

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            self.complain(f"{name} is empty")
        return value

    def desk(self) -> str:
        name = self.text("desk") or self.sheet.default_desk or ""
        if name not in self.sheet.settings.desks:
            there = ", ".join(self.sheet.settings.desks)
            self.complain(
                f"desk: {name!r} is none (there are {there})" if name else f"desk is empty (there are {there})"
            )
        return name

    def address(self, *, required: bool = True) -> str:
        value = self.text("address").lower()
        if not value and not required:
            return ""
        if not _ADDRESS.match(value):
            self.complain(f"address: {value!r} is no mail address")
            return ""
        desk = self._desk()
        if desk and any(mailbox.address == bare_address(value) for mailbox in desk.mailboxes):
            self.complain(f"address: {value} is a mailbox of the desk")
        return value

    def language(self) -> str | None:
        value = self.text("language").lower()
        if value and not _LANGUAGE.match(value):
            self.complain(f"language: {value!r} is none (two letters, as en)")
        return value or None

    def several(self, name: str, allowed: Sequence[str]) -> tuple[str, ...]:
        values = tuple(dict.fromkeys(one.strip().lower() for one in self.text(name).split(";") if one.strip()))
        known = {one.lower() for one in allowed}
        for value in values:
            if value not in known:
                self.complain(f"{name}: {value!r} is none (allowed: {', '.join(allowed)})")
        return values

    def one_of(self, name: str, allowed: Sequence[str]) -> str:
        value = self.text(name).lower() or allowed[0]
        if value not in allowed:
            self.complain(f"{name}: {value!r} is none (allowed: {', '.join(allowed)})")
        return value

    def day(self, name: str) -> date | None:
        value = self.text(name)
        try:
            return date.fromisoformat(value) if value else None
        except ValueError:
            self.complain(f"{name}: {value!r} is no day (as 2026-12-31)")
            return None

    def zone(self, name: str) -> str | None:
        value = self.text(name)
        try:
            return ZoneInfo(value).key if value else None
        except (ValueError, OSError, LookupError):
            self.complain(f"{name}: {value!r} is no time zone (as Europe/Kyiv)")
            return None

    def teams(self) -> tuple[str, ...]:
        desk = self._desk()
        values = tuple(dict.fromkeys(one.strip() for one in self.text("teams").split(";") if one.strip()))
        if desk is None:
            return values
        known = {name.lower(): name for name in desk.teams}
        for value in values:
            if value.lower() not in known:
                self.complain(f"teams: {value!r} is none (desk {desk.name} has {', '.join(desk.teams)})")
        return tuple(known.get(value.lower(), value) for value in values)

    def _desk(self) -> Desk | None:
        return self.sheet.settings.desks.get(self.text("desk") or self.sheet.default_desk or "")


def read_sheet(
    file: str, columns: Sequence[str], required: Sequence[str], settings: Settings, desk: str | None = None
) -> Sheet:
    """Return the rows of a CSV with a header line; `desk` stands where the column is missing or empty. Raises Refused
    where the file cannot be read or its header is not one of these `columns`."""
    if desk is None and len(settings.desks) == 1:
        desk = next(iter(settings.desks))
    sheet = Sheet(settings=settings, default_desk=desk)
    reader = csv.reader(io.StringIO(_read(file)), strict=True)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        _check_header(file, header, columns, required if desk else (*required, "desk"))
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            row = Row(sheet=sheet, line=reader.line_num, cells=dict(zip(header, cells, strict=False)))
            if len(cells) != len(header):
                row.complain(f"{len(cells)} cells, the header line has {len(header)}")
            sheet.rows.append(row)
    except csv.Error as error:
        raise Refused(f"{file}:{reader.line_num}: {error}; nothing was imported") from error
    return sheet


def _check_header(file: str, header: Sequence[str], columns: Sequence[str], required: Sequence[str]) -> None:
    unknown = [name for name in header if name not in columns]
    missing = [name for name in required if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    for what, names in (("unknown", unknown), ("missing", missing), ("twice", twice)):
        if names:
            raise Refused(
                f"{file}:1: {what} in the header line: {', '.join(map(repr, names))} (allowed: {','.join(columns)})"
            )


def _read(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{file}: no UTF-8 at byte {error.start}") from error

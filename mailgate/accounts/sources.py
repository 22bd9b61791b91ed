"""Where accounts live (S10): each kind of source yields records by our names for their columns, or raises Unread."""

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mailgate import resources
from mailgate.accounts.entry import COLUMNS
from mailgate.errors import TryLater
from mailgate.model.settings import AccountSource

Record = Mapping[str, Any]
CONNECT_SECONDS = 20
_ROWS = 1000


class Unread(TryLater):
    """A source does not answer, or not with what it should: nothing is changed."""


@dataclass(slots=True)
class Reading:
    """One reading of a source. `mark` in: what the last good reading left (an ETag); out: what this one leaves.
    `is_same`: the source itself says that nothing has changed, and gives no records."""

    mark: str = ""
    is_same: bool = False


def read_source(source: AccountSource, reading: Reading) -> Iterator[Record]:
    """Yield the records of a source. Raises Unread where it does not answer, Refused where it cannot be asked so."""
    match source.kind:
        case "csv":
            return _read_csv(Path(source.place))
        case "sql":
            return _read_sql(source)
        case "ldap":
            from mailgate.accounts.directory import read_directory  # each needs a library of its own

            return read_directory(source)
        case _:
            from mailgate.accounts.web import read_web

            return read_web(source, reading)


def _read_csv(file: Path) -> Iterator[Record]:
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            rows = csv.reader(lines, strict=True)
            header = [cell.strip().lower() for cell in next(rows, [])]
            check_columns(header, f"{file}:1")
            for cells in rows:
                if any(cells):
                    yield _shaped(header, cells, f"{file}:{rows.line_num}")
    except OSError as error:
        raise Unread(f"{file}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise Unread(f"{file}: no UTF-8 at byte {error.start}") from error
    except csv.Error as error:
        raise Unread(f"{file}:{rows.line_num}: {error}") from error


def _shaped(header: list[str], cells: list[str], place: str) -> Record:
    """A line with other cells than the header has is half written: whoever writes the file is at it."""
    if len(cells) != len(header):
        raise Unread(f"{place}: {len(cells)} cells, the header line has {len(header)}")
    return dict(zip(header, cells, strict=True))


def check_columns(names: list[str], place: str) -> None:
    """Raise Unread where number and address are not among the columns."""
    missing = [name for name in ("number", "address") if name not in names]
    if missing:
        raise Unread(f"{place}: no column {' and no column '.join(missing)} (there may be {', '.join(COLUMNS)})")


def _read_sql(source: AccountSource) -> Iterator[Record]:
    from sqlalchemy.exc import SQLAlchemyError

    from mailgate.store.foreign import open_foreign, said, shown

    engine = open_foreign(source.place, source.password)
    # without parameters a driver leaves % in the query alone
    options: dict[str, Any] = {"stream_results": True, "max_row_buffer": _ROWS, "no_parameters": True}
    try:
        with engine.connect().execution_options(**options) as connection:
            found = connection.exec_driver_sql(source.query or preset_query(source.preset))
            names = [name.lower() for name in found.keys()]  # noqa: SIM118 (a result is no mapping)
            check_columns(names, "the query")
            for rows in found.partitions(_ROWS):
                for row in rows:
                    yield dict(zip(names, row, strict=True))
    except (SQLAlchemyError, UnicodeError, OverflowError) as error:
        raise Unread(f"{shown(engine)}: {said(error)}") from error
    finally:
        engine.dispose()


def preset_query(name: str) -> str:
    """Return the shipped query for a control panel's database."""
    return (resources.path("config") / "accounts" / f"{name}.sql").read_text(encoding="utf-8")

"""How commands print: one JSON object a line with --json, tables and lines for people without."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mailgate.store.rows import to_json

_JSON = json.JSONEncoder(ensure_ascii=False, default=to_json)  # asked for what JSON does not know alone


def print_json(value: Mapping[str, Any]) -> None:
    """Print one object on a line of its own; instants as RFC 3339 in UTC."""
    print(_JSON.encode(value))


def print_rows(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool, empty: str = "none"
) -> None:
    """Print rows: JSON lines, or a table of `columns`."""
    if as_json:
        for row in rows:
            print_json(row)
        return
    found = [[_cell(row.get(column)) for column in columns] for row in rows]
    if not found:
        print(empty)
        return
    if not sys.stdout.isatty():
        widths = [max(len(line[place]) for line in [list(columns), *found]) for place in range(len(columns))]
        for line in ([column.upper() for column in columns], *found):
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
        return
    from rich.console import Console  # only for people: it costs a twentieth of a second
    from rich.table import Table

    table = Table(*columns, box=None, header_style="bold", pad_edge=False)
    for line in found:
        table.add_row(*(cell.replace("[", "\\[") for cell in line))
    Console().print(table)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, list | tuple):
        return ", ".join(_cell(one) for one in value) or "-"
    if hasattr(value, "strftime"):
        return str(value.strftime("%Y-%m-%d %H:%M"))
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else text[:59] + "…"

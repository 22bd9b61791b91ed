"""Counts, rates and promises kept, by desk, queue and day."""

import argparse
import csv
import sys
from datetime import datetime, time, timedelta
from typing import Any

from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import opened
from mailgate.cli.printing import print_rows
from mailgate.store.engine import reading
from mailgate.store.statistics import day_figures, total

COLUMNS = ("desk", "queue", "day", "opened", "answered", "kept", "breached", "kept_percent",
           "first_response_p50_seconds", "first_response_p90_seconds")  # fmt: skip
_SHOWN = ("desk", "queue", "day", "opened", "answered", "kept", "breached", "kept %", "p50", "p90")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate stats` takes."""
    parser.add_argument("--desk", help="of this desk alone")
    parser.add_argument(
        "--days", type=int, default=30, metavar="N", help="the last N days, today included (default: 30)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="one JSON object a line")
    form.add_argument("--csv", action="store_true", help="a CSV with a header line")


def run(args: argparse.Namespace) -> int:
    """Print the numbers."""
    with opened(args.config) as built:
        rows = _rows(built, args.desk, max(1, args.days))
    if args.csv:
        writer = csv.DictWriter(sys.stdout, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    elif args.json:
        print_rows(rows, COLUMNS, as_json=True)
    else:
        _print(rows, args.days)
    return 0


def _rows(built: Built, desk: str | None, days: int) -> list[dict[str, Any]]:
    chosen = [choose_desk(built.settings, desk)] if desk else list(built.settings.desks.values())
    now, found = built.clock(), []
    with reading(built.engine) as connection:
        for one in chosen:
            first = (now.astimezone(one.timezone) - timedelta(days=days - 1)).date()
            since = datetime.combine(first, time(), one.timezone)
            found += day_figures(connection, {one.name: one.timezone}, since, now + timedelta(days=1))
    return found


def _print(rows: list[dict[str, Any]], days: int) -> None:
    shown = [
        {
            **row,
            "kept %": row["kept_percent"],
            "p50": _length(row["first_response_p50_seconds"]),
            "p90": _length(row["first_response_p90_seconds"]),
        }
        for row in rows
    ]
    print_rows(shown, _SHOWN, as_json=False, empty=f"nothing happened in {days} days")
    for desk in dict.fromkeys(row["desk"] for row in rows):
        sums = total(row for row in rows if row["desk"] == desk)
        ended = sums["kept"] + sums["breached"]
        kept = f"{100 * sums['kept'] / ended:.1f} % of promises kept" if ended else "no promise was due"
        print(f"{desk}: {sums['opened']} opened, {sums['answered']} answered, {kept}")


def _length(seconds: int | None) -> str | None:
    """Return seconds as people say them: 45 s, 12 m, 3 h 20 m, 2 d 4 h."""
    if seconds is None:
        return None
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} m"
    return f"{minutes} m" if minutes else f"{seconds} s"

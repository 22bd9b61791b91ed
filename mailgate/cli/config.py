"""Check the configuration before a restart, or show what is in force and where each setting comes from."""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from mailgate import config
from mailgate.config.reading import Entry, toml_text
from mailgate.model.settings import Promise

_SHORT_SECRET = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate config` takes."""
    parser.add_argument(
        "action", choices=("check", "show"), help="check: ok, or all complaints; show: what is in force"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Do one of the two; what is wrong comes out as a ConfigError with every complaint."""
    settings, entries = config.explained(args.config, os.environ)
    if args.action == "show":
        _show(entries, as_json=args.json)
        return 0
    if len(settings.secret) < _SHORT_SECRET:
        print(f"mailgate: the secret is short; take {_SHORT_SECRET} letters or more", file=sys.stderr)
    ok = {"ok": True, "file": settings.source, "desks": list(settings.desks)}
    print(json.dumps(ok) if args.json else f"ok: {settings.source}, desks {', '.join(settings.desks)}")
    return 0


def _show(entries: Sequence[Entry], *, as_json: bool) -> None:
    width = max((len(entry.key) for entry in entries), default=0)
    for entry in entries:
        value = _plain(entry.value)
        if as_json:
            print(json.dumps({"key": entry.key, "value": value, "from": entry.source}, ensure_ascii=False))
        else:
            print(f"{entry.key:{width}} = {'none' if value is None else toml_text(value)}  # {entry.source}")


def _plain(value: Any) -> Any:
    match value:
        case ZoneInfo():
            return value.key
        case date():
            return value.isoformat()
        case Promise():
            return f"{value.amount} {value.unit.replace('_', ' ')}"
        case tuple() | list() | frozenset():
            return [_plain(each) for each in value]
        case dict():
            return {key: _plain(each) for key, each in value.items()}
        case _:
            return value

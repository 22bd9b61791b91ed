"""Play scenarios on a virtual clock. Exit 1 where an expectation fails."""

import argparse
import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mailgate import config, phrases, templates
from mailgate.byhand import perform
from mailgate.errors import ConfigError, MailgateError
from mailgate.model.settings import Desk
from mailgate.simulate.player import Player
from mailgate.simulate.scenario import read_scenario


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a scenario (TOML), or a folder of them")
    parser.add_argument("--json", action="store_true", help="print the timeline, one object a line")
    parser.add_argument("--verbose", "-v", action="store_true", help="print every mail and change, for people")


def run(args: argparse.Namespace) -> int:
    """Play every file; return 0 where all expectations hold."""
    failed = 0
    files = list(_files(args.files))
    for file in files:
        failed += not _play(file, as_json=args.json, verbose=args.verbose)
    if not args.json and len(files) > 1:
        print(f"{len(files) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _play(file: Path, *, as_json: bool, verbose: bool) -> bool:
    scenario = read_scenario(file)
    lines: list[dict[str, Any]] = []
    player = Player(scenario, _desk(scenario.config), _templates(), _phrases(), perform, lines.append)
    try:
        is_fine = player.play()
    except MailgateError as error:
        lines.append({"at": "", "event": "step", "step": "?", "ok": False, "why": [str(error)]})
        is_fine = False
    if as_json:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False, default=str))
        return is_fine
    if verbose:
        for line in lines:
            print("  " + _told(line))
    print(f"{'ok  ' if is_fine else 'FAIL'} {scenario.name}")
    for line in lines:
        if line["event"] == "step" and not line["ok"]:
            for why in line["why"]:
                print(f"     step {line['step']}: {why}")
    return is_fine


def _told(line: dict[str, Any]) -> str:
    at = line["at"][5:16].replace("T", " ")
    match line["event"]:
        case "received":
            number = line["ticket"] or "-"
            return f"{at}  in    {line['outcome']:<12} ticket {number}  level {line['identity']['level']}"
        case "sent":
            return f"{at}  out   {line['kind']:<12} to {', '.join(line['to'])}  «{line['subject']}»"
        case "ticket":
            return f"{at}        ticket {line['ticket']}: {line['change']} {line['from']} → {line['to']}"
        case "deadline":
            return f"{at}        ticket {line['ticket']}: {line['kind']} {line['state']}"
        case _:
            return f"{at}  step  {line['step']}: {'ok' if line['ok'] else 'FAIL'}"


def _files(named: Sequence[str]) -> list[Path]:
    found: list[Path] = []
    for name in named:
        path = Path(name)
        if path.is_dir():
            found += sorted(path.glob("*.toml"))
        elif path.exists():
            found.append(path)
        else:
            raise ConfigError([f"{name}: there is no such scenario"])
    return found


@lru_cache
def _desk(name: str) -> Desk:
    return config.load_desk(name)


@lru_cache
def _templates():  # type: ignore[no-untyped-def]
    return templates.load()


@lru_cache
def _phrases():  # type: ignore[no-untyped-def]
    return phrases.load()

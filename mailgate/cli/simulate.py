"""Play scenarios on a virtual clock. Exit 1 where an expectation fails.

With --against, the same scenarios, or a folder of past mail, are played with two configurations, and what the one does
differently from the other is printed.
"""

import argparse
import json
import os
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from mailgate import config, phrases, templates
from mailgate.byhand import perform
from mailgate.compose.templates import Templates
from mailgate.errors import ConfigError, MailgateError
from mailgate.model.phrases import Phrases
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.simulate.compare import differences, told
from mailgate.simulate.past import past_scenario
from mailgate.simulate.player import Player
from mailgate.simulate.scenario import Scenario, read_scenario
from mailgate.store import people
from mailgate.store.engine import open_engine, reading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="a scenario (TOML), or a folder of them")
    parser.add_argument("--json", action="store_true", help="print the timeline, one object a line")
    parser.add_argument("--verbose", "-v", action="store_true", help="print every mail and change, for people")
    parser.add_argument("--desk", metavar="FILE", help="a desk file, in the place of what the scenarios name")
    parser.add_argument(
        "--against", metavar="OLD.toml",
        help="an older desk file: print what is different from it; FILE may be an mbox or a folder of mails too",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Play every file; return 0 where all expectations hold (with --against: where all could be played)."""
    scenarios = _scenarios(args)
    if args.against:
        return _compare(scenarios, args.against)
    failed = 0
    for scenario in scenarios:
        failed += not _play(scenario, as_json=args.json, verbose=args.verbose)
    if not args.json and len(scenarios) > 1:
        print(f"{len(scenarios) - failed} passed, {failed} failed")
    return 1 if failed else 0


def _play(scenario: Scenario, *, as_json: bool, verbose: bool) -> bool:
    is_fine, lines = _timeline(scenario)
    if as_json:
        for line in lines:
            print(json.dumps(line, ensure_ascii=False, default=str))
        return is_fine
    if verbose:
        for line in lines:
            print("  " + told(line))
    print(f"{'ok  ' if is_fine else 'FAIL'} {scenario.name}")
    for line in lines:
        if line["event"] == "step" and not line["ok"]:
            for why in line["why"]:
                print(f"     step {line['step']}: {why}")
    return is_fine


def _compare(scenarios: Sequence[Scenario], against: str) -> int:
    changed = 0
    for scenario in scenarios:
        new = _timeline(scenario)[1]
        old = _timeline(replace(scenario, config=against))[1]
        found = list(differences(old, new))
        changed += bool(found)
        print(f"{'differs' if found else 'same   '} {scenario.name}")
        for line in found:
            print("  " + line)
    print(f"{changed} of {len(scenarios)} differ from {against}")
    return 0


def _timeline(scenario: Scenario) -> tuple[bool, list[dict[str, Any]]]:
    lines: list[dict[str, Any]] = []
    player = Player(scenario, _desk(scenario.config), _templates(), _phrases(), perform, lines.append)
    try:
        return player.play(), lines
    except MailgateError as error:
        lines.append({"at": "", "event": "step", "step": "?", "ok": False, "why": [str(error)]})
        return False, lines


def _scenarios(args: argparse.Namespace) -> list[Scenario]:
    found: list[Scenario] = []
    for name in args.files:
        path = Path(name)
        if not path.exists():
            raise ConfigError([f"{name}: there is no such scenario"])
        files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if args.against and (path.is_file() and path.suffix != ".toml" or path.is_dir() and not files):
            found.append(_past(path, args))
        else:
            found += [read_scenario(file) for file in files]
    if not found:
        raise ConfigError([f"{' '.join(args.files)}: no scenario (*.toml) there"])
    return [replace(one, config=args.desk) for one in found] if args.desk else found


def _past(path: Path, args: argparse.Namespace) -> Scenario:
    """Past mail is played with the accounts and staff of the configured database, where there is one."""
    if not args.desk:
        raise ConfigError([f"{path}: past mail needs --desk FILE, the desk as it is to be"])
    desk = _desk(args.desk)
    try:
        settings = config.load(args.config, os.environ)
        with reading(open_engine(settings.database_url, readonly=True)) as connection:
            contacts = people.list_contacts(connection, desk.name)
            staff = people.list_staff(connection, desk.name)
    except Exception:  # a trial on a machine without a database: everyone is unknown then
        print(f"{path}: no database can be read; every sender is unknown")
        contacts, staff = [], []
    return past_scenario(path, args.desk, contacts, staff)


@lru_cache
def _desk(name: str) -> Desk:
    return config.load_desk(name)


@lru_cache
def _templates() -> Templates:
    return templates.load()


@lru_cache
def _phrases() -> Phrases:
    return phrases.load()

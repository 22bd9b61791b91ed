"""Bring the database to this version, and compare what it keeps with what it holds."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailgate import config
from mailgate.app import Built
from mailgate.cli.options import add_config, new_actions
from mailgate.store import schema, tally
from mailgate.store.engine import reading, transaction
from mailgate.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from rich.progress import TaskID


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate db` takes."""
    actions = new_actions(parser)
    actions.add_parser("upgrade", help="make what is missing; print what was done")
    check = actions.add_parser("check", help="compare the numbers that are kept with a count of all rows")
    check.add_argument(
        "--mend", action="store_true", help="write what was counted where they differ; daemons wait meanwhile"
    )
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Do what was asked."""
    built = Built(config.load(args.config, os.environ))
    try:
        return _check(built, mend=args.mend) if args.action == "check" else _upgrade(built)
    finally:
        built.close()


def _upgrade(built: Built) -> int:
    before = schema.version(built.engine)
    with _bar() as told:
        done = built.upgrade(told)
    for line in done:
        print(line)
    now = f"the database is of version {SCHEMA_VERSION}"
    print(f"{now} already" if before == SCHEMA_VERSION else now)
    return 0


def _check(built: Built, *, mend: bool) -> int:
    """Name every number that is not what a count gives; 1 where there is one that was not mended."""
    schema.require(built.engine)
    with reading(built.engine) as connection:
        wrong = list(tally.differences(connection))
    for kind, key, kept, real in wrong:
        print(f"{kind} {' '.join(filter(None, key))}: {kept} is kept, {real} are there")
    if not wrong:
        print("what is kept is what is there")
    elif mend:
        with transaction(built.engine) as connection:
            tally.mend(connection)
        print("counted anew")
    else:
        print("`mailgate db check --mend` counts anew", file=sys.stderr)
    return 1 if wrong and not mend else 0


@contextmanager
def _bar() -> Iterator[schema.Told]:
    """Show how far a long step is, for people alone."""
    if not sys.stderr.isatty():
        yield lambda what, done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, TaskID] = {}

        def told(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        yield told

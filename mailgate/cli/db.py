"""Bring the database to this version."""

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mailgate import config
from mailgate.app import Built
from mailgate.cli.options import add_config, new_actions
from mailgate.store import schema
from mailgate.store.tables import SCHEMA_VERSION

if TYPE_CHECKING:
    from rich.progress import TaskID


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate db` takes."""
    new_actions(parser).add_parser("upgrade", help="make what is missing; print what was done")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Upgrade, and say what was done."""
    built = Built(config.load(args.config, os.environ))
    try:
        before = schema.version(built.engine)
        with _bar() as told:
            done = built.upgrade(told)
        for line in done:
            print(line)
    finally:
        built.close()
    now = f"the database is of version {SCHEMA_VERSION}"
    print(f"{now} already" if before == SCHEMA_VERSION else now)
    return 0


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

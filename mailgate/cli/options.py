"""What commands share: sub-commands with their options, a house opened and closed, a progress bar on a terminal."""

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mailgate import app
from mailgate.byhand.chosen import choose_desk

Actions = argparse._SubParsersAction  # argparse has no public name for it
_MANY = 20  # from so many a progress bar is worth its lines


def new_actions(parser: argparse.ArgumentParser) -> "Actions[argparse.ArgumentParser]":
    """Give `parser` sub-commands."""
    return parser.add_subparsers(dest="action", required=True)


def actions_of(parser: argparse.ArgumentParser) -> "Actions[argparse.ArgumentParser]":
    """Return the sub-commands that `parser` has already."""
    return next(action for action in parser._actions if isinstance(action, Actions))


def add_config(parser: argparse.ArgumentParser) -> None:
    """Let --config stand behind the sub-command as well."""
    for one in actions_of(parser).choices.values():
        one.add_argument("--config", metavar="FILE", default=argparse.SUPPRESS, help="the configuration file")


def add_json(*parsers: argparse.ArgumentParser) -> None:
    for one in parsers:
        one.add_argument("--json", action="store_true", help="one JSON object a line")


def add_desk(*parsers: argparse.ArgumentParser, is_filter: bool = False) -> None:
    help_ = "of this desk alone" if is_filter else "needed where there are several"
    for one in parsers:
        one.add_argument("--desk", help=help_)


@contextmanager
def opened(config: str | None, *, desk: str | None = None) -> Iterator[app.Built]:
    """Give the house of the configuration, and close it. Raises Refused where a list is asked of a `desk` that is none."""
    built = app.build(config)
    try:
        if desk is not None:
            choose_desk(built.settings, desk)
        yield built
    finally:
        built.close()


@contextmanager
def progress(description: str, total: int) -> Iterator[Callable[[int], None]]:
    """Give a function that is told how many are done; it draws a bar on a terminal, and nothing elsewhere."""
    if total < _MANY or not sys.stderr.isatty():
        yield lambda done: None
        return
    from rich.console import Console  # only for people: it costs a twentieth of a second
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(file=sys.stderr), transient=True) as bar:
        task = bar.add_task(description, total=total)
        yield lambda done: bar.update(task, completed=done)

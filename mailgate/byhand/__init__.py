"""What people do from the command line and the board: the same decisions, the same hand that applies them."""

import argparse
import importlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailgate.errors import Refused

if TYPE_CHECKING:  # who asks for the arguments of a command has not carried it out yet
    from mailgate.pipeline import House

_MODULES = {"ticket": "tickets", "held": "held", "incident": "incidents", "announce": "announcements"}


def perform(words: Sequence[str], house: "House") -> None:
    """Carry out a command line, as `ticket close 10001`, on a house. Raises Refused where it cannot be done."""
    if not words or words[0] not in _MODULES:
        raise Refused(f"a scenario can run {', '.join(_MODULES)}; not {' '.join(words)!r}")
    module = importlib.import_module(f"mailgate.byhand.{_MODULES[words[0]]}")
    parser = argparse.ArgumentParser(prog=words[0], exit_on_error=False)
    module.add_arguments(parser)
    try:
        args = parser.parse_args(list(words[1:]))
    except (argparse.ArgumentError, SystemExit) as error:
        raise Refused(f"{' '.join(words)}: {error}") from error
    module.perform(args, house)

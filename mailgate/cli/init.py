"""Write a configuration directory that runs as it is: settings, desks, a fresh secret, an embedded database."""

import argparse
from pathlib import Path

from mailgate import config
from mailgate.config.directory import write_directory


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate init` takes."""
    parser.add_argument("directory", metavar="DIR", type=Path, help="new, or without a mailgate.toml")
    parser.add_argument(
        "--desk",
        action="append",
        choices=(*config.PRESETS, config.BLANK),
        help="a desk to begin with, repeatable (default: flexihost); blank: one of your own, to be filled in",
    )


def run(args: argparse.Namespace) -> int:
    """Write the directory, check what was written, and say how to go on. Nothing that exists is overwritten."""
    desks = list(dict.fromkeys(args.desk or ["flexihost"]))
    file = write_directory(args.directory, desks)
    # what the environment says today is not the directory's
    config.load(str(file), {})
    print(
        f"wrote {file} with {', '.join(desks)}; mail goes out into {args.directory / 'outgoing'} until it names a relay"
    )
    if config.BLANK in desks:
        print(
            f"fill in {args.directory / f'{config.BLANK}.toml'} where it says <--, then: mailgate --config {file} config check"
        )
    print(f"next: mailgate --config {file} serve")
    return 0

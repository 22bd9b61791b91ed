"""Bring the database to this version."""

import argparse
import os

from mailgate import config
from mailgate.app import Built
from mailgate.cli.options import add_config, new_actions
from mailgate.store import schema
from mailgate.store.tables import SCHEMA_VERSION


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate db` takes."""
    new_actions(parser).add_parser("upgrade", help="make what is missing; print what was done")
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Upgrade, and say what was done."""
    built = Built(config.load(args.config, os.environ))
    try:
        before = schema.version(built.engine)
        for line in built.upgrade():
            print(line)
    finally:
        built.close()
    now = f"the database is of version {SCHEMA_VERSION}"
    print(f"{now} already" if before == SCHEMA_VERSION else now)
    return 0

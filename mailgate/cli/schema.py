"""Print the DDL of the database's tables and indexes."""

import argparse

from mailgate.store.schema import ddl


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate schema` takes."""
    parser.add_argument("--dialect", choices=("sqlite", "postgresql"), default="sqlite")


def run(args: argparse.Namespace) -> int:
    """Print it; neither a configuration nor a database is needed."""
    print(ddl(args.dialect), end="")
    return 0

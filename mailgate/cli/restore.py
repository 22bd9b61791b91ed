"""Read a backup back into an empty place. The daemon must not run."""

import argparse
import os
from pathlib import Path

from mailgate import config
from mailgate.blobs import open_blobs
from mailgate.cli.options import progress
from mailgate.cli.printing import print_json
from mailgate.operations.restore import read_backup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate restore` takes."""
    parser.add_argument("file", metavar="FILE", type=Path, help="what `mailgate backup` wrote")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Restore it, and say what came back."""
    settings = config.load(args.config, os.environ)
    with progress("blobs", 0) as told:
        found = read_backup(settings, open_blobs(settings.blobs_url), args.file, told)
    if args.json:
        print_json({"made_at": found.made_at, "blobs": found.blobs, "missing": found.missing})
        return 0
    print(f"restored what was there at {found.made_at}: {found.blobs} raw mails")
    if found.missing:
        print(f"{found.missing} mails have no raw text in this backup")
    return 0

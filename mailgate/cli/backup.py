"""Write a consistent copy of databases and blobs into one file, while the daemon works."""

import argparse
from pathlib import Path

from mailgate.cli.options import opened, progress
from mailgate.cli.printing import print_json
from mailgate.operations.backup import blob_folder, blobs_in, write_backup


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate backup` takes."""
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="a tar file; gzipped where its name ends in .gz or .tgz"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Write it, and say what is in it."""
    with opened(args.config) as built:
        total = sum(1 for _ in blobs_in(blob_folder(built.settings)))
        with progress("blobs", total) as told:
            written = write_backup(built.settings, built.engine, args.file, built.house.clock(), told)
    if args.json:
        print_json({"file": str(written.file), "size": written.size, "blobs": written.blobs})
    else:
        print(f"{written.file}: {written.size} bytes, {written.blobs} raw mails; keep configuration and secret too")
    return 0

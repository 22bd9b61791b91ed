"""Try the database, the blob store, IMAP, the relay, DNS, certificates, disk and clock; say what to do."""

import argparse
import os
import sys
from dataclasses import asdict

from mailgate import config
from mailgate.app import Built
from mailgate.cli.printing import print_json
from mailgate.operations.checks import Finding, Patient, examine, is_fit

_MARKS = {"ok": "ok", "warning": "look", "wrong": "WRONG"}
_COLOURS = {"ok": "32", "warning": "33", "wrong": "31"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate doctor` takes."""
    parser.add_argument("--json", action="store_true", help="one JSON object a line")


def run(args: argparse.Namespace) -> int:
    """Examine, and print each finding as it is made; 1 where anything is wrong."""
    settings = config.load(args.config, os.environ)
    built = Built(settings)
    findings: list[Finding] = []
    try:
        patient = Patient(settings=settings, engine=built.engine, inbox=built.inbox, blobs=built.blobs)
        for finding in examine(patient):
            findings.append(finding)
            if args.json:
                print_json(asdict(finding))
            else:
                _print(finding)
    finally:
        built.close()
    return 0 if is_fit(findings) else 1


def _print(finding: Finding) -> None:
    mark = f"{_MARKS[finding.state]:5}"
    if sys.stdout.isatty():
        mark = f"\x1b[{_COLOURS[finding.state]}m{mark}\x1b[0m"
    print(f"{mark}  {finding.check:11}  {finding.detail}", flush=True)
    if finding.advice and finding.state != "ok":
        print(f"{'':20}→ {finding.advice}", flush=True)

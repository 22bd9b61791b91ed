"""Take a mail on stdin, as a mail server's pipe: exit 0 accepted, 67 no such mailbox, 65 refused, 75 try again."""

import argparse
import os
import sys

from mailgate import config, log
from mailgate.intake.pipe import NO_MAILBOX, REFUSED, TRY_LATER, deliver

_MEANINGS = {
    NO_MAILBOX: "no mailbox of ours",
    REFUSED: "the mail is too big",
    TRY_LATER: "trouble of ours, try again later",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate deliver` takes."""
    parser.add_argument("--to", required=True, metavar="ADDRESS", help="the envelope recipient, a mailbox of a desk")
    parser.add_argument("--from", dest="sender", metavar="ADDRESS", help="the envelope sender (else: Return-Path)")


def run(args: argparse.Namespace) -> int:
    """Deliver what stdin holds."""
    log.set_up("ERROR")
    settings = config.load(args.config, os.environ)
    # one byte more than allowed tells what is too big; nobody needs the rest
    raw = sys.stdin.buffer.read(settings.smtp.size_limit + 1)
    if not raw.strip():  # whatever went wrong before us: the mail server keeps what it has
        print("mailgate: no mail on standard input (mailgate deliver --to ADDRESS < mail.eml)", file=sys.stderr)
        return TRY_LATER
    code = deliver(raw, args.to, args.sender, settings)
    if code:
        print(f"mailgate: {args.to}: {_MEANINGS[code]}", file=sys.stderr)
    return code

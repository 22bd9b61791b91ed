"""Run the daemon: doors, worker, outbox, scheduler."""

import argparse

from mailgate import log

_ROLES = ("front", "worker", "scheduler", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate serve` takes."""
    parser.add_argument(
        "--role", action="append", choices=_ROLES,
        help="the part this process plays, repeatable: front (doors and outbox), worker, scheduler (default: all)",
    )  # fmt: skip
    parser.add_argument("--log-level", default="INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"))
    parser.add_argument("--worker", metavar="LINES", help=argparse.SUPPRESS)  # a child of ours


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT."""
    log.set_up(args.log_level)
    if args.worker:
        from mailgate.serve import worker

        return worker.run(args.config, worker.lines_of(args.worker))
    from mailgate.serve import front

    roles = args.role or ["all"]
    return front.serve(args.config, _say, front.ROLES if "all" in roles else tuple(dict.fromkeys(roles)))


def _say(line: str) -> None:
    print(line, flush=True)

"""The command line: global options, the command's own module, and exit codes (0, 1, 2, 75)."""

import argparse
import gc
import importlib
import os
import sys
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

from mailgate import __version__
from mailgate.cli import COMMANDS
from mailgate.errors import ConfigError, MailgateError, TryLater

# what is written is read by its user and group alone: mail, databases, configuration with passwords
_PRIVATE = 0o027
# people and mail servers wait for these: they leave nothing to be tidied up, and tidying up is a sixth of their time
_LEAVES_AT_ONCE = frozenset((
    "config", "deliver", "doctor", "explain", "outbox", "parse", "schema", "stats", "ticket", "trace",
))  # fmt: skip
DONE, FAILED, USAGE, TRY_LATER, INTERRUPTED = 0, 1, 2, 75, 130


def enter() -> NoReturn:
    """Be the process of one command. What is imported stays to the end: nothing of it is looked through for what is gone."""
    gc.disable()
    code = main()
    command = _split(sys.argv[1:])[1]
    if command in _LEAVES_AT_ONCE and threading.active_count() == 1:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        except OSError:  # whoever read our output has gone
            code = code or FAILED
        os._exit(code)
    sys.exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; trouble is one clear line on stderr, a traceback with --traceback."""
    os.umask(os.umask(0o077) | _PRIVATE)
    globals_, command, rest = _split(sys.argv[1:] if argv is None else argv)
    code = _guarded(globals_, command, rest)
    allowed = COMMANDS[command].codes if command in COMMANDS else ()
    return code if not allowed or code in allowed or "-h" in rest or "--help" in rest else TRY_LATER


def _guarded(globals_: Sequence[str], command: str | None, rest: Sequence[str]) -> int:
    try:
        code = _run(globals_, command, rest)
        sys.stdout.flush()
    except ConfigError as error:
        return _say(*error.complaints, code=USAGE)
    except TryLater as error:
        return _say(str(error), code=TRY_LATER)
    except BrokenPipeError:
        return _leave_quietly()
    except KeyboardInterrupt:
        return INTERRUPTED
    except SystemExit as end:
        return _code_of(end)
    except MailgateError as error:
        return _say(str(error), code=FAILED)
    except Exception as error:
        if "--traceback" in globals_:
            raise
        return _say(_described(error), code=FAILED)
    return code


def _run(globals_: Sequence[str], command: str | None, rest: Sequence[str]) -> int:
    chosen = global_parser().parse_args(globals_)
    if command is None:
        global_parser().print_help(sys.stderr)
        return USAGE
    if command not in COMMANDS:
        return _say(f"there is no command {command!r}{_near(command)}; mailgate --help lists them", code=USAGE)
    args = parser_of(command, chosen.config).parse_args(rest, argparse.Namespace(command=command))
    if not gc.isenabled():
        gc.freeze()
        gc.enable()
    return int(_module_of(command).run(args))


def _module_of(command: str) -> Any:
    return importlib.import_module(f"mailgate.cli.{COMMANDS[command].module}")


def _split(argv: Sequence[str]) -> tuple[Sequence[str], str | None, Sequence[str]]:
    """Return the global options, the command and what follows it."""
    place = 0
    while place < len(argv) and argv[place].startswith("-"):
        place += 2 if argv[place] == "--config" else 1
    return argv[:place], argv[place] if place < len(argv) else None, argv[place + 1 :]


def parser_of(command: str, config: str | None = None) -> argparse.ArgumentParser:
    """Return the parser of what may follow a command of COMMANDS."""
    module = _module_of(command)
    parser = argparse.ArgumentParser(prog=f"mailgate {command}", description=module.__doc__)
    parser.add_argument("--config", metavar="FILE", default=config, help="the configuration file")
    module.add_arguments(parser)
    return parser


def global_parser() -> argparse.ArgumentParser:
    """Return the parser of what may stand before a command."""
    width = max(map(len, COMMANDS))
    commands = "\n".join(f"  {name:{width}}  {command.summary}" for name, command in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="mailgate",
        usage="mailgate [--config FILE] COMMAND ...",
        description="An email-gateway ticketing daemon for support desks that live in mail.",
        epilog=f"commands:\n{commands}\n\nmailgate COMMAND --help says more.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", help="the configuration file (also: $MAILGATE_CONFIG)")
    parser.add_argument("--traceback", action="store_true", help="on an error of our own, show where it happened")
    parser.add_argument("--version", action="version", version=f"mailgate {__version__}")
    return parser


def _near(command: str) -> str:
    import difflib  # only here: every start would pay for it

    near = difflib.get_close_matches(command, COMMANDS, n=1)
    return f", did you mean {near[0]}?" if near else ""


def _say(*lines: str, code: int) -> int:
    for line in lines:
        print(f"mailgate: {line}", file=sys.stderr)
    return code


def _described(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, OSError) and text else f"{type(error).__name__}: {text[:400]}"


def _code_of(end: SystemExit) -> int:
    if isinstance(end.code, str):
        return _say(end.code, code=FAILED)
    return end.code or DONE


def _leave_quietly() -> int:
    # whoever read our output has gone: the interpreter must not complain of it while it shuts down
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return FAILED


if __name__ == "__main__":
    enter()

"""A desk with sample accounts on loopback: plays a short story through the real listeners, then stays up."""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from mailgate.demo.desk import DemoDesk
from mailgate.demo.story import Story, Teller
from mailgate.demo.words import WORDS

_SHOWN_LINES = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate demo` takes."""
    parser.add_argument("--once", action="store_true", help="end after the story")
    parser.add_argument("--language", choices=tuple(WORDS), default="en", help="what its people write and are told in")
    parser.add_argument(
        "--folder", type=Path, help="where the desk is made (default: a new temporary folder, which --once removes)"
    )


def run(args: argparse.Namespace) -> int:
    """Play the story; stay up until Ctrl-C unless it is to be played once."""
    folder = args.folder or Path(tempfile.mkdtemp(prefix="mailgate-demo-"))
    is_told = False
    print(f"A desk in {folder}: embedded database, mail going out into {folder / 'outgoing'}.", flush=True)
    desk = DemoDesk(folder, args.language, with_board=not args.once)
    try:
        desk.start()
        print(f"The daemon listens on 127.0.0.1:{desk.port}.", flush=True)
        Story(desk, _teller()).play()
        is_told = True
        if not args.once:
            _tell_more(desk)
            print("It stays up; Ctrl-C ends it.", flush=True)
            desk.wait()
    except KeyboardInterrupt:
        print()
    finally:
        desk.stop()
    if args.once and is_told and args.folder is None:  # after a failure the daemon's log is wanted
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _teller() -> Teller:
    if not sys.stdout.isatty():
        return Teller(chapter=_chapter, line=_line, letter=_letter, reason=_reason)
    from rich.console import Console  # only for people: it costs a twentieth of a second
    from rich.panel import Panel
    from rich.text import Text

    console = Console()
    return Teller(
        chapter=lambda title: console.rule(f"[bold]{title}", align="left"),
        line=lambda text: console.print(Text("  " + text)),
        letter=lambda head, subject, text: console.print(
            Panel(Text(f"{subject}\n\n{_shortened(text)}"), title=Text(head), title_align="left", border_style="green")
        ),
        reason=lambda rule, verdict, because: console.print(
            Text.assemble(
                "    ", (f"{rule:<3}", "bold cyan"), f" {verdict}", (f"  {because}" if because else "", "dim")
            )
        ),
    )


def _chapter(title: str) -> None:
    print(f"\n== {title}", flush=True)


def _line(text: str) -> None:
    print(f"   {text}", flush=True)


def _letter(head: str, subject: str, text: str) -> None:
    print(f"   -- {head}: {subject}", flush=True)
    for line in _shortened(text).split("\n"):
        print(f"   |  {line}".rstrip(), flush=True)


def _reason(rule: str, verdict: str, because: str) -> None:
    print(f"      {rule:<3} {verdict}" + (f"  ({because})" if because else ""), flush=True)


def _shortened(text: str) -> str:
    lines = text.strip().split("\n")
    return "\n".join([*lines[:_SHOWN_LINES], "…"] if len(lines) > _SHOWN_LINES else lines)


def _tell_more(desk: DemoDesk) -> None:
    print("\nTry, in another terminal:")
    for words in ("ticket list", "ticket show 10001", "ticket history 10002", "held list", "outbox list"):
        print(f"  mailgate {words} --config {desk.file}")
    print(
        "\nThe board, as Ivan of the support team (this link works once, for 15 minutes; it is printed for the demo only,"
    )
    print(
        f"a real desk mails it to its staff; for another one ask at /sign-in and look into {desk.folder / 'outgoing'}):"
    )
    print(f"  {desk.board_link()}\n", flush=True)

"""Check every letter template with sample data, or render one (A4)."""

import argparse
import os
import sys
from collections.abc import Iterator

from jinja2 import TemplateError

from mailgate import config, templates
from mailgate.compose.answers import SAMPLE, ReadyAnswers
from mailgate.compose.letters import compose
from mailgate.compose.moments import LANGUAGES
from mailgate.compose.samples import variants
from mailgate.compose.templates import Templates
from mailgate.errors import Refused
from mailgate.model.answers import BadAnswer
from mailgate.model.letter import CUSTOMER_LETTERS, LETTER_KINDS, Letter, Rendered
from mailgate.model.settings import Desk

_BOARD = "https://board.example"
_SECRET = b"sample letters have no secret!!!"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate template` takes."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="check|render")
    actions.add_parser("check", help="render every letter of every desk and language; exit 1 and all errors otherwise")
    render = actions.add_parser("render", help="print one letter as it would be sent")
    render.add_argument("kind", choices=LETTER_KINDS, metavar="KIND", help=", ".join(LETTER_KINDS))
    render.add_argument("--language", default="", help="en, de, pl, ru, uk; default: the desk's first")
    render.add_argument("--desk", default="", help="whose letter; default: the first desk of the configuration")
    render.add_argument("--sample", action="store_true", help="with sample data (there is no other yet)")
    render.add_argument("--variant", default="full", help="which sample: full, bare, or a case of the kind")
    render.add_argument("--html", action="store_true", help="print the HTML twin")


def run(args: argparse.Namespace) -> int:
    """Do one of the two: 0 done, 1 where a template is broken."""
    settings = config.load(args.config, os.environ)
    loaded = templates.load_beside(settings.source)
    desks = list(settings.desks.values())
    if args.action == "check":
        return _check(desks, loaded)
    desk = settings.desks.get(args.desk) if args.desk else desks[0]
    if desk is None:
        raise Refused(f"no desk {args.desk}: there are {', '.join(settings.desks)}")
    return _render(args, desk, loaded)


def _check(desks: list[Desk], loaded: Templates) -> int:
    broken = (error for desk in desks for error in _broken(desk, loaded))
    answers = (error for desk in desks for error in _broken_answers(desk))
    errors = list(dict.fromkeys((*_broken_sources(loaded), *broken, *answers)))
    for error in errors:
        print(error, file=sys.stderr)
    if errors:
        print(f"{len(errors)} errors in templates", file=sys.stderr)
        return 1
    for warning in dict.fromkeys((*_lost_blocks(loaded), *(one for desk in desks for one in _borrowed(desk, loaded)))):
        print(f"warning: {warning}", file=sys.stderr)
    names = ", ".join(desk.name for desk in desks)
    print(f"ok: {len(loaded.names)} templates, {len(LETTER_KINDS)} kinds of letters, desks {names}")
    return 0


def _broken_sources(loaded: Templates) -> Iterator[str]:
    """Yield what is wrong with sources as they stand, those included that no letter of these desks reaches."""
    for name in loaded.names:
        try:
            loaded.compile(name)
        except TemplateError as error:
            yield f"{name}: {_told(error)}"
        if name.endswith(".html") and f"{name.removesuffix('html')}txt" not in loaded.names:
            yield f"{name}: an HTML twin without its text; add {name.removesuffix('html')}txt"


def _broken_answers(desk: Desk) -> Iterator[str]:
    """Yield the desk's ready answers that cannot be given (C9)."""
    answers = ReadyAnswers(desk)
    for name, texts in desk.answers.items():
        for language in texts:
            try:
                answers.text(name, language, SAMPLE)
            except BadAnswer as error:
                there = f" (there are {', '.join(error.allowed)})" if error.allowed else ""
                yield f"{desk.name}: answer {name}.{language}.txt: {error.detail}{there}"


def _lost_blocks(loaded: Templates) -> Iterator[str]:
    """Yield blocks that replace none: a name mistyped, most likely."""
    for name in loaded.names:
        for block, known in loaded.lost_blocks(name).items():
            yield f"{name}: no template that it extends has a block {block}, so it is never shown; there are {', '.join(known)}"


def _borrowed(desk: Desk, loaded: Templates) -> Iterator[str]:
    """Yield templates of a desk in its first language that customers of another language get too (A4)."""
    first = desk.languages[0]
    for kind in CUSTOMER_LETTERS:
        own = f"{desk.name}/{first}/{kind}.txt"
        taken = [one for one in desk.languages[1:] if loaded.source_of(desk.name, one, first, kind) == own]
        if taken:
            missing = ", ".join(f"{desk.name}/{one}/{kind}.txt" for one in taken)
            yield f"{own} goes to customers who are written to in {', '.join(taken)} as well; add {missing}"


def _broken(desk: Desk, loaded: Templates) -> Iterator[str]:
    for language in dict.fromkeys((*desk.languages, *LANGUAGES)):
        for kind in LETTER_KINDS:
            for name, letter in variants(kind, desk.name, language).items():
                yield from _broken_letter(letter, desk, loaded, f"{desk.name}/{language}/{kind} ({name})")


def _broken_letter(letter: Letter, desk: Desk, loaded: Templates, place: str) -> Iterator[str]:
    try:
        rendered = _composed(letter, desk, loaded)
    except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError, AttributeError) as error:
        yield f"{place}: {_told(error)}"
        return
    if letter.audience == "customer" and letter.subject not in rendered.subject:
        # T4: an answer under other words than the customer's would become a ticket of its own.
        yield f"{place}: the subject has lost the customer's words: {rendered.subject}"


def _render(args: argparse.Namespace, desk: Desk, loaded: Templates) -> int:
    if args.language and args.language not in LANGUAGES:
        raise Refused(f"there are no letters in {args.language!r}: there are {', '.join(sorted(LANGUAGES))}")
    samples = variants(args.kind, desk.name, args.language or desk.languages[0])
    if args.variant not in samples:
        raise Refused(f"no variant {args.variant} of {args.kind}: there are {', '.join(samples)}")
    try:
        rendered = _composed(samples[args.variant], desk, loaded)
    except TemplateError as error:
        raise Refused(_told(error)) from error
    print(f"From: {rendered.from_name} <{rendered.from_}>\nTo: {rendered.to_name} <{rendered.to}>")
    print(f"Subject: {rendered.subject}\n")
    print((rendered.html or "(there is no HTML twin)") if args.html else rendered.text, end="")
    return 0


def _composed(letter: Letter, desk: Desk, loaded: Templates) -> Rendered:
    return compose(letter, desk, loaded, id_="0sample", secret=_SECRET, number=letter.ticket, board_url=_BOARD)


def _told(error: Exception) -> str:
    name, line = getattr(error, "name", None), getattr(error, "lineno", None)
    place = f"{name}, line {line}: " if name and line else ""
    return f"{place}{error}".replace("\n", " ") or type(error).__name__

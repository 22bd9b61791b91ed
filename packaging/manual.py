"""Manual pages and completion for bash, from the parsers themselves: python packaging/manual.py MAN-FOLDER FILE."""

import argparse
import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from mailgate import __version__
from mailgate.__main__ import global_parser, parser_of
from mailgate.cli import COMMANDS

_CODES = "0 done, 1 it did not work, 2 wrong usage or configuration, 75 trouble that passes: try again"


def write(pages: Path, completion: Path) -> None:
    """Write mailgate.1, a page for each command, and the completion."""
    pages.mkdir(parents=True, exist_ok=True)
    completion.parent.mkdir(parents=True, exist_ok=True)
    parsers = {name: parser_of(name) for name in COMMANDS}
    _write(pages / "mailgate.1.gz", overview())
    for name, parser in parsers.items():
        _write(pages / f"mailgate-{name}.1.gz", page(name, parser))
    completion.write_text(completed(parsers), encoding="utf-8")


def overview() -> str:
    """Return the page of the program."""
    lines = [
        *_head("mailgate", "support tickets by mail"),
        ".SH SYNOPSIS",
        r"\fBmailgate\fR [\fB\-\-config\fR \fIFILE\fR] \fICOMMAND\fR ...",
    ]
    lines += [".SH DESCRIPTION", _roff(global_parser().description or ""), ".SH OPTIONS", *_options(global_parser())]
    lines.append(".SH COMMANDS")
    for name, command in COMMANDS.items():
        lines += [".TP", rf"\fBmailgate\-{_roff(name)}\fR(1)", _roff(command.summary)]
    lines += [".SH ENVIRONMENT", ".TP", r"\fBMAILGATE_CONFIG\fR", "the configuration file"]
    lines += [".TP", r"\fBMAILGATE_\fISECTION\fB__\fIKEY\fR", "a setting of the configuration file, which it replaces"]
    lines += [".SH FILES", ".TP", r"\fI/etc/mailgate/mailgate.toml\fR", "the configuration of the service"]
    lines += [
        ".TP",
        r"\fI/usr/share/doc/mailgate\fR",
        "the documents: install.md, configuration.md, commands.md and others",
    ]
    return "\n".join([*lines, ".SH EXIT STATUS", _roff(_CODES), ""])


def page(name: str, parser: argparse.ArgumentParser) -> str:
    """Return the page of a command with all that it can be followed by."""
    lines = [*_head(f"mailgate-{name}", COMMANDS[name].summary), ".SH SYNOPSIS"]
    inner = list(_inner(parser))
    for one in [parser] if not inner else [each for _, each in inner]:
        usage = " ".join(one.format_usage().removeprefix("usage: ").split())
        lines += [_roff(usage), ".br"]
    lines += [".SH DESCRIPTION", _roff(" ".join((parser.description or "").split())), ".SH OPTIONS", *_options(parser)]
    for words, each in inner:
        lines += [f'.SS "{_roff(words)}"', _roff(" ".join((each.description or "").split())), *_options(each)]
    return "\n".join([*lines, ".SH EXIT STATUS", _roff(_CODES), ".SH SEE ALSO", r"\fBmailgate\fR(1)", ""])


def _head(name: str, summary: str) -> list[str]:
    return [
        f'.TH "{_roff(name.upper())}" 1 "" "mailgate {__version__}" "mailgate"',
        ".SH NAME", rf"{_roff(name)} \- {_roff(' '.join(summary.split()))}",
    ]  # fmt: skip


def _inner(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield what stands below a command: `ticket list`, `ticket show`."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            summaries = {one.dest: one.help or "" for one in action._choices_actions}
            for words, each in action.choices.items():
                each.description = each.description or summaries.get(words, "")
                deeper = list(_inner(each))
                yield from [(f"{words} {more}", one) for more, one in deeper] or [(words, each)]


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    formatter = parser._get_formatter()
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction) or action.help == argparse.SUPPRESS:
            continue
        text = formatter._expand_help(action) if action.help else ""
        yield from (".TP", rf"\fB{_roff(_named(action))}\fR", _roff(" ".join(text.split())))


def _named(action: argparse.Action) -> str:
    wanted = action.metavar or (
        ("{" + ",".join(map(str, action.choices)) + "}") if action.choices else action.dest.upper()
    )
    value = wanted if isinstance(wanted, str) else " ".join(wanted)
    if not action.option_strings:
        return value
    names = ", ".join(action.option_strings)
    return names if action.nargs == 0 else f"{names} {value}"


def _roff(text: str) -> str:
    """Return text that troff takes for nothing else."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


def completed(parsers: dict[str, argparse.ArgumentParser]) -> str:
    """Return what bash sources: commands, what stands below them, and the options of each; else files."""
    cases = []
    for name, parser in parsers.items():
        inner = list(_inner(parser))
        below = sorted({words.split()[0] for words, _ in inner})
        cases.append(f'    "{name}") words="{" ".join([*below, *_flags(parser)])}" ;;')
        cases += [f'    "{name} {words.split()[0]}") words="{" ".join(_flags(one))}" ;;' for words, one in inner]
    return _COMPLETION.format(commands=" ".join(parsers), cases="\n".join(dict.fromkeys(cases)))


def _flags(parser: argparse.ArgumentParser) -> list[str]:
    return [name for action in parser._actions for name in action.option_strings if name.startswith("--")]


_COMPLETION = """# completion of mailgate for bash (zsh: autoload bashcompinit), written from its parsers
_mailgate() {{
  local words="" place=1 said=()
  while [ "$place" -lt "$COMP_CWORD" ]; do
    case "${{COMP_WORDS[place]}}" in
    --config) place=$((place + 1)) ;;
    -*) ;;
    *) said+=("${{COMP_WORDS[place]}}") ;;
    esac
    place=$((place + 1))
  done
  [ "${{COMP_WORDS[COMP_CWORD - 1]}}" != --config ] || said=("" "")
  case "${{said[*]:0:2}}" in
    "") words="{commands} --config --help --version" ;;
{cases}
    *) case "${{said[0]}}" in
{cases}
    esac ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "${{COMP_WORDS[COMP_CWORD]}}")
}}
complete -o default -F _mailgate mailgate
"""


def _write(file: Path, text: str) -> None:
    with gzip.GzipFile(file, "wb", compresslevel=9, mtime=0) as packed:
        packed.write(text.encode())


if __name__ == "__main__":
    write(Path(sys.argv[1]), Path(sys.argv[2]))

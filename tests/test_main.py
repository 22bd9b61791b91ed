"""The command line's frame: exit codes, one clear line on stderr, a fast start."""

import os
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import mailgate.__main__ as command_line
from mailgate.cli import COMMANDS, Command
from mailgate.errors import ConfigError, Refused, TryLater

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def a_command(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Register a command that does what it is given."""

    def register(run: Callable[[Namespace], int], codes: tuple[int, ...] = ()) -> None:
        module = ModuleType("mailgate.cli.of_the_test")
        module.add_arguments = lambda parser: parser.add_argument("--flag", action="store_true")  # type: ignore[attr-defined]
        module.run = run  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "mailgate.cli.of_the_test", module)
        monkeypatch.setitem(COMMANDS, "act", Command("of_the_test", "does what the test wants", codes))

    return register


def raising(error: BaseException) -> Callable[[Namespace], int]:
    def run(_: Namespace) -> int:
        raise error

    return run


def mailgate(*arguments: str, stdout: int = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mailgate", *arguments]
    return subprocess.run(command, cwd=ROOT, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Refused("there is no ticket 7"), 1, "mailgate: there is no ticket 7\n"),
        (TryLater("the database is busy"), 75, "mailgate: the database is busy\n"),
        (ConfigError(["a.toml: x is wrong", "b.toml: y"]), 2, "mailgate: a.toml: x is wrong\nmailgate: b.toml: y\n"),
        (FileNotFoundError(2, "No such file", "x.eml"), 1, "mailgate: [Errno 2] No such file: 'x.eml'\n"),
        (KeyError("of our own"), 1, "mailgate: KeyError: 'of our own'\n"),
        (SystemExit("a word"), 1, "mailgate: a word\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)  # fmt: skip
def test_trouble_ends_with_its_code_and_one_clear_line(
    a_command: Callable[..., None], capsys: pytest.CaptureFixture[str], error: BaseException, code: int, said: str
):
    a_command(raising(error))
    assert command_line.main(["act"]) == code
    assert capsys.readouterr().err == said


def test_a_bug_shows_its_place_when_asked(a_command: Callable[..., None]):
    a_command(raising(KeyError("of our own")))
    with pytest.raises(KeyError):
        command_line.main(["--traceback", "act"])


@pytest.mark.parametrize("error", [ConfigError(["broken"]), Refused("no"), KeyError("bug"), TryLater("busy")])
def test_a_pipe_knows_no_other_codes_than_its_own(a_command: Callable[..., None], error: Exception):
    a_command(raising(error), codes=(0, 65, 67, 75))
    assert command_line.main(["act"]) == 75
    a_command(lambda _: 67, codes=(0, 65, 67, 75))
    assert command_line.main(["act"]) == 67
    assert command_line.main(["act", "--wrong"]) == 75


@pytest.mark.parametrize("arguments", [["--config", "a", "act"], ["act", "--config", "a"], ["--config=a", "act"]])
def test_the_configuration_may_be_named_before_or_after_the_command(
    a_command: Callable[..., None], arguments: list[str]
):
    seen: list[Namespace] = []
    a_command(lambda args: seen.append(args) or 0)
    assert command_line.main([*arguments, "--flag"]) == 0
    assert (seen[0].config, seen[0].flag, seen[0].command) == ("a", True, "act")


def test_an_unknown_command_is_wrong_usage_with_a_near_match():
    done = mailgate("simulat")
    assert (done.returncode, done.stdout) == (2, "")
    assert (
        done.stderr == "mailgate: there is no command 'simulat', did you mean simulate?; mailgate --help lists them\n"
    )


def test_help_lists_every_command():
    said = mailgate("--help").stdout
    assert all(f"  {name} " in said for name in COMMANDS)


def test_a_wrong_configuration_is_exit_2_with_file_key_and_what_is_allowed(tmp_path: Path):
    (tmp_path / "mailgate.toml").write_text('desks = ["strato"]\nsmtp.listen = "x"', encoding="utf-8")
    done = mailgate("--config", str(tmp_path / "mailgate.toml"), "config", "check")
    assert done.returncode == 2
    assert (
        done.stderr == f'mailgate: {tmp_path}/mailgate.toml: smtp.listen = "x"; allowed is "host:port", or "" for off\n'
    )


def test_whoever_stops_reading_our_output_hears_no_complaint():
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = mailgate("config", "show", stdout=writing)
    finally:
        os.close(writing)
    assert (done.returncode, done.stderr) == (1, "")


def test_every_command_that_exists_has_its_arguments_and_a_docstring():
    import importlib

    for name, command in COMMANDS.items():
        if (ROOT / "mailgate" / "cli" / f"{command.module}.py").exists():
            module = importlib.import_module(f"mailgate.cli.{command.module}")
            module.add_arguments(ArgumentParser(prog=name))
            assert module.__doc__
            assert callable(module.run)


@pytest.mark.slow
def test_the_start_is_fast():
    def once(*command: str) -> float:
        started = time.perf_counter()
        subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - started

    # against the interpreter's own start: other work on the machine slows both
    # in turns: what comes and goes on it meets both
    pairs = [(once("-c", "import argparse"), once("-m", "mailgate", "--version")) for _ in range(10)]
    interpreter, ours = (min(times) for times in zip(*pairs, strict=True))
    assert ours < 2 * interpreter

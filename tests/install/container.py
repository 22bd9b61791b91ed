"""A Containerfile carried out step by step in bare roots of Debian, where there is no engine that would build it."""

import json
import re
import shutil
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from shlex import join, quote

from tests.install.debian_root import DebianRoot, bare_root, cache_folder, copy_checkout

_IMAGE = re.compile(r"debian:(\w+)-slim(?: AS (\w+))?")


@dataclass(slots=True)
class Stage:
    """A root, and what the file says of those who run in it."""

    root: DebianRoot
    user: str = "root"
    environ: dict[str, str] = field(default_factory=dict)
    entrypoint: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    volumes: tuple[str, ...] = ()

    def line(self, *words: str) -> str:
        """Return the line of shell that an engine would run: the entry point with these words, or with the default ones."""
        as_user = ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--init-groups"]
        environ = ["env", *(f"{key}={value}" for key, value in self.environ.items())]
        return f"cd /; {join([*as_user, *environ, *self.entrypoint, *(words or self.command)])}"


def instructions(text: str) -> list[tuple[str, str]]:
    """Return each instruction with its argument; continued lines are one."""
    joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^#.*\n", "", text))
    return [
        (name, rest.strip()) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())
    ]


def built(stack: ExitStack, text: str) -> Stage:
    """Carry it out; return its last stage, whose root lives as long as `stack`."""
    stages: dict[str, Stage] = {}
    last: Stage | None = None
    for name, rest in instructions(text):
        if name == "FROM":
            image = _IMAGE.fullmatch(rest)
            assert image, rest
            last = Stage(stack.enter_context(bare_root(cache_folder(), image[1], "container")))
            stages[image[2] or ""] = last
        else:
            assert last
            _carry_out(last, name, rest, stages)
    assert last
    return last


def _carry_out(stage: Stage, name: str, rest: str, stages: dict[str, Stage]) -> None:
    simple: dict[str, Callable[[], None]] = {
        "RUN": lambda: _run(stage, rest),
        "COPY": lambda: _copy(stage, rest, stages),
        "USER": lambda: setattr(stage, "user", rest),
        "ENV": lambda: stage.environ.update([rest.split("=", 1)]),  # type: ignore[list-item]
        "ENTRYPOINT": lambda: setattr(stage, "entrypoint", tuple(json.loads(rest))),
        "CMD": lambda: setattr(stage, "command", tuple(json.loads(rest))),
        "EXPOSE": lambda: setattr(stage, "ports", tuple(rest.split())),
        "VOLUME": lambda: setattr(stage, "volumes", tuple(rest.split())),
        "STOPSIGNAL": lambda: None,
    }
    simple[name]()


def _run(stage: Stage, line: str) -> None:
    ran = stage.root.run(f"cd /; sh -c {quote(line)}", online=True, seconds=900)
    print(f"RUN {line}   [{ran.seconds:.0f} s]", flush=True)
    assert ran.code == 0, ran.out[-3000:]


def _copy(stage: Stage, rest: str, stages: dict[str, Stage]) -> None:
    if other := re.fullmatch(r"--from=(\w+) (\S+) (\S+)", rest):
        source = stages[other[1]].root.folder / other[2].strip("/")
        shutil.copytree(source, stage.root.folder / other[3].strip("/"), dirs_exist_ok=True)
    else:
        source, place = rest.split()
        assert source == "."
        copy_checkout(stage.root, place)

"""The rules of the house, read from the sources. A failure names the file, the line and the rule."""

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "mailgate"

# unit -> the other units of mailgate that it may import. Adding a name here is a design decision.
_FRAME = {"model", "errors", "resources", "log"}
MAY_IMPORT: dict[str, set[str]] = {
    "model": set(),
    "errors": set(),
    "resources": set(),
    "log": set(),
    "parse": {"model"},
    "understand": {"model"},
    "decide": {"model", "understand"},
    "compose": {"model"},
    "phrases": {"model", "errors", "resources"},  # files → the language data of reading
    "templates": {"model", "errors", "resources", "compose"},  # files → the templates that compose renders
    "config": {"model", "errors", "resources"},
    "blobs": {"model", "errors", "log"},
    "store": {*_FRAME, "blobs"},  # large raw mail goes to the blobs before its arrival is committed
    "apply": {"model", "errors", "log", "compose", "store"},
    "probing": {"model", "store"},  # which mail is our own test mail
    "asked": {*_FRAME, "store"},  # mails between their reading and their decision
    # what others say of a mail: DNS, HTTP, sockets; whose word counts is decide's
    "verdicts": {*_FRAME, "parse", "decide"},
    "pipeline": {
        *_FRAME,
        "asked",
        "probing",
        "parse",
        "understand",
        "decide",
        "compose",
        "apply",
        "blobs",
        "store",
        "phrases",
        "templates",
    },
    "scheduler": {*_FRAME, "decide", "compose", "apply", "pipeline", "store", "blobs", "phrases", "templates"},
    "intake": {*_FRAME, "store", "blobs"},
    "outbox": {*_FRAME, "store", "blobs"},
    # what people do without mail
    "byhand": {*_FRAME, "understand", "decide", "compose", "apply", "pipeline", "store", "blobs"},
    "accounts": {*_FRAME, "store"},  # from where they live
    "operations": {
        *_FRAME,
        "parse",  # what headers of the last mails say of who wrote them, for doctor
        "accounts",
        "decide",
        "apply",
        "store",
        "blobs",
        "pipeline",
        "intake",
        "outbox",
    },  # looked after
    # tickets of another system; what they hold is kept as a panel's form is
    "takeover": {*_FRAME, "parse", "understand", "decide", "apply", "phrases", "pipeline", "store", "blobs", "intake"},
    "web": {*_FRAME, "compose", "decide", "apply", "store", "blobs", "pipeline", "byhand", "intake", "resources"},
}
_ALL = {*MAY_IMPORT, "simulate", "app", "serve", "demo"}
MAY_IMPORT |= {
    # the same centre with another clock and another outbox
    "simulate": {*_FRAME, "parse", "decide", "compose", "apply", "pipeline", "scheduler", "store", "blobs", "phrases",
                 "templates", "config", "outbox", "intake"},
    "app": _ALL - {"app", "simulate", "serve", "demo"},
    "serve": _ALL - {"serve", "simulate", "demo"},  # the daemon: app's house, running
    "demo": _ALL - {"demo", "simulate"},  # a house with people in it, and a story
    "cli": _ALL,
}  # fmt: skip
PURE = {"model", "parse", "understand", "decide", "compose"}
# outside names that a pure unit may import; anything else is an effect until argued otherwise
PURE_MAY_USE = frozenset(
    """
    __future__ base64 binascii bisect calendar codecs collections contextlib dataclasses datetime difflib email
    encodings enum fractions functools hashlib heapq hmac html io ipaddress itertools json math operator quopri re
    string struct textwrap types typing unicodedata urllib zlib zoneinfo
    asn1crypto charset_normalizer jinja2 mailparser markupsafe msgspec nh3 re2 selectolax tnefparse
    """.split()
)
IMPURE_CALLS = {
    "now", "utcnow", "today", "uuid4", "uuid1", "make_msgid", "formatdate", "localtime", "open", "print", "getenv",
    "sleep", "urlopen", "getLogger", "input", "read_text", "read_bytes", "write_text", "write_bytes",
}  # fmt: skip
NO_NAMES = {"utils", "util", "helpers", "helper", "base", "common", "misc"}
# machines that hand out packages, and paths of one machine alone; written so that this file does not name them
FOREIGN = re.compile(
    r"python[h]osted|registry\.npm[j]s|//(www\.|files\.)?pyp[i]\.|deb\.debi[a]n|prox[y]\.golang|crat[e]s\.io|/wor[k]/[a-z.]|/roo[t]/\."
)


@lru_cache(maxsize=1)
def sources() -> tuple[tuple[str, Path, ast.Module], ...]:
    """Return every module of the package with its unit."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        unit = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        if unit not in {"__init__", "__main__", "_data"}:
            found.append((unit, path.relative_to(ROOT), ast.parse(path.read_text(encoding="utf-8"))))
    return tuple(found)


def imports(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield the dotted names that a module imports, with their lines."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == "mailgate":
            yield from ((f"mailgate.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or ""), node.lineno


def complaint_of_import(unit: str, name: str) -> str | None:
    """Return what is wrong with `unit` importing `name`, or None."""
    top, _, rest = name.partition(".")
    target = rest.split(".")[0]
    if not top:
        return "write absolute imports"
    if top == "mailgate" and target not in {unit, "__version__", ""} and target not in MAY_IMPORT[unit]:
        return f"{unit} must not import {target}"
    if top != "mailgate" and unit in PURE and top not in PURE_MAY_USE:
        return f"{unit} is pure and must not import {name}"
    return None


def tracked_files() -> list[Path]:
    """Return the files of the repository, those that are not committed yet included."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("no git checkout")
    names = listed.stdout.decode("utf-8", "surrogateescape").split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


def test_every_unit_has_its_line_in_the_table():
    assert not sorted({unit for unit, _, _ in sources()} - set(MAY_IMPORT))


def test_every_import_follows_the_house_rules():
    broken = [
        f"{path}:{line}: {complaint}"
        for unit, path, tree in sources()
        if unit in MAY_IMPORT
        for name, line in imports(tree)
        if (complaint := complaint_of_import(unit, name))
    ]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize(
    ("unit", "name", "complaint"),
    [
        ("decide", "mailgate.parse.body", "decide must not import parse"),
        ("decide", "mailgate.compose", "decide must not import compose"),
        ("parse", "mailgate.decide", "parse must not import decide"),
        ("understand", "mailgate.decide.guards", "understand must not import decide"),
        ("understand", "mailgate.parse.body", "understand must not import parse"),
        ("store", "mailgate.decide.guards", "store must not import decide"),
        ("intake", "mailgate.decide", "intake must not import decide"),
        ("outbox", "mailgate.compose", "outbox must not import compose"),
        ("web", "mailgate.app", "web must not import app"),
        ("decide", "logging", "decide is pure and must not import logging"),
        ("parse", "socket", "parse is pure and must not import socket"),
        ("compose", "random", "compose is pure and must not import random"),
        ("model", ".ticket", "write absolute imports"),
        ("cli", "mailgate.app", None),
        ("decide", "mailgate.model.mail", None),
        ("parse", "email.message", None),
    ],
)
def test_the_table_says_what_the_house_means(unit: str, name: str, complaint: str | None):
    assert complaint_of_import(unit, name) == complaint


def test_the_core_takes_time_chance_and_the_world_as_arguments():
    broken = [
        f"{path}:{call.lineno}: {unit} is pure and must not call {name}()"
        for unit, path, tree in sources()
        if unit in PURE
        for call in ast.walk(tree)
        if isinstance(call, ast.Call)
        and (name := getattr(call.func, "attr", getattr(call.func, "id", ""))) in IMPURE_CALLS
    ]
    assert not broken, "\n".join(broken)


def test_modules_are_named_after_what_they_hold():
    assert not [str(path) for _, path, _ in sources() if path.stem in NO_NAMES or path.parent.name in NO_NAMES]


def test_no_file_names_a_package_registry_or_a_path_of_one_machine():
    broken = []
    for path in tracked_files():
        if path.suffix in {".eml", ".png"}:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if FOREIGN.search(line):
                broken.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}")
    assert not broken, "\n".join(broken)

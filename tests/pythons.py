"""Every expression that the product compiles, and what a Python answers when it is asked with each of them.

Two programs, for processes of their own: `python -m tests.pythons` prints what is compiled, `python tests/pythons.py
answers` reads expressions and questions and prints digests of the answers, with the standard library alone.
"""

import hashlib
import importlib
import json
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# what a single step of the engine matches: these alone may be repeated possessively
_SINGLE = frozenset({"LITERAL", "NOT_LITERAL", "ANY", "IN"})
_PLAYED = ("48-hours-of-silence-whoever-took-it", "commands-in-any-case-and-on-one-line")  # fmt: skip


def complaint_of(pattern: str | bytes, flags: int) -> str | None:
    """Return what Python 3.11.2 would get wrong in an expression, or None.

    It goes back into what a possessive group or an atomic one has matched, and forgets groups within (gh-106052,
    gh-101955). A fuzz of 3.11.2 against 3.14 found differences in these alone: 153 of 2,880 random expressions with
    them, none of 12,134 without.
    """
    return next(_wrong_parts(re._parser.parse(pattern, flags)), None)  # type: ignore[attr-defined]


def _wrong_parts(part: Any) -> Iterator[str]:
    if isinstance(part, re._parser.SubPattern):  # type: ignore[attr-defined]
        for operation, value in part:
            if str(operation) == "ATOMIC_GROUP":
                yield "an atomic group (?>…)"
            if str(operation) == "POSSESSIVE_REPEAT" and not _is_single(value[2]):
                yield "a possessive group (…)*+"
            yield from _wrong_parts(value)
    elif isinstance(part, tuple | list):
        for one in part:
            yield from _wrong_parts(one)


def _is_single(repeated: Any) -> bool:
    if len(repeated) != 1:
        return False
    operation, value = repeated[0]
    if str(operation) == "SUBPATTERN":
        return value[0] is None and _is_single(value[-1])
    return str(operation) in _SINGLE


def print_compiled() -> None:
    """Import the whole product, let it play two scenarios, and print each expression with the place that compiles it."""
    found: dict[tuple[str | bytes, int], str] = {}
    compile_it = re._compiler.compile  # type: ignore[attr-defined]

    def compile_and_note(pattern: str | bytes, flags: int = 0) -> Any:
        frame = sys._getframe(1)
        while frame and "/mailgate/" not in frame.f_code.co_filename:
            if not frame.f_code.co_filename.endswith(("/re/__init__.py", "/re/_compiler.py")):
                return compile_it(pattern, flags)
            frame = frame.f_back  # type: ignore[assignment]
        if frame:
            place = f"{Path(frame.f_code.co_filename).relative_to(ROOT)}:{frame.f_lineno}"
            found.setdefault((pattern, int(flags)), place)
        return compile_it(pattern, flags)

    re._compiler.compile = compile_and_note  # type: ignore[attr-defined]
    import mailgate

    for module in pkgutil.walk_packages(mailgate.__path__, "mailgate."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from mailgate.__main__ import main

    out, sys.stdout = sys.stdout, sys.stderr
    played = main(["simulate", *(str(ROOT / "tests" / "scenarios" / f"{name}.toml") for name in _PLAYED)])
    sys.stdout = out
    assert played in (0, None), played
    for (pattern, flags), place in found.items():
        is_bytes = isinstance(pattern, bytes)
        text = pattern.decode("latin-1") if isinstance(pattern, bytes) else pattern
        print(json.dumps({"place": place, "pattern": text, "flags": flags, "bytes": is_bytes}))


def answers(asked: dict[str, Any]) -> list[str]:
    """Return a digest for each of `asked["expressions"]`: every match of it in each of `asked["questions"]`."""
    digests = []
    for one in asked["expressions"]:
        pattern = one["pattern"].encode("latin-1") if one["bytes"] else one["pattern"]
        expression = re.compile(pattern, one["flags"])
        found = []
        for question in (*asked["questions"], *one["questions"]):
            text = question.encode("utf-8", "surrogatepass") if one["bytes"] else question
            found.append(
                [[each.span(number) for number in range(expression.groups + 1)] for each in expression.finditer(text)]
            )
        digests.append(hashlib.sha256(json.dumps(found).encode()).hexdigest()[:12])
    return digests


if __name__ == "__main__":
    if sys.argv[1:] == ["answers"]:
        json.dump({"version": sys.version.split()[0], "digests": answers(json.load(sys.stdin))}, sys.stdout)
    else:
        print_compiled()

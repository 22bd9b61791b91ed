"""The desk's own rules as values (Q9): what they look for, made ready once a configuration, and what they say."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from mailgate.model.expressions import Expression, Text, expression

Form = Literal["words", "address", "name"]  # how a plain text is meant: in a text, of a person, of a file
_DOMAIN = re.compile(r"[\w-]+(?:\.[\w-]+)+")
_ANY, _ONE = r"(?s:.*)", r"(?s:.)"


class Searched:
    """What a condition looks in: one value of the mail."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.ready = Text(text)

    @cached_property
    def low(self) -> str:
        return self.text.lower()


@dataclass(frozen=True, slots=True, eq=False)
class Pattern:
    """One thing that a condition looks for. `needle` stands in whatever the expression matches, in small letters: the
    quick look before the dear one."""

    source: str
    needle: str
    expression: Expression

    def is_in(self, where: Searched) -> bool:
        """Is it found?"""
        return self.needle in where.low and self.expression.is_in(where.ready)


@dataclass(frozen=True, kw_only=True, slots=True)
class When:
    """The conditions of a rule; all that are given must hold, and of each list one entry."""

    mailbox: tuple[Pattern, ...] = ()
    from_: tuple[Pattern, ...] = ()
    names: tuple[Pattern, ...] = ()  # of the sender, beside `from_`: one of either list
    to: tuple[Pattern, ...] = ()
    subject: tuple[Pattern, ...] = ()
    text: tuple[Pattern, ...] = ()
    attachment: tuple[Pattern, ...] = ()
    headers: tuple[tuple[str, tuple[Pattern, ...]], ...] = ()  # by name in small letters; no pattern: it is there
    larger_than: int | None = None  # bytes
    levels: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()  # of Q5, or of automatic mail (M6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Then:
    """What a rule says; None and () leave it to others."""

    queue: str | None = None
    priority: str | None = None
    team: str | None = None
    owner: str | None = None
    flags: tuple[str, ...] = ()
    ack: bool | None = None
    set_aside: bool = False
    hold: bool = False
    copy_to: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRule:
    """One rule of the desk (Q9)."""

    name: str
    when: When
    then: Then


@dataclass(frozen=True, kw_only=True, slots=True)
class Said:
    """What the rules that spoke say together: of each thing the first word counts; flags, copies and notes each stand
    for themselves."""

    rules: tuple[OwnRule, ...] = ()
    queue: str | None = None
    priority: str | None = None
    team: str | None = None
    owner: str | None = None
    ack: bool | None = None
    flags: tuple[str, ...] = ()
    copy_to: tuple[str, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()  # the rule's name, its text
    parked: tuple[Literal["set_aside", "hold"], str] | None = None  # what is done with the mail, and by which rule

    @property
    def places(self) -> bool:
        """Do they say who is to have the mail?"""
        return bool(self.queue or self.team or self.owner)


NOTHING_SAID = Said()


def together(rules: tuple[OwnRule, ...]) -> Said:
    """Return what `rules`, in their order, say together."""
    if not rules:
        return NOTHING_SAID
    says = [(rule.name, rule.then) for rule in rules]
    parked = ((("set_aside" if then.set_aside else "hold"), name) for name, then in says if then.set_aside or then.hold)
    return Said(
        rules=rules,
        queue=next((then.queue for _, then in says if then.queue), None),
        priority=next((then.priority for _, then in says if then.priority), None),
        team=next((then.team for _, then in says if then.team), None),
        owner=next((then.owner for _, then in says if then.owner), None),
        ack=next((then.ack for _, then in says if then.ack is not None), None),
        flags=tuple(dict.fromkeys(flag for _, then in says for flag in then.flags)),
        copy_to=tuple(dict.fromkeys(address for _, then in says for address in then.copy_to)),
        notes=tuple((name, then.note) for name, then in says if then.note),
        parked=next(parked, None),  # type: ignore[arg-type]
    )


def pattern(source: str, form: Form) -> Pattern:
    """Return what `source` means: a regular expression, a glob, or plain words. ValueError where it is none.

    `/…/` is a regular expression, and so is what begins with `^` or holds a backslash or `(?`; what holds `*` is a glob of
    the whole value (for addresses and file names, `?` too). Letters of both cases are alike.
    """
    if not source.strip():
        raise ValueError("it is empty")
    if is_regular(source):
        inner = (
            source[1:-1]
            if len(source) > 2 and source.startswith("/") and source.endswith("/")
            else source.removeprefix("re:")
        )
        return Pattern(source, "", expression(inner, ignores_case=True))
    if "*" in source or "?" in source and form != "words":
        return _glob(source)
    if form == "address":
        return _person(source)
    return _file(source) if form == "name" else _words(source)


def is_regular(source: str) -> bool:
    """Is it written as a regular expression?"""
    slashes = len(source) > 2 and source.startswith("/") and source.endswith("/")
    return slashes or source.startswith(("^", "re:")) or "\\" in source or "(?" in source


def is_of_address(source: str) -> bool:
    """May it be of an address, rather than of a person's name?"""
    return is_regular(source) or "@" in source or "*" in source or _DOMAIN.fullmatch(source) is not None


def find_any(patterns: Iterable[Pattern], values: Iterable[Searched]) -> Pattern | None:
    """Return the first of `patterns` that is in any of `values`."""
    there = tuple(values)
    return next((one for one in patterns if any(one.is_in(value) for value in there)), None)


def _glob(source: str) -> Pattern:
    pieces = re.split(r"([*?])", source)
    body = "".join(_ANY if piece == "*" else _ONE if piece == "?" else _escaped(piece) for piece in pieces)
    needle = max((piece for piece in pieces if piece not in ("*", "?")), key=len, default="")
    return Pattern(source, needle.lower(), expression(rf"\A{body}\z", ignores_case=True))


def _words(source: str) -> Pattern:
    """Whole words, one behind the other, however they are parted."""
    words = source.split()
    start = r"\b" if re.match(r"\w", words[0]) else ""
    end = r"\b" if re.search(r"\w\Z", words[-1]) else ""
    body = r"\s+".join(map(_escaped, words))
    return Pattern(source, max(words, key=len).lower(), expression(f"{start}{body}{end}", ignores_case=True))


def _person(source: str) -> Pattern:
    """`a@b.example` is one address, `@b.example` all of that domain, `b.example` those of its parts too."""
    text = source.strip().lower()
    if text.startswith("@"):
        return Pattern(source, text, expression(rf"{_escaped(text)}\z", ignores_case=True))
    if "@" in text:
        return Pattern(source, text, expression(rf"\A{_escaped(text)}\z", ignores_case=True))
    if _DOMAIN.fullmatch(text):
        return Pattern(source, text, expression(rf"[@.]{_escaped(text)}\z", ignores_case=True))
    return _words(source)


def _file(source: str) -> Pattern:
    """`.exe` is the end of a name; anything else stands in it, not within a longer word."""
    if source.startswith("."):
        return Pattern(source, source.lower(), expression(rf"{_escaped(source)}\z", ignores_case=True))
    edge = r"(?:\A|\z|[^\p{L}\p{N}])"
    return Pattern(source, source.lower(), expression(f"{edge}{_escaped(source)}{edge}", ignores_case=True))


def _escaped(text: str) -> str:
    return "".join(f"\\{letter}" if letter in r"\.+*?()|[]{}^$" else letter for letter in text)

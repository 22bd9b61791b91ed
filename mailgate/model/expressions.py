"""Expressions of a desk's own, matched in time linear in the text (RE2), with the letters of every language as letters.

RE2 knows no look-around, so `\\b` and `\\w` of it are those of ASCII alone. Here they are Python's: `\\w`, `\\d` and `\\s` are
written out as classes, and where an expression has `\\b` the text is looked at with a mark at every edge of a word. That
second look is made only where the first, which passes over `\\b`, has found something.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache

import re2

_MARK = "\ufdd0"  # a code point that is no character; it is taken out of the text first
_LETTERS, _BLANKS = r"\p{L}\p{M}\p{N}_", r"\t-\r\x1c-\x20\x{85}\x{A0}\p{Z}"
_WITHIN = {"w": _LETTERS, "d": r"\p{Nd}", "s": _BLANKS, "D": r"\P{Nd}", "b": r"\x08"}
_CLASSES = {
    "w": f"[{_LETTERS}]", "W": f"[^{_LETTERS}{_MARK}]", "d": r"\p{Nd}", "D": rf"[^\p{{Nd}}{_MARK}]", "s": f"[{_BLANKS}]",
    "S": f"[^{_BLANKS}{_MARK}]",
}  # fmt: skip
_EDGE = re.compile(r"\b")
_GROUP = re.compile(r"\((?:\?(?:P?<[A-Za-z_]\w{0,40}>|:|(?P<flags>[imsU]{0,4})(?:-[imsU]{1,4})?[:)]))?")
_COUNT = re.compile(r"\{\d{0,4}(?:,\d{0,4})?\}")
_LONG = 1000  # characters of an expression


class Text:
    """A text that expressions are looked for in: encoded once, and marked once, for all of them."""

    def __init__(self, text: str) -> None:
        self._text = text.replace(_MARK, "")

    def __bool__(self) -> bool:
        return bool(self._text)

    @cached_property
    def plain(self) -> bytes:
        return self._text.encode("utf-8", "replace")

    @cached_property
    def marked(self) -> bytes:
        """Return it with a mark at every edge of a word."""
        return _EDGE.sub(_MARK, self._text).encode("utf-8", "replace")


class Expression:
    """One expression, in Python's notation without what needs more than one look: no look-around, no back-references, no
    possessive repetition. ValueError says what of it cannot be."""

    def __init__(self, source: str, *, ignores_case: bool = False) -> None:
        self.source = source
        self._loose, self._exact = _compile(source, ignores_case)
        # as RE2 reads it, without the edges of words
        self.loose: bytes = (b"(?i)" if ignores_case else b"") + self._loose.pattern
        self._names = tuple((number, name.decode()) for name, number in self._loose.groupindex.items())
        self.groups = frozenset(name for _, name in self._names)

    def is_in(self, text: Text) -> bool:
        """Is it found anywhere in `text`?"""
        if self._loose.search(text.plain) is None:
            return False
        return self._exact is None or self._exact.search(text.marked) is not None

    def every(self, text: Text) -> Iterator[dict[str, str]]:
        """Yield the named groups of every place where it is found, those that took part."""
        if self._loose.search(text.plain) is None:
            return
        pattern, where = (self._loose, text.plain) if self._exact is None else (self._exact, text.marked)
        for found in pattern.finditer(where):
            values = ((name, found.group(number)) for number, name in self._names)
            yield {
                name: value.decode("utf-8", "replace").replace(_MARK, "") for name, value in values if value is not None
            }


class Several:
    """Some expressions, asked of a text all at once; where they are too much for one set, each says for itself."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._all = tuple(expressions)
        self._set = _set_of(self._all)

    def in_text(self, text: Text) -> list[Expression]:
        """Return those that may be in `text`, in their order; the others are not."""
        if not self._all or not text:
            return []
        if self._set is None:
            return list(self._all)
        return [self._all[number] for number in sorted(self._set.Match(text.plain) or ())]


@lru_cache(maxsize=512)
def expression(source: str, *, ignores_case: bool = False) -> Expression:
    """Return the expression, compiled once; ValueError as there."""
    return Expression(source, ignores_case=ignores_case)


def _set_of(expressions: Sequence[Expression]) -> re2.Set | None:
    """Return them as one set, None where RE2 has not the memory for it: what each may take is taken from all of them."""
    options = re2.Options()
    options.log_errors = False
    found = re2.Set.SearchSet(options)
    try:
        for one in expressions:
            found.Add(one.loose)
        found.Compile()
    except re2.error:
        return None
    return found


def _compile(source: str, ignores_case: bool) -> tuple[re2._Regexp, re2._Regexp | None]:
    if len(source) > _LONG:
        raise ValueError(f"it is longer than {_LONG} characters")
    options = re2.Options()
    options.log_errors = False
    options.case_sensitive = not ignores_case
    try:
        loose = re2.compile(_translated(source, has_marks=False).encode(), options)
        if not re.search(r"(?<!\\)(?:\\\\)*\\b", source):
            return loose, None
        return loose, re2.compile(_translated(source, has_marks=True).encode(), options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        words = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else str(reason)
        raise ValueError(words.replace(_MARK, "")) from None


def _translated(source: str, *, has_marks: bool) -> str:
    """Return `source` as RE2 reads it; with marks, every character of it may stand behind a mark."""
    out: list[str] = []
    flags = "".join(found["flags"] or "" for found in _GROUP.finditer(source))
    any_character = f"[^{_MARK}]" if "s" in flags else f"[^\n{_MARK}]"
    place = 0
    while place < len(source):
        letter = source[place]
        piece, is_character, length = letter, False, 1
        if letter == "\\":
            piece, is_character, length = _escape(source, place, has_marks)
        elif letter == "[":
            piece, is_character, length = *_class(source, place), _length_of_class(source, place)
        elif letter == "(":
            found = _GROUP.match(source, place)
            if found is None or source.startswith("(?", place) and found.end() == place + 1:
                raise ValueError(f"{source[place : place + 4]!r} is not possible in linear time, or unknown")
            piece, length = found.group().replace("(?<", "(?P<"), found.end() - place
        elif letter == "{":
            found = _COUNT.match(source, place)
            piece, is_character, length = (found.group(), False, found.end() - place) if found else (r"\{", True, 1)
        elif letter in "*+?":
            if (
                letter == "+"
                and place
                and source[place - 1] in "*+?}"
                and not source[:place].endswith("\\" + source[place - 1])
            ):
                raise ValueError("a possessive repetition (as *+) is not known")
        elif letter == "$":
            piece = f"{_MARK}?$" if has_marks else "$"
        elif letter == ".":
            piece, is_character = any_character, True
        else:
            is_character = letter not in ")|^"
        out.append(f"(?:{_MARK}?{piece})" if is_character and has_marks else piece)
        place += length
    return "".join(out)


def _escape(source: str, place: int, has_marks: bool) -> tuple[str, bool, int]:
    """Return an escape of RE2, whether it is a character, and how long it was."""
    letter = source[place + 1 : place + 2]
    if letter == "b":
        return (_MARK if has_marks else "(?:)"), False, 2
    if letter in _CLASSES:
        return _CLASSES[letter], True, 2
    if letter == "A":
        return r"\A", False, 2
    if letter in ("Z", "z"):
        return (f"{_MARK}?\\z" if has_marks else r"\z"), False, 2
    if letter == "B" or letter.isdigit() or letter == "":
        raise ValueError(f"\\{letter} is not possible in linear time" if letter else "it ends with a backslash")
    return *_character(source, place), _length_of_escape(source, place)


def _character(source: str, place: int) -> tuple[str, bool]:
    """An escape for one character, or one of RE2's own classes (`\\p{Lu}`)."""
    escape = source[place : place + _length_of_escape(source, place)]
    if escape[1] in "uU":
        return rf"\x{{{escape[2:]}}}", True
    if escape[1].isalnum() or ord(escape[1]) > 127:
        return (
            (escape, True)
            if escape[1] in "pPxntrfv"
            else (re.escape(escape[1]) if ord(escape[1]) > 127 else escape, True)
        )
    return escape, True


def _length_of_escape(source: str, place: int) -> int:
    letter = source[place + 1 : place + 2]
    if letter in ("p", "P", "x") and source[place + 2 : place + 3] == "{":
        return source.find("}", place) + 1 - place if "}" in source[place:] else 2
    return {"x": 4, "u": 6, "U": 10, "p": 3, "P": 3}.get(letter, 2)


def _class(source: str, place: int) -> tuple[str, bool]:
    """A class in brackets, with Python's shorthands written out."""
    whole = source[place : place + _length_of_class(source, place)]
    if whole == r"[^\W\d_]":  # as letters are written in Python
        return r"[\p{L}\p{M}]", True
    start = "[^" if whole.startswith("[^") else "["
    out, at = [start], len(start)
    while at < len(whole) - 1:
        if whole[at] != "\\":
            out.append(r"\[" if whole[at] == "[" and whole[at + 1 : at + 2] != ":" else whole[at])
            at += 1
            continue
        letter = whole[at + 1]
        if letter in "WS":
            raise ValueError(rf"\{letter} within brackets is not known; write the class the other way round")
        length = 2 if letter in _WITHIN else _length_of_escape(whole, at)
        out.append(_WITHIN[letter] if letter in _WITHIN else _character(whole, at)[0])
        at += length
    return "".join(out) + (f"{_MARK}]" if start == "[^" else "]"), True


def _length_of_class(source: str, place: int) -> int:
    at = place + (2 if source.startswith("[^", place) else 1)
    first = at
    while at < len(source) and (source[at] != "]" or at == first):
        if source.startswith("[:", at) and ":]" in source[at:]:
            at = source.index(":]", at) + 2
            continue
        at += 2 if source[at] == "\\" else 1
    if at >= len(source):
        raise ValueError("a class in brackets has no end")
    return at + 1 - place

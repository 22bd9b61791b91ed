"""Reading a TOML table key by key: typed values, where each came from, and every complaint at once."""

import difflib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

T = TypeVar("T")
PREFIX = "MAILGATE_"


@dataclass(frozen=True, slots=True)
class Kind(Generic[T]):
    """A kind of value: what is allowed, in words; `read` raises ValueError for anything else. `from_text` makes of an
    environment variable what TOML would have given."""

    allowed: str
    read: Callable[[Any], T]
    from_text: Callable[[str], Any] = str


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One effective setting: its key, its value and where it came from."""

    key: str
    value: Any
    source: str
    is_secret: bool = False


@dataclass(kw_only=True, slots=True)
class Book:
    """What one reading of the configuration found out. `environ` maps dotted keys to a variable and its text."""

    environ: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def complain(self, complaint: str) -> None:
        """Add a complaint, once."""
        if complaint not in self.complaints:
            self.complaints.append(complaint)

    def complain_of_variables(self) -> None:
        """Add a complaint for every MAILGATE_ variable that names no setting."""
        for key, (variable, _) in self.environ.items():
            if key not in self.keys:
                near = difflib.get_close_matches(key, self.keys, n=1, cutoff=0.7)
                hint = f"did you mean {variable_of(near[0])}?" if near else "see docs/configuration.md for the settings"
                self.complain(f"environment: {variable} is no setting; {hint}")


class Section:
    """A table of the configuration; each key is asked for once, and `finish` complains of those nobody asked for."""

    def __init__(
        self, data: Mapping[str, Any], *, book: Book, file: str, path: str = "", label: str = "", owner: str = ""
    ) -> None:
        self.data = data
        self.book = book
        self.file = file
        self.path = path
        self.label = label
        self.owner = owner  # before the keys of entries: whose file it is
        self._asked: set[str] = set()

    def take(self, key: str, kind: Kind[T], default: T, *, required: bool = False, secret: bool = False) -> T:
        """Return the value of `key`; `default` where it is missing or wrong, which becomes a complaint."""
        given, source, is_wrong = self._given(key, kind)
        value = default
        if is_wrong:
            return value
        if source == "default":
            if required:
                self.complain(key, f"is missing; allowed is {kind.allowed}")
        else:
            try:
                value = kind.read(given)
            except ValueError as error:
                self.wrong(key, given, kind.allowed, str(error), hide=secret)
        self.note(key, given if source != "default" else value, source, is_secret=secret)
        return value

    def has(self, key: str) -> bool:
        """Is `key` given, in the file or the environment?"""
        return key in self.data or self._path(key) in self.book.environ

    def is_environ(self, key: str) -> bool:
        """Does the environment say what `key` is?"""
        return self._path(key) in self.book.environ

    def is_given(self) -> bool:
        """Is anything of this table given?"""
        return bool(self.data) or any(key.startswith(f"{self.path}.") for key in self.book.environ)

    def skip(self, key: str) -> None:
        """Know `key` without taking it, so that it is no unknown one."""
        self._asked.add(key)
        self.book.keys.add(self._path(key))

    def sub(self, key: str) -> "Section":
        """Return the table `key`, empty where it is missing."""
        self._asked.add(key)
        data = self.data.get(key, {})
        if not isinstance(data, dict):
            self.wrong(key, data, f"a table: [{self._label(key)}]")
            data = {}
        return self._inner(data, self._path(key), self._label(key))

    def subs(self, key: str, name_key: str) -> "list[Section]":
        """Return the tables of the array `key`, labelled by what their `name_key` says."""
        self._asked.add(key)
        tables = self.data.get(key, [])
        if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
            self.wrong(key, tables, f"tables: [[{self._label(key)}]]")
            tables = []
        tables = tables + [{}] * (self._count_in_environ(key) - len(tables))
        return [self._element(key, number, table, name_key) for number, table in enumerate(tables)]

    def free(self) -> Mapping[str, Any]:
        """Return the whole table, whose keys are the desk's own (not checked by `finish`)."""
        self._asked.update(self.data)
        return self.data

    def place(self, key: str) -> str:
        """Return how messages name `key`: the variable that set it, or the file and the key."""
        found = self.book.environ.get(self._path(key))
        return f"environment: {found[0]}" if found else f"{self.file}: {self._label(key)}"

    def complain(self, key: str, text: str) -> None:
        """Add a complaint about `key`."""
        self.book.complain(f"{self.place(key)} {text}")

    def wrong(self, key: str, given: object, allowed: str, why: str = "", *, hide: bool = False) -> None:
        """Add the complaint that `given` is no value for `key`."""
        shown = "(hidden)" if hide else _shown(given)
        self.complain(key, f"= {shown}{f': {why}' if why else ''}; allowed is {allowed}")

    def note(self, key: str, value: object, source: str, *, is_secret: bool = False) -> None:
        """Write down the effective value of `key`."""
        shown = "(hidden)" if is_secret and value else without_password(value) if isinstance(value, str) else value
        name = self.owner + self._label(key)
        self.book.entries[name] = Entry(key=name, value=shown, source=source, is_secret=is_secret)

    def finish(self) -> None:
        """Complain of every key that is none, with a near match."""
        for key in self.data:
            if key not in self._asked:
                near = difflib.get_close_matches(key, self._asked, n=1, cutoff=0.6)
                known = f"did you mean {near[0]}?" if near else f"allowed is {', '.join(sorted(self._asked))}"
                self.book.complain(f"{self.file}: {self._label(key)} is no key of the configuration; {known}")

    def _given(self, key: str, kind: Kind[Any]) -> tuple[Any, str, bool]:
        self._asked.add(key)
        self.book.keys.add(self._path(key))
        found = self.book.environ.get(self._path(key))
        if not found:
            return (self.data[key], self.file, False) if key in self.data else (None, "default", False)
        variable, text = found
        try:
            return kind.from_text(text), variable, False
        except ValueError:
            self.wrong(key, text, kind.allowed)
            return None, variable, True

    def _element(self, key: str, number: int, table: Mapping[str, Any], name_key: str) -> "Section":
        name = table.get(name_key, number + 1)
        label = f"{self._label(key)}[{without_password(str(name))}]"
        return self._inner(table, f"{self._path(key)}.{number}", label)

    def _inner(self, data: Mapping[str, Any], path: str, label: str) -> "Section":
        return Section(data, book=self.book, file=self.file, path=path, label=label, owner=self.owner)

    def _count_in_environ(self, key: str) -> int:
        prefix = self._path(key) + "."
        numbers = (name[len(prefix) :].partition(".")[0] for name in self.book.environ if name.startswith(prefix))
        return max((int(number) + 1 for number in numbers if number.isdecimal() and len(number) < 3), default=0)

    def _path(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _label(self, key: str) -> str:
        return f"{self.label}.{key}" if self.label else key


def variable_of(key: str) -> str:
    """Return the environment variable that overrides the dotted `key`."""
    return PREFIX + key.upper().replace(".", "__")


def without_password(url: str) -> str:
    """Return `url` as it may be shown: postgresql://user:***@host/name."""
    return re.sub(r"(://[^/@:\s]{0,256}:)[^/@\s]{1,256}@", r"\1***@", url)


def toml_text(value: object) -> str:
    """Return a value as a configuration file would have it, on one line."""
    match value:
        case str():
            return json.dumps(without_password(value), ensure_ascii=False)
        case bool():
            return str(value).lower()
        case dict():
            return (
                f"{{ {', '.join(f'{_toml_key(key)} = {toml_text(one)}' for key, one in value.items())} }}"
                if value
                else "{}"
            )
        case list() | tuple():
            return f"[{', '.join(map(toml_text, value))}]"
        case _:
            return str(value)


def _toml_key(key: object) -> str:
    return str(key) if re.fullmatch(r"[A-Za-z0-9_-]{1,200}", str(key)) else json.dumps(str(key), ensure_ascii=False)


def _shown(value: object) -> str:
    text = toml_text(value)
    return text if len(text) <= 120 else f"{text[:117]}..."

"""Word lists: the shipped ones of every language, then a folder of the desk, then the words of its own file."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mailgate import resources
from mailgate.config.reading import Section
from mailgate.errors import ConfigError
from mailgate.model.settings import Lexicon

LANGUAGES = ("en", "de", "pl", "ru", "uk")
SHARED = "common"  # the lists of words that every language uses
CONCEPTS = "concepts"  # the file whose rows are a list for each language
_GROUP = re.compile(r"(?:^|[\s|])@(\w+)")
_PAIRS = "concept."  # lists that pair rows; they are of no language

Lists = Mapping[str, tuple[str, ...]]


def read_lexicon(words: Section, folder: Path | None) -> Lexicon:
    """Return the desk's word lists: those of `folder` replace the shipped ones by list, those of `words` are added."""
    shipped = shipped_lexicon()
    more = words.free()
    if not folder and not more:
        return shipped  # one value for all such desks: its lists are compiled once
    lists = dict(shipped.words)
    for file in sorted(folder.glob("*.toml")) if folder else ():
        for language, own in _by_language(file.stem, _read_own(file, words)).items():
            lists[language] = {**lists.get(language, {}), **own}
    for language, table in more.items():
        lists[language] = _with_more(lists, language, table, words)
    for key, complaint in (*_complaints_of_pairs(lists), *_complaints_of_groups(lists)):
        words.complain(key, complaint)
    return Lexicon(lists)


def languages_of(lexicon: Lexicon) -> tuple[str, ...]:
    """Return the languages that a desk with this lexicon may speak: the shipped ones and those of its own folder."""
    own = () if isinstance(lexicon.words, _Shipped) else tuple(lexicon.words)
    return tuple(name for name in dict.fromkeys((*LANGUAGES, *own)) if name != SHARED)


@cache
def shipped_lexicon() -> Lexicon:
    """Return the shipped word lists."""
    return Lexicon(_Shipped())


class _Shipped(Mapping[str, Lists]):
    """They are read when somebody asks for them: who only lists tickets does not wait for ten thousand phrases."""

    def __getitem__(self, language: str) -> Lists:
        return _shipped()[language]

    def __iter__(self) -> Iterator[str]:
        return iter(_shipped())

    def __len__(self) -> int:
        return len(_shipped())


@cache
def _shipped() -> Mapping[str, Lists]:
    """Read them. Raises ConfigError."""
    files = sorted((resources.path("config") / "words").glob("*.toml"))
    try:
        found: dict[str, dict[str, tuple[str, ...]]] = {language: {} for language in LANGUAGES}
        for file in files:
            for language, lists in _by_language(file.stem, _read(file)).items():
                found.setdefault(language, {}).update(lists)
    except (OSError, ValueError) as error:
        raise ConfigError([f"shipped word lists: {error}"]) from error
    return found


def _by_language(stem: str, lists: Lists) -> Mapping[str, Lists]:
    """Return what a file holds for each language: a file is of one, but the rows of concepts are of all."""
    if stem != CONCEPTS:
        return {stem: lists}
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for name, texts in lists.items():
        row, _, language = name.rpartition(".")
        place, row = (SHARED, name) if name.startswith(_PAIRS) else (language, row)
        found.setdefault(place, {})[row] = texts
    return found


def _read_own(file: Path, words: Section) -> Lists:
    try:
        return _read(file)
    except (OSError, ValueError) as error:
        words.book.complain(f"{file}: {error}")
        return {}


def _read(file: Path) -> Lists:
    return dict(_flatten(tomllib.loads(file.read_text(encoding="utf-8"))))


def _with_more(lists: Mapping[str, Lists], language: str, table: Any, words: Section) -> Lists:
    known = {name for each in lists.values() for name in each}
    more = dict(lists.get(language, {}))
    if language not in lists or not isinstance(table, dict):
        words.complain(language, f"is no language with words; allowed are tables of {', '.join(lists)}")
        return more
    try:
        added = dict(_flatten(table))
    except ValueError as error:
        words.complain(language, f"cannot be read: {error}")
        return more
    for name, texts in added.items():
        if known and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"allowed is {', '.join(sorted(known))}"
            words.complain(f"{language}.{name}", f"is no word list; {hint}")
        more[name] = tuple(dict.fromkeys((*more.get(name, ()), *texts)))
    return more


def _complaints_of_pairs(lists: Mapping[str, Lists]) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with the pairs of concepts: a mail would find it out too late."""
    rows = {name for each in lists.values() for name in each}
    for name, pairs in lists.get(SHARED, {}).items():
        for pair in pairs if name.startswith(_PAIRS) else ():
            thing, plus, act = (part.strip() for part in pair.partition("+"))
            if not plus or f"object.{thing}" not in rows or f"act.{act}" not in rows:
                yield f"{SHARED}.{name}", f"{pair!r} is no pair of rows as 'payment_means + change'"


def _complaints_of_groups(lists: Mapping[str, Lists]) -> Iterator[tuple[str, str]]:
    """Yield the groups that a phrase names and its language has not."""
    for language, own in lists.items():
        known = {name for each in (own, lists.get(SHARED, {})) for name in each}
        for name, phrases in own.items():
            for group in (group for phrase in phrases for group in _GROUP.findall(phrase)):
                if f"group.{group}" not in known:
                    yield f"{language}.{name}", f"there is no list group.{group}"


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{prefix}{key}.")
        elif isinstance(value, str):
            yield f"{prefix}{key}", (value,)
        elif isinstance(value, list) and all(isinstance(text, str) for text in value):
            yield f"{prefix}{key}", tuple(value)
        else:
            raise ValueError(f"{prefix}{key} is no list of texts")

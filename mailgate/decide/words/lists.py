"""Word lists compiled into one trie over word patterns: every phrase of every list is found in one pass."""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from mailgate.decide.words.lexer import ADDRESS, HOST, IP, NUMBER, SENTENCE, Words, fold
from mailgate.model.settings import Lexicon

_GAP_WORDS = 5
_FEW = 12
_MOST_HITS = 40  # of one list in one text: more say nothing new
_CACHED = 50_000
_NAMES = {"<host>": HOST, "<mail>": ADDRESS, "<ip>": IP, "<num>": NUMBER}
_JOINTS = re.compile(r"[-.:&/]")
_MARK = re.compile(r"\s*\.\.\.\s*")


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of a list, found at words `start` to `end` (excluded)."""

    language: str
    start: int
    end: int


Hits = Mapping[str, tuple[Hit, ...]]


@dataclass(slots=True)
class _Node:
    after: dict[int, "_Node"] = field(default_factory=dict)
    gap: "_Node | None" = None
    ends: list[tuple[str, str]] = field(default_factory=list)  # list, language


class Lists:
    """All lists of a lexicon, compiled. `find` is linear in the words of a text."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._root = _Node()
        self._atoms: dict[str, int] = {}
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._prefix: dict[str, list[int]] = defaultdict(list)
        self._inner: list[tuple[str, bool, int]] = []  # literal, at the end only, atom
        self._known: dict[str, tuple[int, ...]] = {}
        for language, lists in lexicon.words.items():
            for name, phrases in lists.items():
                if not name.startswith("group."):
                    for phrase in phrases:
                        self._add(phrase, name, language, lists, lexicon.words.get("common", {}))
        self._lengths = sorted({len(prefix) for prefix in self._prefix})
        self._awaited = frozenset(_behind_gaps(self._root))

    def find(self, text: Words) -> Hits:
        """Return every phrase found, by list, in the order of the text."""
        atoms = [self.atoms_of(word) for word in text.words]
        walk = _Walk(text, atoms, self._awaited)
        roots = self._root.after
        for start, here in enumerate(atoms):
            for atom in here:
                node = roots.get(atom)
                if node is not None and walk.is_promising(node, start + 1):
                    walk.follow(node, start + 1, start)
        return {name: tuple(hits) for name, hits in walk.found.items()}

    def atoms_of(self, word: str) -> tuple[int, ...]:
        """Return the word patterns that `word` fits."""
        known = self._known.get(word)
        if known is None:
            if len(self._known) > _CACHED:
                self._known.clear()
            known = self._known[word] = tuple(dict.fromkeys(self._fitting(word)))
        return known

    def _fitting(self, word: str) -> Iterator[int]:
        yield from self._exact.get(word, ())
        if word[0].isdigit():
            yield from self._exact.get(NUMBER, ())
        for length in self._lengths:
            if length > len(word):
                break
            yield from self._prefix.get(word[:length], ())
        for literal, only_end, atom in self._inner:
            if word.endswith(literal) if only_end else literal in word:
                yield atom

    def _add(
        self,
        phrase: str,
        name: str,
        language: str,
        lists: Mapping[str, tuple[str, ...]],
        common: Mapping[str, tuple[str, ...]],
    ) -> None:
        for words in _variants(_split(phrase)):
            node = self._root
            for word in words:
                if word == "...":
                    node.gap = node.gap or _Node()
                    node = node.gap
                else:
                    node = node.after.setdefault(self._atom(word, language, lists, common), _Node())
            if (name, language) not in node.ends:
                node.ends.append((name, language))

    def _atom(
        self, word: str, language: str, lists: Mapping[str, tuple[str, ...]], common: Mapping[str, tuple[str, ...]]
    ) -> int:
        key = f"{language}:{word}" if "@" in word else word
        if key not in self._atoms:
            self._atoms[key] = atom = len(self._atoms)
            for pattern in _alternatives(word, lists, common):
                self._file(pattern, atom)
        return self._atoms[key]

    def _file(self, pattern: str, atom: int) -> None:
        bare = pattern.strip("*")
        if pattern.startswith("*"):
            self._inner.append((bare, not pattern.endswith("*"), atom))
        elif pattern.endswith("*"):
            self._prefix[bare].append(atom)
        else:
            self._exact[pattern].append(atom)


class _Walk:
    """One pass over a text: what was found, and where each word pattern fits."""

    __slots__ = ("atoms", "breaks", "ends", "found", "places")

    def __init__(self, text: Words, atoms: list[tuple[int, ...]], awaited: frozenset[int]) -> None:
        self.atoms = atoms
        self.breaks = text.breaks
        self.found: dict[str, list[Hit]] = {}
        self.places: dict[int, list[int]] = {}  # of the patterns that may stand behind a gap
        for index, here in enumerate(atoms):
            if here and not awaited.isdisjoint(here):
                for atom in here:
                    self.places.setdefault(atom, []).append(index)
        self.ends = [len(atoms)] * (len(atoms) + 1)  # where the sentence of each word ends
        for index in range(len(atoms) - 1, 0, -1):
            self.ends[index - 1] = index if text.breaks[index] >= SENTENCE else self.ends[index]

    def is_promising(self, node: _Node, at: int) -> bool:
        """May a phrase end here, or go on? Most end at their second word: seen here, it costs no step of the walk."""
        if node.ends:
            return True
        if at >= len(self.atoms):
            return False
        if node.after and not node.after.keys().isdisjoint(self.atoms[at]):
            return True
        return node.gap is not None and not self.places.keys().isdisjoint(node.gap.after)

    def follow(self, node: _Node, at: int, start: int) -> None:
        for name, language in node.ends:
            hits = self.found.setdefault(name, [])
            if len(hits) < _MOST_HITS:
                hits.append(Hit(language, start, at))
        if at >= len(self.atoms) or self.breaks[at] >= SENTENCE:
            return
        if node.after:
            for atom in self.atoms[at]:
                child = node.after.get(atom)
                if child is not None and self.is_promising(child, at + 1):
                    self.follow(child, at + 1, start)
        if node.gap is not None:
            self._skip(node.gap.after, at, start)

    def _skip(self, after: dict[int, _Node], at: int, start: int) -> None:
        """Go on with what follows within the gap, looking from the side that has less to look at."""
        if self.places.keys().isdisjoint(after):
            return
        end = min(at + _GAP_WORDS + 1, self.ends[at])
        if len(after) > _FEW:
            for index in range(at, end):
                for atom in self.atoms[index]:
                    child = after.get(atom)
                    if child is not None:
                        self.follow(child, index + 1, start)
            return
        for atom, child in after.items():
            places = self.places.get(atom)
            if places is not None:
                for index in places[bisect_left(places, at) : bisect_left(places, end)]:
                    self.follow(child, index + 1, start)


def _behind_gaps(node: _Node) -> Iterator[int]:
    """Yield the word patterns that may follow a gap anywhere below `node`."""
    for child in node.after.values():
        yield from _behind_gaps(child)
    if node.gap is not None:
        yield from node.gap.after
        yield from _behind_gaps(node.gap)


def _split(phrase: str) -> list[str]:
    """Cut a phrase as a text would be: what joins words there parts them here."""
    words: list[str] = []
    for word in _MARK.sub(" ... ", fold(phrase)).split():
        words += [word] if word == "..." else [part for part in _JOINTS.split(word) if part.strip("*")]
    return [_NAMES.get(word, word) for word in words]


def _variants(words: list[str]) -> Iterator[list[str]]:
    """Yield the phrase with and without each optional word, and for each alternative of several words (a|b_c)."""
    for index, word in enumerate(words):
        if word.endswith("?") and len(word) > 1:
            for rest in _variants(words[index + 1 :]):
                yield [*words[:index], word[:-1], *rest]
                yield [*words[:index], *rest]
            return
        if "|" in word and "_" in word:
            parts = word.split("|")
            single = [part for part in parts if "_" not in part]
            choices = [["|".join(single)]] if single else []
            for choice in [*choices, *(part.split("_") for part in parts if "_" in part)]:
                for rest in _variants(words[index + 1 :]):
                    yield [*words[:index], *choice, *rest]
            return
    yield words


def _alternatives(
    word: str, lists: Mapping[str, tuple[str, ...]], common: Mapping[str, tuple[str, ...]]
) -> Iterator[str]:
    for part in word.split("|"):
        if part.startswith("@"):
            name = f"group.{part[1:]}"
            members = lists.get(name) or common.get(name)
            if members is None:
                raise ValueError(f"no group {part} among the word lists")
            for member in members:
                yield from _alternatives(_one_word(member), lists, common)
        elif part:
            yield _NAMES.get(part, part)


def _one_word(member: str) -> str:
    words = _split(member)
    if len(words) != 1:
        raise ValueError(f"a group holds single words, not {member!r}")
    return words[0]

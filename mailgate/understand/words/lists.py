"""Word lists compiled into one trie over word patterns: every phrase of every list is found in one pass."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from mailgate.model.settings import Lexicon
from mailgate.understand.words.lexer import ADDRESS, HOST, IP, NUMBER, SENTENCE, Words, fold

_GAP_WORDS = 5
_MOST_HITS = 40  # of one list in one text: more say nothing new
_CACHED = 50_000
_NAMES = {"<host>": HOST, "<mail>": ADDRESS, "<ip>": IP, "<num>": NUMBER}
# of these the vowel without its dots is another word: wäre and Ware, ändern and andere, verlängern and verlangen
_OTHER_WORDS = (
    "aender", "waere", "haette", "wuerde", "koennte", "moechte", "schoen", "groesser", "zaehl", "verlaeng", "fuehr",
    "kuerz", "waehr", "staend", "laenger",
)  # fmt: skip
_LEAST_PLAIN = 5  # letters: a short beginning is soon that of another word
_UMLAUT = re.compile("(?<=[aou])e")
_JOINTS = re.compile(r"[-.:&/]")
_MARK = re.compile(r"\s*\.\.\.\s*")


class Hit(NamedTuple):
    """A phrase of a list, found at words `start` to `end` (excluded)."""

    language: str
    start: int
    end: int


Hits = Mapping[str, tuple[Hit, ...]]


@dataclass(slots=True, eq=False)
class _Node:
    after: dict[int, "_Node"] = field(default_factory=dict)
    gap: "_Node | None" = None
    ends: list[tuple[str, str]] = field(default_factory=list)  # list, language


class _State:
    """Where a text may be in all phrases at once: some nodes of the trie, and where each word leads from them."""

    __slots__ = ("ends", "gap", "nodes", "onward")

    def __init__(self, nodes: tuple[_Node, ...], gap: "_State | None", lists: "Lists") -> None:
        self.nodes = tuple(node for node in nodes if node.after)
        self.gap = gap
        self.ends = tuple(dict.fromkeys(end for node in nodes for end in node.ends))
        self.onward = _Onward(self, lists)


class _Onward(dict[str, "_State | None"]):
    """Where each word leads from a state: found when the word first comes up, and kept."""

    __slots__ = ("_lists", "_state")

    def __init__(self, state: _State, lists: "Lists") -> None:
        self._state, self._lists = state, lists

    def __missing__(self, word: str) -> "_State | None":
        self[word] = found = self._lists.beyond(self._state, word)
        return found


class Lists:
    """All lists of a lexicon, compiled. `find` is linear in the words of a text."""

    def __init__(self, lexicon: Lexicon, is_wanted: Callable[[str], bool] = lambda name: True) -> None:
        """`is_wanted` says which lists, by their names."""
        self._root = _Node()
        self._atoms: dict[str, int] = {}
        self._exact: dict[str, list[int]] = defaultdict(list)
        self._prefix: dict[str, list[int]] = defaultdict(list)
        self._inner: list[tuple[str, bool, int]] = []  # literal, at the end only, atom
        for language, lists in lexicon.words.items():
            for name, phrases in lists.items():
                if not name.startswith("group.") and is_wanted(name):
                    for phrase in phrases:
                        self._add(phrase, name, language, lists, lexicon.words.get("common", {}))
        self._lengths = sorted({len(prefix) for prefix in self._prefix})
        self._forget()

    def find(self, text: Words) -> Hits:
        """Return every phrase found, by list, in the order of the text."""
        if self._cached > _CACHED:
            self._forget()
        walk = _Walk(text)
        for start, state in enumerate(map(self._first.onward.__getitem__, text.words)):
            if state is not None:
                walk.follow(state, start + 1, start)
        return {name: tuple(hits) for name, hits in walk.found.items()}

    def _forget(self) -> None:
        """Let go of all that texts have taught: strange words must not fill the memory."""
        self._known: dict[str, tuple[int, ...]] = {}
        self._states: dict[tuple[_Node, ...], _State] = {}
        self._cached = 0
        self._first = self._state((self._root,))

    def beyond(self, state: _State, word: str) -> _State | None:
        """Return where `word` leads from `state`, None where no phrase goes on with it."""
        atoms = self.atoms_of(word)
        nodes = [node.after[atom] for node in state.nodes for atom in atoms if atom in node.after]
        self._cached += 1
        return self._state(tuple(nodes)) if nodes else None

    def _state(self, nodes: tuple[_Node, ...]) -> _State:
        if nodes not in self._states:
            gaps = tuple(node.gap for node in nodes if node.gap is not None)
            self._states[nodes] = _State(nodes, self._state(gaps) if gaps else None, self)
        return self._states[nodes]

    def atoms_of(self, word: str) -> tuple[int, ...]:
        """Return the word patterns that `word` fits."""
        known = self._known.get(word)
        if known is None:
            self._cached += 1
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
                if language == "de" and (plain := _without_umlauts(pattern)) != pattern:
                    self._file(plain, atom)
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
    """One pass over a text, and what was found."""

    __slots__ = ("_breaks", "_words", "found")

    def __init__(self, text: Words) -> None:
        self._words, self._breaks = text.words, text.breaks
        self.found: defaultdict[str, list[Hit]] = defaultdict(list)

    def follow(self, state: _State, at: int, start: int) -> None:
        """Note what ends before word `at`, and go on within the sentence."""
        while True:
            if state.ends:
                self._note(state.ends, start, at)
            if self._breaks[at] >= SENTENCE:  # so it is behind the last word, too
                return
            after = state.onward[self._words[at]] if state.nodes else None
            if state.gap is not None:
                if after is not None:
                    self.follow(after, at + 1, start)
                self._skip(state.gap, at, start)
                return
            if after is None:
                return
            state, at = after, at + 1

    def _note(self, ends: tuple[tuple[str, str], ...], start: int, end: int) -> None:
        spoken, hit = "", None
        for name, language in ends:
            hits = self.found[name]
            if len(hits) < _MOST_HITS:
                if hit is None or language != spoken:  # one phrase stands in many lists: one value serves them all
                    spoken, hit = language, Hit(language, start, end)
                hits.append(hit)

    def _skip(self, gap: _State, at: int, start: int) -> None:
        """Go on behind a gap of some words, or of none, in the same sentence."""
        words, breaks, onward = self._words, self._breaks, gap.onward
        for index in range(at, min(at + _GAP_WORDS + 1, len(words))):
            if index > at and breaks[index] >= SENTENCE:
                return
            if (after := onward[words[index]]) is not None:
                self.follow(after, index + 1, start)


def _without_umlauts(pattern: str) -> str:
    """Return a German pattern as those write it whose keyboard has no umlauts: kundigen, zuruck. The ends of compounds
    stay, as *kundigung is that of Erkundigung too."""
    if pattern.startswith("*") or any(word in pattern for word in _OTHER_WORDS):
        return pattern
    plain = _UMLAUT.sub("", pattern)
    return plain if len(plain.strip("*")) >= _LEAST_PLAIN else pattern


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

"""The language of a short text (M5): letters, then common words, then letter profiles; None where undecided."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import LanguageWords, Phrases

_NOISE = re.compile(r"https?://\S++|www\.\S++|\[[^\]\n]{1,60}#[^\]\n]{1,30}\]|(?<![\w-])[\w-]++\.\w++(?:\.\w++)*")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_CYRILLIC = re.compile(r"[\u0400-\u04ff]")
_CYRILLIC_RUN = re.compile(r"[\u0400-\u04ff]+")
_LATIN_RUN = re.compile(r"[A-Za-z\u00c0-\u024f]+")
_MAX = 1000  # characters looked at
_CLEAR = 6.0  # points of words and letters that settle it
_MARGIN = {"latin": 1.2, "cyrillic": 0.8}


@dataclass(frozen=True, slots=True)
class _Profile:
    code: str
    words: Mapping[str, float]
    letters: frozenset[str]
    foreign: frozenset[str]
    strange: re.Pattern[str]  # a letter that is neither ASCII nor its own
    grams: Mapping[str, float]
    floor: float
    letter_rate: float  # how much of its writing are letters of its own; 0 where people leave the accents out


def detect(text: str, phrases: Phrases) -> str | None:
    """Return the code of the language of `text`, None where it cannot be told or is none of ours."""
    bare = _NOISE.sub(" ", text[:_MAX]).lower().replace("’", "'")
    words = _WORD.findall(bare)
    if not words:
        return None
    script = _script(words)
    if script is None:
        return None
    profiles = _profiles(phrases).get(script, ())
    if script == "cyrillic":
        words = [word for word in words if _CYRILLIC.search(word)]
    telling = _telling(phrases, script)
    told = (
        [word for word in words if telling.search(word)] if telling.search(bare) else []
    )  # few words have such a letter
    scored = [(_words_score(words, told, profile), profile) for profile in profiles]
    best = _leader(scored, _CLEAR)
    if best is None:
        best = _leader([(score + _grams_score(words, profile), profile) for score, profile in scored], _MARGIN[script])
    if best is None:
        return None
    return best.code if script == "cyrillic" or _is_known(words, best) else None


@lru_cache(maxsize=8)
def _telling(phrases: Phrases, script: str) -> re.Pattern[str]:
    """Return what finds a letter that tells these languages apart."""
    profiles = _profiles(phrases).get(script, ())
    letters = sorted(frozenset[str]().union(*(profile.letters | profile.foreign for profile in profiles)))
    return re.compile(f"[{re.escape(''.join(letters))}]" if letters else r"(?!)")


def _leader(scored: Sequence[tuple[float, _Profile]], margin: float) -> _Profile | None:
    ordered = sorted(scored, key=lambda one: -one[0])
    if not ordered or len(ordered) > 1 and ordered[0][0] - ordered[1][0] < margin:
        return None
    return ordered[0][1]


def _is_known(words: Sequence[str], profile: _Profile) -> bool:
    """Tell whether the text is of this language at all, not only nearer to it than to the others."""
    common = profile.words
    known = len([word for word in words if word in common])
    rare = [word for word in words if not word.isascii()]  # no letter of a language's own is ASCII
    known += len([word for word in rare if word not in common and not profile.letters.isdisjoint(word)])
    strange = len([word for word in rare if profile.strange.search(word)])
    return known * 6 >= len(words) and known > strange


def _script(words: Sequence[str]) -> str | None:
    joined = "".join(words)
    if joined.isascii():
        return "latin"
    cyrillic, latin = (sum(map(len, runs.findall(joined))) for runs in (_CYRILLIC_RUN, _LATIN_RUN))
    if (cyrillic + latin) * 2 < len(joined):
        return None
    return "cyrillic" if cyrillic * 3 >= latin else "latin"


def _words_score(words: Sequence[str], told: Sequence[str], profile: _Profile) -> float:
    """Letters that only one language has weigh most, then its common words. `told` are the words with such letters."""
    weights = profile.words
    score = 2.0 * sum([weights[word] for word in words if word in weights])
    own = sum(not profile.letters.isdisjoint(word) for word in told)
    score += 3.0 * own - 4.0 * sum(not profile.foreign.isdisjoint(word) for word in told)
    if profile.letter_rate and not own:
        score -= sum(map(len, words)) * profile.letter_rate * 0.6
    return score


def _grams_score(words: Sequence[str], profile: _Profile) -> float:
    """How likely the letters in threes are, in nats, damped, for neighbours are not independent."""
    likelihood = 0.0
    grams = 0
    for word in words:
        padded = f" {word} "
        grams += len(padded) - 2
        for at in range(len(padded) - 2):
            likelihood += profile.grams.get(padded[at : at + 3], profile.floor)
    return 0.4 * likelihood * min(1.0, 60 / max(grams, 1))


@lru_cache(maxsize=4)
def _profiles(phrases: Phrases) -> dict[str, tuple[_Profile, ...]]:
    shared = Counter(word for language in phrases.languages for word in set(language.words))
    found: dict[str, list[_Profile]] = {}
    for language in phrases.languages:
        found.setdefault(language.script, []).append(_profile(language, shared))
    return {script: tuple(profiles) for script, profiles in found.items()}


def _profile(language: LanguageWords, shared: Counter[str]) -> _Profile:
    counts: Counter[str] = Counter()
    for word in (*_WORD.findall(language.text.lower()), *language.words):
        padded = f" {word} "
        counts.update(padded[at : at + 3] for at in range(len(padded) - 2))
    total = sum(counts.values()) + len(counts) + 1
    return _Profile(
        code=language.code,
        words={word: 1.0 / shared[word] for word in language.words},
        letters=frozenset(language.letters),
        foreign=frozenset(language.foreign),
        strange=re.compile(f"[^\\x00-\\x7f{re.escape(language.letters)}]"),
        grams={gram: math.log((count + 1) / total) for gram, count in counts.items()},
        floor=math.log(0.5 / total),
        letter_rate=_letter_rate(language) if language.script == "cyrillic" else 0.0,
    )


def _letter_rate(language: LanguageWords) -> float:
    written = _CYRILLIC.findall(language.text.lower())
    return sum(letter in language.letters for letter in written) / max(len(written), 1)

"""A mere thank-you (T5): what is left when thanks, greetings, names, reactions and a signature are taken away."""

import re
from collections.abc import Iterable, Iterator, Mapping

from mailgate.understand.words.lexer import ADDRESS, HOST, IP, QUESTION, SENTENCE, Words, fold
from mailgate.understand.words.lists import Hit

MOST_WORDS = 45
_SHORT_WORDS = 8  # from here on a word that no list knows may be one of thanks
_MOST_NAMES = 2
_MOST_SIGNATURE = 8  # lines
GLAD = "xgladx"
SAD = "xsadx"
_GLAD_SIGNS = re.compile(
    "[\u2764\u2665\u263a\u2705\u2714\u2728\U0001f44d\U0001f44c\U0001f44f\U0001f64f\U0001f64c\U0001f91d\U0001f4aa\U0001f4af"
    "\U0001f389\U0001f38a\U0001f31f\U0001f339\U0001f490\U0001f495-\U0001f49d\U0001f970\U0001f929\U0001f917\U0001f600-\U0001f60d"
    "\U0001f618\U0001f61a\U0001f642\U0001f643\U0001faf6\U0001f525\U0001f942\U0001f37b\U0001f9e1\U0001f90d\U0001f90e\U0001f5a4]"
)
_SAD_SIGNS = re.compile(
    "[\U0001f44e\U0001f620-\U0001f62d\U0001f612-\U0001f616\U0001f61e\U0001f61f\U0001f641\u2639\U0001f494\U0001f926\U0001f621]"
)
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff\ufe0f\u200d]")
_FIRM = re.compile(
    r"\b(?:GmbH|AG|UG|KG|OHG|GbR|e\.?\s?K|e\.?V|Ltd|LLC|LLP|Inc|Corp|PLC|S\.?A|B\.?V|sp\.?\s?z\s?o\.?\s?o|s\.?c|S\.?K\.?A|"
    r"ООО|ОАО|ЗАО|АО|ИП|ТОВ|ФОП|ПП|ПрАТ)\b"
)
_PHONE = re.compile(r"\+?\d[\d ()/.-]{5,20}\d")
_CONTACT = re.compile(
    r"^(?:tel|phone|mobile?|mob|fax|e-?mail|web|www|тел|моб|т\.|ust|nip|инн|skype|telegram|viber)\b", re.IGNORECASE
)
_PARTICLE = frozenset("von van de der den zu und and i и та & of für for la le du di dr mgr inż dipl ing".split())
_STAND_INS = frozenset({HOST, ADDRESS, IP})
_WORD = re.compile(r"[^\W\d_][\w'’-]*")


def has_emoji(text: str) -> bool:
    """Does `text` hold a sign of gladness?"""
    return not text.isascii() and bool(_GLAD_SIGNS.search(text))


def with_emoji(text: str) -> str:
    """Return `text` with emoji as words: those that are glad, and those that are not."""
    if text.isascii():
        return text
    text = _SKIN.sub("", text)
    return _SAD_SIGNS.sub(f" {SAD} ", _GLAD_SIGNS.sub(f" {GLAD} ", text))


def without_signature(text: str, matter: frozenset[str]) -> str:
    """Return `text` without what stands below the words of its writer: names, a firm, telephone numbers. `matter` are
    words that a signature has not: a line with one of them says something."""
    lines = text.rstrip().split("\n")
    end = len(lines)
    while end > 1 and len(lines) - end < _MOST_SIGNATURE and _is_signature(lines[end - 1], matter):
        end -= 1
    return "\n".join(lines[:end])


def _is_signature(line: str, matter: frozenset[str]) -> bool:
    line = line.strip(" \t*_-–—|>•")
    if not line or _CONTACT.match(line) or _PHONE.fullmatch(line) or _FIRM.search(line) and len(line.split()) <= 8:
        return True
    words = line.split()
    if len(words) > 6:
        return False
    bare = [word.strip(",.;:|()") for word in words]
    if any(fold(word) in matter for word in bare):
        return False
    return all(_is_of_a_name(word) for word in bare)


def _is_of_a_name(word: str) -> bool:
    return not word or not word[0].isalpha() or word[0].isupper() or word in _PARTICLE or word in _STAND_INS


def thanks_of(words: Words, hits: Mapping[str, tuple[Hit, ...]], text: str) -> list[Hit]:
    """Return the phrases of a mere thank-you, none where anything else is left of `words`, which were cut of `text`."""
    total = len(words.words)
    phrases = list(hits.get("thanks.phrase", ()))
    if not phrases or total > MOST_WORDS or QUESTION in words.breaks[1:]:
        return []
    allowed = _covered(hits.get("thanks.allowed", ()))
    if any(hit.start not in allowed for hit in hits.get("thanks.blocker", ())):
        return []
    known = allowed | {at for name in _KNOWN for at in _covered(hits.get(name, ()))}
    left = [at for at in range(total) if at not in known]
    names = set(_names(words, left, hits, text))
    others = [words.words[at] for at in left if at not in names]
    if not others:
        return phrases
    is_one_word = len(others) == 1 and not (others[0] in _STAND_INS or others[0][0].isdigit())
    return phrases if is_one_word and total >= _SHORT_WORDS else []


_KNOWN = ("thanks.phrase", "thanks.word", "greeting", "closing")


def _names(words: Words, left: list[int], hits: Mapping[str, tuple[Hit, ...]], text: str) -> Iterator[int]:
    """Yield those of the words left that can be names: in capitals where no sentence begins, and of no matter."""
    capitals = {fold(word) for word in _WORD.findall(text) if word[0].isupper()}
    matter = {at for name, found in hits.items() if name.startswith(_MATTER) for at in _covered(found)}
    found = 0
    for at in left:
        is_inner = words.breaks[at] < SENTENCE
        if words.words[at] in capitals and is_inner and at not in matter and found < _MOST_NAMES:
            found += 1
            yield at


_MATTER = ("class.", "trouble", "outage.stated", "request.")


def _covered(hits: Iterable[Hit]) -> set[int]:
    return {at for hit in hits for at in range(hit.start, hit.end)}

"""Russian in Latin letters, as people write it who have no Cyrillic keyboard: "zabyl parol ot pochty"."""

import re
from collections.abc import Callable, Iterator

from mailgate.understand.words.lexer import Words

# words that no other language of ours has; two of them make a text Russian in Latin letters
_MARKS = frozenset(
    "hochu khochu hotim mne menya moy moj moya moi nash nasha vash vas vam kak chto pochemu nado nuzhno nuzhen nuzhna"
    " nuzhny nelzya mozhno mogu mozhem zdravstvuyte zdravstvujte zdravstvuite dobryj dobriy dobroe pozhaluysta pozhalujsta"
    " pozhaluista pojaluysta pojaluista spasibo zabyl zabyla parol parolya pochta pochty pochtu pochte pisma pismo pisem"
    " dogovor dogovora sayt sait sayta saita rabotaet rabotayut otkryvaetsya dengi deneg oplatil oplatila schet scheta"
    " domen domena khosting khostinga uslugi vernite verni sbroste sbrosit skinte dayte prishlite otmenite udalite"
    " smenit pomenyat akkaunt otvechaet vladelca vladeltsa prihodyat prikhodyat ne eto rastorgnut rastorgnite".split()
)
_ENOUGH = 2
_LETTERS = {
    "shch": "щ", "zh": "ж", "kh": "х", "ch": "ч", "sh": "ш", "yu": "ю", "ju": "ю", "ya": "я", "ja": "я", "yo": "е",
    "ts": "ц", "ye": "е", "je": "е", "a": "а", "b": "б", "v": "в", "w": "в", "g": "г", "d": "д", "e": "е", "z": "з",
    "i": "и", "j": "й", "k": "к", "l": "л", "m": "м", "n": "н", "o": "о", "p": "п", "r": "р", "s": "с", "t": "т",
    "u": "у", "f": "ф", "h": "х", "c": "ц", "x": "кс", "q": "к", "'": "ь",
}  # fmt: skip
_PIECE = re.compile("|".join(_LETTERS) + r"|(?<=[aeiou])y|y")
_SOFT = re.compile("([лнст])(?=[бгкмчшн])")


def in_cyrillic(words: Words, is_known: Callable[[str], bool]) -> Words:
    """Return `words` with those in Cyrillic letters that are Russian words of the lists; others stay as they are."""
    if len(_MARKS.intersection(words.words)) < _ENOUGH:
        return words
    return Words(tuple(_russian(word, is_known) for word in words.words), words.breaks)


def _russian(word: str, is_known: Callable[[str], bool]) -> str:
    if not word.isascii() or not word.strip("'").isalpha():
        return word
    return next((form for form in _forms(word) if is_known(form)), word)


def _forms(word: str) -> Iterator[str]:
    """Yield how a word may be written: soft signs, and which of two letters a digraph stands for, are lost."""
    plain = _PIECE.sub(lambda found: _letter(found.group(), word, found.start()), word)
    softened = _SOFT.sub(r"\1ь", plain)
    soft = (f"{plain}ь", f"{softened}ь")
    yield from (*soft, plain, softened) if plain.endswith("т") else (plain, softened, *soft)


def _letter(piece: str, word: str, at: int) -> str:
    if piece == "y":
        return "й" if at and word[at - 1] in "aeiou" else "ы"
    return _LETTERS[piece]

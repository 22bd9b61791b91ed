"""What somebody looks for (W2): words, "phrases", from: status: queue: before: after:, read from one line."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date

# as in `understand`: umlauts as two letters; the letters that no accent is taken off of by an engine stand here too
PAIRS = {"ä": "ae", "Ä": "ae", "ö": "oe", "Ö": "oe", "ü": "ue", "Ü": "ue", "ß": "ss", "ł": "l", "Ł": "l",
         "ё": "е", "Ё": "е"}  # fmt: skip
LETTERS = {
    chr(code): plain
    for code in range(0xE0, 0x180)
    if chr(code).islower()
    and (plain := unicodedata.normalize("NFD", chr(code))[0]).isascii()
    and chr(code) not in PAIRS
}
# no percent sign: drivers read it, and every engine takes it for a blank by itself
PUNCTUATION = "!\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~«»„“”‚‘’ʼ´–—…№·•\u00a0"
STATUSES = ("new", "open", "waiting", "resolved", "closed", "merged")
KEYS = ("from", "status", "queue", "desk", "owner", "before", "after")

_PIECE = re.compile(r"(?:(?P<key>[A-Za-z]{4,6}):)?(?:\"(?P<phrase>[^\"]*)\"?|(?P<word>\S+))")
_EXAMPLES = {
    "from": "olena@shop.example", "status": "open", "queue": "billing", "desk": "flexihost", "owner": "ivan",
    "before": "2026-03-31", "after": "2026-03-01",
}  # fmt: skip
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
_TO_BLANKS = str.maketrans(dict.fromkeys(PUNCTUATION + "%", " "))
_MOST_TERMS, _MOST_LETTERS = 20, 1000


class BadSearch(ValueError):
    """What was typed cannot be looked for; the text says why, and what can. `why` and `values`: the same for pages that
    speak other languages."""

    def __init__(self, why: str, text: str, **values: str) -> None:
        super().__init__(text)
        self.why, self.values = why, values


@dataclass(frozen=True, kw_only=True, slots=True)
class Term:
    """Words that follow each other, folded; `is_open`: the last one may go on (`server` finds `servers`)."""

    words: tuple[str, ...]
    is_open: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Search:
    """All of `terms` and `people` must be there. `number`: the one word is a number, perhaps a ticket's."""

    terms: tuple[Term, ...] = ()
    people: tuple[Term, ...] = ()
    number: int | None = None
    statuses: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()
    desks: tuple[str, ...] = ()
    owner: str | None = None
    before: date | None = None
    after: date | None = None


def read_search(line: str) -> Search:
    """Return what `line` asks for. Raises BadSearch with the way out."""
    found = list(_PIECE.finditer(line[:_MOST_LETTERS]))[:_MOST_TERMS]
    terms: list[Term] = []
    people: list[Term] = []
    chosen: dict[str, list[str]] = {key: [] for key in KEYS}
    for piece in found:
        key, text = (piece["key"] or "").lower(), piece["word"] if piece["phrase"] is None else piece["phrase"]
        if not key and text[-1:] == ":" and text[:-1].lower() in KEYS:
            key, text = text[:-1].lower(), ""
        if key in KEYS:
            if not (text := text.strip()):
                example = f"{key}:{_EXAMPLES[key]}"
                text = f"{key}: says nothing to look for; write it in one, as {example}"
                raise BadSearch("bare", text, key=key, example=example)
            chosen[key].append(text)
            continue
        term = _term(f"{key}:{text}" if key else text, is_phrase=piece["phrase"] is not None)
        terms += [term] if term else []
    # a whole address does not go on
    people += [term for text in chosen["from"] if (term := _term(text, is_phrase="." in text.partition("@")[2]))]
    wrong = [one for one in chosen["status"] if one not in STATUSES]
    if wrong:
        known = ", ".join(STATUSES)
        raise BadSearch("no_status", f"status:{wrong[0]} is no status ({known})", status=wrong[0], known=known)
    search = Search(
        terms=tuple(terms), people=tuple(people), number=_number(line), statuses=tuple(chosen["status"]),
        queues=tuple(chosen["queue"]), desks=tuple(chosen["desk"]), owner=chosen["owner"][-1] if chosen["owner"] else None,
        before=_day("before", chosen["before"]), after=_day("after", chosen["after"]),
    )  # fmt: skip
    if search == Search():
        keys = ", ".join(f"{key}:" for key in KEYS)
        raise BadSearch("no_words", f'nothing to look for: write words, "a phrase", or {keys}', keys=keys)
    return search


def folded(text: str) -> str:
    """Return `text` as the index has it: lower case, accents off, punctuation as blanks."""
    plain = unicodedata.normalize("NFC", text).translate(_TO_BLANKS)
    for letter, pair in PAIRS.items():
        plain = plain.replace(letter, pair)
    return "".join(LETTERS.get(letter, letter) for letter in plain.lower())


def _term(text: str, *, is_phrase: bool) -> Term | None:
    words = tuple("".join(filter(str.isalnum, word)) for word in folded(text).split())
    words = tuple(word for word in words if word)
    if not words:
        return None
    last = words[-1]
    return Term(words=words, is_open=not is_phrase and len(last) >= 3 and not last.isdigit())


def _number(line: str) -> int | None:
    bare = line.strip().lstrip("#")
    return int(bare) if bare.isascii() and bare.isdigit() and len(bare) <= 9 else None


def _day(key: str, texts: list[str]) -> date | None:
    if not texts:
        return None
    try:
        return date.fromisoformat(texts[-1]) if _DAY.match(texts[-1]) else _wrong_day(key, texts[-1])
    except ValueError:
        return _wrong_day(key, texts[-1])


def _wrong_day(key: str, text: str) -> date:
    example = f"{key}:2026-03-31"
    raise BadSearch("no_day", f"{key}:{text} is no day ({example})", given=f"{key}:{text}", example=example)

"""Lines that stand before a quoted mail: "On … wrote:", header blocks, "Original Message" (M3)."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import Phrases

_MAX_LINES = 5
_MAX_LENGTH = 600
_MAX_BLOCK = 16
_ADDRESS = re.compile(r"[\w.+=-]{1,64}(?:@|\s\(at\)\s)[\w.-]{1,190}\.\w{2,}|mailto:|\w@\w")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h]\s?\d{2}(?!\d)")
_QUOTE = re.compile(r"[>|\u203a]")
_DECORATION = " \t*_>-\u2013\u2014\u00a0\u200b\u200e\u200f|"
_BARE_END = re.compile(r"\.[A-Za-z]{2,10}>?\Z")
_TORN_END = re.compile(r">\s?:\s*\Z")  # the end of `<address>:`, wrapped before its last character
_PROGRAM_END = re.compile(r"@[\w.-]{1,190}>\s[^\s<>@]{2,20}(?:\s?\S{2,6})?\s?:\Z")
_EDGES = frozenset("-_=*~>\u2010\u2011\u2012\u2013\u2014")
_EVIDENCE = re.compile(r"[\d@:\uff1a]")
_INITIALS = re.compile(r"\s?[^\W\d_]{1,4}>+(?:\s|\Z)")
_DASHES = re.compile(
    r"[\s>*]*+(?:[-_=*~\u2010\u2012\u2013\u2014]{2,}+)?\s*+([^-_=*~\u2010\u2012\u2013\u2014\n][^\n]{0,80}?)\s*[:.]?\s*(?:[-_=*~\u2010\u2012\u2013\u2014]{2,}+)?[\s*]*\Z"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """The compiled phrases of attribution."""

    verb: re.Pattern[str]
    date: re.Pattern[str]
    start: re.Pattern[str]
    weekday: re.Pattern[str]
    start_words: frozenset[str]  # the first words of what `start` matches
    verb_ends: frozenset[str]  # the last words of verbs
    label: re.Pattern[str]
    label_kinds: dict[str, str]
    original: frozenset[str]
    forward: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A header block within a text: its size in lines and its fields by kind."""

    lines: int
    fields: dict[str, str]
    is_raw: bool = False  # "Date:", as in the source of a mail; programs that quote write "Sent:"


@lru_cache(maxsize=8)
def compiled(phrases: Phrases) -> Forms:
    """Return the patterns made of `phrases`."""
    months = _either(phrases.months)
    kinds = {label.lower(): kind for kind, labels in phrases.labels.items() for label in labels}
    starters = _either((*phrases.openers, *phrases.weekdays))
    return Forms(
        verb=re.compile(rf"(?<!\w)(?:{_either(phrases.wrote)})(?!\w)", re.IGNORECASE),
        date=re.compile(
            rf"(?<!\d)\d{{1,4}}[./-]\d{{1,2}}[./-]\d{{1,4}}(?!\d)|(?<!\d)\d{{1,2}}(?:\.|st|nd|rd|th|-)?\s?(?:de\s|of\s)?(?:{months})(?!\w)"
            rf"|(?<!\w)(?:{months})\.?\s\d{{1,2}}(?!\d)|\d{{4}}[\u5e74\ub144]",
            re.IGNORECASE,
        ),
        start=re.compile(rf"(?:{starters})(?!\w)|\d{{1,4}}[./-]\d|\d{{1,2}}\.?\s(?:{months})", re.IGNORECASE),
        weekday=re.compile(rf"(?<!\w)(?:{_either(phrases.weekdays)})(?!\w)", re.IGNORECASE),
        start_words=frozenset(one.lower().split()[0].rstrip(".,") for one in (*phrases.openers, *phrases.weekdays)),
        verb_ends=frozenset(one.lower().split()[-1] for one in phrases.wrote),
        label=re.compile(
            rf"[\s>*_|]*+({_either(kinds)})\s?[*_]*\s*[:\uff1a][*_]*+\s*+(.*)\Z", re.IGNORECASE | re.DOTALL
        ),
        label_kinds=kinds,
        original=frozenset(mark.lower() for mark in phrases.original_marks),
        forward=frozenset(mark.lower() for mark in phrases.forward_marks),
    )


def _either(phrases: Iterable[str]) -> str:
    ordered = sorted(dict.fromkeys(phrases), key=len, reverse=True)
    return "|".join(re.escape(phrase).replace(r"\ ", r"\s") for phrase in ordered) or r"(?!)"


def is_quoted(line: str) -> bool:
    """Tell whether a mail program marked the line as quoted."""
    start = line.lstrip(" \t\u00a0")
    return start[:1] in (">", "\u203a") and not _TORN_END.match(start)


def find_attribution(lines: Sequence[str], at: int, forms: Forms) -> int:
    """Return how many lines from `at` are an attribution ("On … wrote:"), 0 for none."""
    first = lines[at].strip(_DECORATION)
    if not first or first.isspace() or len(first) > 300:  # a form feed between stars is neither
        return 0
    begins = _begins(first, forms)
    if not begins and not _EVIDENCE.search(first):
        return 0
    text = ""
    for count in range(1, _MAX_LINES + 1):
        if at + count > len(lines):
            return 0
        line = lines[at + count - 1].strip(_DECORATION)
        if not line or count > 1 and not begins and not (count == 2 and _is_sender(first, forms)):
            return 0
        if count > 1 and (
            _starts_another(line, forms) or line[-1] in "!?" or is_quoted(lines[at + count - 1]) != is_quoted(lines[at])
        ):
            return 0
        text = f"{text} {line}" if text else line
        if len(text) > _MAX_LENGTH:
            return 0
        if text[-1] == ">" or _BARE_END.search(text, max(0, len(text) - 12)):
            if begins and forms.date.search(text) and _ADDRESS.search(text) and is_quote_next(lines, at + count, 3):
                return count
        if _ends(text, forms):
            return count if _is_attribution(text, begins, lines, at + count, forms) else 0
    return 0


def _begins(first: str, forms: Forms) -> bool:
    """Most lines are told by their first word, without the long pattern."""
    word = first.split(None, 1)[0].lower()
    return (word[0].isdigit() or word.rstrip(".,") in forms.start_words) and bool(forms.start.match(first))


def _is_sender(first: str, forms: Forms) -> bool:
    if first[-1] in ".!?" or "@" not in first and "mailto:" not in first:
        return False
    return bool(_ADDRESS.search(first) and forms.date.search(first))


def _starts_another(line: str, forms: Forms) -> bool:
    has_evidence = bool(forms.date.search(line) or _ADDRESS.search(line))
    return has_evidence and line.endswith(":") and _begins(line, forms) and bool(forms.verb.search(line))


def _ends(text: str, forms: Forms) -> bool:
    if text[-1] in ":\uff1a":
        return True
    return text.rsplit(None, 1)[-1].lower() in forms.verb_ends and bool(
        _ADDRESS.search(text) or forms.date.search(text)
    )


def _is_attribution(text: str, begins: bool, lines: Sequence[str], after: int, forms: Forms) -> bool:
    has_verb = bool(forms.verb.search(text))
    has_date = bool(forms.date.search(text))
    has_time = bool(_TIME.search(text))
    has_address = bool(_ADDRESS.search(text))
    if is_quote_next(lines, after):
        return has_verb and (begins or len(text) < 120) or has_date + has_time + has_address >= 2
    if has_verb and _PROGRAM_END.search(text) and forms.verb.search(text[-30:]):
        return True
    if has_verb and has_address:
        return has_date or begins
    if has_verb:
        # without address and quote mark it may be a person who tells what somebody wrote: only a program's form counts
        is_drawn = lines[after - 1].rstrip().endswith("--")
        return has_date and has_time and (is_drawn or begins and bool(forms.weekday.search(text)))
    return has_date and has_address and (has_time or begins)


def is_quote_next(lines: Sequence[str], at: int, reach: int = 4) -> bool:
    """Tell whether the next line that is not blank, within `reach`, is a quoted one."""
    for line in lines[at : at + reach]:
        if line.strip():
            return is_quoted(line) or has_initials(line)
    return False


def has_initials(line: str) -> bool:
    """Tell whether the line is quoted as The Bat! does, with the writer's initials: "SM> text"."""
    return bool(_INITIALS.match(line))


def find_block(lines: Sequence[str], at: int, forms: Forms, *, is_sure: bool = False) -> Block | None:
    """Return the header block that begins at `at`: sender with address or date with time, and two labels at least."""
    if ":" not in lines[at] and "\uff1a" not in lines[at] or not forms.label.match(lines[at][:300]):
        return None
    fields: dict[str, str] = {}
    size = 0
    misses = 0
    is_raw = False
    last = ""
    for offset, line in enumerate(lines[at : at + _MAX_BLOCK]):
        found = forms.label.match(line[:1000])
        if found:
            label = " ".join(found.group(1).lower().split())
            kind = forms.label_kinds[label]
            is_raw = is_raw or label == "date"
            if kind in fields and kind in ("from", "subject"):
                break
            fields.setdefault(kind, found.group(2).strip(" \t*_"))
            size, misses, last = offset + 1, 0, kind
        elif line.strip(_DECORATION):
            misses += 1
            if misses > 3 or last not in ("to", "cc", "from", "subject"):
                break
            if not fields[last]:
                fields[last] = line.strip(_DECORATION)
                size = offset + 1
            elif _ADDRESS.search(line) and last in ("to", "cc") or line[:1] in " \t":
                size = offset + 1
        elif fields and (misses or "from" in fields and len(fields) >= 2):
            break
    if _is_strong(fields, forms) or is_sure and {"from", "date"} <= fields.keys():
        return Block(lines=size, fields=fields, is_raw=is_raw)
    return None


def _is_strong(fields: dict[str, str], forms: Forms) -> bool:
    if len(fields) < 2:
        return False
    if "from" not in fields:
        date = fields.get("date", "")
        return bool(forms.date.search(date) and _TIME.search(date) and _ADDRESS.search(fields.get("to", "")))
    sender, date = fields["from"], fields.get("date", "")
    if len(fields) >= 4 and forms.date.search(date):
        return True
    return bool(_ADDRESS.search(sender)) or bool(forms.date.search(date) and _TIME.search(date))


def mark(line: str, forms: Forms) -> str:
    """Return "original", "forward" or "" for a separator line such as "-----Original Message-----"."""
    if not 6 < len(line) < 140 or not _has_edge(line.strip()):
        return ""
    found = _DASHES.match(line)
    if not found:
        return ""
    text = " ".join(found.group(1).lower().split())
    bare = line.strip()
    has_dashes = sum(map(line.count, "-_=\u2010\u2012\u2013\u2014")) >= 4 or bare[:1] == bare[-1:] == "*"
    if text in forms.forward and (has_dashes or line.rstrip("* \t").endswith(":")):
        return "forward"
    return "original" if text in forms.original and has_dashes else ""


def _has_edge(line: str) -> bool:
    return bool(line) and (line[0] in _EDGES or line[-1] == ":")


def is_rule(line: str) -> bool:
    """Tell whether the line is nothing but a drawn rule."""
    bare = line.strip(" \t>*")
    return len(bare) >= 3 and not bare.strip("_-=\u2014\u2500~")

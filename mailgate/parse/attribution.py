"""Lines that stand before a quoted mail: "On … wrote:", header blocks, "Original Message" (M3)."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import Phrases

_MAX_LINES = 5
_MAX_LENGTH = 600
_MAX_BLOCK = 16
_ADDRESS = re.compile(r"[\w.+=-]{1,64}(?:@|\s\(at\)\s)[\w.-]{1,190}\.\w{2,}|mailto:|\w@\w")
_BARE_ADDRESS = re.compile(r"[\w.+=-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_NAMED_ADDRESS = re.compile(r"\S\s{0,3}(?:<|\[mailto:)", re.IGNORECASE)
_BRACKETED = re.compile(r"<[^<>\s]{3,250}>")
_DATE_WORDS = frozenset(("date", "datum", "data", "дата", "fecha", "dato", "dátum", "tarih", "日期"))
_NAME_WORD = re.compile(r"[^\W\d_][\w'’.-]{0,40}")
_TIME = re.compile(r"(?<!\d)\d{1,2}\s?[:.h]\s?\d{2}(?!\d)")
_QUOTE = re.compile(r"[>|\u203a]")
_DECORATION = " \t*_>-\u2013\u2014\u00a0\u200b\u200e\u200f|"
_BARE_END = re.compile(r"\.[A-Za-z]{2,10}>?\Z")
_TORN_END = re.compile(r">\s?:\s*\Z")  # the end of `<address>:`, wrapped before its last character
_PROGRAM_END = re.compile(r"@[\w.-]{1,190}>?\s[^\s<>@]{2,20}(?:\s?\S{2,6})?\s?:\Z")
_EDGES = frozenset("-_=*~>\u2010\u2011\u2012\u2013\u2014")
EVIDENCE = re.compile(r"[\d@:\uff1a]")  # every attribution and every header block has one of these
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
    small: frozenset[str]  # words beside name, date and verb
    second_person: re.Pattern[str]
    run_on: re.Pattern[str]  # a mark with the first label on its line


@dataclass(frozen=True, kw_only=True, slots=True)
class Block:
    """A header block within a text: its size in lines and its fields by kind."""

    lines: int
    fields: dict[str, str]
    is_raw: bool = False  # "Date:", as in the source of a mail; programs that quote write "Sent:"

    @property
    def is_of_program(self) -> bool:
        """Is it as Outlook writes it: when it was sent, and names with their addresses, or names alone?"""
        sender = self.fields.get("from", "")
        is_full = {"from", "date", "to"} <= self.fields.keys() and not self.is_raw
        return is_full and bool(sender) and ("@" not in sender or _NAMED_ADDRESS.search(sender) is not None)


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
        small=frozenset(
            word.lower().strip(".,")
            for entry in (
                *phrases.attribution_words,
                *phrases.openers,
                *phrases.weekdays,
                *phrases.months,
                *phrases.wrote,
            )
            for word in entry.split()
        ),
        second_person=re.compile(rf"(?<!\w)(?:{_either(phrases.you_wrote)})(?!\w)", re.IGNORECASE),
        run_on=re.compile(
            rf"\s*[-_]{{3,20}}\s?({_either((*phrases.original_marks, *phrases.forward_marks))})\s?[-_]{{3,20}}"
            rf"\s?(?:{_either(kinds)})\s?[:\uff1a]",
            re.IGNORECASE,
        ),
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
    if lines[at].lstrip().startswith("--") and (drawn := _find_drawn(lines, at, forms)):
        return drawn
    begins = _begins(first, forms)
    if not begins and not EVIDENCE.search(first) and not _is_name_alone(lines, at, first, forms):
        return 0
    text, found = "", 0
    for count in range(1, _MAX_LINES + 1):
        if at + count > len(lines):
            break
        line = lines[at + count - 1].strip(_DECORATION)
        if not line or count > 1 and not _may_go_on(lines, at, count, line, first, begins, found, forms):
            break
        text = f"{text} {line}" if text else line
        if len(text) > _MAX_LENGTH:
            break
        if text[-1] == ">" or _BARE_END.search(text, max(0, len(text) - 12)):
            if begins and forms.date.search(text) and _ADDRESS.search(text) and is_quote_next(lines, at + count, 3):
                return count
        if _ends(text, forms) and _is_attribution(text, begins, lines, at, count, forms):
            if text[-1] in ":\uff1a":
                return count
            found = count  # a verb may end a line, and the name or the date stand on the next
    return found


def _may_go_on(
    lines: Sequence[str], at: int, count: int, line: str, first: str, begins: bool, found: int, forms: Forms
) -> bool:  # fmt: skip
    """May `line` be a further line of the attribution that began at `at`?"""
    if is_quoted(lines[at + count - 1]) != is_quoted(lines[at]) or line[-1] in "!?":
        return False
    if _starts_another(line, forms) and not (count == 2 and _is_half(first, forms)):
        return False
    if found:
        return line[-1] in ":\uff1a" and len(line) < 80
    return begins or count <= 3 and (_is_sender(first, forms) or count == 2 or _is_name_alone(lines, at, first, forms))


def _find_drawn(lines: Sequence[str], at: int, forms: Forms) -> int:
    """Android's `---- X wrote ----`, broken or not."""
    text = ""
    for count, line in enumerate(lines[at : at + 3], 1):
        text = f"{text} {line.strip()}".strip()
        if len(text) > 160 or not line.strip():
            return 0
        if text.endswith("--") and text.strip("- "):
            inner = text.strip("- ")
            return (
                count if forms.verb.search(inner) and not re.search(r"[.!?]\s", inner) and inner[-1] not in "!?" else 0
            )
    return 0


def find_run_on(lines: Sequence[str], at: int, forms: Forms) -> tuple[int, str]:
    """Return how many lines are a mark with its header block run on behind it (Samsung), and its kind; 0 for none."""
    text = ""
    for count, line in enumerate(lines[at : at + _MAX_LINES], 1):
        if not line.strip() or count > 1 and is_quoted(line):
            return (count - 1, text) if text else (0, "")
        joined = " ".join(lines[at : at + count])[:400]
        if found := forms.run_on.match(joined):
            text = "forward" if " ".join(found.group(1).lower().split()) in forms.forward else "original"
    return (_MAX_LINES, text) if text else (0, "")


def _begins(first: str, forms: Forms) -> bool:
    """Most lines are told by their first word, without the long pattern."""
    word = first.split(None, 1)[0].lower()
    return (word[0].isdigit() or word.rstrip(".,") in forms.start_words) and bool(forms.start.match(first))


def _is_name_alone(lines: Sequence[str], at: int, first: str, forms: Forms) -> bool:
    """Is the line the first half of a name, after an empty line, and the rest of the attribution on the next?"""
    if at and lines[at - 1].strip() or at + 1 >= len(lines) or len(first) > 60 or first[-1] in ",!?;:":
        return False
    words = first.split()
    beside = [
        word for word in words if word.lower().strip(".,") not in forms.small and word.lower() not in forms.verb_ends
    ]
    if not 1 <= len(beside) <= 4 or not all(word[0].isupper() or not word[0].isalpha() for word in beside):
        return False
    if first[-1] == "." and words[-1] in beside:
        return False
    following = lines[at + 1].strip(_DECORATION)
    return bool(following) and following[-1] in ":\uff1a" and bool(EVIDENCE.search(following[:-1]))


def _is_sender(first: str, forms: Forms) -> bool:
    return first[-1] not in ".!?" and bool(_ADDRESS.search(first))


def _is_half(first: str, forms: Forms) -> bool:
    """Is the line the beginning of an attribution and nothing else: a weekday, or a name with its address and a verb?"""
    words = _BRACKETED.sub(" ", first).split()
    beside = [word for word in words if word.lower().strip(".,") not in forms.small]
    if not beside:
        return bool(words)
    is_name = len(beside) <= 4 and all(word[0].isupper() for word in beside)
    return is_name and words[-1] not in beside and len(first) > len(" ".join(words)) + 2


def _starts_another(line: str, forms: Forms) -> bool:
    return (
        line.endswith(":") and bool(forms.date.search(line)) and _begins(line, forms) and bool(forms.verb.search(line))
    )


def _ends(text: str, forms: Forms) -> bool:
    if text[-1] in ":\uff1a":
        return True
    return text.rsplit(None, 1)[-1].lower() in forms.verb_ends and bool(
        _ADDRESS.search(text) or forms.date.search(text)
    )


def _is_attribution(text: str, begins: bool, lines: Sequence[str], at: int, count: int, forms: Forms) -> bool:
    has_verb = bool(forms.verb.search(text))
    has_date = bool(forms.date.search(text))
    has_time = bool(_TIME.search(text))
    has_address = bool(_ADDRESS.search(text))
    if is_quote_next(lines, at + count):
        return has_verb and (begins or len(text) < 120) or has_date + has_time + has_address >= 2
    if has_verb and _PROGRAM_END.search(text) and forms.verb.search(text[-30:]):
        return True
    if has_verb and has_address:
        return has_date or begins
    if has_verb:
        # without address and quote mark it may be a person who tells what somebody wrote: only a program's form counts,
        # a line of its own with date, time, verb and a name, and nothing else
        is_alone = at == 0 or not lines[at - 1].strip()
        is_drawn = lines[at + count - 1].rstrip().endswith("--")
        is_sure = is_drawn or begins and bool(forms.weekday.search(text))
        return has_date and has_time and (is_sure or is_alone and _is_named(text, forms))
    return has_date and has_address and (has_time or begins)


def _is_named(text: str, forms: Forms) -> bool:
    """Is what is left of an attribution without verb, date and time a name? «der Server» and «the server» are none."""
    bare = forms.date.sub(" ", forms.second_person.sub(" X ", forms.verb.sub(_keep_you(forms), text)))
    words = [
        word for word in _NAME_WORD.findall(bare) if word.lower().strip(".") not in forms.small and not word.isdigit()
    ]
    return 1 <= len(words) <= 6 and all(word[0].isupper() for word in words)


def _keep_you(forms: Forms) -> Callable[[re.Match[str]], str]:
    return lambda found: " X " if forms.second_person.search(found.group()) else " "


def addresses(text: str) -> list[str]:
    """Return the addresses in a field of a header block."""
    return _BARE_ADDRESS.findall(text[:2000])


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
            is_raw = is_raw or label in _DATE_WORDS
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
    if not len(line) > 6 or not _has_edge(line.strip()):
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

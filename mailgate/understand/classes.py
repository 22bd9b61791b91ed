"""The class of a request, and what a vague report of that class leaves open (Q5)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mailgate.model.findings import Class
from mailgate.understand.reading import Reading, words_of
from mailgate.understand.words.lists import Hit

QUESTIONS: Mapping[Class, tuple[str, ...]] = {
    "site": ("address", "browser", "error"),
    "mail": ("program", "worked_before", "direction", "error"),
    "undelivered": ("when", "from", "to", "returned"),
    "domain": ("domain", "records"),
    "certificate": ("domain", "error"),
    "server": ("server", "error"),
    "invoice": ("invoice", "period", "correction"),
    "access": ("provider", "error"),
    "other": (),
}
# on equal words the more particular one: a certificate is also of a domain and of a site
_ORDER: tuple[Class, ...] = (
    "undelivered", "certificate", "mail", "invoice", "access", "domain", "site", "server",
)  # fmt: skip
_WITHIN: tuple[Class, ...] = ("undelivered", "certificate", "mail", "domain", "access")


class _Rows(NamedTuple):
    """Where the words of a class are: its concept and its lists."""

    concept: str
    strong: str
    weak: str


_ROWS = {name: _Rows(f"class.{name}", f"class.{name}.strong", f"class.{name}.weak") for name in _ORDER}
_BROKEN: tuple[Class, ...] = ("site", "mail", "undelivered", "certificate", "server", "access")
_STRONG, _WEAK, _STATED = 4, 1, 3  # a phrase, a word; what a stated concept adds to its place
_MOST_STRONG, _MOST_WEAK = 4, 3
_BRIEF_WORDS, _SHORT_WORDS = 16, 45

_QUOTED = re.compile(r"[\"„“«'‚](?=[^\"“”«»\n]{0,120}[^\W\d_]{3})[^\"“”«»\n]{4,160}[\"“”»'‘]")
_CODE = re.compile(
    r"\b(?:HTTP[ /]?)?[45]\d\d\b(?![.,]\d)|\b[A-Z]{2,}(?:[_:]+[A-Z]+){1,8}\b"
    r"|\b0x[0-9A-Fa-f]{4,}\b|\b[45]\.\d\.\d{1,2}\b"
)
_SERVER_CODE = re.compile(r"\b50[0-9]\b")
_PERIOD = re.compile(r"\b(?:0?[1-9]|1[0-2])[./-]20\d\d\b|\b20\d\d-(?:0[1-9]|1[0-2])\b|\bQ[1-4]\b")
_CALENDAR_TIME = re.compile(r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2}\.\d{1,2}\.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Chosen:
    """The class with the words that chose it; `is_trouble`: something is said not to work, or to be wrong."""

    name: Class
    because: str
    is_trouble: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What open questions are sought in."""

    reading: Reading
    class_: Class
    fields: Mapping[str, str]
    files: int


def choose_class(reading: Reading) -> Chosen:
    """Return the class whose words speak loudest; the subject's words count twice."""
    stated = {name: [one.span for one in reading.concepts.stated(row.concept)] for name, row in _ROWS.items()}
    scores = {name: _score(reading, name, stated[name]) for name in _ORDER}
    if any(stated[name] or reading.of(_ROWS[name].strong) for name in _WITHIN):
        # a site or server is where the trouble of mail, domain or certificate shows
        scores["site"], scores["server"] = scores["site"] // 2, scores["server"] // 2
    best = max(_ORDER, key=scores.__getitem__)  # of equals the first
    told = (*reading.of("trouble"), *(hit for name in _BROKEN for hit in stated[name]))
    is_trouble = any(not reading.is_how_to(hit) or reading.of("trouble_sure") for hit in told)
    if scores[best] == 0:
        return Chosen(name="other", because="", is_trouble=is_trouble)
    hits = (*stated[best], *reading.of(_ROWS[best].strong), *reading.of(_ROWS[best].weak))
    return Chosen(name=best, because=words_of(reading, hits), is_trouble=is_trouble)


def open_questions(report: Report) -> tuple[str, ...]:
    """Return the questions of the class that a vague report leaves open; a full report or a how-to asks nothing."""
    reading, name = report.reading, report.class_
    if not _is_report(reading, name):
        return ()
    open_ = tuple(question for question in QUESTIONS[name] if not _is_answered(report, question))
    length = len(reading.words.words) - reading.subject_end
    if length <= _BRIEF_WORDS:
        return open_
    is_vague = length <= _SHORT_WORDS and any(question in open_ for question in _KEY[name])
    return open_ if is_vague else ()


_KEY: Mapping[Class, tuple[str, ...]] = {
    "site": ("error",),
    "mail": ("error", "direction"),
    "undelivered": ("to", "from"),
    "domain": ("domain",),
    "certificate": ("domain", "error"),
    "server": ("server", "error"),
    "invoice": ("invoice", "correction"),
    "access": ("error",),
    "other": (),
}


def _score(reading: Reading, name: Class, stated: Sequence[Hit]) -> int:
    phrases, words = reading.of(_ROWS[name].strong), reading.of(_ROWS[name].weak)
    if not (phrases or words or stated):
        return 0
    strong = _weigh(reading, (*phrases, *stated), _MOST_STRONG)
    return strong * _STRONG + _weigh(reading, words, _MOST_WEAK) * _WEAK + _STATED * bool(stated)


def _weigh(reading: Reading, hits: tuple[Hit, ...], most: int) -> int:
    """Count places, not phrases: where several begin at one word, it is one."""
    starts = {hit.start for hit in hits}
    return min(sum(2 if start < reading.subject_end else 1 for start in starts), most)


def _is_report(reading: Reading, name: Class) -> bool:
    hits = reading.of("trouble")
    if name == "invoice":
        hits = () if reading.of("side.technical.strong") else reading.of("trouble_invoice")
    if any(not reading.is_how_to(hit) and hit.start >= reading.subject_end for hit in hits):
        return True
    asks_how = any(True for _ in reading.in_text("howto"))
    return bool(hits) and not asks_how


def _is_answered(report: Report, question: str) -> bool:
    reading, fields, names = report.reading, report.fields, report.reading.names
    if reading.of(f"answer.{question}"):
        return True
    match question:
        case "address" | "domain":
            return bool(names.domains or names.servers) or (question == "domain" and bool(names.addresses))
        case "browser":
            return "environment" in fields or bool(_SERVER_CODE.search(names.plain))
        case "program":
            return "environment" in fields
        case "error" | "returned":
            return bool(report.files or _QUOTED.search(names.plain) or _CODE.search(names.plain))
        case "worked_before":
            return "started" in fields
        case "when":
            return "started" in fields or bool(_CALENDAR_TIME.search(names.plain))
        case "from" | "to":
            return len(names.addresses) > 1 or (bool(names.addresses) and bool(reading.of(f"address.{question}")))
        case "server":
            return bool(names.servers or names.domains or "order" in fields)
        case "invoice":
            return "invoice" in fields
        case "period":
            return bool(_PERIOD.search(names.plain))
        case _:
            return False

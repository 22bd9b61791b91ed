"""Filled labels of the mail template, read back in any language (Q7)."""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache

from mailgate.model.settings import Lexicon
from mailgate.understand.names import find_names
from mailgate.understand.words.lexer import fold

_LABEL_STARS = " \t*_•·>#-–—|"
_NOTHING = re.compile(r"[\s\-–—_.…/*\[\]()<>?xX]*\Z")
_COUNT = re.compile(r"\A\d{1,2}[.)]\s*")
_ASIDE = re.compile(r"\([^()]{0,120}\)")
_LONG = frozenset({"summary", "environment", "tried", "attachments"})
_SOFTWARE = frozenset({"nginx", "apache", "cloudflare", "litespeed", "caddy", "envoy", "gws", "iis", "openresty"})
_NUMBER = re.compile(r"(?:[^\W\d_]{1,6}[-/]?)?\d[\w/.-]*")
_BESIDE = re.compile(r"\s*\(([^()\n]{2,60})\)")
_MOST_LINES = 400


def read_labels(text: str, lexicon: Lexicon) -> dict[str, str]:
    """Return the values of filled labels (Q7): any language, order and case; an empty one or a dash is no value."""
    labels = _labels(lexicon)
    found: dict[str, list[str]] = {}
    current = ""
    for line in text.splitlines()[:_MOST_LINES]:
        pieces = list(_labelled(line, labels)) if ":" in line or "\uff1a" in line else []
        if pieces:
            for name, value in pieces:
                current = name
                found.setdefault(name, []).append(value)
        elif not current:
            continue
        elif not line.strip() or _closes(line, lexicon):
            current = ""
        elif current in _LONG or not any(found[current]):
            found[current].append(line.strip().strip("*_ "))
    joined = ((name, "\n".join(value for value in values if value)) for name, values in found.items())
    return _tidied({name: value for name, value in joined if not _NOTHING.match(value)})


def _labelled(line: str, labels: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the labels of a line with their values; a second label may stand behind a comma."""
    name, value = _label(line, labels)
    if not name:
        return
    rest: list[str] = []
    for piece in re.split(r"(?<=[,;|])", value):
        other, begins = _label(piece, labels) if ":" in piece else ("", "")
        if other:
            yield name, _clean("".join(rest).rstrip(" ,;|"))
            name, rest = other, [begins]
        else:
            rest.append(piece)
    yield name, _clean("".join(rest))


def _label(line: str, labels: Mapping[str, str]) -> tuple[str, str]:
    key, colon, value = line.replace("\uff1a", ":", 1).partition(":")
    if not colon or len(key) > 160:
        return "", ""
    key = _COUNT.sub("", _ASIDE.sub("", key).strip(_LABEL_STARS)).strip(_LABEL_STARS)
    return labels.get(" ".join(fold(key).split()), ""), value


def _clean(value: str) -> str:
    value = value.strip().strip("*_").strip()
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1].strip()
    return value


def _tidied(labelled: dict[str, str]) -> dict[str, str]:
    """Return the values that can be what their label says: a number has a digit, a server a name; signs are off."""
    for name in ("order", "contract", "invoice", "customer_number"):
        if name in labelled:
            number = _NUMBER.search(labelled[name])
            # behind a number people write what it is of: #456789 (VPS-2)
            beside = _BESIDE.match(labelled[name][number.end() :]) if number else None
            if number is None:
                del labelled[name]
                continue
            labelled[name] = number.group()
            if name == "order" and beside:
                labelled.setdefault("service", beside.group(1).strip())
    if "server" in labelled:
        value = labelled["server"]
        named = find_names(value)
        if named.servers or named.domains:
            labelled["server"] = (*named.servers, *named.domains)[0]
        elif value.split("/")[0].lower() in _SOFTWARE or not re.fullmatch(r"#?[\w-]*[\d-][\w-]*|[a-z]{2,20}", value):
            del labelled["server"]
    return labelled


def _closes(line: str, lexicon: Lexicon) -> bool:
    return fold(line).strip().startswith(_closings(lexicon))


@lru_cache(maxsize=32)
def _labels(lexicon: Lexicon) -> Mapping[str, str]:
    return {
        " ".join(fold(label).split()): name.removeprefix("label.")
        for lists in lexicon.words.values()
        for name, labels in lists.items()
        if name.startswith("label.")
        for label in labels
    }


@lru_cache(maxsize=32)
def _closings(lexicon: Lexicon) -> tuple[str, ...]:
    lists = (lists.get("closing", ()) for lists in lexicon.words.values())
    return tuple(fold(phrase).replace("*", "") for phrases in lists for phrase in phrases)

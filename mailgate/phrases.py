"""Loads the language data of parse from `config/phrases/*.toml`: one file a language, one for mail systems."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mailgate import resources
from mailgate.errors import ConfigError
from mailgate.model.phrases import LABEL_KINDS, FilterSign, HeaderSign, LanguageWords, Phrases

_SECTIONS: Mapping[str, tuple[str, ...]] = {
    "subject": ("reply_prefixes", "forward_prefixes", "ticket_words", "number_words", "stamps", "stamp_labels"),
    "reply": ("wrote", "openers", "months", "weekdays", "original_marks", "forward_marks", "reply_above",
              "attribution_words", "you_wrote", "greetings", "phone_signatures", "phone_words", "footers", "footer_words"),
    "automatic": ("auto_reply_subjects", "auto_reply_texts", "bounce_subjects", "bounce_texts", "bounce_copies",
                  "delayed", "receipt_subjects", "daemon_senders", "robot_senders", "role_senders", "robot_names",
                  "robot_subjects", "robot_texts", "refusals"),
}  # fmt: skip
_LANGUAGE_KEYS = ("script", "letters", "foreign", "words", "text")
_KINDS = ("bounce", "auto_reply", "auto_generated", "list", "report", "challenge")


@cache
def load(folder: Path | None = None) -> Phrases:
    """Return the phrases of all files in `folder` (default: the shipped ones). Raises ConfigError."""
    place = folder or resources.path("config") / "phrases"
    files = [(path, _read(path)) for path in sorted(place.glob("*.toml"))]
    complaints = [complaint for path, content in files for complaint in _complaints(path, content)]
    if not files:
        complaints = [f"{place}: no phrase files (*.toml)"]
    if complaints:
        raise ConfigError(complaints)
    lists: dict[str, Any] = {
        name: _merged(content.get(section, {}).get(name, ()) for _, content in files)
        for section, names in _SECTIONS.items()
        for name in names
    }
    return Phrases(
        **lists | {name: _words(lists[name]) for name in ("phone_words", "footer_words")},
        labels={kind: _merged(content.get("labels", {}).get(kind, ()) for _, content in files) for kind in LABEL_KINDS},
        header_signs=tuple(
            HeaderSign(name=sign["name"].lower(), kind=sign["kind"], pattern=sign.get("pattern", ""))
            for _, content in files
            for sign in content.get("header", ())
        ),
        filter_signs=filter_signs(resources.path("config") / "junk.toml"),
        languages=tuple(_language(path.stem, content["language"]) for path, content in files if "language" in content),
    )


def filter_signs(path: Path) -> tuple[FilterSign, ...]:
    """Return the table of what filters write into the header (M9). Raises ConfigError."""
    content = _read(path)
    complaints = [f"{path}: unknown section [{name}]; allowed: [[header]]" for name in content if name != "header"]
    signs: list[FilterSign] = []
    for each in content.get("header", ()):
        strange = set(each) - {"name", "junk", "malware"}
        if strange or not each.get("name") or not (each.get("junk") or each.get("malware")):
            complaints.append(
                f"{path}: [[header]] {each.get('name', '')} needs name, and junk or malware, and nothing else"
            )
            continue
        try:
            for pattern in (each.get("junk", ""), each.get("malware", "")):
                re.compile(pattern)
        except re.error as error:
            complaints.append(f"{path}: [[header]] {each['name']}: {error}")
        signs.append(FilterSign(name=each["name"].lower(), junk=each.get("junk", ""), malware=each.get("malware", "")))
    if complaints:
        raise ConfigError(complaints)
    return tuple(signs)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError([f"{path}: {error}"]) from error


def _merged(lists: Iterable[Iterable[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))


def _words(lines: Iterable[str]) -> tuple[str, ...]:
    """Long lists of single words are written as lines of them."""
    return tuple(dict.fromkeys(word for line in lines for word in line.split()))


def _language(code: str, content: Mapping[str, Any]) -> LanguageWords:
    return LanguageWords(
        code=code,
        script=content["script"],
        letters=content.get("letters", ""),
        foreign=content.get("foreign", ""),
        words=tuple(content.get("words", ())),
        text=content.get("text", ""),
    )


def _complaints(path: Path, content: Mapping[str, Any]) -> Iterable[str]:
    allowed = {**_SECTIONS, "labels": LABEL_KINDS, "language": _LANGUAGE_KEYS}
    for section, entries in content.items():
        if section == "header":
            for sign in entries:
                if sign.get("kind") not in _KINDS or not sign.get("name"):
                    yield f"{path}: [[header]] needs name, and kind as one of {', '.join(_KINDS)}"
        elif section not in allowed:
            yield f"{path}: unknown section [{section}]; allowed: {', '.join((*allowed, 'header'))}"
        else:
            for key in entries:
                if key not in allowed[section]:
                    yield f"{path}: unknown key {section}.{key}; allowed: {', '.join(allowed[section])}"

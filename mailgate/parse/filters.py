"""What mail filters wrote into the header about junk and malice (M9), by the table of `config/junk.toml`. Whether any of
it counts is for the rules to say: anybody may write it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from mailgate.model.phrases import Phrases
from mailgate.model.verdicts import Junk, Malware
from mailgate.parse import header
from mailgate.parse.fields import Fields

_SCORE = re.compile(r"(?:\bscore=|\bSCL:|\bhits=)\s?(-?\d{1,4}(?:\.\d{1,4})?)", re.IGNORECASE)
_MOST = 4000  # characters of a value
_SHOWN = 120


@dataclass(frozen=True, slots=True)
class _Sign:
    junk: re.Pattern[str] | None
    malware: re.Pattern[str] | None


def read(fields: Fields, phrases: Phrases) -> tuple[Junk | None, Malware | None]:
    """Return what the filters say of the mail: junk, and malice; None where they say neither."""
    junk: Junk | None = None
    malware: Malware | None = None
    for name, sign in _compiled(phrases).items():
        raw = fields.raw(name)
        if raw is None:
            continue
        value = header.one_line(raw[:_MOST]).strip()
        said = f"{name}: {value[:_SHOWN]}"
        if junk is None and sign.junk and sign.junk.match(value):
            score = _SCORE.search(value)
            junk = Junk(is_junk=True, source="header", because=said, score=float(score.group(1)) if score else None)
        if malware is None and sign.malware and sign.malware.match(value):
            malware = Malware(finding=said, source="header")
    return junk, malware


@lru_cache(maxsize=8)
def _compiled(phrases: Phrases) -> dict[str, _Sign]:
    return {one.name: _Sign(_pattern(one.junk), _pattern(one.malware)) for one in phrases.filter_signs}


def _pattern(pattern: str) -> re.Pattern[str] | None:
    return re.compile(pattern, re.IGNORECASE) if pattern else None

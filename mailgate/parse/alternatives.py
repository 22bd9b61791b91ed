"""Which of a mail's texts a reader sees (M2): of an alternative one form, of everything else all, in order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailgate.parse import markup

_SEEN = re.compile(
    r"[^\s\u00a0\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0]"
)
_WORD = re.compile(r"\w{3,}")
_MOST_STUB = 60  # words of a plain part that says no more than that there is HTML
_HTML_WORD = re.compile(r"\bhtml\b", re.IGNORECASE)
_SHARED = 0.5  # of a stub's words that stand in the HTML as well: then it is its text


@dataclass(frozen=True, slots=True)
class Text:
    """A text part: the alternatives it stands in (outermost first: which one, which form of it), its kind, its content."""

    path: tuple[tuple[int, int], ...]
    is_html: bool
    content: str


def chosen(texts: Sequence[Text], reader: markup.Reader, depth: int = 0) -> list[str]:
    """Return the texts that are seen, HTML as text."""
    pieces: list[str] = []
    at = 0
    while at < len(texts):
        one = texts[at]
        if len(one.path) <= depth:
            piece = reader.text(one.content) if one.is_html else one.content
            pieces += [piece] if _is_seen(piece) else []
            at += 1
            continue
        group = one.path[depth][0]
        end = at
        while end < len(texts) and len(texts[end].path) > depth and texts[end].path[depth][0] == group:
            end += 1
        pieces += _form(texts[at:end], reader, depth)
        at = end
    return pieces


def _form(texts: Sequence[Text], reader: markup.Reader, depth: int) -> list[str]:
    """Return the one form of an alternative: plain, unless it is empty to a reader or a stub before HTML."""
    forms: dict[int, list[Text]] = {}
    for one in texts:
        forms.setdefault(one.path[depth][1], []).append(one)
    plain = next(
        (form for form in forms.values() if not form[0].is_html and any(_is_seen(one.content) for one in form)), None
    )
    if plain is not None:
        pieces = chosen(plain, reader, depth + 1)
        words = _WORD.findall(" ".join(pieces).lower())
        if len(words) > _MOST_STUB or not _HTML_WORD.search(" ".join(pieces)):
            return pieces
        rich = [piece for form in forms.values() if form is not plain for piece in chosen(form, reader, depth + 1)]
        known = set(_WORD.findall(" ".join(rich).lower()))
        return rich if known and sum(word in known for word in words) < _SHARED * len(words) else pieces
    for form in forms.values():
        if pieces := chosen(form, reader, depth + 1):
            return pieces
    return []


def _is_seen(text: str) -> bool:
    return bool(text) and (not text.isspace() if text.isascii() else _SEEN.search(text) is not None)

"""A bare body read as a mail without header, for looking at what is recognised in a text."""

import hashlib

from mailgate.model.mail import Mail
from mailgate.model.phrases import Phrases
from mailgate.parse import charset, language
from mailgate.parse.reading import html_text, taken_apart


def read_bare(raw: bytes, *, phrases: Phrases, is_html: bool = False) -> Mail:
    """Return the Mail that `raw` would be the body of."""
    source = charset.clean(charset.decode(raw)[0])
    text = html_text(source, phrases) if is_html else source
    split = taken_apart(text, phrases)
    digest = hashlib.sha256(raw).hexdigest()
    return Mail(
        digest=digest,
        content_key=digest,
        size=len(raw),
        text=text,
        html=source if is_html else "",
        visible_text=split.visible,
        segments=split.segments,
        language=language.detect(split.visible, phrases),
    )

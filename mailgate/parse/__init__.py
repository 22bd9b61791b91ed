"""Bytes to Mail (M1 to M6, T2). Never raises on a bad mail: problems are noted; only limits are an exception (M4)."""

from mailgate.parse.limits import DEFAULT_LIMITS, LimitExceeded, Limits
from mailgate.parse.quoting import frame
from mailgate.parse.reading import html_text, read, visible

__all__ = ["DEFAULT_LIMITS", "LimitExceeded", "Limits", "frame", "html_text", "read", "visible"]

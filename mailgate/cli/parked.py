"""How mail that went nowhere is shown: held, quarantined, set aside."""

from collections.abc import Sequence
from typing import Any

from mailgate.app import Built
from mailgate.parse import LimitExceeded

COLUMNS = ("id", "desk", "at", "from", "to", "subject", "state", "reason")
_TEXT = 20_000


def text_of(built: Built, digest: str | None) -> str | None:
    """Return what the sender wrote, None where the mail is gone or beyond the limits."""
    raw = built.inbox.raw_of(digest) if digest else None
    if raw is None:
        return None
    try:
        return built.house.read(raw).visible_text[:_TEXT]
    except LimitExceeded:
        return None


def print_parked(row: dict[str, Any], more: Sequence[str] = ()) -> None:
    """Print one for people: its facts, the trace, the text."""
    for name in (*COLUMNS, *more, "attempts", "digest"):
        value = row.get(name)
        if value not in (None, ""):
            print(f"{name:<12} {value:%Y-%m-%d %H:%M:%S} UTC" if hasattr(value, "strftime") else f"{name:<12} {value}")
    for step in row.get("trace") or ():
        print(f"    {step['rule']}: {step['verdict']}" + (f" ({step['because']})" if step["because"] else ""))
    if row.get("visible_text") is not None:
        print(f"\n{row['visible_text']}")

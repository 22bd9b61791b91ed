"""The words of an invitation (RFC 5545), for a mail that is nothing else."""

import re

_SHOWN = ("SUMMARY", "DTSTART", "LOCATION", "DESCRIPTION")
_MOST = 20_000


def calendar_text(source: str) -> str:
    """Return what is to happen, when, where, and what was written about it, a line each."""
    unfolded = re.sub(r"\n[ \t]", "", source[:_MOST])
    found: dict[str, str] = {}
    for line in unfolded.split("\n"):
        head, colon, value = line.partition(":")
        name = head.split(";", 1)[0].strip().upper()
        if colon and name in _SHOWN:
            found.setdefault(name, _plain(value))
    return "\n".join(found[name] for name in _SHOWN if found.get(name))


def _plain(value: str) -> str:
    return re.sub(r"\\([\\;,nN])", lambda one: "\n" if one.group(1) in "nN" else one.group(1), value).strip()

"""Time zone files of the machine that are older than those that mailgate was locked with, where a desk would notice."""

import importlib
import importlib.resources
import zoneinfo
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

_AHEAD, _STEP = timedelta(days=366), timedelta(hours=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Strayed:
    """A zone that the machine reads otherwise, from an instant on. `version`: of the machine's files, "" if unknown."""

    name: str
    at: datetime
    here: timedelta
    known: timedelta
    version: str
    locked: str

    def __str__(self) -> str:
        return (
            f"{self.name}: this machine's time zone files ({self.version or 'of unknown age'}) say UTC{_signed(self.here)} on"
            f" {self.at:%Y-%m-%d}, those of {self.locked} UTC{_signed(self.known)}: deadlines fall due at another hour"
        )


def strayed(names: Iterable[str], now: datetime) -> list[Strayed]:
    """Return the zones whose next year the machine sees otherwise than the tzdata that mailgate came with."""
    locked, version = _locked_version(), _version_here()
    if version and locked and version >= locked:
        return []  # the machine's are the newer ones, and they are the ones that count
    found = [_compared(name, now, version, locked) for name in names]
    return [one for one in found if one is not None]


def _compared(name: str, now: datetime, version: str, locked: str) -> Strayed | None:
    ours = _locked_zone(name)
    if ours is None:
        return None
    theirs = zoneinfo.ZoneInfo.no_cache(name)
    at = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    end = at + _AHEAD
    while at < end:
        here, known = at.astimezone(theirs).utcoffset(), at.astimezone(ours).utcoffset()
        if here is not None and known is not None and here != known:
            return Strayed(name=name, at=at, here=here, known=known, version=version, locked=locked)
        at += _STEP
    return None


def _locked_zone(name: str) -> zoneinfo.ZoneInfo | None:
    try:
        with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key=name)
    except (ModuleNotFoundError, OSError):
        return None


def _locked_version() -> str:
    try:
        return str(importlib.import_module("tzdata").IANA_VERSION)
    except ModuleNotFoundError:
        return ""


def _version_here() -> str:
    """Return the version of the files that zoneinfo finds first: `# version 2026a`, the first line of tzdata.zi."""
    for folder in zoneinfo.TZPATH:
        for name in ("tzdata.zi", "+VERSION"):
            file = Path(folder) / name
            if file.is_file():
                return file.read_text(errors="replace").split("\n", 1)[0].removeprefix("# version ").strip()
        if Path(folder).is_dir():
            return ""
    return ""


def _signed(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"

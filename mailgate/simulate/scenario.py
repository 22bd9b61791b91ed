"""A scenario: a desk, who is known, and a timeline (`docs/scenarios.md`). TOML in, a checked value out."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from mailgate.errors import ConfigError
from mailgate.model.verdicts import Verdict

_OFFSET = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)\Z")
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TOP = {"config", "start", "account", "staff", "step", "rules", "title"}
_STEP = {
    "name", "at", "wait", "auth", "mailbox", "mail", "file", "envelope_from", "run", "panel", "expect", "expect_sent",
    "expect_not_sent", "door", "own", "junk",
}  # fmt: skip
_EXPECT = {
    "outcome", "ticket", "from_ticket", "level", "account", "contact", "role", "automatic", "by", "queue", "priority",
    "request", "class", "language", "visible_text", "flags", "missing", "fields", "status", "owner", "team",
}  # fmt: skip
DOORS = ("lmtp", "smtp", "stranger", "imap", "pipe")  # stranger: SMTP from a peer that is not trusted
_SENT = {"kind", "to", "ticket", "language", "subject_has", "text_has", "text_lacks", "count"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step of the timeline."""

    name: str
    at: timedelta
    wait: timedelta = timedelta()
    auth: str = "none"
    door: str = "lmtp"
    own: Verdict = "none"  # what our own check would find
    junk: bool = False  # what the desk's filter would say
    mailbox: str | None = None
    mail: str | bytes | None = None
    envelope_from: str | None = None
    run: str | None = None
    panel: Mapping[str, Any] | None = None
    expect: Mapping[str, Any] = field(default_factory=dict)
    expect_sent: tuple[Mapping[str, Any], ...] | None = None
    expect_not_sent: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Scenario:
    """A scenario as read from its file."""

    name: str
    config: str
    start: datetime
    accounts: tuple[Mapping[str, Any], ...]
    staff: tuple[Mapping[str, Any], ...]
    steps: tuple[Step, ...]


def read_scenario(path: Path) -> Scenario:
    """Return the scenario in `path`. Raises ConfigError with every complaint, each with file and place."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: is no TOML: {error}"]) from error
    complaints = [f"{path}: unknown key {key!r} (allowed: {', '.join(sorted(_TOP))})" for key in data.keys() - _TOP]
    start = data.get("start")
    if not isinstance(start, datetime) or start.tzinfo is None:
        complaints.append(f"{path}: start: a date and time with its zone, as 2026-03-06T21:50:00+02:00")
        start = datetime(2026, 1, 1, tzinfo=UTC)
    steps = [_step(path, place, step, complaints) for place, step in enumerate(data.get("step", []), 1)]
    if complaints:
        raise ConfigError(complaints)
    config = str(data.get("config", "flexihost"))
    beside = path.parent / config
    return Scenario(
        name=path.stem,
        config=str(beside) if config.endswith(".toml") and beside.exists() else config,
        start=start.astimezone(UTC),
        accounts=tuple(data.get("account", ())),
        staff=tuple(data.get("staff", ())),
        steps=tuple(sorted(steps, key=lambda step: step.at)),
    )


def read_day(value: Any) -> date | None:
    if isinstance(value, date):
        return value
    return date.fromisoformat(value) if value else None


def _step(path: Path, place: int, step: Mapping[str, Any], complaints: list[str]) -> Step:
    where = f"{path}: step {step.get('name', place)}"
    complaints += [f"{where}: unknown key {key!r} (allowed: {', '.join(sorted(_STEP))})" for key in step.keys() - _STEP]
    unknown = set(step.get("expect", {})) - _EXPECT
    complaints += [
        f"{where}: expect has unknown key {key!r} (allowed: {', '.join(sorted(_EXPECT))})" for key in unknown
    ]
    for entry in (*step.get("expect_sent", ()), *step.get("expect_not_sent", ())):
        strange = set(entry) - _SENT
        complaints += [f"{where}: unknown key {key!r} (allowed: {', '.join(sorted(_SENT))})" for key in strange]
    if step.get("auth", "none") not in ("pass", "fail", "none"):
        complaints.append(f"{where}: auth: pass, fail or none")
    if step.get("own", "none") not in ("pass", "fail", "none"):
        complaints.append(f"{where}: own: pass, fail or none")
    if step.get("door", "lmtp") not in DOORS:
        complaints.append(f"{where}: door: {', '.join(DOORS)}")
    if not isinstance(step.get("junk", False), bool):
        complaints.append(f"{where}: junk: true or false")
    mail = step.get("mail")
    if "file" in step:
        mail = _read_file(path.parent / step["file"], where, complaints)
    sent = step.get("expect_sent")
    return Step(
        name=str(step.get("name", place)),
        at=_offset(step.get("at", "0s"), where, complaints),
        wait=_offset(step.get("wait", "0s"), where, complaints),
        auth=step.get("auth", "none"),
        door=step.get("door", "lmtp"),
        own=step.get("own", "none"),
        junk=step.get("junk", False),
        mailbox=step.get("mailbox"),
        mail=mail,
        envelope_from=step.get("envelope_from"),
        run=step.get("run"),
        panel=step.get("panel"),
        expect=step.get("expect", {}),
        expect_sent=None if sent is None else tuple(sent),
        expect_not_sent=tuple(step.get("expect_not_sent", ())),
    )


def _read_file(file: Path, where: str, complaints: list[str]) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        complaints.append(f"{where}: file {file}: {error.strerror}")
        return b""


def _offset(value: Any, where: str, complaints: list[str]) -> timedelta:
    found = _OFFSET.match(str(value).strip())
    if not found:
        complaints.append(f"{where}: {value!r} is no time from the start (90s, 5m, 2h, 3d)")
        return timedelta()
    return timedelta(seconds=float(found.group(1)) * _UNITS[found.group(2)])

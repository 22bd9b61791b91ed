"""A folder of past mail as a scenario: each mail comes at its Date, with the accounts and staff that are known."""

import mailbox
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

from mailgate.errors import ConfigError
from mailgate.model.people import Contact, Staff
from mailgate.simulate.scenario import Scenario, Step


def past_scenario(path: Path, config: str, contacts: Sequence[Contact], people: Sequence[Staff]) -> Scenario:
    """Return the mails of a folder, a file or an mbox as a timeline; their trusted server's verdict is in them."""
    mails = sorted(((_date_of(raw), name, raw) for name, raw in _raws(path)), key=lambda mail: mail[:2])
    if not mails:
        raise ConfigError([f"{path}: holds no mail"])
    start = mails[0][0]
    steps = [Step(name=name, at=max(at - start, timedelta()), mail=raw) for at, name, raw in mails]
    steps.append(Step(name="a week later", at=steps[-1].at + timedelta(days=7)))  # what falls due by then
    return Scenario(
        name=path.name, config=config, start=start, accounts=tuple(_accounts(contacts)),
        staff=tuple(_person(one) for one in people), steps=tuple(steps),
    )  # fmt: skip


def _raws(path: Path) -> Iterator[tuple[str, bytes]]:
    if path.is_dir():
        for file in sorted(one for one in path.rglob("*") if one.is_file()):
            yield file.name, file.read_bytes()
        return
    raw = path.read_bytes()
    if raw.startswith(b"From "):
        for place, message in enumerate(mailbox.mbox(path, create=False), 1):
            yield f"{path.name}:{place}", message.as_bytes()
        return
    yield path.name, raw


def _date_of(raw: bytes) -> datetime:
    """Return when a mail was written; a mail without a readable Date comes first."""
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("latin-1")
    value = next((line[5:].strip() for line in head.split("\n") if line[:5].lower() == "date:"), "")
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return datetime(2000, 1, 1, tzinfo=UTC)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _accounts(contacts: Sequence[Contact]) -> Iterator[dict[str, Any]]:
    accounts: dict[str, dict[str, Any]] = {}
    for one in contacts:
        account = one.account
        entry = accounts.setdefault(
            account.id,
            {"number": account.number, "login": account.login, "name": account.name, "language": account.language,
             "contacts": []},
        )  # fmt: skip
        entry["contacts"].append(
            {"address": one.address, "name": one.name, "roles": list(one.roles), "purposes": list(one.purposes),
             "until": one.until}
        )  # fmt: skip
    yield from accounts.values()


def _person(person: Staff) -> dict[str, Any]:
    return {
        "address": person.address, "name": person.name, "teams": list(person.teams), "role": person.role,
        "language": person.language, "timezone": person.timezone,
    }  # fmt: skip

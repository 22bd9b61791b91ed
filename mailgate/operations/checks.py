"""`mailgate doctor`: everything that mailgate needs is tried; each finding says what to do."""

import asyncio
import ctypes
import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import dns.exception
import dns.resolver
from sqlalchemy import Engine, func, select

from mailgate.blobs import Blobs
from mailgate.errors import MailgateError
from mailgate.intake.imap_place import place_of
from mailgate.intake.room import LEAST_MAILS
from mailgate.model.settings import Settings
from mailgate.operations import evidence, privacy, space, zones
from mailgate.operations.certificate import expiry_of
from mailgate.operations.expiry import expiries
from mailgate.operations.filters import pings
from mailgate.operations.mailboxes import Unfit, try_account
from mailgate.operations.probe import described
from mailgate.operations.queues import leaving
from mailgate.operations.relays import try_relay
from mailgate.operations.trust import distrust
from mailgate.operations.watch import CERTIFICATE_DAYS, STUCK_AFTER
from mailgate.store import probes, schema
from mailgate.store.accounts import read_sources
from mailgate.store.engine import inbox_url, reading
from mailgate.store.inbox import Inbox
from mailgate.store.tables import ARRIVAL, STAFF

State = Literal["ok", "warning", "wrong"]
_SECONDS = 10.0
_PROBE = b"mailgate doctor"
_MOST_FILES = 5
_READING = timedelta(minutes=10)  # that a source of accounts may take
_UNSYNCHRONISED = 5  # adjtimex(2): TIME_ERROR


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """What came of one check. `advice`: what to do about it."""

    check: str
    state: State
    detail: str
    advice: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Patient:
    """What is looked at. Nothing of it has been touched yet."""

    settings: Settings
    engine: Engine
    inbox: Inbox
    blobs: Blobs
    resolver: Callable[[], dns.resolver.Resolver] = dns.resolver.Resolver  # the machine's own


def examine(patient: Patient) -> Iterator[Finding]:
    """Yield findings, check by check; no check keeps another from being made."""
    for name, check in CHECKS.items():
        try:
            yield from check(patient)
        except Exception as error:  # whatever it is, the other checks are worth having
            text = " ".join(str(error).split())[:300] or type(error).__name__
            yield Finding(check=name, state="wrong", detail=text, advice=_ADVICE.get(name, "see the log"))


def _database(patient: Patient) -> Iterator[Finding]:
    found = schema.version(patient.engine)
    place = patient.engine.url.render_as_string(hide_password=True)
    if found is None:
        yield _wrong("database", f"{place} has no tables", "mailgate db upgrade")
        return
    schema.require(patient.engine)
    with reading(patient.engine) as connection:
        people = connection.execute(select(func.count()).select_from(STAFF)).scalar_one()
    yield _ok("database", f"{place}, version {found}")
    if not people:
        yield _warning("people", "no staff is known", "mailgate staff add, or mailgate staff import FILE.csv")


def _blobs(patient: Patient) -> Iterator[Finding]:
    digest = hashlib.sha256(_PROBE).hexdigest()
    patient.blobs.put(digest, _PROBE)
    is_whole = patient.blobs.get(digest) == _PROBE
    patient.blobs.remove(digest)
    place = patient.settings.blobs_url
    yield _ok("blobs", place) if is_whole else _wrong("blobs", f"{place} gives back other bytes", "check the disk")


def _queues(patient: Patient) -> Iterator[Finding]:
    now = datetime.now(UTC)
    waiting, oldest = patient.inbox.waiting()
    if oldest is not None and now - oldest >= STUCK_AFTER:
        yield _wrong(
            "arrivals", f"{waiting} wait, the oldest since {oldest:%Y-%m-%d %H:%M} UTC", "is `mailgate serve` running?"
        )
    else:
        yield _ok("arrivals", f"{waiting} wait")
    with reading(patient.engine) as connection:
        found = leaving(connection, now)
    if found.is_stuck(now, STUCK_AFTER):
        yield _wrong("letters", f"{found.count} wait, nothing leaves: {found.reason}", "see the finding on the relay")
    else:
        yield _ok("letters", f"{found.count} wait")


def _relay(patient: Patient) -> Iterator[Finding]:
    try:
        said = asyncio.run(try_relay(patient.settings.relay, patient.settings.smtp.hostname, _SECONDS))
    except MailgateError as error:
        if found := distrust(error):
            yield _wrong("relay", f"{patient.settings.relay.url.rpartition('@')[2]}: {found[0]}", found[1])
            return
        raise
    yield _ok("relay", said)
    if patient.settings.relay.url.startswith("maildir:"):
        yield _warning(
            "relay", "letters go into a folder and reach nobody", 'relay.url = "smtp://HOST:PORT" when you are ready'
        )


def _imap(patient: Patient) -> Iterator[Finding]:
    for account in patient.settings.imap:
        try:
            remarks = asyncio.run(try_account(account, _SECONDS))
        except Unfit as error:
            yield _wrong("imap", error.detail, error.advice)
            continue
        yield _ok("imap", place_of(account).name)
        yield from (_warning("imap", detail, advice) for detail, advice in remarks)


def _dns(patient: Patient) -> Iterator[Finding]:
    """Mail domains have a mail server, and there is a resolver at all (own checks of strangers' mail need it)."""
    resolver = patient.resolver()
    resolver.lifetime = _SECONDS / 2
    addresses = (mailbox.address for desk in patient.settings.desks.values() for mailbox in desk.mailboxes)
    for domain in sorted({address.rpartition("@")[2] for address in addresses}):
        try:
            found = resolver.resolve(domain, "MX")
            yield _ok("dns", f"{domain}: mail goes to {', '.join(sorted(str(one.exchange) for one in found))}")
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            yield _warning("dns", f"{domain} has no MX record", f"customers' mail to {domain} needs one")
        except dns.exception.DNSException as error:
            state, needed = (
                ("wrong", "own checks of strangers' mail need it") if _needs_dns(patient.settings) else ("warning", "")
            )
            detail = f"{domain}: no answer ({type(error).__name__}); {needed}".rstrip("; ")
            yield Finding(check="dns", state=state, detail=detail, advice=_ADVICE["dns"])  # type: ignore[arg-type]
            return


def _needs_dns(settings: Settings) -> bool:
    host = settings.smtp.listen.rpartition(":")[0].strip("[]")
    return (
        bool(settings.smtp.listen) and settings.smtp.check_strangers and host not in ("127.0.0.1", "::1", "localhost")
    )


def _certificate(patient: Patient) -> Iterator[Finding]:
    file = patient.settings.smtp.tls_cert
    if not file:
        if _needs_dns(patient.settings):
            yield _warning("certificate", "the SMTP door speaks no TLS", "smtp.tls_cert and smtp.tls_key")
        return
    expiry = expiry_of(Path(file))
    left, text = expiry - datetime.now(UTC), f"{file} is good until {expiry:%Y-%m-%d %H:%M} UTC"
    if left <= timedelta(0):
        yield _wrong("certificate", text, _ADVICE["certificate"])
    elif left < timedelta(days=CERTIFICATE_DAYS):
        yield _warning("certificate", text, _ADVICE["certificate"])
    else:
        yield _ok("certificate", text)


def _tokens(patient: Patient) -> Iterator[Finding]:
    now = datetime.now(UTC)
    with reading(patient.engine) as connection:
        found = list(expiries(connection, patient.settings))
    for one in found:
        if one.at <= now:
            yield _wrong("tokens", f"{one}, which is past", one.advice)
        elif one.is_soon(now):
            yield _warning("tokens", str(one), one.advice)
        else:
            yield _ok("tokens", str(one))


def _accounts(patient: Patient) -> Iterator[Finding]:
    """Say when each source of accounts was last read well (S10)."""
    sources = [(desk, source) for desk in patient.settings.desks.values() for source in desk.accounts]
    if not sources:
        return
    with reading(patient.engine) as connection:
        states = read_sources(connection)
    for desk, source in sources:
        read_at, contacts = states.get((desk.name, source.name), (None, 0))
        name = f"{desk.name}/{source.name}"
        if read_at is None:
            yield _warning("accounts", f"{name} has not been read yet", "mailgate account sync")
        elif datetime.now(UTC) - read_at > timedelta(seconds=3 * source.every_seconds) + _READING:
            late = f"{name} was last read well on {read_at:%Y-%m-%d %H:%M} UTC"
            yield _wrong("accounts", late, "mailgate account sync --dry-run says why; is `mailgate serve` running?")
        else:
            yield _ok("accounts", f"{name}: {contacts} contacts, read on {read_at:%Y-%m-%d %H:%M} UTC")


def _probe(patient: Patient) -> Iterator[Finding]:
    settings = patient.settings.probe
    if settings is None:
        return
    with reading(patient.engine) as connection:
        found, through = probes.ended(connection), probes.last_through(connection)
    count = probes.failures_in_a_row(found)
    late = timedelta(seconds=2 * settings.every_seconds + settings.within_seconds)
    if not found or datetime.now(UTC) - found[0].began_at > late:
        since = f"since {found[0].began_at:%Y-%m-%d %H:%M} UTC" if found else "yet"
        yield _warning("probe", f"no test mail was sent {since}", "is `mailgate serve` running?")
    elif count:
        last = f", the last that came through on {through.began_at:%Y-%m-%d %H:%M} UTC" if through else ""
        yield _wrong("probe", f"{count} in a row did not come through{last}: {found[0].reason}", _ADVICE["probe"])
    else:
        yield _ok("probe", described(found[0], settings))


def _evidence(patient: Patient) -> Iterator[Finding]:
    """Who mail is from: what the last mails had to prove it."""
    if schema.version(patient.engine) is None:  # the finding on the database says it
        return
    for is_well, found, advice in evidence.look(patient.settings, patient.engine, patient.inbox):
        yield _ok("evidence", found) if is_well else _warning("evidence", found, advice)


def _filters(patient: Patient) -> Iterator[Finding]:
    for name, why in pings(patient.settings.junk).items():
        yield _warning("filters", f"{name}: {why}", _ADVICE["filters"]) if why else _ok("filters", f"{name} answers")


def _disk(patient: Patient) -> Iterator[Finding]:
    for folder in space.folders_of(patient.settings):
        free = space.free_in(folder)
        if free.bytes < LEAST_MAILS * patient.settings.smtp.size_limit:
            yield _wrong("disk", f"{free}: mail is put off (452)", _ADVICE["disk"])
        elif free.is_little:
            yield _warning("disk", str(free), _ADVICE["disk"])
        else:
            yield _ok("disk", str(free))


def _clock(patient: Patient) -> Iterator[Finding]:
    now = datetime.now(UTC)
    newest = None
    with suppress(Exception), reading(patient.engine) as connection:  # the database is another check's matter
        newest = connection.execute(select(func.max(ARRIVAL.c.applied_at))).scalar()
    if newest is not None and newest > now + timedelta(minutes=1):
        yield _wrong(
            "clock",
            f"it is {now:%Y-%m-%d %H:%M:%S} UTC, but mail was applied at {newest:%Y-%m-%d %H:%M:%S}",
            _ADVICE["clock"],
        )
    elif _is_unsynchronised():
        yield _warning("clock", "nothing keeps this machine's clock right", _ADVICE["clock"])
    else:
        yield _ok("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, {time.strftime('%Z')} here")


def _is_unsynchronised() -> bool:
    try:
        state: int = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512))  # all zero: it only reads
    except (OSError, AttributeError):
        return False
    return state == _UNSYNCHRONISED


def _zones(patient: Patient) -> Iterator[Finding]:
    names = sorted({desk.timezone.key for desk in patient.settings.desks.values()})
    strayed = zones.strayed(names, datetime.now(UTC))
    for one in strayed:
        yield _warning("zones", str(one), _ADVICE["zones"])
    if not strayed:
        yield _ok("zones", ", ".join(names))


def _holidays(patient: Patient) -> Iterator[Finding]:
    """A place whose holidays nobody knows counts every one of them as a working day: Ukraine's, since 2022."""
    ahead = datetime.now(UTC).date() + timedelta(days=366)
    known = [
        (place, newest, f"calendar {calendar.name} of {desk.name}")
        for desk in patient.settings.desks.values()
        for calendar in desk.calendars.values()
        for place, newest in calendar.newest_holidays
    ]
    for place, newest, where in known:
        if newest is None or newest < ahead:
            told = (
                f"no public holiday of {place} is known after {newest}" if newest else f"{place} has no public holidays"
            )
            yield _warning("holidays", f"{where}: {told}", _ADVICE["holidays"])
        else:
            yield _ok("holidays", f"{where}: those of {place}")


def _files(patient: Patient) -> Iterator[Finding]:
    """What only mailgate may read is read by it alone."""
    exposed = list(privacy.exposed(patient.settings))
    for path in exposed[:_MOST_FILES]:
        yield _wrong(
            "files", f"{path} can be read by everybody on this machine", f"chmod {'-R ' * path.is_dir()}o= {path}"
        )
    if len(exposed) > _MOST_FILES:
        yield _wrong("files", f"and {len(exposed) - _MOST_FILES} more", "chmod -R o= on their folders")
    for data in space.folders_of(patient.settings):
        if data.exists() and not os.access(data, os.W_OK):
            yield _wrong("files", f"{data} cannot be written", f"chown -R mailgate: {data}")


def _ok(check: str, detail: str) -> Finding:
    return Finding(check=check, state="ok", detail=detail)


def _warning(check: str, detail: str, advice: str) -> Finding:
    return Finding(check=check, state="warning", detail=detail, advice=advice)


def _wrong(check: str, detail: str, advice: str) -> Finding:
    return Finding(check=check, state="wrong", detail=detail, advice=advice)


CHECKS: dict[str, Callable[[Patient], Iterator[Finding]]] = {
    "database": _database, "blobs": _blobs, "queues": _queues, "relay": _relay, "imap": _imap, "dns": _dns,
    "certificate": _certificate, "tokens": _tokens, "accounts": _accounts, "probe": _probe, "evidence": _evidence,
    "filters": _filters, "disk": _disk, "clock": _clock, "zones": _zones, "holidays": _holidays, "files": _files,
}  # fmt: skip
_ADVICE = {
    "database": "is the database's server running, and are database.url and its password right?",
    "blobs": "is the folder of blobs.url there, and does it belong to the user mailgate?",
    "queues": "see the finding on the database",
    "relay": "is relay.url right, does its server run, and does it take mail from this machine?",
    "dns": "is there a resolver in /etc/resolv.conf?",
    "certificate": "renew it (certbot renew), then systemctl restart mailgate",
    "tokens": "see the finding on the database",
    "accounts": "see the finding on the database",
    "probe": "mailgate probe says where a test mail gets stuck",
    "evidence": "see the finding on the database",
    "filters": "does it run, and is its address in [junk] right? Mail goes on without its verdict meanwhile",
    "disk": "make room, or move the data to a larger disk",
    "clock": "timedatectl set-ntp true",
    "zones": "apt-get install --only-upgrade tzdata, then systemctl restart mailgate",
    "holidays": "write the days on which nobody works into `closed` of that calendar",
}


def is_fit(findings: Sequence[Finding]) -> bool:
    """Say whether nothing is wrong; warnings do not count."""
    return all(finding.state != "wrong" for finding in findings)


def is_inbox_apart(settings: Settings) -> bool:
    """Say whether the inbox is a database of its own."""
    return inbox_url(settings.database_url) != settings.database_url

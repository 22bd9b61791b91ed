"""What the last mails had to prove who they are from, by door; and in words what is missing (S2)."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Engine, select

from mailgate.model.settings import EXCHANGE_ONLINE, Desk, Settings
from mailgate.store.engine import reading
from mailgate.store.inbox import Inbox
from mailgate.store.tables import ACCOUNT, ARRIVAL, CONTACT, STAFF

MOST_MAILS = 200
_DOORS = ("smtp", "lmtp", "pipe", "imap")
_MOST_READ = 50  # raw mails, to see what their servers wrote
_LEAST_WRITERS, _LEAST_SHARE = 3, 0.8  # before a server's name is thought to be that of the desk's own


@dataclass(slots=True)
class Door:
    """The mail of known people that came to a desk through a door."""

    desk: Desk
    channel: str
    staff: int = 0
    staff_without: int = 0
    customers: int = 0
    customers_without: int = 0
    without: list[tuple[str, str]] = field(default_factory=list)  # digest and sender


def look(settings: Settings, engine: Engine, inbox: Inbox) -> Iterator[tuple[bool, str, str]]:
    """Yield for each door, whether all is well, what was found among the last mails, and what to do."""
    with reading(engine) as connection:
        doors = _doors(connection, settings)
    for door in doors:
        yield not _is_wanting(door), _found(door), _advice(door, inbox) if _is_wanting(door) else ""


def _doors(connection: Connection, settings: Settings) -> list[Door]:
    query = (
        select(ARRIVAL.c.desk, ARRIVAL.c.channel, ARRIVAL.c.sender, ARRIVAL.c.digest, ARRIVAL.c.trace)
        .where(ARRIVAL.c.channel.in_(_DOORS), ARRIVAL.c.outcome != "duplicate")
        .order_by(ARRIVAL.c.id.desc())
        .limit(MOST_MAILS)
    )
    rows = connection.execute(query).all()
    staff = {(row.desk, row.address) for row in connection.execute(select(STAFF.c.desk, STAFF.c.address))}
    customers = _customers(connection, {row.sender for row in rows})
    doors: dict[tuple[str, str], Door] = {}
    for row in rows:
        verdict = next((step["verdict"] for step in row.trace if step.get("rule") == "S2"), None)
        who = (row.desk, row.sender)
        if verdict is None or row.desk not in settings.desks or (who not in staff and who not in customers):
            continue
        door = doors.setdefault((row.desk, row.channel), Door(settings.desks[row.desk], row.channel))
        _count(door, row, verdict, is_staff=who in staff)
    return list(doors.values())


def _customers(connection: Connection, senders: set[str]) -> set[tuple[str, str]]:
    query = (
        select(ACCOUNT.c.desk, CONTACT.c.address)
        .join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
        .where(CONTACT.c.address.in_(senders))
    )
    return {(row.desk, row.address) for row in connection.execute(query)}


def _count(door: Door, row: Any, verdict: str, *, is_staff: bool) -> None:
    is_without = verdict == "none"
    if is_staff:
        door.staff += 1
        door.staff_without += is_without
    else:
        door.customers += 1
        door.customers_without += is_without
    if is_without:
        door.without.append((row.digest, row.sender))


def _is_wanting(door: Door) -> bool:
    return door.staff_without > 0 or 2 * door.customers_without > door.customers


def _found(door: Door) -> str:
    said = []
    if door.staff:
        said.append(f"{door.staff_without} of {door.staff} mails of staff had no evidence")
    if door.customers:
        said.append(f"{door.customers_without} of {door.customers} mails of customers had no evidence")
    return f"{door.desk.name}, {door.channel}: {', '.join(said)}"


def _advice(door: Door, inbox: Inbox) -> str:
    tops, read = _tops(door.without, inbox)
    for name, writers in sorted(tops.items(), key=lambda one: -len(one[1])):
        if len(writers) < min(_LEAST_WRITERS, read) or len(writers) < _LEAST_SHARE * read:
            break
        if name in door.desk.authserv_ids:
            return f"{name} says nothing of them that speaks for their senders: let it check DKIM and DMARC"
        if not name and door.channel == "imap":
            return f'the mailbox is one of Microsoft 365: authserv_ids = ["{EXCHANGE_ONLINE}"]'
        if name:
            return f"your server writes Authentication-Results as {name}: put it into authserv_ids"
    return (
        "neither a header of your mail server nor a DKIM signature spoke for them; `mailgate trace` of one says why,"
        " docs/providers.md what to set"
    )


def _tops(without: Sequence[tuple[str, str]], inbox: Inbox) -> tuple[dict[str, set[str]], int]:
    """Return whose domains' mails have which server's header on top, "" for one without a name; and how many domains."""
    from mailgate.parse.authentication import results_of  # all is well on most desks: nothing need be read

    tops: dict[str, set[str]] = defaultdict(set)
    domains: Counter[str] = Counter()
    for digest, sender in without[:_MOST_READ]:
        raw = inbox.raw_of(digest)
        if raw is None:
            continue
        domain = sender.rpartition("@")[2]
        domains[domain] += 1
        found = results_of(raw)
        if found and (found[0].authserv_id or found[0].is_whole):
            tops[found[0].authserv_id].add(domain)
    return tops, len(domains)

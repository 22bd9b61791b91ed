"""Known outages as rows (N1): opened, changed, found; and what an incident has to look at among the tickets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, cast, insert, select, update

from mailgate.model.facts import Incident
from mailgate.model.quick import replace
from mailgate.store.gather import read_incidents
from mailgate.store.tables import ADDRESS_MARK, COUNTER, INCIDENT, MESSAGE, SIGHTING, TICKET

_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Sayings:
    """What an open ticket names: hosts and fields as they were read out, and its words."""

    ticket: int
    hosts: tuple[str, ...]
    words: str


def open_incident(connection: Connection, incident: Incident) -> Incident:
    """Store a new incident under the next number; return it with that number."""
    counted = (
        update(COUNTER).where(COUNTER.c.name == "incident").values(value=COUNTER.c.value + 1).returning(COUNTER.c.value)
    )
    number = int(connection.execute(counted).scalar_one())
    row = {
        "number": number, "desk": incident.desk, "state": "open", "hosts": list(incident.hosts),
        "services": list(incident.services), "domains": list(incident.domains), "texts": dict(incident.texts),
        "opened_at": incident.opened_at, "resolved_at": None,
    }  # fmt: skip
    connection.execute(insert(INCIDENT), [row])
    return replace(incident, number=number)


def find_incident(connection: Connection, number: int) -> Incident | None:
    """Return the incident with the tickets that are linked to it, or None."""
    found = next((one for one in read_incidents(connection, None, is_open=False) if one.number == number), None)
    return replace(found, tickets=linked_tickets(connection, found.desk, number)) if found else None


def change_incident(connection: Connection, incident: Incident, resolved_at: datetime | None = None) -> None:
    """Store what an incident says and touches now; `resolved_at` ends it."""
    values: dict[str, Any] = {
        "state": incident.state, "texts": dict(incident.texts), "hosts": list(incident.hosts),
        "services": list(incident.services), "domains": list(incident.domains), "resolved_at": resolved_at,
    }  # fmt: skip
    connection.execute(update(INCIDENT).where(INCIDENT.c.number == incident.number).values(**values))


def linked_tickets(connection: Connection, desk: str, number: int) -> tuple[int, ...]:
    """Return the tickets that bear a link to the incident, oldest first."""
    # links are stored by `json.dumps`, on both engines as text
    like = f'%["incident", {number}]%'
    query = select(TICKET.c.number).where(TICKET.c.desk == desk, cast(TICKET.c.links, Text).like(like))
    return tuple(connection.execute(query.order_by(TICKET.c.number)).scalars())


def list_incidents(connection: Connection, desk: str | None = None, *, is_open: bool = True) -> list[dict[str, Any]]:
    """Return incidents as they are listed, oldest first."""
    query = select(INCIDENT).order_by(INCIDENT.c.number)
    if desk:
        query = query.where(INCIDENT.c.desk == desk)
    if is_open:
        query = query.where(INCIDENT.c.state == "open")
    return [
        {"number": row["number"], "desk": row["desk"], "state": row["state"], "hosts": row["hosts"],
         "services": row["services"], "domains": row["domains"], "texts": row["texts"], "opened_at": row["opened_at"],
         "resolved_at": row["resolved_at"], "tickets": list(linked_tickets(connection, row["desk"], row["number"]))}
        for row in connection.execute(query).mappings().all()
    ]  # fmt: skip


def read_sayings(connection: Connection, desk: str) -> Iterator[Sayings]:
    """Yield what each ticket of the desk that waits for somebody says."""
    active = (TICKET.c.desk == desk, TICKET.c.status.in_(("new", "open", "waiting")))
    numbers = list(connection.execute(select(TICKET.c.number).where(*active).order_by(TICKET.c.number)).scalars())
    for start in range(0, len(numbers), _CHUNK):
        yield from _sayings(connection, numbers[start : start + _CHUNK])


def silent_tickets(connection: Connection, tickets: Sequence[int]) -> frozenset[int]:
    """Return those that no person ever wrote on: opened by automatic mail alone (A3)."""
    if not tickets:
        return frozenset()
    query = select(MESSAGE.c.ticket, MESSAGE.c.kind).where(MESSAGE.c.ticket.in_(tickets)).distinct()
    kinds: dict[int, set[str]] = {}
    for ticket, kind in connection.execute(query):
        kinds.setdefault(ticket, set()).add(kind)
    return frozenset(number for number, found in kinds.items() if found <= {"auto", "recorded"})


def blocked_addresses(connection: Connection, desk: str) -> frozenset[str]:
    """Return the addresses of the desk that get no automatic mail (C5)."""
    query = select(ADDRESS_MARK.c.address).where(ADDRESS_MARK.c.desk == desk, ADDRESS_MARK.c.mark == "blocked")
    return frozenset(connection.execute(query).scalars())


def _sayings(connection: Connection, numbers: Sequence[int]) -> Iterator[Sayings]:
    hosts: dict[int, list[str]] = {number: [] for number in numbers}
    words: dict[int, list[str]] = {number: [] for number in numbers}
    for number, host in connection.execute(
        select(SIGHTING.c.ticket, SIGHTING.c.host).where(SIGHTING.c.ticket.in_(numbers))
    ):
        hosts[number].append(host)
    tickets = select(TICKET.c.number, TICKET.c.subjects, TICKET.c.fields).where(TICKET.c.number.in_(numbers))
    for number, subjects, fields in connection.execute(tickets):
        words[number] += subjects
        hosts[number] += _values(fields)
    said = select(MESSAGE.c.ticket, MESSAGE.c.visible_text).where(
        MESSAGE.c.ticket.in_(numbers), MESSAGE.c.kind == "customer"
    )
    for number, text in connection.execute(said.order_by(MESSAGE.c.id)):
        words[number].append(text)
    for number in numbers:
        yield Sayings(ticket=number, hosts=tuple(hosts[number]), words=" ".join(words[number]))


def _values(fields: Mapping[str, Any]) -> list[str]:
    return [str(value).lower() for value in fields.values()]

"""What is kept no longer: found in the order in which it was done with, a batch at a time, with a mark how far that is.

Nothing here removes the row of an arrival, its digest, its Message-ID or its content's key: a mail that comes again is
known again, however long ago that was (I5, P2).
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, or_, select, update

from mailgate.store.engine import upsert
from mailgate.store.ids import least_id
from mailgate.store.outbox import OUTBOX
from mailgate.store.probes import ARRIVAL_STATE
from mailgate.store.rewriting import changed, chunks, replacer
from mailgate.store.tables import ARRIVAL, EVENT, HELD, MESSAGE, META, STAFF, TICKET

_PARKED = ("set_aside", "quarantined", "rejected", "duplicate", "command")
_CUSTOMERS = ("customer", "auto", "recorded")
_PERSONAL_FIELDS = ("callback", "contract", "customer_number", "login")
_ERASED = "@erased.invalid"
_MARK = "retention:"
_PENDING = "retention:removing"


@dataclass(slots=True)
class Gone:
    """What a batch let go of, in numbers by name, and the digests of the raw mails that are to go with it."""

    counts: dict[str, int] = field(default_factory=dict)
    digests: set[str] = field(default_factory=set)

    def count(self, name: str, number: int) -> None:
        if number:
            self.counts[name] = self.counts.get(name, 0) + number


@dataclass(frozen=True, kw_only=True, slots=True)
class Until:
    """Up to which instant a desk's things have been kept long enough; None: they are kept always."""

    raw_mail: datetime | None = None
    people: datetime | None = None
    parked: datetime | None = None
    letters: datetime | None = None

    @property
    def raw(self) -> datetime | None:
        """Return up to when tickets need their raw mail no more: who has no people has no mail of theirs."""
        return max((one for one in (self.raw_mail, self.people) if one is not None), default=None)


def mark(connection: Connection, name: str) -> list[str]:
    """Return how far `name` has come: the last key of it."""
    found = connection.execute(select(META.c.value).where(META.c.name == _MARK + name)).scalar()
    return json.loads(found) if found else []


def set_mark(connection: Connection, name: str, key: Sequence[str]) -> None:
    upsert(connection, META, {"name": _MARK + name, "value": json.dumps(list(key))}, ["name"])


def pending(connection: Connection) -> list[str]:
    """Return the digests of raw mails whose removal has been decided, and not been seen to its end."""
    found = connection.execute(select(META.c.value).where(META.c.name == _PENDING)).scalar()
    return json.loads(found) if found else []


def set_pending(connection: Connection, digests: Iterable[str]) -> None:
    upsert(connection, META, {"name": _PENDING, "value": json.dumps(sorted(digests))}, ["name"])


def closed_tickets(
    connection: Connection, desk: str, until: datetime, after: Sequence[str], limit: int
) -> list[tuple[str, str]]:
    """Return when and which tickets were closed and not touched since, up to `until`: keys, in their order."""
    query = select(TICKET.c.changed_at, TICKET.c.number).where(
        TICKET.c.desk == desk, TICKET.c.status == "closed", TICKET.c.changed_at <= until
    )
    if after:
        at, number = datetime.fromisoformat(after[0]), int(after[1])
        later = and_(TICKET.c.changed_at == at, TICKET.c.number > number)
        query = query.where(or_(TICKET.c.changed_at > at, later))
    rows = connection.execute(query.order_by(TICKET.c.changed_at, TICKET.c.number).limit(limit))
    return [(at.isoformat(), str(number)) for at, number in rows]


def still_closed(connection: Connection, numbers: Sequence[int], until: datetime) -> list[int]:
    """Return those that are still closed, with the tickets that went into them (T7)."""
    is_closed = (TICKET.c.number.in_(numbers), TICKET.c.status == "closed", TICKET.c.changed_at <= until)
    found = set(connection.execute(select(TICKET.c.number).where(*is_closed)).scalars())
    into = {row.number: row.merged_into for row in _tied(connection, sorted(found)) if row.status == "merged"}
    while more := {number for number, target in into.items() if target in found} - found:
        found |= more
    return sorted(found)


def raw_of_tickets(connection: Connection, numbers: Sequence[int], untils: Mapping[str, Until]) -> set[str]:
    """Return the digests of the raw mails of those tickets that nothing else needs."""
    query = select(MESSAGE.c.digest).where(MESSAGE.c.ticket.in_(numbers), MESSAGE.c.digest.is_not(None))
    digests = set(connection.execute(query.distinct()).scalars())
    return digests - _needed(connection, digests, numbers, untils)


def forget_people(
    connection: Connection, numbers: Sequence[int], stand_in: Mapping[str, str], names: Collection[str], gone: Gone
) -> None:
    """Put the stand-ins in the place of addresses and a dash in that of names, on those tickets and nowhere else."""
    replace = replacer(stand_in, names)
    people = set(stand_in)
    for row in _rows(connection, TICKET, TICKET.c.number, numbers):
        names_ = ("subject", "subject_key", "subjects", "requestor", "reply_address", "participants", "fields")
        values = changed(row, names_, replace)
        kept = {key: value for key, value in values.get("fields", row["fields"]).items() if key not in _PERSONAL_FIELDS}
        values |= {"requestor_name": "", "account": None, "named_account": None, "fields": kept}
        connection.execute(update(TICKET).where(TICKET.c.number == row["number"]).values(values))
        gone.count("tickets", 1)
    arrivals: set[str] = set()
    for row in _rows(connection, MESSAGE, MESSAGE.c.ticket, numbers):
        arrivals |= {row["arrival"]} - {None}
        values = changed(row, ("subject", "visible_text", "body", "html", "author", "author_name"), replace)
        if row["author"] in people:
            values["author_name"] = ""
        values["attachments"] = []
        connection.execute(update(MESSAGE).where(MESSAGE.c.id == row["id"]).values(values))
        gone.count("messages", 1)
    _rewrite(connection, EVENT, EVENT.c.ticket, numbers, ("actor", "detail"), replace)
    letters = ("to_address", "to_name", "subject", "text", "html", "reason", "reply_to", "envelope_from")
    gone.count("letters", _rewrite(connection, OUTBOX, OUTBOX.c.ticket, numbers, letters, replace))
    left = (OUTBOX.c.ticket.in_(numbers), OUTBOX.c.state == "sent")
    connection.execute(update(OUTBOX).where(*left).values(attachments="[]"))
    _forget_arrivals(connection, sorted(arrivals), replace)


def people_of(connection: Connection, numbers: Sequence[int], own: Collection[str]) -> tuple[set[str], set[str]]:
    """Return addresses and names of the customers on those tickets; `own` are the desk's addresses."""
    found: set[str] = set()
    names: set[str] = set()
    for row in _rows(connection, TICKET, TICKET.c.number, numbers):
        found |= {row["requestor"], row["reply_address"], *row["participants"]}
        names.add(row["requestor_name"])
    said = select(MESSAGE.c.author, MESSAGE.c.author_name).where(
        MESSAGE.c.ticket.in_(numbers), MESSAGE.c.kind.in_(_CUSTOMERS)
    )
    sent = select(OUTBOX.c.to_address, OUTBOX.c.to_name).where(
        OUTBOX.c.ticket.in_(numbers), OUTBOX.c.audience == "customer"
    )
    for query in (said, sent):
        for address, name in connection.execute(query.distinct()):
            found.add(address)
            names.add(name)
    staff = connection.execute(select(STAFF.c.address, STAFF.c.name)).all()
    found -= {*own, *(row.address for row in staff)}
    names -= {row.name for row in staff}
    return {one for one in found if "@" in one and not one.endswith(_ERASED)}, {one for one in names if one}


def parked_arrivals(
    connection: Connection, desk: str, until: datetime, after: Sequence[str], limit: int
) -> tuple[list[Any], list[str]]:
    """Return the next arrivals that came to no ticket, and the key of the last that was looked at."""
    query = select(ARRIVAL.c.id, ARRIVAL.c.desk, ARRIVAL.c.digest, ARRIVAL.c.outcome, ARRIVAL.c.state)
    looked_at = connection.execute(_next_ids(query, ARRIVAL, desk, until, after, limit)).all()
    parked = [row for row in looked_at if row.outcome in _PARKED and row.state != ARRIVAL_STATE]
    return parked, [looked_at[-1].id] if looked_at else []


def rejected_arrivals(connection: Connection, desk: str, until: datetime) -> list[Any]:
    """Return arrivals whose held mail a person rejected, and of which something is left."""
    query = (
        select(ARRIVAL.c.id, ARRIVAL.c.desk, ARRIVAL.c.digest)
        .join(HELD, HELD.c.arrival == ARRIVAL.c.id)
        .where(HELD.c.desk == desk, HELD.c.state == "rejected", HELD.c.decided_at <= until, HELD.c.sender != "")
    )
    return list(connection.execute(query.limit(1000)))


def forget_parked(connection: Connection, rows: Sequence[Any], untils: Mapping[str, Until]) -> Gone:
    """Let go of mail that came to no ticket: who wrote it, what about, and the raw mail."""
    gone, ids = Gone(), [row.id for row in rows]
    digests = {row.digest for row in rows}
    for some in chunks(ids):
        for row in _rows(connection, ARRIVAL, ARRIVAL.c.id, some):
            bare = {**row["arrival"], "envelope_from": None, "peer": None, "helo": None, "form": None}
            trace = [{**step, "because": ""} for step in row["trace"]]
            values = {"sender": "", "envelope_from": None, "subject": "", "reason": "", "trace": trace, "arrival": bare}
            if row["outcome"] in ("set_aside", "quarantined"):
                values["state"] = "dropped"
            connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == row["id"]).values(values))
        blank = {"sender": "", "subject": "", "reason": "", "context": {}}
        connection.execute(update(HELD).where(HELD.c.arrival.in_(some), HELD.c.state == "rejected").values(blank))
    gone.count("mails", len(ids))
    gone.digests = digests - _needed(connection, digests, (), untils, except_=ids)
    return gone


def forget_letters(
    connection: Connection, desk: str, until: datetime, after: Sequence[str], limit: int
) -> tuple[Gone, list[str]]:
    """Let go of the words of letters that left; those that never did go whole. Returns the key of the last as well."""
    query = select(OUTBOX.c.id, OUTBOX.c.state)
    found = connection.execute(_next_ids(query, OUTBOX, desk, until, after, limit)).all()
    said = [row.id for row in found if row.state == "sent"]
    dead = [row.id for row in found if row.state in ("failed", "withdrawn")]
    for some in chunks(said):
        blank = {"text": "", "html": "", "attachments": "[]", "to_name": ""}
        connection.execute(update(OUTBOX).where(OUTBOX.c.id.in_(some)).values(blank))
    for some in chunks(dead):
        connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(some)))
    gone = Gone()
    gone.count("letters", len(said))
    gone.count("letters_never_sent", len(dead))
    return gone, [found[-1].id] if found else []


def _next_ids(query: Any, table: Any, desk: str, until: datetime, after: Sequence[str], limit: int) -> Any:
    """Return `query` for the next rows of a desk that were made up to `until`: ids are in the order of time."""
    query = query.where(table.c.desk == desk, table.c.id < least_id(until))
    return query.where(table.c.id > (after[0] if after else "")).order_by(table.c.id).limit(limit)


def _needed(
    connection: Connection, digests: set[str], numbers: Sequence[int], untils: Mapping[str, Until],
    except_: Sequence[str] = (),
) -> set[str]:  # fmt: skip
    """Return which raw mails something else has a use for: a ticket that keeps its mail, mail that waits for a person or
    is kept, a letter on its way out."""
    needed: set[str] = set()
    tickets: set[int] = set(numbers)
    arrivals = _rows(connection, ARRIVAL, ARRIVAL.c.digest, sorted(digests), ARRIVAL.c.id, ARRIVAL.c.digest,
                     ARRIVAL.c.desk, ARRIVAL.c.ticket, ARRIVAL.c.outcome, ARRIVAL.c.received_at)  # fmt: skip
    spared = set(except_)
    ids = [one["id"] for one in arrivals]
    waits = set(_column(connection, HELD.c.arrival, HELD.c.arrival, ids, HELD.c.state == "held"))
    for one in arrivals:
        until = untils.get(one["desk"], Until())
        if one["ticket"]:
            tickets.add(one["ticket"])
        elif one["id"] in waits or (
            one["outcome"] in _PARKED and one["id"] not in spared and _is_kept(one["received_at"], until.parked)
        ):
            needed.add(one["digest"])
    others = [row for row in _tied(connection, sorted(tickets)) if row.number not in set(numbers)]
    keep = [row.number for row in others if _keeps_mail(row, untils)]
    needed |= set(_column(connection, MESSAGE.c.digest, MESSAGE.c.ticket, keep, MESSAGE.c.digest.is_not(None)))
    leaving = OUTBOX.c.state.in_(("waiting", "sending"))
    of_letters = _column(
        connection, OUTBOX.c.attachments, OUTBOX.c.ticket, sorted(tickets | {row.number for row in others}), leaving
    )
    return (needed | {one["digest"] for written in of_letters for one in json.loads(written)}) & digests


def _keeps_mail(row: Any, untils: Mapping[str, Until]) -> bool:
    if row.status not in ("closed", "merged"):
        return True
    return row.status == "closed" and _is_kept(row.changed_at, untils.get(row.desk, Until()).raw)


def _is_kept(at: datetime, until: datetime | None) -> bool:
    return until is None or at > until


def _tied(connection: Connection, numbers: Sequence[int]) -> list[Any]:
    """Return those tickets, and all that mail may have moved to or from by merging and splitting."""
    columns = (TICKET.c.number, TICKET.c.desk, TICKET.c.status, TICKET.c.changed_at, TICKET.c.links,
               TICKET.c.merged_into)  # fmt: skip
    found: dict[int, Any] = {}
    wanted = set(numbers)
    while wanted:
        for some in chunks(sorted(wanted)):
            for row in connection.execute(select(*columns).where(TICKET.c.number.in_(some))):
                found[row.number] = row
        tied = {number for row in found.values() for kind, number in row.links if kind in ("merged", "split")}
        wanted = tied - set(found) - wanted
    return list(found.values())


def _forget_arrivals(connection: Connection, ids: Sequence[str], replace: Any) -> None:
    names = ("sender", "envelope_from", "recipient", "subject", "reason", "trace", "arrival")
    for row in _rows(connection, ARRIVAL, ARRIVAL.c.id, ids):
        values = changed(row, names, replace)
        bare = {**values.get("arrival", row["arrival"]), "peer": None, "helo": None, "form": None}
        connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == row["id"]).values({**values, "arrival": bare}))
    _rewrite(connection, HELD, HELD.c.arrival, ids, ("sender", "subject", "reason", "context"), replace)


def _rewrite(
    connection: Connection, table: Any, key: Any, values: Sequence[Any], names: Sequence[str], replace: Any
) -> int:
    primary, count = next(iter(table.primary_key.columns)), 0
    for row in _rows(connection, table, key, values):
        if found := changed(row, names, replace):
            count += 1
            connection.execute(update(table).where(primary == row[primary.name]).values(found))
    return count


def _rows(connection: Connection, table: Any, key: Any, values: Sequence[Any], *columns: Any) -> list[Any]:
    chosen = columns or (table,)
    return [
        row for some in chunks(values)
        for row in connection.execute(select(*chosen).where(key.in_(some))).mappings()
    ]  # fmt: skip


def _column(connection: Connection, column: Any, key: Any, values: Sequence[Any], *conditions: Any) -> list[Any]:
    return [
        one for some in chunks(values)
        for one in connection.execute(select(column).where(key.in_(some), *conditions)).scalars()
    ]  # fmt: skip

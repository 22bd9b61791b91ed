"""What the faces show, read from the tables: tickets, their history, arrivals with their traces, held mail."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from sqlalchemy import ColumnElement, Connection, Engine, delete, func, or_, select, update

from mailgate.model.segments import hidden_lines
from mailgate.model.ticket import SHOWN_DEADLINES, Status, Ticket
from mailgate.store import outbox, probes, rows
from mailgate.store.engine import reading, unindexed
from mailgate.store.inbox import INBOX, arrival_from_json
from mailgate.store.outbox import Outgoing
from mailgate.store.prepared import Listed
from mailgate.store.rewriting import chunks
from mailgate.store.tables import ARRIVAL, DEADLINE, EVENT, HELD, IS_HELD, IS_PARKED, MESSAGE, TICKET

_HEAD_BYTES = 64 * 1024
_MOST_WAITING = 5000
_ABOVE_ALL = 2**31 - 1
_PARKED = ("held", "set_aside", "quarantined")
_PAGE = 500
# the keys of `ticket_keys`, in its order
_KEYS = (
    "number", "desk", "queue", "team", "status", "priority", "subject", "account", "requestor", "participants", "owner",
    "language", "flags", "links", "created_at", "class", "request", "level", "fields", "missing", "source",
    "unanswered_since", "merged_into",
)  # fmt: skip
_LISTED = Listed(
    lambda numbers: (
        select(*(TICKET.c[key] for key in _KEYS)).where(TICKET.c.number.in_(numbers)).order_by(TICKET.c.number.desc())
    )
)
ALL_STATUSES: tuple[str, ...] = get_args(Status)
_FROM = re.compile(rb"(?im)^from[ \t]*:(.*)$")
_MESSAGE_ID = re.compile(rb"(?im)^message-id[ \t]*:\s*<([^<>\s]+)>")


def list_tickets(
    connection: Connection, *, desk: str | None = None, queue: str | None = None, statuses: Sequence[str] = (),
    account: str | None = None, limit: int = 100, before: int | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return tickets, the newest first. What it costs goes with `limit`, not with how many tickets there are."""
    query = select(TICKET.c.number).order_by(TICKET.c.number.desc()).limit(limit)
    wanted = ((TICKET.c.desk, desk), (TICKET.c.queue, queue), (TICKET.c.account, account))
    conditions = [column == value for column, value in wanted if value is not None]
    if statuses:
        conditions.append(TICKET.c.status.in_(statuses))
    if before is not None:
        conditions.append(TICKET.c.number < before)
    if account is not None or not (desk or queue or statuses):  # the key, or the index of accounts, has them in order
        numbers = list(connection.execute(query.where(*conditions)).scalars())
    else:
        numbers = _newest(connection, desk, queue, statuses or ALL_STATUSES, limit, before)
    return [_shown(row) for some in chunks(numbers) for row in _LISTED.mapped(connection, some)]


def tickets_of(connection: Connection, numbers: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Return those tickets by their numbers."""
    return {row["number"]: _shown(row) for some in chunks(numbers) for row in _LISTED.mapped(connection, some)}


def each_ticket(
    engine: Engine, *, desk: str | None = None, queue: str | None = None, statuses: Sequence[str] = (),
    account: str | None = None, limit: int = 100,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """As `list_tickets`, but for any number of them: a page at a time is in memory, and each page is a look of its own,
    so that whoever reads slowly keeps no transaction open."""
    before: int | None = None
    while limit > 0:
        with reading(engine) as connection:
            page = list_tickets(
                connection, desk=desk, queue=queue, statuses=statuses, account=account, limit=min(limit, _PAGE),
                before=before,
            )  # fmt: skip
        yield from page
        if len(page) < _PAGE:
            return
        before, limit = page[-1]["number"], limit - len(page)


def _newest(
    connection: Connection, desk: str | None, queue: str | None, statuses: Sequence[str], limit: int, before: int | None
) -> list[int]:  # fmt: skip
    """Return the numbers of the newest tickets: the first few of each place and status, and of these the first."""
    found: list[int] = []
    above, below = 0, before if before is not None else _ABOVE_ALL
    for place in _places(connection, desk, queue):
        for status in statuses:
            query = select(TICKET.c.number).where(
                TICKET.c.desk == place[0], TICKET.c.queue == place[1], TICKET.c.status == status,
                TICKET.c.number > above, TICKET.c.number < below,
            )  # fmt: skip
            found += connection.execute(query.order_by(TICKET.c.number.desc()).limit(limit)).scalars()
            found = sorted(found, reverse=True)[:limit]
            above = found[-1] if 0 < limit == len(found) else 0
    return found


def _places(connection: Connection, desk: str | None, queue: str | None) -> list[tuple[str, str]]:
    """Return the desks with their queues that have tickets. Each is looked up behind the one before: they are few."""
    if desk is not None and queue is not None:
        return [(desk, queue)]
    desks = [desk] if desk is not None else _steps(connection, TICKET.c.desk)
    if queue is not None:
        return [(one, queue) for one in desks]
    return [(one, name) for one in desks for name in _steps(connection, TICKET.c.queue, TICKET.c.desk == one)]


def _steps(connection: Connection, column: ColumnElement[str], *conditions: ColumnElement[bool]) -> list[str]:
    """Return the values of a column that an index has in order, going from each to the next."""
    found: list[str] = []
    while True:
        later = [column > found[-1]] if found else []
        value = connection.execute(select(column).where(*conditions, *later).order_by(column).limit(1)).scalar()
        if value is None:
            return found
        found.append(value)


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """Make of a row of `_LISTED` what `ticket_keys` makes of a ticket."""
    row["links"] = [{"kind": kind, "ticket": number} for kind, number in row["links"]]
    return row


def show_ticket(connection: Connection, number: int) -> dict[str, Any] | None:
    """Return the shape of `ticket show --json`, or None."""
    row = connection.execute(select(TICKET).where(TICKET.c.number == number)).mappings().first()
    if row is None:
        return None
    shown = ticket_keys(rows.ticket_of(row))
    deadlines = connection.execute(
        select(DEADLINE)
        .where(DEADLINE.c.ticket == number, DEADLINE.c.kind.in_(SHOWN_DEADLINES))
        .order_by(DEADLINE.c.id)
    ).mappings()
    shown["deadlines"] = [
        {"kind": one["kind"], "due_at": one["due_at"], "state": "pending" if one["state"] == "paused" else one["state"],
         "is_paused": one["state"] == "paused"}
        for one in deadlines
    ]  # fmt: skip
    messages = connection.execute(
        select(MESSAGE).where(MESSAGE.c.ticket == number).order_by(MESSAGE.c.at, MESSAGE.c.id)
    )
    entries = list(messages.mappings())
    traces = traces_of(connection, [one["arrival"] for one in entries if one["arrival"]])
    shown["messages"] = [_message(one, traces) for one in entries]
    shown["events"] = events_of(connection, number)
    return shown


def tickets_of_requestor(connection: Connection, desk: str, requestor: str, limit: int) -> list[dict[str, Any]]:
    """Return the tickets that an address opened, the newest first."""
    query = select(TICKET).where(TICKET.c.requestor == requestor, unindexed(TICKET.c.desk) == desk)
    found = connection.execute(query.order_by(TICKET.c.number.desc()).limit(limit)).mappings()
    return [ticket_keys(rows.ticket_of(row)) for row in found]


def bodies_of(connection: Connection, number: int) -> dict[str, str]:
    """Return the whole text of each message of a ticket."""
    found = connection.execute(select(MESSAGE.c.id, MESSAGE.c.body).where(MESSAGE.c.ticket == number))
    return {row.id: row.body for row in found}


def ticket_keys(ticket: Ticket) -> dict[str, Any]:
    """Return a ticket's own keys."""
    return {
        "number": ticket.number, "desk": ticket.desk, "queue": ticket.queue, "team": ticket.team,
        "status": ticket.status, "priority": ticket.priority, "subject": ticket.subject, "account": ticket.account,
        "requestor": ticket.requestor, "participants": list(ticket.participants), "owner": ticket.owner,
        "language": ticket.language, "flags": list(ticket.flags),
        "links": [{"kind": one.kind, "ticket": one.ticket} for one in ticket.links],
        "created_at": ticket.created_at, "class": ticket.class_, "request": ticket.request, "level": ticket.level,
        "fields": dict(ticket.fields), "missing": list(ticket.missing), "source": ticket.source,
        "unanswered_since": ticket.unanswered_since, "merged_into": ticket.merged_into,
    }  # fmt: skip


def events_of(connection: Connection, number: int) -> list[dict[str, Any]]:
    """Return the history of a ticket, oldest first."""
    query = select(EVENT).where(EVENT.c.ticket == number).order_by(EVENT.c.id)
    return [
        {"at": row["at"], "actor": row["actor"], "kind": row["kind"], "detail": row["detail"]}
        for row in connection.execute(query).mappings()
    ]


def find_arrivals(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return the shape of `trace` for every arrival of that Message-ID or digest (a prefix of 8 will do)."""
    bare = name.strip().strip("<>")
    query = (
        select(ARRIVAL)
        .where(or_(ARRIVAL.c.message_id == bare, ARRIVAL.c.digest == bare.lower()))
        .order_by(ARRIVAL.c.id)
    )
    found = list(connection.execute(query.limit(100)).mappings())
    if not found and len(bare) >= 8 and all(letter in "0123456789abcdef" for letter in bare.lower()):
        prefix = select(ARRIVAL).where(ARRIVAL.c.digest >= bare.lower(), ARRIVAL.c.digest < bare.lower() + "g")
        found = list(connection.execute(prefix.order_by(ARRIVAL.c.id).limit(100)).mappings())
    return [_traced(connection, row) for row in found]


def find_waiting(connection: Connection, name: str) -> list[dict[str, Any]]:
    """Return the shape of `trace` for mail of that Message-ID or digest that still waits in the inbox, whose database
    `connection` is of."""
    bare = name.strip().strip("<>")
    head = func.substr(INBOX.c.raw, 1, _HEAD_BYTES).label("head")
    query = select(INBOX.c.id, INBOX.c.digest, INBOX.c.state, INBOX.c.tries, INBOX.c.reason, INBOX.c.arrival, head)
    found = []
    for row in connection.execute(query.where(INBOX.c.state != "done").order_by(INBOX.c.id).limit(_MOST_WAITING)):
        message_id = _message_id(bytes(row.head or b""))
        if bare == message_id or (len(bare) >= 8 and row.digest.startswith(bare.lower())):
            found.append(_waiting(row, message_id))
    return found


def outcome_of(connection: Connection, arrival: str) -> tuple[str, int | None] | None:
    """Return what became of an arrival and its ticket, or None while it waits."""
    row = connection.execute(select(ARRIVAL.c.outcome, ARRIVAL.c.ticket).where(ARRIVAL.c.id == arrival)).first()
    return (row.outcome, row.ticket) if row else None


def list_parked(
    connection: Connection, outcome: str, desk: str | None = None, *, is_open: bool = True
) -> list[dict[str, Any]]:
    """Return quarantined or set-aside mail, oldest first."""
    query = select(ARRIVAL).where(ARRIVAL.c.outcome == outcome).order_by(ARRIVAL.c.id).limit(1000)
    if outcome in _PARKED:
        query = query.where(IS_PARKED)
    if desk:  # so that it goes by what is parked, of which there is little
        query = query.where(unindexed(ARRIVAL.c.desk) == desk)
    if is_open:
        query = query.where(ARRIVAL.c.state.not_in(("dropped", probes.ARRIVAL_STATE)))
    return [parked(row) for row in connection.execute(query).mappings()]


_HELD = select(HELD, ARRIVAL.c.recipient, ARRIVAL.c.attempts, ARRIVAL.c.ticket, ARRIVAL.c.digest).join(
    ARRIVAL, ARRIVAL.c.id == HELD.c.arrival, isouter=True
)


def list_held(connection: Connection, desk: str | None = None, *, is_open: bool = True) -> list[dict[str, Any]]:
    """Return held mail, oldest first."""
    query = _HELD
    if desk:
        query = query.where(HELD.c.desk == desk)
    if is_open:
        query = query.where(IS_HELD)
    return [_held(row) for row in connection.execute(query.order_by(HELD.c.id).limit(1000)).mappings()]


def find_held(connection: Connection, which: str) -> dict[str, Any] | None:
    """Return a row of `held list` with what else is known of the mail: its digest, what it would have been."""
    row = connection.execute(_HELD.where(HELD.c.id == which)).mappings().first()
    if row is None:
        return None
    more = ("arrival", "digest", "queue", "decided_by", "decided_at", "context")
    return {**_held(row), **{name: row[name] for name in more}}


def find_parked(connection: Connection, which: str) -> dict[str, Any] | None:
    """Return a quarantined or set-aside mail with its trace, by its id."""
    row = connection.execute(select(ARRIVAL).where(ARRIVAL.c.id == which)).mappings().first()
    if row is None:
        return None
    more = ("outcome", "digest", "message_id", "channel", "envelope_from", "trace", "arrival")
    return {**parked(row), **{name: row[name] for name in more}}


def known_arrivals(connection: Connection, digests: Sequence[str]) -> set[tuple[str, str]]:
    """Return desk and digest of those that have been read already."""
    query = select(ARRIVAL.c.desk, ARRIVAL.c.digest).where(ARRIVAL.c.digest.in_(digests))
    return {(desk, digest) for desk, digest in connection.execute(query)}


def known_in_inbox(connection: Connection, digests: Sequence[str]) -> set[tuple[str, str]]:
    """Return desk and digest of those that are in the inbox, whose database `connection` is of."""
    query = select(INBOX.c.desk, INBOX.c.digest).where(INBOX.c.digest.in_(digests))
    return {(desk, digest) for desk, digest in connection.execute(query)}


def count_waiting_from(connection: Connection, address: str) -> int:
    """Return how much mail of that envelope sender, or with that From, waits in the inbox."""
    head = func.substr(INBOX.c.raw, 1, _HEAD_BYTES).label("head")
    query = select(INBOX.c.arrival, head).where(INBOX.c.state == "waiting").limit(_MOST_WAITING)
    count = 0
    for row in connection.execute(query):
        sender = next(iter(_FROM.findall(bytes(row.head or b""))), b"").decode("utf-8", "replace").lower()
        count += address in sender or (arrival_from_json(row.arrival).envelope_from or "").lower() == address
    return count


def infected(connection: Connection, arrivals: Sequence[str]) -> frozenset[str]:
    """Return those of the mails in which something harmful was found (M9): their raw text leaves the house in no way."""
    found: set[str] = set()
    for some in chunks(arrivals):
        for row in connection.execute(select(ARRIVAL.c.id, ARRIVAL.c.trace).where(ARRIVAL.c.id.in_(some))):
            if any(step.get("rule") == "M9" and step.get("verdict") == "malware" for step in row.trace or ()):
                found.add(row.id)
    return frozenset(found)


def is_infected(connection: Connection, digest: str) -> bool:
    """Was something harmful found in the raw mail of that digest (M9)?"""
    arrivals = connection.execute(select(ARRIVAL.c.id).where(ARRIVAL.c.digest == digest)).scalars()
    return bool(infected(connection, list(arrivals)))


def drop_parked(connection: Connection, which: str) -> None:
    """List a quarantined or set-aside mail no more; it stays to be traced."""
    connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == which).values(state="dropped"))


def forget_arrival(connection: Connection, which: str) -> None:
    """Remove the record of a quarantined mail that is to be processed anew: an arrival has one outcome (P1)."""
    connection.execute(delete(ARRIVAL).where(ARRIVAL.c.id == which, ARRIVAL.c.outcome == "quarantined"))


def letter_keys(letter: Outgoing) -> dict[str, Any]:
    """Return a row of `outbox list`."""
    rendered = letter.rendered
    return {
        "id": letter.id, "desk": rendered.desk, "ticket": rendered.ticket, "at": letter.created_at,
        "from": rendered.from_, "to": rendered.to, "subject": rendered.subject, "state": letter.state,
        "reason": letter.reason or _why_it_waits(letter), "attempts": letter.attempts,
        "kind": rendered.kind, "next_at": letter.next_at,
        "sent_at": letter.sent_at,
        "message_id": f"<{rendered.message_id}>",
    }  # fmt: skip


def _why_it_waits(letter: Outgoing) -> str:
    """Return why a letter that nobody has tried to send yet does not leave at once."""
    if letter.state != "waiting" or letter.not_before is None or letter.not_before <= letter.created_at:
        return ""
    if letter.message is not None:
        return "may still be taken back (#undo)"
    return "waits for the team's opening"


def parked(row: Any) -> dict[str, Any]:
    """Return a row of `quarantine list` or `aside list`."""
    return {
        "id": row["id"], "desk": row["desk"], "ticket": row["ticket"], "at": row["received_at"],
        "from": row["sender"], "to": row["recipient"], "subject": row["subject"],
        "state": row["state"] or row["outcome"], "reason": row["reason"], "attempts": row["attempts"],
    }  # fmt: skip


def _held(row: Any) -> dict[str, Any]:
    return {
        "id": row["id"], "desk": row["desk"], "ticket": row["ticket"], "at": row["at"], "from": row["sender"],
        "to": row["recipient"], "subject": row["subject"], "state": row["state"], "reason": row["reason"],
        "attempts": row["attempts"] or 0,
    }  # fmt: skip


def _message_id(head: bytes) -> str | None:
    """Return the Message-ID of raw mail, without brackets."""
    found = _MESSAGE_ID.search(head.replace(b"\r", b"").partition(b"\n\n")[0])
    return found.group(1).decode("utf-8", "replace") if found else None


def _waiting(row: Any, message_id: str | None) -> dict[str, Any]:
    arrival = arrival_from_json(row.arrival)
    verdict = "given up" if row.state == "given_up" else "waits to be read"
    came = _came(arrival.received_at, arrival.channel, arrival.envelope_from, ", ".join(arrival.recipients))
    waits = {"at": arrival.received_at, "step": "wait", "rule": "I7", "verdict": f"{verdict}, {row.tries} tries",
             "because": row.reason}  # fmt: skip
    return {
        "digest": row.digest, "message_id": f"<{message_id}>" if message_id else None, "outcome": None, "ticket": None,
        "desk": arrival.desk, "arrival": arrival.id,
        "steps": [came, waits], "sent": [],
    }  # fmt: skip


def _came(at: Any, channel: str, sender: str | None, recipient: str) -> dict[str, Any]:
    return {"at": at, "step": "arrive", "rule": "I1", "verdict": f"accepted by {channel}",
            "because": f"from {'somebody' if sender is None else sender or '<>'} to {recipient}"}  # fmt: skip


def _traced(connection: Connection, row: Any) -> dict[str, Any]:
    came = _came(row["received_at"], row["channel"], row["envelope_from"], row["recipient"])
    letters = outbox.list_letters(connection, arrival=row["id"])
    return {
        "digest": row["digest"], "message_id": f"<{row['message_id']}>" if row["message_id"] else None,
        "outcome": row["outcome"], "ticket": row["ticket"], "desk": row["desk"], "arrival": row["id"],
        "steps": [came, *row["trace"]], "sent": [letter_keys(letter) for letter in letters],
    }  # fmt: skip


def traces_of(connection: Connection, arrivals: Sequence[str]) -> dict[str, Any]:
    """Return the traces (P4) of arrivals by their ids."""
    if not arrivals:
        return {}
    query = select(ARRIVAL.c.id, ARRIVAL.c.trace).where(ARRIVAL.c.id.in_(arrivals))
    return {row.id: row.trace for row in connection.execute(query)}


def _message(row: Any, traces: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": row["id"], "kind": row["kind"], "from": row["author"], "at": row["at"], "subject": row["subject"],
        "visible_text": row["visible_text"], "hidden_lines": hidden_lines(row["body"], row["visible_text"]),
        "attachments": [
            {name: one[name] for name in ("filename", "content_type", "size", "sha256", "inline")}
            for one in row["attachments"]
        ],
        "message_id": f"<{row['message_id']}>" if row["message_id"] else None, "digest": row["digest"],
        "trace": traces.get(row["arrival"], []), "state": row["state"],
    }  # fmt: skip

"""Values to rows and back: the one place where a column's shape and a field's shape meet."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any

from mailgate.model.people import Account, Contact, Staff
from mailgate.model.quick import by_name
from mailgate.model.ticket import Deadline, Link, Message, StoredFile, Ticket

_TICKET_TUPLES = ("subjects", "participants", "rights", "flags", "missing")
_TICKET_FIELDS = tuple(
    one.name for one in fields(Ticket) if one.name not in (*_TICKET_TUPLES, "links", "fields", "class_")
)
_DEADLINE_FIELDS = tuple(one.name for one in fields(Deadline))
_UNDO_TIMES = ("unanswered_since", "staff_spoke_at", "finished_at", "snoozed_until")
_DEADLINE_TIMES = ("due_at", "remind_at", "closed_at")


def ticket_row(ticket: Ticket, subject_key: str) -> dict[str, Any]:
    row = by_name(ticket)
    row.update({name: list(row[name]) for name in _TICKET_TUPLES})
    row["class"] = row.pop("class_")
    row["fields"] = dict(ticket.fields)
    row["links"] = [[link.kind, link.ticket] for link in ticket.links]
    row["subject_key"] = subject_key
    return row


def ticket_of(row: Mapping[Any, Any]) -> Ticket:
    values: dict[str, Any] = {name: row[name] for name in _TICKET_FIELDS}
    values.update({name: tuple(row[name]) for name in _TICKET_TUPLES})
    links = tuple(Link(kind=kind, ticket=number) for kind, number in row["links"])
    return Ticket(class_=row["class"], fields=row["fields"], links=links, **values)


def deadline_row(deadline: Deadline, desk: str, ticket: int, id_: str) -> dict[str, Any]:
    return {**by_name(deadline), "id": id_, "desk": desk, "ticket": ticket, "next_at": deadline.next_at}


def deadline_of(row: Mapping[Any, Any]) -> Deadline:
    return Deadline(**{name: row[name] for name in _DEADLINE_FIELDS})


def message_row(message: Message, ticket: int, id_: str) -> dict[str, Any]:
    return {
        "id": id_, "ticket": ticket, "kind": message.kind, "author": message.author, "author_name": message.author_name,
        "at": message.at, "subject": message.subject, "visible_text": message.visible_text, "body": message.text,
        "html": message.html, "attachments": [asdict(one) for one in message.attachments], "message_id": message.message_id,
        "refs": list(message.references), "digest": message.digest, "arrival": message.arrival, "state": message.state,
        "undo": undo_to_json(message.undo),
    }  # fmt: skip


def message_of(row: Mapping[Any, Any]) -> Message:
    return Message(
        id=row["id"], kind=row["kind"], author=row["author"], author_name=row["author_name"], at=row["at"],
        subject=row["subject"], visible_text=row["visible_text"], text=row["body"], html=row["html"],
        attachments=tuple(StoredFile(**one) for one in row["attachments"]), message_id=row["message_id"],
        references=tuple(row["refs"]), digest=row["digest"], arrival=row["arrival"], state=row["state"],
        undo=undo_of_json(row["undo"]),
    )  # fmt: skip


def undo_to_json(undo: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Return what #undo restores with its instants as text."""
    if undo is None:
        return None
    return {key: _to_text(value) for key, value in undo.items()}


def undo_of_json(undo: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if undo is None:
        return None
    found = dict(undo)
    for name in _UNDO_TIMES:
        if found.get(name):
            found[name] = datetime.fromisoformat(found[name])
    for deadline in found.get("deadlines", ()):
        for name in _DEADLINE_TIMES:
            if deadline.get(name):
                deadline[name] = datetime.fromisoformat(deadline[name])
    return found


def account_of(row: Mapping[Any, Any]) -> Account:
    return Account(
        id=row["id"],
        desk=row["desk"],
        number=row["number"],
        login=row["login"],
        name=row["name"],
        language=row["language"],
    )


def contact_of(row: Mapping[Any, Any]) -> Contact:
    """Make a contact of a row of contact joined with its account, whose columns bear the prefix `account_`."""
    account = Account(
        id=row["account_id"], desk=row["desk"], number=row["account_number"], login=row["account_login"],
        name=row["account_name"], language=row["account_language"],
    )  # fmt: skip
    return Contact(
        id=row["id"], account=account, address=row["address"], name=row["name"], roles=tuple(row["roles"]),
        purposes=tuple(row["purposes"]), until=row["until"],
    )  # fmt: skip


def staff_of(row: Mapping[Any, Any]) -> Staff:
    return Staff(
        desk=row["desk"], address=row["address"], name=row["name"], teams=tuple(row["teams"]), role=row["role"],
        language=row["language"], timezone=row["timezone"],
    )  # fmt: skip


def to_json(value: Any) -> Any:
    """Return `value` as JSON can hold it: instants as RFC 3339 text, tuples as lists."""
    return _to_text(value)


def _to_text(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _to_text(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_to_text(one) for one in value]
    if value is None or isinstance(value, str | int | float | bool):
        return value
    return str(value)

"""Tickets in the database of Request Tracker 5, read as they stand there: PostgreSQL, MySQL, MariaDB or SQLite."""

import base64
import binascii
import quopri
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, text
from sqlalchemy.exc import SQLAlchemyError

from mailgate.errors import Refused, TryLater
from mailgate.store.foreign import said, shown
from mailgate.takeover.record import (
    OldFile,
    OldMessage,
    OldStatus,
    OldTicket,
    Wrong,
    check_messages,
    check_number,
    clean_text,
    find_message_id,
    instant,
    one_line,
    people,
    person,
)

_BATCH = 20
_MOST_IDS = 1000
_STATUSES: Mapping[str, OldStatus] = {
    "new": "open", "open": "open", "stalled": "waiting", "resolved": "resolved", "rejected": "closed",
}  # fmt: skip
STATUSES: tuple[OldStatus, ...] = ("open", "waiting", "resolved", "closed")
# RT names the ticket in what it sends by an id of its own, which a customer's program puts into References
_TICKET_ID = re.compile(r"<(RT-Ticket-\d{1,9}@[^<>\s]{1,200})>")
_KINDS = ("Create", "Correspond", "Comment")
Place = tuple[str, str | None]
"""A desk and a queue of it; None: the first."""


@dataclass(slots=True)
class RequestTracker:
    """RT's tickets. `place` says where those of a queue of RT's go, `statuses` what RT's own ones are here, `as_text`
    reads HTML."""

    engine: Engine
    place: Callable[[str], Place]
    statuses: Mapping[str, str]
    as_text: Callable[[str], str]
    now: datetime
    complaints: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)

    def survey(self) -> tuple[int, int]:
        """Return how many tickets there are, and the greatest number. Raises TryLater, Refused."""
        query = "SELECT count(*), max(id) FROM Tickets WHERE Type = 'ticket' AND Status <> 'deleted'"
        with self._opened() as connection, self._asked():
            count, greatest = connection.execute(text(query)).one()
        return int(count), int(greatest or 0)

    def tickets(self) -> Iterator[OldTicket | None]:
        """Yield each ticket in the order of their numbers; None for one that cannot be taken, which is named."""
        after = 0
        with self._opened() as connection:
            with self._asked():
                staff = self._staff(connection)
            while True:
                with self._asked():
                    batch = _Batch.read(connection, after)
                if not batch.tickets:
                    return
                for row in batch.tickets:
                    yield self._ticket(row, batch, staff)
                after = batch.tickets[-1]["id"]

    def _ticket(self, row: Mapping[str, Any], batch: "_Batch", staff: frozenset[int]) -> OldTicket | None:
        number = int(row["id"])
        try:
            return self._read(number, row, batch, staff)
        except Wrong as error:
            self.complaints.append(f"RT #{number}: {error}")
            return None

    def _read(self, number: int, row: Mapping[str, Any], batch: "_Batch", staff: frozenset[int]) -> OldTicket:
        into = int(row["effectiveid"])
        is_merged = into != number
        desk, queue = self.place(row["queue"])
        requestors = [_person(one) for one in batch.roles(number, "Requestor")]
        others, left_out = people([one["emailaddress"] or "" for one in batch.roles(number, "Cc")])
        if left_out:
            self.remarks["people in Cc without a mail address, or too many for a ticket, are left out"] += left_out
        requestor, name = next((one for one in requestors if one[0]), ("", ""))
        more = tuple(address for address, _ in requestors if address and address != requestor)
        messages = [] if is_merged else self._messages(number, batch, staff, {one for one, _ in requestors})
        return OldTicket(
            source=f"RT #{number}", desk=desk, number=check_number(number), queue=queue, requestor=requestor,
            requestor_name=name, participants=tuple(dict.fromkeys((*more, *others))), owner=one_line(row["owner"] or ""),
            subject=one_line(row["subject"] or ""), status="merged" if is_merged else self._status(row["status"]),
            merged_into=check_number(into) if is_merged else None, created_at=self._instant(row["created"]),
            finished_at=self._instant(row["resolved"]) if _is_given(row["resolved"]) else None,
            messages=check_messages(messages), message_ids=() if is_merged else batch.sent_ids(number),
        )  # fmt: skip

    def _messages(self, number: int, batch: "_Batch", staff: frozenset[int], requestors: set[str]) -> list[OldMessage]:
        return [self._message(one, batch, staff, requestors) for one in batch.entries(number)]

    def _message(
        self, entry: Mapping[str, Any], batch: "_Batch", staff: frozenset[int], requestors: set[str]
    ) -> OldMessage:
        author, name = _person(entry)
        is_staff = entry["creator"] in staff and author not in requestors
        parts = batch.parts(entry["id"])
        top = next((one for one in parts if not one["parent"]), None)
        body, files = self._body(parts)
        return OldMessage(
            kind="note" if entry["type"] == "Comment" else "staff" if is_staff else "customer", author=author,
            author_name=name, at=self._instant(entry["created"]), subject=one_line((top or {}).get("subject") or ""),
            text=body, message_id=find_message_id((top or {}).get("messageid")), files=tuple(files),
        )  # fmt: skip

    def _body(self, parts: Sequence[Mapping[str, Any]]) -> tuple[str, list[OldFile]]:
        """Return what a reader would see of an entry's parts, and its files."""
        plain: list[str] = []
        marked: list[str] = []
        files: list[OldFile] = []
        for part in parts:
            kind = (part["contenttype"] or "text/plain").lower()
            if kind.startswith("multipart/"):
                continue
            content = self._content(part)
            if content is None:
                continue
            if kind == "text/plain" and not part["filename"]:
                plain.append(content.decode("utf-8", "replace"))
            elif kind == "text/html" and not part["filename"]:
                marked.append(content.decode("utf-8", "replace"))
            elif content:
                name = one_line(part["filename"] or f"part-{part['id']}")
                files.append(OldFile(filename=name, content_type=kind, content=content))
        texts = [one for one in plain if one.strip()] or [self.as_text(one) for one in marked]
        return clean_text("\n\n".join(one.strip("\r\n") for one in texts)), files

    def _content(self, part: Mapping[str, Any]) -> bytes | None:
        raw = part["content"]
        data = raw.encode("utf-8", "surrogatepass") if isinstance(raw, str) else bytes(raw or b"")
        match (part["contentencoding"] or "none").lower():
            case "base64":
                try:
                    return base64.b64decode(data)
                except binascii.Error:
                    self.remarks["attachments whose content cannot be read are left out"] += 1
                    return None
            case "quoted-printable":
                return quopri.decodestring(data)
            case "external":
                self.remarks["attachments that RT keeps outside of its database are left out"] += 1
                return None
            case _:
                return data

    def _status(self, status: str) -> OldStatus:
        named = self.statuses.get(status)
        for one in STATUSES:
            if one == named or (named is None and _STATUSES.get(status) == one):
                return one
        raise Wrong(f"status: {status!r} is none that is known; say what it is with --status {status}=open")

    def _instant(self, value: Any) -> datetime:
        at = datetime.fromisoformat(value) if isinstance(value, str) else value
        if not isinstance(at, datetime):
            raise Wrong("created: is no time")
        return instant("created", at.replace(tzinfo=UTC) if at.tzinfo is None else at, self.now)  # RT keeps UTC

    def _staff(self, connection: Connection) -> frozenset[int]:
        """Return the ids of RT's privileged users: the people of its desk."""
        query = f"""SELECT m.MemberId FROM GroupMembers m JOIN {_groups(connection)} g ON g.id = m.GroupId
                    WHERE g.Domain = 'SystemInternal' AND g.Name = 'Privileged'"""  # noqa: S608 (a table's name)
        return frozenset(row[0] for row in connection.execute(text(query)))

    def _opened(self) -> Connection:
        try:
            return self.engine.connect()
        except SQLAlchemyError as error:
            raise TryLater(f"{shown(self.engine)}: {said(error)}") from error

    def _asked(self) -> "_Asked":
        return _Asked(self.engine)


class _Asked:
    """Trouble of the foreign database in words: it does not answer, or is none of RT's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, SQLAlchemyError):
            raise Refused(f"{shown(self._engine)}: no database of RT 5 that may be read: {said(error)}") from error


@dataclass(frozen=True, slots=True)
class _Batch:
    """Some tickets with all that is read of them at once. `families`: a ticket -> it and those merged into it."""

    tickets: list[dict[str, Any]]
    families: dict[int, list[int]]
    people: list[dict[str, Any]]
    transactions: list[dict[str, Any]]
    attachments: dict[int, list[dict[str, Any]]]

    @classmethod
    def read(cls, connection: Connection, after: int) -> "_Batch":
        tickets = _rows(
            connection,
            """SELECT t.id, t.EffectiveId, q.Name AS queue, t.Subject, t.Status, t.Created, t.Resolved,
                      CASE WHEN o.Name = 'Nobody' THEN '' WHEN o.EmailAddress <> '' THEN o.EmailAddress ELSE o.Name END AS owner
               FROM Tickets t JOIN Queues q ON q.id = t.Queue LEFT JOIN Users o ON o.id = t.Owner
               WHERE t.Type = 'ticket' AND t.Status <> 'deleted' AND t.id > :after ORDER BY t.id LIMIT :most""",
            after=after, most=_BATCH,
        )  # fmt: skip
        numbers = [one["id"] for one in tickets]
        families: dict[int, list[int]] = {}
        for row in _rows(
            connection, "SELECT id, EffectiveId FROM Tickets WHERE EffectiveId IN :ids ORDER BY id", ids=numbers
        ):
            families.setdefault(row["effectiveid"], []).append(row["id"])
        members = [one for family in families.values() for one in family]
        persons = _rows(
            connection,
            f"""SELECT g.Instance, g.Name AS role, u.EmailAddress, u.RealName FROM {_groups(connection)} g
                JOIN GroupMembers m ON m.GroupId = g.id JOIN Users u ON u.id = m.MemberId
                WHERE g.Domain = 'RT::Ticket-Role' AND g.Name IN ('Requestor', 'Cc') AND g.Instance IN :ids
                ORDER BY m.id""",  # noqa: S608 (a table's name)
            ids=numbers,
        )
        transactions = _rows(
            connection,
            """SELECT x.id, x.ObjectId, x.Type, x.Creator, x.Created, u.EmailAddress, u.RealName FROM Transactions x
               JOIN Users u ON u.id = x.Creator WHERE x.ObjectType = 'RT::Ticket' AND x.ObjectId IN :ids
               AND x.Type IN ('Create', 'Correspond', 'Comment', 'EmailRecord') ORDER BY x.id""",
            ids=members,
        )
        attachments: dict[int, list[dict[str, Any]]] = {}
        for content, wanted in (
            ("a.Content", [one["id"] for one in transactions if one["type"] in _KINDS]),
            ("NULL AS Content", [one["id"] for one in transactions if one["type"] not in _KINDS]),
        ):
            for row in _rows(
                connection,
                f"""SELECT a.id, a.TransactionId, a.Parent, a.MessageId, a.Subject, a.Filename, a.ContentType,
                           a.ContentEncoding, a.Headers, {content} FROM Attachments a
                    WHERE a.TransactionId IN :ids ORDER BY a.id""",  # noqa: S608 (words of ours)
                ids=wanted,
            ):
                attachments.setdefault(row["transactionid"], []).append(row)
        return cls(tickets, families, persons, transactions, attachments)

    def roles(self, number: int, role: str) -> list[dict[str, Any]]:
        return [one for one in self.people if one["instance"] == number and one["role"] == role]

    def entries(self, number: int) -> list[dict[str, Any]]:
        """Return what was said on a ticket and on those merged into it."""
        family = self.families.get(number, [number])
        return [one for one in self.transactions if one["objectid"] in family and one["type"] in _KINDS]

    def parts(self, transaction: int) -> list[dict[str, Any]]:
        return self.attachments.get(transaction, [])

    def sent_ids(self, number: int) -> tuple[str, ...]:
        """Return the Message-IDs of what RT sent to customers, and those by which it names the ticket. What it sent to
        staff alone (comments) is left out: an answer to that is no word to a customer."""
        family = self.families.get(number, [number])
        found: dict[str, None] = {}
        for one in self.transactions:
            if one["objectid"] not in family or one["type"] != "EmailRecord":
                continue
            for part in self.parts(one["id"]):
                if id_ := find_message_id(part["messageid"]):
                    found[id_] = None
                found.update(dict.fromkeys(_TICKET_ID.findall(_text(part["headers"]))))
        return tuple(found)[:_MOST_IDS]


def _rows(connection: Connection, query: str, **values: Any) -> list[dict[str, Any]]:
    """Return rows by the lower case of their columns; PostgreSQL knows no other, MySQL keeps what is written."""
    if "ids" in values:
        if not values["ids"]:
            return []
        statement = text(query).bindparams(bindparam("ids", expanding=True))
    else:
        statement = text(query)
    return [
        {name.lower(): value for name, value in row.items()} for row in connection.execute(statement, values).mappings()
    ]


def _groups(connection: Connection) -> str:
    """GROUPS is a word of MySQL's own since version 8."""
    return "`Groups`" if connection.dialect.name in ("mysql", "mariadb") else "Groups"


def _person(row: Mapping[str, Any]) -> tuple[str, str]:
    try:
        address = person("user", row["emailaddress"] or "")[0]
    except Wrong:
        address = ""
    return address, one_line(row["realname"] or "")


def _is_given(value: Any) -> bool:
    """RT writes "never" as the beginning of 1970."""
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return isinstance(at, datetime) and at.year > 1970


def _text(value: Any) -> str:
    return bytes(value).decode("utf-8", "replace") if isinstance(value, bytes | memoryview) else str(value or "")

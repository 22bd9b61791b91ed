"""Tickets that a person of the desk asks for by mail (C9): what has the words, what is theirs, what waits in the queue."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, case, select

from mailgate.model.facts import Clues
from mailgate.model.search import BadSearch, read_search
from mailgate.model.settings import Desk, bare_address
from mailgate.store.search import find_tickets
from mailgate.store.tables import TICKET

_MOST = 30
_OPEN = ("new", "open", "waiting")


def listed(connection: Connection, desk: Desk, person: str, clues: Clues) -> tuple[Mapping[str, Any], ...]:
    """Return the tickets of the list, at most 30: of #find the newest first, else in the order of work (Q6)."""
    kind, words = clues.listing or ("", "")
    if kind == "find":
        try:
            hits = find_tickets(connection, read_search(words), desks=[desk.name], limit=_MOST)
        except BadSearch:  # the rule says what is wrong with it
            return ()
        return tuple(_row(hit.ticket) for hit in sorted(hits, key=lambda hit: -hit.ticket["number"]))
    if kind == "mine":
        return _work(connection, desk, TICKET.c.owner == person)
    return _work(connection, desk, TICKET.c.queue == _queue_of(desk, clues))


def _work(connection: Connection, desk: Desk, whose: ColumnElement[bool]) -> tuple[Mapping[str, Any], ...]:
    is_unanswered = TICKET.c.unanswered_since.is_not(None)
    query = (
        select(TICKET)
        .where(TICKET.c.desk == desk.name, TICKET.c.status.in_(_OPEN), whose)
        .order_by(
            case((TICKET.c.priority == "high", 0), else_=1), case((is_unanswered, 0), else_=1), TICKET.c.unanswered_since,
            TICKET.c.number,
        )
        .limit(_MOST)
    )  # fmt: skip
    return tuple(_row(dict(row)) for row in connection.execute(query).mappings())


def _queue_of(desk: Desk, clues: Clues) -> str:
    """Return the queue of the mailbox that was written to."""
    named = {bare_address(one) for one in clues.people}
    return next((one.queue for one in desk.mailboxes if one.address in named), desk.mailboxes[0].queue)


def _row(ticket: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: ticket[name] for name in ("number", "subject", "status", "priority", "requestor", "queue", "owner")}

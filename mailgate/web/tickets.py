"""What a customer's panel may see of a ticket (P3): its own letters, no note, no address of a person of the desk."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from mailgate.model.settings import Desk
from mailgate.store import views
from mailgate.store.rows import to_json
from mailgate.store.tables import DEADLINE, TICKET

_SHOWN = {"customer", "staff"}


def find_ticket(connection: Connection, desk: Desk, number: int) -> dict[str, Any] | None:
    """Return the ticket as the panel sees it, or None where it is none of this desk's."""
    shown = views.show_ticket(connection, number)
    if shown is None or shown["desk"] != desk.name:
        return None
    messages = [_message(one, desk) for one in shown["messages"] if one["kind"] in _SHOWN and one["state"] == "done"]
    due = next((one["due_at"] for one in shown["deadlines"] if one["kind"] == "first_response"), None)
    return {**_keys(shown, desk, due), "messages": messages}


def list_of_account(
    connection: Connection, desk: Desk, account: str, limit: int, before: int | None
) -> list[dict[str, Any]]:
    """Return the account's tickets, the newest first, without their messages."""
    found = views.list_tickets(connection, desk=desk.name, account=account, limit=limit, before=before)
    dues = _first_responses(connection, [one["number"] for one in found])
    return [_keys(one, desk, dues.get(one["number"])) for one in found]


def brief(connection: Connection, desk: Desk, number: int) -> dict[str, Any]:
    """Return the answer to a posted form: `number, tag, status, first_response_due`."""
    row = connection.execute(select(TICKET.c.status).where(TICKET.c.number == number)).first()
    due = _first_responses(connection, [number]).get(number)
    return {
        "number": number, "tag": tag_of(desk, number), "status": row.status if row else "new",
        "first_response_due": _instant(due),
    }  # fmt: skip


def tag_of(desk: Desk, number: int) -> str:
    return f"[{desk.tag} #{number}]"


def _keys(ticket: dict[str, Any], desk: Desk, due: datetime | None) -> dict[str, Any]:
    names = ("number", "status", "priority", "subject", "account", "requestor", "language", "created_at", "merged_into")
    kept = to_json({name: ticket[name] for name in names})
    return {**kept, "tag": tag_of(desk, ticket["number"]), "first_response_due": _instant(due)}


def _message(message: dict[str, Any], desk: Desk) -> dict[str, Any]:
    by_staff = message["kind"] == "staff"
    files = [
        {name: one[name] for name in ("filename", "content_type", "size", "sha256")} for one in message["attachments"]
    ]
    return {
        "id": message["id"], "kind": message["kind"], "from": desk.title if by_staff else message["from"],
        "at": _instant(message["at"]), "subject": message["subject"], "text": message["visible_text"],
        "attachments": files,
    }  # fmt: skip


def _first_responses(connection: Connection, numbers: list[int]) -> dict[int, datetime]:
    query = select(DEADLINE.c.ticket, DEADLINE.c.due_at).where(
        DEADLINE.c.ticket.in_(numbers), DEADLINE.c.kind == "first_response", DEADLINE.c.due_at.is_not(None)
    )
    return {row.ticket: row.due_at for row in connection.execute(query)}


def _instant(at: datetime | None) -> Any:
    return to_json({"at": at})["at"] if at else None

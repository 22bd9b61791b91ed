"""The acknowledgement of a new ticket (A1, Q7): what it says, and the receipt of a formal notice."""

from datetime import timedelta
from typing import Any

from mailgate.decide import clocks, incidents, letters
from mailgate.decide.route import Routed
from mailgate.decide.scene import Scene
from mailgate.model.letter import Letter
from mailgate.model.ticket import Case, Ticket

_FORM = ("summary", "environment", "tried", "attachments", "urgency")
_FACT_LABELS = ("server", "service", "order", "started", "callback", "contract")
# a letter says the minute; where a backlog has been longer than the promise, the ack gives none
_A_MINUTE = timedelta(minutes=1)
_UNDERSTOOD = ("server", "domain", "order", "service", "started", "invoice")


def acknowledgement(scene: Scene, case: Case, routed: Routed, split_from: Case | None = None, why: str = "") -> Letter:
    """Return the ack of a new ticket (A1)."""
    ticket, due = case.ticket, clocks.find_live(case, "first_response")
    context: dict[str, Any] = {
        "class": ticket.class_,
        "due_at": due.due_at if due and due.due_at and due.due_at > scene.now - _A_MINUTE else None,
        "is_high": ticket.priority == "high",
        "identity_required": "identity_required" in ticket.flags,
        "missing": ticket.missing,
        "form": _form(ticket),
        "incidents": incidents.texts_for(scene, case),
        "moved": routed.moved,
        "from_ticket": split_from.ticket.number if split_from else None,
        "split_because": why,
        "receipt": _receipt(scene) if ticket.is_formal else None,
        "identity": _identity(ticket),
        "suggest_panel": ticket.priority == "high" and ticket.level not in ("verified", "staff"),
        "understood": {name: ticket.fields[name] for name in _UNDERSTOOD if name in ticket.fields},
        "source": ticket.source,
    }  # fmt: skip
    return letters.to_customer(
        "ack", case, scene.desk, context, in_reply_to=scene.mail.message_id, references=_references(scene)
    )


def told_by(letter: Letter) -> dict[str, Any]:
    """Return what an ack has promised and asked, for the notice to staff (C1)."""
    context = letter.context
    return {"due_at": context["due_at"], "asked": context["missing"], "identity": context["identity"]}


def _identity(ticket: Ticket) -> str:
    """Return why a request waits for an identity (S7): nothing proves that the mail is theirs (`unconfirmed`), their role
    may not ask for it (`role`), or nobody knows the sender (`unknown`). Each is told what helps."""
    if "identity_required" not in ticket.flags:
        return ""
    return {"registered": "unconfirmed", "verified": "role"}.get(ticket.level, "unknown")


def _form(ticket: Ticket) -> tuple[str, ...]:
    """Return the labels to fill in (Q7), where facts are asked for: those that are missing, and, where it is questions of
    the class, the labels of the guide that are not filled yet."""
    asked = [name for name in ticket.missing if name != "contract"]
    if not asked:
        return ()
    facts = tuple(name for name in ticket.missing if name in _FACT_LABELS)
    questions = [name for name in asked if name not in _FACT_LABELS]
    return (*facts, *(name for name in _FORM if questions and not ticket.fields.get(name)))


def _receipt(scene: Scene) -> dict[str, Any]:
    return {
        "received_at": scene.at, "subject": scene.mail.subject,
        "files": [{"filename": one.filename, "sha256": one.sha256, "size": one.size} for one in scene.mail.attachments],
    }  # fmt: skip


def _references(scene: Scene) -> tuple[str, ...]:
    mail = scene.mail
    chain = (*mail.references, *mail.in_reply_to, *((mail.message_id,) if mail.message_id else ()))
    return tuple(dict.fromkeys(chain))[-10:]

"""The acknowledgement of a new ticket (A1, Q7): what it says, and the receipt of a formal notice."""

from typing import Any

from mailgate.decide import clocks, incidents, letters
from mailgate.decide.route import Routed
from mailgate.decide.scene import Scene
from mailgate.model.letter import Letter
from mailgate.model.ticket import Case, Ticket

_FORM = ("summary", "environment", "tried", "attachments", "urgency")
_FACT_LABELS = ("server", "service", "order", "started", "callback", "contract")
_UNDERSTOOD = ("server", "domain", "order", "service", "started", "invoice")


def acknowledgement(scene: Scene, case: Case, routed: Routed, split_from: Case | None = None, why: str = "") -> Letter:
    """Return the ack of a new ticket (A1)."""
    ticket, due = case.ticket, clocks.find_live(case, "first_response")
    context: dict[str, Any] = {
        "class": ticket.class_,
        "due_at": due.due_at if due else None,
        "is_high": ticket.priority == "high",
        "identity_required": "identity_required" in ticket.flags,
        "missing": ticket.missing,
        "form": _form(ticket),
        "incidents": incidents.texts_for(scene, case),
        "moved": routed.moved,
        "from_ticket": split_from.ticket.number if split_from else None,
        "split_because": why,
        "receipt": _receipt(scene) if ticket.is_formal else None,
        "suggest_panel": ticket.priority == "high" and ticket.level not in ("verified", "staff"),
        "understood": {name: ticket.fields[name] for name in _UNDERSTOOD if name in ticket.fields},
        "source": ticket.source,
    }  # fmt: skip
    return letters.to_customer(
        "ack", case, scene.desk, context, in_reply_to=scene.mail.message_id, references=_references(scene)
    )


def _form(ticket: Ticket) -> tuple[str, ...]:
    """Return the labels to fill in (Q7), where facts are asked for."""
    asked = [name for name in ticket.missing if name != "contract"]
    if not asked:
        return ()
    facts = tuple(name for name in ticket.missing if name in _FACT_LABELS)
    return (*facts, *(name for name in _FORM if not ticket.fields.get(name)))


def _receipt(scene: Scene) -> dict[str, Any]:
    return {
        "received_at": scene.at, "subject": scene.mail.subject,
        "files": [{"filename": one.filename, "sha256": one.sha256, "size": one.size} for one in scene.mail.attachments],
    }  # fmt: skip


def _references(scene: Scene) -> tuple[str, ...]:
    mail = scene.mail
    chain = (*mail.references, *mail.in_reply_to, *((mail.message_id,) if mail.message_id else ()))
    return tuple(dict.fromkeys(chain))[-10:]

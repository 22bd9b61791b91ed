"""Alarms to the managers: what a desk has to know of the house itself (I7, A6)."""

from typing import Any

from mailgate.decide import letters
from mailgate.decide.reach import redirect
from mailgate.model.decision import Decision, Effect, Mark, Note, Reason, Save, Send
from mailgate.model.facts import Facts
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.model.ticket import Case


def alarm(desk: Desk, what: str, detail: str, help_: str = "") -> Decision:
    """Return the alarm `what` (a code of the letter) to every manager of the desk."""
    told = letters.to_managers("alarm", desk, None, {"what": what, "detail": detail, "help": help_}, because="alarm")
    return Decision(
        outcome=None, reasons=(Reason(rule="I7", verdict=f"alarm: {what}", because=detail),), desk=desk.name,
        effects=tuple(Send(letter=letter) for letter in told),
    )  # fmt: skip


def decide_refused(
    case: Case | None, desk: Desk, facts: Facts, now: Any, *, to: str, kind: str, subject: str, code: int, text: str
) -> Decision:
    """A6: a letter that the relay refuses for good marks its address; staff are told, nobody is answered."""
    effects: list[Effect] = [Mark(address=to, mark="failed", because=f"{code} {text}"[:300])]
    instead: str | None = None
    if case is not None:
        today = now.astimezone(desk.timezone).date()
        ticket, instead = redirect(case.ticket, (to,), facts.account_contacts, facts.marks, today)
        effects.append(
            Save(
                before=case,
                after=replace(case, ticket=ticket),
                actor="relay",
                because="refused",
            )
        )
        effects.append(Note(ticket=case.ticket.number, kind="refused", detail=f"{kind} to {to}: {code} {text}"[:500]))
        context = {
            "card": letters.card(case, desk, facts), "letter_kind": kind, "letter_subject": subject,
            "next_address": instead, "failed": [{"address": to, "status": str(code or ""), "diagnostic": text[:300]}],
        }  # fmt: skip
        told = letters.bounce_notices(case, desk, facts, now, context, {to})
        effects += [Send(letter=one) for one in told]
    return Decision(
        outcome=None, reasons=(Reason(rule="A6", verdict="refused for good", because=f"{to}: {code} {text}"[:300]),),
        effects=tuple(effects), desk=desk.name, ticket=case.ticket.number if case else None,
    )  # fmt: skip

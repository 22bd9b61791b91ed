"""Whom to write to instead of an address that mail does not reach (A6)."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from mailgate.model.people import Contact
from mailgate.model.quick import replace
from mailgate.model.ticket import Ticket


def next_address(
    ticket: Ticket, failed: str, contacts: Sequence[Contact], marks: Mapping[str, Collection[str]], today: date
) -> str | None:
    """Return the next registered address of the ticket's account with a purpose, or else a role, of the failed one."""
    known = [one for one in contacts if one.account.number == ticket.account]
    lost = next((one for one in known if one.address == failed), None)
    if lost is None or not ticket.account:
        return None
    others = [
        one for one in known
        if one.address != failed and (one.until is None or one.until >= today) and "failed" not in marks.get(one.address, ())
    ]  # fmt: skip
    for own, of in ((lost.purposes, "purposes"), (lost.roles, "roles")):
        for one in others:
            if set(own) & set(getattr(one, of)):
                return one.address
    return None


def redirect(
    ticket: Ticket,
    failed: Collection[str],
    contacts: Sequence[Contact],
    marks: Mapping[str, Collection[str]],
    today: date,
) -> tuple[Ticket, str | None]:
    """Return the ticket with its flag, answered at the next address where the one it was answered at has failed."""
    flags = tuple(dict.fromkeys((*ticket.flags, "address_failed")))
    current = ticket.reply_address or ticket.requestor
    gone = {**marks, **{address: (*marks.get(address, ()), "failed") for address in failed}}
    found = next_address(ticket, current, contacts, gone, today) if current in failed else None
    return replace(ticket, flags=flags, reply_address=found or ticket.reply_address), found

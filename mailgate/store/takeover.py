"""What the store knows of tickets that are about to be taken over (T8): numbers, first mails, requestors' accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Connection, case, or_, select, update

from mailgate.model.people import Contact
from mailgate.store import rows
from mailgate.store.engine import counting
from mailgate.store.rewriting import chunks
from mailgate.store.tables import ACCOUNT, CONTACT, COUNTER, MESSAGE, REFERENCE, TICKET


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """A ticket that is there already."""

    number: int
    desk: str
    source: str
    created_at: datetime
    merged_into: int | None


def known_tickets(connection: Connection, numbers: Sequence[int]) -> dict[int, Known]:
    """Return those of `numbers` that there are."""
    found: dict[int, Known] = {}
    columns = (TICKET.c.number, TICKET.c.desk, TICKET.c.source, TICKET.c.created_at, TICKET.c.merged_into)
    for some in chunks(numbers):
        for row in connection.execute(select(*columns).where(TICKET.c.number.in_(some))).mappings():
            found[row["number"]] = Known(**row)
    return found


def tickets_of_mails(connection: Connection, desk: str, message_ids: Sequence[str]) -> dict[str, int]:
    """Return which ticket each of these Message-IDs belongs to, where there is one (T1c)."""
    found: dict[str, int] = {}
    for some in chunks(message_ids):
        query = select(REFERENCE.c.message_id, REFERENCE.c.ticket).where(
            REFERENCE.c.message_id.in_(some), REFERENCE.c.desk == desk, REFERENCE.c.is_named.is_(False)
        )
        found.update((row.message_id, row.ticket) for row in connection.execute(query))
    return found


def first_mail(connection: Connection, number: int) -> str | None:
    """Return the Message-ID of a ticket's first entry, where it has one."""
    query = select(MESSAGE.c.message_id).where(MESSAGE.c.ticket == number).order_by(MESSAGE.c.id).limit(1)
    found: str | None = connection.execute(query).scalar()
    return found


def contacts_of(connection: Connection, desk: str, addresses: Sequence[str], today: date) -> dict[str, list[Contact]]:
    """Return who is registered with each address and counts `today` (S5)."""
    found: dict[str, list[Contact]] = {}
    columns = (
        *CONTACT.c, ACCOUNT.c.id.label("account_id"), ACCOUNT.c.number.label("account_number"),
        ACCOUNT.c.login.label("account_login"), ACCOUNT.c.name.label("account_name"),
        ACCOUNT.c.language.label("account_language"),
    )  # fmt: skip
    for some in chunks(addresses):
        query = (
            select(*columns)
            .join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
            .where(
                CONTACT.c.desk == desk, CONTACT.c.address.in_(some),
                or_(CONTACT.c.until.is_(None), CONTACT.c.until >= today),
            )
            .order_by(CONTACT.c.id)
        )  # fmt: skip
        for row in connection.execute(query).mappings():
            found.setdefault(row["address"], []).append(rows.contact_of(row))
    return found


def keep_numbers_below(connection: Connection, number: int) -> None:
    """Let new tickets have numbers above `number` (T8)."""
    column = COUNTER.c.value
    raised = update(COUNTER).where(COUNTER.c.name == "ticket")
    with counting(connection) as own:
        own.execute(raised.values(value=case((column < number, number), else_=column)))

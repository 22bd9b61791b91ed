"""Accounts, contacts and staff: added, imported, listed, removed. Importing again changes only what differs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from mailgate.model.people import Account, Contact, Staff
from mailgate.store import rows
from mailgate.store.accounts import History
from mailgate.store.tables import ACCOUNT, CONTACT, STAFF

_ACCOUNT_SAYS = ("login", "name", "language")
_CONTACT_SAYS = ("name", "roles", "purposes", "until")


@dataclass(slots=True)
class Changes:
    """What an import came to."""

    added: int = 0
    changed: int = 0
    same: int = 0

    def told(self) -> str:
        """Say what became of a single one."""
        return "added" if self.added else "changed" if self.changed else "as before"

    def count(self, verdict: str) -> None:
        setattr(self, verdict, getattr(self, verdict) + 1)


def put_account(
    connection: Connection, account: Account, new_id: Callable[[], str], history: History | None = None
) -> tuple[str, str]:
    """Add or change the account of that number; return its id and what happened: added, changed or same."""
    values = {
        "desk": account.desk, "number": account.number, "number_key": account.number.lower(), "login": account.login,
        "login_key": account.login.lower(), "name": account.name, "language": account.language,
    }  # fmt: skip
    where = (ACCOUNT.c.desk == account.desk, ACCOUNT.c.number == account.number)
    found = connection.execute(select(ACCOUNT).where(*where)).mappings().first()
    if found is None:
        id_ = account.id or new_id()
        connection.execute(insert(ACCOUNT), [{"id": id_, **values}])
        if history:
            history.note(connection, account.desk, account.number, None, "added", _said(values, _ACCOUNT_SAYS))
        return id_, "added"
    differs = {name: value for name, value in values.items() if found[name] != value}
    if not differs:
        return found["id"], "same"
    connection.execute(update(ACCOUNT).where(*where).values(**differs))
    if history:
        detail = _difference(found, differs, _ACCOUNT_SAYS)
        history.note(connection, account.desk, account.number, None, "changed", detail)
    return found["id"], "changed"


def put_contact(
    connection: Connection, contact: Contact, account_id: str, new_id: Callable[[], str], history: History | None = None
) -> str:
    """Add or change that address of the account."""
    address = contact.address.lower()
    values = {
        "account": account_id, "desk": contact.account.desk, "address": address, "domain": address.rpartition("@")[2],
        "name": contact.name, "roles": list(contact.roles), "purposes": list(contact.purposes), "until": contact.until,
    }  # fmt: skip
    where = (CONTACT.c.account == account_id, CONTACT.c.address == address)
    found = connection.execute(select(CONTACT).where(*where)).mappings().first()
    if found is None:
        connection.execute(insert(CONTACT), [{"id": contact.id or new_id(), **values}])
        if history:
            said = _said(values, _CONTACT_SAYS)
            history.note(connection, contact.account.desk, contact.account.number, address, "added", said)
        return "added"
    differs = {name: value for name, value in values.items() if found[name] != value}
    if not differs:
        return "same"
    connection.execute(update(CONTACT).where(*where).values(**differs))
    if history:
        detail = _difference(found, differs, _CONTACT_SAYS)
        history.note(connection, contact.account.desk, contact.account.number, address, "changed", detail)
    return "changed"


def put_staff(connection: Connection, person: Staff) -> str:
    """Add or change the person with that address on the desk."""
    values: dict[str, Any] = {
        "name": person.name, "teams": list(person.teams), "role": person.role, "language": person.language,
        "timezone": person.timezone,
    }  # fmt: skip
    where = (STAFF.c.desk == person.desk, STAFF.c.address == person.address.lower())
    found = connection.execute(select(STAFF).where(*where)).mappings().first()
    if found is None:
        connection.execute(insert(STAFF), [{"desk": person.desk, "address": person.address.lower(), **values}])
        return "added"
    differs = {name: value for name, value in values.items() if found[name] != value}
    if not differs:
        return "same"
    connection.execute(update(STAFF).where(*where).values(**differs))
    return "changed"


def list_accounts(connection: Connection, desk: str | None = None) -> list[Account]:
    query = select(ACCOUNT).order_by(ACCOUNT.c.desk, ACCOUNT.c.number)
    if desk:
        query = query.where(ACCOUNT.c.desk == desk)
    return [rows.account_of(row) for row in connection.execute(query).mappings()]


def list_contacts(connection: Connection, desk: str | None = None, accounts: Sequence[str] = ()) -> list[Contact]:
    """Return contacts with their accounts, of a desk, of some account numbers."""
    query = (
        select(
            *CONTACT.c, ACCOUNT.c.id.label("account_id"), ACCOUNT.c.number.label("account_number"),
            ACCOUNT.c.login.label("account_login"), ACCOUNT.c.name.label("account_name"),
            ACCOUNT.c.language.label("account_language"),
        )
        .join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
        .order_by(CONTACT.c.desk, ACCOUNT.c.number, CONTACT.c.id)
    )  # fmt: skip
    if desk:
        query = query.where(CONTACT.c.desk == desk)
    if accounts:
        query = query.where(ACCOUNT.c.number.in_(accounts))
    return [rows.contact_of(row) for row in connection.execute(query).mappings()]


def list_staff(connection: Connection, desk: str | None = None) -> list[Staff]:
    query = select(STAFF).order_by(STAFF.c.desk, STAFF.c.address)
    if desk:
        query = query.where(STAFF.c.desk == desk)
    return [rows.staff_of(row) for row in connection.execute(query).mappings()]


def remove_account(connection: Connection, desk: str, number: str, history: History | None = None) -> int:
    """Remove an account and its contacts; tickets keep its number. Returns how many accounts went."""
    ids = select(ACCOUNT.c.id).where(ACCOUNT.c.desk == desk, ACCOUNT.c.number == number)
    connection.execute(delete(CONTACT).where(CONTACT.c.account.in_(ids)))
    count = connection.execute(delete(ACCOUNT).where(ACCOUNT.c.desk == desk, ACCOUNT.c.number == number)).rowcount
    if history and count:
        history.note(connection, desk, number, None, "removed", {})
    return count


def remove_contact(connection: Connection, desk: str, number: str, address: str, history: History | None = None) -> int:
    """Remove one address of an account. Returns how many went."""
    ids = select(ACCOUNT.c.id).where(ACCOUNT.c.desk == desk, ACCOUNT.c.number == number)
    gone = delete(CONTACT).where(CONTACT.c.account.in_(ids), CONTACT.c.address == address.lower())
    count = connection.execute(gone).rowcount
    if history and count:
        history.note(connection, desk, number, address.lower(), "removed", {})
    return count


def remove_staff(connection: Connection, desk: str, address: str) -> int:
    return connection.execute(delete(STAFF).where(STAFF.c.desk == desk, STAFF.c.address == address.lower())).rowcount


def choose_writer(contacts: Sequence[Contact], address: str | None) -> Contact | None:
    """Return who writes through the panel (I4): the contact it names, else the account's `support` address, else the
    owner, else the first; None where it names one that the account has not."""
    if address is not None:
        return next((one for one in contacts if one.address == address.lower()), None)
    support = [one for one in contacts if "support" in one.purposes]
    owners = [one for one in contacts if "owner" in one.roles]
    return next(iter((*support, *owners, *contacts)), None)


def _said(values: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return what an account or a contact says, as the history keeps it; what it does not say is left out."""
    return {name: rows.to_json(values[name]) for name in names if values[name]}


def _difference(before: Mapping[Any, Any], after: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: rows.to_json([before[name], after[name]]) for name in names if name in after}

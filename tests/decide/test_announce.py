"""N4: whom of an account an announcement goes to, and in which language."""

from datetime import date

import pytest

from mailgate import config
from mailgate.decide.announce import choose_addressees
from mailgate.model.people import Account, Contact

DESK = config.load_desk("flexihost")
TODAY = date(2026, 6, 9)


def contact(address: str, *roles: str, account: str = "1", language: str | None = "uk", **more: object) -> Contact:
    owner = Account(id=f"id{account}", desk="flexihost", number=account, name="Olena", language=language)
    return Contact(id=address, account=owner, address=address, roles=roles, **more)  # type: ignore[arg-type]


OWNER, BOOKS, TECH = contact("owner@x", "owner"), contact("books@x", "billing"), contact("tech@x", "technical")
BILLS = contact("bills@x", "technical", purposes=("invoices",))
GONE = contact("gone@x", "billing", purposes=("invoices",), until=date(2026, 6, 8))


@pytest.mark.parametrize(
    ("contacts", "purpose", "expected"),
    [
        ((OWNER, BOOKS, TECH, BILLS), "invoices", ["bills@x"]),
        ((OWNER, BOOKS, TECH), "invoices", ["books@x"]),
        ((OWNER, BOOKS, TECH), "support", ["tech@x"]),
        ((OWNER, BOOKS, TECH), "abuse", ["owner@x"]),
        ((OWNER, TECH), "invoices", ["owner@x"]),
        ((BOOKS,), "support", []),
        ((OWNER, GONE), "invoices", ["owner@x"]),
        ((OWNER, contact("owner@x", "owner", account="2")), "abuse", ["owner@x"]),
    ],
)
def test_the_address_is_the_purposes_else_the_roles_else_the_owners(
    contacts: tuple[Contact, ...], purpose: str, expected: list[str]
):
    assert [one.address for one in choose_addressees(contacts, purpose, ["en"], DESK, TODAY)] == expected


@pytest.mark.parametrize(
    ("own", "written", "expected"),
    [("uk", ["ru", "uk"], "uk"), ("de", ["en", "uk"], "uk"), (None, ["en", "ru"], "ru"), ("de", ["pl"], "pl")],
)
def test_the_language_is_the_accounts_else_the_desks_first_that_there_is(
    own: str | None, written: list[str], expected: str
):
    (found,) = choose_addressees([contact("a@x", "owner", language=own)], "abuse", written, DESK, TODAY)
    assert found.language == expected

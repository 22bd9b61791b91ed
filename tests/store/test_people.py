"""Accounts, contacts and staff in the store: changed only where something differs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Connection

from mailgate.model.people import Account, Contact, Staff
from mailgate.store import people, schema
from mailgate.store.engine import open_engine, transaction
from tests.store.databases import empty
from tests.store.samples import new_id

OLENA = Account(id="", desk="flexihost", number="1001", login="Olena", name="Olena Kovalenko", language="uk")
IVAN = Staff(desk="flexihost", address="Ivan@team.example", name="Ivan", teams=("support",))


@pytest.fixture
def connection(database_url: str) -> Iterator[Connection]:
    engine = open_engine(database_url)
    schema.upgrade(engine)
    empty(engine)
    with transaction(engine) as open_connection:
        yield open_connection
    engine.dispose()


def contact(address: str, **more: object) -> Contact:
    return Contact(id="", account=OLENA, address=address, **more)  # type: ignore[arg-type]


def test_an_account_is_added_then_the_same_then_changed(connection: Connection):
    id_, first = people.put_account(connection, OLENA, new_id)
    assert [first, people.put_account(connection, OLENA, new_id)] == ["added", (id_, "same")]
    assert people.put_account(connection, replace(OLENA, language="en"), new_id) == (id_, "changed")
    (found,) = people.list_accounts(connection, "flexihost")
    assert (found.login, found.language) == ("Olena", "en")


def test_a_contact_keeps_its_address_in_lower_case_and_its_last_day(connection: Connection):
    id_, _ = people.put_account(connection, OLENA, new_id)
    until = date(2027, 1, 31)
    verdicts = [
        people.put_contact(connection, contact("OLENA@shop.example", until=until), id_, new_id) for _ in range(2)
    ]
    assert verdicts == ["added", "same"]
    (found,) = people.list_contacts(connection, "flexihost", ["1001"])
    assert (found.address, found.until, found.account.number) == ("olena@shop.example", until, "1001")


def test_the_same_number_on_two_desks_is_two_accounts(connection: Connection):
    people.put_account(connection, OLENA, new_id)
    people.put_account(connection, replace(OLENA, desk="strato"), new_id)
    assert [one.desk for one in people.list_accounts(connection)] == ["flexihost", "strato"]
    assert people.remove_account(connection, "strato", "1001") == 1
    assert [one.desk for one in people.list_accounts(connection)] == ["flexihost"]


def test_one_address_goes_without_its_account(connection: Connection):
    id_, _ = people.put_account(connection, OLENA, new_id)
    for address in ("a@shop.example", "b@shop.example"):
        people.put_contact(connection, contact(address), id_, new_id)
    assert people.remove_contact(connection, "flexihost", "1001", "A@shop.example") == 1
    assert people.remove_contact(connection, "flexihost", "1001", "a@shop.example") == 0
    assert [one.address for one in people.list_contacts(connection)] == ["b@shop.example"]


def test_staff_are_known_by_desk_and_address(connection: Connection):
    assert [people.put_staff(connection, IVAN), people.put_staff(connection, IVAN)] == ["added", "same"]
    assert people.put_staff(connection, replace(IVAN, role="lead")) == "changed"
    assert [(one.address, one.role) for one in people.list_staff(connection, "flexihost")] == [
        ("ivan@team.example", "lead")
    ]
    assert people.remove_staff(connection, "flexihost", "IVAN@team.example") == 1


@pytest.mark.parametrize(
    ("named", "expected"),
    [("b@x", "b@x"), ("nobody@x", None), (None, "support@x")],
)
def test_who_writes_through_the_panel(named: str | None, expected: str | None):
    known = [contact("owner@x"), contact("b@x", roles=("billing",)), contact("support@x", purposes=("support",))]
    found = people.choose_writer(known, named)
    assert (found.address if found else None) == expected


def test_without_a_support_address_the_owner_writes():
    known = [contact("b@x", roles=("billing",)), contact("owner@x")]
    found = people.choose_writer(known, None)
    assert found is not None
    assert found.address == "owner@x"

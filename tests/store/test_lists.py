"""Lists and digests find the same whatever way they go, and the way does not lead past every ticket."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, insert

from mailgate.store import rows, views
from mailgate.store.engine import reading, transaction
from mailgate.store.reports import day_counts
from mailgate.store.statistics import day_figures
from mailgate.store.tables import DEADLINE, MESSAGE, TICKET
from tests.decide.staff_mail import a_ticket
from tests.store.databases import empty, made

NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
PLACES = (("flexihost", "support"), ("flexihost", "billing"), ("introserv", "support"), ("strato", "rare"))
STATUSES = ("closed", "closed", "open", "waiting", "closed", "new", "resolved")
MANY = ("ticket", "message", "deadline", "arrival", "outbox")


def ticket_row(place: int) -> Mapping[str, Any]:
    desk, queue = PLACES[3] if place == 40 else PLACES[place % 3]
    ticket = a_ticket(
        number=10001 + place, desk=desk, queue=queue, status=STATUSES[place % 7], account=str(1001 + place % 11),
        created_at=NOON - timedelta(hours=place), unanswered_since=NOON if STATUSES[place % 7] == "open" else None,
    )  # fmt: skip
    return rows.ticket_row(ticket, "x")


@pytest.fixture
def filled(database_url: str) -> Iterator[Engine]:
    """A database with ninety tickets, of few desks and queues."""
    engine = made(database_url)
    empty(engine)
    with transaction(engine) as connection:
        connection.execute(insert(TICKET), [ticket_row(place) for place in range(90)])
    yield engine
    empty(engine)
    engine.dispose()


def test_a_list_holds_the_newest_tickets_that_fit_whatever_is_asked_for(filled: Engine):
    known = sorted((ticket_row(place) for place in range(90)), key=lambda row: -row["number"])
    asked = product(
        (None, "flexihost", "strato", "nobody"), (None, "support", "rare"), ((), ("open",), ("closed", "new"), ("merged",)),
        (None, "1003"), (1, 7, 100), (None, 10050),
    )  # fmt: skip
    with reading(filled) as connection:
        for desk, queue, statuses, account, limit, before in asked:
            found = views.list_tickets(
                connection, desk=desk, queue=queue, statuses=statuses, account=account, limit=limit, before=before
            )
            fitting = [
                row["number"] for row in known
                if desk in (None, row["desk"]) and queue in (None, row["queue"]) and account in (None, row["account"])
                and (not statuses or row["status"] in statuses) and (before is None or row["number"] < before)
            ]  # fmt: skip
            assert [one["number"] for one in found] == fitting[:limit], (desk, queue, statuses, account, limit, before)


def test_any_number_of_tickets_comes_page_by_page_in_the_same_order(filled: Engine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(views, "_PAGE", 7)
    for desk, statuses, limit in product((None, "flexihost"), ((), ("open", "new")), (1, 7, 14, 20, 1000)):
        with reading(filled) as connection:
            at_once = views.list_tickets(connection, desk=desk, statuses=statuses, limit=limit)
        assert list(views.each_ticket(filled, desk=desk, statuses=statuses, limit=limit)) == at_once


def test_a_ticket_in_a_list_is_shown_as_it_is_alone(filled: Engine):
    with reading(filled) as connection:
        for listed in views.list_tickets(connection, limit=5):
            alone = views.show_ticket(connection, listed["number"])
            assert alone is not None
            assert list(listed.items()) == [(key, alone[key]) for key in listed]


def deadline(place: int, kind: str, state: str, closed_at: datetime | None) -> dict[str, Any]:
    return {"id": f"d{place}", "desk": "flexihost", "ticket": 10001, "kind": kind, "state": state, "opened_at": NOON,
            "closed_at": closed_at, "next_at": None}  # fmt: skip


def test_a_digest_counts_the_day_and_nothing_else(filled: Engine):
    hour, long_ago = NOON - timedelta(hours=1), NOON - timedelta(days=9)
    ended = [("first_response", "met", hour), ("first_response", "met", hour), ("next_response", "breached", hour),
             ("resolve", "breached", hour), ("resolve", "met", hour), ("update", "breached", hour),
             ("first_response", "breached", long_ago), ("first_response", "pending", None)]  # fmt: skip
    said = [("staff", hour, "done"), ("staff", hour, "taken_back"), ("note", hour, "done"), ("staff", long_ago, "done")]
    with transaction(filled) as connection:
        connection.execute(insert(DEADLINE), [deadline(place, *one) for place, one in enumerate(ended)])
        connection.execute(
            insert(MESSAGE),
            [
                {"id": f"m{place}", "ticket": 10001 + 3 * place, "kind": kind, "author": "ivan@team.example",
                 "author_name": "", "at": at, "subject": "", "visible_text": "", "body": "", "html": "",
                 "attachments": [], "refs": [], "state": state}
                for place, (kind, at, state) in enumerate(said)
            ],
        )  # fmt: skip
    with reading(filled) as connection:
        found = day_counts(connection, "flexihost", NOON - timedelta(days=1), NOON)
    opened = [row for row in map(ticket_row, range(1, 25)) if row["desk"] == "flexihost"]
    assert (found["opened"], found["answered"]) == (len(opened), 1)
    assert (found["breached"], found["kept_percent"]) == (2, 67)
    assert len(found["waiting"]) == 8
    assert {row["since"] for row in found["waiting"]} == {NOON}


def plans(look: Any) -> list[str]:
    """Return the steps that SQLite takes for all that `look` asks for."""
    engine = made("sqlite://")
    said: list[str] = []
    with reading(engine) as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(said.append)
        look(connection)
        driver.set_trace_callback(None)
        selects = [one for one in said if one.startswith("SELECT")]
        assert selects
        return [row[-1] for one in selects for row in driver.execute(f"EXPLAIN QUERY PLAN {one}")]


LOOKS = {
    "a digest": lambda connection: day_counts(connection, "flexihost", NOON, NOON),
    "stats": lambda connection: day_figures(connection, {"flexihost": ZoneInfo("Europe/Kyiv")}, NOON, NOON),
    "a desk": lambda connection: views.list_tickets(connection, desk="strato"),
    "a queue": lambda connection: views.list_tickets(connection, desk="strato", queue="support"),
    "a status": lambda connection: views.list_tickets(connection, desk="strato", queue="support", statuses=("merged",)),
    "an account": lambda connection: views.list_tickets(connection, account="1001"),
    "held": views.list_held,
    "quarantined": lambda connection: views.list_parked(connection, "quarantined"),
    "quarantined of a desk": lambda connection: views.list_parked(connection, "quarantined", "flexihost"),
}


@pytest.mark.parametrize("what", LOOKS)
def test_a_look_goes_by_an_index(what: str):
    steps = [step for step in plans(LOOKS[what]) if step.split()[1] in MANY]
    assert [step for step in steps if step.startswith("SCAN")] == []


@pytest.mark.parametrize("what", ["a digest", "stats", "held", "quarantined of a desk"])
def test_a_count_does_not_go_through_all_that_a_desk_has(what: str):
    assert [step for step in plans(LOOKS[what]) if step.split()[1] in MANY and step.endswith("(desk=?)")] == []

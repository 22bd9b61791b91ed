"""Words are found, on both databases, as soon as they are written and no longer than they are kept (W2)."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete, insert, update

from mailgate.model.search import BadSearch, read_search
from mailgate.model.ticket import Message, Ticket
from mailgate.store import schema, search, search_index
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.ids import Ids
from mailgate.store.rows import message_row, ticket_row
from mailgate.store.search import find_tickets
from mailgate.store.tables import ACCOUNT, MESSAGE, TICKET
from tests.store.conftest import POSTGRESQL
from tests.store.databases import fresh_database, made
from tests.store.samples import NOON

SAID = {
    10001: ("Сайт не відкривається", "Після оновлення shop.example показує помилку 502, комп’ютер той самий"),
    10002: ("Сервер недоступен", "Всё упало: сервер 203.0.113.7 не отвечает, ёлка"),
    10003: ("Müller: Rechnung", "Die Straße in der Rechnung ist falsch, bitte an buero@weg.example"),
    10004: ("Faktura", "Proszę o złotą fakturę dla zażółć gęślą jaźń"),
    10005: ("Invoice 778", "The invoice names the wrong server; please correct it. Server rack 12."),
}


@pytest.fixture(params=["sqlite", POSTGRESQL])
def found_in(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "sqlite":
        engine = open_engine("sqlite://")
        schema.upgrade(engine)
        yield engine
        engine.dispose()
        return
    with fresh_database(request.getfixturevalue("postgresql_url")) as url:
        engine = made(url)
        yield engine
        engine.dispose()


def write(engine: Engine, said: dict[int, tuple[str, str]] = SAID, **changes: object) -> None:
    with transaction(engine) as connection:
        for number, (subject, text) in said.items():
            author, at = f"who{number}@shop.example", NOON + timedelta(minutes=number)
            ticket = Ticket(**{
                "number": number, "desk": "flexihost", "queue": "support", "team": "support", "status": "new",
                "priority": "normal", "subject": subject, "subjects": (subject,), "requestor": author, "created_at": at,
                "changed_at": at, **changes,
            })  # fmt: skip
            message = Message(
                id="", kind="customer", author=author, at=at, subject=subject, visible_text=text,
                author_name="Olena Kovalenko" if number % 2 else "Jürgen Groß",
            )  # fmt: skip
            connection.execute(insert(TICKET), [ticket_row(ticket, subject)])
            connection.execute(insert(MESSAGE), [message_row(message, number, f"m{number}")])


def numbers(engine: Engine, line: str, **options: object) -> list[int]:
    with reading(engine) as connection:
        return [hit.ticket["number"] for hit in find_tickets(connection, read_search(line), **options)]  # type: ignore[arg-type]


WANTED = [
    ("сервер", [10002]),
    ("ВСЕ упало", [10002]),
    ("елка", [10002]),
    ("комп'ютер", [10001]),
    ("відкрива", [10001]),
    ("mueller", [10003]),
    ("Müll", [10003]),
    ("strasse", [10003]),
    ("zlota", [10004]),
    ("gesla jazn", [10004]),
    ("server", [10005]),
    ("serv", [10005]),
    ('"wrong server"', [10005]),
    ('"server wrong"', []),
    ("203.0.113.7", [10002]),
    ("203.0.113.70", []),
    ("shop.example", [10005, 10004, 10003, 10002, 10001]),
    ("buero@weg.example", [10003]),
    ("weg.example", [10003]),
    ("778", [10005]),
    ("77", []),
    ("10003", [10003]),
    ("#10003", [10003]),
    ("from:who10004@shop.example", [10004]),
    ("from:olena", [10005, 10003, 10001]),
    ("from:gross", [10004, 10002]),
    ("from:olena invoice", [10005]),
    ("status:open", [10005, 10004, 10003, 10002, 10001]),
    ("rechnung status:closed", []),
    ("queue:billing invoice", []),
    ("nothing at all", []),
    ("or AND not NEAR", []),
    ("'; drop table ticket; --", []),
]


def test_words_names_addresses_and_numbers_are_found(found_in: Engine):
    write(found_in, status="open", queue="support")
    assert {line: numbers(found_in, line) for line, _ in WANTED} == dict(WANTED)


def test_a_ticket_with_the_word_in_its_subject_comes_first_and_then_the_newest(found_in: Engine):
    write(found_in, {1: ("Backup", "x"), 2: ("Other", "the backup failed"), 3: ("Backup", "y"), 4: ("Else", "backup")})
    assert numbers(found_in, "backup") == [3, 1, 4, 2]
    assert numbers(found_in, "backup", limit=3) == [3, 1, 4]


def test_the_tickets_of_an_account_are_found_by_its_number_and_its_login(found_in: Engine):
    write(found_in, account="1001")
    row = {"id": "a1", "desk": "flexihost", "number": "1001", "number_key": "1001", "login": "olena", "login_key": "olena",
           "name": "Olena", "language": None}  # fmt: skip
    with transaction(found_in) as connection:
        connection.execute(insert(ACCOUNT), [row])
    assert numbers(found_in, "1001") == numbers(found_in, "olena") == sorted(SAID, reverse=True)


def test_nobody_finds_what_another_desk_keeps(found_in: Engine):
    write(found_in)
    for line in ("server", "10005", "from:olena", "status:open"):
        assert numbers(found_in, line, desks=["introserv"]) == []


def test_days_bound_what_is_found(found_in: Engine):
    write(found_in, {1: ("Backup", "x")})
    day = (NOON + timedelta(minutes=1)).date()
    assert numbers(found_in, f"backup after:{day}") == [1]
    assert numbers(found_in, f"backup before:{day}") == []


def test_what_is_changed_or_erased_is_found_no_more(found_in: Engine):
    write(found_in)
    with transaction(found_in) as connection:
        connection.execute(update(MESSAGE).where(MESSAGE.c.id == "m10005").values(visible_text="gone", subject="gone"))
        connection.execute(delete(MESSAGE).where(MESSAGE.c.id == "m10002"))
    assert [numbers(found_in, line) for line in ("invoice", "rack", "gone", "недоступен")] == [[], [], [10005], []]


def test_what_was_there_before_the_index_is_found_after_an_upgrade(found_in: Engine):
    write(found_in)
    heard: list[tuple[int, int]] = []
    with transaction(found_in) as connection:
        search_index.make(connection)  # anew, and empty: as beside the messages of an older version
        assert not connection.exec_driver_sql("SELECT id FROM search_entry").all()
        search_index.fill(connection, lambda done, total: heard.append((done, total)))
    assert [numbers(found_in, line) for line in ("rechnung", "server")] == [[10003], [10005]]
    assert heard == [(5, 5)]


def test_a_text_of_a_megabyte_is_kept_and_found_by_its_beginning(found_in: Engine):
    words = " ".join(f"wort{number}ä" for number in range(120_000))
    write(found_in, {1: ("Lang", words)})
    assert numbers(found_in, "wort77ae") == [1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(line=st.text(min_size=1, max_size=60), more=st.sampled_from(["", '"', "from:", "*", "(", "a:b "]))
def test_whatever_is_typed_is_a_question_or_a_clear_complaint(found_in: Engine, line: str, more: str):
    with suppress(BadSearch), reading(found_in) as connection:
        assert find_tickets(connection, read_search(more + line)) == []


def test_a_filter_of_few_tickets_and_one_of_many_find_the_same(found_in: Engine, monkeypatch: pytest.MonkeyPatch):
    write(found_in, {n: ("Server", f"the server of rack {n}") for n in range(10001, 10061)}, status="closed")
    write(
        found_in, {n: ("Server", f"the server of rack {n}") for n in range(10061, 10064)}, status="open", queue="sales"
    )
    asked = (
        "server status:open",
        "server queue:sales",
        "server status:closed",
        "rack status:waiting",
        "rack status:open queue:support",
    )
    found = []
    for few, named in ((2000, 100), (2000, 1), (0, 0)):
        monkeypatch.setattr(search, "_FEW", few)
        monkeypatch.setattr(search, "_NAMED", named)
        found.append([numbers(found_in, line, limit=100) for line in asked])
    assert found[0] == found[1] == found[2]
    assert found[0][:2] == [[10063, 10062, 10061]] * 2
    assert [len(one) for one in found[0][2:]] == [60, 0, 0]


def test_hits_are_looked_up_step_by_step_and_none_is_lost_between_them(
    found_in: Engine, monkeypatch: pytest.MonkeyPatch
):
    write(found_in, {n: ("", f"the server of rack {n}") for n in range(10001, 10021)})
    monkeypatch.setattr(search, "_STEPS", (3, 5, 100))
    assert numbers(found_in, "server") == list(range(10020, 10000, -1))
    assert numbers(found_in, "server owner:nobody@team.example") == []


def test_days_find_what_was_written_here_and_what_was_taken_over_later(found_in: Engine):
    ids = Ids(lambda: NOON)
    said = {10001: ("Live", "server"), 10002: ("Old", "server")}
    write(found_in, said)
    with transaction(found_in) as connection:
        long_ago = NOON - timedelta(days=400)
        for number, at in ((10001, NOON), (10002, long_ago)):  # both were written today
            connection.execute(update(MESSAGE).where(MESSAGE.c.ticket == number).values(at=at))
            connection.execute(update(TICKET).where(TICKET.c.number == number).values(created_at=at))
        connection.execute(delete(MESSAGE).where(MESSAGE.c.ticket == 10001))
        message = Message(id="", kind="customer", author="a@shop.example", author_name="", at=NOON, subject="Live",
                          visible_text="server")  # fmt: skip
        connection.execute(insert(MESSAGE), [message_row(message, 10001, ids())])
    yesterday = (NOON - timedelta(days=1)).date().isoformat()
    assert numbers(found_in, f"server before:{yesterday}") == [10002]
    assert numbers(found_in, f"server after:{yesterday}") == [10001]


def test_a_word_of_very_many_messages_is_taken_as_it_stands(found_in: Engine, monkeypatch: pytest.MonkeyPatch):
    write(found_in, {10001: ("", "server"), 10002: ("", "server"), 10003: ("", "servers")})
    assert len(numbers(found_in, "server")) == 3
    monkeypatch.setattr(search, "_VERY_MANY", 2)
    assert len(numbers(found_in, "serv")) == 3
    assert len(numbers(found_in, "server")) == (2 if found_in.dialect.name == "sqlite" else 3)

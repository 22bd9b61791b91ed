"""What the faces read, on either engine: arrivals with their traces, parked mail, incidents, numbers, an erasure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from mailgate import app, config
from mailgate.config.directory import write_directory
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.model.facts import Incident
from mailgate.pipeline import Worker
from mailgate.store import announcements, erasure, incidents, statistics, views
from mailgate.store.engine import open_engine, reading, transaction
from mailgate.store.tables import metadata

RAW = (
    b"From: Olena Kovalenko <olena@shop.example>\r\nTo: support@flexihost.example\r\nCc: pal@shop.example\r\n"
    b"Subject: node9 is slow\r\nMessage-ID: <a1@shop.example>\r\nDate: Fri, 06 Mar 2026 21:50:00 +0200\r\n\r\n"
    b"node9.flexihost.example answers slowly.\r\n"
)
ENVELOPE = Envelope(channel="smtp", sender="olena@shop.example", recipients=("support@flexihost.example",))


@pytest.fixture
def built(tmp_path: Path, database_url: str) -> Iterator[app.Built]:
    """A house over the engine's database, empty, with one mail in its inbox."""
    file = write_directory(tmp_path / "desk", ["flexihost"])
    engine = open_engine(database_url)
    metadata.drop_all(engine)
    engine.dispose()
    house = app.Built(config.load(str(file), {"MAILGATE_DATABASE__URL": database_url}))
    house.upgrade()
    house.inbox.accept(arrivals_of(RAW, ENVELOPE, Recipients.of(house.settings), house.ids, datetime.now(UTC)))
    yield house
    house.close()


@pytest.fixture
def read(built: app.Built) -> app.Built:
    """The same, its mail read."""
    assert Worker(built.house, built.inbox).work() == 1
    return built


def test_a_mail_is_traced_before_and_after_it_was_read(built: app.Built):
    with reading(built.inbox_engine) as connection:
        (waiting,) = views.find_waiting(connection, "<a1@shop.example>")
        assert views.count_waiting_from(connection, "olena@shop.example") == 1
        assert views.count_waiting_from(connection, "sergey@sklad.example") == 0
        assert views.known_in_inbox(connection, [waiting["digest"]]) == {("flexihost", waiting["digest"])}
    Worker(built.house, built.inbox).work()
    with reading(built.engine) as connection:
        for name in ("a1@shop.example", waiting["digest"], waiting["digest"][:10]):
            assert [one["outcome"] for one in views.find_arrivals(connection, name)] == ["new"]
        assert views.known_arrivals(connection, [waiting["digest"]]) == {("flexihost", waiting["digest"])}


def test_an_incident_finds_what_names_it_and_knows_its_tickets(read: app.Built):
    outage = Incident(
        number=0, desk="flexihost", state="open", hosts=("node9.flexihost.example",), services=(), domains=(),
        texts={"en": "Storage failure"}, opened_at=datetime.now(UTC),
    )  # fmt: skip
    with transaction(read.engine) as connection:
        assert [incidents.open_incident(connection, outage).number for _ in range(2)] == [1, 2]
        (said,) = incidents.read_sayings(connection, "flexihost")
        assert (said.ticket, "node9.flexihost.example answers slowly." in said.words) == (10001, True)
        assert incidents.linked_tickets(connection, "flexihost", 1) == ()
        assert incidents.silent_tickets(connection, [10001]) == frozenset()
        assert [row["texts"] for row in incidents.list_incidents(connection)] == [{"en": "Storage failure"}] * 2


def test_an_address_is_announced_to_once(read: app.Built):
    now = datetime.now(UTC)
    with transaction(read.engine) as connection:
        assert announcements.note_announced(connection, "flexihost", "k", ["a@x", "b@x"], now) == {"a@x", "b@x"}
        assert announcements.note_announced(connection, "flexihost", "k", ["b@x", "c@x"], now) == {"c@x"}
        assert announcements.note_announced(connection, "flexihost", "other", ["b@x"], now) == {"b@x"}


def test_numbers_are_counted_on_the_desks_day(read: app.Built):
    now, zone = datetime.now(UTC), ZoneInfo("Europe/Kyiv")
    with reading(read.engine) as connection:
        since, until = now.replace(year=now.year - 1), now.replace(year=now.year + 1)
        (row,) = statistics.day_figures(connection, {"flexihost": zone}, since, until)
    assert (row["opened"], row["answered"], row["kept_percent"]) == (1, 0, None)
    assert abs((datetime.fromisoformat(row["day"]).date() - now.astimezone(zone).date()).days) <= 1


def test_an_erasure_changes_every_table_that_names_the_person(read: app.Built):
    with transaction(read.engine) as connection:
        erased = erasure.erase(connection, "olena@shop.example", "x@erased.invalid")
        pal = erasure.erase(connection, "pal@shop.example", "y@erased.invalid")
    assert {"ticket", "message", "arrival", "outbox", "reference"} <= erased.counts.keys()
    assert len(erased.digests) == 1
    assert pal.counts["ticket"] == 1  # known from Cc alone
    with reading(read.engine) as connection:
        shown = views.show_ticket(connection, 10001)
    assert shown is not None
    assert (shown["requestor"], shown["participants"]) == ("x@erased.invalid", ["y@erased.invalid"])
    assert "kovalenko" not in str(shown).lower()


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [([], 50, None), ([7.0], 90, 7), ([1.0, 2.0, 3.0, 4.0], 50, 2), (list(range(1, 11)), 90, 9), ([5.0, 1.0], 100, 5)],
)
def test_a_percentile_is_one_of_the_values(values: list[float], percent: int, expected: int | None):
    assert statistics.percentile(values, percent) == expected

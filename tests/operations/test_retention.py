"""Retention: what is kept no longer goes, what is open stays, and what comes again is known again."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select, update

from mailgate import app
from mailgate.operations.retention import Retention
from mailgate.store import retention
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, EVENT, HELD, MESSAGE, TICKET
from tests.cli.desk_folder import DeskFolder, mail
from tests.operations.conftest import BOTH

ALL = 'raw_mail = "30 days"\npeople = "60 days"\nparked = "10 days"\nletters = "20 days"\n'


@pytest.fixture(params=BOTH, autouse=True)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def configure(desk: DeskFolder, text: str) -> None:
    with open(desk.file, "a", encoding="utf-8") as out:
        out.write(f"\n[retention]\n{text}")


def in_days(built: app.Built, days: int) -> app.Built:
    at: datetime = built.house.clock() + timedelta(days=days)
    built.house.clock = lambda: at
    return built


@pytest.fixture
def house(desk: DeskFolder) -> Iterator[app.Built]:
    """A desk that has one closed ticket, one open one, one mail set aside, one quarantined, one held and rejected."""
    desk.open().close()
    assert desk.run("account", "add", "1001", "olena@shop.example", "--login", "olena").code == 0
    desk.take(mail("Site shows 502", "I am Olena Kovalenko, olena@shop.example.", id_="closed@shop.example"))
    desk.take(
        mail("Another question entirely", "Mail from olena@shop.example does not arrive.", id_="open@shop.example")
    )
    desk.take(mail("Out of office", id_="aside@shop.example", more="Auto-Submitted: auto-replied\n"))
    desk.take(mail("A lie", sender="Liar <liar@false.example>", id_="held@false.example", auth="fail"))
    number = first(desk)
    assert desk.run("ticket", "close", str(number)).code == 0
    held = desk.rows("held", "list")[0]["id"]
    assert desk.run("held", "reject", held).code == 0
    built = desk.open()
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).values(state="sent", sent_at=built.house.clock()))
    while built.inbox.move_to_blobs():
        pass
    yield built
    built.close()


def first(desk: DeskFolder) -> int:
    return min(one["number"] for one in desk.rows("ticket", "list"))


def raw(built: app.Built, id_: str) -> bytes | None:
    with reading(built.engine) as connection:
        digest = connection.execute(select(ARRIVAL.c.digest).where(ARRIVAL.c.message_id == id_)).scalar_one()
    return built.inbox.raw_of(digest)


def sweep(built: app.Built, *, is_trial: bool = False) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = {}
    for batch in Retention(built.house, built.inbox, is_trial=is_trial).batches():
        for name, count in batch.counts.items():
            sums.setdefault(batch.kind, {})[name] = sums.get(batch.kind, {}).get(name, 0) + count
    return sums


def everything(built: app.Built) -> list[str]:
    with reading(built.engine) as connection:
        tables = (TICKET, MESSAGE, EVENT, ARRIVAL, OUTBOX, HELD)
        return [repr(row) for table in tables for row in connection.execute(select(table))]


def configured(desk: DeskFolder, house: app.Built, text: str, days: int) -> app.Built:
    configure(desk, text)
    house.close()
    return in_days(desk.open(), days)


def test_by_default_everything_is_kept(desk: DeskFolder, house: app.Built):
    before = everything(house)
    assert sweep(in_days(house, 10_000)) == {}
    assert everything(house) == before
    assert "everything is kept" in desk.run("retention", "run").out


def test_raw_mail_of_a_closed_ticket_goes_and_that_of_an_open_one_stays(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, 'raw_mail = "30 days"\n', 29)
    assert sweep(built) == {}
    assert sweep(in_days(built, 2)) == {"raw_mail": {"tickets": 1, "raw_mails": 1}}
    assert raw(built, "closed@shop.example") is None
    assert raw(built, "open@shop.example") is not None
    assert raw(built, "aside@shop.example") is not None
    assert desk.rows("ticket", "show", str(first(desk)))[0]["messages"][0]["visible_text"]
    assert sweep(built) == {}
    built.close()


def test_a_ticket_that_a_reply_may_open_again_keeps_its_mail(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, 'raw_mail = "1 day"\n', 13)
    assert sweep(built) == {}
    assert "raw_mail" in sweep(in_days(built, 2))
    built.close()


def test_people_go_from_closed_tickets_and_stay_on_open_ones(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, 'people = "60 days"\n', 61)
    number = first(desk)
    assert sweep(built)["people"]["tickets"] == 1
    with reading(built.engine) as connection:
        query = select(TICKET.c.number, TICKET.c.requestor, TICKET.c.account).order_by(TICKET.c.number)
        closed, still_open = connection.execute(query).all()[:2]
        texts = [
            repr(row)
            for table, key in ((TICKET, TICKET.c.number), (MESSAGE, MESSAGE.c.ticket), (EVENT, EVENT.c.ticket),
                               (OUTBOX, OUTBOX.c.ticket))
            for row in connection.execute(select(table).where(key == number))
        ]  # fmt: skip
        arrival = (
            connection.execute(select(ARRIVAL).where(ARRIVAL.c.message_id == "closed@shop.example")).mappings().one()
        )
    assert closed.requestor.endswith("@erased.invalid")
    assert closed.account is None
    assert not [text for text in texts if "olena@" in text.lower() or "kovalenko" in text.lower()]
    assert "olena@" not in repr(dict(arrival))
    assert raw(built, "closed@shop.example") is None
    assert (still_open.requestor, still_open.account) == ("olena@shop.example", "1001")
    assert raw(built, "open@shop.example") is not None
    assert sweep(built) == {}
    built.close()


def test_a_name_on_one_ticket_stays_a_word_on_another(desk: DeskFolder, house: app.Built):
    desk.take(mail("One matter", "Hello.", sender="Server <a@one.example>", id_="one@one.example"))
    desk.take(mail("Second question", "The Server is slow.", sender="b@two.example", id_="two@two.example"))
    for one in desk.rows("ticket", "list"):
        desk.run("ticket", "close", str(one["number"]))
    built = configured(desk, house, 'people = "60 days"\n', 61)
    sweep(built)
    with reading(built.engine) as connection:
        query = select(MESSAGE.c.visible_text, MESSAGE.c.author).where(MESSAGE.c.message_id == "two@two.example")
        said = connection.execute(query).one()
    assert "The Server is slow." in said.visible_text
    assert said.author.endswith("@erased.invalid")
    built.close()


def test_mail_that_came_to_no_ticket_goes_and_undecided_mail_stays(desk: DeskFolder, house: app.Built):
    desk.take(mail("Another lie", sender="liar@false.example", id_="waits@false.example", auth="fail"))
    built = configured(desk, house, 'parked = "10 days"\n', 11)
    counts = sweep(built)
    assert counts["parked"]["mails"] == 1
    assert counts["rejected"]["mails"] == 1
    assert raw(built, "aside@shop.example") is None
    assert raw(built, "held@false.example") is None
    assert raw(built, "waits@false.example") is not None
    assert raw(built, "closed@shop.example") is not None
    assert desk.rows("aside", "list") == []
    assert len(desk.rows("held", "list")) == 1
    assert desk.rows("trace", "<aside@shop.example>")[0]["outcome"] == "set_aside"
    assert sweep(built) == {}
    built.close()


def test_a_quarantined_mail_goes_from_the_inbox_as_well(desk: DeskFolder):
    head = "".join(f"X-{number}: a\n" for number in range(2000))
    desk.take(mail(id_="many@shop.example", more=head))
    assert len(desk.rows("quarantine", "list")) == 1
    configure(desk, 'parked = "10 days"\n')
    built = in_days(desk.open(), 11)
    assert len(built.inbox.given_up()) == 1
    assert sweep(built)["parked"] == {"mails": 1, "raw_mails": 1}
    assert built.inbox.given_up() == []
    assert desk.rows("quarantine", "list") == []
    built.close()


def test_words_of_letters_go_and_what_waits_stays(desk: DeskFolder, house: app.Built):
    with transaction(house.engine) as connection:
        waiting = connection.execute(select(func.max(OUTBOX.c.id))).scalar_one()
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == waiting).values(state="waiting"))
    built = configured(desk, house, 'letters = "20 days"\n', 21)
    assert sweep(built)["letters"]["letters"] >= 2
    with reading(built.engine) as connection:
        rows = connection.execute(select(OUTBOX.c.id, OUTBOX.c.text, OUTBOX.c.subject)).all()
    assert [row.id for row in rows if row.text] == [waiting]
    assert all(row.subject for row in rows)
    built.close()


def test_mail_that_comes_again_years_later_is_still_a_duplicate(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, ALL, 100)
    assert set(sweep(built)) == {"raw_mail", "people", "parked", "rejected", "letters"}
    with reading(built.engine) as connection:
        letters = connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one()
    again = mail("Site shows 502", "I am Olena Kovalenko, olena@shop.example.", id_="closed@shop.example")
    desk.take(again)
    desk.take(mail("Out of office", id_="aside@shop.example", more="Auto-Submitted: auto-replied\n"))
    with reading(built.engine) as connection:
        outcomes = list(connection.execute(select(ARRIVAL.c.outcome).order_by(ARRIVAL.c.id)).scalars())
        assert connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one() == letters
    assert outcomes[-2:] == ["duplicate", "duplicate"]
    built.close()


def test_a_trial_counts_what_would_go_and_changes_nothing(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, ALL, 100)
    before, blobs = everything(built), sorted((desk.folder / "blobs").rglob("*"))
    counts = sweep(built, is_trial=True)
    assert everything(built) == before
    assert sorted((desk.folder / "blobs").rglob("*")) == blobs
    assert counts["raw_mail"] == {"tickets": 1, "raw_mails": 1}
    real = sweep(built)
    # what the first kinds let go of is found once more by the trial alone
    assert {kind: {**found, "raw_mails": 0} for kind, found in counts.items()} == {
        kind: {**found, "raw_mails": 0} for kind, found in real.items()
    }
    built.close()


def test_what_was_cut_off_between_commit_and_blobs_is_finished(desk: DeskFolder, house: app.Built):
    built = configured(desk, house, 'raw_mail = "30 days"\n', 31)

    class Killed(Exception): ...

    class Broken:
        def forget_raw(self, digests: object) -> None:
            raise Killed

    with pytest.raises(Killed):
        list(Retention(built.house, Broken()).batches())  # type: ignore[arg-type]
    assert raw(built, "closed@shop.example") is not None
    sweep(built)
    assert raw(built, "closed@shop.example") is None
    with reading(built.engine) as connection:
        assert retention.pending(connection) == []
    built.close()


def test_batches_go_on_where_another_process_stopped(
    desk: DeskFolder, house: app.Built, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("mailgate.operations.retention.TICKETS", 1)
    monkeypatch.setattr("mailgate.operations.retention.FOUND", 2)
    for number in range(4):
        desk.take(mail(f"Matter {number}{number}", sender=f"c{number}@x{number}.example", id_=f"m{number}@x.example"))
    for one in desk.rows("ticket", "list"):
        desk.run("ticket", "close", str(one["number"]))
    built = configured(desk, house, 'raw_mail = "30 days"\n', 31)
    first_process = Retention(built.house, built.inbox).batches()
    next(first_process)
    next(first_process)
    rest = sweep(built)
    assert rest["raw_mail"] == {"tickets": 4, "raw_mails": 4}
    assert list(first_process) == []
    built.close()


def test_mail_that_another_ticket_holds_stays_until_that_one_is_done_with(desk: DeskFolder, house: app.Built):
    """A merged ticket's mail goes with the one it went into; what was split off keeps its own."""
    desk.take(mail("Extra matter", "More of it.", id_="extra@shop.example"))
    numbers = sorted(one["number"] for one in desk.rows("ticket", "list"))
    assert desk.run("ticket", "merge", str(numbers[-1]), str(numbers[1])).code == 0
    built = configured(desk, house, 'raw_mail = "30 days"\npeople = "60 days"\n', 100)
    sweep(built)
    assert raw(built, "extra@shop.example") is not None  # it is on an open ticket now
    desk.run("ticket", "close", str(numbers[1]))
    sweep(in_days(built, 200))
    assert raw(built, "extra@shop.example") is None
    with reading(built.engine) as connection:
        merged = connection.execute(select(TICKET.c.requestor).where(TICKET.c.number == numbers[-1])).scalar_one()
    assert merged.endswith("@erased.invalid")
    built.close()


def test_a_desk_may_keep_what_the_others_do_not(desk: DeskFolder, house: app.Built):
    file = desk.folder / "flexihost.toml"
    file.write_text(file.read_text() + '\n[retention]\nraw_mail = "always"\nparked = "5 days"\n')
    built = configured(desk, house, ALL, 100)
    kept = built.settings.desks["flexihost"].retention
    assert (kept.raw_mail_seconds, kept.parked_seconds, kept.people_seconds) == (0, 5 * 86400, 60 * 86400)
    built.close()
    assert desk.run("config", "check").code == 0


def test_a_time_that_is_none_is_a_complaint(desk: DeskFolder):
    configure(desk, 'raw_mail = "soon"\nletter = "1 day"\n')
    ran = desk.run("config", "check")
    assert ran.code == 2
    assert '"always"' in ran.err
    assert "did you mean letters" in ran.err


def test_the_command_prints_counts(desk: DeskFolder, house: app.Built):
    configure(desk, ALL)
    assert desk.run("retention", "run", "--dry-run").out == "nothing has been kept for long enough\n"
    long_ago = house.house.clock() - timedelta(days=40)
    with transaction(house.engine) as connection:
        connection.execute(update(TICKET).where(TICKET.c.status == "closed").values(changed_at=long_ago))
    shown = desk.rows("retention", "run", "--dry-run")
    assert shown == [{"desk": "flexihost", "kind": "raw_mail", "dry_run": True, "tickets": 1, "raw_mails": 1}]
    assert raw(house, "closed@shop.example") is not None
    assert "raw mails 1" in desk.run("retention", "run").out
    assert raw(house, "closed@shop.example") is None

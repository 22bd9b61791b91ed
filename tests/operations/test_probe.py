"""The probe: a test mail goes the whole way through the real doors and leaves nothing behind on the desk."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from mailgate import app
from mailgate.model.settings import ProbeSettings
from mailgate.model.tokens import probe_message_id, read_message_id, read_probe_message_id
from mailgate.operations.alarms import Alarms
from mailgate.operations.probe import Prober, probe_mail
from mailgate.outbox.relay import Parcel, Result, Sent, Unreachable
from mailgate.store import probes
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, DEADLINE, HELD, MESSAGE, PROBE, TICKET
from tests.cli.desk_folder import DeskFolder, mail
from tests.operations.conftest import BOTH

SUPPORT = "support@flexihost.example"
SETTINGS = ProbeSettings(to=SUPPORT, from_="probe@outside.example", through="smtp://127.0.0.1:9", within_seconds=2)


@pytest.fixture(params=BOTH, autouse=True)
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def built(desk: DeskFolder) -> Iterator[app.Built]:
    with open(desk.file, "a", encoding="utf-8") as out:
        out.write(f'\n[probe]\nto = "{SUPPORT}"\nfrom = "probe@outside.example"\nthrough = "smtp://127.0.0.1:9"\n')
    built = desk.open()
    built.house.settings = replace(built.house.settings, probe=SETTINGS)
    yield built
    built.close()


class Door:
    """A way in that the test holds open: what is handed in is read at once, by the house's own inbox."""

    def __init__(self, desk: DeskFolder | None = None, *results: Result) -> None:
        self.desk, self.results, self.raws = desk, list(results), list[bytes]()

    async def send(self, parcel: Parcel) -> Result:
        self.raws.append(parcel.raw)
        if self.desk is not None:
            self.desk.take(parcel.raw)
        return self.results.pop(0) if self.results else Sent(text="250")

    async def close(self) -> None: ...


def prober(built: app.Built, door: Door) -> Prober:
    return Prober(built.house, built.inbox, Alarms(built.house), door)


def send_all(built: app.Built) -> None:
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).values(state="sent", sent_at=built.house.clock()))


def litter(built: app.Built) -> dict[str, int]:
    with reading(built.engine) as connection:
        tables = (TICKET, MESSAGE, DEADLINE, HELD)
        return {one.name: connection.execute(select(func.count()).select_from(one)).scalar_one() for one in tables}


def told(built: app.Built) -> list[str]:
    with reading(built.engine) as connection:
        return list(
            connection.execute(select(OUTBOX.c.subject).where(OUTBOX.c.kind == "alarm").order_by(OUTBOX.c.id)).scalars()
        )


def test_the_name_of_a_test_mail_is_ours_alone_and_no_letters():
    name = probe_message_id(b"secret", "0abc", "desk.example")
    assert read_probe_message_id(name.upper(), b"secret") == "0abc"
    assert read_probe_message_id(name, b"another") is None
    assert read_probe_message_id(name.replace("0abc", "0abd"), b"secret") is None
    assert read_message_id(name, b"secret") is None


async def test_a_test_mail_is_answered_and_leaves_nothing_on_the_desk(built: app.Built, desk: DeskFolder):
    class Answered(Door):
        async def send(self, parcel: Parcel) -> Result:
            result = await super().send(parcel)
            send_all(built)
            return result

    probe = await prober(built, Answered(desk)).once()
    assert (probe.state, probe.would_be) == ("through", "new (support)")
    assert probe.seconds is not None
    assert set(litter(built).values()) == {0}
    with reading(built.engine) as connection:
        letters = connection.execute(select(OUTBOX)).mappings().all()
        assert [(one["kind"], one["to_address"], one["ticket"]) for one in letters] == [
            ("probe", "probe@outside.example", None)
        ]
    assert desk.rows("aside", "list") == []
    assert [row for row in desk.rows("stats") if row["opened"]] == []


async def test_a_test_mail_that_comes_twice_is_a_duplicate_and_a_forged_one_a_mail(built: app.Built, desk: DeskFolder):
    door = Door(desk)
    await prober(built, door).once()
    desk.take(door.raws[0])
    stolen = (
        door.raws[0]
        .replace(b"sends this mail to itself", b"shall take this")
        .replace(b"Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\n", b"")
    )
    desk.take(stolen)
    invented = mail(id_=probe_message_id(b"not the secret", "0abc", "outside.example"))
    desk.take(invented)
    with reading(built.engine) as connection:
        outcomes = list(connection.execute(select(ARRIVAL.c.outcome).order_by(ARRIVAL.c.id)).scalars())
    assert outcomes == ["set_aside", "duplicate", "new", "new"]
    assert litter(built)["ticket"] == 2


async def test_one_that_comes_late_has_failed_and_still_opens_nothing(built: app.Built, desk: DeskFolder):
    door = Door()
    probe = await prober(built, door).once()
    assert (probe.state, "has not been read" in probe.reason) == ("failed", True)
    desk.take(door.raws[0])
    assert set(litter(built).values()) == {0}


def test_a_house_that_does_not_know_it_answers_nothing(desk: DeskFolder):
    raw, _ = probe_mail(SETTINGS, b"the secret of another house", "0abc", desk.open().house.clock())
    desk.take(raw)
    built = desk.open()
    with reading(built.engine) as connection:
        assert list(connection.execute(select(ARRIVAL.c.outcome)).scalars()) == ["set_aside"]
        assert connection.execute(select(func.count()).select_from(OUTBOX)).scalar_one() == 0
    built.close()


async def test_the_alarm_is_told_once_after_so_many_failures_and_its_end_once(built: app.Built, desk: DeskFolder):
    gone = [Unreachable(text="connection refused")] * 3
    one = prober(built, Door(None, *gone))
    for expected in (0, 1, 1):
        await one.once()
        one.judge()
        assert len(told(built)) == expected
    assert "connection refused" in first_alarm(built)

    class Answered(Door):
        async def send(self, parcel: Parcel) -> Result:
            result = await super().send(parcel)
            send_all(built)
            return result

    for _ in range(2):
        well = prober(built, Answered(desk))  # another daemon, or the same one started again
        await well.once()
        well.judge()
    assert len(told(built)) == 2
    assert Alarms(built.house).begun() == []


def first_alarm(built: app.Built) -> str:
    with reading(built.engine) as connection:
        return str(connection.execute(select(OUTBOX.c.text).where(OUTBOX.c.kind == "alarm")).scalars().first())


def test_of_several_daemons_one_has_the_turn(built: app.Built):
    daemons = [prober(built, Door()) for _ in range(3)]
    assert [one.take_turn() is None for one in daemons] == [True, False, False]
    now = built.house.clock() + timedelta(seconds=SETTINGS.every_seconds + 1)
    built.house.clock = lambda: now
    assert [one.take_turn() is None for one in daemons] == [True, False, False]


async def test_what_a_dead_process_left_under_way_is_ended_by_the_facts(built: app.Built, desk: DeskFolder):
    now = built.house.clock()
    with transaction(built.engine) as connection:
        for which in ("a", "b"):
            probes.begin(connection, which, now - timedelta(minutes=10), comes_back=False)
    raw, _ = probe_mail(SETTINGS, built.settings.secret, "a", now)
    desk.take(raw)
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).values(state="sent", sent_at=now - timedelta(minutes=10)))
    assert prober(built, Door()).take_turn() is None
    with reading(built.engine) as connection:
        assert {one.id: one.state for one in probes.ended(connection)} == {"a": "through", "b": "failed"}


async def test_mail_and_letters_of_old_test_mails_go_and_the_counters_never_had_them(
    built: app.Built, desk: DeskFolder
):
    await prober(built, Door(desk)).once()
    while built.inbox.move_to_blobs():
        pass
    assert list((desk.folder / "blobs").glob("??/??/*"))
    later = built.house.clock() + timedelta(days=2)
    built.house.clock = lambda: later
    assert prober(built, Door()).take_turn() is None
    assert not list((desk.folder / "blobs").glob("??/??/*"))
    with reading(built.engine) as connection:
        for table, count in ((ARRIVAL, 0), (OUTBOX, 0), (PROBE, 1)):
            assert connection.execute(select(func.count()).select_from(table)).scalar_one() == count, table.name


def test_without_a_table_there_is_nothing_to_send(desk: DeskFolder):
    desk.open().close()
    ran = desk.run("probe")
    assert (ran.code, "[probe]" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("lines", "complaint"),
    [
        ('to = "a@b.example"\nthrough = "smtp://mx:25"', "a mailbox of a desk"),
        (f'to = "{SUPPORT}"', "probe.through is missing"),
        (f'to = "{SUPPORT}"\nthrough = "mx"', "smtp://host:port"),
        (f'to = "{SUPPORT}"\nthrough = "smtp://mx"\nevery = "1m"', "must be shorter"),
        (f'to = "{SUPPORT}"\nthrough = "smtp://mx"\nfrom = "a@b.example"\ncomes_back = true', "true only where"),
    ],
)
def test_a_table_that_cannot_work_is_a_complaint(desk: DeskFolder, lines: str, complaint: str):
    with open(desk.file, "a", encoding="utf-8") as out:
        out.write(f"\n[probe]\n{lines}\n")
    ran = desk.run("config", "check")
    assert (ran.code, complaint in ran.err) == (2, True), ran.err

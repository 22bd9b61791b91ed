"""Alarms: each is told once, until what it tells of is over."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailgate import app
from mailgate.operations import space
from mailgate.operations.alarms import Alarms
from mailgate.operations.watch import Watch
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from tests.certificates import make_certificate
from tests.cli.desk_folder import DeskFolder, mail

TO = "managers@flexihost.example"


@pytest.fixture
def built(desk: DeskFolder) -> Iterator[app.Built]:
    built = desk.open()
    yield built
    built.close()


def watch(built: app.Built) -> Watch:
    return Watch(built.house, built.inbox, Alarms(built.house))


def told(built: app.Built) -> list[str]:
    with reading(built.engine) as connection:
        query = (
            select(OUTBOX.c.subject).where(OUTBOX.c.kind == "alarm", OUTBOX.c.to_address == TO).order_by(OUTBOX.c.id)
        )
        return list(connection.execute(query).scalars())


def test_a_dead_mailbox_is_told_once_and_its_recovery_once(built: app.Built):
    for one in (watch(built), watch(built)):  # two daemons, or one that was started again
        for why in ("NO", "NO again"):
            one.look_at_mailbox("support@flexihost.example", "a@imap.example/INBOX", False, why)
    assert len(told(built)) == 1
    for _ in range(2):
        watch(built).look_at_mailbox("support@flexihost.example", "a@imap.example/INBOX", True, "")
    assert len(told(built)) == 2
    watch(built).look_at_mailbox("support@flexihost.example", "a@imap.example/INBOX", False, "NO")
    assert len(told(built)) == 3


def test_all_is_well_and_nobody_is_told(built: app.Built, desk: DeskFolder):
    desk.take(mail())
    watch(built).look()
    assert told(built) == []


def test_letters_that_do_not_leave_are_told_and_one_slow_one_is_not(built: app.Built, desk: DeskFolder):
    desk.take(mail())
    earlier = built.house.clock() - timedelta(hours=1)
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).values(created_at=earlier, not_before=None, reason="connection refused"))
        one = connection.execute(select(OUTBOX.c.id).limit(1)).scalar_one()
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == one).values(state="sent", sent_at=built.house.clock()))
    watch(built).look()
    assert told(built) == []
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).where(OUTBOX.c.id == one).values(sent_at=earlier))
    watch(built).look()
    watch(built).look()
    assert len(told(built)) == 1
    with transaction(built.engine) as connection:
        connection.execute(update(OUTBOX).values(state="sent", sent_at=built.house.clock()))
    watch(built).look()
    assert Alarms(built.house).begun() == []


def test_mail_that_nobody_reads_is_told(built: app.Built, desk: DeskFolder):
    desk.take(mail(), read=False)
    now = built.house.clock() + timedelta(minutes=20)
    built.house.clock = lambda: now
    watch(built).look()
    assert Alarms(built.house).begun() == ["arrivals"]
    assert len(told(built)) == 1
    desk.work()
    watch(built).look()
    assert "arrivals" not in Alarms(built.house).begun()


def test_a_full_disk_is_told(built: app.Built, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(space, "WARN_BYTES", 1 << 60)
    monkeypatch.setattr(space, "WARN_SHARE", 1.0)
    watch(built).look()
    assert len(told(built)) == 1


def test_a_certificate_that_runs_out_is_told(built: app.Built, tmp_path: Path):
    file, _ = make_certificate(tmp_path)  # good for two days
    settings = built.house.settings
    built.house.settings = replace(settings, smtp=replace(settings.smtp, tls_cert=file))
    watch(built).look()
    watch(built).look()
    assert len(told(built)) == 1

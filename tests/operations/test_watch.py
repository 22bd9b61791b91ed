"""Alarms: each is told once, until what it tells of is over."""

import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from mailgate import app
from mailgate.intake.imap_place import place_of
from mailgate.model.settings import ImapSettings, JunkSettings
from mailgate.operations import space
from mailgate.operations.alarms import Alarms
from mailgate.operations.watch import Watch
from mailgate.store import tokens
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


def add_token(built: app.Built, name: str, expires_at: datetime | None) -> None:
    with transaction(built.engine) as connection:
        tokens.add_token(
            connection, id_=name, desk="flexihost", token=name, name=name, at=built.house.clock(), expires_at=expires_at
        )  # fmt: skip


def with_account(built: app.Built, **oauth: str) -> ImapSettings:
    account = ImapSettings(
        url="imaps://me@imap.example/INBOX", mailbox="support@flexihost.example", oauth={"client_id": "c", **oauth}
    )
    built.house.settings = replace(built.house.settings, imap=(account,))
    return account


def test_a_token_is_told_of_before_it_expires_and_no_more_once_it_is_revoked(built: app.Built):
    now = built.house.clock()
    add_token(built, "soon", now + timedelta(days=13))
    add_token(built, "later", now + timedelta(days=15))
    add_token(built, "never", None)
    for _ in range(2):
        watch(built).look()
    assert Alarms(built.house).begun() == ["expiry:panel:soon"]
    assert len(told(built)) == 1
    with transaction(built.engine) as connection:
        tokens.revoke_token(connection, "soon", None, now)
    watch(built).look()
    assert Alarms(built.house).begun() == []
    assert len(told(built)) == 1


def test_a_refused_grant_is_told_at_once_and_once_and_its_end_as_well(built: app.Built):
    place = "me@imap.example/INBOX"
    for _ in range(3):
        watch(built).look_at_grant("support@flexihost.example", place, "the grant is refused: invalid_grant", None)
    assert len(told(built)) == 1
    for _ in range(2):
        watch(built).look_at_grant("support@flexihost.example", place, "", None)
    assert len(told(built)) == 2


def test_a_grant_whose_end_the_provider_told_is_told_of_until_it_is_renewed(built: app.Built):
    account = with_account(built)
    place = place_of(account).name
    watch(built).look_at_grant(account.mailbox, place, "", 20 * 86400.0)
    watch(built).look()
    assert told(built) == []
    now = built.house.clock() + timedelta(days=7)
    built.house.clock = lambda: now
    watch(built).look()
    watch(built).look()
    assert len(told(built)) == 1
    watch(built).look_at_grant(account.mailbox, place, "", 90 * 86400.0)
    watch(built).look()
    assert Alarms(built.house).begun() == []


@pytest.mark.parametrize(("days", "count"), [(13, 1), (16, 0), (-2, 1)])
def test_a_client_secret_with_a_date_is_told_of(built: app.Built, days: int, count: int):
    day = (built.house.clock() + timedelta(days=days)).date().isoformat()
    with_account(built, client_secret_expires=day)
    watch(built).look()
    assert len(told(built)) == count


def test_a_filter_that_does_not_answer_twice_in_a_row_is_told_once_and_its_recovery_once(built: app.Built):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        built.house.settings = replace(built.house.settings, junk=JunkSettings(clamd=place, seconds=1))
        look = watch(built)
        look.look()
        assert told(built) == []
        look.look()
        look.look()
        assert len(told(built)) == 1
        listener.listen()
        answering = threading.Thread(target=_pong, args=(listener,))
        answering.start()
        look.look()
        answering.join()
    assert len(told(built)) == 2


def _pong(listener: socket.socket) -> None:
    line, _ = listener.accept()
    with line:
        line.recv(100)
        line.sendall(b"PONG\0")

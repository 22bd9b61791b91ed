"""A backup brings back what was there, taken at rest or under way; a damaged one brings nothing."""

import os
import tarfile
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from mailgate import app, config
from mailgate.blobs import open_blobs
from mailgate.errors import Refused
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.operations.backup import write_backup
from mailgate.operations.restore import read_backup
from mailgate.pipeline import Worker
from mailgate.store.engine import reading, transaction
from mailgate.store.tables import ARRIVAL, metadata
from tests.cli.desk_folder import DeskFolder, mail
from tests.store.postgresql import running


@pytest.fixture
def elsewhere(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeskFolder:
    return DeskFolder(tmp_path / "elsewhere", capsys, "flexihost")


def filled(desk: DeskFolder) -> None:
    for number in range(3):
        desk.take(mail(f"Matter {number}", id_=f"m{number}@shop.example"))
    desk.take(mail("waits", id_="waits@shop.example"), read=False)


def tickets(desk: DeskFolder) -> list[tuple[int, str, str]]:
    return [(one["number"], one["subject"], one["status"]) for one in desk.rows("ticket", "list")]


@pytest.mark.parametrize("name", ["b.tar", "b.tar.gz"])
def test_what_was_there_is_there_again(desk: DeskFolder, elsewhere: DeskFolder, tmp_path: Path, name: str):
    filled(desk)
    file = str(tmp_path / name)
    assert desk.run("backup", file).code == 0
    assert os.stat(file).st_mode & 0o077 == 0
    assert elsewhere.rows("restore", file)[0]["missing"] == 0
    assert tickets(elsewhere) == tickets(desk)
    assert elsewhere.rows("trace", "<m1@shop.example>")[0]["outcome"] == "new"
    elsewhere.work()
    assert len(tickets(elsewhere)) == len(tickets(desk)) + 1  # what waited is read there
    with_raw = elsewhere.open()
    with reading(with_raw.engine) as connection:
        digests = list(connection.execute(select(ARRIVAL.c.digest)).scalars())
    assert all(with_raw.inbox.raw_of(digest) for digest in digests)
    with_raw.close()


def test_a_place_that_is_not_empty_is_left_alone(desk: DeskFolder, elsewhere: DeskFolder, tmp_path: Path):
    filled(desk)
    file = str(tmp_path / "b.tar")
    desk.run("backup", file)
    before = tickets(desk)
    ran = desk.run("restore", file)
    assert (ran.code, "already" in ran.err) == (1, True)
    assert tickets(desk) == before


@pytest.mark.parametrize("share", [0.1, 0.5, 0.95])
def test_a_backup_that_was_cut_off_restores_nothing(
    desk: DeskFolder, elsewhere: DeskFolder, tmp_path: Path, share: float
):
    filled(desk)
    file = tmp_path / "b.tar.gz"
    desk.run("backup", str(file))
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    assert elsewhere.run("restore", str(file)).code == 1
    assert not list((elsewhere.folder / "blobs").glob("??/??/*"))
    desk.run("backup", str(file))
    assert elsewhere.run("restore", str(file)).code == 0


def test_a_blob_that_is_not_what_its_digest_says_is_not_restored(
    desk: DeskFolder, elsewhere: DeskFolder, tmp_path: Path
):
    filled(desk)
    built = desk.open()
    while built.inbox.move_to_blobs():
        pass
    built.close()
    next((desk.folder / "blobs").glob("??/??/*")).write_bytes(b"rot")
    desk.run("backup", str(tmp_path / "b.tar"))
    ran = elsewhere.run("restore", str(tmp_path / "b.tar"))
    assert (ran.code, "damaged" in ran.err) == (1, True)


def test_members_that_lead_elsewhere_are_refused(elsewhere: DeskFolder, tmp_path: Path, desk: DeskFolder):
    desk.run("backup", str(tmp_path / "b.tar"))
    with tarfile.open(tmp_path / "b.tar", "a") as tar:
        entry = tarfile.TarInfo("../evil")
        tar.addfile(entry)
    ran = elsewhere.run("restore", str(tmp_path / "b.tar"))
    assert (ran.code, "unknown" in ran.err) == (1, True)
    assert not (tmp_path / "evil").exists()


def test_what_is_no_backup_is_said_to_be_none(elsewhere: DeskFolder, tmp_path: Path):
    (tmp_path / "b.tar").write_bytes(b"x" * 5000)
    assert elsewhere.run("restore", str(tmp_path / "b.tar")).code == 1
    assert elsewhere.run("restore", str(tmp_path / "missing.tar")).code == 1


def test_backups_taken_while_mail_comes_hold_together(
    desk: DeskFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    """Every mail of a backup has its raw text, and none is in it both as read and as waiting."""
    stop = threading.Event()

    def feed() -> None:
        number = 0
        while not stop.is_set():
            desk.take(mail(f"Under way {number}", id_=f"u{number}@shop.example"))
            built = desk.open()
            built.inbox.move_to_blobs()
            built.close()
            number += 1

    feeder = threading.Thread(target=feed)
    feeder.start()
    built = desk.open()
    try:
        for turn in range(3):
            write_backup(built.settings, built.engine, tmp_path / f"{turn}.tar", built.house.clock())
    finally:
        stop.set()
        feeder.join()
        built.close()
    for turn in range(3):
        place = DeskFolder(tmp_path / f"place{turn}", capsys, "flexihost")
        assert place.rows("restore", str(tmp_path / f"{turn}.tar"))[0]["missing"] == 0
        place.work()
        subjects = [subject for _, subject, _ in tickets(place)]
        assert len(subjects) == len(set(subjects))
        assert not place.rows("quarantine", "list")


@pytest.mark.server("postgresql")
@pytest.mark.slow
def test_a_postgresql_database_comes_back_as_it_was(desk: DeskFolder, elsewhere: DeskFolder, tmp_path: Path):
    with running() as url:
        settings = replace(config.load(desk.file, {}), database_url=url)
        built = app.Built(settings)
        built.upgrade()
        for number in range(3):
            raw = mail(f"Matter {number}", id_=f"m{number}@shop.example")
            envelope = Envelope(channel="smtp", sender="x@y.example", recipients=("support@flexihost.example",))
            built.inbox.accept(arrivals_of(raw, envelope, Recipients.of(settings), built.ids, built.house.clock()))
            if number < 2:
                Worker(built.house, built.inbox).work()
        before = rows_of(built)
        write_backup(settings, built.engine, tmp_path / "b.tar", built.house.clock())
        with pytest.raises(Refused, match="not empty"):
            read_backup(settings, built.blobs, tmp_path / "b.tar")
        with transaction(built.engine) as connection:
            metadata.drop_all(connection)
        place = replace(settings, blobs_url=config.load(elsewhere.file, {}).blobs_url)
        assert read_backup(place, open_blobs(place.blobs_url), tmp_path / "b.tar").missing == 0
        assert rows_of(built) == before
        assert len(before["inbox"]) == 3
        built.close()


def rows_of(built: app.Built) -> dict[str, list[str]]:
    with reading(built.engine) as connection:
        return {
            table.name: sorted(repr(tuple(row)) for row in connection.execute(select(table)))
            for table in metadata.sorted_tables
        }

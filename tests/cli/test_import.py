"""`mailgate import`: mbox, Maildir or folder; what is known is passed over; nobody gets an ack."""

import mailbox
from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder, mail


def mails(count: int) -> list[bytes]:
    return [
        mail(f"Question about invoice {number}x", f"Why is {number} so much?", id_=f"{number}@shop.example")
        for number in range(count)
    ]


def as_mbox(folder: Path, raws: list[bytes]) -> Path:
    box = mailbox.mbox(folder / "old.mbox")
    for raw in raws:
        box.add(raw)
    box.close()
    return folder / "old.mbox"


def as_maildir(folder: Path, raws: list[bytes]) -> Path:
    box = mailbox.Maildir(folder / "Maildir")
    for raw in raws:
        box.add(raw)
    (folder / "Maildir" / "dovecot.index.log").write_bytes(b"\0no mail")
    (folder / "Maildir" / "tmp" / "half").write_bytes(raws[0][:40])
    return folder / "Maildir"


def as_folder(folder: Path, raws: list[bytes]) -> Path:
    (folder / "mails" / "deeper").mkdir(parents=True)
    for number, raw in enumerate(raws):
        (folder / "mails" / ("deeper" if number else "") / f"{number}.eml").write_bytes(raw)
    return folder / "mails"


@pytest.mark.parametrize("written", [as_mbox, as_maildir, as_folder])
def test_each_kind_of_store_is_taken_once_and_nobody_is_acknowledged(desk: DeskFolder, tmp_path: Path, written):  # type: ignore[no-untyped-def]
    path = written(tmp_path, mails(3))
    assert desk.run("import", str(path)).out == "3 taken, 0 known already\n"
    assert desk.run("import", str(path)).out == "0 taken, 3 known already\n"
    assert sum(bool(desk.run("trace", f"{number}@shop.example").out) for number in range(3)) == 3
    assert not [row for row in desk.rows("outbox", "list", "--all") if row["kind"] == "ack"]


def test_an_interrupted_import_goes_on_where_it_was(desk: DeskFolder, tmp_path: Path):
    first, rest = mails(3)[:1], mails(3)[1:]
    desk.take(first[0], read=False)
    path = as_folder(tmp_path, first + rest)
    assert desk.run("import", str(path), "--no-wait").out == "2 taken, 1 known already\n"
    assert desk.run("import", str(path)).out == "0 taken, 3 known already\n"
    assert desk.rows("trace", "2@shop.example")[0]["outcome"] is not None


def test_an_ack_goes_out_where_it_is_asked_for(desk: DeskFolder, tmp_path: Path):
    path = tmp_path / "one.eml"
    path.write_bytes(mail())
    assert desk.run("import", str(path), "--ack").code == 0
    assert [row["to"] for row in desk.rows("outbox", "list") if row["kind"] == "ack"] == ["olena@shop.example"]


def test_mail_for_nobody_is_counted_and_can_be_sent_to_a_mailbox(desk: DeskFolder, tmp_path: Path):
    path = tmp_path / "one.eml"
    path.write_bytes(mail(to="undisclosed@x.example"))
    ran = desk.run("import", str(path))
    assert (ran.code, ran.out) == (1, "0 taken, 0 known already\n")
    assert "say which with --to" in ran.err
    assert desk.run("import", str(path), "--to", "bill@flexihost.example").code == 0
    assert desk.rows("ticket", "list")[0]["requestor"] == "olena@shop.example"
    assert "is no mailbox" in desk.run("import", str(path), "--to", "x@y.example").err
    assert desk.run("import", str(tmp_path / "none")).code == 1

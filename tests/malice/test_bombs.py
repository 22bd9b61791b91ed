"""Names that would leave their folder, and mails made to cost too much: kept whole while others go on (M4, I7)."""

import base64
import zipfile
from io import BytesIO
from pathlib import Path

import pytest

from mailgate.blobs import FolderBlobs
from mailgate.errors import MailgateError
from mailgate.outbox.maildir import MaildirRelay
from mailgate.outbox.relay import Parcel
from mailgate.parse import read
from tests.world import World, a_mail, shipped_phrases

SUPPORT = "support@flexihost.example"
NAMES = (
    "../../../etc/passwd", "..\\..\\windows\\system32\\x.dll", "/etc/passwd", "C:\\autoexec.bat", "..", ".", "...",
    "~/x",
    ".htaccess", "a/../../b", "x\0.txt", "x\r\ny.txt", "con", "NUL.txt", "a" * 5000 + ".pdf", "\u202egnp.exe", "|id",
    "$(id)",
    "`id`", "a;rm -rf b", "<x>.html", "=?utf-8?B?Li4vLi4vZXRjL3Bhc3N3ZA==?=", "%2e%2e%2fetc%2fpasswd",
    "\uff0e\uff0e\uff0fx",
    "file:///etc/passwd", "-rf", "\u2025/x", "x" * 300,
)  # fmt: skip


def with_file(
    name: str, data: bytes = b"x", kind: str = "application/octet-stream", *, extended: bool = False
) -> bytes:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\0", "").replace("\r\n", "")
    shown = (
        f"filename*=utf-8''{''.join(f'%{one:02X}' for one in name.encode())}" if extended else f'filename="{quoted}"'
    )
    part = f"--b\nContent-Type: {kind}\nContent-Disposition: attachment; {shown}\nContent-Transfer-Encoding: base64\n\n"
    body = f"--b\nContent-Type: text/plain\n\nhello\n{part}{base64.encodebytes(data).decode()}--b--"
    return a_mail("A file", body, more="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n")


@pytest.mark.parametrize("extended", [False, True], ids=["quoted", "rfc 2231"])
@pytest.mark.parametrize("name", NAMES, ids=range(len(NAMES)))
def test_an_attachments_name_is_one_name_in_one_folder(name: str, extended: bool, tmp_path: Path):
    mail = read(with_file(name, extended=extended), phrases=shipped_phrases(), known_tags=frozenset())
    [file] = mail.attachments
    assert file.filename
    assert len(file.filename.encode()) <= 255
    assert not file.filename.startswith(".")
    assert not set(file.filename) & set('/\\\0\r\n:<>|"?*')
    assert file.filename.isprintable()
    place = (tmp_path / file.filename).resolve()
    assert place.parent == tmp_path.resolve()
    place.write_bytes(b"x")


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "", "a" * 63, "A" * 64, "g" * 64, "/" + "a" * 63, "a" * 64 + "\n"]
)
def test_what_is_no_digest_names_no_file(digest: str, tmp_path: Path):
    blobs = FolderBlobs(tmp_path)
    for work in (lambda: blobs.get(digest), lambda: blobs.put(digest, b"x"), lambda: blobs.remove(digest)):
        with pytest.raises((ValueError, MailgateError)):
            work()


async def test_no_message_id_names_a_file_of_the_outgoing_folder(tmp_path: Path):
    relay = MaildirRelay(tmp_path / "out")
    parcel = Parcel(id="01hq3zk5", message_id="../../../x@y", envelope_from="a@b.example", to="c@d.example", raw=b"x")
    await relay.send(parcel)
    assert [path.parent for path in tmp_path.rglob("*.mailgate")] == [tmp_path / "out" / "new"]


def nested(depth: int) -> bytes:
    head = "".join(f"--b{n}\nContent-Type: multipart/mixed; boundary=b{n + 1}\n\n" for n in range(depth))
    tail = "".join(f"--b{n}--\n" for n in range(depth, -1, -1))
    body = f"{head}--b{depth}\nContent-Type: text/plain\n\nx\n{tail}"
    return a_mail(
        "Deep", body, more="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b0\n", id_="bomb@x.example"
    )


def parts(count: int) -> bytes:
    body = "--b\nContent-Type: text/plain\n\nx\n" * count + "--b--"
    return a_mail(
        "Many", body, more="MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", id_="bomb@x.example"
    )


def russian(depth: int) -> bytes:
    body = "".join(f"Content-Type: message/rfc822\nSubject: {n}\n\n" for n in range(depth)) + "Subject: x\n\nx"
    return a_mail("Dolls", body, more="MIME-Version: 1.0\nContent-Type: message/rfc822\n", id_="bomb@x.example")


BOMBS = {
    "too many header lines": a_mail(more="".join(f"X-{n}: x\n" for n in range(1200)), id_="bomb@x.example"),
    "a header too long": a_mail(more=f"X-Long: {'x' * 300_000}\n", id_="bomb@x.example"),
    "a folded header too long": a_mail(more="X-Long: x\n" + " x\n" * 1100, id_="bomb@x.example"),
    "too many parts": parts(600),
    "nested too deep": nested(80),
    "mails in mails": russian(80),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_mail_beyond_a_limit_is_quarantined_whole_with_the_reason_while_others_go_on(name: str):
    world = World()
    bomb = world.accept(BOMBS[name], SUPPORT)
    other = world.accept(a_mail("Another", id_="other@shop.example"), SUPPORT)
    world.work()
    world.send()
    row = world.outcome(bomb)
    assert row["outcome"] == "quarantined"
    assert row["reason"].startswith("exceeds a limit: ")
    assert world.inbox.raw_of(row["digest"]) == BOMBS[name]
    assert world.outcome(other)["outcome"] == "new"
    [alarm] = world.sent("alarm")
    assert alarm.to == "managers@flexihost.example"
    assert not world.sent("ack", to="bomb@x.example")


def a_zip_bomb() -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(20):
            archive.writestr(f"../../{n}", b"\0" * 5_000_000)
    return packed.getvalue()


def test_an_archive_is_a_file_like_any_other_and_never_opened():
    data = a_zip_bomb()
    world = World()
    got = world.post(with_file("invoice.zip", data, "application/zip"), SUPPORT)
    assert got["outcome"] == "new"
    [notice] = world.sent("staff_notice")
    [file] = list(notice.message.iter_attachments())
    assert file.get_payload(decode=True) == data


TNEF = b"\x78\x9f\x3e\x22"


@pytest.mark.parametrize(
    "data", [b"", TNEF, TNEF + b"\xff" * 100_000, TNEF + b"\0\0" + b"\x01\x90\x08\x00\xff\xff\xff\xff" * 5000]
)
def test_a_broken_winmail_dat_stays_an_attachment(data: bytes):
    world = World()
    assert world.post(with_file("winmail.dat", data, "application/ms-tnef"), SUPPORT)["outcome"] == "new"


def test_a_mail_that_fails_is_tried_three_times_and_harms_no_other(monkeypatch: pytest.MonkeyPatch):
    world = World()
    real = world.house.read
    bad = a_mail("Bad", id_="bad@x.example")

    def broken(raw: bytes) -> object:
        if raw == bad:
            raise RecursionError("a bug of ours")
        return real(raw)

    monkeypatch.setattr(world.house, "read", broken)
    first = world.accept(bad, SUPPORT)
    others = [world.accept(a_mail(f"Mail {chr(97 + n)}", id_=f"{n}@shop.example"), SUPPORT) for n in range(3)]
    world.work()
    assert world.outcome(first)["outcome"] == "quarantined"
    assert "RecursionError" in world.outcome(first)["reason"]
    assert [world.outcome(one)["outcome"] for one in others] == ["new"] * 3

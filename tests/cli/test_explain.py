"""`mailgate explain`: what would happen to a mail now, and why; nothing is changed."""

from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder, mail

KEYS = {
    "outcome", "ticket", "from_ticket", "identity", "automatic", "thread", "queue", "priority", "request", "class",
    "language", "flags", "fields", "missing", "visible_text", "trace",
}  # fmt: skip


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "m.eml"
    path.write_bytes(mail())
    return path


@pytest.mark.parametrize(
    ("auth", "outcome", "level"),
    [("pass", "new", "verified"), ("none", "new", "registered"), ("fail", "held", "forged")],
)
def test_the_verdict_can_be_tried(desk: DeskFolder, file: Path, auth: str, outcome: str, level: str):
    (shown,) = desk.rows("explain", str(file), "--auth", auth)
    assert shown.keys() >= KEYS
    assert (shown["outcome"], shown["identity"]["level"], shown["ticket"]) == (outcome, level, None)


def test_nothing_is_changed_and_nothing_made(desk: DeskFolder, file: Path):
    desk.run("explain", str(file))
    assert desk.rows("ticket", "list") == []
    assert desk.run("trace", "a1@shop.example").code == 1
    for name in desk.folder.glob("*.db*"):
        name.unlink()
    assert desk.run("explain", str(file)).code == 0
    assert list(desk.folder.glob("*.db*")) == []


def test_people_read_the_rules_and_what_would_be_sent(desk: DeskFolder, file: Path):
    out = desk.run("explain", str(file), "--auth", "pass").out
    assert "S3: level verified." in out
    assert "ack to olena@shop.example in en" in out
    assert "staff_notice to ivan@team.example" in out


def test_the_mailbox_is_the_first_of_ours_in_to_and_cc_else_the_one_named(desk: DeskFolder, tmp_path: Path):
    path = tmp_path / "two.eml"
    both = "friend@x.example, bill@flexihost.example, support@flexihost.example"
    path.write_bytes(mail(to=both, subject="A thing", text="Please write back."))
    assert desk.rows("explain", str(path))[0]["queue"] == "billing"
    path.write_bytes(mail(to="friend@x.example", subject="A thing", text="Please write back."))
    assert desk.rows("explain", str(path), "--to", "bill@flexihost.example")[0]["queue"] == "billing"
    for words in ((), ("--to", "nobody@x.example")):
        ran = desk.run("explain", str(path), *words)
        assert (ran.code, ran.err.count("\n")) == (1, 1)
        assert "there are support@flexihost.example" in ran.err


def test_a_mail_beyond_the_limits_would_be_quarantined(desk: DeskFolder, tmp_path: Path):
    path = tmp_path / "deep.eml"
    path.write_bytes(mail(more="".join(f"X-{number}: x\n" for number in range(1100))))
    (shown,) = desk.rows("explain", str(path))
    assert (shown["outcome"], shown["trace"][0]["rule"]) == ("quarantined", "I7")

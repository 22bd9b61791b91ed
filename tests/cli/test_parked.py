"""`mailgate held`, `quarantine`, `aside`, `outbox`, `trace`: what went nowhere, found and decided."""

import mailbox
from pathlib import Path

from tests.cli.desk_folder import DeskFolder, mail

KEYS = {"id", "desk", "ticket", "at", "from", "to", "subject", "state", "reason", "attempts"}
DEEP = "".join(f"X-{number}: x\n" for number in range(1100))  # over the limit of header lines


def test_an_accepted_mail_opens_its_ticket_and_is_held_no_more(desk: DeskFolder):
    desk.take(mail(auth="fail"))
    (row,) = desk.rows("held", "list")
    assert row.keys() >= KEYS
    assert (row["state"], row["from"], row["subject"]) == ("held", "olena@shop.example", "Site shows 502")
    assert desk.rows("held", "show", row["id"])[0]["context"]["would_be"] == "new"
    ran = desk.run("held", "accept", row["id"])
    assert (ran.code, ran.out.splitlines()[1]) == (0, "new, ticket 10001")
    assert desk.rows("held", "list") == []
    (ticket,) = desk.rows("ticket", "list")
    assert (ticket["number"], ticket["level"]) == (10001, "registered")
    (traced,) = desk.rows("trace", "<a1@shop.example>")
    assert (traced["outcome"], traced["ticket"]) == ("new", 10001)
    assert {"ack", "staff_notice"} <= {letter["kind"] for letter in traced["sent"]}
    assert desk.run("held", "reject", row["id"]).err == f"mailgate: held mail {row['id']} is accepted already\n"


def test_a_rejected_mail_opens_nothing(desk: DeskFolder):
    desk.take(mail(auth="fail"))
    assert desk.run("held", "reject").code == 0
    assert desk.rows("ticket", "list") == []
    assert [row["state"] for row in desk.rows("held", "list", "--all")] == ["rejected"]
    assert desk.run("held", "accept").err.startswith("mailgate: 0 mails are held")


def test_a_quarantined_mail_is_listed_retried_and_dropped(desk: DeskFolder):
    id_ = desk.take(mail(more=DEEP))
    (row,) = desk.rows("quarantine", "list")
    assert row.keys() >= KEYS
    assert (row["id"], row["state"]) == (id_, "quarantined")
    assert "limit" in row["reason"]
    assert desk.run("quarantine", "retry", id_).code == 0
    (waiting,) = desk.rows("trace", "a1@shop.example")
    assert (waiting["outcome"], waiting["steps"][-1]["verdict"]) == (None, "waits to be read, 0 tries")
    text = (desk.folder / "mailgate.toml").read_text(encoding="utf-8")
    (desk.folder / "mailgate.toml").write_text(
        text.replace("# header_lines = 1000", "header_lines = 5000"), encoding="utf-8"
    )
    desk.work()
    assert desk.rows("quarantine", "list") == []
    assert [ticket["subject"] for ticket in desk.rows("ticket", "list")] == ["Site shows 502"]


def test_a_dropped_mail_is_listed_no_more_but_traced(desk: DeskFolder):
    id_ = desk.take(mail(more=DEEP))
    assert desk.run("quarantine", "drop", id_).code == 0
    assert desk.rows("quarantine", "list") == []
    assert [row["state"] for row in desk.rows("quarantine", "list", "--all")] == ["dropped"]
    digest = desk.rows("quarantine", "show", id_)[0]["digest"]
    assert desk.rows("trace", digest)[0]["outcome"] == "quarantined"
    built = desk.open()
    built.inbox.move_to_blobs()
    built.close()
    assert desk.run("quarantine", "retry", id_).code == 0  # its raw mail lies in the blobs by now
    assert desk.rows("trace", digest)[0]["outcome"] is None


def test_automatic_mail_of_no_ticket_is_set_aside(desk: DeskFolder):
    desk.take(
        mail(sender="news@shop.example", more="List-Id: <news.shop.example>\nPrecedence: list\n", id_="n@shop.example")
    )
    (row,) = desk.rows("aside", "list")
    assert row.keys() >= KEYS
    assert row["reason"] == "list"
    assert "shop.example shows 502" in desk.run("aside", "show", row["id"]).out
    assert desk.run("aside", "drop", row["id"]).code == 0
    assert desk.rows("aside", "list") == []


def test_a_letter_is_shown_dropped_and_sent_after_all(desk: DeskFolder):
    desk.take(mail(auth="pass"))
    letters = desk.rows("outbox", "list", "--ticket", "10001")
    assert letters[0].keys() >= KEYS
    ack = next(row for row in letters if row["kind"] == "ack")
    assert "10001" in desk.run("outbox", "show", ack["id"]).out
    assert desk.run("outbox", "drop", ack["id"]).code == 0
    assert ack["id"] not in {row["id"] for row in desk.rows("outbox", "list")}
    assert desk.run("outbox", "drop", ack["id"]).err == f"mailgate: letter {ack['id']} is withdrawn already\n"
    assert desk.run("outbox", "retry", ack["id"]).code == 0
    assert ack["id"] in {row["id"] for row in desk.rows("outbox", "list", "--state", "waiting")}


def test_a_name_that_nothing_bears_is_one_clear_line(desk: DeskFolder):
    for words in (("trace", "<no@where.example>"), ("held", "show", "x"), ("quarantine", "retry", "x"),
                  ("aside", "show", "x"), ("outbox", "retry", "x"), ("ticket", "export", "5")):  # fmt: skip
        ran = desk.run(*words)
        assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1), words


def test_mail_that_waits_is_found_by_message_id_and_by_digest(desk: DeskFolder):
    desk.take(mail(), read=False)
    (by_name,) = desk.rows("trace", "a1@shop.example")
    (by_digest,) = desk.rows("trace", by_name["digest"][:12])
    assert by_digest == by_name
    assert by_name["outcome"] is None


def test_an_export_holds_the_raw_mail_and_our_letters(desk: DeskFolder, tmp_path: Path):
    raw = mail(auth="pass", text="Hello\n\nFrom now on it is down.")
    desk.take(raw)
    assert desk.run("ticket", "export", "10001", "-o", str(tmp_path / "t.mbox")).code == 0
    box = mailbox.mbox(tmp_path / "t.mbox", create=False)
    subjects = [str(entry["Subject"]) for entry in box]
    assert len(subjects) == len(desk.rows("outbox", "list", "--all", "--ticket", "10001")) + 1
    first = box.get_bytes(0)
    assert first.replace(b"\n>From now", b"\nFrom now") == raw.replace(b"\r\n", b"\n")
    assert desk.run("ticket", "export", "10001", "-o", str(tmp_path / "t.mbox")).code == 1  # nothing is overwritten


def test_the_outbox_says_why_and_until_when_a_letter_waits_and_what_was_done_to_it(desk: DeskFolder):
    assert desk.run("staff", "add", "halyna@team.example", "--team", "billing").code == 0
    assert desk.run("staff", "add", "ivan@team.example", "--team", "support").code == 0
    desk.take(mail())
    reply = mail(
        sender="ivan@team.example",
        subject="Re: [flexihost #10001] x",
        text="Fixed.",
        id_="r1@team.example",
        auth="pass",
    )
    desk.take(reply)
    (relay,) = [row for row in desk.rows("outbox", "list") if row["kind"] == "relay"]
    assert relay["reason"] == "may still be taken back (#undo)"
    assert relay["next_at"] > relay["at"]
    table = desk.run("outbox", "list").out
    assert "UNTIL" in table
    assert "may still be taken back" in table
    assert (
        desk.run("outbox", "drop", relay["id"]).out
        == f"{relay['id']} is not sent: relay to olena@shop.example, ticket 10001\n"
    )


def test_a_command_on_a_ticket_says_what_it_has_changed(desk: DeskFolder):
    assert desk.run("staff", "add", "ivan@team.example", "--team", "support", "--name", "Ivan").code == 0
    desk.take(mail())
    assert (
        desk.run("ticket", "assign", "10001", "ivan").out
        == "ticket 10001: status new → open, owner none → ivan@team.example\n"
    )
    assert desk.run("ticket", "close", "10001").out == "ticket 10001: status open → closed\n"
    assert desk.run("ticket", "close", "10001").out == "ticket 10001: nothing changed\n"

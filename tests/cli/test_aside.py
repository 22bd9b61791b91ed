"""`mailgate aside`: junk is listed, released and dropped; what was found infected leaves the house in no way (M9)."""

import mailbox
from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder, mail

SPAM = "X-Spam-Status: Yes, score=9.5\n"
INFECTED = """From: Olena <olena@shop.example>
To: support@flexihost.example
Subject: About my site
Message-ID: <infected@shop.example>
Date: Mon, 08 Jun 2026 09:00:00 +0000
X-Virus-Status: Infected (Eicar-Signature)
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b"

--b
Content-Type: text/plain

{text}
--b
Content-Type: application/zip
Content-Disposition: attachment; filename="invoice.zip"

the harmful bytes
--b--
"""


def test_junk_is_listed_and_released_as_an_ordinary_mail(desk: DeskFolder):
    id_ = desk.take(mail(more=SPAM))
    (row,) = desk.rows("aside", "list")
    assert (row["id"], row["reason"], row["state"]) == (id_, "junk", "set_aside")
    assert desk.rows("ticket", "list") == []
    (shown,) = desk.rows("aside", "show", id_)
    assert any(step["rule"] == "M9" and "score 9.5" in step["because"] for step in shown["trace"])
    ran = desk.run("aside", "release", id_)
    assert (ran.code, ran.out.splitlines()[1]) == (0, "new, ticket 10001")
    assert desk.rows("aside", "list") == []
    (ticket,) = desk.rows("ticket", "list")
    assert (ticket["requestor"], ticket["flags"]) == ("olena@shop.example", [])
    (traced,) = desk.rows("trace", "<a1@shop.example>")
    assert (traced["outcome"], traced["ticket"]) == ("new", 10001)
    assert {"ack", "staff_notice"} <= {letter["kind"] for letter in traced["sent"]}
    again = desk.run("aside", "release", id_)
    assert (again.code, again.err) == (
        1,
        f"mailgate: no mail {id_} was set aside; `mailgate aside list` shows those there are\n",
    )


def test_a_machines_mail_is_not_released(desk: DeskFolder):
    id_ = desk.take(mail(more="Auto-Submitted: auto-replied\n"))
    ran = desk.run("aside", "release", id_)
    assert (ran.code, "an automatic reply" in ran.err) == (1, True)
    assert [row["id"] for row in desk.rows("aside", "list")] == [id_]


def test_the_table_can_be_switched_off(desk: DeskFolder):
    text = (desk.folder / "mailgate.toml").read_text(encoding="utf-8")
    (desk.folder / "mailgate.toml").write_text(
        text.replace("# [junk]\n# headers = true", "[junk]\nheaders = false"), encoding="utf-8"
    )
    desk.take(mail(more=SPAM))
    assert [ticket["flags"] for ticket in desk.rows("ticket", "list")] == [[]]


@pytest.mark.parametrize(("text", "outcome"), [("Please look at this.", "new"), ("", "set_aside")])
def test_an_infected_mail_is_a_ticket_without_it_or_nothing(desk: DeskFolder, text: str, outcome: str):
    desk.take(INFECTED.format(text=text).encode())
    (traced,) = desk.rows("trace", "<infected@shop.example>")
    assert traced["outcome"] == outcome
    if outcome == "set_aside":
        assert [row["reason"] for row in desk.rows("aside", "list")] == ["malware"]
        return
    (ticket,) = desk.rows("ticket", "show", "10001")
    assert (ticket["flags"], ticket["messages"][0]["attachments"]) == (["malware_removed"], [])
    assert any(
        "invoice.zip" in str(event["detail"]) for event in ticket["events"] if event["kind"] == "malware_removed"
    )


def test_an_export_has_the_words_of_an_infected_mail_alone(desk: DeskFolder, tmp_path: Path):
    desk.take(INFECTED.format(text="Please look at this.").encode())
    assert desk.run("ticket", "export", "10001", "--output", str(tmp_path / "t.mbox")).code == 0
    came, *_ = mailbox.mbox(tmp_path / "t.mbox")
    assert (came.is_multipart(), came.get_payload(decode=True)) == (False, b"Please look at this.\r\n")
    assert b"harmful" not in (tmp_path / "t.mbox").read_bytes()

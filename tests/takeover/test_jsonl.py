"""`mailgate ticket import FILE.jsonl` (T8): what comes from another system is as if it had always been here."""

import base64
import json
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from mailgate.store.engine import reading
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import MESSAGE, TICKET
from tests.cli.desk_folder import DeskFolder, mail

ASKED = {
    "kind": "customer", "from": "Olena Kovalenko <olena@shop.example>", "at": "2026-03-01T10:00:00+01:00",
    "subject": "Site shows 502", "text": "Since the update shop.example shows 502 Bad Gateway.",
    "message_id": "<first@shop.example>",
}  # fmt: skip
ANSWERED = {
    "kind": "staff", "from": "ivan@team.example", "at": "2026-03-01T11:00:00Z", "subject": "Re: Site shows 502",
    "text": "We look at it.", "message_id": "<answer@old.example>",
}  # fmt: skip
NOTED = {"kind": "note", "from": "ivan@team.example", "at": "2026-03-01T10:30:00Z", "text": "PHP is too old."}


def ticket(number: int = 20123, **values: Any) -> dict[str, Any]:
    return {
        "desk": "flexihost", "number": number, "requestor": "olena@shop.example", "subject": "Site shows 502",
        "status": "open", "created_at": "2026-03-01T10:00:00+01:00", "messages": [ASKED, ANSWERED, NOTED],
    } | values  # fmt: skip


def written(folder: Path, *tickets: Any) -> str:
    file = folder / "old.jsonl"
    lines = [one if isinstance(one, str) else json.dumps(one) for one in tickets]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return str(file)


def shown(desk: DeskFolder, number: int) -> dict[str, Any]:
    return desk.rows("ticket", "show", str(number))[0]


def test_a_ticket_comes_whole_with_its_number_and_nobody_hears_of_it(desk: DeskFolder, tmp_path: Path) -> None:
    old = ticket(participants=["buh@shop.example", "ivan@team.example", "support@flexihost.example"], owner="ivan")
    ran = desk.run("ticket", "import", written(tmp_path, old))
    assert ran.code == 0, ran.err
    assert "1 tickets taken over (1 open) with 3 entries" in ran.out
    found = shown(desk, 20123)
    assert found["subject"] == "Site shows 502"
    assert (found["status"], found["queue"], found["owner"]) == ("open", "support", "ivan@team.example")
    assert (found["requestor"], found["account"]) == ("olena@shop.example", "1001")
    assert found["participants"] == ["buh@shop.example"]
    assert found["created_at"] == "2026-03-01T09:00:00+00:00"
    assert [one["kind"] for one in found["messages"]] == ["customer", "note", "staff"]
    assert found["messages"][0]["message_id"] == "<first@shop.example>"
    assert found["messages"][0]["at"] == "2026-03-01T09:00:00+00:00"
    assert found["class"] == "site"
    assert letters(desk) == 0


def test_the_same_file_again_changes_nothing(desk: DeskFolder, tmp_path: Path) -> None:
    file = written(tmp_path, ticket(), ticket(20124, messages=[{**ASKED, "message_id": None}]))
    assert desk.run("ticket", "import", file).code == 0
    again = desk.run("ticket", "import", file)
    assert (again.code, again.out.startswith("0 tickets")) == (0, True)
    assert "2 known already" in again.out
    assert counts(desk) == (2, 4)


def test_a_number_that_another_ticket_has_is_an_error_that_names_both(desk: DeskFolder, tmp_path: Path) -> None:
    assert desk.run("ticket", "import", written(tmp_path, ticket())).code == 0
    other = ticket(messages=[{**ASKED, "message_id": "<other@shop.example>"}])
    ran = desk.run("ticket", "import", written(tmp_path, other, ticket(20124)))
    assert ran.code == 1
    assert "ticket 20123 is there already" in ran.err
    assert "<other@shop.example>" in ran.err
    assert "<first@shop.example>" in ran.err
    assert shown(desk, 20124)["number"] == 20124, "the rest goes on"


def test_new_numbers_begin_above_those_taken_over(desk: DeskFolder, tmp_path: Path) -> None:
    desk.run("ticket", "import", written(tmp_path, ticket(20123), ticket(7)))
    desk.take(mail("Another thing", "Please tell me the price of a server.", id_="n1@shop.example"))
    assert {one["number"] for one in desk.rows("ticket", "list")} == {7, 20123, 20124}


@pytest.mark.parametrize("named", ["first@shop.example", "answer@old.example", "sent-1@old.example"])
def test_a_reply_to_any_mail_of_the_old_system_lands_on_its_ticket(
    desk: DeskFolder, tmp_path: Path, named: str
) -> None:
    old = ticket(status="resolved", message_ids=["<sent-1@old.example>"])
    desk.run("ticket", "import", written(tmp_path, old))
    more = f"In-Reply-To: <{named}>\n"
    desk.take(mail("Re: Site shows 502", "It is back again.", id_="r1@shop.example", more=more))
    found = shown(desk, 20123)
    assert found["messages"][-1]["message_id"] == "<r1@shop.example>"
    assert found["status"] == "open", "it is reopened (T5)"
    assert len(desk.rows("ticket", "list")) == 1


def test_a_tag_of_the_old_system_names_its_ticket(desk: DeskFolder, tmp_path: Path) -> None:
    file = desk.folder / "flexihost.toml"
    file.write_text('former_tags = ["rt.example"]\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    more = {**ASKED, "subject": "Re: [rt.example #20123] PHP", "message_id": "<more@shop.example>"}
    desk.run("ticket", "import", written(tmp_path, ticket(messages=[ASKED, more])))
    desk.take(mail("AW: [rt.example #20123] PHP", "Still.", id_="r1@shop.example"))
    assert shown(desk, 20123)["messages"][-1]["message_id"] == "<r1@shop.example>"


def test_a_stranger_who_names_an_old_mail_has_no_part_in_its_ticket(desk: DeskFolder, tmp_path: Path) -> None:
    desk.run("ticket", "import", written(tmp_path, ticket()))
    more = "In-Reply-To: <first@shop.example>\n"
    desk.take(mail("Re: Site shows 502", "Me too.", sender="eve@evil.example", id_="e1@evil.example", more=more))
    assert len(shown(desk, 20123)["messages"]) == 3


def test_clocks_run_from_now_on_what_is_open_alone(desk: DeskFolder, tmp_path: Path) -> None:
    desk.run(
        "ticket", "import",
        written(
            tmp_path, ticket(1, messages=[ASKED]), ticket(2, messages=[ASKED, ANSWERED]), ticket(3, status="resolved"),
            ticket(4, status="closed"), ticket(5, status="waiting"),
        ),
    )  # fmt: skip
    kinds = {number: {one["kind"] for one in shown(desk, number)["deadlines"]} for number in range(1, 6)}
    assert kinds == {1: {"first_response", "update", "resolve"}, 2: {"update", "resolve"}, 3: set(), 4: set(), 5: set()}
    now = max(event["at"] for event in desk.rows("ticket", "history", "1"))
    assert all(one["due_at"] > now for one in shown(desk, 1)["deadlines"])
    assert shown(desk, 1)["unanswered_since"] == "2026-03-01T09:00:00+00:00"


def test_attachments_are_kept_and_come_out_again(desk: DeskFolder, tmp_path: Path) -> None:
    content = b"%PDF-1.4 \x00\xff" * 100
    file = {"filename": "../Rechnung März.pdf", "content_type": "application/pdf", "base64": encoded(content)}
    desk.run("ticket", "import", written(tmp_path, ticket(messages=[{**ASKED, "attachments": [file]}])))
    found = shown(desk, 20123)["messages"][0]["attachments"]
    assert [(one["filename"], one["size"]) for one in found] == [("Rechnung März.pdf", len(content))]
    out = tmp_path / "out.mbox"
    assert desk.run("ticket", "export", "20123", "-o", str(out)).code == 0
    assert encoded(content)[:60] in out.read_text(encoding="utf-8", errors="replace").replace("\n", "")


def test_what_is_exported_has_the_entries_without_attachments_too(desk: DeskFolder, tmp_path: Path) -> None:
    desk.run("ticket", "import", written(tmp_path, ticket()))
    exported = desk.run("ticket", "export", "20123").out
    assert "Message-ID: <first@shop.example>" in exported
    assert "Message-ID: <answer@old.example>" in exported


def test_a_merged_ticket_stands_for_the_one_it_went_into(desk: DeskFolder, tmp_path: Path) -> None:
    merged = ticket(20200, status="merged", merged_into=20123, messages=[], message_ids=["<m@old.example>"])
    ran = desk.run("ticket", "import", written(tmp_path, merged, ticket()))
    assert ran.code == 0, ran.err
    desk.take(mail("Re: [flexihost #20200] Site shows 502", "More.", id_="r1@shop.example", auth="pass"))
    desk.take(mail("Re: Site", "More.", id_="r2@shop.example", more="In-Reply-To: <m@old.example>\n"))
    assert [one["message_id"] for one in shown(desk, 20123)["messages"]][-2:] == [
        "<r1@shop.example>", "<r2@shop.example>",
    ]  # fmt: skip
    assert desk.run("ticket", "import", written(tmp_path, merged, ticket())).out.startswith("0 tickets")


def test_a_queue_of_another_name_is_mapped(desk: DeskFolder, tmp_path: Path) -> None:
    file = written(tmp_path, ticket(queue="Customer Support"))
    refused = desk.run("ticket", "import", file)
    assert refused.code == 1
    assert "queue: 'Customer Support' is none of desk flexihost (support, billing, abuse)" in refused.err
    assert desk.run("ticket", "import", file, "--queue", "Customer Support=billing").code == 0
    assert shown(desk, 20123)["queue"] == "billing"


def test_a_dry_run_says_what_would_be_and_changes_nothing(desk: DeskFolder, tmp_path: Path) -> None:
    ran = desk.run("ticket", "import", written(tmp_path, ticket(), ticket(5, queue="none")), "--dry-run")
    assert ran.code == 1
    assert "1 tickets would be taken over" in ran.out
    assert counts(desk) == (0, 0)
    desk.take(mail(id_="n1@shop.example"))
    assert [one["number"] for one in desk.rows("ticket", "list")] == [10001]


WRONG = {
    "no JSON": ("{", "truncated"),
    "no object": ("[1]", "Expected `object`"),
    "no number": (json.dumps({"desk": "flexihost"}), "missing required field `number`"),
    "too great a number": (ticket(2**31), "number: 2147483648 is none"),
    "zero": (ticket(0), "number: 0 is none"),
    "another status": (ticket(status="lost"), "Invalid enum value 'lost' - at `status`"),
    "no zone": (ticket(created_at="2026-03-01T10:00:00"), "created_at: 2026-03-01T10:00:00 has no zone"),
    "the future": (ticket(created_at="2199-03-01T10:00:00Z"), "is in the future"),
    "no address": (ticket(requestor="Olena"), "requestor: 'Olena' is no mail address"),
    "a header in an address": (ticket(requestor="a@b.example\r\nBcc: x@y.example"), "is no mail address"),
    "no desk": (ticket(desk="none"), "desk: 'none' is none (there are flexihost)"),
    "no entries": (ticket(messages=[]), "messages: a ticket has one at least"),
    "an unknown kind": (ticket(messages=[{**ASKED, "kind": "fax"}]), "at `messages[0].kind`"),
    "no base64": (ticket(messages=[{**ASKED, "attachments": [{"filename": "a", "base64": "%"}]}]), "base64"),
    "merged into nothing": (ticket(status="merged"), "merged_into: goes with the status merged"),
}


def test_wrong_lines_are_named_each_and_the_rest_goes_on(desk: DeskFolder, tmp_path: Path) -> None:
    ran = desk.run("ticket", "import", written(tmp_path, *(line for line, _ in WRONG.values()), ticket(4711)))
    assert ran.code == 1
    complaints = dict(re.findall(r"old\.jsonl:(\d+): (.*)", ran.err))
    wrong = {
        what: complaints.get(str(place))
        for place, (what, (_, said)) in enumerate(WRONG.items(), 1)
        if said not in complaints.get(str(place), "")
    }
    assert not wrong
    assert "1 tickets taken over" in ran.out
    assert shown(desk, 4711)["status"] == "open"


def test_what_an_old_system_kept_is_as_hostile_as_mail(desk: DeskFolder, tmp_path: Path) -> None:
    crowd = [f"a{number}@crowd.example" for number in range(10_000)]
    nasty = {**ASKED, "text": "one\r\ntwo\u0000\u001b[31m", "subject": "a\r\nBcc: x@y.example", "message_id": "<a b>"}
    ran = desk.run("ticket", "import", written(tmp_path, ticket(participants=crowd, messages=[nasty], foo=1)))
    assert ran.code == 0
    assert "too many for a ticket, are left out (9960)" in ran.err
    assert "the key 'foo' is none of ours" in ran.err
    entry = shown(desk, 20123)["messages"][0]
    assert (entry["visible_text"], entry["subject"], entry["message_id"]) == (
        "one\ntwo[31m",
        "a Bcc: x@y.example",
        None,
    )


def encoded(content: bytes) -> str:
    return base64.b64encode(content).decode()


def letters(desk: DeskFolder) -> int:
    return _count(desk, OUTBOX)


def counts(desk: DeskFolder) -> tuple[int, int]:
    return _count(desk, TICKET), _count(desk, MESSAGE)


def _count(desk: DeskFolder, table: Any) -> int:
    built = desk.open()
    try:
        with reading(built.engine) as connection:
            return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
    finally:
        built.close()

"""`mailgate ticket import --rt URL` (T8): a real Request Tracker 5, filled through its own mail gate, moves in."""

import base64
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.accounts import mariadb
from tests.accounts.panels import PANELS
from tests.accounts.source import configure, contacts
from tests.cli.desk_folder import DeskFolder, mail
from tests.takeover import tracker

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "takeover.md"

pytestmark = [pytest.mark.slow, pytest.mark.server("rt"), pytest.mark.server("postgresql"), pytest.mark.timeout(900)]
SUBJECT = "Сайт %d не відкривається"
PDF = b"%PDF-1.4 \x00\xff\xfe of a customer"
MERGED, TARGET, RESOLVED, STALLED, REJECTED, BILLING = 44, 45, 10, 11, 12, 3


def customers_mail(number: int, *, text_: str = "", more: str = "") -> str:
    """Return a mail of customer `number`: with a file from the first, in HTML alone from the second."""
    head = (
        f"From: Customer {number} <c{number}@shop.example>\nTo: support@desk.example\nMessage-ID: <c{number}@shop.example>\n"
        f"Date: Fri, 06 Mar 2026 21:50:00 +0200\nSubject: {SUBJECT % number}\n{more}MIME-Version: 1.0\n"
    )
    if number == 1:
        file = base64.b64encode(PDF).decode()
        return (
            f"{head}Cc: dev@shop.example, support@desk.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n"
            f"Content-Type: text/plain; charset=utf-8\n\nПомилка 502, дивіться файл.\n--b\nContent-Type: application/pdf\n"
            f'Content-Disposition: attachment; filename="Рахунок.pdf"\nContent-Transfer-Encoding: base64\n\n{file}\n--b--\n'
        )
    if number == 2:
        return f"{head}Content-Type: text/html; charset=utf-8\n\n<p>Only <b>HTML</b> here</p><p>two</p>\n"
    return f"{head}Content-Type: text/plain; charset=utf-8\n\n{text_ or f'Текст {number}'}\n"


def reply(sender: str, number: int, id_: str, text_: str) -> str:
    return (
        f"From: {sender}\nTo: support@desk.example\nSubject: Re: [{tracker.NAME} #{number}] x\nMessage-ID: <{id_}>\n"
        f"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text_}\n"
    )


def story() -> list[dict[str, Any]]:
    """Fifty tickets with replies, files, people in Cc, two queues; merged, resolved, stalled and rejected ones."""
    steps: list[dict[str, Any]] = [
        {"do": "queue", "name": "General", "address": "support@desk.example"},
        {"do": "queue", "name": "Billing", "address": "bill@desk.example"},
        {"do": "everyone", "rights": ["CreateTicket", "ReplyToTicket"]},
        {"do": "staff", "name": "ivan", "real": "Ivan Petrenko", "address": "ivan@team.example"},
    ]
    for number in range(1, 51):
        queue = "Billing" if number == BILLING else "General"
        steps.append({"do": "mail", "queue": queue, "mail": customers_mail(number)})
    for number in range(1, 31):
        answer = reply("ivan@team.example", number, f"i{number}@team.example", f"Відповідь {number}")
        steps.append({"do": "mail", "queue": "General", "mail": answer})
    steps += [
        {"do": "mail", "queue": "General", "mail": reply("c1@shop.example", 1, "again1@shop.example", "Still 502.")},
        {"do": "mail", "queue": "General", "action": "comment",
         "mail": reply("ivan@team.example", 1, "n1@team.example", "Between us: PHP is old.")},
        {"do": "own", "ticket": 1},
        {"do": "status", "ticket": RESOLVED, "status": "resolved"},
        {"do": "status", "ticket": STALLED, "status": "stalled"},
        {"do": "status", "ticket": REJECTED, "status": "rejected"},
        {"do": "status", "ticket": 13, "status": "deleted"},
        {"do": "merge", "ticket": MERGED, "into": TARGET},
    ]  # fmt: skip
    return steps


@pytest.fixture(scope="module")
def rt() -> Iterator[tracker.Tracker]:
    with tracker.running() as found:
        numbers = [one for step, one in zip(story(), found.play(story()), strict=True) if step["do"] == "mail"]
        assert numbers[:50] == [str(number) for number in range(1, 51)]
        yield found


def taken_over(desk: DeskFolder, rt: tracker.Tracker, *more: str) -> str:
    ran = desk.run(
        "ticket", "import", "--rt", rt.url, "--queue", "General=support", "--queue", "Billing=billing", *more
    )
    assert ran.code == 0, ran.err
    return ran.out


def shown(desk: DeskFolder, number: int) -> dict[str, Any]:
    return desk.rows("ticket", "show", str(number))[0]


def test_all_of_it_moves_in(desk: DeskFolder, rt: tracker.Tracker) -> None:
    assert "49 tickets would be taken over" in taken_over(desk, rt, "--dry-run")
    assert desk.rows("ticket", "list") == []
    assert "49 tickets taken over (1 closed, 1 merged, 45 open, 1 resolved, 1 waiting)" in taken_over(desk, rt)
    assert "0 tickets taken over" in taken_over(desk, rt)
    assert desk.rows("outbox", "list", "--all") == [], "nobody hears of it"
    assert len(desk.rows("ticket", "list")) == 49


def test_texts_people_files_and_dates_are_as_they_were(desk: DeskFolder, rt: tracker.Tracker) -> None:
    taken_over(desk, rt)
    one = shown(desk, 1)
    assert (one["subject"], one["requestor"], one["owner"]) == (
        "Сайт 1 не відкривається",
        "c1@shop.example",
        "ivan@team.example",
    )
    assert one["participants"] == ["dev@shop.example"]
    told = [(entry["kind"], entry["from"], entry["message_id"]) for entry in one["messages"]]
    assert told == [
        ("customer", "c1@shop.example", "<c1@shop.example>"), ("staff", "ivan@team.example", "<i1@team.example>"),
        ("customer", "c1@shop.example", "<again1@shop.example>"), ("note", "ivan@team.example", "<n1@team.example>"),
    ]  # fmt: skip
    assert one["messages"][0]["visible_text"] == "Помилка 502, дивіться файл."
    assert [(file["filename"], file["size"]) for file in one["messages"][0]["attachments"]] == [
        ("Рахунок.pdf", len(PDF))
    ]
    assert shown(desk, 2)["messages"][0]["visible_text"].split("\n") == ["Only HTML here", "", "two"]
    with create_engine(rt.url.replace("postgresql://", "postgresql+psycopg://")).connect() as connection:
        created = connection.execute(text("SELECT created FROM tickets WHERE id = 1")).scalar_one()
    assert one["created_at"] == f"{created.isoformat()}+00:00"
    assert shown(desk, BILLING)["queue"] == "billing"
    assert {number: shown(desk, number)["status"] for number in (RESOLVED, STALLED, REJECTED, 20)} == {
        RESOLVED: "resolved", STALLED: "waiting", REJECTED: "closed", 20: "open",
    }  # fmt: skip
    clocks = {number: {one["kind"] for one in shown(desk, number)["deadlines"]} for number in (RESOLVED, STALLED, 1)}
    assert clocks == {RESOLVED: set(), STALLED: set(), 1: {"next_response", "update", "resolve"}}


def test_a_reply_to_what_rt_sent_lands_on_its_ticket_and_a_merged_one_on_the_other(
    desk: DeskFolder, rt: tracker.Tracker
) -> None:
    taken_over(desk, rt)
    with create_engine(rt.url.replace("postgresql://", "postgresql+psycopg://")).connect() as connection:
        query = """SELECT a.messageid FROM attachments a JOIN transactions x ON x.id = a.transactionid
                   WHERE x.type = 'EmailRecord' AND x.objectid = 10 AND a.parent = 0 ORDER BY a.id DESC LIMIT 1"""
        sent = connection.execute(text(query)).scalar_one()
    for number, sender, named in (
        (RESOLVED, "c10@shop.example", sent), (20, "c20@shop.example", f"RT-Ticket-20@{tracker.NAME}"),
        (TARGET, f"c{MERGED}@shop.example", f"c{MERGED}@shop.example"),
    ):  # fmt: skip
        more = f"In-Reply-To: <{named}>\n"
        desk.take(mail(f"Re: {SUBJECT % number}", "Again.", sender=sender, id_=f"new{number}@shop.example", more=more))
        assert shown(desk, number)["messages"][-1]["message_id"] == f"<new{number}@shop.example>"
    assert shown(desk, RESOLVED)["status"] == "open"
    merged = shown(desk, TARGET)
    assert {entry["message_id"] for entry in merged["messages"]} >= {
        f"<c{MERGED}@shop.example>",
        f"<c{TARGET}@shop.example>",
    }
    desk.take(mail("A new matter", "What does a server cost?", sender="c5@shop.example", id_="fresh@shop.example"))
    assert max(one["number"] for one in desk.rows("ticket", "list")) == 10001


def test_what_cannot_be_meant_is_a_clear_word(desk: DeskFolder, rt: tracker.Tracker) -> None:
    ran = desk.run("ticket", "import", "--rt", rt.url, "--dry-run")
    assert ran.code == 1
    assert "RT #1: queue: 'General' is none of desk flexihost (support, billing, abuse); map it with --queue" in ran.err
    assert "1 tickets would be taken over" in ran.out, "Billing is a queue here as well"
    other = desk.run("ticket", "import", "--rt", rt.url.replace("/rt5?", "/postgres?").replace("rt_user", "mailgate"))
    assert other.code == 1
    assert "no database of RT 5 that may be read" in other.err
    assert desk.run("ticket", "import", "--rt", "postgresql://rt:hunter2@127.0.0.1:9/rt5").code == 75


@pytest.mark.server("mariadb")
def test_a_desk_with_whmcs_and_rt_moves_in_as_the_document_says(desk: DeskFolder, rt: tracker.Tracker) -> None:
    section = DOCUMENT.read_text(encoding="utf-8").split("## Example: a desk with WHMCS")[1].split("\n## ")[0]
    (settings,) = re.findall(r"```toml\n(.*?)```", section, re.DOTALL)
    commands = [line for line in section.splitlines() if " mailgate account " in line or " mailgate ticket " in line]
    with mariadb.running() as server:
        server.run("CREATE DATABASE whmcs CHARACTER SET utf8mb4")
        server.run(PANELS["whmcs"][0], "whmcs")
        server.run("UPDATE tblclients SET email = 'c20@shop.example' WHERE id = 13", "whmcs")
        server.run("CREATE USER mailgate@'%' IDENTIFIED BY 'a';\nGRANT SELECT ON whmcs.* TO mailgate@'%'")
        for name in ("whmcs.password", "rt.password"):
            (desk.folder / name).write_text("a\n", encoding="utf-8")
        table = settings.partition("[[accounts]]\n")[2]
        configure(desk, table.replace("whmcs.desk.example", f"127.0.0.1:{server.port}"))
        assert len(commands) == 5
        for line in commands:
            words = shlex.split(line.replace("postgresql://rt@rt.desk.example/rt5", rt.url))
            words = [str(desk.folder / "rt.password") if one.endswith("/rt.password") else one for one in words]
            ran = desk.run(*words[words.index("mailgate", 3) + 1 :])
            assert ran.code == 0, (line, ran.err)
    assert contacts(desk)["c20@shop.example"]["number"] == "13"
    desk.take(mail("Another site", "It is slow.", sender="sean@shop.example", id_="s1@shop.example", auth="pass"))
    newest = desk.rows("ticket", "list", "--limit", "1")[0]
    assert (newest["requestor"], newest["account"]) == ("sean@shop.example", "12")
    old = mail(
        f"Re: {SUBJECT % 20}",
        "Again.",
        sender="c20@shop.example",
        id_="s2@shop.example",
        more="In-Reply-To: <i20@team.example>\n",
    )
    desk.take(old)
    landed = shown(desk, 20)
    assert landed["messages"][-1]["message_id"] == "<s2@shop.example>"
    assert landed["account"] == "13"


@pytest.mark.server("mariadb")
def test_the_same_rows_in_mariadb_are_the_same_tickets(desk: DeskFolder, rt: tracker.Tracker) -> None:
    taken_over(desk, rt)
    numbers = [one["number"] for one in desk.rows("ticket", "list")]
    before = {number: shown(desk, number)["messages"] for number in (1, 2, TARGET)}
    with mariadb.running() as server:
        server.run(
            "CREATE DATABASE rt5 CHARACTER SET utf8mb4;\nCREATE USER rt@'%' IDENTIFIED BY 'a';\nGRANT SELECT ON rt5.* TO rt@'%'"
        )
        server.run(tracker.MYSQL_SCHEMA.read_text(encoding="utf-8"), "rt5")
        rt.copy_to(server.connect("rt5"))
        (desk.folder / "rt.password").write_text("a\n", encoding="utf-8")
        url = f"mysql+pymysql://rt@127.0.0.1:{server.port}/rt5"
        again = desk.run(
            "ticket",
            "import",
            "--rt",
            url,
            "--password-file",
            str(desk.folder / "rt.password"),
            "--queue",
            "General=support",
        )
        assert (again.code, again.out.startswith("0 tickets")) == (0, True), again.err
        assert "49 known already" in again.out
        for file in (*desk.folder.glob("mailgate.db*"), *desk.folder.glob("inbox.db*")):
            file.unlink()
        assert desk.run("db", "upgrade").code == 0  # nothing else makes an empty database where one was
        assert desk.run(
            "ticket", "import", "--rt", url, "--password-file", str(desk.folder / "rt.password"), "--queue", "General=support"
        ).code == 0  # fmt: skip
    assert [one["number"] for one in desk.rows("ticket", "list")] == numbers
    for number, messages in before.items():
        told = [(one["kind"], one["from"], one["visible_text"], one["message_id"], one["at"]) for one in messages]
        found = shown(desk, number)["messages"]
        assert [(one["kind"], one["from"], one["visible_text"], one["message_id"], one["at"]) for one in found] == told
        assert [one["attachments"] for one in found] == [one["attachments"] for one in messages]

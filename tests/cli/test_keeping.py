"""`mailgate erase`, `token`, `stats`, `db`, `schema`."""

import csv
import io
import sqlite3
from contextlib import closing

from mailgate.store.tables import SCHEMA_VERSION
from tests.cli.desk_folder import DeskFolder, mail


def test_an_erased_person_stands_nowhere_any_more_and_the_ticket_stays(desk: DeskFolder):
    desk.take(mail(auth="pass", text="Please call me.\n\nOlena Kovalenko, olena@shop.example"))
    digest = desk.rows("ticket", "show", "10001")[0]["messages"][0]["digest"]
    ran = desk.run("erase", "OLENA@shop.example")
    assert (ran.code, "ticket 1" in ran.out, "raw 1" in ran.out) == (0, True, True)
    for name in ("mailgate.db", "inbox.db"):
        with sqlite3.connect(desk.folder / name) as connection:
            dumped = "\n".join(connection.iterdump()).lower()
        assert "olena@shop.example" not in dumped
        assert "olena kovalenko" not in dumped
    (ticket,) = desk.rows("ticket", "show", "10001")
    assert ticket["requestor"].endswith("@erased.invalid")
    assert "Please call me." in ticket["messages"][0]["visible_text"]
    assert not list((desk.folder / "blobs").rglob(digest))
    assert "buh@shop.example" in desk.run("account", "list").out
    assert desk.run("erase", "olena@shop.example").out == "nothing is known of olena@shop.example\n"


def test_nobody_is_told_after_they_were_erased(desk: DeskFolder):
    desk.take(mail(auth="pass"))
    desk.run("erase", "olena@shop.example")
    assert not [row for row in desk.rows("outbox", "list") if row["kind"] == "ack"]


def test_other_people_are_not_touched_by_an_erasure(desk: DeskFolder):
    desk.take(mail(auth="pass", sender="Sergey Melnik <sergey@sklad.example>"))
    before = desk.rows("ticket", "show", "10001")
    assert desk.run("erase", "olena@shop.example").code == 0
    assert desk.rows("ticket", "show", "10001") == before


def test_an_erasure_waits_for_mail_that_waits_and_spares_staff(desk: DeskFolder):
    assert desk.run("erase", "ivan@team.example").code == 1
    desk.take(mail(), read=False)
    assert desk.run("erase", "olena@shop.example").code == 75
    assert desk.run("erase", "nobody").code == 1


def test_a_token_may_expire(desk: DeskFolder):
    assert desk.rows("token", "create", "--name", "dated", "--expires", "2999-01-31")[0]["expires_at"] == (
        "2999-01-31T22:00:00+00:00"  # the end of that day in Kyiv
    )
    desk.rows("token", "create", "--name", "lasting", "--expires", "90d")
    desk.rows("token", "create", "--name", "endless")
    assert [row["expires_at"] is None for row in desk.rows("token", "list")] == [False, False, True]
    for text, said in (("2020-01-31", "is past"), ("soon", "allowed is a date")):
        ran = desk.run("token", "create", "--expires", text)
        assert (ran.code, said in ran.err) == (1, True)


def test_a_token_is_shown_once_and_kept_as_a_digest(desk: DeskFolder):
    token = desk.run("token", "create", "--desk", "flexihost", "--name", "panel").out.strip()
    assert len(token) >= 40
    with sqlite3.connect(desk.folder / "mailgate.db") as connection:
        assert token not in "\n".join(connection.iterdump())
    (row,) = desk.rows("token", "list")
    assert (row["desk"], row["name"], row["revoked_at"]) == ("flexihost", "panel", None)
    assert desk.run("token", "revoke", row["id"], "--desk", "flexihost").code == 0
    assert desk.rows("token", "list") == []
    assert desk.run("token", "revoke", row["id"]).code == 1


def test_stats_count_what_came_and_what_was_answered(desk: DeskFolder):
    desk.take(mail(auth="pass"))
    reply = mail(
        "Re: [flexihost #10001] Site shows 502", "We are on it.", sender="ivan@team.example", id_="r@t", auth="pass"
    )
    desk.take(reply)
    (row,) = desk.rows("stats")
    assert (row["desk"], row["queue"], row["opened"], row["answered"], row["kept"]) == ("flexihost", "support", 1, 1, 1)
    assert (row["kept_percent"], row["breached"]) == (100.0, 0)
    assert 0 <= row["first_response_p50_seconds"] <= row["first_response_p90_seconds"] < 60
    (as_csv,) = csv.DictReader(io.StringIO(desk.run("stats", "--csv").out))
    assert as_csv["opened"] == "1"
    assert "100.0 % of promises kept" in desk.run("stats").out
    assert desk.run("stats", "--desk", "nowhere").code == 1


def test_db_upgrade_says_what_it_did(desk: DeskFolder):
    for name in desk.folder.glob("*.db*"):
        name.unlink()
    first = desk.run("db", "upgrade").out
    assert "table ticket made" in first
    assert desk.run("db", "upgrade").out == f"the database is of version {SCHEMA_VERSION} already\n"


def test_db_check_compares_what_is_kept_with_what_is_there_and_mends_it(desk: DeskFolder):
    assert desk.run("db", "check").out == "what is kept is what is there\n"
    with closing(sqlite3.connect(desk.folder / "mailgate.db")) as database, database:
        database.execute("INSERT INTO tally VALUES ('tickets', 'flexihost', 'support', 'new', 3)")
    found = desk.run("db", "check")
    assert (found.code, found.out) == (1, "tickets flexihost support new: 3 is kept, 0 are there\n")
    assert desk.run("db", "check", "--mend").code == 0
    assert desk.run("db", "check").code == 0


def test_schema_prints_the_ddl_of_either_engine(desk: DeskFolder):
    assert "CREATE TABLE ticket" in desk.run("schema").out
    assert "TIMESTAMP WITH TIME ZONE" in desk.run("schema", "--dialect", "postgresql").out

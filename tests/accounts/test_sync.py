"""`mailgate account sync` (S10): what is new is added, what changed is changed, what is gone ends; never by surprise."""

from datetime import UTC, datetime, timedelta

import pytest

from mailgate.operations.accounts import AccountClock, make_known
from mailgate.operations.alarms import Alarms
from tests.accounts.source import CROWD, PEOPLE, alarms, configure, contacts, csv_source, write
from tests.cli.desk_folder import DeskFolder, mail


def test_what_a_source_has_is_there_after_a_reading(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE)
    ran = desk.run("account", "sync")
    assert (ran.code, ran.err) == (0, "")
    assert "3 contacts: 3 added, 0 changed, 0 ended, 0 as before" in ran.out
    found = contacts(desk)
    assert found["buh@shop.example"] == {
        "desk": "flexihost", "number": "1001", "login": "olena", "name": "Buchhaltung", "language": "uk",
        "address": "buh@shop.example", "roles": ["billing"], "purposes": ["invoices"], "until": None,
    }  # fmt: skip
    assert found["sergey@sklad.example"]["roles"] == ["owner"]
    assert "0 added, 0 changed, 0 ended, 3 as before" in desk.run("account", "sync").out


def test_what_changed_is_changed_and_what_is_gone_ends(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, PEOPLE[0].replace("owner", "owner;technical"), PEOPLE[2], *CROWD)
    assert "0 added, 1 changed, 1 ended, 21 as before" in desk.run("account", "sync").out
    found = contacts(desk)
    assert found["olena@shop.example"]["roles"] == ["owner", "technical"]
    assert found["buh@shop.example"]["until"] is not None, "it is not deleted"
    desk.take(mail(sender="buh@shop.example", id_="b1@shop.example", auth="pass"))
    assert desk.rows("ticket", "list")[0]["account"] is None, "it counts no more from now on"
    write(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    assert contacts(desk)["buh@shop.example"]["until"] is None, "who comes back counts again"


def test_more_than_the_desk_allows_end_not_and_the_managers_are_told_once(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, *PEOPLE, *CROWD[3:], "3000,,New,en,new@crowd.example,,,")
    for _ in range(2):
        ran = desk.run("account", "sync")
        assert ran.code == 1
        assert "3 of 23 contacts would end at once, more than 10 %: nothing was changed" in ran.err
    assert all(one["until"] is None for one in contacts(desk).values())
    assert "new@crowd.example" not in contacts(desk)
    assert len(alarms(desk)) == 1
    trial = desk.run("account", "sync", "--dry-run")
    assert trial.code == 1
    assert trial.out.count("\n-  ") + trial.out.startswith("-  ") == 3
    assert desk.run("account", "sync", "--force").code == 0
    assert sum(one["until"] is not None for one in contacts(desk).values()) == 3


def test_a_share_of_ten_in_a_hundred_may_end(desk: DeskFolder) -> None:
    csv_source(desk, *CROWD)
    desk.run("account", "sync")
    write(desk, *CROWD[2:])
    assert desk.run("account", "sync").code == 0
    assert sum(one["until"] is not None for one in contacts(desk).values()) == 2


def test_what_the_source_itself_ends_counts_as_ending(desk: DeskFolder) -> None:
    csv_source(desk, *CROWD)
    desk.run("account", "sync")
    write(desk, *(f"{line}2020-01-01" for line in CROWD[:3]), *CROWD[3:])
    assert desk.run("account", "sync").code == 1
    assert all(one["until"] is None for one in contacts(desk).values())


def test_an_empty_source_changes_nothing(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE)
    desk.run("account", "sync")
    write(desk)
    assert desk.run("account", "sync").code == 1
    assert all(one["until"] is None for one in contacts(desk).values())


def test_a_source_that_is_not_there_alarms_once_and_so_does_its_return(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE)
    desk.run("account", "sync")
    file = desk.folder / "accounts.csv"
    text = file.read_text(encoding="utf-8")
    file.unlink()
    for _ in range(2):
        ran = desk.run("account", "sync")
        assert ran.code == 75
        assert "accounts.csv: No such file or directory; nothing was changed" in ran.err
    assert len(alarms(desk)) == 1
    file.write_text(text, encoding="utf-8")
    assert desk.run("account", "sync").code == 0
    assert len(alarms(desk)) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("number,name\n1,a\n", "no column address"),
        ("number,address\n1,a@b.example\n2\n", "1 cells, the header line has 2"),
        ('number,address\n1,"a@b.example\n', "unexpected end of data"),
        (b"number,address\n1,\xff@b.example\n", "no UTF-8"),
    ],
)
def test_half_a_file_changes_nothing(desk: DeskFolder, content: str | bytes, said: str) -> None:
    csv_source(desk, *PEOPLE)
    (desk.folder / "accounts.csv").write_bytes(content if isinstance(content, bytes) else content.encode())
    ran = desk.run("account", "sync")
    assert ran.code == 75
    assert said in ran.err
    assert contacts(desk) == {}


def test_wrong_records_are_named_and_the_rest_goes_on(desk: DeskFolder) -> None:
    csv_source(
        desk, *PEOPLE, ",,,,a@b.example,,,", "7,,,,a b@c.example,,,", "8,,Eve\x1b[31m,,eve@c.example,,,",
        "9,,,,nine@c.example,king,,", "10,,,,ten@c.example,,,soon", "11,,,,support@flexihost.example,,,",
        '12,,,,"x@c.example, y@c.example",,,', "13,,,klingon,thirteen@c.example,,,",
    )  # fmt: skip
    ran = desk.run("account", "sync")
    assert ran.code == 1
    for said in (
        "record 4: number: is empty", "account 7: address: 'a b@c.example' is no mail address",
        "account 8, eve@c.example: name: has control characters", "roles: 'king' is none", "until: 'soon' is no day",
        "support@flexihost.example is a mailbox of the desk", "account 12: address:",
    ):  # fmt: skip
        assert said in ran.err
    assert "4 added" in ran.out
    assert "7 left out" in ran.out
    assert contacts(desk)["thirteen@c.example"]["language"] is None


def test_a_record_that_has_become_wrong_does_not_end_its_contact(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE)
    desk.run("account", "sync")
    write(desk, *PEOPLE[:2], PEOPLE[2].replace("ru", "ru").replace(",,,", ",king,,"))
    assert desk.run("account", "sync").code == 1
    assert contacts(desk)["sergey@sklad.example"]["until"] is None


def test_an_address_that_two_accounts_claim_is_the_one_s_that_has_it(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, "0999,eve,Eve,en,olena@shop.example,owner,,", *PEOPLE, *CROWD)
    ran = desk.run("account", "sync")
    assert ran.code == 1
    assert "account 0999: olena@shop.example is an address of account 1001 already" in ran.err
    assert contacts(desk)["olena@shop.example"]["number"] == "1001"
    desk.run("account", "add", "5000", "hand@made.example")
    write(desk, "0999,eve,Eve,en,hand@made.example,owner,,", *PEOPLE, *CROWD)
    assert "hand@made.example is an address of account 5000 already" in desk.run("account", "sync").err


def test_who_comes_back_does_not_take_an_address_that_is_another_account_s_by_now(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, *PEOPLE[:2], *CROWD)
    desk.run("account", "sync")
    desk.run("account", "add", "5000", "sergey@sklad.example")
    write(desk, *PEOPLE, *CROWD)
    assert "account 1002: sergey@sklad.example is an address of account 5000 already" in desk.run("account", "sync").err
    rows = [one for one in desk.rows("account", "list") if one["address"] == "sergey@sklad.example"]
    assert {(one["number"], one["until"] is None) for one in rows} == {("1002", False), ("5000", True)}


def test_an_address_that_moves_from_one_account_to_another_moves(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, *PEOPLE[:2], "1003,sergey,Sergey Melnik,ru,sergey@sklad.example,,,", *CROWD)
    assert desk.run("account", "sync").code == 0
    rows = [one for one in desk.rows("account", "list") if one["address"] == "sergey@sklad.example"]
    assert {(one["number"], one["until"] is None) for one in rows} == {("1002", False), ("1003", True)}


def test_a_desk_may_allow_shared_addresses(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, "1003,,Agency,en,olena@shop.example,technical,,", more="shared_addresses = true")
    assert desk.run("account", "sync").code == 0
    assert sum(one["address"] == "olena@shop.example" for one in desk.rows("account", "list")) == 2


def test_an_account_with_ten_thousand_addresses_gets_as_many_as_a_ticket_can_use(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *(f"6,,,,a{n}@crowd.example,technical,," for n in range(10_000)))
    ran = desk.run("account", "sync")
    assert ran.err.count("\n") == 1
    assert "account 6: more than 200 addresses; the rest is left out" in ran.err
    assert len(contacts(desk)) == 203


def test_what_was_added_by_hand_is_not_the_source_s_to_end(desk: DeskFolder) -> None:
    desk.run("account", "add", "5000", "hand@made.example", "--role", "owner")
    csv_source(desk, *PEOPLE)
    assert desk.run("account", "sync").code == 0
    assert desk.run("account", "sync").code == 0
    assert contacts(desk)["hand@made.example"]["until"] is None


def test_the_history_says_who_changed_what_and_when(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    desk.run("account", "add", "1002", "sergey@sklad.example", "--role", "technical")
    write(desk, PEOPLE[0], PEOPLE[1].replace("Buchhaltung", "Books"), *CROWD)
    desk.run("account", "sync")
    found = desk.rows("account", "history", "1001")
    assert [(one["actor"], one["kind"], one["address"]) for one in found[:1]] == [
        ("source:csv", "changed", "buh@shop.example")
    ]
    assert found[0]["detail"] == {"name": ["Buchhaltung", "Books"]}
    past = [(one["actor"], one["kind"]) for one in desk.rows("account", "history", "1002")]
    assert past == [("source:csv", "ended"), ("command line", "changed"), ("source:csv", "added")]
    assert "command line" in desk.run("account", "history", "1002").out


def test_a_dry_run_prints_the_difference_and_changes_nothing(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, *CROWD)
    desk.run("account", "sync")
    write(desk, PEOPLE[0].replace("olena,Olena", "lena,Lena"), PEOPLE[1], "1009,,New,,new@x.example,,,", *CROWD)
    ran = desk.run("account", "sync", "--dry-run")
    assert "~  1001  (account)  login olena → lena  name Olena Kovalenko → Lena Kovalenko" in ran.out
    assert "+  1009  new@x.example  name New  roles owner" in ran.out
    assert "-  1002  sergey@sklad.example" in ran.out
    assert "new@x.example" not in contacts(desk)
    rows = desk.rows("account", "sync", "--dry-run")
    assert {"desk": "flexihost", "source": "csv", "kind": "ended", "account": "1002", "address": "sergey@sklad.example",
            "detail": {}} in rows  # fmt: skip


def test_one_daemon_at_a_time_reads_a_source_when_its_time_has_come(desk: DeskFolder) -> None:
    csv_source(desk, *PEOPLE, more='every = "10m"')
    built = desk.open()
    try:
        now = [datetime(2026, 6, 8, 9, 0, tzinfo=UTC)]
        built.house.clock = lambda: now[0]
        make_known(built.house)
        clocks = [AccountClock(built.house, Alarms(built.house)) for _ in range(2)]
        assert [len(clock.claim()) for clock in clocks] == [1, 0]
        now[0] += timedelta(minutes=9, seconds=59)
        assert [len(clock.claim()) for clock in clocks] == [0, 0]
        now[0] += timedelta(seconds=1)
        assert [len(clock.claim()) for clock in clocks] == [1, 0]
    finally:
        built.close()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('name = "x"', "needs one of csv, sql, ldap, http"),
        ('csv = "a"\nhttp = "https://x.example/"', "needs one of csv, sql, ldap, http, not 2"),
        ('sql = "mysql://r@h/d"', "query or preset is needed"),
        ('sql = "mysql://r@h/d"\npreset = "whmc"', 'allowed is "whmcs" or "blesta"'),
        ('sql = "whmcs"', "allowed is a database's address"),
        ('ldap = "ldaps://h"', "base is missing"),
        ('csv = "a"\nmost_ended = "10"', 'allowed is a share such as "10 %"'),
        ('csv = "a"\npasword_file = "a"', "pasword_file is no key of the configuration"),
        ('csv = "a"\n[[accounts]]\ncsv = "b"', "names csv twice"),
        ('http = "http://x.example/"\ntoken_file = "flexihost.toml"', "would send the token in the clear"),
        (
            'ldap = "ldap://x.example"\nbase = "o"\npassword_file = "flexihost.toml"',
            "would send the password in the clear",
        ),
        ('http = "https://x.example/"\ntoken_file = "none"', "a file that mailgate can read"),
    ],
)
def test_a_wrong_table_is_a_clear_complaint(desk: DeskFolder, table: str, said: str) -> None:
    configure(desk, table)
    ran = desk.run("config", "check")
    assert ran.code == 2
    assert said in ran.err


def test_secrets_are_shown_nowhere(desk: DeskFolder) -> None:
    (desk.folder / "pw").write_text("hunter2\n", encoding="utf-8")
    configure(desk, 'sql = "mysql+pymysql://reader@127.0.0.1:9/whmcs"\npreset = "whmcs"\npassword_file = "pw"')
    ran = desk.run("account", "sync")
    assert ran.code == 75
    shown = ran.out + ran.err + desk.run("config", "show").out + "".join(alarms(desk))
    assert "hunter2" not in shown
    assert "reader" in ran.err

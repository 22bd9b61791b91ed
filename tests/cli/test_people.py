"""`mailgate account` and `mailgate staff`: CSV in, complaints with line numbers out, nothing changed without need."""

from pathlib import Path

import pytest

from tests.cli.desk_folder import DeskFolder

KEPT = "0 added, 0 changed, 2 as before"


def test_importing_again_changes_only_what_differs(desk: DeskFolder, tmp_path: Path):
    file = tmp_path / "customers.csv"
    assert (
        desk.run("account", "import", str(file)).out
        == f"3 rows; accounts: {KEPT}; contacts: 0 added, 0 changed, 3 as before\n"
    )
    file.write_text(
        file.read_text(encoding="utf-8").replace("buh@shop.example,billing,,", "buh@shop.example,billing,invoices,")
    )
    assert (
        desk.run("account", "import", str(file)).out
        == f"3 rows; accounts: {KEPT}; contacts: 0 added, 1 changed, 2 as before\n"
    )
    changed = next(row for row in desk.rows("account", "list") if row["address"] == "buh@shop.example")
    assert changed["purposes"] == ["invoices"]


def test_a_list_row_has_the_columns_of_the_csv(desk: DeskFolder):
    assert desk.rows("account", "list", "--account", "1002") == [
        {
            "desk": "flexihost", "number": "1002", "login": "sergey", "name": "Sergey Melnik", "language": "ru",
            "address": "sergey@sklad.example", "roles": ["owner", "technical"], "purposes": [], "until": None,
        }
    ]  # fmt: skip
    assert desk.rows("staff", "list") == [
        {
            "desk": "flexihost", "address": "ivan@team.example", "name": "Ivan Petrenko", "teams": ["support"],
            "role": "lead", "language": None, "timezone": None,
        }
    ]  # fmt: skip


def test_every_bad_row_is_named_with_its_line_and_nothing_is_imported(desk: DeskFolder, tmp_path: Path):
    before = desk.run("account", "list").out
    file = tmp_path / "bad.csv"
    file.write_text(
        "desk,number,address,roles,until,language,purposes\n"
        "flexihost,7,fine@x.example,owner,,en,\n"
        "nodesk,8,b@x.example,,,,\n"
        ",9,no-address,boss,2020,eng,letters\n"
        ",,c@x.example,,,,\n"
        ",10,d@x.example\n"
        ",7,fine@x.example,,,,\n"
        ",11,support@flexihost.example,,,,\n",
        encoding="utf-8",
    )
    ran = desk.run("account", "import", str(file))
    assert ran.code == 1
    for line, what in ((3, "desk: 'nodesk'"), (4, "address: 'no-address'"), (4, "roles: 'boss'"), (4, "until: '2020'"),
                       (4, "language: 'eng'"), (4, "purposes: 'letters'"), (5, "number is empty"), (6, "3 cells"),
                       (7, "in line 2 already"), (8, "a mailbox of the desk")):  # fmt: skip
        assert any(f"bad.csv:{line}: " in said and what in said for said in ran.err.splitlines()), (line, what)
    assert ran.err.endswith("nothing was imported\n")
    assert desk.run("account", "list").out == before


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", "missing in the header line: 'number'"),
        (b"number,adress\n", "unknown in the header line: 'adress'"),
        (b"number,number\n", "twice in the header line: 'number'"),
        (b"number\n\xff\xfe\n", "no UTF-8"),
        (b'number,name\n1,"open\n', "unexpected end of data"),
    ],
)
def test_a_file_that_is_no_such_csv_is_refused_with_the_reason(
    desk: DeskFolder, tmp_path: Path, content: bytes, complaint: str
):
    file = tmp_path / "odd.csv"
    file.write_bytes(content)
    ran = desk.run("account", "import", str(file))
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert complaint in ran.err


def test_a_byte_order_mark_and_spaces_do_no_harm(desk: DeskFolder, tmp_path: Path):
    file = tmp_path / "excel.csv"
    file.write_bytes("\ufeffnumber, address ,roles\r\n 55 , New@X.example ,owner ; billing\r\n\r\n".encode())
    assert desk.run("account", "import", str(file)).code == 0
    (row,) = desk.rows("account", "list", "--account", "55")
    assert (row["address"], row["roles"]) == ("new@x.example", ["owner", "billing"])


def test_the_desk_must_be_named_where_there_are_two(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    two = DeskFolder(tmp_path / "two", capsys, "flexihost", "strato")
    file = tmp_path / "a.csv"
    file.write_text("number,address\n1,a@x.example\n", encoding="utf-8")
    assert "missing in the header line: 'desk'" in two.run("account", "import", str(file)).err
    assert two.run("account", "import", str(file), "--desk", "strato").code == 0
    assert [row["desk"] for row in two.rows("account", "list")] == ["strato"]
    assert "say which desk" in two.run("staff", "add", "x@team.example").err


def test_add_changes_what_is_said_and_leaves_the_rest(desk: DeskFolder):
    assert (
        desk.run("account", "add", "1001", "olena@shop.example", "--purpose", "support", "--until", "2027-01-31").code
        == 0
    )
    row = next(row for row in desk.rows("account", "list") if row["address"] == "olena@shop.example")
    assert (row["roles"], row["purposes"], row["until"], row["name"]) == (
        ["owner"], ["support"], "2027-01-31", "Olena Kovalenko",
    )  # fmt: skip
    assert desk.run("staff", "add", "ivan@team.example", "--role", "manager").code == 0
    (person,) = desk.rows("staff", "list")
    assert (person["role"], person["teams"], person["name"]) == ("manager", ["support"], "Ivan Petrenko")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("staff", "add", "x@team.example", "--team", "nobody"), "desk flexihost has support, billing, admins"),
        (("staff", "add", "x@team.example", "--timezone", "Mars/Base"), "no time zone"),
        (("staff", "add", "x@team.example", "--role", "king"), "allowed: staff, lead, manager"),
        (("staff", "remove", "x@team.example"), "has no x@team.example"),
        (("account", "remove", "77"), "has no account 77"),
        (("account", "remove", "1001", "--address", "x@y.example"), "has no x@y.example of account 1001"),
        (("account", "add", "1", "nobody"), "no mail address"),
        (("account", "import", "/nowhere.csv"), "No such file"),
    ],
)
def test_what_cannot_be_done_is_one_clear_line(desk: DeskFolder, words: tuple[str, ...], complaint: str):
    ran = desk.run(*words)
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert complaint in ran.err


def test_remove_takes_an_address_or_the_whole_account(desk: DeskFolder):
    assert desk.run("account", "remove", "1001", "--address", "BUH@shop.example").code == 0
    assert [row["address"] for row in desk.rows("account", "list")] == ["olena@shop.example", "sergey@sklad.example"]
    assert desk.run("account", "remove", "1001").code == 0
    assert [row["number"] for row in desk.rows("account", "list")] == ["1002"]
    assert desk.run("staff", "remove", "ivan@team.example").code == 0
    assert desk.run("staff", "list").out == "nobody\n"

"""`mailgate incident` and `announce`: each change once to each requestor, an announcement once to each address."""

from tests.cli.desk_folder import DeskFolder, mail

OPEN = (
    "incident",
    "open",
    "--host",
    "node9.flexihost.example",
    "--text",
    "en=Storage failure on node9",
    "--text",
    "ru=Отказ node9",
)
NEWS = ("announce", "--purpose", "invoices", "--subject", "en=New bank", "--text", "en=As of July.")  # fmt: skip


def letters(desk: DeskFolder, kind: str) -> list[tuple[str, str]]:
    return sorted((row["to"], row["subject"]) for row in desk.rows("outbox", "list", "--all") if row["kind"] == kind)


def test_tickets_that_match_are_linked_and_their_requestors_told_once_a_change(desk: DeskFolder):
    desk.take(mail("node9 is slow", "node9.flexihost.example answers slowly.", id_="1@a"))
    desk.take(mail("RAID rebuild", "Is the RAID of node9.flexihost.example rebuilt?", id_="2@a"))
    desk.take(mail("Другой вопрос", "Как поменять тариф?", sender="sergey@sklad.example", id_="3@a"))
    assert desk.run(*OPEN).out == "1\n"
    assert len(letters(desk, "incident")) == 1  # two tickets, one requestor
    (row,) = desk.rows("incident", "list")
    assert (row["number"], row["state"], row["tickets"]) == (1, "open", [10001, 10002])
    assert desk.rows("ticket", "show", "10001")[0]["links"] == [{"kind": "incident", "ticket": 1}]
    desk.take(mail("node9.flexihost.example", "Ничего не работает.", sender="sergey@sklad.example", id_="4@a"))
    assert desk.run("incident", "update", "1", "--text", "en=Half done").code == 0
    assert [to for to, _ in letters(desk, "incident")] == ["olena@shop.example"] * 2 + ["sergey@sklad.example"]
    assert desk.run("incident", "resolve", "1").code == 0
    assert len(letters(desk, "incident")) == 5
    assert desk.rows("incident", "list") == []
    assert desk.run("incident", "resolve", "1").err == "mailgate: incident 1 is resolved already\n"
    history = [event for event in desk.rows("ticket", "history", "10001") if event["kind"] == "incident"]
    assert [event["detail"]["text"] for event in history] == [
        "incident 1: open",
        "incident 1: update",
        "incident 1: resolved",
    ]


def test_an_incident_says_what_it_lacks(desk: DeskFolder):
    assert "--host" in desk.run("incident", "open", "--text", "en=x").err
    assert "--text" in desk.run("incident", "open", "--host", "a.example").err
    assert desk.run("incident", "open", "--host", "a.example", "--text", "no language").code == 2
    assert "there is no incident 7" in desk.run("incident", "update", "7", "--text", "en=x").err


def test_an_announcement_goes_once_to_each_account_also_when_it_is_said_again(desk: DeskFolder):
    dry = desk.rows(*NEWS, "--dry-run")
    assert [(one["to"], one["because"]) for one in dry] == [
        ("buh@shop.example", "role billing"), ("sergey@sklad.example", "role owner"),
    ]  # fmt: skip
    assert letters(desk, "announcement") == []
    assert desk.run(*NEWS).out.startswith("2 addresses are written to")
    assert desk.run("account", "add", "1003", "new@x.example").code == 0
    assert desk.run(*NEWS).out == "1 address is written to; 2 have it already\n"
    assert letters(desk, "announcement") == [
        ("buh@shop.example", "New bank"), ("new@x.example", "New bank"), ("sergey@sklad.example", "New bank"),
    ]  # fmt: skip
    assert desk.run(*NEWS, "--name", "second").out.startswith("3 addresses")


def test_ten_letters_leave_a_second(desk: DeskFolder):
    for number in range(25):
        built = desk.open() if number == 0 else built  # noqa: F821
        with_account(built, number)
    built.close()
    assert desk.run(*NEWS).code == 0
    leave = [row["next_at"] for row in desk.rows("outbox", "list") if row["kind"] == "announcement"]
    assert sorted({leave.count(at) for at in leave}) == [7, 10]


def test_a_language_needs_subject_and_text(desk: DeskFolder):
    assert "de has one of them" in desk.run(*NEWS, "--subject", "de=Neu").err
    assert "no account with an address: 99" in desk.run(*NEWS, "--account", "99").err


def with_account(built, number: int) -> None:  # type: ignore[no-untyped-def]
    from mailgate.model.people import Account, Contact
    from mailgate.store import people
    from mailgate.store.engine import transaction

    account = Account(id="", desk="flexihost", number=f"5{number}")
    with transaction(built.engine) as connection:
        id_, _ = people.put_account(connection, account, built.ids)
        people.put_contact(connection, Contact(id="", account=account, address=f"c{number}@x.example"), id_, built.ids)

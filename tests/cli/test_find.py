"""`mailgate ticket find`: the words that a person remembers lead to the ticket (W2)."""

from tests.cli.desk_folder import DeskFolder, mail


def test_a_ticket_is_found_by_a_word_of_its_text_and_not_after_an_erasure(desk: DeskFolder):
    desk.take(mail())
    (ticket,) = desk.rows("ticket", "list")
    for words in (("502",), ("from:olena",), ("site", "status:new"), ("10001",)):
        assert desk.rows("ticket", "find", *words) == [ticket], words
    assert desk.run("erase", "olena@shop.example").code == 0
    assert desk.rows("ticket", "find", "from:olena") == []


def test_what_cannot_be_looked_for_is_one_clear_line(desk: DeskFolder):
    ran = desk.run("ticket", "find", "status:lost")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == "mailgate: status:lost is no status (new, open, waiting, resolved, closed, merged)\n"
    assert (
        desk.run("ticket", "find", "before:yesterday").err
        == "mailgate: before:yesterday is no day (before:2026-03-31)\n"
    )
    assert "nothing to look for" in desk.run("ticket", "find", "...").err
    assert desk.run("ticket", "find", "nowhere").out == "nothing found\n"
    for filter_ in ("status:", "from:", "Before:"):
        err = desk.run("ticket", "find", "502", filter_).err
        assert err.startswith(f"mailgate: {filter_.lower()} says nothing to look for"), filter_
    assert desk.rows("ticket", "find", "Status:open") == []


def test_an_empty_list_of_tickets_tells_of_mail_that_nobody_has_read_yet(desk: DeskFolder):
    assert desk.run("ticket", "list").out == "no tickets\n"
    desk.take(mail(), read=False)
    empty = "no tickets; mail that waits to be read: 1 (is `mailgate serve` running?)\n"
    assert desk.run("ticket", "list").out == empty
    assert desk.rows("ticket", "list") == []
    desk.work()
    assert "Site shows 502" in desk.run("ticket", "list").out

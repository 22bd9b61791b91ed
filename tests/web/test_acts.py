"""What staff do on the board (W1): the same decisions as by mail, by whoever is signed in, on what they saw."""

import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from mailgate.store import people, views
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX, SHOWN
from mailgate.store.tables import ARRIVAL
from mailgate.web.acting import MOST_ACTS, written
from tests.web.conftest import Site
from tests.web.test_api import FORM
from tests.web.test_board import sign_in

MAIL = (
    "From: Olena <olena@shop.example>\r\nTo: support@flexihost.example\r\nSubject: Site shows 502\r\n"
    "Message-ID: <a1@shop.example>\r\nDate: Fri, 06 Mar 2026 21:50:00 +0200\r\n\r\nshop.example shows 502 since noon.\r\n"
)


@pytest.fixture
async def desk(site: Site) -> Site:
    await site.take(MAIL.encode())
    await sign_in(site)
    return site


async def form_of(site: Site, path: str = "/tickets/10001") -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    page = (await site.client.get(path)).text
    return {
        name: re.findall(rf'name="{name}" value="([^"]*)"', page)[0] for name in ("csrf", "version") if name in page
    }


async def act(site: Site, do: str, path: str = "/tickets/10001", **values: Any) -> httpx.Response:
    fields = {**await form_of(site, path), "do": do, **values}
    return await site.client.post(path, data=fields)


def ticket(site: Site, number: int = 10001) -> dict[str, Any]:
    with reading(site.built.engine) as connection:
        found = views.show_ticket(connection, number)
    assert found is not None
    return found


def letters(site: Site, kind: str) -> list[Any]:
    with reading(site.built.engine) as connection:
        return list(connection.execute(select(OUTBOX).where(OUTBOX.c.kind == kind)).mappings())


def kinds(site: Site) -> list[str]:
    return [one["kind"] for one in ticket(site)["messages"]]


@pytest.mark.parametrize(
    ("values", "mail"),
    [
        ({"do": "reply", "text": " Hello\r\nthere "}, ([], "Hello\nthere")),
        ({"do": "reply", "text": "Done", "then": "resolve"}, (["#resolve"], "Done")),
        ({"do": "reply", "text": "Done", "then": "wait", "answer": "site"}, (["#answer site"], "Done")),
        ({"do": "note", "text": "look"}, (["#note"], "look")),
        ({"do": "note", "text": "  "}, ([], "")),
        ({"do": "take", "text": "half an answer"}, (["#take"], "")),
        ({"do": "assign", "assign": "anna@team.example"}, (["#assign anna@team.example"], "")),
        ({"do": "assign", "assign": "anna\n#close #spam"}, (["#assign anna close spam"], "")),
        ({"do": "split"}, (["#split"], "")),
        ({"do": "merge", "merge": ""}, ([], "")),
        ({"do": "escalate", "escalate": "admins", "reason": "disk"}, (["#escalate admins disk"], "")),
        ({"do": "escalate"}, (["#escalate"], "")),
        ({"do": "drop table"}, ([], "")),
        ({}, ([], "")),
    ],
)
def test_a_form_is_the_mail_that_a_person_would_have_written(values: dict[str, str], mail: tuple[list[str], str]):
    assert written(values) == mail


async def test_a_reply_is_held_and_can_be_taken_back_as_by_mail(desk: Site):
    answer = await act(desk, "reply", text="We are looking into it.")
    assert answer.status_code == 303
    shown = ticket(desk)
    assert (shown["status"], shown["owner"]) == ("waiting", "ivan@team.example")
    (relay,) = letters(desk, "relay")
    assert relay["not_before"] - relay["created_at"] > timedelta(seconds=29)
    page = (await desk.client.get(answer.headers["location"])).text
    assert "Your reply leaves at" in page
    assert (await act(desk, "undo")).status_code == 303
    assert letters(desk, "relay")[0]["state"] == "withdrawn"
    assert (ticket(desk)["status"], ticket(desk)["owner"]) == ("new", None)


async def test_the_trace_of_an_act_is_a_mails(desk: Site):
    await act(desk, "reply", text="We are looking into it.", then="resolve")
    with reading(desk.built.engine) as connection:
        row = connection.execute(select(ARRIVAL).where(ARRIVAL.c.channel == "board")).mappings().one()
    assert (row["outcome"], row["ticket"], row["sender"]) == ("staff_reply", 10001, "ivan@team.example")
    rules = [step["rule"] for step in row["trace"]]
    assert {"S3", "T1", "C2"} <= set(rules)
    assert "signed in to the board" in str(row["trace"])
    assert ticket(desk)["status"] == "resolved"


async def test_a_note_stays_inside_and_commands_send_nothing(desk: Site):
    await act(desk, "note", text="The disk is full, tell nobody")
    await act(desk, "priority", priority="high")
    assert letters(desk, "relay") == []
    assert kinds(desk) == ["customer", "note"]
    assert ticket(desk)["priority"] == "high"


async def test_what_is_not_done_says_why_on_the_page_keeps_the_text_and_mails_nothing(desk: Site):
    answer = await act(desk, "merge", merge="999", text="half a thought")
    assert answer.status_code == 422
    assert "there is no such ticket" in answer.text
    assert "half a thought</textarea>" in answer.text
    (told,) = letters(desk, "command_error")
    assert (told["state"], told["reason"]) == ("withdrawn", SHOWN)


async def test_a_reply_that_lacks_its_attachment_waits_for_a_word(desk: Site):
    answer = await act(desk, "reply", text="Please see the attached file.")
    page = (await desk.client.get(answer.headers["location"])).text
    assert "attachment" in page
    assert letters(desk, "relay") == []
    assert (await act(desk, "send")).status_code == 303
    assert len(letters(desk, "relay")) == 1


async def test_a_file_goes_with_the_reply_and_comes_back_as_a_download_alone(desk: Site):
    fields = {**await form_of(desk), "do": "reply", "text": "Attached."}
    evil = ("../../x.html", b"<script>alert(1)</script>", "text/html")
    answer = await desk.client.post("/tickets/10001", data=fields, files={"files": evil})
    assert answer.status_code == 303
    message = ticket(desk)["messages"][-1]
    (file,) = message["attachments"]
    assert "/" not in file["filename"]
    given = await desk.client.get(f"/tickets/10001/messages/{message['id']}/files/0")
    assert given.content == evil[1]
    assert given.headers["content-type"].startswith("application/octet-stream")
    assert given.headers["content-disposition"].startswith("attachment;")
    assert "sandbox" in given.headers["content-security-policy"]
    for path in (f"messages/{message['id']}/files/1", "messages/none/files/0", f"messages/{message['id']}/html"):
        assert (await desk.client.get(f"/tickets/10001/{path}")).status_code == 404


async def test_html_is_shown_in_a_frame_that_acts_and_loads_nothing(desk: Site):
    html = (
        "<p onclick=x()>Hello <b>there</b><script>x()</script><img src=http://evil.example/p.gif><form action=/x></p>"
    )
    raw = (
        MAIL.replace("<a1@", "<a2@")
        .replace("\r\n\r\nshop", "\r\nContent-Type: text/html\r\n\r\nshop")
        .replace("502 since", html)
    )
    await desk.take(raw.encode())
    page = (await desk.client.get("/tickets/10001")).text
    (path,) = re.findall(r'src="(/tickets/\d+/messages/[^"]+/html)"', page)[:1]
    framed = await desk.client.get(path)
    assert "<b>there</b>" in framed.text
    for bad in ("script", "onclick", "<img", "<form"):
        assert bad not in framed.text
    policy = framed.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy


async def test_what_changed_meanwhile_is_shown_first(desk: Site):
    old = await form_of(desk)
    await act(desk, "note", text="A colleague was here")
    answer = await desk.client.post("/tickets/10001", data={**old, "do": "reply", "text": "My own words"})
    assert answer.status_code == 409
    assert "has changed since you opened it" in answer.text
    assert "A colleague was here" in answer.text
    assert "My own words</textarea>" in answer.text
    assert letters(desk, "relay") == []
    assert (await act(desk, "reply", text="My own words")).status_code == 303


@pytest.mark.parametrize("csrf", ["", "x", "ä", "A" * 5000])
async def test_a_forged_form_changes_nothing(desk: Site, csrf: str):
    for path, values in (("/tickets/10001", {"do": "close"}), ("/tickets", {"do": "close", "ticket": "10001"})):
        fields = {**await form_of(desk), **values, "csrf": csrf}
        answer = await desk.client.post(path, data=fields)
        assert answer.status_code == 403
        assert "Nothing was changed" in answer.text
    crossed = await desk.client.post(
        "/tickets/10001", data={**await form_of(desk), "do": "close"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert crossed.status_code == 403
    assert ticket(desk)["status"] == "new"


async def test_whoever_left_or_never_came_changes_nothing(desk: Site):
    fields = {**await form_of(desk), "do": "close"}
    with transaction(desk.built.engine) as connection:
        people.remove_staff(connection, "flexihost", "ivan@team.example")
    assert (await desk.client.post("/tickets/10001", data=fields)).headers["location"] == "/sign-in"
    assert ticket(desk)["status"] == "new"


async def test_another_desks_ticket_is_none_to_act_on(desk: Site):
    number = (await desk.post(desk="strato", json={**FORM, "account": "2001"})).json()["number"]
    fields = {**await form_of(desk), "do": "close"}
    assert (await desk.client.post(f"/tickets/{number}", data=fields)).status_code == 404
    assert (await desk.client.post("/tickets", data={**fields, "ticket": str(number)})).status_code == 200
    assert ticket(desk, number)["status"] == "new"
    assert (await desk.client.get(f"/tickets/{number}/version")).text == ""


async def test_ten_megabytes_of_text_are_refused_with_the_way_out(desk: Site):
    answer = await act(desk, "reply", text="word " * 2_000_000)
    assert answer.status_code == 413
    assert "attach it as a file" in answer.text
    assert kinds(desk) == ["customer"]


async def test_several_tickets_are_closed_at_once_and_each_says_what_came_of_it(desk: Site):
    await desk.take(MAIL.replace("a1@", "b1@").replace("502", "404 and more").encode())
    fields = {**await form_of(desk, "/"), "do": "resolve", "ticket": ["10001", "10002"]}
    answer = await desk.client.post("/tickets", data=fields)
    assert answer.status_code == 200
    assert answer.text.count("Done.") == 2
    assert [ticket(desk, number)["status"] for number in (10001, 10002)] == ["resolved", "resolved"]


async def test_held_mail_is_decided_with_its_reasons_beside_it(desk: Site):
    forged = "Authentication-Results: mx.flexihost.example; dmarc=fail header.from=shop.example\r\n" + MAIL.replace(
        "a1@", "f1@"
    )
    await desk.take(forged.replace("502", "nothing at all any more").encode())
    page = (await desk.client.get("/held")).text
    assert "It would be" in page
    (path,) = re.findall(r'action="(/held/[^"]+)"', page)
    assert (await desk.client.post(path, data={"csrf": "x", "do": "accept"})).status_code == 403
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page)[0]
    assert (await desk.client.post(path, data={"csrf": csrf, "do": "accept"})).status_code == 303
    assert path not in (await desk.client.get("/held")).text
    again = await desk.client.post(path, data={"csrf": csrf, "do": "reject"})
    assert "accepted already" in again.text


async def test_a_program_that_has_a_session_is_slowed_down(desk: Site):
    fields = {**await form_of(desk), "do": ""}
    codes = [(await desk.client.post("/tickets/10001", data=fields)).status_code for _ in range(MOST_ACTS + 1)]
    assert codes[0] == 422
    assert codes[-1] == 429


async def test_a_lead_may_what_the_desk_reserves_and_others_may_not(desk: Site):
    from mailgate.model.quick import replace

    settings = desk.built.house.settings
    settings.desks["flexihost"] = replace(settings.desks["flexihost"], leads_only=("spam",))  # type: ignore[index]
    answer = await act(desk, "spam")
    assert answer.status_code == 422
    assert "only leads" in answer.text


async def test_words_are_found_and_pages_are_in_the_persons_language(desk: Site):
    page = (await desk.client.get("/search", params={"q": "since noon"})).text
    assert "/tickets/10001" in page
    assert "no status" in (await desk.client.get("/search", params={"q": "status:lost"})).text
    with transaction(desk.built.engine) as connection:
        (person,) = people.list_staff(connection, "flexihost")
        from mailgate.model.quick import replace

        people.put_staff(connection, replace(person, language="de"))
    page = (await desk.client.get("/tickets/10001")).text
    assert 'lang="de"' in page
    assert "Ihre Antwort an den Kunden" in page
    assert "claimed_tag" not in page


async def test_the_day_has_pictures_and_the_same_numbers_as_tables(desk: Site):
    page = (await desk.client.get("/today")).text
    assert "Site shows 502" in page
    for name in ("arrivals", "answers", "late", "response"):
        for dark in ("", "?dark"):
            drawn = await desk.client.get(f"/today/flexihost/{name}.svg{dark}")
            assert drawn.headers["content-type"].startswith("image/svg+xml")
            assert b"<script" not in drawn.content
    assert (await desk.client.get("/today/strato/arrivals.svg")).status_code == 404


async def test_mail_that_was_set_aside_becomes_a_ticket_when_a_person_says_so(desk: Site):
    junk = "X-Spam-Flag: YES\r\n" + MAIL.replace("a1@", "j1@").replace("olena@shop", "someone@elsewhere")
    await desk.take(junk.encode())
    page = (await desk.client.get("/aside")).text
    (path,) = re.findall(r'action="(/aside/[^"]+)"', page)
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page)[0]
    assert (await desk.client.post(path, data={"csrf": "x", "do": "release"})).status_code == 403
    assert (await desk.client.post(path, data={"csrf": csrf, "do": "release"})).status_code == 303
    assert ticket(desk, 10002)["requestor"] == "someone@elsewhere.example"
    assert path not in (await desk.client.get("/aside")).text
    assert "set aside" in (await desk.client.post(path, data={"csrf": csrf, "do": "release"})).text

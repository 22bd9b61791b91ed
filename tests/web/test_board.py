"""The board: for the staff of a desk alone, opened by a link that works once, harmless whatever a mail says."""

import html
import re
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select

from mailgate.store import people
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.web import overview
from tests.web.conftest import Site
from tests.web.test_api import FORM

PAGES = ("/", "/tickets/10001", "/search?q=site", "/today", "/held", "/aside", "/quarantine", "/incidents", "/promises")
EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'{{ 7*7 }}"


def links(site: Site) -> list[str]:
    with reading(site.built.engine) as connection:
        texts = connection.execute(
            select(OUTBOX.c.text).where(OUTBOX.c.kind == "sign_in").order_by(OUTBOX.c.id)
        ).scalars()
        return [re.findall(r"(/sign-in/\S+)", text)[0] for text in texts]


async def ask(site: Site, address: str = "ivan@team.example") -> httpx.Response:
    return await site.client.post("/sign-in", data={"address": address})


async def sign_in(site: Site) -> None:
    await ask(site)
    answer = await site.client.post(links(site)[-1])
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie


@pytest.mark.parametrize("path", PAGES)
async def test_nobody_sees_a_page_without_signing_in(site: Site, path: str):
    answer = await site.client.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


async def test_a_link_reaches_staff_alone_and_the_answer_tells_nobody(site: Site):
    answers = [
        (await ask(site, address)).text
        for address in ("ivan@team.example", "olena@shop.example", "x", "a@b\r\nBcc: c@d")
    ]
    assert len(set(answers)) == 1
    assert len(links(site)) == 1
    for _ in range(5):
        await ask(site)
    assert len(links(site)) == 3  # an address is not flooded


async def test_a_link_works_once_and_looking_at_it_does_not_use_it(site: Site):
    await ask(site)
    link = links(site)[0]
    assert (await site.client.get(link)).status_code == 200
    assert (await site.client.get(link)).status_code == 200
    assert (await site.client.post(link)).status_code == 303
    assert (await site.client.post(link)).status_code == 403
    assert (await site.client.get("/")).status_code == 200


async def test_links_and_sessions_end_and_cannot_be_made_up(site: Site):
    await ask(site)
    link = links(site)[0]
    for broken in (
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        "/sign-in/x.y",
        "/sign-in/" + "a" * 2000,
        "/sign-in/%C3%BC.x",
    ):
        assert (await site.client.post(broken)).status_code == 403
    now = site.built.house.clock()
    site.built.house.clock = lambda: now + timedelta(minutes=16)
    assert (await site.client.post(link)).status_code == 403
    site.built.house.clock = lambda: now
    await sign_in(site)
    site.built.house.clock = lambda: now + timedelta(hours=13)
    assert (await site.client.get("/")).status_code == 303


async def test_who_is_no_longer_staff_sees_nothing_any_more(site: Site):
    await sign_in(site)
    with transaction(site.built.engine) as connection:
        people.remove_staff(connection, "flexihost", "ivan@team.example")
    assert (await site.client.get("/")).status_code == 303


async def test_the_pages_show_the_work_and_no_text_of_a_mail_becomes_markup(site: Site):
    await site.post(json={**FORM, "subject": EVIL, "text": EVIL, "files": [{"filename": EVIL, "content": "eA=="}]})
    await sign_in(site)
    for path in PAGES:
        answer = await site.client.get(path)
        assert answer.status_code == 200, path
        assert "<script>" not in answer.text
        assert 'onerror=alert(1)>"' not in answer.text
        assert "script-src 'self';" in answer.headers["content-security-policy"]
    assert "#10001" in (await site.client.get("/")).text
    ticket = (await site.client.get("/tickets/10001")).text
    assert "&lt;script&gt;" in ticket
    assert "{{ 7*7 }}" in ticket
    assert "First answer due" in ticket


async def test_another_desks_ticket_is_none(site: Site):
    number = (await site.post(desk="strato", json={**FORM, "account": "2001"})).json()["number"]
    await sign_in(site)
    assert (await site.client.get(f"/tickets/{number}")).status_code == 404
    assert (await site.client.get("/tickets/99999999999")).status_code == 404


async def test_signing_out_ends_it(site: Site):
    await sign_in(site)
    assert (await site.client.post("/sign-out")).status_code == 303
    assert (await site.client.get("/")).status_code == 303


async def test_a_long_queue_shows_what_is_most_urgent_and_the_rest_by_pages(
    site: Site, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(overview, "_SHORT", 2)
    monkeypatch.setattr(overview, "_LONG", 3)
    numbers = [(await site.post(json={**FORM, "subject": f"Matter {n} of {n * 7}"})).json()["number"] for n in range(5)]
    await sign_in(site)
    page = (await site.client.get("/")).text
    shown = [number for number in numbers if f"/tickets/{number}" in page]
    assert len(shown) == 2
    link = re.search(r'href="(/\?show=&amp;desk=flexihost&amp;queue=support)"[^>]*>[^<]*\(5\)', page)
    assert link is not None
    pages = [(await site.client.get(html.unescape(link[1]) + f"&page={n}")).text for n in (1, 2, 9)]
    by_page = [[number for number in numbers if f"/tickets/{number}" in one] for one in pages]
    assert by_page[1] == by_page[2], "there is no ninth page: the last one is shown"
    assert sorted(by_page[0] + by_page[1]) == sorted(numbers)

"""The board as people see it: a real browser, wide and narrow, light and dark; nothing is loaded from anywhere else."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

from mailgate.outbox.sender import Sender
from mailgate.outbox.ways import open_relay
from mailgate.serve.letters import Consequences, LetterBytes
from mailgate.store.ids import utc_now
from tests.conftest import find_server
from tests.web.conftest import Site
from tests.web.test_acts import MAIL, ticket
from tests.web.test_board import PAGES, links

pytestmark = [pytest.mark.server("chromium"), pytest.mark.slow]
_QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
OF_DOCUMENTS = {
    "queues-wide-light": "queues", "tickets-10001-wide-light": "ticket", "today-narrow-light": "today",
    "held-wide-light": "held",
}  # fmt: skip
SIZES = {"wide": (1280, 900), "narrow": (390, 844)}


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as play:
        opened = await play.chromium.launch(executable_path=find_server("chromium"), args=_QUIET)
        yield opened
        await opened.close()


async def signed_in(
    browser: Browser, site: Site, *, size: str = "wide", scheme: str = "light", scripts: bool = True
) -> Page:
    """Return a page of a person who came by the link in their mail; whatever it asks of elsewhere is a failure."""
    width, height = SIZES[size]
    context = await browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, java_script_enabled=scripts,  # type: ignore[arg-type]
        base_url=site.url,
    )  # fmt: skip
    page = await context.new_page()
    page.on("request", lambda request: _is_ours(request.url, site))
    await page.goto("/sign-in")
    await page.fill("#address", "ivan@team.example")
    await page.click("button.main")
    await page.goto(links(site)[-1])
    await page.click("button.main")
    await page.wait_for_url(site.url + "/")
    return page


# hours ago, who writes, about what, what they say, and what their server proves
CAME = (
    (30, "olena@shop.example", "Site shows 502", "shop.example shows 502 since noon. What can we do?\r\n\r\n-- \r\nOlena", ""),
    (28, "ivan@team.example", "Re: [flexihost #10001] Site shows 502", "We look into it, one moment.", "pass"),
    (27, "petro@other.example", "Mail to a partner comes back", "Mail to info@partner.example comes back since Monday.", ""),
    (26, "ivan@team.example", "Re: [flexihost #10002]", "#note\r\n\r\nTheir server refuses us: list of spammers?", "pass"),
    (9, "bill@shop.example", "Invoice 2026-114", "We have paid invoice 2026-114 twice. Please send one back.", ""),
    (8, "new@elsewhere.example", "What does a server cost?", "We need a server with 64 GB. What is the price?", ""),
    (7, "anna@garden.example", "Certificate has expired", "Browsers warn of our certificate at garden.example.", ""),
    (6, "ivan@team.example", "Re: [flexihost #10005]", "#take #priority high", "pass"),
    (5, "ivan@team.example", "Re: [flexihost #10002]", "The partner had us on a list. It is solved now.", "pass"),
    (4, "olena@shop.example", "Re: [flexihost #10001] Site shows 502", "It is there again, now and then.", ""),
    (3, "petro@other.example", "DNS record for our shop", "Please set shop.other.example to 192.0.2.7.", ""),
    (2, "olena@shop.example", "New bank account", "Please take money from another account from now on.", "fail"),
    (1, "offers@elsewhere.example", "Links for your page", "We sell the best links.", "spam"),
    (0.2, "club@garden.example", "Mailboxes for our club", "How do we make twenty mailboxes at once?", ""),
)  # fmt: skip


HELD = timedelta(minutes=1)  # so long letters wait at the most for an #undo


async def fill(site: Site) -> None:
    """Let a day and a half of a desk's mail come in at its own time."""
    now = utc_now()
    house = site.built.house
    relay = open_relay(house.settings.relay, "mx.desk.example")
    sender = Sender(
        site.built.engine,
        relay,
        LetterBytes(house),
        on_sent=Consequences(house).sent,
        clock=lambda: house.clock() + HELD,
    )
    for place, (hours, who, subject, text, proof) in enumerate(CAME):
        at = now - timedelta(hours=hours)
        site.built.house.clock = lambda at=at: at  # type: ignore[misc]
        head = f"Authentication-Results: mx.flexihost.example; dmarc={proof} header.from=x\r\n".replace(
            "header.from=x", f"header.from={who.partition('@')[2]}"
        )
        head = {"": "", "spam": "X-Spam-Flag: YES\r\n"}.get(proof, head)
        await site.take(
            f"{head}From: {who}\r\nTo: support@flexihost.example\r\nSubject: {subject}\r\n"
            f"Message-ID: <c{place}@mail.example>\r\nDate: {format_datetime(at)}\r\n\r\n{text}\r\n".encode()
        )
        while await sender.send_due():
            pass
    site.built.house.clock = utc_now


def _is_ours(url: str, site: Site) -> None:
    assert url.startswith((site.url, "data:", "about:")), url


async def picture(page: Page, name: str) -> None:
    """Keep a picture where MAILGATE_TEST_PICTURES names a folder: the documents' are made so. MAILGATE_TEST_ALL_PICTURES:
    of every page."""
    folder = os.environ.get("MAILGATE_TEST_PICTURES")
    if folder and (name in OF_DOCUMENTS or "MAILGATE_TEST_ALL_PICTURES" in os.environ):
        await page.screenshot(path=Path(folder) / f"{OF_DOCUMENTS.get(name, name)}.png", full_page=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_can_be_read_by_everybody(site: Site, browser: Browser, size: str, scheme: str):
    await fill(site)
    page = await signed_in(browser, site, size=size, scheme=scheme)
    found = []
    for path in (*PAGES, "/tickets/10002", "/tickets/10999", "/search?q=status:odd"):
        await page.goto(path)
        assert " silence " not in await page.inner_text("main")  # a clock of our own
        await picture(page, f"{path.strip('/').replace('/', '-').partition('?')[0] or 'queues'}-{size}-{scheme}")
        result = await Axe().run(page)
        found += [f"{path}: {one['id']}: {one['nodes'][0]['html'][:200]}" for one in result.response["violations"]]
        wide = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert wide <= 0, f"{path} is wider than the screen by {wide}"
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scripts", [True, False])
async def test_a_person_answers_takes_it_back_and_answers_again(site: Site, browser: Browser, scripts: bool):
    await site.take(MAIL.encode())
    page = await signed_in(browser, site, scripts=scripts)
    await page.click("text=Site shows 502")
    await page.fill("#text", "We are on it.")
    await page.click("button[value=reply]")
    await page.wait_for_selector("text=Your reply leaves at")
    await page.click("button[value=undo]")
    await page.wait_for_selector("text=taken back")
    assert ticket(site)["status"] == "new"
    await page.fill("#text", "Solved: the disk was full.")
    await page.select_option("select[name=then]", "resolve")
    await page.click("button[value=reply]")
    await page.wait_for_selector(".badge.s-resolved")
    await page.fill("form.find input", "disk was full")
    await page.press("form.find input", "Enter")
    await page.click(".hits a")
    await page.wait_for_selector("article.staff >> text=the disk was full")


async def test_an_unsent_text_is_kept_and_news_are_told(site: Site, browser: Browser):
    await site.take(MAIL.encode())
    page = await signed_in(browser, site)
    await page.goto("/tickets/10001")
    await page.fill("#text", "Half a thought")
    await page.goto("/")
    await page.goto("/tickets/10001")
    assert await page.input_value("#text") == "Half a thought"
    await site.take(MAIL.replace("a1@", "a2@").replace("noon", "noon, and now it is worse").encode())
    await page.click("button[value=reply]")
    await page.wait_for_selector("text=has changed since you opened it")
    assert await page.input_value("#text") == "Half a thought"

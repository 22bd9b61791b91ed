"""The board as people see it: a real browser, wide and narrow, light and dark; nothing is loaded from anywhere else."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright

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


def _is_ours(url: str, site: Site) -> None:
    assert url.startswith((site.url, "data:", "about:")), url


async def picture(page: Page, name: str) -> None:
    """Keep a picture where MAILGATE_TEST_PICTURES names a folder: the documents' are made so."""
    if folder := os.environ.get("MAILGATE_TEST_PICTURES"):
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=False)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
async def test_every_page_can_be_read_by_everybody(site: Site, browser: Browser, size: str, scheme: str):
    await site.take(MAIL.encode())
    await site.take(
        MAIL.replace("a1@", "z1@").replace("Site shows 502", "Not delivered").replace("olena", "new").encode()
    )
    page = await signed_in(browser, site, size=size, scheme=scheme)
    found = []
    for path in (*PAGES, "/tickets/10002"):
        await page.goto(path)
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

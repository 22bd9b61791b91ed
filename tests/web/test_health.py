"""Figures and health."""

import asyncio
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from mailgate.errors import TryLater
from mailgate.store.engine import transaction
from mailgate.web.figures import Figures
from tests.web.conftest import Site
from tests.web.test_api import FORM


async def test_the_figures_are_prometheus_and_count_what_came(site: Site):
    await site.post(json=FORM)
    answer = await site.client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    mails = families["mailgate_mails"].samples
    assert [(one.labels, one.value) for one in mails] == [
        ({"desk": "flexihost", "channel": "panel", "outcome": "new"}, 1)
    ]
    for name in ("mailgate_inbox_waiting", "mailgate_outbox_oldest_seconds", "mailgate_tickets", "mailgate_opened_30d"):
        assert families[name].samples, name
    assert "shop.example" not in answer.text


@pytest.mark.parametrize(
    ("took", "after", "opened"),
    [(0.1, 5, 1), (3.0, 5, 0), (3.0, 59, 0), (3.0, 61, 1)],
    ids=["a small desk is counted each time", "a big one is not", "nor later", "until twenty times as long has gone"],
)
async def test_counting_a_month_takes_a_twentieth_of_the_time_at_most(
    site: Site, took: float, after: float, opened: int
):
    moments = iter([0.0, took, after, after + took])
    figures = Figures(site.faces.house, site.faces.inbox, lambda: next(moments))

    def counted() -> tuple[list[float], list[float]]:
        families = {one.name: one for one in text_string_to_metric_families(figures.text().decode())}
        assert families["mailgate_inbox_waiting"].samples
        mails, month = families["mailgate_mails"].samples, families["mailgate_opened_30d"].samples
        return [one.value for one in mails], [one.value for one in month]

    assert await asyncio.to_thread(counted) == ([], [])
    await site.post(json=FORM)
    assert await asyncio.to_thread(counted) == ([1.0], [1.0] * opened), "what is kept is always as it is"


async def test_a_count_that_fails_has_cost_its_time_too_and_what_waits_is_told(site: Site):
    moments = iter([0.0, 3.0, 5.0, 61.0, 61.1])
    figures = Figures(site.faces.house, site.faces.inbox, lambda: next(moments))
    names: list[str] = []

    def look() -> None:
        names[:] = [one.name for one in text_string_to_metric_families(figures.text().decode())]

    with transaction(site.built.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE deadline RENAME TO elsewhere")
    with pytest.raises(TryLater):
        await asyncio.to_thread(look)
    await asyncio.to_thread(look)
    assert ("mailgate_inbox_waiting" in names, "mailgate_opened_30d" in names) == (True, False)
    with transaction(site.built.engine) as connection:
        connection.exec_driver_sql("ALTER TABLE elsewhere RENAME TO deadline")
    await asyncio.to_thread(look)
    assert "mailgate_opened_30d" in names


async def test_health_says_that_we_live_and_readiness_that_we_can_work(site: Site):
    assert (await site.client.get("/healthz")).text == "ok\n"
    assert (await site.client.get("/readyz")).json() == {
        "ready": True, "checks": {"clock": True, "space": True, "database": True, "files": True},
    }  # fmt: skip
    site.switches["room"] = False
    answer = await site.client.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["space"]) == (503, False)
    site.switches["well"] = False
    assert (await site.client.get("/healthz")).status_code == 503


async def test_every_page_forbids_scripts_and_frames(site: Site):
    for path in ("/healthz", "/api/v1/openapi.json", "/nothing"):
        headers = (await site.client.get(path)).headers
        assert re.search(r"default-src 'none'", headers["content-security-policy"]), path
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"

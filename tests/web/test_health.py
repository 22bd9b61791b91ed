"""Figures and health."""

import re

from prometheus_client.parser import text_string_to_metric_families

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


async def test_health_says_that_we_live_and_readiness_that_we_can_work(site: Site):
    assert (await site.client.get("/healthz")).text == "ok\n"
    assert (await site.client.get("/readyz")).json() == {
        "ready": True, "checks": {"clock": True, "space": True, "database": True},
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

"""The API does what its description says, for whatever schemathesis thinks of, within bounds."""

import asyncio
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from tests.web.conftest import TOKENS, Site

pytestmark = pytest.mark.slow
EXAMPLES = 25


@pytest.mark.parametrize(
    ("path", "method"),
    [("/api/v1/tickets", "POST"), ("/api/v1/tickets", "GET"), ("/api/v1/tickets/{number}", "GET"),
     ("/api/v1/tickets/{number}/messages", "POST")],
)  # fmt: skip
async def test_answers_are_as_described(site: Site, path: str, method: str):
    document: Any = (await site.client.get("/api/v1/openapi.json")).json()
    know_people(document)
    for number in range(2):
        form = {"account": "1001", "subject": f"Matter {number}", "text": "words"}
        assert (await site.post(json=form)).status_code == 201
    schema = schemathesis.openapi.from_dict(document)
    operation = schema[path][method]
    headers = {"Authorization": f"Bearer {TOKENS['flexihost']}"}

    @given(case=operation.as_strategy())
    @settings(max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
              suppress_health_check=list(HealthCheck))  # fmt: skip
    def conforms(case: Any) -> None:
        answer = case.call(base_url=site.url, headers=headers)
        assert answer.status_code < 500, answer.text
        case.validate_response(answer)

    await asyncio.to_thread(conforms)


def know_people(document: Any) -> None:
    """Say in the description which accounts there are, so that what it allows is what is there."""
    schemas = document["components"]["schemas"]
    for name in ("TicketForm", "MessageForm", "TicketFormMultipart", "MessageFormMultipart"):
        schemas[name]["properties"]["account"] = {"enum": ["1001"]}
        schemas[name]["properties"]["contact"] = {"enum": ["olena@shop.example", "bill@shop.example"]}
    document["paths"]["/api/v1/tickets"]["get"]["parameters"][0]["schema"] = {"enum": ["1001"]}
    for operation in document["paths"]["/api/v1/tickets/{number}/messages"].values():
        operation["parameters"][0]["schema"] = {"enum": [10001, 10002, 77]}


def test_the_description_is_itself_valid():
    from mailgate.web.openapi import document

    schema = schemathesis.openapi.from_dict(document(1000))
    assert sorted(operation.ok().label for operation in schema.get_all_operations()) == [
        "GET /api/v1/tickets", "GET /api/v1/tickets/{number}", "POST /api/v1/tickets",
        "POST /api/v1/tickets/{number}/messages",
    ]  # fmt: skip

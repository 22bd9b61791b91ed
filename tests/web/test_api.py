"""The control panel's API on a real socket, with a worker behind it."""

import asyncio
import base64
import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from mailgate.store import tokens
from mailgate.store.engine import reading, transaction
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, TICKET
from tests.web.conftest import Site, names

FORM = {"account": "1001", "subject": "Сайт не відкривається", "text": "shop.example shows 502 Bad Gateway\n-- \nOlena"}


async def test_a_form_becomes_a_ticket_with_an_ack(site: Site):
    answer = await site.post(json=FORM)
    assert answer.status_code == 201
    body = answer.json()
    assert sorted(body) == ["first_response_due", "number", "status", "tag"]
    assert (body["number"], body["tag"], body["status"]) == (10001, "[flexihost #10001]", "new")
    assert datetime.fromisoformat(body["first_response_due"]).utcoffset() is not None
    assert answer.headers["location"] == "/api/v1/tickets/10001"
    ticket = (await site.get("/api/v1/tickets/10001")).json()
    assert (ticket["account"], ticket["requestor"], ticket["subject"]) == (
        "1001",
        "olena@shop.example",
        FORM["subject"],
    )
    assert ticket["messages"][0]["kind"] == "customer"
    with reading(site.built.engine) as connection:
        kinds = set(connection.execute(select(OUTBOX.c.kind).where(OUTBOX.c.ticket == 10001)).scalars())
    assert "ack" in kinds


@pytest.mark.parametrize(
    ("more", "queue", "priority"),
    [
        ({"department": "financial"}, "billing", "normal"),
        ({"department": "technical", "priority": "high"}, "support", "high"),
        ({"department": "abuse"}, "abuse", "normal"),
        ({"department": "gardening"}, "support", "normal"),
    ],
)
async def test_department_and_priority_are_what_the_panel_says(site: Site, more: Any, queue: str, priority: str):
    number = (await site.post(json={**FORM, "subject": "Hello there", "text": "A question.", **more})).json()["number"]
    row = next(
        one
        for one in site.built.house.engine.connect().exec_driver_sql("select number, queue, priority from ticket")
        if one[0] == number
    )
    assert (row[1], row[2]) == (queue, priority)


async def test_files_come_in_json_and_in_multipart(site: Site):
    data = bytes(range(256)) * 10
    as_json = [{"filename": "звіт.bin", "content": base64.b64encode(data).decode(), "content_type": "image/png"}]
    first = (await site.post(json={**FORM, "files": as_json})).json()["number"]
    second = (
        await site.post(
            data={**FORM, "subject": "Quite another thing"},
            files=[("files", ("a.txt", b"eins", "text/plain")), ("files", ("b.bin", data))],
        )
    ).json()["number"]
    shown = (await site.get(f"/api/v1/tickets/{first}")).json()["messages"][0]["attachments"]
    assert [(one["filename"], one["size"]) for one in shown] == [("звіт.bin", 2560)]
    shown = (await site.get(f"/api/v1/tickets/{second}")).json()["messages"][0]["attachments"]
    assert [(one["filename"], one["size"]) for one in shown] == [("a.txt", 4), ("b.bin", 2560)]


async def test_a_further_message_joins_its_ticket(site: Site):
    number = (await site.post(json=FORM)).json()["number"]
    answer = await site.post(f"/api/v1/tickets/{number}/messages", json={"text": "It is still so."})
    assert (answer.status_code, answer.json()["number"]) == (201, number)
    ticket = (await site.get(f"/api/v1/tickets/{number}")).json()
    assert [one["text"] for one in ticket["messages"]][1] == "It is still so."
    other = await site.post(f"/api/v1/tickets/{number}/messages", json={"text": "Me too", "account": "1002"})
    assert (other.status_code, other.json()["field"]) == (422, "account")


async def test_the_list_is_of_one_account_and_one_desk(site: Site):
    for number, subject in enumerate(("First matter", "Second matter", "Third matter")):
        assert (await site.post(json={**FORM, "subject": subject, "text": f"{number}"})).status_code == 201
    await site.post(json={**FORM, "account": "1002", "subject": "Not theirs"})
    found = (await site.get("/api/v1/tickets", params={"account": "1001"})).json()["tickets"]
    assert names(found) == [10003, 10002, 10001]
    assert "messages" not in found[0]
    page = (await site.get("/api/v1/tickets", params={"account": "1001", "limit": 1, "before": 10003})).json()[
        "tickets"
    ]
    assert names(page) == [10002]
    assert (await site.get("/api/v1/tickets", params={"account": "2001"})).status_code == 422
    assert (await site.get("/api/v1/tickets/10001", desk="strato")).status_code == 404
    assert (await site.post("/api/v1/tickets/10001/messages", desk="strato", json={"text": "x"})).status_code == 404


async def test_the_panel_sees_no_note_and_no_address_of_the_staff(site: Site):
    tag = (await site.post(json=FORM)).json()["tag"]
    head = "Authentication-Results: mx.flexihost.example; dmarc=pass header.from=team.example\r\n"
    head += f"From: Ivan <ivan@team.example>\r\nSubject: {tag} x\r\nTo: support@flexihost.example\r\n"
    note = f"{head}Message-ID: <n@team.example>\r\n\r\n#note\r\nsecret note\r\n"
    reply = f"{head}Message-ID: <r@team.example>\r\n\r\n#close\r\nOpen answer\r\n"
    await site.take(note.encode())
    await site.take(reply.encode())
    answer = (await site.get("/api/v1/tickets/10001")).text
    assert "secret note" not in answer
    assert "team.example" not in answer
    assert "Open answer" not in answer  # C7: it can still be taken back


async def test_a_token_that_has_expired_opens_nothing(site: Site):
    now = site.built.house.clock()
    for name, expires_at in (("good", now + timedelta(hours=1)), ("past", now - timedelta(seconds=1))):
        with transaction(site.built.engine) as connection:
            tokens.add_token(
                connection, id_=name, desk="flexihost", token=name, name="", at=now, expires_at=expires_at
            )  # fmt: skip
    for name, status in (("good", 200), ("past", 401)):
        answer = await site.client.get("/api/v1/tickets?account=1001", headers={"Authorization": f"Bearer {name}"})
        assert answer.status_code == status


@pytest.mark.parametrize(
    "authorization",
    [
        "",
        "Bearer",
        "Bearer x y",
        "Bearer wrong",
        "Basic dG9rZW4=",
        "token-of-flexihost",
        "Bearer \u00fc".encode().decode("latin-1"),
    ],
)
async def test_without_a_token_nothing_is_told(site: Site, authorization: str):
    for method, path in (
        ("GET", "/api/v1/tickets/10001"),
        ("POST", "/api/v1/tickets"),
        ("GET", "/api/v1/tickets?account=1001"),
    ):
        answer = await site.client.request(method, path, headers={"Authorization": authorization.encode("latin-1")})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="mailgate"')


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({**FORM, "account": "9"}, "account"),
        ({**FORM, "account": "2001"}, "account"),
        ({**FORM, "contact": "petro@other.example"}, "contact"),
        ({**FORM, "account": None}, "account"),
        ({**FORM, "priority": "urgent"}, "priority"),
        ({**FORM, "source": "fax"}, "source"),
        ({**FORM, "text": ""}, "text"),
        ({**FORM, "colour": "red"}, "colour"),
        ({**FORM, "account": "1\x00"}, "account"),
        ({**FORM, "files": [{"filename": "a", "content": "?"}]}, "files.0.content"),
        ([], None),
    ],
)
async def test_what_is_wrong_is_said_with_its_field(site: Site, form: Any, field: str | None):
    answer = await site.post(json=form)
    assert (answer.status_code, answer.json()["error"], answer.json()["field"]) == (422, "invalid", field)
    assert site.built.inbox.waiting()[0] == 0


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"subject": "\\ud800"}', b"[" * 100_000, b'{"a":' * 50_000])
async def test_a_body_that_is_no_form_is_refused(site: Site, body: bytes):
    headers = {"Authorization": "Bearer token-of-flexihost", "Content-Type": "application/json"}
    answer = await site.client.post("/api/v1/tickets", content=body, headers=headers)
    assert answer.status_code == 422


async def test_the_same_key_is_one_ticket_and_another_body_a_conflict(site: Site):
    first, again = await asyncio.gather(site.post(json=FORM, key="k1"), site.post(json=FORM, key="k1"))
    assert (first.status_code, first.json()) == (201, again.json())
    assert (await site.post(json={**FORM, "text": "other"}, key="k1")).status_code == 409
    assert (await site.post(json=FORM, key="x" * 201)).status_code == 422
    with reading(site.built.engine) as connection:
        assert connection.execute(select(func.count()).select_from(ARRIVAL)).scalar() == 1
    form = {**FORM, "account": "2001"}
    assert (await site.post(json=form, key="k1", desk="strato")).status_code == 201  # keys are the desk's own


async def test_a_form_that_is_not_applied_in_time_is_found_later_by_its_key(site: Site):
    site.switches["works"] = False
    object.__setattr__(site.faces, "wait_seconds", 0.2)
    answer = await site.post(json=FORM, key="late")
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    site.switches["works"] = True
    object.__setattr__(site.faces, "wait_seconds", 5.0)
    answer = await site.post(json=FORM, key="late")
    assert (answer.status_code, answer.json()["number"]) == (201, 10001)


async def test_no_room_is_503_and_nothing_is_kept(site: Site):
    site.switches["room"] = False
    answer = await site.post(json=FORM)
    assert (answer.status_code, int(answer.headers["retry-after"])) == (503, 60)
    assert site.built.inbox.waiting()[0] == 0


async def test_too_large_a_request_is_413_declared_or_not(site: Site):
    size = site.built.settings.smtp.size_limit
    headers = {"Authorization": "Bearer token-of-flexihost", "Content-Type": "application/json"}

    async def endless() -> Any:
        for _ in range(size * 4 // 3 // 1_000_000 + 4):
            yield b"x" * 1_000_000

    declared = await site.client.post("/api/v1/tickets", headers=headers, content=b"x" * (size * 4 // 3 + (2 << 20)))
    assert declared.status_code == 413
    undeclared = await site.client.post("/api/v1/tickets", headers=headers, content=endless())
    assert undeclared.status_code == 413
    files = [("files", ("big.bin", b"x" * (size + 1)))]
    assert (await site.post(data=FORM, files=files)).status_code == 413


async def test_phone_verifies_nothing_and_a_contact_has_its_own_rights(site: Site):
    form = {
        "account": "1001",
        "subject": "Cancel my contract",
        "text": "Please cancel the contract.",
        "source": "phone",
    }
    number = (await site.post(json=form)).json()["number"]
    with reading(site.built.engine) as connection:
        row = connection.execute(select(TICKET.c.level, TICKET.c.flags).where(TICKET.c.number == number)).one()
    assert row.level == "unknown"
    assert "identity_required" in row.flags


async def test_a_form_cannot_add_headers_or_pass_for_a_mail_of_another(site: Site):
    form = {**FORM, "subject": "a\r\nBcc: x@evil.example", "text": "From: x@evil.example\n\nhi"}
    number = (await site.post(json=form)).json()["number"]
    ticket = (await site.get(f"/api/v1/tickets/{number}")).json()
    assert ticket["requestor"] == "olena@shop.example"
    raw = site.built.inbox.raw_of(ticket_digest(site, number)) or b""
    assert b"\nBcc:" not in raw


def ticket_digest(site: Site, number: int) -> str:
    with reading(site.built.engine) as connection:
        return str(connection.execute(select(ARRIVAL.c.digest).where(ARRIVAL.c.ticket == number)).scalar_one())


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/tickets", 405), ("GET", "/api/v1/tickets/1e3", 404),
     ("GET", "/api/v1/tickets/99999999999", 404), ("GET", "/api/v1/tickets/١", 404)],
)  # fmt: skip
async def test_every_error_has_one_shape(site: Site, method: str, path: str, status: int):
    answer = await site.client.request(method, path, headers={"Authorization": "Bearer token-of-flexihost"})
    assert answer.status_code == status
    assert sorted(json.loads(answer.text)) == ["error", "field", "message"]

"""A desk on the web: its real listener, and a worker beside it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from mailgate import app
from mailgate.cli.init import write_directory
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.model.people import Account, Contact, Staff
from mailgate.pipeline import Worker
from mailgate.store import people, tokens
from mailgate.store.engine import transaction
from mailgate.store.requests import Requests
from mailgate.web.desk import Bell, Faces
from mailgate.web.site import WebDoor, build_site

TOKENS = {"flexihost": "token-of-flexihost", "strato": "token-of-strato"}
WAIT_SECONDS = 5.0


@dataclass
class Site:
    """What a test of the web port holds."""

    built: app.Built
    url: str
    client: httpx.AsyncClient
    faces: Faces
    switches: dict[str, bool]
    committed: asyncio.Event = field(default_factory=asyncio.Event)

    async def post(
        self, path: str = "/api/v1/tickets", *, desk: str = "flexihost", key: str = "", **more: Any
    ) -> httpx.Response:
        headers = {"Authorization": f"Bearer {TOKENS[desk]}", **({"Idempotency-Key": key} if key else {})}
        return await self.client.post(path, headers=headers, **more)

    async def get(self, path: str, *, desk: str = "flexihost", **more: Any) -> httpx.Response:
        return await self.client.get(path, headers={"Authorization": f"Bearer {TOKENS[desk]}"}, **more)

    async def take(self, raw: bytes, to: str = "support@flexihost.example") -> None:
        """Let a mail come in from a trusted server, and be read."""
        envelope = Envelope(channel="smtp", sender="x@y.example", recipients=(to,), peer="127.0.0.1", is_trusted=True)
        settings = self.built.settings
        incoming = arrivals_of(raw, envelope, Recipients.of(settings), self.built.ids, self.built.house.clock())
        await asyncio.to_thread(self.built.inbox.accept, incoming)
        await asyncio.to_thread(Worker(self.built.house, self.built.inbox).work)


def write_people(built: app.Built) -> None:
    with transaction(built.engine) as connection:
        for desk, number, address, roles in (
            ("flexihost", "1001", "olena@shop.example", ("owner",)),
            ("flexihost", "1001", "bill@shop.example", ("billing",)),
            ("flexihost", "1002", "petro@other.example", ("owner",)),
            ("strato", "2001", "hans@laden.example", ("owner",)),
        ):
            account = Account(id="", desk=desk, number=number, name=f"Firma {number}", language="en")
            id_, _ = people.put_account(connection, account, built.ids)
            contact = Contact(id="", account=account, address=address, roles=roles)
            people.put_contact(connection, contact, id_, built.ids)
        staff = Staff(
            desk="flexihost",
            address="ivan@team.example",
            name="Ivan Petrenko",
            teams=("support",),
            role="staff",
            language="en",
        )
        people.put_staff(connection, staff)
        for desk, token in TOKENS.items():
            tokens.add_token(connection, id_=built.ids(), desk=desk, token=token, name="", at=built.house.clock())


async def read_mail(built: app.Built, faces: Faces, committed: asyncio.Event, switches: dict[str, bool]) -> None:
    worker = Worker(built.house, built.inbox)
    while True:
        await committed.wait()
        committed.clear()
        while switches["works"] and await asyncio.to_thread(worker.work):
            faces.bell.ring()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    write_directory(tmp_path, ["flexihost", "strato"])
    built = app.build(str(tmp_path / "mailgate.toml"), {})
    write_people(built)
    committed, switches = asyncio.Event(), {"works": True, "room": True, "well": True}
    faces = Faces(
        house=built.house, inbox=built.inbox, requests=Requests(built.inbox_engine, built.inbox), bell=Bell(),
        on_commit=committed.set, is_well=lambda: switches["well"], may_take=lambda: switches["room"],
        wait_seconds=WAIT_SECONDS,
    )  # fmt: skip
    door = WebDoor(build_site(faces))
    url = "http://" + await door.open("127.0.0.1:0")
    worker = asyncio.create_task(read_mail(built, faces, committed, switches))
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        yield Site(built=built, url=url, client=client, faces=faces, switches=switches, committed=committed)
    worker.cancel()
    await door.close(1)
    built.close()


def names(rows: Sequence[dict[str, Any]], key: str = "number") -> list[Any]:
    return [row[key] for row in rows]

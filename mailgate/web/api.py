"""The control panel's API (I4): a form is a mail that goes through the inbox like every other, then is waited for."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.intake.panel import panel_mail
from mailgate.log import Log
from mailgate.model.arrival import PanelForm
from mailgate.model.people import Contact
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.store import people, tokens
from mailgate.store.engine import reading
from mailgate.store.inbox import Incoming
from mailgate.web import tickets
from mailgate.web.desk import Faces, wait_until_applied
from mailgate.web.errors import Problem, later, unauthorized
from mailgate.web.forms import MessageForm, Posted, TicketForm, read_form
from mailgate.web.openapi import document

LOG = Log("panel")
_MOST_LISTED = 100
_BEARER = "bearer "
_KEY_LENGTH = 200
_MOST_NUMBER = 2**31 - 1


class PanelApi:
    """The handlers of `/api/v1`."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._house = faces.house
        self._settings = faces.house.settings
        self._recipients = Recipients.of(faces.house.settings)

    def routes(self) -> list[Route]:
        return [
            Route("/api/v1/openapi.json", self.openapi, methods=["GET"]),
            Route("/api/v1/tickets", self._for_desk(self.create), methods=["POST"]),
            Route("/api/v1/tickets", self._for_desk(self.index), methods=["GET"]),
            Route("/api/v1/tickets/{number}", self._for_desk(self.show), methods=["GET"]),
            Route("/api/v1/tickets/{number}/messages", self._for_desk(self.add), methods=["POST"]),
        ]

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(document(self._settings.smtp.size_limit))

    async def create(self, request: Request, desk: Desk) -> Response:
        """POST /api/v1/tickets"""
        form, posted = await read_form(request, TicketForm, self._settings.smtp.size_limit)
        writer = await asyncio.to_thread(self._writer, desk, form.account, form.contact)
        panel = PanelForm(
            account=form.account, contact=form.contact, department=form.department, priority=form.priority,
            source=form.source,
        )  # fmt: skip
        incoming = self._incoming(desk, writer, panel, form.subject, form.text, posted)
        return await self._accept(request, desk, incoming, posted)

    async def add(self, request: Request, desk: Desk) -> Response:
        """POST /api/v1/tickets/N/messages"""
        number = _number(request)
        form, posted = await read_form(request, MessageForm, self._settings.smtp.size_limit)
        ticket = await asyncio.to_thread(self._ticket, desk, number)
        account = form.account or ticket["account"]
        if account is None:
            raise Problem(422, "is needed: the ticket belongs to no account", "account")
        if ticket["account"] not in (None, account):
            raise Problem(422, "the ticket belongs to another account", "account")
        writer = await asyncio.to_thread(self._writer, desk, account, form.contact)
        panel = PanelForm(
            account=account, contact=form.contact, department="", priority=ticket["priority"], source=form.source
        )  # fmt: skip
        subject = f"{ticket['tag']} {ticket['subject']}"
        incoming = self._incoming(desk, writer, panel, subject, form.text, posted)
        return await self._accept(request, desk, incoming, posted)

    async def show(self, request: Request, desk: Desk) -> Response:
        """GET /api/v1/tickets/N"""
        return JSONResponse(await asyncio.to_thread(self._ticket, desk, _number(request)))

    async def index(self, request: Request, desk: Desk) -> Response:
        """GET /api/v1/tickets?account=…"""
        account = request.query_params.get("account", "")
        if not account or not account.isprintable():
            raise Problem(422, "is needed: the account's number", "account")
        limit, before = _whole(request, "limit", _MOST_LISTED) or 50, _whole(request, "before", _MOST_NUMBER)
        found = await asyncio.to_thread(self._list, desk, account, limit, before)
        return JSONResponse({"tickets": found})

    def _for_desk(
        self, handle: Callable[[Request, Desk], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """Let in who bears a token of a desk."""

        async def guarded(request: Request) -> Response:
            given = request.headers.get("authorization", "")
            token = given[len(_BEARER) :].strip() if given.lower().startswith(_BEARER) else ""
            name = await asyncio.to_thread(self._desk_of, token) if token else None
            desk = self._settings.desks.get(name or "")
            if desk is None:
                raise unauthorized()
            return await handle(request, desk)

        return guarded

    def _desk_of(self, token: str) -> str | None:
        with reading(self._house.engine) as connection:
            return tokens.find_desk_of_token(connection, token, self._house.clock())

    def _ticket(self, desk: Desk, number: int) -> dict[str, Any]:
        with reading(self._house.engine) as connection:
            found = tickets.find_ticket(connection, desk, number)
        if found is None:
            raise Problem(404, "there is no such ticket")
        return found

    def _list(self, desk: Desk, account: str, limit: int, before: int | None) -> list[dict[str, Any]]:
        with reading(self._house.engine) as connection:
            if not people.list_contacts(connection, desk.name, [account]):
                raise Problem(422, "there is no such account", "account")
            return tickets.list_of_account(connection, desk, account, limit, before)

    def _writer(self, desk: Desk, account: str, contact: str | None) -> Contact:
        with reading(self._house.engine) as connection:
            known = people.list_contacts(connection, desk.name, [account])
        if not known:
            raise Problem(422, "there is no such account", "account")
        today = self._house.clock().astimezone(desk.timezone).date()
        known = [one for one in known if one.until is None or one.until >= today]  # S5
        found = people.choose_writer(known, contact)
        if found is None:
            raise Problem(422, "the account has no such contact", "contact")
        return found

    def _incoming(
        self, desk: Desk, writer: Contact, panel: PanelForm, subject: str, text: str, posted: Posted
    ) -> Incoming:
        now, mailbox = self._house.clock(), desk.mailboxes[0].address
        id_ = self._house.tools.ids()
        raw = panel_mail(
            address=writer.address, name=writer.name or writer.account.name, mailbox=mailbox, subject=subject,
            text=text, message_id=f"{id_}@panel.invalid", at=now, files=posted.files,
        )  # fmt: skip
        if len(raw) > self._settings.smtp.size_limit * 4 // 3 + (1 << 20):
            raise Problem(413, "the request is larger than a mail may be")
        envelope = Envelope(
            channel="panel", sender=writer.address, recipients=(mailbox,), peer="panel", is_trusted=True
        )
        one = arrivals_of(raw, envelope, self._recipients, lambda: id_, now)[0]
        return Incoming(raw=raw, arrival=replace(one.arrival, form=panel))

    async def _accept(self, request: Request, desk: Desk, incoming: Incoming, posted: Posted) -> Response:
        """Make the form durable, once for an Idempotency-Key, and wait until it has been applied."""
        if not self._faces.may_take():
            raise later("there is no room for more at the moment", 60)
        key, body = _key(request, desk), _digest(request, posted)
        accepted = asyncio.to_thread(self._faces.requests.accept, incoming, key, body, self._house.clock())
        first, arrival = await asyncio.shield(accepted)  # a panel that goes away changes nothing
        if first != body:
            raise Problem(409, "this key was used for another request", "Idempotency-Key")
        LOG.event("mail.accepted", arrival=arrival, channel="panel", desk=desk.name, size=incoming.arrival.size)
        self._faces.on_commit()
        number = await self._applied(arrival)
        return JSONResponse(
            await asyncio.to_thread(self._brief, desk, number), 201, {"Location": f"/api/v1/tickets/{number}"}
        )

    async def _applied(self, arrival: str) -> int:
        found = await wait_until_applied(self._faces, arrival)
        if found is None or found[1] is None:
            raise later("accepted, but not processed yet; the same Idempotency-Key finds it later")
        return found[1]

    def _brief(self, desk: Desk, number: int) -> dict[str, Any]:
        with reading(self._house.engine) as connection:
            return tickets.brief(connection, desk, number)


def _number(request: Request) -> int:
    text = request.path_params["number"]
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or int(text) > _MOST_NUMBER:
        raise Problem(404, "there is no such ticket")
    return int(text)


def _whole(request: Request, name: str, most: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdecimal() or len(text) > 10 or not 1 <= int(text) <= most:
        raise Problem(422, f"must be a whole number from 1 to {most}", name)
    return int(text)


def _key(request: Request, desk: Desk) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is None:
        return None
    if not key.strip() or len(key) > _KEY_LENGTH:
        raise Problem(422, f"must have 1 to {_KEY_LENGTH} characters", "Idempotency-Key")
    # a header is bytes: what a panel sends beyond ASCII is kept as it came
    return f"{desk.name} {key.encode('latin-1', 'replace').decode('ascii', 'backslashreplace')}"


def _digest(request: Request, posted: Posted) -> str:
    """Return what the request was: where it went and its body; a multipart boundary is no part of it."""
    boundary = (
        request.headers.get("content-type", "").partition("boundary=")[2].strip('" ;').encode("latin-1", "replace")
    )
    body = posted.body.replace(boundary, b"") if boundary else posted.body
    return hashlib.sha256(request.url.path.encode() + b"\0" + body).hexdigest()

"""The staff board: to be read, in any browser, without scripts; what people decide they decide by mail."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import Connection
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mailgate.log import Log, short
from mailgate.model.settings import Desk
from mailgate.store import views
from mailgate.store.engine import reading
from mailgate.store.history import told
from mailgate.web import overview
from mailgate.web.desk import Faces
from mailgate.web.sign_in import SESSION_HOURS, Person, SignIn

LOG = Log("board")
PAGES = Path(__file__).parent / "pages"
_COOKIE = "mailgate"
_MOST_FORM = 4096
Page = Callable[[Request, Person], Awaitable[Response]]


class Board:
    """The handlers."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._house = faces.house
        settings = faces.house.settings
        self._address = settings.web_url or f"http://{settings.web_listen}"
        self._sign_in = SignIn(faces.house, self._address)
        self._pages = Environment(
            loader=FileSystemLoader(PAGES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip

    def routes(self) -> list[Route]:
        return [
            Route("/", self._for_staff(self.queues), methods=["GET"]),
            Route("/tickets/{number:int}", self._for_staff(self.ticket), methods=["GET"]),
            Route("/held", self._for_staff(partial(self.parked, "held")), methods=["GET"]),
            Route("/quarantine", self._for_staff(partial(self.parked, "quarantine")), methods=["GET"]),
            Route("/incidents", self._for_staff(self.incidents), methods=["GET"]),
            Route("/promises", self._for_staff(self.promises), methods=["GET"]),
            Route("/sign-in", self.ask, methods=["GET"]),
            Route("/sign-in", self.send, methods=["POST"]),
            Route("/sign-in/{link}", self.confirm, methods=["GET"]),
            Route("/sign-in/{link}", self.enter, methods=["POST"]),
            Route("/sign-out", self.leave, methods=["POST"]),
            Route("/style.css", self.style, methods=["GET"]),
        ]

    async def queues(self, request: Request, person: Person) -> Response:
        now = self._house.clock()
        found = await self._read(lambda connection: overview.queues(connection, self._desks(person), now))
        return self._page("queues.html", person, queues=found)

    async def ticket(self, request: Request, person: Person) -> Response:
        number = request.path_params["number"]
        found = await self._read(lambda connection: views.show_ticket(connection, number)) if number < 2**31 else None
        if found is None or found["desk"] not in person.desks:
            return self._page("nothing.html", person, status=404)
        told_at = partial(self._at, desk=found["desk"])
        history = [{**event, "told": told(event, told_at)} for event in found["events"]]
        desk = self._house.settings.desks[found["desk"]]
        return self._page("ticket.html", person, ticket=found, history=history, desk=desk)

    async def parked(self, which: str, request: Request, person: Person) -> Response:
        rows = await self._read(lambda connection: overview.parked(connection, person.desks, which))
        return self._page("parked.html", person, rows=rows, which=which)

    async def incidents(self, request: Request, person: Person) -> Response:
        rows = await self._read(lambda connection: overview.open_incidents(connection, person.desks))
        return self._page("incidents.html", person, rows=rows)

    async def promises(self, request: Request, person: Person) -> Response:
        desks = {desk.name: desk for desk in self._desks(person)}
        rows = await self._read(lambda connection: overview.promises(connection, desks, self._house.clock()))
        return self._page("promises.html", person, rows=rows)

    async def ask(self, request: Request) -> Response:
        return self._page("sign_in.html", None, was_sent=False)

    async def send(self, request: Request) -> Response:
        """Send a link; the answer is the same whoever asks."""
        address = (await _form(request)).get("address", "").strip()
        if "@" in address and len(address) <= 320 and address.isprintable():
            if await asyncio.to_thread(self._sign_in.send_link, address):
                LOG.event("board.link_sent", to=short(address))
                self._faces.on_letter()
        return self._page("sign_in.html", None, was_sent=True)

    async def confirm(self, request: Request) -> Response:
        """Ask for a click: programs that look at links in mail do not use them up."""
        return self._page("confirm.html", None, link=request.path_params["link"])

    async def enter(self, request: Request) -> Response:
        session = await asyncio.to_thread(self._sign_in.open_link, request.path_params["link"])
        if session is None:
            return self._page("sign_in.html", None, status=403, was_sent=False, is_void=True)
        answer = RedirectResponse("/", 303)
        answer.set_cookie(
            _COOKIE, session, max_age=SESSION_HOURS * 3600, httponly=True, samesite="lax",
            secure=self._address.startswith("https://"),
        )  # fmt: skip
        return answer

    async def leave(self, request: Request) -> Response:
        answer = RedirectResponse("/sign-in", 303)
        answer.delete_cookie(_COOKIE)
        return answer

    async def style(self, request: Request) -> Response:
        text = (PAGES / "style.css").read_text(encoding="utf-8")
        return Response(text, media_type="text/css", headers={"Cache-Control": "max-age=3600"})

    def _for_staff(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        async def guarded(request: Request) -> Response:
            person = await asyncio.to_thread(self._sign_in.find_person, request.cookies.get(_COOKIE, ""))
            return await page(request, person) if person else RedirectResponse("/sign-in", 303)

        return guarded

    def _desks(self, person: Person) -> list[Desk]:
        return [self._house.settings.desks[name] for name in person.desks]

    async def _read(self, read: Callable[[Connection], Any]) -> Any:
        def reads() -> Any:
            with reading(self._house.engine) as connection:
                return read(connection)

        return await asyncio.to_thread(reads)

    def _page(self, name: str, person: Person | None, status: int = 200, **values: Any) -> Response:
        shown = {"is_void": False, **values}
        template = self._pages.get_template(name)
        text = template.render(person=person, now=self._house.clock(), at=self._at, **shown)
        return HTMLResponse(text, status)

    def _at(self, instant: datetime | str | None, desk: str | None = None) -> str:
        """Return an instant as the desk's people read it (P5)."""
        if instant is None or instant == "":
            return "–"
        moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
        found = self._house.settings.desks.get(desk or "") or next(iter(self._house.settings.desks.values()))
        return f"{moment.astimezone(found.timezone):%Y-%m-%d %H:%M}"


async def _form(request: Request) -> dict[str, str]:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > _MOST_FORM:
        return {}
    try:
        async with request.form(max_files=0, max_fields=5) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except (MultiPartException, ClientDisconnect, UnicodeError):
        return {}

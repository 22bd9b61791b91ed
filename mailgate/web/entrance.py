"""In and out of the board: a link by mail, a session, and the way out."""

import asyncio
from collections.abc import Awaitable, Callable

from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailgate.log import Log, short
from mailgate.web.desk import Faces
from mailgate.web.pages import Pages
from mailgate.web.sign_in import SESSION_HOURS, Person, SignIn

LOG = Log("board")
_COOKIE = "mailgate"
_MOST_FORM = 4096
Page = Callable[[Request, Person], Awaitable[Response]]


class Entrance:
    """The handlers, and the guard of all other pages."""

    def __init__(self, faces: Faces, pages: Pages) -> None:
        self._faces = faces
        self._pages = pages
        settings = faces.house.settings
        self._address = settings.web_url or f"http://{settings.web_listen}"
        self._sign_in = SignIn(faces.house, self._address)

    def routes(self) -> list[Route]:
        return [
            Route("/sign-in", self.ask, methods=["GET"]),
            Route("/sign-in", self.send, methods=["POST"]),
            Route("/sign-in/{link}", self.confirm, methods=["GET"]),
            Route("/sign-in/{link}", self.enter, methods=["POST"]),
            Route("/sign-out", self.leave, methods=["POST"]),
        ]

    def for_staff(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """Let in whose session is good, and who is staff still."""

        async def guarded(request: Request) -> Response:
            person = await asyncio.to_thread(self._sign_in.find_person, request.cookies.get(_COOKIE, ""))
            return await page(request, person) if person else RedirectResponse("/sign-in", 303)

        return guarded

    async def ask(self, request: Request) -> Response:
        return self._pages.show(request, "sign_in.html", None, was_sent=False, was_void=False)

    async def send(self, request: Request) -> Response:
        """Send a link; the answer is the same whoever asks."""
        address = (await _form(request)).get("address", "").strip()
        if "@" in address and len(address) <= 320 and address.isprintable():
            if await asyncio.to_thread(self._sign_in.send_link, address):
                LOG.event("board.link_sent", to=short(address))
                self._faces.on_letter()
        return self._pages.show(request, "sign_in.html", None, was_sent=True, was_void=False)

    async def confirm(self, request: Request) -> Response:
        """Ask for a click: programs that look at links in mail do not use them up."""
        return self._pages.show(request, "confirm.html", None, link=request.path_params["link"])

    async def enter(self, request: Request) -> Response:
        session = await asyncio.to_thread(self._sign_in.open_link, request.path_params["link"])
        if session is None:
            return self._pages.show(request, "sign_in.html", None, 403, was_sent=False, was_void=True)
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


async def _form(request: Request) -> dict[str, str]:
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared) > _MOST_FORM:
        return {}
    try:
        async with request.form(max_files=0, max_fields=5) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}
    except (MultiPartException, ClientDisconnect, UnicodeError):
        return {}

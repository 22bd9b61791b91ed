"""The staff board (W1 to W3): the queues, a ticket, what is found, held and set aside, the day in pictures; and the acts."""

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from mailgate.byhand import aside as aside_mail
from mailgate.byhand import held as held_mail
from mailgate.errors import Refused
from mailgate.model.search import BadSearch, read_search
from mailgate.model.settings import Desk
from mailgate.store import people, today, views
from mailgate.store.engine import reading
from mailgate.store.search import find_tickets
from mailgate.web import files, overview, pictures
from mailgate.web.acting import BULK, Acting, NotDone, Posted, Result
from mailgate.web.desk import Faces
from mailgate.web.entrance import Entrance
from mailgate.web.pages import PAGES, Pages
from mailgate.web.sign_in import Person

_MOST_NUMBER = 2**31 - 1
_STATIC = {"style.css": "text/css", "board.js": "text/javascript"}
T = TypeVar("T")


class Board:
    """The handlers."""

    def __init__(self, faces: Faces) -> None:
        self._house = faces.house
        self._pages = Pages(faces.house)
        self._entrance = Entrance(faces, self._pages)
        self._acting = Acting(faces)

    def routes(self) -> list[Route]:
        def get(path: str, page: Any) -> Route:
            return Route(path, self._entrance.for_staff(page), methods=["GET"])

        def post(path: str, page: Any) -> Route:
            return Route(path, self._entrance.for_staff(page), methods=["POST"])

        return [
            get("/", self.queues),
            post("/tickets", self.bulk),
            get("/tickets/{number:int}", self.ticket),
            post("/tickets/{number:int}", self.act),
            get("/tickets/{number:int}/version", self.version),
            get("/tickets/{number:int}/messages/{message}/files/{place:int}", self.file),
            get("/tickets/{number:int}/messages/{message}/html", self.html),
            get("/search", self.search),
            get("/today", self.today),
            get("/today/{desk}/{picture}.svg", self.picture),
            get("/held", partial(self.parked, "held")),
            post("/held/{id}", self.decide_held),
            get("/aside", partial(self.parked, "aside")),
            post("/aside/{id}", self.release),
            get("/quarantine", partial(self.parked, "quarantine")),
            get("/incidents", self.incidents),
            get("/promises", self.promises),
            *self._entrance.routes(),
            *(Route(f"/{name}", self.static, methods=["GET"]) for name in _STATIC),
        ]

    async def queues(self, request: Request, person: Person) -> Response:
        now, which = self._house.clock(), request.query_params.get("show", "")
        desks = self._desks(person)
        asked = request.query_params
        only = (asked["desk"], asked["queue"]) if "desk" in asked and "queue" in asked else None
        page = int(asked.get("page", "")[:6]) if asked.get("page", "")[:6].isdecimal() else 1
        found = await self._read(
            lambda connection: overview.queues(connection, desks, now, person, which, only, max(1, page))
        )
        staff = await self._read(lambda connection: _colleagues(connection, person))
        return self._pages.show(request, "queues.html", person, queues=found, which=which, only=only, shows=overview.SHOWS,
                                colleagues=staff)  # fmt: skip

    async def ticket(self, request: Request, person: Person) -> Response:
        found = await self._find(request, person)
        if found is None:
            return self._nothing(request, person)
        done = request.query_params.get("done", "")
        return await self._show(request, person, found, result=await self._result_of(done, found, person))

    async def act(self, request: Request, person: Person) -> Response:
        """Do what the form says, if the person saw the ticket as it is (W1)."""
        found = await self._find(request, person)
        if found is None:
            return self._nothing(request, person)
        try:
            posted = await self._acting.read(request, person)
            if posted.values.get("version") != overview.version_of(found) and posted.values.get("do") not in _ANY_TIME:
                return await self._show(request, person, found, 409, posted=posted, problem=("changed", {}))
            desk = self._house.settings.desks[found["desk"]]
            result = await self._acting.act(person, desk, found, posted)
        except NotDone as error:
            return await self._show(request, person, found, error.status, problem=(error.key, error.values))
        if result.is_refused:
            fresh = await self._find(request, person) or found
            return await self._show(request, person, fresh, 422, posted=posted, result=result)
        return RedirectResponse(f"/tickets/{found['number']}?done={result.arrival}", 303)

    async def bulk(self, request: Request, person: Person) -> Response:
        """Do the same to several tickets, each by an act of its own."""
        problem, results = None, []
        try:
            posted = await self._acting.read(request, person)
            if posted.values.get("do") not in BULK or not posted.tickets:
                raise NotDone(422, "empty")
            for number in posted.tickets:
                found = await self._read(partial(views.show_ticket, number=number))
                if found is not None and found["desk"] in person.desks:
                    desk = self._house.settings.desks[found["desk"]]
                    plain = Posted(values={**posted.values, "text": ""})
                    results.append((number, await self._acting.act(person, desk, found, plain)))
        except NotDone as error:
            problem = error
        return self._pages.show(request, "bulk.html", person, problem.status if problem else 200, results=results,
                                problem=(problem.key, problem.values) if problem else None)  # fmt: skip

    async def version(self, request: Request, person: Person) -> Response:
        """Say whether anything came to a ticket, for the page that shows it."""
        found = await self._find(request, person)
        return Response(overview.version_of(found) if found else "", media_type="text/plain")

    async def file(self, request: Request, person: Person) -> Response:
        found = await self._find(request, person)
        given = await files.download(
            self._house, found["number"], request.path_params["message"], request.path_params["place"]
        ) if found else None  # fmt: skip
        return given or self._nothing(request, person)

    async def html(self, request: Request, person: Person) -> Response:
        found = await self._find(request, person)
        given = await files.framed(self._house, found["number"], request.path_params["message"]) if found else None
        return given or self._nothing(request, person)

    async def search(self, request: Request, person: Person) -> Response:
        line, problem = request.query_params.get("q", "")[:1000], None
        hits = None
        if line.strip():
            try:
                wanted = read_search(line)
                hits = await self._read(lambda connection: find_tickets(connection, wanted, desks=person.desks))
            except BadSearch as error:
                problem = (error.why, error.values)
        return self._pages.show(request, "search.html", person, q=line, hits=hits, problem=problem)

    async def today(self, request: Request, person: Person) -> Response:
        days = await self._read(lambda connection: [self._day(connection, desk) for desk in self._desks(person)])
        return self._pages.show(request, "today.html", person, days=days, hours=range(today.HOURS))

    async def picture(self, request: Request, person: Person) -> Response:
        name, picture = request.path_params["desk"], request.path_params["picture"]
        if name not in person.desks or picture not in overview.PICTURES:
            return self._nothing(request, person)
        desk, is_dark = self._house.settings.desks[name], "dark" in request.query_params
        day = await self._read(lambda connection: self._day(connection, desk))
        said = self._pages.speech(request, person)
        if picture == "response":
            series = {said.say(f"today.{key}"): [row[key] for row in day["response"]] for key in ("p50", "p90")}
            labels = [row["day"][5:] for row in day["response"]]
            drawn = await asyncio.to_thread(pictures.lines, series, labels, is_dark=is_dark)
        else:
            labels = [f"{hour:02}" for hour in range(today.HOURS)]
            drawn = await asyncio.to_thread(pictures.bars, day[picture], labels, is_dark=is_dark)
        policy = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
        return Response(drawn, media_type="image/svg+xml", headers={"Content-Security-Policy": policy})

    async def parked(self, which: str, request: Request, person: Person, **more: Any) -> Response:
        rows = await self._read(lambda connection: overview.parked(connection, person.desks, which))
        return self._pages.show(request, "parked.html", person, rows=rows, which=which, **{"said": None, **more})

    async def decide_held(self, request: Request, person: Person) -> Response:
        """S4: accept or reject held mail, as `#accept` and `#reject` do."""

        def carry_out(which: str, do: str) -> None:
            held_mail.decide_held(self._house, which, "accepted" if do == "accept" else "rejected", person.address)

        return await self._settle(request, person, "held", views.find_held, ("accept", "reject"), carry_out)

    async def release(self, request: Request, person: Person) -> Response:
        """M9: let mail through that was set aside, as `mailgate aside release` does."""

        def carry_out(which: str, do: str) -> None:
            aside_mail.release(self._house, which, person.address)

        return await self._settle(request, person, "aside", views.find_parked, ("release",), carry_out)

    async def _settle(
        self, request: Request, person: Person, where: str, find: Callable[[Connection, str], dict[str, Any] | None],
        allowed: tuple[str, ...], carry_out: Callable[[str, str], None],
    ) -> Response:  # fmt: skip
        """Do with a parked mail of the person's desks what the form says, and show the list again."""
        which = request.path_params["id"]
        row = await self._read(lambda connection: find(connection, which))
        if row is None or row["desk"] not in person.desks:
            return self._nothing(request, person)
        try:
            do = (await self._acting.read(request, person)).values.get("do", "")
            if do not in allowed:
                raise NotDone(422, "empty")
            await asyncio.to_thread(carry_out, which, do)
        except NotDone as error:
            return self._pages.show(request, "problem.html", person, error.status, problem=(error.key, error.values))
        except Refused as error:
            return await self.parked(where, request, person, said=str(error))
        return RedirectResponse(f"/{where}", 303)

    async def incidents(self, request: Request, person: Person) -> Response:
        rows = await self._read(lambda connection: overview.open_incidents(connection, person.desks))
        return self._pages.show(request, "incidents.html", person, rows=rows)

    async def promises(self, request: Request, person: Person) -> Response:
        desks = {desk.name: desk for desk in self._desks(person)}
        rows = await self._read(lambda connection: overview.promises(connection, desks, self._house.clock()))
        return self._pages.show(request, "promises.html", person, rows=rows)

    async def static(self, request: Request) -> Response:
        name = request.url.path.removeprefix("/")
        text = await asyncio.to_thread((PAGES / name).read_text, encoding="utf-8")
        return Response(text, media_type=_STATIC[name], headers={"Cache-Control": "max-age=3600"})

    async def _show(
        self, request: Request, person: Person, found: dict[str, Any], status: int = 200, *,
        posted: Posted | None = None, result: Result | None = None, problem: tuple[str, Mapping[str, Any]] | None = None,
    ) -> Response:  # fmt: skip
        desk = self._house.settings.desks[found["desk"]]
        more = await self._read(lambda connection: overview.beside(connection, found, desk))
        framed = await asyncio.to_thread(files.with_html, self._house, found["messages"])
        own = [one for one in found["messages"] if one["kind"] == "staff" and one["from"] == person.address]
        leaving = more.pop("leaving")
        leaves = [leaving[one["id"]] for one in own if one["id"] in leaving]
        return self._pages.show(
            request, "ticket.html", person, status, ticket=found, desk=desk, version=overview.version_of(found), **more,
            leaves_at=max(leaves, default=None), is_stopped=any(one["state"] == "awaiting_send" for one in own[-1:]),
            typed=_UNTYPED | dict(posted.values if posted else {}),
            answers=tuple(sorted(desk.answers)), framed=framed, result=result, problem=problem,
        )  # fmt: skip

    async def _result_of(self, done: str, found: dict[str, Any], person: Person) -> Result | None:
        """Return what an act came to that the address names: one of this person's on this ticket."""
        if not done:
            return None
        outcome = await self._read(lambda connection: views.outcome_of(connection, done))
        if outcome is None:
            return Result(arrival=done, outcome=None)
        if outcome[1] != found["number"]:
            return None
        return Result(
            arrival=done, outcome=outcome[0], said=await asyncio.to_thread(self._acting.said, done, person.address)
        )

    async def _find(self, request: Request, person: Person) -> dict[str, Any] | None:
        number = request.path_params["number"]
        if number > _MOST_NUMBER:
            return None
        found = await self._read(lambda connection: views.show_ticket(connection, number))
        return found if found and found["desk"] in person.desks else None

    def _nothing(self, request: Request, person: Person) -> Response:
        return self._pages.show(request, "nothing.html", person, 404)

    def _day(self, connection: Connection, desk: Desk) -> dict[str, Any]:
        return overview.day(connection, desk, self._house.clock())

    def _desks(self, person: Person) -> list[Desk]:
        return [self._house.settings.desks[name] for name in person.desks]

    async def _read(self, read: Callable[[Connection], T]) -> T:
        def reads() -> T:
            with reading(self._house.engine) as connection:
                return read(connection)

        return await asyncio.to_thread(reads)


_UNTYPED = {"text": "", "then": "", "answer": ""}
_ANY_TIME = ("undo", "send")  # they speak of one's own reply, which nothing else changes


def _colleagues(connection: Connection, person: Person) -> list[tuple[str, str]]:
    """Return address and name of everybody who has a desk with the person."""
    known = {one.address: one.name or one.address for one in people.list_staff(connection) if one.desk in person.desks}
    return sorted(known.items(), key=lambda one: one[1].lower())

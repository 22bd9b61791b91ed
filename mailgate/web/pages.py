"""How pages are made: templates in the reader's language and time zone, escaped, with the token against forged forms."""

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from mailgate.compose.wording import told as fact
from mailgate.pipeline import House
from mailgate.store.history import told
from mailgate.web.language import Speech, Speeches, accepted
from mailgate.web.sign_in import Person

PAGES = Path(__file__).parent / "pages"


class Pages:
    """The templates of `pages/`."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._speeches = Speeches(house.tools.templates)
        self._environment = Environment(
            loader=FileSystemLoader(PAGES), autoescape=select_autoescape(["html"]), undefined=StrictUndefined,
            trim_blocks=True, lstrip_blocks=True,
        )  # fmt: skip

    def speech(self, request: Request, person: Person | None) -> Speech:
        """Return the words of whoever asks: a person's own language, else the desk's first; a stranger's browser's."""
        desks = self._house.settings.desks
        desk = desks[person.desks[0]] if person else next(iter(desks.values()))
        if person is None:
            return self._speeches.of(accepted(request.headers.get("accept-language", "")), desk.timezone)
        zone = ZoneInfo(person.timezone) if person.timezone else desk.timezone
        return self._speeches.of(person.language or desk.languages[0], zone)

    def show(
        self, request: Request, name: str, person: Person | None, status: int = 200, **values: Any
    ) -> Response:  # fmt: skip
        """Return the page `name`."""
        said, now = self.speech(request, person), self._house.clock()

        def when(instant: datetime | str | None) -> Markup:
            """An instant as its distance, with the exact one for whoever points at it (W3)."""
            moment = _instant(instant)
            if moment is None:
                return Markup("–")
            return Markup('<time datetime="{}" title="{}" tabindex="0">{}</time>').format(
                moment.isoformat(), said.exact(moment), said.relative(moment, now)
            )

        def exact(instant: datetime | str | None) -> str:
            moment = _instant(instant)
            return said.exact(moment) if moment else "–"

        text = self._environment.get_template(name).render(
            person=person, t=said.say, when=when, exact=exact, told=lambda event: told(event, exact, said.say), now=now,
            language=said.language, path=request.url.path, hidden=_hidden,
            fact=lambda name, value: fact(value, name, said.language), **values,
        )  # fmt: skip
        return HTMLResponse(text, status)


def _instant(value: datetime | str | None) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else value or None


def _hidden(message: Mapping[str, Any], whole: str) -> int:
    """Return how many lines of the whole mail its visible text leaves out (P6)."""
    said = {line.strip() for line in message["visible_text"].split("\n")}
    return sum(1 for line in whole.split("\n") if line.strip() and line.strip() not in said) or 1

"""What came with a mail: files, as downloads that our own origin never shows; HTML, sanitised, in a frame that loads
nothing (W3)."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import nh3
from sqlalchemy import select
from starlette.responses import Response

from mailgate.pipeline import House
from mailgate.store import views
from mailgate.store.engine import reading
from mailgate.store.tables import MESSAGE

_FRAME_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
_MOST_LOOKED_AT, _HEAD_BYTES = 30, 256 * 1024
_TYPE = re.compile(r"[a-z]{1,30}/[a-z0-9!#$&^_.+-]{1,80}")
_TAGS = nh3.ALLOWED_TAGS - {"img", "map", "area"} | {"font", "center", "u"}
_PAPER = (
    '<!doctype html><html lang=""><meta charset="utf-8"><title>HTML</title><base target="_blank">'
    "<style>body{{font:15px sans-serif;color:#222;background:#fff;overflow-wrap:anywhere}}</style>{}"
)


async def download(house: House, ticket: int, message: str, place: int) -> Response | None:
    """Return a file of a message of that ticket as a download, or None where there is none."""
    return await asyncio.to_thread(_download, house, ticket, message, place)


def with_html(house: House, messages: Sequence[Mapping[str, Any]]) -> frozenset[str]:
    """Return which of the newest messages have HTML; the rest is shown as text alone."""
    latest = [one for one in messages if one["digest"] and one["kind"] in ("customer", "recorded")][-_MOST_LOOKED_AT:]
    return frozenset(
        one["id"] for one in latest if b"text/html" in (house.raw_of(one["digest"]) or b"")[:_HEAD_BYTES].lower()
    )


async def framed(house: House, ticket: int, message: str) -> Response | None:
    """Return a message's HTML for a frame of its own: no script, no picture from anywhere, no form."""
    html = await asyncio.to_thread(_html, house, ticket, message)
    if not html:
        return None
    return Response(
        _PAPER.format(harmless(html)), media_type="text/html",
        headers={"Content-Security-Policy": _FRAME_POLICY, "X-Frame-Options": "SAMEORIGIN"},
    )  # fmt: skip


def harmless(html: str) -> str:
    """Return HTML of a mail without anything that acts or loads."""
    return nh3.clean(html, tags=_TAGS, attributes={"*": {"dir", "lang"}, "td": {"colspan", "rowspan"}, "a": {"href"}},
                     url_schemes={"http", "https", "mailto"}, link_rel="noopener noreferrer")  # fmt: skip


def _html(house: House, ticket: int, message: str) -> str:
    row = _message(house, ticket, message)
    if row is None or not row.digest or _is_infected(house, row.arrival):
        return ""
    raw = house.raw_of(row.digest)
    return house.read(raw).html if raw is not None else ""


def _is_infected(house: House, arrival: str | None) -> bool:
    """Was something harmful found in the mail? Then its words alone are shown (M9)."""
    if arrival is None:
        return False
    with reading(house.engine) as connection:
        return bool(views.infected(connection, [arrival]))


def _message(house: House, ticket: int, message: str) -> Any:
    query = select(MESSAGE.c.digest, MESSAGE.c.attachments, MESSAGE.c.arrival).where(
        MESSAGE.c.id == message, MESSAGE.c.ticket == ticket
    )
    with reading(house.engine) as connection:
        return connection.execute(query).first()


def _download(house: House, ticket: int, message: str, place: int) -> Response | None:
    row = _message(house, ticket, message)
    if row is None or not 0 <= place < len(row.attachments):
        return None
    stored = row.attachments[place]
    raw = house.raw_of(stored["digest"])
    if raw is None:
        return None
    found = house.read(raw).attachments
    if stored["part"] >= len(found):
        return None
    declared = stored["content_type"].lower()
    kind = declared if _TYPE.fullmatch(declared) and not declared.startswith(("text/html", "image/svg")) else ""
    return Response(
        found[stored["part"]].content, media_type=kind or "application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(stored['filename'], safe='')}",
            "Content-Security-Policy": "default-src 'none'; sandbox",
        },
    )  # fmt: skip

"""Accounts that an HTTP address gives as JSON: pages, one after another, and an ETag that says when nothing changed."""

import ssl
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import msgspec

from mailgate.accounts.sources import CONNECT_SECONDS, Reading, Record, Unread
from mailgate.model.settings import AccountSource

_MOST_PAGES = 10_000
_MOST_BYTES = 256 * 1024 * 1024
_LISTS = ("accounts", "contacts", "data", "items", "results")
_TIMEOUT = httpx.Timeout(60.0, connect=CONNECT_SECONDS)


def read_web(source: AccountSource, reading: Reading) -> Iterator[Record]:
    """Yield the objects of every page: `[…]`, or `{"accounts": […], "next": "URL"}`; a `Link` header with rel="next"
    does as well. Only addresses of the same host are followed: the token is theirs alone. Raises Unread."""
    headers = {"Accept": "application/json"}
    if source.token:
        headers["Authorization"] = f"Bearer {source.token}"
    trusted = ssl.create_default_context(cafile=source.ca_file or None)  # the system's authorities, not the library's
    with httpx.Client(headers=headers, timeout=_TIMEOUT, follow_redirects=False, verify=trusted) as client:
        address: str | None = source.place
        for page in range(_MOST_PAGES):
            if address is None:
                return
            answer, raw = _asked(client, address, reading.mark if page == 0 else "")
            if answer.status_code == httpx.codes.NOT_MODIFIED and page == 0:
                reading.is_same = True
                return
            if answer.status_code != httpx.codes.OK:
                raise Unread(f"{address}: HTTP {answer.status_code}")
            objects, following = _page(raw, address)
            is_alone = page == 0 and not (following or answer.links.get("next"))
            reading.mark = answer.headers.get("ETag", "") if is_alone else ""  # it speaks of one page alone
            for one in objects:
                yield _object(one, address)
            address = _next(source.place, address, following or answer.links.get("next", {}).get("url"))
    raise Unread(f"{source.place}: more than {_MOST_PAGES} pages")


def _asked(client: httpx.Client, address: str, mark: str) -> tuple[httpx.Response, bytes]:
    headers = {"If-None-Match": mark} if mark else {}
    try:
        with client.stream("GET", address, headers=headers) as answer:
            raw = bytearray()
            for piece in answer.iter_bytes():
                raw += piece
                if len(raw) > _MOST_BYTES:
                    raise Unread(f"{address}: a page of more than {_MOST_BYTES >> 20} MiB")
            return answer, bytes(raw)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unread(f"{address}: {str(error)[:300] or type(error).__name__}") from error


def _page(raw: bytes, address: str) -> tuple[list[msgspec.Raw], str | None]:
    """Return the objects of a page, unread, and where it says that the next one is."""
    try:
        if raw.lstrip()[:1] == b"[":
            return msgspec.json.decode(raw, type=list[msgspec.Raw]), None
        whole = msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
        following = msgspec.json.decode(whole["next"], type=str | None) if "next" in whole else None
        for name in _LISTS:
            if name in whole:
                return msgspec.json.decode(whole[name], type=list[msgspec.Raw]), following
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unread(f"{address}: no JSON as it should be: {error}") from error
    raise Unread(f"{address}: neither a list nor an object with one of {', '.join(_LISTS)}")


def _object(raw: msgspec.Raw, address: str) -> Record:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Unread(f"{address}: no JSON as it should be: {error}") from error


def _next(first: str, current: str, named: str | None) -> str | None:
    if not named:
        return None
    address = urljoin(current, named)
    own, other = urlsplit(first), urlsplit(address)
    if (own.scheme, own.netloc) != (other.scheme, other.netloc):
        raise Unread(f"{current}: its next page is on another host ({other.netloc[:100]})")
    return address

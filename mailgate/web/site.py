"""The web port: one Starlette application of all faces, and uvicorn within the daemon's own loop."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailgate.web.api import PanelApi
from mailgate.web.board import Board
from mailgate.web.desk import Faces
from mailgate.web.errors import HANDLERS
from mailgate.web.health import Health

_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; style-src 'self'; script-src 'self'; "
                                 b"img-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; "
                                 b"base-uri 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)  # fmt: skip


def build_site(faces: Faces) -> Starlette:
    """Return the application: the API, figures and health, the board."""
    routes = [*PanelApi(faces).routes(), *Health(faces).routes(), *Board(faces).routes()]
    return Starlette(routes=routes, exception_handlers=HANDLERS, middleware=[Middleware(_SafeHeaders)])


class _SafeHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in _HEADERS if one[0] not in given)]
            await send(message)

        await self._app(scope, receive, with_headers)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # signals are the daemon's: uvicorn would take them over and raise them again


class WebDoor:
    """The web listener: opened on an address, closed within so many seconds."""

    def __init__(self, site: ASGIApp) -> None:
        self._site = site
        self._server: _Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self, listen: str, given: socket.socket | None = None) -> str:
        """Listen on `host:port` (port 0: a free one) or on a socket that is open; return the real address."""
        sock = given or _listening(listen)
        config = uvicorn.Config(
            self._site, log_config=None, access_log=False, lifespan="off", server_header=False, proxy_headers=False,
            timeout_keep_alive=15, limit_concurrency=200,
            h11_max_incomplete_event_size=64 * 1024, http="h11", ws="none",
        )  # fmt: skip
        self._server = _Server(config)
        self._task = asyncio.create_task(self._server.serve(sockets=[sock]))
        while not self._server.started and not self._task.done():
            await asyncio.sleep(0.005)
        host, port = sock.getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def close(self, seconds: float = 4.0) -> None:
        """Take no more requests, let those in hand end, then cut off."""
        if self._server is None or self._task is None:
            return
        self._server.config.timeout_graceful_shutdown = max(1, int(seconds))
        self._server.should_exit = True
        with suppress(TimeoutError, asyncio.CancelledError):
            await asyncio.wait_for(self._task, seconds + 1)


def _listening(listen: str) -> socket.socket:
    host, _, port = listen.rpartition(":")
    bare = host.strip("[]")
    sock = socket.socket(socket.AF_INET6 if ":" in bare else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((bare or "127.0.0.1", int(port)))
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    sock.setblocking(False)
    return sock

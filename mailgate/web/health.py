"""Figures and health: `/metrics` for Prometheus, `/healthz` (this process lives), `/readyz` (it can do its work)."""

import asyncio
import time

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from mailgate.errors import MailgateError
from mailgate.store import schema
from mailgate.web.desk import Faces
from mailgate.web.figures import Figures

_KEPT_SECONDS = 5.0  # whoever asks more often gets the same figures again
_READY_SECONDS = 5.0


class Health:
    """The handlers."""

    def __init__(self, faces: Faces) -> None:
        self._faces = faces
        self._figures = Figures(faces.house, faces.inbox)
        self._kept: tuple[float, bytes] = (float("-inf"), b"")
        self._lock = asyncio.Lock()

    def routes(self) -> list[Route]:
        return [
            Route("/metrics", self.metrics, methods=["GET"]),
            Route("/healthz", self.healthz, methods=["GET"]),
            Route("/readyz", self.readyz, methods=["GET"]),
        ]

    async def metrics(self, request: Request) -> Response:
        async with self._lock:
            if time.monotonic() - self._kept[0] > _KEPT_SECONDS:
                self._kept = (time.monotonic(), await asyncio.to_thread(self._figures.text))
        return Response(self._kept[1], headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def healthz(self, request: Request) -> Response:
        is_well = self._faces.is_well()
        return PlainTextResponse("ok\n" if is_well else "stuck\n", 200 if is_well else 503)

    async def readyz(self, request: Request) -> Response:
        checks = {"clock": self._faces.is_well(), "space": self._faces.may_take()}
        try:
            checks["database"] = await asyncio.wait_for(asyncio.to_thread(self._answers), _READY_SECONDS)
        except (MailgateError, TimeoutError):
            checks["database"] = False
        checks["files"] = self._faces.inbox.trouble is None
        is_ready = all(checks.values())
        return JSONResponse({"ready": is_ready, "checks": checks}, 200 if is_ready else 503)

    def _answers(self) -> bool:
        schema.require(self._faces.house.engine)
        self._faces.inbox.waiting()
        return True

"""Answers that are no success: one shape, `{"error", "message", "field"}`."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from mailgate.errors import TryLater
from mailgate.log import Log

LOG = Log("web")
NAMES = {
    401: "unauthorized", 404: "not_found", 405: "method_not_allowed", 409: "conflict", 413: "too_large", 422: "invalid",
    500: "internal", 503: "unavailable",
}  # fmt: skip


class Problem(Exception):
    """An answer that ends the request."""

    def __init__(
        self, status: int, message: str, field: str | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.field, self.headers = status, message, field, headers or {}


def unauthorized() -> Problem:
    return Problem(401, "a valid bearer token is needed", headers={"WWW-Authenticate": 'Bearer realm="mailgate"'})


def later(message: str, seconds: int = 5) -> Problem:
    return Problem(503, message, headers={"Retry-After": str(seconds)})


async def on_problem(request: Request, error: Exception) -> Response:
    """Answer a Problem."""
    assert isinstance(error, Problem)
    return answer(error)


async def on_http(request: Request, error: Exception) -> Response:
    """Answer what the framework found: no such path, no such method."""
    assert isinstance(error, HTTPException)
    return answer(Problem(error.status_code, str(error.detail), headers=dict(error.headers or {})))


async def on_try_later(request: Request, error: Exception) -> Response:
    """Trouble of ours that passes."""
    LOG.warning("web.put_off", path=request.url.path, because=str(error))
    return answer(later("mailgate cannot do this now, try again"))


async def on_bug(request: Request, error: Exception) -> Response:
    """A bug is never the caller's problem; it says nothing of the inside."""
    LOG.failed("web.failed", error, path=request.url.path)
    return answer(later("mailgate cannot do this now, try again"))


def answer(problem: Problem) -> JSONResponse:
    body: dict[str, Any] = {
        "error": NAMES.get(problem.status, "error"), "message": problem.message, "field": problem.field,
    }  # fmt: skip
    return JSONResponse(body, problem.status, headers=problem.headers)


HANDLERS: dict[Any, Any] = {
    Problem: on_problem, HTTPException: on_http, TryLater: on_try_later, Exception: on_bug,
}  # fmt: skip

"""Access tokens for XOAUTH2: the refresh grant of RFC 6749, 6; nothing of it ever reaches a log."""

import asyncio
import json
import os
import re
import secrets
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from mailgate.errors import ConfigError, Refused, TryLater
from mailgate.log import Log

LOG = Log("imap")
SECONDS = 20.0
EARLY_SECONDS = 120.0  # a token is renewed so long before it ends
_MOST_BYTES = 1 << 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class GrantRefused(Refused):
    """The token server does not take our refresh token, or our client, any more: a person must renew it."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None  # secrets are not posted to another place than the configured one


class AccessTokens:
    """The access token of one account, renewed before it ends."""

    def __init__(self, oauth: Mapping[str, str], *, now: Callable[[], float] = time.monotonic) -> None:
        """`oauth` has token_url, client_id, refresh_token, and maybe client_secret, scope, refresh_token_file."""
        parts = urlsplit(oauth["token_url"])
        if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
            raise ConfigError([f"imap.oauth.token_url: {oauth['token_url']!r} must begin with https://"])
        self._oauth = oauth
        self._refresh_token = oauth["refresh_token"]
        self._now = now
        self._token, self._until = "", 0.0
        self.refresh_token_seconds: float | None = None  # how long the refresh token is good, told with the last token

    async def get(self) -> str:
        """Return a token that is good for a while. Refused: the grant is void; TryLater: the server is not there."""
        if not self._token or self._now() >= self._until:
            await asyncio.to_thread(self._renew)
        return self._token

    def forget(self) -> None:
        """The mail server did not want it: the next one is fresh."""
        self._token = ""

    def _renew(self) -> None:
        answer = self._ask()
        token, seconds = answer.get("access_token"), answer.get("expires_in", 3600)
        if (
            not isinstance(token, str)
            or not token
            or not token.isascii()
            or str(answer.get("token_type", "bearer")).lower() != "bearer"
        ):
            raise TryLater("the token server gave no bearer token")
        told = _seconds(seconds)
        lasts = 3600.0 if told is None else told
        self._token, self._until = token, self._now() + max(lasts - EARLY_SECONDS, lasts / 2)
        self.refresh_token_seconds = _seconds(answer.get("refresh_token_expires_in"))
        fresh = answer.get("refresh_token")
        if isinstance(fresh, str) and fresh and fresh != self._refresh_token:
            self._refresh_token = fresh  # RFC 6749, 6: the old one must be discarded
            _keep(self._oauth.get("refresh_token_file", ""), fresh)

    def _ask(self) -> dict[str, Any]:
        form = {
            "grant_type": "refresh_token",
            "refresh_token": self._refresh_token,
            "client_id": self._oauth["client_id"],
        }
        form |= {key: self._oauth[key] for key in ("client_secret", "scope") if self._oauth.get(key)}
        request = Request(self._oauth["token_url"], urlencode(form).encode(), {"Accept": "application/json"})  # noqa: S310
        try:
            with build_opener(_NoRedirects).open(request, timeout=SECONDS) as answer:
                return _json(answer.read(_MOST_BYTES))
        except HTTPError as error:
            with error:
                raise _refusal(error.code, error.read(_MOST_BYTES)) from None
        except OSError as error:
            raise TryLater(f"the token server does not answer: {error}") from None


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, int | str) and re.fullmatch(r"[0-9]{1,12}", str(value)) else None


def _refusal(code: int, body: bytes) -> Exception:
    try:
        name = str(_json(body).get("error", ""))[:60]
    except TryLater:
        name = ""
    # RFC 6749, 5.2: what the client itself is wrong about does not pass by waiting
    if code in (400, 401, 403) and name in ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_scope"):
        return GrantRefused(f"the token server refuses the grant: {name}")
    return TryLater(f"the token server answered {code} {name}".rstrip())


def _json(body: bytes) -> dict[str, Any]:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise TryLater("the token server's answer is no JSON") from error
    if not isinstance(value, dict):
        raise TryLater("the token server's answer is no object")
    return value


def _keep(name: str, token: str) -> None:
    """Write the new refresh token where the old one came from, whole or not at all; without a file it lives here."""
    if not name:
        return
    file = Path(name)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="ascii") as out:
            out.write(token + "\n")
            out.flush()
            os.fsync(out.fileno())
        draft.replace(file)
    except OSError as error:  # systemd's credentials are read-only: the token is good until a restart
        LOG.warning("imap.token_not_kept", file=name, because=error.strerror or str(error))
        draft.unlink(missing_ok=True)

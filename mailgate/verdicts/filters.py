"""The desk's filters, asked over the network (M9): rspamd about junk, clamd about malice."""

import asyncio
import ipaddress
import json
import math
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from mailgate.errors import MailgateError
from mailgate.model.arrival import Arrival
from mailgate.model.mail import Mail
from mailgate.model.verdicts import Junk, Malware
from mailgate.verdicts.circuit import Circuit

_MOST_BYTES = 256 * 1024  # of an answer
_CHUNK = 64 * 1024
_FAILURES, _OPEN_SECONDS = 3, 30.0
# `soft reject` and `greylist` ask the sender to come again: too late for that, and no word about junk
_JUNK_ACTIONS = frozenset({"reject", "add header", "rewrite subject", "discard", "quarantine"})
_ACTIONS = _JUNK_ACTIONS | {"no action", "greylist", "soft reject"}
_MOST_PARTS = 100


class Unanswered(MailgateError):
    """Whoever was asked said nothing that can be used."""


class Rspamd:
    """rspamd's /checkv2 at `url`."""

    def __init__(self, url: str, seconds: float) -> None:
        import httpx  # costs memory that a desk without rspamd does not need

        self._url = f"{url}/checkv2"
        self._seconds = seconds
        self._circuit = Circuit(_FAILURES, _OPEN_SECONDS)
        # trust_env: a proxy of the machine is none for a filter beside us
        self._client = httpx.AsyncClient(timeout=seconds, trust_env=False, follow_redirects=False)

    async def ask(self, raw: bytes, arrival: Arrival) -> Junk:
        """Return what rspamd says of the mail. Raises Unanswered."""
        async with _within(self._circuit, self._seconds):
            return _junk_of(await self._answer(raw, _said_of(arrival)))

    async def _answer(self, raw: bytes, headers: list[tuple[str, str]]) -> Any:
        body = bytearray()
        async with self._client.stream("POST", self._url, content=raw, headers=headers) as answer:
            if answer.status_code != 200:
                raise Unanswered(f"HTTP {answer.status_code}")
            async for chunk in answer.aiter_bytes():
                body += chunk
                if len(body) > _MOST_BYTES:
                    raise Unanswered("an answer without an end")
        return json.loads(body)


class Clamd:
    """clamd at `place`: `unix:PATH` or `host:port`."""

    def __init__(self, place: str, seconds: float) -> None:
        self._place = place
        self._seconds = seconds
        self._circuit = Circuit(_FAILURES, _OPEN_SECONDS)

    async def ask(self, raw: bytes, mail: Mail) -> tuple[Malware, ...]:
        """Return what clamd finds in the mail, each with the attachment that holds it. Raises Unanswered."""
        async with _within(self._circuit, self._seconds):
            found = await self._scan(raw)
            if found is None:
                return ()
            parts = [(one.sha256, one.content) for one in mail.attachments[:_MOST_PARTS] if one.content]
            named = [(sha256, await self._scan(content)) for sha256, content in dict(parts).items()]
            inside = tuple(Malware(finding=name, sha256=sha256) for sha256, name in named if name)
            return inside or (Malware(finding=found),)

    async def _scan(self, data: bytes) -> str | None:
        """Return clamd's name for what is in `data`, or None."""
        reader, writer = await self._open()
        try:
            writer.write(b"zINSTREAM\0")
            for at in range(0, len(data), _CHUNK):
                chunk = data[at : at + _CHUNK]
                writer.write(struct.pack("!I", len(chunk)) + chunk)
                await writer.drain()
            writer.write(struct.pack("!I", 0))
            await writer.drain()
            answer = await reader.readuntil(b"\0")
        finally:
            writer.close()
        return _finding_of(answer.rstrip(b"\0").decode("utf-8", "replace").strip())

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._place.startswith("unix:"):
            return await asyncio.open_unix_connection(self._place.removeprefix("unix:"), limit=_MOST_BYTES)
        host, _, port = self._place.rpartition(":")
        return await asyncio.open_connection(host.strip("[]"), int(port), limit=_MOST_BYTES)


@asynccontextmanager
async def _within(circuit: Circuit, seconds: float) -> AsyncIterator[None]:
    """Let a question be asked if the circuit is closed; whatever goes wrong is Unanswered, with its reason."""
    if not circuit.may_try():
        raise Unanswered("is away; not asked")
    try:
        async with asyncio.timeout(seconds):
            yield
    except Unanswered:
        circuit.failed()
        raise
    except TimeoutError as error:
        circuit.failed()
        raise Unanswered(f"no answer within {seconds:g} s") from error
    except Exception as error:  # a library's many ways to say that there is no answer
        circuit.failed()
        raise Unanswered(" ".join(str(error).split())[:200] or type(error).__name__) from error
    circuit.worked()


def _said_of(arrival: Arrival) -> list[tuple[str, str]]:
    """Return what we know of the mail's way, as rspamd's request headers."""
    headers = [("Rcpt", one) for one in arrival.recipients]
    headers.append(("Queue-Id", arrival.id))
    if arrival.envelope_from is not None:
        headers.append(("From", arrival.envelope_from))
    # behind our own mail server the peer is that server, and no client
    if not arrival.is_trusted and arrival.peer and _is_address(arrival.peer):
        headers.append(("IP", arrival.peer))
        headers.append(("Helo", arrival.helo or ""))
    return [(name, value) for name, value in headers if _is_plain(value)]


def _is_plain(value: str) -> bool:
    # what a peer said must not become a header line of its own
    return value.isascii() and value.isprintable()


def _is_address(peer: str) -> bool:
    try:
        ipaddress.ip_address(peer)
    except ValueError:
        return False
    return True


def _junk_of(answer: Any) -> Junk:
    action = answer.get("action") if isinstance(answer, dict) else None
    if action not in _ACTIONS:
        raise Unanswered("an answer without an action that is known")
    score, needed = answer.get("score"), answer.get("required_score")
    symbols = answer.get("symbols")
    strongest = sorted(_weights(symbols), reverse=True)[:5]
    named = ", ".join(name for _, name in strongest)
    figures = f", {score:g} of {needed:g}" if _is_number(score) and _is_number(needed) else ""
    return Junk(
        is_junk=action in _JUNK_ACTIONS, source="rspamd", score=float(score) if _is_number(score) else None,
        because=f"{action}{figures}{f': {named}' if named else ''}"[:300],
    )  # fmt: skip


def _weights(symbols: Any) -> list[tuple[float, str]]:
    if not isinstance(symbols, dict):
        return []
    found: list[tuple[Any, str]] = [
        (one.get("score"), str(name)) for name, one in symbols.items() if isinstance(one, dict)
    ]
    return [(float(score), name) for score, name in found if _is_number(score) and score > 0]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _finding_of(answer: str) -> str | None:
    """Read `stream: OK`, `stream: NAME FOUND`; all else is no answer."""
    said = answer.removeprefix("stream:").strip()
    if said == "OK":
        return None
    if said.endswith(" FOUND"):
        return said.removesuffix(" FOUND").strip()[:200]
    raise Unanswered(f"clamd says: {said[:150]}")

"""One connection to an IMAP server: every command has a deadline of ours, and anything odd ends the connection."""

import asyncio
import re
import ssl
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from aioimaplib import IMAP4, AioImapException
from aioimaplib.aioimaplib import CRLF, IMAP4ClientProtocol

from mailgate.intake.imap_place import ImapPlace, astring, folder_name

T = TypeVar("T")
COMMAND_SECONDS = 30.0
FLOOR_BYTES_PER_SECOND = 16_384  # a mail may take as long as it does at this pace
MOST_AT_ONCE = 100  # mails of one command: the library looks through the answer with each line that comes
_PIECE_BYTES = 8192
_UIDVALIDITY = re.compile(rb"UIDVALIDITY (\d+)", re.I)
_UIDNEXT = re.compile(rb"UIDNEXT (\d+)", re.I)
_FETCH = re.compile(rb"\d+ FETCH \(", re.I)
_UID, _SIZE = re.compile(rb"\bUID (\d+)", re.I), re.compile(rb"\bRFC822\.SIZE (\d+)", re.I)


class Lost(Exception):
    """The connection is of no use any more."""


class Denied(Exception):
    """The server refuses the account, the folder or a command; what it said is the message."""


class _Protocol(IMAP4ClientProtocol):  # type: ignore[misc]
    greeting = ""

    def data_received(self, data: bytes) -> None:
        # the library recurses once a line, and every level holds what has still to be read: a quarter of a megabyte at
        # once was 20 MB, and 1,000 short lines (a colleague expunges) the end of the connection
        start = 0
        while start < len(data):
            piece = data[start : start + max(_PIECE_BYTES, len(self.incomplete_line))]
            super().data_received(piece)
            start += len(piece)

    async def welcome(self, command: bytes) -> None:
        self.greeting = command.decode("utf-8", "replace").strip()
        await super().welcome(command)

    def _continuation(self, line: bytes) -> None:
        pending = self.pending_sync_command
        if pending is not None and pending.name == "AUTHENTICATE":
            # a refused token comes as a challenge, and only an empty answer brings the NO (the library would wait)
            self.transport.write(CRLF)
            return
        super()._continuation(line)


class _Client(IMAP4):  # type: ignore[misc]
    def create_client(
        self, host: str, port: int, loop: Any, conn_lost_cb: Any = None, ssl_context: ssl.SSLContext | None = None
    ) -> None:
        running = loop if loop is not None else asyncio.get_running_loop()
        self.protocol = _Protocol(running, conn_lost_cb)
        connecting = running.create_connection(lambda: self.protocol, host, port, ssl=ssl_context)
        self._client_task = running.create_task(connecting)


class ImapLine:
    """A connection. What it raises is Lost or Denied; after either, `abandon` it."""

    def __init__(self, place: ImapPlace, tls: ssl.SSLContext | None, *, seconds: float = COMMAND_SECONDS) -> None:
        """`seconds` is the deadline of a command."""
        self._seconds = seconds
        self._lost = asyncio.Event()
        self._client = _Client(
            place.host, place.port, timeout=seconds, conn_lost_cb=lambda _: self._lost.set(), ssl_context=tls
        )

    async def greet(self) -> None:
        """Wait until the server has said who it is."""
        await self._call(self._client.wait_hello_from_server())

    async def log_in(self, user: str, *, password: str = "", token: str = "") -> None:
        """Log in with a password or an OAuth access token."""
        if token:
            await self._ok(self._client.xoauth2(user, token), "AUTHENTICATE")
        else:
            await self._ok(self._client.login(astring(user), password), "LOGIN")
        # what a server can may change with the login, and some do not say so by themselves
        await self._call(self._client.protocol.capability())

    @property
    def greeting(self) -> str:
        """What the server said first; many say there which program they are."""
        return str(self._client.protocol.greeting)

    def can(self, capability: str) -> bool:
        """Say whether the server offers an extension, by its name in CAPABILITY (RFC 9051)."""
        return bool(self._client.has_capability(capability))

    async def make_folder(self, name: str) -> None:
        """Make the folder if it is not there."""
        await self._call(self._client.create(folder_name(name)))

    async def select(self, name: str) -> tuple[int, int]:
        """Open the folder; return its UIDVALIDITY and its UIDNEXT."""
        lines = await self._ok(self._client.select(folder_name(name)), f"SELECT {name}")
        whole = b"\n".join(bytes(line) for line in lines)
        validity, following = _UIDVALIDITY.search(whole), _UIDNEXT.search(whole)
        if validity is None:
            raise Denied("the server gives no UIDVALIDITY")
        return int(validity[1]), int(following[1]) if following else 1

    async def search(self, *criteria: str) -> list[int]:
        """Return the UIDs that match, in order."""
        lines = await self._ok(self._client.uid_search(*criteria, charset=None), "SEARCH")
        words = bytes(lines[0]).split() if len(lines) > 1 else []
        return sorted({int(word) for word in words if word.isdigit()})

    async def sizes(self, uids: list[int]) -> dict[int, int]:
        """Return the sizes of the mails that are there, of up to MOST_AT_ONCE."""
        if not uids:
            return {}
        lines = await self._ok(self._client.uid("FETCH", uid_set(uids), "(UID RFC822.SIZE)"), "FETCH")
        found = ((_UID.search(bytes(line)), _SIZE.search(bytes(line))) for line in lines)
        sizes = {int(uid[1]): int(size[1]) for uid, size in found if uid and size}
        return {uid: sizes[uid] for uid in uids if uid in sizes}

    async def fetch(self, sizes: Mapping[int, int]) -> dict[int, bytes]:
        """Return the mails of up to MOST_AT_ONCE UIDs, whose sizes are given, without marking them; what has vanished
        meanwhile is left out."""
        seconds = self._seconds + sum(sizes.values()) / FLOOR_BYTES_PER_SECOND
        self._client.timeout = seconds
        try:
            lines = await self._ok(self._client.uid("FETCH", uid_set(sizes), "(UID BODY.PEEK[])"), "FETCH", seconds)
        finally:
            self._client.timeout = self._seconds
        found = mails_of(lines)
        return {uid: found[uid] for uid in sizes if uid in found}

    async def flag(self, uids: Iterable[int], *flags: str) -> None:
        """Set flags, on up to MOST_AT_ONCE mails as all that follows."""
        await self._ok(self._client.uid("STORE", uid_set(uids), "+FLAGS.SILENT", f"({' '.join(flags)})"), "STORE")

    async def move(self, uids: Iterable[int], folder: str) -> None:
        """Move the mails to another folder."""
        if self.can("MOVE"):  # RFC 6851
            await self._ok(self._client.uid("MOVE", uid_set(uids), folder_name(folder)), "MOVE")
            return
        await self._ok(self._client.uid("COPY", uid_set(uids), folder_name(folder)), "COPY")
        await self.delete(uids)

    async def delete(self, uids: Iterable[int]) -> None:
        """Delete the mails; expunged where that can be done without touching what others have deleted."""
        await self.flag(uids, "\\Deleted")
        if self.can("UIDPLUS"):  # RFC 4315
            await self._ok(self._client.uid("EXPUNGE", uid_set(uids)), "EXPUNGE")

    async def wait(self, seconds: float) -> None:
        """Return when the folder may have changed, or after `seconds`; IDLE (RFC 2177) where the server has it."""
        if not self.can("IDLE"):
            with suppress(TimeoutError):
                await asyncio.wait_for(self._lost.wait(), seconds)
            await self._call(self._client.noop())
            return
        idle = await self._call(self._client.idle_start(timeout=2 * seconds + 60))
        pushed = asyncio.ensure_future(self._client.protocol.idle_queue.get())
        await self._first(pushed, seconds)
        pushed.cancel()
        if self._lost.is_set():
            raise Lost("the connection was lost while idle")
        self._client.idle_done()
        await self._call(idle)
        # old pushes must not end the next wait at once: the search that follows sees what they told of
        while not self._client.protocol.idle_queue.empty():
            self._client.protocol.idle_queue.get_nowait()

    async def leave(self) -> None:
        """Say goodbye."""
        with suppress(Exception):
            await asyncio.wait_for(self._client.logout(), 2)
        self.abandon()

    def abandon(self) -> None:
        """Let go of the connection and of everything that waits for it."""
        protocol = self._client.protocol
        if getattr(protocol, "transport", None) is not None:
            protocol.transport.abort()
        waiter = getattr(self._client, "_idle_waiter", None)
        if waiter is not None:
            waiter.cancel()
        for task in (*self._client.tasks, *protocol.tasks, self._client._client_task):
            task.cancel()

    async def _ok(self, command: Awaitable[Any], what: str, seconds: float | None = None) -> list[Any]:
        response = await self._call(command, seconds)
        if response.result != "OK":
            said = b" ".join(bytes(line) for line in response.lines[-2:]).decode("utf-8", "replace")
            raise Denied(f"{what}: {response.result} {said}"[:300])
        return list(response.lines)

    async def _call(self, command: Awaitable[T], seconds: float | None = None) -> T:
        """Await a command of the library, whose own timeouts cannot be relied on."""
        task = asyncio.ensure_future(command)
        await self._first(task, (seconds or self._seconds) + 1)
        if not task.done():
            task.cancel()
            raise Lost("the connection was lost" if self._lost.is_set() else "the server does not answer")
        try:
            return task.result()
        except (AioImapException, OSError, TimeoutError, asyncio.CancelledError, ValueError, RecursionError) as error:
            raise Lost(" ".join(str(error).split())[:300] or type(error).__name__) from error

    async def _first(self, task: "asyncio.Future[Any]", seconds: float) -> None:
        """Wait for the task or for the loss of the connection, for so many seconds."""
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait({task, lost}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            task.cancel()
            raise
        finally:
            lost.cancel()


def uid_set(uids: Iterable[int]) -> str:
    """Return UIDs as a sequence-set of just these (RFC 9051, 9): 3:5,9."""
    spans: list[list[int]] = []
    for uid in sorted(uids):
        if spans and uid == spans[-1][1] + 1:
            spans[-1][1] = uid
        else:
            spans.append([uid, uid])
    return ",".join(f"{first}:{last}" if first < last else f"{first}" for first, last in spans)


def mails_of(lines: Iterable[bytes | bytearray]) -> dict[int, bytes]:
    """Return the mails of the answer to a FETCH by their UIDs: the library gives what is a literal as a bytearray, and
    the UID stands before or behind it, as the server likes."""
    found: dict[int, bytes] = {}
    uid: int | None = None
    raw: bytes | None = None
    for line in lines:
        if isinstance(line, bytearray):
            raw = bytes(line)
        else:
            if _FETCH.match(line):
                uid, raw = None, None
            named = _UID.search(line)
            uid = int(named[1]) if named else uid
        if uid is not None and raw is not None:
            found[uid] = raw
            uid, raw = None, None
    return found

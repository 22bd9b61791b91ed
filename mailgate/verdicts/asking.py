"""The stage: what others say of a mail, asked of all of them at once, in threads of its own and within a time."""

import asyncio
import re
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from mailgate.decide.sender import wants_own_check
from mailgate.log import Log
from mailgate.model.arrival import Arrival
from mailgate.model.mail import Mail
from mailgate.model.quick import replace
from mailgate.model.settings import Desk, Settings
from mailgate.model.verdicts import NOT_ASKED, Evidence, Junk, Verdicts
from mailgate.verdicts.filters import Clamd, Rspamd, Unanswered

if TYPE_CHECKING:
    from mailgate.verdicts.dns import Resolve

LOG = Log("verdicts")
SECONDS = 8.0  # for all of it
_THREADS = 16
_MAILS = ("smtp", "lmtp", "pipe", "imap")  # what comes from the world; a panel's form and an import prove themselves
_HEADER_BYTES = 256 * 1024
_SIGNED = re.compile(rb"^(?:dkim-signature|arc-seal)[ \t]*:", re.I | re.M)
_UNSIGNED = Verdicts(own=Evidence(verdict="none", because="our own check: the mail bears no DKIM signature"))
_Questions = dict[str, Callable[[], Coroutine[Any, Any, Any]]]


class Asker:
    """Asks for the verdicts on mails. Any number at once; `close` when done. Threads are made when there is something
    to ask: a desk whose server says it all, and names no filter, pays nothing."""

    def __init__(self, settings: Settings, resolve: "Resolve | None" = None, *, seconds: float = SECONDS) -> None:
        self._settings = settings
        self._resolve = resolve
        self._seconds = seconds
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pool: ThreadPoolExecutor | None = None
        self._rspamd: Rspamd | None = None
        self._clamd: Clamd | None = None

    def begin(self, arrival: Arrival, raw: bytes, mail: Mail) -> "Future[Verdicts]":
        """Return the verdicts that will be there within `seconds`; it never raises, and may be done at once."""
        work = self._questions(arrival, raw, mail)
        known = NOT_ASKED
        if "own check" in work and arrival.is_trusted and not _SIGNED.search(raw, 0, _HEADER_BYTES):
            # behind our own server only signatures could say anything: most unsigned mail costs nothing
            known = _UNSIGNED
            del work["own check"]
        if not work:
            done: Future[Verdicts] = Future()
            done.set_result(known)
            return done
        return asyncio.run_coroutine_threadsafe(self._gather(work, known), self._running())

    def ask(self, arrival: Arrival, raw: bytes, mail: Mail) -> Verdicts:
        """As `begin`, and wait for it."""
        return self.begin(arrival, raw, mail).result()

    def close(self) -> None:
        """Let go of threads; what is still asked is not waited for."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(_end(), self._loop)
            self._loop = None
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)

    def _questions(self, arrival: Arrival, raw: bytes, mail: Mail) -> _Questions:
        desk = self._settings.desks[arrival.desk]
        junk = self._settings.junk
        found: _Questions = {}
        is_mail = arrival.channel in _MAILS
        if is_mail and self._wants_check(arrival, mail, desk):
            found["own check"] = lambda: self._checked(arrival, raw, desk)
        if is_mail and junk.rspamd:
            found["rspamd"] = lambda: self._the_rspamd().ask(raw, arrival)
        if junk.clamd:
            found["clamd"] = lambda: self._the_clamd().ask(raw, mail)
        return found

    def _wants_check(self, arrival: Arrival, mail: Mail, desk: Desk) -> bool:
        if not arrival.is_trusted and not self._settings.smtp.check_strangers:
            return False
        return wants_own_check(mail, arrival, desk)

    async def _gather(self, work: _Questions, found: Verdicts) -> Verdicts:
        results = await asyncio.gather(*(self._one(name, make) for name, make in work.items()))
        for name, result in zip(work, results, strict=True):
            match result:
                case Verdicts():
                    found = replace(found, own=result.own, arc=result.arc)
                case Junk():
                    found = replace(found, junk=result)
                case tuple():
                    found = replace(found, malware=result)
                case str():
                    found = replace(found, unanswered=(*found.unanswered, f"{name}: {result}"))
        return found

    async def _one(self, name: str, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Return the answer, or in words why there is none."""
        try:
            async with asyncio.timeout(self._seconds):
                return await make()
        except TimeoutError:
            because = f"no answer within {self._seconds:g} s"
        except Unanswered as error:
            because = str(error)
        except Exception as error:  # whoever is asked must not keep a mail
            LOG.failed("verdict.failed", error, of=name)
            because = f"failed: {type(error).__name__}"
        LOG.warning("verdict.missing", of=name, because=because)
        if name == "own check":
            return Verdicts(own=Evidence(verdict="none", because=f"our own check: {because}", is_unsure=True))
        return because

    async def _checked(self, arrival: Arrival, raw: bytes, desk: Desk) -> Verdicts:
        from mailgate.verdicts.dns import resolver_of  # DNS, DKIM and SPF cost memory that many desks never need

        if self._pool is None:
            self._pool = ThreadPoolExecutor(_THREADS, "verdicts")
        if self._resolve is None:
            self._resolve = resolver_of(self._settings.dns_servers)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._check, arrival, raw, desk, self._resolve)

    @staticmethod
    def _check(arrival: Arrival, raw: bytes, desk: Desk, resolve: "Resolve") -> Verdicts:
        from mailgate.verdicts.arc import check_seals
        from mailgate.verdicts.own import Client, check

        is_stranger = not arrival.is_trusted and arrival.channel == "smtp"
        client = Client(peer=arrival.peer or "unix", helo=arrival.helo or "", sender=arrival.envelope_from or "")
        most_age = timedelta(seconds=desk.rules.signature_seconds)
        own = check(raw, arrival.received_at, resolve, client=client if is_stranger else None, most_age=most_age)
        arc = None
        if own.verdict != "pass" and desk.arc_sealers:
            arc = check_seals(raw, arrival.received_at, resolve, desk.arc_sealers, most_age)
        return Verdicts(own=own, arc=arc)

    def _the_rspamd(self) -> Rspamd:
        if self._rspamd is None:
            self._rspamd = Rspamd(self._settings.junk.rspamd, self._settings.junk.seconds)
        return self._rspamd

    def _the_clamd(self) -> Clamd:
        if self._clamd is None:
            self._clamd = Clamd(self._settings.junk.clamd, self._settings.junk.seconds)
        return self._clamd

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="verdicts", daemon=True).start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    loop.run_forever()
    loop.close()


async def _end() -> None:
    """Let go of every question, then of the loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    asyncio.get_running_loop().stop()

"""The IMAP door (I3): one folder of one account; a mail is durable before anything is done to it on the server."""

import asyncio
import hashlib
import random
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailgate.errors import Refused, TryLater
from mailgate.intake.addressed import addressed_to
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.intake.imap_line import MOST_AT_ONCE, Denied, ImapLine, Lost
from mailgate.intake.imap_oauth import AccessTokens, GrantRefused
from mailgate.intake.imap_place import ImapPlace, place_of
from mailgate.intake.pipe import sender_of
from mailgate.log import Log
from mailgate.model.settings import ImapSettings
from mailgate.store.fetched import Fetched, Folder, Ledger
from mailgate.store.ids import utc_now

LOG = Log("imap")
MOST_BYTES = 2 * 1024 * 1024  # of mails that are fetched and committed together
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, kw_only=True, slots=True)
class Pace:
    """How long things may take, in seconds."""

    idle: float = 240.0  # RFC 2177 says 29 minutes at most; routers on the way forget a quiet connection after five
    command: float = 30.0
    first_pause: float = 1.0  # after a connection was lost, doubled each time
    longest_pause: float = 120.0
    refused_pause: float = 60.0  # after a login was refused, doubled each time
    longest_refused_pause: float = 1800.0
    dead_after: float = 300.0  # unreachable for so long is worth an alarm; a refused login at once


Tell = Callable[[str, bool, str], None]
"""place, whether it works, why not → whoever alarms. Called when that changes, and again with each failure."""


TellOfGrant = Callable[[str, str, float | None], None]
"""place, why the token server refuses the grant ("": it does not), for how many seconds it is good (None: not told)."""


class ImapFetcher:
    """Fetches one folder. `run` until it is cancelled."""

    def __init__(
        self,
        settings: ImapSettings,
        recipients: Recipients,
        ledger: Ledger,
        new_id: Callable[[], str],
        *,
        size_limit: int,
        on_commit: Callable[[int], None] = lambda mails: None,
        tell: Tell = lambda place, works, why: None,
        tell_of_grant: TellOfGrant = lambda place, why, seconds: None,
        may_take: Callable[[], bool] = lambda: True,
        clock: Callable[[], datetime] = utc_now,
        tls: ssl.SSLContext | None = None,
        pace: Pace | None = None,
    ) -> None:
        """`may_take`: False while there is no room for mail; `tls` stands for the usual certificate check."""
        self.place: ImapPlace = place_of(settings)
        self._mailbox = settings.mailbox
        self._poll_seconds = settings.poll_seconds
        self._tokens = AccessTokens(settings.oauth) if settings.oauth else None
        self._recipients = recipients
        self._ledger = ledger
        self._new_id = new_id
        self._size_limit = size_limit
        self._on_commit = on_commit
        self._tell = tell
        self._tell_of_grant = tell_of_grant
        self._may_take = may_take
        self._clock = clock
        self._tls = (tls or ssl.create_default_context()) if self.place.is_encrypted else None
        self._pace = pace or Pace()
        self._failures = 0
        self._at_once = MOST_BYTES
        self._dead_since: float | None = None

    async def run(self) -> None:
        """Fetch for ever: a session after another, with growing pauses while none comes about."""
        while True:
            pause = await self._attempt()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 (so that accounts do not come at once)

    async def _attempt(self) -> float:
        """Have one session; return how long to wait before the next."""
        line = ImapLine(self.place, self._tls, seconds=self._pace.command)
        try:
            await self._session(line)
        except GrantRefused as error:  # an alarm of its own, and at once: waiting does not mend it
            self._tell_of_grant(self.place.name, str(error), None)
            return self._failed(str(error), self._pace.refused_pause, self._pace.longest_refused_pause, is_told=True)
        except (Denied, Refused) as error:
            return self._failed(str(error), self._pace.refused_pause, self._pace.longest_refused_pause, is_refused=True)
        except (Lost, TryLater) as error:
            self._at_once //= 4  # a line that breaks all the time must get somewhere: at least a mail
            return self._failed(str(error), self._pace.first_pause, self._pace.longest_pause)
        except Exception as error:  # a bug: what is not flagged is fetched again
            LOG.failed("imap.broken", error, place=self.place.name)
            return self._failed(type(error).__name__, self._pace.first_pause, self._pace.longest_pause)
        finally:
            line.abandon()
        raise AssertionError("a session ends by an error alone")

    def _failed(
        self, why: str, first: float, longest: float, *, is_refused: bool = False, is_told: bool = False
    ) -> float:
        now = asyncio.get_running_loop().time()
        self._dead_since = now if self._dead_since is None else self._dead_since
        pause = min(longest, first * float(1 << min(self._failures, 20)))
        self._failures += 1
        LOG.warning("imap.failed", place=self.place.name, because=why, pause=round(pause, 1))
        if not is_told and (is_refused or now - self._dead_since >= self._pace.dead_after):
            self._tell(self.place.name, False, why)
        return pause

    def _works(self) -> None:
        self._failures, self._dead_since = 0, None
        self._tell(self.place.name, True, "")

    async def _session(self, line: ImapLine) -> None:
        await line.greet()
        await self._log_in(line)
        if self.place.after == "move":
            await line.make_folder(self.place.target)
        validity, following = await line.select(self.place.folder)
        folder = await asyncio.to_thread(
            self._ledger.enter, self.place.name, validity, following, self._clock()
        )  # fmt: skip
        known = await asyncio.to_thread(self._ledger.known, folder)
        self._works()
        LOG.event("imap.began", place=self.place.name, known=len(known))
        while True:
            if self._may_take() and await self._take_all(line, folder, known):
                continue  # more may have come meanwhile: a push during a command is not told
            await line.wait(min(self._pace.idle, self._poll_seconds))

    async def _log_in(self, line: ImapLine) -> None:
        if self._tokens is None:
            await line.log_in(self.place.user, password=self.place.password)
            return
        token = await self._tokens.get()
        self._tell_of_grant(self.place.name, "", self._tokens.refresh_token_seconds)
        try:
            await line.log_in(self.place.user, token=token)
        except Denied:
            self._tokens.forget()
            raise

    async def _take_all(self, line: ImapLine, folder: Folder, known: dict[int, bool]) -> int:
        """Take everything that is there; return how many were new."""
        waiting = await self._waiting(line, folder, known)
        fresh = sum(uid not in known for uid in waiting)
        for start in range(0, len(waiting), MOST_AT_ONCE):
            some = waiting[start : start + MOST_AT_ONCE]
            # what an earlier session took, and could not settle any more
            await self._settle(line, [uid for uid in some if known.get(uid)])
            sizes = await line.sizes([uid for uid in some if uid not in known])
            for uid, size in sizes.items():
                if size > self._size_limit:
                    await self._pass_over(folder, uid, f"too big: {size}", known)
            for batch in batches_of({uid: size for uid, size in sizes.items() if uid not in known}, self._at_once):
                if not self._may_take():
                    return 0
                await self._take(line, folder, batch, known)
        return fresh

    async def _waiting(self, line: ImapLine, folder: Folder, known: dict[int, bool]) -> list[int]:
        """Return the UIDs to look at: where mail leaves the folder, all that is in it; else the unread, and whatever
        came since the first look: somebody may have read it before us."""
        if self.place.after != "seen":
            return await line.search("UNDELETED")
        unread = await line.search("UNSEEN", "UNDELETED")
        if folder.is_renumbered:
            since = await line.search("UNDELETED", "SINCE", _date(folder.since - timedelta(days=1)))
        else:
            # n:* holds the last mail even where that is before n (RFC 9051, 6.4.8)
            found = await line.search("UNDELETED", "UID", f"{folder.first_uid}:*")
            since = [uid for uid in found if uid >= folder.first_uid]
        return sorted({*unread, *(uid for uid in since if uid not in known)})

    async def _take(self, line: ImapLine, folder: Folder, batch: dict[int, int], known: dict[int, bool]) -> None:
        """Take the mails of these UIDs and sizes: one command, one commit, and only then one command more."""
        try:
            mails = await line.fetch(batch)
        except Denied:
            if len(batch) == 1:
                raise
            # one of them, which the server cannot read, must not keep its neighbours
            for uid, size in batch.items():
                await self._take(line, folder, {uid: size}, known)
            return
        for uid, raw in tuple(mails.items()):
            if len(raw) > self._size_limit:
                await self._pass_over(folder, uid, f"too big: {len(raw)}", known)
                del mails[uid]
        await self._store(folder, mails)
        known |= dict.fromkeys(mails, True)
        await self._settle(line, list(mails))
        self._at_once = min(MOST_BYTES, 2 * self._at_once + max(batch.values()))

    async def _pass_over(self, folder: Folder, uid: int, reason: str, known: dict[int, bool]) -> None:
        """It stays in the folder as it is, for a person."""
        LOG.warning("mail.refused", channel="imap", place=self.place.name, uid=uid, because=reason)
        await asyncio.to_thread(self._ledger.pass_over, folder, uid, reason, self._clock())
        known[uid] = False

    async def _store(self, folder: Folder, mails: Mapping[int, bytes]) -> None:
        now = self._clock()
        fetched = [self._fetched(uid, raw, now) for uid, raw in mails.items()]
        if folder.is_renumbered:
            fetched = await asyncio.to_thread(self._ledger.without_known, folder, fetched)
        try:
            await asyncio.to_thread(self._ledger.take, folder, fetched, now)
        except TryLater:
            raise
        except Exception:
            if len(fetched) == 1:
                raise
            # not the database's trouble but that of one of them: those before it must not suffer from it
            for one in fetched:
                await asyncio.to_thread(self._ledger.take, folder, [one], now)
        arrivals = [item.arrival for one in fetched for item in one.arrivals]
        if arrivals:
            self._on_commit(len(arrivals))
        for arrival in arrivals:
            LOG.event("mail.accepted", arrival=arrival.id, channel="imap", desk=arrival.desk, size=arrival.size)

    def _fetched(self, uid: int, raw: bytes, now: datetime) -> Fetched:
        wanted = addressed_to(raw)
        if not self._recipients.by_desk(wanted):
            wanted = (self._mailbox,)
        # no stranger writes into an account of the desk: what stands there came through its own mail server (S2)
        envelope = Envelope(
            channel="imap", sender=sender_of(raw), recipients=wanted, peer=self.place.host, is_trusted=True
        )  # fmt: skip
        arrivals = arrivals_of(raw, envelope, self._recipients, self._new_id, now)
        return Fetched(uid=uid, digest=hashlib.sha256(raw).hexdigest(), arrivals=arrivals)

    async def _settle(self, line: ImapLine, uids: Sequence[int]) -> None:
        """Do on the server what is configured, now that the mails are durable here."""
        if not uids:
            return
        match self.place.after:
            case "seen":
                await line.flag(uids, "\\Seen")
            case "delete":
                await line.delete(uids)
            case "move":
                await line.move(uids, self.place.target)


def batches_of(sizes: Mapping[int, int], most: int = MOST_BYTES) -> Iterator[dict[int, int]]:
    """Yield UIDs with their sizes, in order, up to `most` bytes at once; a larger mail comes alone."""
    batch: dict[int, int] = {}
    held = 0
    for uid, size in sizes.items():
        if batch and held + size > most:
            yield batch
            batch, held = {}, 0
        batch[uid] = size
        held += size
    if batch:
        yield batch


def _date(at: datetime) -> str:
    return f"{at.day}-{_MONTHS[at.month - 1]}-{at.year}"  # RFC 9051, 9: English, whatever the locale

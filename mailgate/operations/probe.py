"""The probe: mailgate mails itself through the public door and times the whole way, to the answer's end."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from mailgate.errors import MailgateError
from mailgate.log import Log
from mailgate.model.settings import ProbeSettings, RelaySettings
from mailgate.model.tokens import probe_message_id
from mailgate.outbox.relay import Parcel, Relay, Sent
from mailgate.outbox.ways import open_relay
from mailgate.store import probes
from mailgate.store.engine import reading, transaction
from mailgate.store.inbox import Inbox
from mailgate.store.probes import Probe

if TYPE_CHECKING:  # who only looks (`mailgate doctor`) decides nothing
    from mailgate.operations.alarms import Alarms
    from mailgate.pipeline import House

LOG = Log("probe")
LOOK_SECONDS = 0.5  # how often to look where it has got to
IDLE_SECONDS = 30.0  # how often at most to look whose turn it is
MAIL_KEPT, ROWS_KEPT = timedelta(days=1), timedelta(days=30)
KEY = "probe"


class Prober:
    """Sends test mails and follows them. Any number may run: each test mail is one of them's."""

    def __init__(self, house: "House", inbox: Inbox, alarms: "Alarms", relay: Relay | None = None) -> None:
        """`relay` stands for the way in that the configuration names."""
        assert house.settings.probe is not None, "there is a prober where there is a probe"
        self._house = house
        self._inbox = inbox
        self._alarms = alarms
        self._settings: ProbeSettings = house.settings.probe
        through = RelaySettings(url=self._settings.through)
        self._way_in = relay or open_relay(through, house.settings.smtp.hostname)

    async def run(self) -> None:
        """Send one whenever it is time, for ever."""
        while True:
            seconds = IDLE_SECONDS
            try:
                due = await asyncio.to_thread(self.take_turn)
                if due is None:
                    await self.once()
                    await asyncio.to_thread(self.judge)
                    continue
                seconds = min(IDLE_SECONDS, (due - self._house.clock()).total_seconds())
            except MailgateError as error:  # the database: the watch sees to that
                LOG.failed("probe.put_off", error)
            except Exception as error:
                LOG.failed("probe.failed", error)
            await asyncio.sleep(max(1.0, seconds))

    def take_turn(self) -> datetime | None:
        """Return None where it is our turn now, else when to ask again. What a dead process left is ended first."""
        now = self._house.clock()
        with transaction(self._house.engine) as connection:
            due = probes.take_turn(connection, timedelta(seconds=self._settings.every_seconds), now)
            if due is not None:
                return due
            late = now - timedelta(seconds=self._settings.within_seconds)
            for one in probes.under_way(connection, late):
                self._end(connection, one, "")
            digests = probes.clear(connection, now - MAIL_KEPT, now - ROWS_KEPT)
        self._inbox.forget_raw(digests)
        return None

    async def once(self) -> Probe:
        """Send one test mail now, and follow it until it has come through or its time is up."""
        which = self._house.tools.ids()
        begun = await asyncio.to_thread(self._begin, which)
        refused = await self._hand_in(which, begun)
        until = begun + timedelta(seconds=self._settings.within_seconds)
        while not refused and self._house.clock() < until:
            found = await asyncio.to_thread(self._find, which)
            if found.through_at is not None or found.letter_state == "failed":
                break
            await asyncio.sleep(LOOK_SECONDS)
        return await asyncio.to_thread(self._ended, which, refused)

    def judge(self) -> None:
        """Begin the alarm after so many failures in a row, and end it with the first that comes through."""
        with reading(self._house.engine) as connection:
            found = probes.ended(connection, self._settings.failures)
        desk = self._house.settings.desk_of(self._settings.to)
        desks = (desk.name,) if desk else ()
        if found and found[0].state == "through":
            self._alarms.end(KEY, "recovered_probe", described(found[0], self._settings), desks)
        elif probes.failures_in_a_row(found) >= self._settings.failures:
            self._alarms.begin(KEY, "probe", _told(found, self._settings), "mailgate doctor; mailgate probe", desks)

    def _begin(self, which: str) -> datetime:
        now = self._house.clock()
        with transaction(self._house.engine) as connection:
            probes.begin(connection, which, now, comes_back=self._settings.comes_back)
        return now

    async def _hand_in(self, which: str, begun: datetime) -> str:
        """Return why the door did not take it, or ""."""
        raw, message_id = probe_mail(self._settings, self._house.settings.secret, which, begun)
        parcel = Parcel(
            id=which, message_id=message_id, envelope_from=self._settings.from_, to=self._settings.to, raw=raw
        )
        try:
            result = await asyncio.wait_for(self._way_in.send(parcel), self._settings.within_seconds)
        except TimeoutError:
            return f"{self._settings.through} did not answer in time"
        finally:
            await self._way_in.close()
        if not isinstance(result, Sent):
            return f"{self._settings.through} does not take it: {result.text}"
        await asyncio.to_thread(self._note_handed_in, which)
        return ""

    def _note_handed_in(self, which: str) -> None:
        with transaction(self._house.engine) as connection:
            probes.note_handed_in(connection, which, self._house.clock())

    def _find(self, which: str) -> Probe:
        with reading(self._house.engine) as connection:
            found = probes.find(connection, which)
        assert found is not None, "it was begun, and is kept for days"
        return found

    def _ended(self, which: str, refused: str) -> Probe:
        with transaction(self._house.engine) as connection:
            found = probes.find(connection, which)
            assert found is not None, "it was begun, and is kept for days"
            self._end(connection, found, refused)
        ended = self._find(which)
        LOG.event("probe.ended", probe=which, state=ended.state, seconds=ended.seconds, because=ended.reason)
        return ended

    def _end(self, connection: Connection, found: Probe, refused: str) -> None:
        """The facts decide, whoever looks at them and however late."""
        is_in_time = found.seconds is not None and found.seconds <= self._settings.within_seconds
        state: probes.State = "through" if is_in_time else "failed"
        reason = "" if is_in_time else refused or where_it_is(found, self._settings)
        probes.end(connection, found, state, reason, self._house.clock())


def probe_mail(settings: ProbeSettings, secret: bytes, which: str, at: datetime) -> tuple[bytes, str]:
    """Return a test mail and its Message-ID. Whoever does not know it sees an automatic mail, and answers nothing."""
    message_id = probe_message_id(secret, which, settings.from_.rpartition("@")[2])
    lines = (
        f"From: <{settings.from_}>",
        f"To: <{settings.to}>",
        f"Subject: Test mail {which}",
        f"Date: {format_datetime(at)}",
        f"Message-ID: <{message_id}>",
        "Auto-Submitted: auto-generated",
        "X-Auto-Response-Suppress: All",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "mailgate sends this mail to itself, to see that mail gets through.",
        "It is no question of anybody's, and opens no ticket.",
        "",
    )
    return "\r\n".join(lines).encode("ascii", "replace"), message_id


def described(probe: Probe, settings: ProbeSettings) -> str:
    """Return in words how long each part of the way took, or why it was not come."""
    if probe.state != "through":
        return probe.reason
    took = [f"{name} {_after(probe, at)}" for name, at in stages(probe) if at is not None]
    return f"{settings.through} → {settings.to}: {', '.join(took)}"


def stages(probe: Probe) -> Sequence[tuple[str, datetime | None]]:
    """Return the stations of the way with the moment at which each was reached."""
    found = [
        ("handed in", probe.handed_in_at), ("arrived", probe.arrived_at), ("decided", probe.decided_at),
        ("answered", probe.answered_at),
    ]  # fmt: skip
    return [*found, ("returned", probe.returned_at)] if probe.comes_back else found


def where_it_is(probe: Probe, settings: ProbeSettings) -> str:
    """Return in words where a test mail has got stuck."""
    if probe.seconds is not None:
        return f"it took {probe.seconds:.0f} s, longer than {settings.within_seconds} s"
    if probe.answered_at is not None:
        return f"the answer left, but has not come back to {settings.from_}"
    if probe.arrived_at is not None:
        return f"it was read, but the answer has not left: {probe.letter_reason or probe.letter_state or 'it is gone'}"
    if probe.handed_in_at is not None:
        return f"{settings.through} took it, but it has not been read here: is `mailgate serve` running?"
    return f"it was not handed in to {settings.through}"


def _told(found: Sequence[Probe], settings: ProbeSettings) -> str:
    lines = [f"{one.began_at:%Y-%m-%d %H:%M:%S} UTC: {one.reason}" for one in found]
    return "\n".join([f"{settings.through} → {settings.to}", *lines])


def _after(probe: Probe, at: datetime) -> str:
    return f"{(at - probe.began_at).total_seconds():.1f} s"

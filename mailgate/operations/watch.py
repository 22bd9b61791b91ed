"""What a daemon looks at every few minutes, so that people need not: queues, disk, certificate, mailboxes."""

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from mailgate.errors import MailgateError
from mailgate.intake.door import Recipients
from mailgate.log import Log
from mailgate.operations import space
from mailgate.operations.certificate import expiry_of
from mailgate.operations.expiry import RENEW_GRANT, expiries, note_grant
from mailgate.operations.filters import pings
from mailgate.operations.probe import Prober
from mailgate.operations.queues import leaving
from mailgate.operations.retention import Retention
from mailgate.store import tally
from mailgate.store.engine import reading, transaction
from mailgate.store.inbox import Inbox

if TYPE_CHECKING:  # who only looks (`mailgate doctor`) decides nothing
    from mailgate.operations.alarms import Alarms
    from mailgate.pipeline import House

LOG = Log("watch")
LOOK_SECONDS = 120.0
STUCK_AFTER = timedelta(minutes=20)  # a staff mail may wait for DNS for a quarter of an hour
CERTIFICATE_DAYS = 14


class Watch:
    """Looks, and begins and ends alarms. Any number may run."""

    def __init__(self, house: "House", inbox: Inbox, alarms: "Alarms") -> None:
        self._house = house
        self._inbox = inbox
        self._alarms = alarms
        self._recipients = Recipients.of(house.settings)
        self._silent: Counter[str] = Counter()  # looks in a row at which a filter did not answer
        self._hand = ThreadPoolExecutor(1, "alarms")  # one after another, in their order

    async def run(self, seconds: float = LOOK_SECONDS) -> None:
        """Look for ever; test mails and what is kept no longer are seen to beside it."""
        house = self._house
        beside = [Prober(house, self._inbox, self._alarms).run()] if house.settings.probe else []
        if any(desk.accounts for desk in house.settings.desks.values()):
            from mailgate.operations.accounts import AccountClock

            beside.append(AccountClock(house, self._alarms).run())
        if any(desk.retention.is_on for desk in house.settings.desks.values()):
            beside.append(Retention(house, self._inbox).run())
        await asyncio.gather(self._keep_looking(seconds), *beside)

    async def _keep_looking(self, seconds: float) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await asyncio.to_thread(self.look)
            except MailgateError as error:  # the database: whoever waits for it hears of it
                LOG.failed("watch.put_off", error)
            except Exception as error:
                LOG.failed("watch.failed", error)

    def look(self) -> None:
        """Look at everything once."""
        self._look_at_arrivals()
        self._look_at_letters()
        self._look_at_disk()
        self._look_at_certificate()
        self._look_at_expiries()
        self._look_at_filters()
        with transaction(self._house.engine) as connection:
            tally.settle(connection)

    def tell_of_mailbox(self, mailbox: str, place: str, works: bool, why: str) -> None:
        """As `look_at_mailbox`, soon, without waiting for the database."""
        self._hand.submit(self.look_at_mailbox, mailbox, place, works, why)

    def look_at_mailbox(self, mailbox: str, place: str, works: bool, why: str) -> None:
        """An IMAP account works, or does not (I3); `mailbox` is the desk's address that it belongs to."""
        key, desk = f"mailbox:{place}", self._recipients.desk_of(mailbox)
        desks = (desk,) if desk else ()
        if works:
            self._alarms.end(key, "recovered_mailbox", place, desks)
        else:
            self._alarms.begin(key, "dead_mailbox", f"{place}: {why}", "mailgate doctor", desks)

    def tell_of_grant(self, mailbox: str, place: str, why: str, seconds: float | None) -> None:
        """As `look_at_grant`, soon, without waiting for the database."""
        self._hand.submit(self.look_at_grant, mailbox, place, why, seconds)

    def look_at_grant(self, mailbox: str, place: str, why: str, seconds: float | None) -> None:
        """The token server refuses what a mailbox is opened with, or has given a token; it may say for how long."""
        key, desk = f"refused:{place}", self._recipients.desk_of(mailbox)
        desks = (desk,) if desk else ()
        if why:
            self._alarms.begin(key, "token", f"{place}: {why}", RENEW_GRANT, desks)
            return
        self._alarms.end(key, "recovered_mailbox", place, desks)
        if seconds is not None:
            with transaction(self._house.engine) as connection:
                note_grant(connection, place, self._house.clock() + timedelta(seconds=seconds))

    def _look_at_arrivals(self) -> None:
        count, oldest = self._inbox.waiting()
        if oldest is not None and self._house.clock() - oldest >= STUCK_AFTER:
            detail = f"{count} mails wait to be read, the oldest since {oldest:%Y-%m-%d %H:%M} UTC"
            self._alarms.begin("arrivals", "stuck_inbox", detail, "mailgate doctor; systemctl restart mailgate")
        else:
            self._alarms.end("arrivals")

    def _look_at_letters(self) -> None:
        now = self._house.clock()
        with reading(self._house.engine) as connection:
            found = leaving(connection, now)
        if found.is_stuck(now, STUCK_AFTER):
            detail = (
                f"{found.count} letters wait, the oldest since {found.oldest_at:%Y-%m-%d %H:%M} UTC. {found.reason}"
            )
            self._alarms.begin("letters", "stuck_queue", detail, "mailgate doctor; mailgate outbox list")
        else:
            self._alarms.end("letters")

    def _look_at_disk(self) -> None:
        free = [space.free_in(folder) for folder in space.folders_of(self._house.settings)]
        little = [str(one) for one in free if one.is_little]
        if little:
            self._alarms.begin("disk", "disk", "; ".join(little))
        else:
            self._alarms.end("disk")

    def _look_at_certificate(self) -> None:
        file = self._house.settings.smtp.tls_cert
        if not file:
            return
        try:
            expiry = expiry_of(Path(file))
        except (OSError, ValueError) as error:
            self._alarms.begin("certificate", "certificate", f"{file}: {error}")
            return
        if expiry - self._house.clock() < timedelta(days=CERTIFICATE_DAYS):
            self._alarms.begin("certificate", "certificate", f"{file}: {expiry:%Y-%m-%d %H:%M} UTC")
        else:
            self._alarms.end("certificate")

    def _look_at_expiries(self) -> None:
        """Tokens, grants and secrets: told before they end, until they are renewed or gone."""
        now = self._house.clock()
        with reading(self._house.engine) as connection:
            soon = {f"expiry:{one.key}": one for one in expiries(connection, self._house.settings) if one.is_soon(now)}
        for key in self._alarms.begun():
            if key.startswith("expiry:") and key not in soon:
                self._alarms.end(key)
        for key, one in soon.items():
            desks = (one.desk,) if one.desk in self._house.settings.desks else ()
            self._alarms.begin(key, "token", str(one), one.advice, desks)

    def _look_at_filters(self) -> None:
        """M9: a filter that has not answered twice in a row is told of; mail goes on without it."""
        for name, why in pings(self._house.settings.junk).items():
            self._silent[name] = self._silent[name] + 1 if why else 0
            if not why:
                self._alarms.end(f"filter:{name}", "recovered_filter", name)
            elif self._silent[name] > 1:
                self._alarms.begin(f"filter:{name}", "filter_away", f"{name}: {why}", "mailgate doctor")

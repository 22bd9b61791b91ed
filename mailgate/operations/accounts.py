"""Accounts brought in from where they live (S10), on time: a process for each reading, one at a time for a source."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from mailgate.accounts.sources import Unread
from mailgate.accounts.sync import Outcome, Sync, Told, TooManyEnd
from mailgate.errors import MailgateError, Refused
from mailgate.log import Log
from mailgate.model.settings import AccountSource, Desk
from mailgate.store import accounts
from mailgate.store.engine import transaction

if TYPE_CHECKING:  # who only looks (`mailgate doctor`) decides nothing
    from mailgate.operations.alarms import Alarms
    from mailgate.pipeline import House

LOG = Log("accounts")
LOOK_SECONDS = 5.0
_LEAST_SECONDS = 600.0  # a reading may take so long, or as long as the pause between two
_NICENESS = 10
_HELP = "mailgate account sync --dry-run"


def synchronise(
    house: "House", alarms: "Alarms", desk: Desk, source: AccountSource, *, is_trial: bool = False, is_forced: bool = False,
    told: Told = lambda done, total: None,
) -> Outcome:  # fmt: skip
    """Bring one source in; its trouble becomes an alarm to the managers, and its end ends that. Raises it all the same."""
    sync = Sync(
        engine=house.engine, desk=desk, source=source, new_id=house.tools.ids, now=house.clock(), is_trial=is_trial,
        is_forced=is_forced,
    )  # fmt: skip
    if is_trial:
        return sync.run(told)
    key = f"accounts:{desk.name}:{source.name}"
    make_known(house)
    try:
        outcome = sync.run(told)
    except TooManyEnd as error:
        alarms.begin(f"{key}:guard", "accounts_guard", f"{source.name}: {error}", f"{_HELP}; --force", (desk.name,))
        raise
    except (Unread, Refused) as error:
        alarms.begin(key, "accounts_unread", f"{source.name}: {error}", _HELP, (desk.name,))
        raise
    alarms.end(f"{key}:guard")
    alarms.end(key, "recovered_accounts", source.name, (desk.name,))
    LOG.event(
        "accounts.read", desk=desk.name, source=source.name, contacts=outcome.contacts, added=outcome.added,
        changed=outcome.changed, ended=outcome.ended, complaints=outcome.complaints.count,
    )  # fmt: skip
    return outcome


def make_known(house: "House") -> None:
    """Let every configured source have its row."""
    named = [(desk.name, one.name) for desk in house.settings.desks.values() for one in desk.accounts]
    with transaction(house.engine) as connection:
        accounts.add_sources(connection, named, house.clock())


class AccountClock:
    """Reads sources when it is their time. Any number may run: whoever moves a source's time on reads it.

    A reading is a process of its own: a driver that hangs or eats memory costs that process, and no mail waits for it.
    """

    def __init__(
        self, house: "House", alarms: "Alarms", program: Sequence[str] = (sys.executable, "-m", "mailgate"),
        on_told: Callable[[], None] = lambda: None,
    ) -> None:  # fmt: skip
        """`on_told`: there may be a letter to be sent."""
        self._house = house
        self._alarms = alarms
        self._program = program
        self._on_told = on_told
        self._busy: set[tuple[str, str]] = set()
        self._sources = {
            (desk.name, one.name): (desk, one) for desk in house.settings.desks.values() for one in desk.accounts
        }

    async def run(self, seconds: float = LOOK_SECONDS) -> None:
        """Look for ever."""
        is_known = False
        async with asyncio.TaskGroup() as readings:  # one that hangs keeps no other waiting; they end with us
            while True:
                try:
                    if not is_known:
                        await asyncio.to_thread(make_known, self._house)
                        is_known = True
                    for desk, source in await asyncio.to_thread(self.claim):
                        readings.create_task(self._read_once(desk, source))
                except MailgateError as error:
                    LOG.failed("accounts.put_off", error)
                except Exception as error:
                    LOG.failed("accounts.failed", error)
                await asyncio.sleep(seconds)

    def claim(self) -> list[tuple[Desk, AccountSource]]:
        """Return the sources that are due and ours to read now."""
        now = self._house.clock()
        mine: list[tuple[Desk, AccountSource]] = []
        with transaction(self._house.engine) as connection:
            for desk, name in accounts.due_sources(connection, now):
                found = self._sources.get((desk, name))
                if found and accounts.claim_source(connection, desk, name, now, found[1].every_seconds):
                    mine.append(found)
        return mine

    async def _read_once(self, desk: Desk, source: AccountSource) -> None:
        """Read a source, unless it is still being read since the time before."""
        key = (desk.name, source.name)
        if key in self._busy:
            return
        self._busy.add(key)
        try:
            await self._read(desk, source)
        except Exception as error:
            LOG.failed("accounts.failed", error, source=source.name)
        finally:
            self._busy.discard(key)

    async def _read(self, desk: Desk, source: AccountSource) -> None:
        command = (
            *self._program, "--config", self._house.settings.source, "account", "sync", "--desk", desk.name, "--source",
            source.name,
        )  # fmt: skip
        process = await asyncio.create_subprocess_exec(
            *command, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        with suppress(OSError):  # mail comes first
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
        allowed = max(_LEAST_SECONDS, source.every_seconds)
        try:
            await asyncio.wait_for(process.wait(), allowed)
        except TimeoutError:
            process.kill()
            await process.wait()
            detail = f"{source.name}: not read within {allowed:.0f} s"
            await asyncio.to_thread(
                self._alarms.begin,
                f"accounts:{desk.name}:{source.name}",
                "accounts_unread",
                detail,
                _HELP,
                (desk.name,),
            )
        except asyncio.CancelledError:
            with suppress(ProcessLookupError):
                process.terminate()
            await process.wait()
            raise
        LOG.event("accounts.process_ended", desk=desk.name, source=source.name, code=process.returncode)
        self._on_told()

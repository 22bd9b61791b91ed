"""Old tickets into the store, in groups: each group is one transaction, so that what was interrupted goes on."""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from sqlalchemy import Connection

from mailgate import phrases
from mailgate.apply import apply
from mailgate.blobs import Blobs
from mailgate.intake.panel import panel_mail
from mailgate.model.people import Contact
from mailgate.model.settings import Desk
from mailgate.model.ticket import StoredFile
from mailgate.parse import LimitExceeded, subject
from mailgate.parse.language import detect
from mailgate.pipeline import House
from mailgate.store import takeover
from mailgate.store.engine import has_one_writer, hold, reading, transaction
from mailgate.store.takeover import Known
from mailgate.takeover.deciding import SOURCE, Setting, find_owner, take_over
from mailgate.takeover.record import OldMessage, OldTicket, Wrong

GROUP = 400
_REST_SECONDS = 0.11
_GROUP_BYTES = 32 * 1024 * 1024  # of attachments: what is in memory at once
_SUBJECTS = 4096
Told = Callable[[int], None]


@dataclass(slots=True)
class Tally:
    """What an import came to. `complaints` name the record that could not be taken, `remarks` what was left out."""

    taken: int = 0
    known: int = 0
    messages: int = 0
    files: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    remarks: Counter[str] = field(default_factory=Counter)


class Importer:
    """Takes tickets over. `queues`: what a queue of the other system is called here. `is_trial`: nothing is written."""

    def __init__(self, house: House, blobs: Blobs, queues: Mapping[str, str], *, is_trial: bool = False) -> None:
        self._house = house
        self._blobs = blobs
        self._queues = queues
        self._is_trial = is_trial
        self._settings: dict[str, Setting] = {}
        self.tally = Tally()

    def run(self, tickets: Iterable[OldTicket | None], greatest: int, told: Told) -> Tally:
        """Take them all; `greatest` is their greatest number, `told` hears how many are done. None stands for a record
        that could not be read."""
        if greatest and not self._is_trial:
            with transaction(self._house.engine) as connection:
                takeover.keep_numbers_below(connection, greatest)
        done, group, size = 0, list[OldTicket](), 0
        for ticket in tickets:
            done += 1
            if ticket is not None:
                group.append(ticket)
                size += sum(len(file.content) for one in ticket.messages for file in one.files)
            if len(group) >= GROUP or size >= _GROUP_BYTES:
                self._take(group)
                group, size = [], 0
                told(done)
                self._let_others_write()
        self._take(group)
        told(done)
        return self.tally

    def _let_others_write(self) -> None:
        """SQLite's waiting writers look whether they may ten times a second: a moment between two groups is too short for
        a daemon's workers to see it, and mail would wait to the end."""
        if has_one_writer(self._house.engine) and not self._is_trial:
            time.sleep(_REST_SECONDS)

    def _take(self, group: Sequence[OldTicket]) -> None:
        for desk in dict.fromkeys(one.desk for one in group):
            some = [one for one in group if one.desk == desk]
            if desk in self._house.settings.desks:
                self._take_of_desk(self._house.settings.desks[desk], some)
            else:
                there = ", ".join(self._house.settings.desks)
                self.tally.complaints += [f"{one.source}: desk: {desk!r} is none (there are {there})" for one in some]

    def _take_of_desk(self, desk: Desk, group: Sequence[OldTicket]) -> None:
        setting = self._setting(desk)
        stored = {id(one): files for one in group if (files := self._store_files(one)) is not None}
        open_ = reading if self._is_trial else transaction
        with open_(self._house.engine) as connection:
            if not self._is_trial:
                hold(connection, (f"ticket:{one.number}" for one in group))
            fresh = self._unknown(connection, [one for one in group if id(one) in stored])
            contacts = self._contacts(connection, desk, fresh)
            for one in fresh:
                self._take_one(connection, one, setting, contacts.get(one.requestor, []), stored[id(one)])

    def _take_one(
        self, connection: Connection, old: OldTicket, setting: Setting, contacts: Sequence[Contact],
        files: Sequence[Sequence[StoredFile]],
    ) -> None:  # fmt: skip
        now = self._house.clock()
        try:
            decision = take_over(old, setting, contacts, files, now)
        except Wrong as error:
            self._complain(old, str(error))
            return
        if not self._is_trial:
            apply(connection, decision, self._house.tools, now)
        tally = self.tally
        tally.taken += 1
        tally.messages += len(old.messages)
        tally.files += sum(len(one.files) for one in old.messages)
        tally.statuses[old.status] += 1
        if old.owner and find_owner(old.owner, setting.staff) is None:
            tally.remarks[f"the owner {old.owner!r} is nobody of desk {old.desk}: such tickets have none"] += 1

    def _unknown(self, connection: Connection, group: Sequence[OldTicket]) -> list[OldTicket]:
        """Leave out what has been taken over before, and complain of numbers that another ticket has."""
        there = takeover.known_tickets(connection, [one.number for one in group])
        ids = [one.first_id for one in group if one.first_id]
        mails = takeover.tickets_of_mails(connection, group[0].desk, ids) if group and there else {}
        fresh: dict[int, OldTicket] = {}
        for one in group:
            if one.number in fresh:
                before = fresh[one.number]
                if before.first_id == one.first_id and before.created_at == one.created_at:
                    self.tally.known += 1
                else:
                    self._complain(one, _taken(one, before.first_id, f" in {before.source}"))
            elif one.number not in there:
                fresh[one.number] = one
            elif _is_same(one, there[one.number], mails):
                self.tally.known += 1
            else:
                self._complain(one, _taken(one, takeover.first_mail(connection, one.number), ""))
        return list(fresh.values())

    def _contacts(self, connection: Connection, desk: Desk, fresh: Sequence[OldTicket]) -> dict[str, list[Contact]]:
        today = self._house.clock().astimezone(desk.timezone).date()
        addresses = list(dict.fromkeys(one.requestor for one in fresh if one.requestor))
        return takeover.contacts_of(connection, desk.name, addresses, today)

    def _store_files(self, old: OldTicket) -> list[tuple[StoredFile, ...]] | None:
        """Keep the attachments as our own are kept: in a raw mail among the blobs, made for its entry. None: they cannot
        be, which is said."""
        stored: list[tuple[StoredFile, ...]] = []
        for place, one in enumerate(old.messages):
            try:
                stored.append(self._store_mail(old, place, one) if one.files else ())
            except (LimitExceeded, ValueError, IndexError) as error:
                self._complain(old, f"messages[{place}]: its attachments cannot be kept: {error}")
                return None
        return stored

    def _store_mail(self, old: OldTicket, place: int, message: OldMessage) -> tuple[StoredFile, ...]:
        desk = self._house.settings.desks.get(old.desk)
        mailbox = desk.mailboxes[0].address if desk else ""
        raw = panel_mail(
            address=message.author, name=message.author_name, mailbox=mailbox, subject=message.subject or old.subject,
            text=message.text, message_id=message.message_id or f"{old.number}.{place}@{SOURCE}.invalid", at=message.at,
            files=[(one.filename or "attachment", one.content_type, one.content) for one in message.files],
        )  # fmt: skip
        digest = hashlib.sha256(raw).hexdigest()
        kept = self._house.read(raw).attachments
        if not self._is_trial:
            self._blobs.put(digest, raw)
        return tuple(
            StoredFile(
                filename=one.filename, content_type=one.content_type, size=one.size, sha256=one.sha256,
                inline=one.inline, digest=digest, part=part, content_id=one.content_id,
            )
            for part, one in enumerate(kept)
        )  # fmt: skip

    def _setting(self, desk: Desk) -> Setting:
        if desk.name not in self._settings:
            desks = self._house.settings.desks.values()
            spoken, tags = phrases.load(), frozenset(word for one in desks for word in one.tag_words)

            @lru_cache(maxsize=_SUBJECTS)
            def core(text: str) -> str:
                return subject.facts(text, spoken, tags).core

            with reading(self._house.engine) as connection:
                staff = self._house.gatherer.people(connection, desk.name)
            boxes = {one.address for each in self._house.settings.desks.values() for one in each.mailboxes}
            self._settings[desk.name] = Setting(
                desk=desk, staff=staff, core=core, language=lambda text: detect(text, spoken), queues=self._queues,
                own_addresses=boxes,
            )  # fmt: skip
        return self._settings[desk.name]

    def _complain(self, old: OldTicket, text: str) -> None:
        self.tally.complaints.append(f"{old.source}: {text}")


def _is_same(old: OldTicket, there: Known, mails: Mapping[str, int]) -> bool:
    """Is that the ticket which this record became? It is known by its first mail, wherever that is by now."""
    if there.desk != old.desk:
        return False
    if old.first_id is None:
        return there.source == SOURCE and there.created_at == old.created_at
    ticket = mails.get(old.first_id)
    if ticket is None:
        return False
    is_on_it = ticket in (there.number, there.merged_into)
    return is_on_it or (there.source == SOURCE and there.created_at == old.created_at)


def _taken(old: OldTicket, there: str | None, where: str) -> str:
    return (
        f"number: ticket {old.number} is there already{where}, with another first mail"
        f" (here {_shown(old.first_id)}, there {_shown(there)})"
    )


def _shown(message_id: str | None) -> str:
    return f"<{message_id}>" if message_id else "one without Message-ID"

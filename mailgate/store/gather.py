"""Gather: everything the store knows of a mail's clues, read inside the transaction that will decide on it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, and_, bindparam, func, literal, select

from mailgate.model.facts import Clues, Facts, Held, Incident, OpenTicket, Referenced, Seen
from mailgate.model.people import Account, Contact, Staff
from mailgate.model.settings import Desk, bare_address
from mailgate.model.ticket import Case, Message
from mailgate.store import rows
from mailgate.store.engine import claimable, may_lock, unindexed
from mailgate.store.listing import listed
from mailgate.store.outbox import OUTBOX
from mailgate.store.prepared import Listed, Prepared
from mailgate.store.tables import (
    ACCOUNT,
    ADDRESS_MARK,
    ARRIVAL,
    CONTACT,
    DEADLINE,
    HELD,
    INCIDENT,
    MESSAGE,
    REFERENCE,
    SIGHTING,
    STAFF,
    SUSPICION,
    TICKET,
)

_MESSAGES = 20
_MOST_HOSTS = 20
_MOST_LETTERS = 40


_PEOPLE = Prepared(select(STAFF).where(STAFF.c.desk == bindparam("d")).order_by(STAFF.c.address))
_TICKETS = Listed(lambda names: select(TICKET).where(TICKET.c.number.in_(names)))
# in one order, so that two transactions with several tickets do not wait for each other
_OWN_TICKETS = Listed(
    lambda names: select(TICKET).where(TICKET.c.number.in_(names)).order_by(TICKET.c.number).with_for_update()
)
_DEADLINES = Listed(lambda names: select(DEADLINE).where(DEADLINE.c.ticket.in_(names)).order_by(DEADLINE.c.id))
_LAST_MESSAGES = Prepared(
    select(MESSAGE).where(MESSAGE.c.ticket == bindparam("t")).order_by(MESSAGE.c.id.desc()).limit(_MESSAGES)
)
_TEXTS = Listed(
    lambda names: (
        select(OUTBOX.c.created_at, OUTBOX.c.subject, OUTBOX.c.text)
        .where(
            OUTBOX.c.ticket.in_(names), OUTBOX.c.audience == literal("customer"), OUTBOX.c.state != literal("withdrawn")
        )
        .order_by(OUTBOX.c.id.desc())
        .limit(_MOST_LETTERS)
    )
)
_SEEN = Prepared(
    select(ARRIVAL.c.id, ARRIVAL.c.ticket, ARRIVAL.c.outcome)
    .where(ARRIVAL.c.desk == bindparam("d"), ARRIVAL.c.content_key == bindparam("k"))
    .order_by(ARRIVAL.c.id)
    .limit(1)
)
_CONTACT_COLUMNS = (
    *CONTACT.c, ACCOUNT.c.id.label("account_id"), ACCOUNT.c.number.label("account_number"),
    ACCOUNT.c.login.label("account_login"), ACCOUNT.c.name.label("account_name"),
    ACCOUNT.c.language.label("account_language"),
)  # fmt: skip
_CONTACTS = select(*_CONTACT_COLUMNS).join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
_CONTACT = Prepared(
    _CONTACTS.where(CONTACT.c.desk == bindparam("d"), CONTACT.c.address == bindparam("a")).order_by(CONTACT.c.id)
)
_ACCOUNT_CONTACTS = Listed(
    lambda names: (
        _CONTACTS.where(ACCOUNT.c.desk == bindparam("d"), ACCOUNT.c.number.in_(names)).order_by(CONTACT.c.id).limit(200)
    )
)
_OPEN = ("new", "open", "waiting")
_OPEN_COLUMNS = (TICKET.c.number, TICKET.c.requestor, TICKET.c.account)
_IS_OPEN = (unindexed(TICKET.c.desk) == bindparam("d"), TICKET.c.status.in_([literal(one) for one in _OPEN]))
_OPEN_OF_ACCOUNTS = Listed(
    lambda names: (
        select(*_OPEN_COLUMNS).where(TICKET.c.account.in_(names), *_IS_OPEN).order_by(TICKET.c.number.desc()).limit(50)
    )
)
_OPEN_OF_REQUESTORS = Listed(
    lambda names: (
        select(*_OPEN_COLUMNS)
        .where(TICKET.c.requestor.in_(names), *_IS_OPEN)
        .order_by(TICKET.c.number.desc())
        .limit(50)
    )
)
_REFERENCES = Listed(
    lambda names: select(REFERENCE.c.message_id, REFERENCE.c.ticket, REFERENCE.c.is_named).where(
        REFERENCE.c.message_id.in_(names), REFERENCE.c.desk == bindparam("d")
    )
)
_EXPECTED = Prepared(
    select(REFERENCE.c.ticket).where(
        REFERENCE.c.message_id == bindparam("m"), REFERENCE.c.desk == bindparam("d"), REFERENCE.c.is_named
    )
)
_SAME_SUBJECT = Prepared(
    select(TICKET.c.number, func.max(MESSAGE.c.at).label("last"))
    .join(MESSAGE, MESSAGE.c.ticket == TICKET.c.number)
    .where(
        MESSAGE.c.author == bindparam("a"), MESSAGE.c.at >= bindparam("since"),
        MESSAGE.c.kind.in_([literal("customer"), literal("auto")]),
        TICKET.c.desk == bindparam("d"), TICKET.c.subject_key == bindparam("k"),
        TICKET.c.status.in_([literal("new"), literal("open"), literal("waiting")]),
    )
    .group_by(TICKET.c.number)
    .order_by(func.max(MESSAGE.c.at).desc())
    .limit(5)
)  # fmt: skip
_MERGED_SUBJECT = Prepared(
    select(TICKET.c.number)
    .where(
        TICKET.c.requestor == bindparam("a"), TICKET.c.desk == bindparam("d"), TICKET.c.subject_key == bindparam("k"),
        TICKET.c.status == literal("merged"),
    )
    .order_by(TICKET.c.number.desc())
    .limit(5)
)  # fmt: skip
_LETTERS = Listed(
    lambda names: select(OUTBOX.c.to_address, OUTBOX.c.created_at, OUTBOX.c.kind, OUTBOX.c.subject)
    .where(
        OUTBOX.c.to_address.in_(names), OUTBOX.c.created_at > bindparam("since"), OUTBOX.c.is_automatic,
        OUTBOX.c.audience == "customer", OUTBOX.c.state != "withdrawn",
        OUTBOX.c.kind.not_in([literal("incident"), literal("announcement")]),
    )
    .limit(2000)
)  # fmt: skip
_MARKS = Listed(
    lambda names: select(ADDRESS_MARK.c.address, ADDRESS_MARK.c.mark).where(
        ADDRESS_MARK.c.desk == bindparam("d"), ADDRESS_MARK.c.address.in_(names)
    )
)
_HAS_INCIDENT = Prepared(
    select(INCIDENT.c.number).where(INCIDENT.c.desk == bindparam("d"), INCIDENT.c.state == "open").limit(1)
)
_SIGHTINGS = Listed(
    lambda names: (
        select(SIGHTING.c.host, SIGHTING.c.ticket)
        .where(SIGHTING.c.desk == bindparam("d"), SIGHTING.c.host.in_(names), SIGHTING.c.at >= bindparam("since"))
        .limit(500)
    )
)
_SUSPICIONS = Listed(
    lambda names: select(SUSPICION.c.host).where(
        SUSPICION.c.desk == bindparam("d"), SUSPICION.c.host.in_(names), SUSPICION.c.at >= bindparam("since")
    )
)


def _relays(tickets: Sequence[Any]) -> Any:
    return (
        select(OUTBOX.c.message, OUTBOX.c.state)
        .where(OUTBOX.c.ticket.in_(tickets), OUTBOX.c.kind == literal("relay"), OUTBOX.c.message.is_not(None))
        .order_by(OUTBOX.c.id.desc())
        .limit(500)
    )


_RELAYS = Listed(_relays)
_OWN_RELAYS = Listed(lambda tickets: _relays(tickets).with_for_update())


class Gatherer:
    """Reads facts. People of a desk change seldom: they are kept until `forget_people` says they changed."""

    def __init__(self) -> None:
        self._people: dict[str, tuple[Staff, ...]] = {}

    def forget_people(self) -> None:
        self._people.clear()

    def gather(self, connection: Connection, clues: Clues, desk: Desk, now: datetime) -> Facts:
        """Return the facts for one mail."""
        people = self.people(connection, desk.name)
        staff = next((one for one in people if one.address == clues.sender), None)
        referenced = _referenced(connection, clues)
        contacts = _contacts(connection, desk.name, [clues.sender] if clues.sender and not staff else [])
        named = _named_accounts(connection, desk.name, clues)
        expected = _expected(connection, clues)
        same = _same_subject(connection, clues, desk, now) if contacts and clues.subject else ()
        numbers = [*clues.numbers, *clues.commands_name, *(one.ticket for one in referenced if one.ticket), *same]
        numbers += [own.ticket for _, own in clues.own_ids if own.ticket] + ([expected] if expected else [])
        cases, survivors = read_cases(connection, desk.name, numbers)
        addresses = _letter_addresses(clues, cases)
        counts_10, counts_day, acks = _letters_sent(connection, addresses, now)
        accounts = _accounts_of(cases, contacts, named)
        colleagues = _contacts_of_accounts(connection, desk.name, accounts) if cases or named else ()
        messages = read_messages(connection, list(cases))
        return Facts(
            seen=_seen(connection, clues),
            contacts=contacts,
            reply_to_contacts=_contacts(connection, desk.name, [clues.reply_to] if clues.reply_to else []),
            forwarded_contacts=_contacts(connection, desk.name, [clues.forwarded] if staff and clues.forwarded else []),
            reply_to_is_known=_is_known(connection, desk, people, clues.reply_to),
            staff=staff,
            people=people,
            survivors=survivors,
            cases=cases,
            referenced=referenced,
            expected_by=expected,
            same_subject=same,
            named_accounts=named,
            account_contacts=colleagues,
            listed=listed(connection, desk, staff.address, clues) if staff and clues.listing else (),
            open_tickets=_open_tickets(
                connection, desk.name, [] if staff else [clues.sender, clues.forwarded], cases, contacts
            ),
            messages=messages,
            letters=_letters(connection, messages) if clues.has_quotes and cases and not staff else None,
            marks=_marks(connection, desk.name, _unique((*addresses, *(one.address for one in colleagues)))),
            letters_10_minutes=counts_10,
            letters_day=counts_day,
            acks_day=acks,
            held=_held(connection, clues),
            incidents=_open_incidents(connection, desk.name),
            sightings=_sightings(connection, clues, desk, now),
            suspected=_suspected(connection, clues, desk, now),
            overdue_load=_load(connection, desk, now),
            foreign_accounts=_foreign(connection, clues, cases) if staff else (),
            extra={"unsent_messages": _unsent(connection, list(cases))} if staff else {},
        )

    def gather_for_ticket(self, connection: Connection, case: Case, now: datetime) -> Facts:
        """Return the facts for a clock or a command on one ticket."""
        ticket = case.ticket
        addresses = [one for one in (ticket.requestor, ticket.reply_address) if one]
        colleagues = _contacts_of_accounts(connection, ticket.desk, [ticket.account] if ticket.account else [])
        counts_10, counts_day, _ = _letters_sent(connection, addresses, now)
        return Facts(
            people=self.people(connection, ticket.desk),
            survivors={ticket.number: ticket.number},
            cases={ticket.number: case},
            account_contacts=colleagues,
            open_tickets=_open_tickets(connection, ticket.desk, [], {ticket.number: case}, ()),
            messages=read_messages(connection, [ticket.number]),
            marks=_marks(connection, ticket.desk, _unique((*addresses, *(one.address for one in colleagues)))),
            letters_10_minutes=counts_10,
            letters_day=counts_day,
        )

    def people(self, connection: Connection, desk: str) -> tuple[Staff, ...]:
        """Return everyone of the desk, in the order of their names."""
        if desk not in self._people:
            self._people[desk] = tuple(rows.staff_of(row) for row in _PEOPLE.mapped(connection, {"d": desk}))
        return self._people[desk]


def read_cases(
    connection: Connection, desk: str | None, numbers: Iterable[int]
) -> tuple[dict[int, Case], dict[int, int]]:
    """Return the cases that stand for `numbers` on `desk` (None: any), and which number each of them leads to.

    In a transaction that may write they are its own from here to its end: nobody else decides on them meanwhile.
    """
    query = _OWN_TICKETS if may_lock(connection) else _TICKETS
    wanted = set(numbers)
    if not wanted:
        return {}, {}
    tickets: dict[int, Any] = {}
    missing = set(wanted)
    while missing:  # merged tickets are followed, however often (T2)
        found = query.mapped(connection, sorted(missing))
        new = {row["number"]: rows.ticket_of(row) for row in found if desk is None or row["desk"] == desk}
        tickets.update(new)
        missing = {one.merged_into for one in new.values() if one.merged_into} - set(tickets)
    survivors = {number: _survivor(number, tickets) for number in wanted if number in tickets}
    kept = {number: tickets[number] for number in set(survivors.values()) if number in tickets}
    deadlines: dict[int, list[Any]] = {number: [] for number in kept}
    if kept:
        for row in _DEADLINES.mapped(connection, sorted(kept)):
            deadlines[row["ticket"]].append(rows.deadline_of(row))
    cases = {number: Case(ticket=one, deadlines=tuple(deadlines[number])) for number, one in kept.items()}
    return cases, {number: survivor for number, survivor in survivors.items() if survivor in cases}


def names_of(clues: Clues) -> list[str]:
    """Return what a mail may share with another one: only one transaction at a time may decide on each (I5, T1, T6, A3,
    N3). It is all that `gather` looks for and might find a moment later."""
    desk = clues.desk
    names = [f"content:{desk}:{clues.content_key}"]
    names += [f"person:{desk}:{one}" for one in (clues.sender, clues.reply_to) if one]
    names += [f"message:{desk}:{one}" for one in (clues.own_message_id, *clues.message_ids) if one]
    names += [f"ticket:{one}" for one in (*clues.numbers, *clues.commands_name)]
    names += [f"host:{desk}:{one}" for one in clues.findings.sighted[:_MOST_HOSTS]]
    return names


def take_tickets(connection: Connection, numbers: Sequence[int]) -> list[int]:
    """Return those of `numbers` that nobody else is deciding on; they are this transaction's own now."""
    if not numbers or not may_lock(connection):
        return list(numbers)
    query = select(TICKET.c.number).where(TICKET.c.number.in_(numbers)).order_by(TICKET.c.number)
    free = set(connection.execute(claimable(query)).scalars())
    return [number for number in numbers if number in free]


def own_tickets(connection: Connection, numbers: Iterable[int | None]) -> None:
    """Make the tickets this transaction's own, as soon as nobody else decides on them."""
    wanted = {one for one in numbers if one is not None}
    if wanted and may_lock(connection):
        query = select(TICKET.c.number).where(TICKET.c.number.in_(wanted)).order_by(TICKET.c.number)
        connection.execute(query.with_for_update())


def read_messages(connection: Connection, tickets: Sequence[int]) -> dict[int, tuple[Message, ...]]:
    """Return the newest entries of each ticket, the newest last."""
    found: dict[int, tuple[Message, ...]] = {}
    for number in tickets:
        entries = [rows.message_of(row) for row in _LAST_MESSAGES.mapped(connection, {"t": number})]
        found[number] = tuple(reversed(entries))
    return found


def _letters(connection: Connection, messages: Mapping[int, tuple[Message, ...]]) -> tuple[str, ...] | None:
    """Return the texts that a mail on these tickets may quote, notes too (an expert answers one); None where some are not known:
    there are more than are looked at, or retention has taken their words."""
    sent = _TEXTS.all(connection, sorted(messages))
    said = [one for entries in messages.values() for one in entries]
    is_whole = len(sent) < _MOST_LETTERS and all(len(entries) < _MESSAGES for entries in messages.values())
    if not is_whole or not all(text for _, _, text in sent):
        return None
    found = [(at, f"{subject}\n{text}") for at, subject, text in sent]
    found += [(one.at, f"{one.subject}\n{one.text or one.visible_text}") for one in said]
    return tuple(text for _, text in sorted(found, key=lambda pair: pair[0], reverse=True))


def read_incidents(connection: Connection, desk: str | None, *, is_open: bool = True) -> tuple[Incident, ...]:
    query = select(INCIDENT).order_by(INCIDENT.c.number)
    if desk is not None:
        query = query.where(INCIDENT.c.desk == desk)
    if is_open:
        query = query.where(INCIDENT.c.state == "open")
    return tuple(
        Incident(
            number=row["number"], desk=row["desk"], state=row["state"], hosts=tuple(row["hosts"]),
            services=tuple(row["services"]), domains=tuple(row["domains"]), texts=row["texts"],
            opened_at=row["opened_at"],
        )
        for row in connection.execute(query).mappings()
    )  # fmt: skip


def _open_incidents(connection: Connection, desk: str) -> tuple[Incident, ...]:
    """Return the desk's open incidents; most of the time there is none."""
    if _HAS_INCIDENT.first(connection, {"d": desk}) is None:
        return ()
    return read_incidents(connection, desk)


def _survivor(number: int, tickets: dict[int, Any]) -> int:
    for _ in range(100):
        into = tickets[number].merged_into if number in tickets else None
        if not into:
            return number
        number = into
    return number


def _seen(connection: Connection, clues: Clues) -> Seen | None:
    row = _SEEN.first(connection, {"d": clues.desk, "k": clues.content_key})
    return Seen(arrival=row[0], ticket=row[1], outcome=row[2]) if row else None


def _contacts(connection: Connection, desk: str, addresses: Sequence[str]) -> tuple[Contact, ...]:
    if not addresses:
        return ()
    return tuple(rows.contact_of(row) for row in _CONTACT.mapped(connection, {"d": desk, "a": addresses[0]}))


def _contacts_of_accounts(connection: Connection, desk: str, numbers: Sequence[str]) -> tuple[Contact, ...]:
    if not numbers:
        return ()
    return tuple(rows.contact_of(row) for row in _ACCOUNT_CONTACTS.mapped(connection, numbers, d=desk))


def _named_accounts(connection: Connection, desk: str, clues: Clues) -> tuple[Account, ...]:
    """Return the accounts whose number or login the mail names (S5)."""
    numbers = [one.lower() for one in clues.findings.account_numbers]
    logins = [one.lower() for one in clues.findings.logins]
    found: dict[str, Account] = {}
    for column, values in ((ACCOUNT.c.number_key, numbers), (ACCOUNT.c.login_key, logins)):
        if values:
            query = select(ACCOUNT).where(ACCOUNT.c.desk == desk, column.in_(values))
            found.update((row["id"], rows.account_of(row)) for row in connection.execute(query).mappings())
    return tuple(found.values())


def _referenced(connection: Connection, clues: Clues) -> tuple[Referenced, ...]:
    if not clues.message_ids:
        return ()
    found = _REFERENCES.all(connection, clues.message_ids, d=clues.desk)
    known = {message_id: ticket for message_id, ticket, is_named in found if not is_named}
    return tuple(Referenced(message_id=one, ticket=known[one]) for one in clues.message_ids if one in known)


def _expected(connection: Connection, clues: Clues) -> int | None:
    """Return the ticket of a mail that came before this one and named it (T1c)."""
    if not clues.own_message_id:
        return None
    found: int | None = _EXPECTED.scalar(connection, {"m": clues.own_message_id, "d": clues.desk})
    return found


def _same_subject(connection: Connection, clues: Clues, desk: Desk, now: datetime) -> tuple[int, ...]:
    """Return open tickets that the sender wrote on within the window under the same subject (T6), newest first; else
    those of the sender that went into others, which stand for them."""
    since = now - timedelta(seconds=desk.rules.same_subject_seconds)
    values = {"a": clues.sender, "since": since, "d": desk.name, "k": clues.subject}
    found = _SAME_SUBJECT.all(connection, values) or _MERGED_SUBJECT.all(connection, values)
    return tuple(row[0] for row in found)


def _open_tickets(
    connection: Connection,
    desk: str,
    senders: Sequence[str | None],
    cases: dict[int, Case],
    contacts: Sequence[Contact],
) -> tuple[OpenTicket, ...]:
    """Return what else is open of those whom the mail or the tickets are of (C1), newest first."""
    tickets = [case.ticket for case in cases.values()]
    accounts = _unique(
        one for one in (*(one.account.number for one in contacts), *(one.account for one in tickets)) if one
    )
    # a ticket with an account is told with the account's others
    people = _unique(
        one for one in (*([] if contacts else senders), *(one.requestor for one in tickets if not one.account)) if one
    )
    found = [*_OPEN_OF_ACCOUNTS.all(connection, accounts, d=desk)]
    found += _OPEN_OF_REQUESTORS.all(connection, people, d=desk)
    known = {
        number: OpenTicket(number=number, requestor=requestor, account=account) for number, requestor, account in found
    }
    return tuple(known[number] for number in sorted(known, reverse=True))


def _unique(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))[:400]


def _letter_addresses(clues: Clues, cases: dict[int, Case]) -> list[str]:
    addresses = [one for one in (clues.sender, clues.reply_to, clues.forwarded, *clues.others) if one]
    for case in cases.values():
        addresses += [case.ticket.requestor, case.ticket.reply_address, *case.ticket.participants]
    return list(dict.fromkeys(one for one in addresses if one))[:200]


def _letters_sent(
    connection: Connection, addresses: Sequence[str], now: datetime
) -> tuple[dict[str, int], dict[str, int], dict[str, tuple[str, ...]]]:
    """Count automatic letters to customers (A3) in ten minutes and a day; and say what the day's acks were about."""
    if not addresses:
        return {}, {}, {}
    short: dict[str, int] = {}
    day: dict[str, int] = {}
    acks: dict[str, tuple[str, ...]] = {}
    for address, at, kind, subject in _LETTERS.all(connection, addresses, since=now - timedelta(days=1)):
        day[address] = day.get(address, 0) + 1
        if at > now - timedelta(minutes=10):
            short[address] = short.get(address, 0) + 1
        if kind == "ack":
            acks[address] = (*acks.get(address, ()), subject)
    return short, day, acks


def _marks(connection: Connection, desk: str, addresses: Sequence[str]) -> dict[str, tuple[str, ...]]:
    if not addresses:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for address, mark in _MARKS.all(connection, addresses, d=desk):
        found[address] = (*found.get(address, ()), mark)
    return found


def _is_known(connection: Connection, desk: Desk, people: Sequence[Staff], address: str | None) -> bool:
    """Is `address` anybody's registered, staff or desk address (S9)?"""
    if not address:
        return False
    if any(one.address == address for one in people) or address in desk.managers:
        return True
    if any(mailbox.address == bare_address(address) for mailbox in desk.mailboxes):
        return True
    return (
        connection.execute(
            select(CONTACT.c.id).where(CONTACT.c.desk == desk.name, CONTACT.c.address == address)
        ).first()
        is not None
    )


def _held(connection: Connection, clues: Clues) -> Held | None:
    ids = [one.subject for one in clues.tokens if one.kind == "h"] + [own.held for _, own in clues.own_ids if own.held]
    if not ids:
        return None
    row = connection.execute(select(HELD).where(HELD.c.id == ids[0], HELD.c.desk == clues.desk)).mappings().first()
    if row is None:
        return None
    return Held(
        id=row["id"], arrival=row["arrival"], state=row["state"], sender=row["sender"], subject=row["subject"],
        queue=row["queue"],
    )  # fmt: skip


def _sightings(connection: Connection, clues: Clues, desk: Desk, now: datetime) -> dict[str, tuple[int, ...]]:
    hosts = clues.findings.sighted[:_MOST_HOSTS]
    if not hosts:
        return {}
    since = now - timedelta(seconds=desk.rules.incident_seconds)
    found: dict[str, tuple[int, ...]] = {}
    for host, ticket in _SIGHTINGS.all(connection, hosts, d=desk.name, since=since):
        found[host] = (*found.get(host, ()), ticket)
    return found


def _suspected(connection: Connection, clues: Clues, desk: Desk, now: datetime) -> frozenset[str]:
    hosts = clues.findings.sighted[:_MOST_HOSTS]
    if not hosts:
        return frozenset()
    since = now - timedelta(seconds=desk.rules.incident_seconds)
    return frozenset(row[0] for row in _SUSPICIONS.all(connection, hosts, d=desk.name, since=since))


def _load(connection: Connection, desk: Desk, now: datetime) -> dict[str, int]:
    """Count, for queues with an overflow team, the unanswered tickets past 80 % of their first response (Q8)."""
    queues = [one.name for one in desk.queues.values() if one.overflow]
    if not queues:
        return {}
    query = (
        select(TICKET.c.queue, func.count())
        .join(DEADLINE, and_(DEADLINE.c.ticket == TICKET.c.number, DEADLINE.c.kind == "first_response"))
        .where(
            TICKET.c.desk == desk.name, TICKET.c.queue.in_(queues), DEADLINE.c.state.in_(("pending", "breached")),
            DEADLINE.c.remind_at.is_(None), TICKET.c.status.in_(("new", "open")),
            TICKET.c.unanswered_since.is_not(None),
        )
        .group_by(TICKET.c.queue)
    )  # fmt: skip
    return {row[0]: row[1] for row in connection.execute(query)}


def _foreign(connection: Connection, clues: Clues, cases: dict[int, Case]) -> tuple[str, ...]:
    """Return those of the mentioned addresses and domains that are another customer's alone (C7)."""
    if not clues.mentioned or not cases:
        return ()
    own = {case.ticket.account for case in cases.values()}
    names = [one for one in clues.mentioned if "@" in one], [one for one in clues.mentioned if "@" not in one]
    found: dict[str, set[str]] = {}
    for column, values in ((CONTACT.c.address, names[0]), (CONTACT.c.domain, names[1])):
        if values:
            query = select(column, ACCOUNT.c.number).join(ACCOUNT, ACCOUNT.c.id == CONTACT.c.account)
            for name, number in connection.execute(query.where(CONTACT.c.desk == clues.desk, column.in_(values))):
                found.setdefault(name, set()).add(number)
    # a domain of several accounts is a provider's, nobody's own
    return tuple(name for name, numbers in found.items() if not numbers & own and ("@" in name or len(numbers) == 1))


def _unsent(connection: Connection, tickets: Sequence[int]) -> frozenset[str]:
    """Return the staff messages none of whose letters has left or is leaving (C7)."""
    if not tickets:
        return frozenset()
    # what is to be taken back must not leave meanwhile
    query = _OWN_RELAYS if may_lock(connection) else _RELAYS
    waiting: set[str] = set()
    gone: set[str] = set()
    for message, state in query.all(connection, tickets):
        (waiting if state == "waiting" else gone).add(message)
    return frozenset(waiting - gone)


def _accounts_of(cases: dict[int, Case], contacts: Sequence[Contact], named: Sequence[Account]) -> list[str]:
    numbers = [case.ticket.account for case in cases.values()] + [one.account.number for one in contacts]
    return list(dict.fromkeys(one for one in (*numbers, *(one.number for one in named)) if one))

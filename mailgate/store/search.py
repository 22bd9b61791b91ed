"""Finding tickets by their words (W2): in the database's own full-text index, which `search_index` makes and keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, column, func, or_, select, table, text

from mailgate.model.search import Search, Term, folded
from mailgate.store import rows, tally
from mailgate.store.ids import least_id
from mailgate.store.rewriting import chunks
from mailgate.store.tables import ACCOUNT, MESSAGE, TICKET
from mailgate.store.views import ticket_keys

_ENTRY = table("search_entry", column("id"), column("message"))
_STEPS = (500, 2000, 8000, 20_000)  # hits that are looked up in turn; who finds none of all these is told of none
_VERY_MANY = 30_000  # messages
_FEW, _NAMED = 2000, 100  # tickets that are named one by one, and looked for one by one
_NEIGHBOURS = 1000  # entries: writers at one time number theirs in no order
_MOST_ROWS = 2000
_EXCERPT = 160


@dataclass(frozen=True, kw_only=True, slots=True)
class Hit:
    """A ticket that was found: the keys of `ticket list`, and the message that has the words, if it is one's."""

    ticket: dict[str, Any]
    message: str | None
    at: datetime | None
    excerpt: str


def find_tickets(
    connection: Connection, search: Search, *, desks: Sequence[str] | None = None, limit: int = 50
) -> list[Hit]:
    """Return at most `limit` tickets, best first: the one of that number, those with the words in a subject, those of
    an account of that number or login, all others; within each the newest. `desks`: whose tickets may be seen."""
    allowed = _allowed(search, desks)
    found: dict[int, str | None] = {}
    for number, message in _places(connection, search, allowed):
        found.setdefault(number, message)
        if len(found) >= limit:
            break
    return _shown(connection, found, search)


def _places(
    connection: Connection, search: Search, allowed: list[ColumnElement[bool]]
) -> Iterator[tuple[int, str | None]]:
    if search.number is not None:
        named = select(TICKET.c.number).where(TICKET.c.number == search.number, *allowed)
        yield from ((number, None) for number in connection.execute(named).scalars())
    if not search.terms and not search.people:
        query = select(TICKET.c.number).where(*allowed, *_days(search, TICKET.c.created_at))
        newest = query.order_by(TICKET.c.number.desc()).limit(_MOST_ROWS)
        yield from ((number, None) for number in connection.execute(newest).scalars())
        return
    if search.terms:
        yield from _messages(connection, search, allowed, only_subject=True)
    yield from _of_account(connection, search, allowed)
    yield from _messages(connection, search, allowed, only_subject=False)


def _messages(
    connection: Connection, search: Search, allowed: list[ColumnElement[bool]], *, only_subject: bool
) -> Iterator[tuple[int, str | None]]:
    """Yield tickets with the message that has the words, the newest first.

    The index alone is fast; what makes a search slow is to look up message and ticket of every hit, to find that a filter
    leaves it out. So days become bounds of the index's own numbers, tickets that are few go into the question as a list,
    and for what is left the hits are looked up some at a time, until enough were found or very many looked at.
    """
    few = _few_tickets(connection, search, allowed)
    search = _closed(connection, search)
    conditions = [*allowed, *_days(search, MESSAGE.c.at)]
    for first, before, is_rising in _ranges(connection, search):
        low, high = _within(connection, few, first, before)
        for most in _STEPS[:2] if is_rising else _STEPS:
            hits = [] if few == [] else _hits(connection, search, few, (low, high), most, is_rising, only_subject)
            yield from _looked_up(connection, hits, conditions, is_rising=is_rising)
            if len(hits) < most:
                break
            low, high = (hits[-1] + 1, high) if is_rising else (low, hits[-1])


def _within(
    connection: Connection, few: Sequence[int] | None, first: int | None, before: int | None
) -> tuple[int | None, int | None]:
    """Return the bounds drawn closer round the entries of few tickets: new ones lie together."""
    least: int | None = None
    most: int | None = None
    for some in chunks(few or ()):
        query = select(func.min(_ENTRY.c.id), func.max(_ENTRY.c.id)).join(MESSAGE, MESSAGE.c.id == _ENTRY.c.message)
        for low, high in connection.execute(query.where(MESSAGE.c.ticket.in_(some))):
            least = low if least is None else min(least, low or least)
            most = high if most is None else max(most, high or most)
    if least is None or most is None:
        return first, before
    return max(first or 0, least), min(before if before is not None else most + 1, most + 1)


def _closed(connection: Connection, search: Search) -> Search:
    """Return `search` with words that are in very many messages taken as they stand: to gather all that begin so costs
    more than everything else, and finds little more. It is FTS5 that gathers them first."""
    if connection.dialect.name != "sqlite":
        return search

    def closed(term: Term) -> Term:
        if not term.is_open:
            return term
        plain = replace(term, is_open=False)
        counted = text("SELECT count(*) FROM (SELECT 1 FROM search_text WHERE search_text MATCH :wanted LIMIT :most)")
        values = {"wanted": f'"{" ".join(term.words)}"', "most": _VERY_MANY}
        return plain if connection.execute(counted, values).scalar_one() >= _VERY_MANY else term

    return replace(search, terms=tuple(map(closed, search.terms)))


def _hits(
    connection: Connection, search: Search, few: Sequence[int] | None, bounds: tuple[int | None, int | None], most: int,
    is_rising: bool, only_subject: bool,
) -> list[int]:  # fmt: skip
    """Return numbers of entries that have the words, from the first of `bounds` to before the second, in order."""
    is_sqlite = connection.dialect.name == "sqlite"
    name, of = ("rowid", "search_text") if is_sqlite else ("id", "search_entry")
    wanted = _fts5(search, only_subject=only_subject) if is_sqlite else _tsquery(search, only_subject=only_subject)
    conditions = ["search_text MATCH :wanted" if is_sqlite else "words @@ CAST(:wanted AS tsquery)"]
    values: dict[str, Any] = {"wanted": wanted}
    for key, sign, bound in (("low", ">=", bounds[0]), ("high", "<", bounds[1])):
        if bound is not None:
            conditions.append(f"{name} {sign} :{key}")
            values[key] = bound
    if few is not None:
        listed = ", ".join(map(str, few))  # whole numbers of our own
        entries = "SELECT search_entry.id FROM message JOIN search_entry ON search_entry.message = message.id"
        # FTS5 looks for each of them anew, in no order: good for a hundred, and the plus keeps it from that
        plus = "+" if is_sqlite and len(few) > _NAMED else ""
        conditions.append(f"{plus}{name} IN ({entries} WHERE message.ticket IN ({listed}))")
    query = f"SELECT {name} FROM {of} WHERE {' AND '.join(conditions)}"  # noqa: S608
    if few is not None and len(few) <= _NAMED:
        return sorted(connection.execute(text(query), values).scalars(), reverse=not is_rising)[:most]
    ordered = f"{query} ORDER BY {name} {'ASC' if is_rising else 'DESC'} LIMIT :most"
    return list(connection.execute(text(ordered), {**values, "most": most}).scalars())


def _looked_up(
    connection: Connection, hits: Sequence[int], conditions: list[ColumnElement[bool]], *, is_rising: bool
) -> Iterator[tuple[int, str | None]]:
    """Yield ticket and message of those hits that fulfil the conditions, some hundred at a time."""
    for some in chunks(hits):
        query = (
            select(_ENTRY.c.id, MESSAGE.c.ticket, MESSAGE.c.id)
            .select_from(_ENTRY.join(MESSAGE, MESSAGE.c.id == _ENTRY.c.message).join(TICKET, TICKET.c.number == MESSAGE.c.ticket))
            .where(_ENTRY.c.id.in_(some), *conditions)
        )  # fmt: skip
        found = sorted((tuple(row) for row in connection.execute(query)), reverse=not is_rising)
        yield from ((number, message) for _, number, message in found)


def _ranges(connection: Connection, search: Search) -> list[tuple[int | None, int | None, bool]]:
    """Return where in the index to look, one after the other: from, before, and whether oldest first.

    A message's id tells when it was written here, which is never before it was said: days ask for a part of the index. What
    was taken over from another system was said long before; it lies behind that part, and mostly at its beginning."""
    first = _entry_before(connection, search.after)
    if search.before is None:
        return [(first, None, False)]
    bound = _entry_before(connection, search.before)
    return [(first, bound, False), (max(first or 0, bound or 0), None, True)]


def _entry_before(connection: Connection, day: date | None) -> int | None:
    """Return the entry from which on messages were written here on that day and later, a little less to be sure."""
    if day is None:
        return None
    query = select(_ENTRY.c.id).where(_ENTRY.c.message < least_id(_midnight(day)))
    last = connection.execute(query.order_by(_ENTRY.c.message.desc()).limit(1)).scalar()
    return max(0, int(last) - _NEIGHBOURS) if last is not None else 0


def _few_tickets(connection: Connection, search: Search, allowed: list[ColumnElement[bool]]) -> list[int] | None:
    """Return the tickets of the statuses and queues that are asked for, or None where they are many, or not asked for."""
    if not search.statuses and not search.queues:
        return None
    places = [
        (desk, queue, status)
        for desk, queue, status in tally.read(connection, "tickets")
        if (not search.statuses or status in search.statuses) and (not search.queues or queue in search.queues)
    ]
    numbers: list[int] = []
    for desk, queue, status in places:
        where = (TICKET.c.desk == desk, TICKET.c.queue == queue, TICKET.c.status == status)
        numbers += connection.execute(select(TICKET.c.number).where(*where, *allowed).limit(_FEW + 1)).scalars()
        if len(numbers) > _FEW:
            return None
    return numbers


def _of_account(
    connection: Connection, search: Search, allowed: list[ColumnElement[bool]]
) -> Iterator[tuple[int, str | None]]:
    """Yield the tickets of an account whose number or login is the one word that was typed."""
    if len(search.terms) != 1 or search.people:
        return
    name = "".join(search.terms[0].words)
    accounts = select(ACCOUNT.c.desk, ACCOUNT.c.number).where(
        or_(ACCOUNT.c.number_key == name, ACCOUNT.c.login_key == name)
    )
    for desk, number in connection.execute(accounts.limit(20)).all():
        query = select(TICKET.c.number).where(TICKET.c.account == number, TICKET.c.desk == desk, *allowed)
        newest = query.where(*_days(search, TICKET.c.created_at)).order_by(TICKET.c.number.desc()).limit(100)
        yield from ((one, None) for one in connection.execute(newest).scalars())


def _allowed(search: Search, desks: Sequence[str] | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if desks is not None:
        conditions.append(TICKET.c.desk.in_(desks))
    if search.desks:
        conditions.append(TICKET.c.desk.in_(search.desks))
    if search.statuses:
        conditions.append(TICKET.c.status.in_(search.statuses))
    if search.queues:
        conditions.append(TICKET.c.queue.in_(search.queues))
    if search.owner:
        conditions.append(TICKET.c.owner == search.owner.lower())
    return conditions


def _days(search: Search, instant: ColumnElement[Any]) -> list[ColumnElement[bool]]:
    before = [instant < _midnight(search.before)] if search.before else []
    return [*before, *([instant >= _midnight(search.after)] if search.after else [])]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _fts5(search: Search, *, only_subject: bool) -> str:
    """Return the question in FTS5's language; words are letters and digits alone, each within quotes."""

    def said(term: Term) -> str:
        return f'"{" ".join(term.words)}"{" *" if term.is_open else ""}'

    where = "subject : " if only_subject else ""
    parts = [f"{where}{said(term)}" for term in search.terms]
    return " AND ".join([*parts, *(f"people : {said(term)}" for term in search.people)])


def _tsquery(search: Search, *, only_subject: bool) -> str:
    """Return the question in PostgreSQL's language."""

    def said(term: Term, weight: str) -> str:
        marks = [":" + weight if weight else ""] * len(term.words)
        if term.is_open:
            marks[-1] = f":*{weight}"
        return f"({' <-> '.join(f'{word}{mark}' for word, mark in zip(term.words, marks, strict=True))})"

    parts = [said(term, "A" if only_subject else "") for term in search.terms]
    return " & ".join([*parts, *(said(term, "B") for term in search.people)])


def _shown(connection: Connection, found: dict[int, str | None], search: Search) -> list[Hit]:
    tickets = {
        row["number"]: ticket_keys(rows.ticket_of(row))
        for row in connection.execute(select(TICKET).where(TICKET.c.number.in_(list(found)))).mappings()
    }
    wanted = [message for message in found.values() if message]
    said = {
        row.id: row
        for row in connection.execute(
            select(MESSAGE.c.id, MESSAGE.c.at, MESSAGE.c.visible_text).where(MESSAGE.c.id.in_(wanted))
        )
    }
    hits = []
    for number, message in found.items():
        row = said.get(message or "")
        hits.append(Hit(
            ticket=tickets[number], message=message, at=row.at if row else None,
            excerpt=excerpt(row.visible_text, search) if row else "",
        ))  # fmt: skip
    return hits


def excerpt(said: str, search: Search) -> str:
    """Return the first line of `said` that has one of the words, or its first line, on one line."""
    words = [word for term in search.terms for word in term.words]
    lines = [" ".join(line.split()) for line in said[:20_000].split("\n") if line.strip()]
    chosen = next((line for line in lines if any(word in folded(line) for word in words)), lines[0] if lines else "")
    return chosen if len(chosen) <= _EXCERPT else chosen[: _EXCERPT - 1] + "…"

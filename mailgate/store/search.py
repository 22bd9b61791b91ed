"""Finding tickets by their words (W2): in the database's own full-text index, which `search_index` makes and keeps."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import ColumnElement, Connection, column, or_, select, table, text

from mailgate.model.search import Search, Term, folded
from mailgate.store import rows
from mailgate.store.tables import ACCOUNT, MESSAGE, TICKET
from mailgate.store.views import ticket_keys

_ENTRY = table("search_entry", column("id"), column("message"), column("words"))
_TEXT = table("search_text", column("rowid"))
_MOST_ROWS = 2000  # hits that are looked at for one answer: tickets of many messages fill it
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
    if connection.dialect.name == "sqlite":
        joined = _TEXT.join(_ENTRY, _ENTRY.c.id == _TEXT.c.rowid)
        matching = text("search_text MATCH :wanted").bindparams(wanted=_fts5(search, only_subject=only_subject))
        newest: ColumnElement[Any] = _TEXT.c.rowid
    else:
        joined = _ENTRY  # type: ignore[assignment]
        matching = text("search_entry.words @@ CAST(:wanted AS tsquery)").bindparams(
            wanted=_tsquery(search, only_subject=only_subject)
        )
        newest = _ENTRY.c.id
    query = (
        select(MESSAGE.c.ticket, MESSAGE.c.id)
        .select_from(joined.join(MESSAGE, MESSAGE.c.id == _ENTRY.c.message).join(TICKET, TICKET.c.number == MESSAGE.c.ticket))
        .where(matching, *allowed, *_days(search, MESSAGE.c.at))
        .order_by(newest.desc()).limit(_MOST_ROWS)
    )  # fmt: skip
    yield from ((number, message) for number, message in connection.execute(query))


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

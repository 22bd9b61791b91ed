"""Apply: a Decision becomes rows, exhaustively, inside the caller's one transaction. Nothing else writes tickets."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any, assert_never

from sqlalchemy import Connection, bindparam, case, insert, literal, null, select, update

from mailgate.compose.letters import Words, compose
from mailgate.compose.templates import Templates
from mailgate.model.decision import (
    AddMessage,
    ChangeMessage,
    DecideHeld,
    Decision,
    Effect,
    Hasten,
    Hold,
    LeaveOut,
    Mark,
    MoveMessages,
    Note,
    Refer,
    Save,
    Send,
    SetAside,
    Suspect,
    Withdraw,
)
from mailgate.model.letter import Letter
from mailgate.model.quick import by_name, replace
from mailgate.model.settings import Settings
from mailgate.model.ticket import NEW, SHOWN_DEADLINES, Case, Deadline, Link, Ticket
from mailgate.store import outbox, rows
from mailgate.store.engine import counting, insert_of, upsert
from mailgate.store.prepared import Prepared
from mailgate.store.tables import (
    ADDRESS_MARK,
    COUNTER,
    DEADLINE,
    EVENT,
    HELD,
    MESSAGE,
    REFERENCE,
    SIGHTING,
    SUSPICION,
    TICKET,
)

_SHOWN_CHANGES = ("status", "owner", "team", "queue", "priority", "flags", "links")
_OPENING = ("status", "queue", "team")


_TICKET, _MESSAGE, _DEADLINE = Prepared(insert(TICKET)), Prepared(insert(MESSAGE)), Prepared(insert(DEADLINE))
_EVENT, _SIGHTING = Prepared(insert(EVENT)), Prepared(insert(SIGHTING))
_LASTING = ("id", "desk", "ticket", "kind", "opened_at")
_CHANGED_DEADLINE = Prepared(
    update(DEADLINE)
    .where(DEADLINE.c.id == bindparam("which"))
    # not those that never change: setting them would write every index anew
    .values({column.name: bindparam(column.name) for column in DEADLINE.c if column.name not in _LASTING})
)


@lru_cache(maxsize=512)
def _changed_ticket(columns: tuple[str, ...]) -> Prepared:
    """Return the update of just these columns of a ticket: few combinations come up, again and again."""
    chosen = update(TICKET).where(TICKET.c.number == bindparam("which"))
    return Prepared(chosen.values({name: bindparam(name, type_=TICKET.c[name].type) for name in columns}))


_NEXT_NUMBER = Prepared(
    update(COUNTER)
    .where(COUNTER.c.name == "ticket")
    .values(value=case((COUNTER.c.value + 1 < bindparam("first"), bindparam("first")), else_=COUNTER.c.value + 1))
    .returning(COUNTER.c.value)
)


@cache
def _referring(dialect: str, is_named: bool) -> Prepared:
    """Return what notes a Message-ID; one that a mail merely names gives way to the mail that has it."""
    new = insert_of(dialect)(REFERENCE)
    if is_named:
        return Prepared(new.on_conflict_do_nothing())
    return Prepared(
        new.on_conflict_do_update(
            index_elements=["message_id", "desk"], set_={"ticket": new.excluded.ticket, "is_named": False},
            where=REFERENCE.c.is_named,
        )
    )  # fmt: skip


_MET_ACK = Prepared(
    update(DEADLINE)
    .where(
        DEADLINE.c.ticket == bindparam("t"), DEADLINE.c.kind == literal("ack"), DEADLINE.c.state == literal("pending")
    )
    .values(state=literal("met"), closed_at=bindparam("now"), next_at=null())
)
_RELAYED = Prepared(
    update(MESSAGE)
    .where(MESSAGE.c.id == bindparam("which"), MESSAGE.c.state == literal("holding"))
    .values(state=literal("done"))
)


@dataclass(slots=True)
class Applied:
    """What a decision came to: the number it opened, the timeline of changes, and held mail to take up again."""

    number: int | None = None
    timeline: list[dict[str, Any]] = field(default_factory=list)
    released: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    held: str | None = None
    set_aside: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tools:
    """What applying needs beside the transaction."""

    settings: Settings
    templates: Templates
    ids: Callable[[], str]
    fold: Callable[[str], str]  # a core subject as T6 compares it
    watch: Callable[["Applied"], None] | None = None  # is told of everything that is applied (simulate's timeline)


def apply(
    connection: Connection, decision: Decision, tools: Tools, now: datetime, *, arrival: str | None = None
) -> Applied:
    """Write `decision`. The same arrival is never applied twice: its caller records it in this transaction."""
    work = _Work(connection, decision, tools, now, arrival)
    for effect in decision.effects:
        work.carry_out(effect)
    work.send_all()
    if tools.watch is not None:
        tools.watch(work.applied)
    return work.applied


class _Work:
    """One decision being written; knows what NEW and the added message are by now."""

    def __init__(
        self, connection: Connection, decision: Decision, tools: Tools, now: datetime, arrival: str | None
    ) -> None:
        self._connection = connection
        self._decision = decision
        self._tools = tools
        self._now = now
        self._arrival = arrival
        self._message: str | None = None
        self._letters: list[Letter] = []
        self._said: dict[Hashable, Words] = {}
        self.applied = Applied()

    def carry_out(self, effect: Effect) -> None:  # noqa: PLR0912 (one branch an effect, exhaustively)
        match effect:
            case Save():
                self._save(effect)
            case AddMessage():
                self._add_message(effect)
            case ChangeMessage():
                values: dict[str, Any] = {"state": effect.state}
                if effect.undo is not None:
                    values["undo"] = rows.undo_to_json(effect.undo)
                self._connection.execute(update(MESSAGE).where(MESSAGE.c.id == effect.message).values(**values))
            case MoveMessages():
                self._move(effect)
            case Refer():
                self._refer(effect.message_ids, self._number(effect.ticket), is_named=False)
            case Send():
                self._letters.append(effect.letter)
            case LeaveOut():
                self._leave_out(effect)
            case Withdraw():
                outbox.withdraw(
                    self._connection, self._number(effect.ticket), effect.message, effect.kinds, effect.reason
                )
            case Hasten():
                outbox.hasten(self._connection, self._number(effect.ticket), effect.kinds, self._now)
            case Hold():
                self._hold(effect)
            case SetAside():
                self.applied.set_aside = effect.reason
            case DecideHeld():
                self._decide_held(effect)
            case Mark():
                self._mark(effect)
            case Suspect():
                for host in effect.hosts:
                    row = {"desk": self._decision.desk, "host": host, "at": self._now}
                    upsert(self._connection, SUSPICION, row, ("desk", "host"))
            case Note():
                self._event(self._number(effect.ticket), effect.actor, effect.kind, {"text": effect.detail})
            case _:
                assert_never(effect)

    def send_all(self) -> None:
        """Put the letters into the outbox, in words, all at once."""
        outgoing = [self._outgoing(letter) for letter in self._letters if letter.to]
        if outgoing:
            outbox.add(self._connection, outgoing)

    def _number(self, number: int) -> int:
        if number != NEW:
            return number
        assert self.applied.number is not None, "a decision that names NEW opens a ticket first"
        return self.applied.number

    def _save(self, effect: Save) -> None:
        if effect.before is None:
            self._open(effect)
            return
        before, after = effect.before, self._settled(effect.after)
        old, new = by_name(before.ticket), by_name(after.ticket)
        changed = [name for name, value in new.items() if value is not old[name] and value != old[name]]
        if changed:
            row = rows.ticket_row(after.ticket, self._tools.fold(after.ticket.subject))
            kept = {_column(name): row[_column(name)] for name in changed}
            kept["changed_at"] = self._now
            _changed_ticket(tuple(kept)).run(self._connection, {**kept, "which": after.ticket.number})
        moved = self._save_deadlines(after, before)
        self._tell(before.ticket, after.ticket, changed)
        if changed or moved:
            detail = {
                "because": effect.because, "deadlines": moved,
                "changes": {
                    name: [rows.to_json(_plain(before.ticket, name)), rows.to_json(_plain(after.ticket, name))]
                    for name in changed if name != "changed_at"
                },
            }  # fmt: skip
            self._event(after.ticket.number, effect.actor, "changed", detail)

    def _open(self, effect: Save) -> None:
        number = effect.after.ticket.number
        if number == NEW:
            number = self._next_number(effect.after.ticket.desk)
        self.applied.number = number
        after = self._settled(replace(effect.after, ticket=replace(effect.after.ticket, number=number)))
        row = rows.ticket_row(after.ticket, self._tools.fold(after.ticket.subject))
        _TICKET.run(self._connection, row)
        moved = self._save_deadlines(after, None)
        for name in _OPENING:
            self._change(number, name, None, getattr(after.ticket, name))
        detail = {
            "because": effect.because, "deadlines": moved,
            "changes": {name: [None, rows.to_json(_plain(after.ticket, name))] for name in (*_OPENING, "priority", "flags")},
        }  # fmt: skip
        self._event(number, effect.actor, "opened", detail)
        clues = self._decision.clues
        if clues and clues.findings.sighted and effect.because != "split":
            hosts = [
                {"id": self._tools.ids(), "desk": after.ticket.desk, "host": host, "at": self._now, "ticket": number}
                for host in clues.findings.sighted[:20]
            ]
            _SIGHTING.run_many(self._connection, hosts)

    def _settled(self, found: Case) -> Case:
        """Put the real number where NEW stands in links."""
        links = tuple(
            replace(link, ticket=self._number(link.ticket)) if link.kind != "incident" else link
            for link in found.ticket.links
        )
        return found if links == found.ticket.links else replace(found, ticket=replace(found.ticket, links=links))

    def _save_deadlines(self, after: Case, before: Case | None) -> list[dict[str, Any]]:
        """Write what differs; return it for the history."""
        known = {one.id: one for one in before.deadlines} if before else {}
        ticket = after.ticket
        fresh: list[dict[str, Any]] = []
        moved: list[dict[str, Any]] = []
        for deadline in after.deadlines:
            if deadline.id and known.get(deadline.id) == deadline:
                continue
            if not deadline.id and deadline.state == "cancelled":
                continue  # opened and closed by the same decision: it never ran
            row = rows.deadline_row(deadline, ticket.desk, ticket.number, deadline.id or self._tools.ids())
            if deadline.id:
                _CHANGED_DEADLINE.run(self._connection, {**row, "which": deadline.id})
            else:
                fresh.append(row)
            moved.append(_moved(deadline))
            old = known.get(deadline.id)
            if deadline.kind in SHOWN_DEADLINES and (old is None or old.state != deadline.state):
                self.applied.timeline.append(
                    {
                        "event": "deadline",
                        "ticket": ticket.number,
                        "kind": deadline.kind,
                        "state": _shown(deadline.state),
                    }
                )
        if fresh:
            _DEADLINE.run_many(self._connection, fresh)
        return moved

    def _tell(self, before: Ticket, after: Ticket, changed: Sequence[str]) -> None:
        for name in _SHOWN_CHANGES:
            if name in changed:
                self._change(after.number, name, _plain(before, name), _plain(after, name))

    def _change(self, number: int, name: str, old: Any, new: Any) -> None:
        self.applied.timeline.append(
            {"event": "ticket", "ticket": number, "change": name, "from": rows.to_json(old), "to": rows.to_json(new)}
        )

    def _add_message(self, effect: AddMessage) -> None:
        number, message = self._number(effect.ticket), effect.message
        self._message = self._tools.ids()
        _MESSAGE.run(self._connection, rows.message_row(message, number, self._message))
        if message.message_id and message.kind in ("customer", "auto", "staff", "note"):
            self._refer([message.message_id], number, is_named=False)
        if effect.ticket == NEW and message.references and self._decision.clues:
            unknown = [one for one in message.references if one in self._decision.clues.message_ids]
            self._refer(unknown, number, is_named=True)

    def _refer(self, message_ids: Sequence[str], ticket: int, *, is_named: bool) -> None:
        if not message_ids:
            return
        desk = self._decision.desk
        statement = _referring(self._connection.dialect.name, is_named)
        statement.run_many(
            self._connection,
            [{"message_id": one, "desk": desk, "ticket": ticket, "is_named": is_named} for one in message_ids],
        )

    def _move(self, effect: MoveMessages) -> None:
        source, target = self._number(effect.source), self._number(effect.target)
        chosen = update(MESSAGE).where(MESSAGE.c.ticket == source)
        if effect.messages is not None:
            chosen = chosen.where(MESSAGE.c.id.in_(effect.messages))
            ids = select(MESSAGE.c.message_id).where(MESSAGE.c.id.in_(effect.messages))
            moved = [one for one in self._connection.execute(ids).scalars() if one]
            if moved:
                self._connection.execute(
                    update(REFERENCE)
                    .where(REFERENCE.c.message_id.in_(moved), REFERENCE.c.ticket == source)
                    .values(ticket=target)
                )
        self._connection.execute(chosen.values(ticket=target))

    def _leave_out(self, effect: LeaveOut) -> None:
        self.applied.left_out.append(f"{effect.letter.kind}: {effect.reason}")
        if effect.letter.ticket is not None:
            number = self._number(effect.letter.ticket)
            detail = {"text": f"{effect.letter.kind} to {effect.letter.to}: {effect.reason}"}
            self._event(number, "mailgate", "left_out", detail)

    def _hold(self, effect: Hold) -> None:
        rules = self._tools.settings.desks[self._decision.desk].rules
        self.applied.held = self._tools.ids()
        notice = next((one.letter for one in self._decision.effects if isinstance(one, Send)), None)
        context = dict(notice.context) if notice else {}
        row = {
            "id": self.applied.held, "arrival": self._arrival or "", "desk": self._decision.desk, "queue": effect.queue,
            "sender": (self._decision.identity.address if self._decision.identity else "") or "",
            "subject": str(context.get("mail_subject", "")), "state": "held", "reason": effect.reason, "at": self._now,
            "next_at": _later(self._now, rules.held_seconds), "decided_by": None, "decided_at": None,
            "context": rows.to_json(context),
        }  # fmt: skip
        self._connection.execute(insert(HELD), [row])

    def _decide_held(self, effect: DecideHeld) -> None:
        values = {"state": effect.verdict, "decided_by": effect.actor, "decided_at": self._now, "next_at": None}
        found = self._connection.execute(
            update(HELD).where(HELD.c.id == effect.held, HELD.c.state == "held").values(**values)
        )
        if found.rowcount and effect.verdict == "accepted":
            self.applied.released.append(effect.held)

    def _mark(self, effect: Mark) -> None:
        key = {"desk": self._decision.desk, "address": effect.address, "mark": effect.mark}
        if effect.is_set:
            row = {**key, "because": effect.because, "at": self._now}
            upsert(self._connection, ADDRESS_MARK, row, ("desk", "address", "mark"))
            return
        gone = ADDRESS_MARK.delete().where(*(ADDRESS_MARK.c[name] == value for name, value in key.items()))
        self._connection.execute(gone)

    def _event(self, ticket: int, actor: str, kind: str, detail: dict[str, Any]) -> None:
        row = {
            "id": self._tools.ids(), "desk": self._decision.desk, "ticket": ticket, "at": self._now, "actor": actor,
            "kind": kind, "detail": detail,
        }  # fmt: skip
        _EVENT.run(self._connection, row)

    def _outgoing(self, letter: Letter) -> outbox.Outgoing:
        if letter.held == "":
            letter = replace(letter, held=self.applied.held)
        if letter.message == "":
            letter = replace(letter, message=self._message)
        desk = self._tools.settings.desks[letter.desk]
        id_ = self._tools.ids()
        rendered = compose(
            letter, desk, self._tools.templates, id_=id_, secret=self._tools.settings.secret, number=self.applied.number,
            said=self._said, board_url=self._tools.settings.board_url,
        )  # fmt: skip
        return outbox.Outgoing(
            id=id_, rendered=rendered, created_at=self._now, is_automatic=letter.is_automatic,
            attachments=letter.attachments, not_before=letter.not_before, because=letter.because, arrival=self._arrival,
            message=letter.message, held=letter.held,
            state="withdrawn" if letter.is_shown else "waiting", reason=outbox.SHOWN if letter.is_shown else "",
        )  # fmt: skip

    def _next_number(self, desk: str) -> int:
        """Return the next ticket number: one counter for all desks, never below the desk's first."""
        first = self._tools.settings.desks[desk].first_number
        with counting(self._connection) as connection:
            return int(_NEXT_NUMBER.scalar(connection, {"first": first}))


def _moved(deadline: Deadline) -> dict[str, Any]:
    return {"kind": deadline.kind, "state": deadline.state, "due_at": rows.to_json(deadline.due_at)}


def _plain(ticket: Ticket, name: str) -> Any:
    value = getattr(ticket, name)
    if name == "links":
        return [{"kind": link.kind, "ticket": link.ticket} for link in value if isinstance(link, Link)]
    return value


def _column(name: str) -> str:
    return "class" if name == "class_" else name


def _shown(state: str) -> str:
    return "pending" if state == "paused" else state


def _later(now: datetime, seconds: int) -> datetime:
    return now + timedelta(seconds=seconds)


def note_sent(connection: Connection, letter: outbox.Outgoing, now: datetime) -> Applied:
    """A letter has left: an ack meets its deadline (D1), a relayed reply can be taken back no more (C7)."""
    applied, ticket = Applied(), letter.rendered.ticket
    if letter.rendered.kind == "ack" and ticket is not None:
        if _MET_ACK.run(connection, {"t": ticket, "now": now}):
            applied.timeline.append({"event": "deadline", "ticket": ticket, "kind": "ack", "state": "met"})
    elif letter.rendered.kind == "relay" and letter.message:
        _RELAYED.run(connection, {"which": letter.message})
    return applied

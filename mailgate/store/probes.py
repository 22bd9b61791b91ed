"""The test mails of the house: where each of them has got to. What became of them is in the rows, not in a process."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import Connection, delete, insert, or_, select, update

from mailgate.store.engine import hold_alone, upsert
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, META, PROBE

ARRIVAL_STATE = "probe"  # of an arrival that is a test mail: no list and no figure has it
_TURN = "probe:next"
State = Literal["under_way", "through", "failed"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Probe:
    """One test mail. Instants are null where it has not got so far; `answered_at` is when the relay took our answer."""

    id: str
    state: State
    began_at: datetime
    handed_in_at: datetime | None = None
    arrived_at: datetime | None = None
    decided_at: datetime | None = None
    answered_at: datetime | None = None
    returned_at: datetime | None = None
    ended_at: datetime | None = None
    comes_back: bool = False
    would_be: str = ""  # what the same mail of a customer would have come to
    letter: str | None = None
    letter_state: str = ""
    letter_reason: str = ""
    reason: str = ""

    @property
    def through_at(self) -> datetime | None:
        """Return when it had come the whole way, or None."""
        return self.returned_at if self.comes_back else self.answered_at

    @property
    def seconds(self) -> float | None:
        """Return how long the whole way took, or None."""
        return (self.through_at - self.began_at).total_seconds() if self.through_at else None


def take_turn(connection: Connection, every: timedelta, now: datetime) -> datetime | None:
    """Return None where it is the caller's turn to send one now, else when the next is due: of several daemons one
    gets the turn."""
    hold_alone(connection, "probe", wait=True)
    found = connection.execute(select(META.c.value).where(META.c.name == _TURN)).scalar()
    due = datetime.fromisoformat(found) if found else now
    if now < due <= now + every:  # one that is further off was written by a clock that ran ahead
        return due
    upsert(connection, META, {"name": _TURN, "value": (now + every).isoformat()}, ["name"])
    return None


def begin(connection: Connection, which: str, now: datetime, *, comes_back: bool) -> None:
    """Write down a test mail before it is handed in."""
    row = {
        "id": which, "state": "under_way", "began_at": now, "handed_in_at": None, "arrived_at": None, "decided_at": None,
        "answered_at": None, "returned_at": None, "ended_at": None, "comes_back": comes_back, "would_be": "",
        "arrival": None, "letter": None, "returned_arrival": None, "reason": "",
    }  # fmt: skip
    connection.execute(insert(PROBE), [row])


def may_arrive(connection: Connection, which: str) -> bool:
    """Say whether that test mail is known and has not arrived yet; each arrives once."""
    query = select(PROBE.c.id).where(PROBE.c.id == which, PROBE.c.arrived_at.is_(None))
    return connection.execute(query).first() is not None


def note_handed_in(connection: Connection, which: str, at: datetime) -> None:
    """The door said 250."""
    connection.execute(update(PROBE).where(PROBE.c.id == which).values(handed_in_at=at))


def note_arrived(
    connection: Connection, which: str, *, arrival: str, arrived_at: datetime, decided_at: datetime, would_be: str
) -> None:
    """A worker has read it, and its answer is in the outbox."""
    letter = select(OUTBOX.c.id).where(OUTBOX.c.kind == "probe", OUTBOX.c.arrival == arrival).scalar_subquery()
    values = {
        "arrival": arrival, "arrived_at": arrived_at, "decided_at": decided_at, "would_be": would_be, "letter": letter,
    }  # fmt: skip
    connection.execute(update(PROBE).where(PROBE.c.id == which).values(**values))
    _set_apart(connection, arrival)


def note_returned(connection: Connection, which: str, *, arrival: str, at: datetime) -> None:
    """Our answer came in by our own door."""
    first = update(PROBE).where(PROBE.c.id == which, PROBE.c.returned_at.is_(None))
    if connection.execute(first.values(returned_at=at, returned_arrival=arrival)).rowcount:
        _set_apart(connection, arrival)


def end(connection: Connection, probe: Probe, state: State, reason: str, at: datetime) -> None:
    """It came through, or it did not. The letter may go now: when it left is written down."""
    values = {"state": state, "reason": reason[:500], "ended_at": at, "answered_at": probe.answered_at}
    connection.execute(update(PROBE).where(PROBE.c.id == probe.id).values(**values))


def find(connection: Connection, which: str) -> Probe | None:
    """Return that test mail as far as it has got, or None."""
    return next(iter(_probes(connection, PROBE.c.id == which)), None)


def under_way(connection: Connection, before: datetime) -> list[Probe]:
    """Return those that were begun before then and have not ended: their process did."""
    return _probes(connection, PROBE.c.state == "under_way", PROBE.c.began_at < before)


def ended(connection: Connection, limit: int = 50) -> list[Probe]:
    """Return those that have ended, the newest first."""
    return _probes(connection, PROBE.c.state != "under_way", limit=limit)


def last_through(connection: Connection) -> Probe | None:
    """Return the newest that came through, or None."""
    return next(iter(_probes(connection, PROBE.c.state == "through", limit=1)), None)


def failures_in_a_row(found: Sequence[Probe]) -> int:
    """Return how many failed since the last that came through; `found` is the newest first."""
    return next((place for place, one in enumerate(found) if one.state == "through"), len(found))


def clear(connection: Connection, before: datetime, rows_before: datetime) -> list[str]:
    """Remove mail and letters of those begun before `before`, and what is known of those before `rows_before`. Returns
    the digests of raw mails that are to go."""
    old = connection.execute(
        select(PROBE.c.id, PROBE.c.arrival, PROBE.c.returned_arrival, PROBE.c.letter)
        .where(PROBE.c.began_at < before, or_(PROBE.c.arrival.is_not(None), PROBE.c.letter.is_not(None)))
        .limit(200)
    ).all()
    arrivals = [one for row in old for one in (row.arrival, row.returned_arrival) if one]
    of_probes = (ARRIVAL.c.id.in_(arrivals), ARRIVAL.c.state == ARRIVAL_STATE)
    digests = list(connection.execute(select(ARRIVAL.c.digest).where(*of_probes)).scalars())
    connection.execute(delete(ARRIVAL).where(*of_probes))
    letters = [row.letter for row in old if row.letter]
    connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_(letters), OUTBOX.c.kind == "probe"))
    gone = update(PROBE).where(PROBE.c.id.in_([row.id for row in old]))
    connection.execute(gone.values(arrival=None, returned_arrival=None, letter=None))
    connection.execute(delete(PROBE).where(PROBE.c.began_at < rows_before))
    return digests


def _set_apart(connection: Connection, arrival: str) -> None:
    connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == arrival).values(state=ARRIVAL_STATE))


def _probes(connection: Connection, *conditions: Any, limit: int = 1000) -> list[Probe]:
    query = (
        select(
            PROBE,
            OUTBOX.c.sent_at,
            OUTBOX.c.state.label("letter_state"),
            OUTBOX.c.reason.label("letter_reason"),
        )
        .join(OUTBOX, OUTBOX.c.id == PROBE.c.letter, isouter=True)
        .where(*conditions)
        .order_by(PROBE.c.began_at.desc(), PROBE.c.id.desc())
        .limit(limit)
    )
    return [_probe_of(row) for row in connection.execute(query).mappings()]


def _probe_of(row: Any) -> Probe:
    names = (
        "id", "state", "began_at", "handed_in_at", "arrived_at", "decided_at", "returned_at", "ended_at", "comes_back",
        "would_be", "letter", "reason",
    )  # fmt: skip
    return Probe(
        **{name: row[name] for name in names}, answered_at=row["answered_at"] or row["sent_at"],
        letter_state=row["letter_state"] or "", letter_reason=row["letter_reason"] or "",
    )  # fmt: skip

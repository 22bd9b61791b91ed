"""How the queues of the house do: what waits to be read, what waits to leave."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select

from mailgate.store.outbox import IS_OPEN, OUTBOX


@dataclass(frozen=True, kw_only=True, slots=True)
class Leaving:
    """Letters that might have left by now: how many, since when the oldest may, what the relay said of it."""

    count: int
    oldest_at: datetime | None
    last_sent_at: datetime | None
    reason: str

    def is_stuck(self, now: datetime, after: timedelta) -> bool:
        """Say whether nothing leaves: one letter that a far server puts off is no stuck queue."""
        if self.oldest_at is None or now - self.oldest_at < after:
            return False
        return self.last_sent_at is None or now - self.last_sent_at >= after


def leaving(connection: Connection, now: datetime) -> Leaving:
    """Return how the outbox does."""
    may_leave = func.coalesce(OUTBOX.c.not_before, OUTBOX.c.created_at)
    waits = (IS_OPEN, may_leave <= now)
    count = connection.execute(select(func.count()).where(*waits)).scalar_one()
    oldest = connection.execute(
        select(may_leave.label("at"), OUTBOX.c.reason).where(*waits).order_by(may_leave).limit(1)
    ).first()
    if oldest is None:
        return Leaving(count=count, oldest_at=None, last_sent_at=None, reason="")
    sent = connection.execute(select(func.max(OUTBOX.c.sent_at)).where(OUTBOX.c.sent_at >= oldest.at)).scalar()
    return Leaving(count=count, oldest_at=oldest.at, last_sent_at=sent, reason=oldest.reason)

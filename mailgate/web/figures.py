"""The figures of `mailgate stats` and of the queues within, as Prometheus reads them; no address is ever a label."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.platform_collector import PlatformCollector
from prometheus_client.process_collector import ProcessCollector
from sqlalchemy import Connection, func, select

from mailgate.pipeline import House
from mailgate.store import probes, tally
from mailgate.store.engine import reading
from mailgate.store.inbox import Inbox
from mailgate.store.outbox import IS_OPEN, OUTBOX
from mailgate.store.statistics import sums

_DAYS = 30
_AT_ONCE_SECONDS = 0.25
Family = CounterMetricFamily | GaugeMetricFamily
# what `store.tally` keeps, as it is told
_TALLIED: Mapping[str, tuple[type[Any], str, tuple[str, ...]]] = {
    "mails": (CounterMetricFamily, "Mails by what became of them", ("desk", "channel", "outcome")),
    "set_aside": (GaugeMetricFamily, "Mails that were set aside and not released, by the reason", ("desk", "reason")),
    "letters": (GaugeMetricFamily, "Letters by state", ("desk", "kind", "state")),
    "tickets": (GaugeMetricFamily, "Tickets by status", ("desk", "queue", "status")),
    "deadlines": (GaugeMetricFamily, "Deadlines by state", ("desk", "kind", "state")),
    "held": (GaugeMetricFamily, "Held mail by state", ("desk", "state")),
}


class Figures:
    """A registry that asks the database when it is read."""

    def __init__(self, house: House, inbox: Inbox, seconds: Callable[[], float] = time.monotonic) -> None:
        self._house = house
        self._inbox = inbox
        self._seconds = seconds
        self._counted: list[Family] = []
        self._count_again_at = float("-inf")
        self._registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)
        self._registry.register(self)

    def text(self) -> bytes:
        """Return all figures in Prometheus' format."""
        return generate_latest(self._registry)

    def describe(self) -> Iterable[Family]:
        return ()

    def collect(self) -> Iterator[Family]:
        now = self._house.clock()
        waiting, oldest = self._inbox.waiting()
        yield _gauge("mailgate_inbox_waiting", "Mails that have not been read yet", waiting)
        age = (now - oldest).total_seconds() if oldest else 0
        yield _gauge("mailgate_inbox_oldest_seconds", "How long the oldest of them has waited", max(0, age))
        with reading(self._house.engine) as connection:
            yield _gauge("mailgate_outbox_oldest_seconds", "How long the oldest letter that may leave has waited",
                         self._oldest_letter(connection))  # fmt: skip
            yield from self._counts(connection)
            yield from self._probe(connection)
        yield from self._month()

    def _month(self) -> list[Family]:
        """Return what is counted of the last weeks row by row. Where that takes long it is made anew no oftener than leaves
        the machine nineteen twentieths of its time, and told as it was meanwhile."""
        started = self._seconds()
        if started >= self._count_again_at:
            try:
                with reading(self._house.engine) as connection:
                    self._counted = list(self._responses(connection))
            finally:  # what was given up has cost its time too
                took = self._seconds() - started
                self._count_again_at = started + (20 * took if took > _AT_ONCE_SECONDS else 0)
        return self._counted

    def _counts(self, connection: Connection) -> Iterator[Family]:
        for kind, (made, text, labels) in _TALLIED.items():
            family = made(f"mailgate_{kind}", text, labels=labels)
            for key, number in sorted(tally.read(connection, kind).items()):
                family.add_metric(key[: len(labels)], number)
            yield family

    def _oldest_letter(self, connection: Connection) -> float:
        now = self._house.clock()
        # what waits for its time (C7, D6) is not late
        started = func.coalesce(OUTBOX.c.not_before, OUTBOX.c.created_at)
        query = select(func.min(started)).where(IS_OPEN, started <= now)
        oldest = connection.execute(query).scalar()
        return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0

    def _probe(self, connection: Connection) -> Iterator[Family]:
        """Yield how the last test mails did, where there are any."""
        if self._house.settings.probe is None:
            return
        ended, through = probes.ended(connection, 50), probes.last_through(connection)
        yield _gauge(
            "mailgate_probe_failures", "Test mails that failed since the last that came through",
            probes.failures_in_a_row(ended),
        )  # fmt: skip
        if through is None or through.ended_at is None:
            return
        name, text = "mailgate_probe_last_success_timestamp_seconds", "When a test mail came through last"
        yield _gauge(name, text, through.ended_at.timestamp())
        yield _gauge("mailgate_probe_seconds", "How long its whole way took", through.seconds or 0)

    def _responses(self, connection: Connection) -> Iterator[Family]:
        """Yield the numbers of `mailgate stats` for the last days, by desk and queue."""
        now = self._house.clock()
        zones = {desk.name: desk.timezone for desk in self._house.settings.desks.values()}
        found = sums(connection, zones, now - timedelta(days=_DAYS), now + timedelta(days=1))
        for name in ("opened", "answered", "kept", "breached"):
            family = GaugeMetricFamily(
                f"mailgate_{name}_{_DAYS}d", f"Tickets or promises {name} within {_DAYS} days", labels=("desk", "queue")
            )
            for place, values in sorted(found.items()):
                family.add_metric(place, values[name])
            yield family


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, text, value=value)

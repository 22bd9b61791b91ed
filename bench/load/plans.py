"""How the database goes about a piece of work: its statements with their plans."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, event

from load.work import Way, Work

_MOST = 3
_SETTINGS = ("auto_explain.log_min_duration = 0", "auto_explain.log_analyze = on", "client_min_messages = log")


def plans_of(work: Work, way: Way) -> list[str]:
    """Return the plans of what a piece of work asks of the database: SQLite's scans and sorts, PostgreSQL's slowest."""
    act = way.ready(work)
    engines = {id(one): one for one in (work.desk.engine, work.desk.inbox_engine)}.values()
    is_sqlite = work.desk.engine.dialect.name == "sqlite"
    return [line for engine in engines for line in (_sqlite if is_sqlite else _postgresql)(engine, act)][:60]


def _sqlite(engine: Engine, act: Any) -> Iterator[str]:
    said: list[str] = []
    with _watched(engine, lambda connection: connection.set_trace_callback(said.append)):
        act()
    with engine.connect() as connection:
        raw: Any = connection.connection.driver_connection
        for statement in dict.fromkeys(said):
            if not statement.lstrip().upper().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
                continue
            steps = [row[-1] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
            if any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in steps):
                yield " ".join(statement.split())[:200]
                yield from (f"    {step}" for step in steps)


def _postgresql(engine: Engine, act: Any) -> Iterator[str]:
    said: list[str] = []

    def watch(connection: Any) -> None:
        connection.execute("LOAD 'auto_explain'")
        for setting in _SETTINGS:
            connection.execute(f"SET {setting}")
        connection.commit()
        connection.add_notice_handler(lambda found: said.append(found.message_primary or ""))

    with _watched(engine, watch):
        act()
    for plan in sorted((one for one in said if one.startswith("duration")), key=_duration, reverse=True)[:_MOST]:
        yield from (line[:160] for line in plan.splitlines()[:16])


@contextmanager
def _watched(engine: Engine, watch: Callable[[Any], None]) -> Iterator[None]:
    """Let the engine have new connections, each shown to `watch` first, and others again afterwards."""

    def connected(connection: Any, _record: Any) -> None:
        watch(connection)

    engine.dispose()
    event.listen(engine, "connect", connected)
    try:
        yield
    finally:
        event.remove(engine, "connect", connected)
        engine.dispose()


def _duration(plan: str) -> float:
    return float(plan.split()[1])

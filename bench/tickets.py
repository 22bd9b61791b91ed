"""What the daily work costs with few and with many tickets, on either database: in one run, in turns, medians of both.

    python bench/tickets.py [--few 1000] [--many 1000000] [--database sqlite|postgresql|both] [--at-most 1.3]

All is warm: what is read was read a moment ago. PostgreSQL is one of our own, on a unix socket, gone at the end. Of what
costs more than --at-most times as much the plans are printed, and the exit code is 1.
"""

import argparse
import logging
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT)]

from load.machine import facts  # noqa: E402
from load.many import Desk, closing  # noqa: E402
from load.plans import plans_of  # noqa: E402
from load.work import WORK, Way, Work  # noqa: E402

from tests.store.databases import fresh_database  # noqa: E402
from tests.store.postgresql import is_offered, running  # noqa: E402

WARM = 2  # turns that are not timed


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Medians in milliseconds: by the clock on the wall, and of this process (what others do is left out)."""

    wall: float
    cpu: float


@dataclass
class Taken:
    """What one piece of work took, each time."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, act: Callable[[], object]) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        act()
        self.wall.append(time.perf_counter() - wall)
        self.cpu.append(time.process_time() - cpu)

    @property
    def cost(self) -> Cost:
        return Cost(wall=statistics.median(self.wall) * 1000, cpu=statistics.median(self.cpu) * 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--few", type=int, default=1000)
    parser.add_argument("--many", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--at-most", type=float, help="times; beyond it the exit code is 1")
    parser.add_argument("--only", help="work whose name holds this")
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    chosen = ("sqlite", "postgresql") if args.database == "both" else (args.database,)
    if "postgresql" in chosen and not is_offered():
        print("PostgreSQL is not installed: left out", flush=True)
        chosen = tuple(one for one in chosen if one != "postgresql")
    print(facts(), flush=True)
    over = [name for database in chosen for name in measure(database, args.few, args.many, args.at_most, args.only)]
    if over:
        print(f"more than {args.at_most} times as much: {', '.join(over)}")
    return 1 if over else 0


def measure(database: str, few: int, many: int, at_most: float | None, only: str | None) -> Iterator[str]:
    """Print a table for one database; yield the names of what costs more than `at_most` times as much."""
    with ExitStack() as stack:
        urls = stack.enter_context(databases(database))
        begun = time.perf_counter()
        works = [Work(stack.enter_context(closing(Desk(next(urls), count)))) for count in (few, many)]
        made = time.perf_counter() - begun
        print(f"\n{database}: {few:,} and {many:,} tickets with all that belongs to them, made in {made:.0f} s")
        print(f"{'':42}{few:>12,}{many:>14,}{'times':>8}{'cpu':>7}", flush=True)
        for way in WORK:
            if only and only not in way.name:
                continue
            small, large = costs(works, way)
            times = large.wall / small.wall
            # the other half of PostgreSQL's work is another process's
            cpu = f"{large.cpu / small.cpu:7.2f}" if database == "sqlite" and small.cpu > 0.05 else ""
            print(f"{way.name:42}{small.wall:9.2f} ms{large.wall:11.2f} ms{times:8.2f}{cpu}", flush=True)
            if at_most is not None and times > at_most:
                print(*(f"    {line}" for line in plans_of(works[1], way)), sep="\n", flush=True)
                yield f"{way.name} ({database})"


def costs(works: Sequence[Work], way: Way) -> list[Cost]:
    """Return what it costs each, in turns: what else the machine does then slows all of them alike."""
    taken = [Taken() for _ in works]
    for turn in range(WARM + way.times):
        order = list(enumerate(works))
        for place, work in order if turn % 2 else reversed(order):
            act = way.ready(work)
            if turn < WARM:
                act()
            else:
                taken[place].take(act)
    return [one.cost for one in taken]


@contextmanager
def databases(database: str) -> Iterator[Iterator[str]]:
    """Give URLs of new databases, gone at the end."""
    with ExitStack() as stack:
        if database == "postgresql":
            server = stack.enter_context(running())
            yield iter(lambda: stack.enter_context(fresh_database(server)), "")
        else:
            yield iter(
                lambda: f"sqlite:///{stack.enter_context(TemporaryDirectory(prefix='mailgate-bench-'))}/a.db", ""
            )


if __name__ == "__main__":
    sys.exit(main())

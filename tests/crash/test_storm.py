"""The short form of bench/storm.py: from all sides, under kill -9, with a relay that fails one time in five."""

import pytest

from bench.storm import Plan, storm

POSTGRESQL = pytest.mark.server("postgresql")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("database", "daemons", "processes"),
    [
        ("sqlite", 1, 1),
        ("sqlite", 1, 2),
        pytest.param("postgresql", 1, 2, marks=POSTGRESQL),
        pytest.param("postgresql", 3, 1, marks=POSTGRESQL),
    ],
)
def test_a_storm_loses_nothing_and_says_nothing_twice(database: str, daemons: int, processes: int):
    outcome = storm(Plan(mails=300, database=database, daemons=daemons, processes=processes, seed=7, seconds=600))
    assert not outcome.faults, outcome.figures

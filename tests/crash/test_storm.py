"""The short form of bench/storm.py: from all sides, under kill -9, with a relay that fails one time in five."""

import pytest

from bench.storm import STORMS, Plan, storm

POSTGRESQL = pytest.mark.server("postgresql")


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("database", "daemons"), [pytest.param(*one, marks=[POSTGRESQL] * (one[0] == "postgresql")) for one in STORMS]
)
def test_a_storm_loses_nothing_and_says_nothing_twice(database: str, daemons: int):
    plan = Plan(
        mails=100, database=database, daemons=daemons, seed=7, seconds=120, mails_per_second=20, pause=(0.5, 1.5)
    )
    outcome = storm(plan)
    assert not outcome.faults, outcome.figures
    assert outcome.figures["repeats"], "no sender had to try again"

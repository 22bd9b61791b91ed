"""A short virtual year: every deadline is accounted for, no letter leaves twice, and the report adds up."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "bench"))

from year import Year, report

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    year = Year(tmp_path_factory.mktemp("year"), 500, 4, seed=7)
    year.play()
    return report(year)


def test_nothing_is_left_over_and_nothing_is_said_twice(found: dict[str, object]) -> None:
    assert found["complaints"] == []


def test_it_was_a_busy_time(found: dict[str, object]) -> None:
    assert found["mails"] >= 450  # type: ignore[operator]
    assert {"new", "follow_up", "staff_reply", "command", "recorded", "set_aside"} <= set(found["outcomes"])  # type: ignore[call-overload]
    assert {"ack", "relay", "reminder", "breach", "resolved", "digest"} <= set(found["letters"])  # type: ignore[call-overload]


def test_every_ack_was_kept_and_every_clock_has_ended_or_waits(found: dict[str, object]) -> None:
    deadlines: dict[str, dict[str, int]] = found["deadlines"]  # type: ignore[assignment]
    assert set(deadlines["ack"]) == {"met"}
    assert deadlines["first_response"].get("met", 0) > deadlines["first_response"].get("breached", 0)


def test_the_report_counts_what_was_opened(found: dict[str, object]) -> None:
    opened = sum(row["opened"] for row in found["sla"])  # type: ignore[attr-defined]
    assert opened == sum(found["tickets"].values())  # type: ignore[attr-defined]

"""The ladder (D5)."""

from datetime import timedelta

import pytest

from mailgate.decide.escalate import climb
from tests.decide.staff_mail import MONDAY, a_case, shipped_desk

NIGHT = MONDAY.replace(hour=22)


@pytest.mark.parametrize(
    ("desk", "queue", "team", "next_"),
    [
        ("flexihost", "support", "support", "admins"), ("flexihost", "support", "admins", None),
        ("flexihost", "billing", "billing", None), ("introserv", "support", "support", "admins"),
        ("introserv", "support", "datacenter", None), ("introserv", "billing", "support", "billing"),
        ("introserv", "billing", "billing", None), ("strato", "support", "support", "specialists"),
        ("strato", "billing", "billing", None),
    ],
)  # fmt: skip
def test_who_comes_next(desk: str, queue: str, team: str, next_: str | None) -> None:
    on = shipped_desk(desk)
    for at in (MONDAY, NIGHT, MONDAY + timedelta(days=5)):  # off duty it is the next all the same, and waits
        assert climb(a_case(desk=on, queue=queue, team=team), on, at) == next_

"""Ids: 16 characters, in the order of time, never twice."""

from datetime import UTC, datetime, timedelta
from threading import Thread

from mailgate.model.spelling import ALPHABET
from mailgate.store.ids import Ids, counted_ids, least_id

NOON = datetime(2026, 3, 6, 12, 0, tzinfo=UTC)


def test_an_id_has_16_characters_of_base32hex():
    made = Ids()()
    assert len(made) == 16
    assert set(made) <= set(ALPHABET)


def test_ids_of_one_millisecond_differ_and_are_in_order():
    ids = Ids(lambda: NOON)
    made = [ids.new() for _ in range(5000)]
    assert made == sorted(set(made))


def test_later_ids_are_greater():
    now = NOON
    ids = Ids(lambda: now)
    made = []
    for _ in range(50):
        made.append(ids.new())
        now += timedelta(milliseconds=1)
    assert made == sorted(set(made))


def test_a_clock_that_is_set_back_does_not_set_ids_back():
    now = NOON
    ids = Ids(lambda: now)
    first = ids.new()
    now -= timedelta(hours=1)
    assert ids.new() > first


def test_without_chance_the_same_times_give_the_same_ids():
    first, second = (counted_ids(lambda: NOON) for _ in range(2))
    assert [first.new() for _ in range(3)] == [second.new() for _ in range(3)]


def test_the_least_id_of_a_moment_parts_what_came_before_from_what_comes_then():
    before, then = (Ids(lambda at=at: at).new() for at in (NOON - timedelta(milliseconds=1), NOON))
    assert before < least_id(NOON) <= then


def test_threads_never_get_the_same_id():
    ids = Ids()
    made: list[str] = []
    threads = [Thread(target=lambda: made.extend(ids.new() for _ in range(2000))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 8000

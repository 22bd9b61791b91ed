"""A rush at the doors: the workers leave them the cores for a while, and never stand still."""

import time

from mailgate.serve.board import Board, new_board
from mailgate.serve.rush import COMMITS, LONGEST_REST, REST_TIMES, Commits, let_doors_first


def test_mails_that_wait_for_each_others_commits_are_a_rush_and_mails_alone_are_none():
    alone, together, slowly = Commits(), Commits(), Commits()
    for number in range(COMMITS):
        alone.add(100 + number * 0.02, 1)
        together.add(100 + number * 0.02, 3)
        slowly.add(100 + number * 0.05, 3)
    now = 100 + COMMITS * 0.02
    assert (alone.are_many(now), alone.are_rush(now)) == (True, False)
    assert (together.are_many(now), together.are_rush(now)) == (True, True)
    assert not slowly.are_many(100 + COMMITS * 0.05)
    assert not together.are_rush(now + 1)


def test_a_few_great_commits_are_no_rush():
    """An IMAP folder is fetched: nobody waits for a 250."""
    commits = Commits()
    for number in range(COMMITS - 1):
        commits.add(100 + number * 0.01, 100)
    assert not commits.are_many(100.08)


def test_a_worker_rests_in_a_rush_as_its_last_group_took_and_goes_on_when_it_is_over():
    front = new_board()
    worker = Board(front.descriptor)
    front.hurry(time.monotonic() + 60)
    assert _seconds(worker, 0.0) < 0.1
    assert 0.03 * REST_TIMES <= _seconds(worker, 0.03) < LONGEST_REST
    front.hurry(time.monotonic() + 0.05)
    assert 0.03 < _seconds(worker, 60.0) < LONGEST_REST
    front.close()


def test_what_a_worker_is_on_and_the_rush_stand_beside_each_other():
    front = new_board()
    worker = Board(front.descriptor)
    front.hurry(time.monotonic() + 60)
    worker.begin("a" * 64)
    busy = front.read()
    assert busy is not None
    assert busy.arrival == "a" * 64
    assert worker.is_rush()
    worker.rest()
    assert worker.is_rush()
    front.close()


def _seconds(board: Board, took: float) -> float:
    begun = time.monotonic()
    let_doors_first(board, took)
    return time.monotonic() - begun

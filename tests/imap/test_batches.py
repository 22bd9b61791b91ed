"""How mails are fetched together: what a command asks for, what its answer says, how many are in memory at once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailgate.intake.imap import MOST_BYTES, batches_of
from mailgate.intake.imap_line import _Protocol, mails_of, uid_set


@pytest.mark.parametrize(
    ("uids", "text"),
    [([7], "7"), ([3, 4, 5, 9], "3:5,9"), ([9, 3, 4], "3:4,9"), ([1, 3, 5], "1,3,5"), (range(10, 13), "10:12")],
)
def test_uids_are_spelled_as_a_set_of_just_these(uids: list[int], text: str):
    assert uid_set(uids) == text


@given(st.sets(st.integers(1, 300), min_size=1))
def test_no_uid_is_added_to_a_set_and_none_is_lost(uids: set[int]):
    spans = [[int(end) for end in span.split(":")] for span in uid_set(uids).split(",")]
    assert [uid for span in spans for uid in range(span[0], span[-1] + 1)] == sorted(uids)


def test_a_mail_goes_by_the_uid_beside_it_wherever_the_server_puts_that():
    lines = [
        b"1 FETCH (UID 5 BODY[] {3}", bytearray(b"one"), b")",
        b"9 FETCH (FLAGS (\\Seen) UID 77)",  # nobody asked
        b"2 FETCH (BODY[] {12}", bytearray(b"UID 8 FETCH "), b" UID 6)",
        b"3 FETCH (UID 7 BODY[] NIL)",
        b"4 FETCH (BODY[] {4} UID 8", bytearray(b"four"), b")",
        b"FETCH completed.",
    ]  # fmt: skip
    assert mails_of(lines) == {5: b"one", 6: b"UID 8 FETCH ", 8: b"four"}


@given(st.lists(st.integers(0, 3 * MOST_BYTES), max_size=30))
def test_a_batch_is_bounded_by_bytes_and_all_mails_come_in_order(sizes: list[int]):
    batches = list(batches_of(dict(enumerate(sizes))))
    assert [item for batch in batches for item in batch.items()] == list(enumerate(sizes))
    assert all(len(batch) == 1 or sum(batch.values()) <= MOST_BYTES for batch in batches)


async def test_a_flood_of_short_lines_does_not_end_the_connection():
    """A colleague expunges a big folder: one read of the socket holds thousands of lines."""
    protocol = _Protocol(asyncio.get_running_loop())
    protocol.state = "SELECTED"
    protocol.data_received(b"* 1 EXPUNGE\r\n" * 20_000 + b"* 17 EX")
    protocol.data_received(b"ISTS\r\n")
    assert protocol.incomplete_line == b""

"""What another system wrote down, whatever it is: a ticket with clean values, or a word about what is wrong."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.model.mail import is_deliverable
from mailgate.takeover.jsonl import JsonLines
from mailgate.takeover.record import Wrong, find_message_id, one_line, person

NOW = datetime(2026, 6, 8, 9, 0, tzinfo=UTC)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3), max_leaves=5,
)  # fmt: skip
INSTANTS = st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda at: at.isoformat())
ADDRESSES = st.sampled_from(("a@b.example", "A <a@b.example>", "a@b.example\r\nBcc: c@d.example", "", "<>")) | st.text(
    max_size=20
)
ENTRIES = st.fixed_dictionaries(
    {"kind": st.sampled_from(("customer", "staff", "note", "fax")), "at": INSTANTS | ANYTHING},
    optional={"from": ADDRESSES, "subject": st.text(), "text": st.text(), "message_id": st.text() | st.just("<a@b.example>"),
              "attachments": st.lists(ANYTHING, max_size=2)},
)  # fmt: skip
TICKETS = st.fixed_dictionaries(
    {
        "number": st.integers(-1, 10**12) | ANYTHING, "subject": st.text() | ANYTHING, "requestor": ADDRESSES | st.none(),
        "status": st.sampled_from(("open", "waiting", "resolved", "closed", "merged", "lost")), "created_at": INSTANTS,
        "messages": st.lists(ENTRIES, max_size=3) | ANYTHING,
    },
    optional={"participants": st.lists(ADDRESSES, max_size=60), "merged_into": st.integers() | st.none(), "owner": st.text(),
              "message_ids": st.lists(st.text(max_size=10), max_size=3), "x": ANYTHING},
)  # fmt: skip


def read(folder: Path, raw: bytes) -> tuple[list[Any], JsonLines]:
    file = folder / "old.jsonl"
    file.write_bytes(raw)
    lines = JsonLines(file, "flexihost", NOW)
    lines.survey()
    return list(lines.tickets()), lines


@settings(max_examples=150, deadline=None)
@given(TICKETS | ANYTHING)
def test_a_line_is_a_clean_ticket_or_one_complaint(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    found, lines = read(tmp_path_factory.getbasetemp(), json.dumps(value).encode() + b"\n")
    assert len(found) == 1
    assert (found[0] is None) == (len(lines.complaints) == 1)
    if found[0] is None:
        return
    ticket = found[0]
    assert 0 < ticket.number < 10**9
    assert ticket.created_at.tzinfo is UTC
    assert all(is_deliverable(one) for one in (ticket.requestor, *ticket.participants) if one)
    assert len(ticket.participants) <= 40
    assert ticket.subject.isprintable()
    assert [one.at for one in ticket.messages] == sorted(one.at for one in ticket.messages)
    assert not any("\x00" in one.text or "\r" in one.text for one in ticket.messages)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200).filter(lambda raw: b"\n" not in raw and raw.strip() not in (b"", b"\xef\xbb\xbf")))
def test_bytes_that_are_no_ticket_are_one_complaint(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    found, lines = read(tmp_path_factory.getbasetemp(), raw + b"\n")
    assert (found, len(lines.complaints)) == ([None], 1)


@given(st.text())
def test_a_line_is_printable_and_has_no_blanks_at_its_ends(value: str) -> None:
    found = one_line(value)
    assert found.isprintable()
    assert found == found.strip()
    assert one_line(found) == found


@given(st.text(max_size=60))
def test_a_person_is_somebody_whom_mail_may_go_to(value: str) -> None:
    try:
        address, name = person("requestor", value)
    except Wrong:
        return
    assert is_deliverable(address)
    assert name.isprintable()


@pytest.mark.parametrize(
    ("written", "read_"),
    [("<a@b>", "a@b"), ("a@b", "a@b"), (" <a@b> ", "a@b"), ("<a b@c>", None), ("<a><b>", None), ("", None), (None, None),
     ("<a@b>\nBcc: c", None), ("a" * 999, None)],
)  # fmt: skip
def test_a_message_id_is_one_word(written: str | None, read_: str | None) -> None:
    assert find_message_id(written) == read_

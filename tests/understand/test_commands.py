"""Reading staff commands (C3)."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailgate.understand.commands import COMMANDS, numbers_named, read_commands, read_duration, read_moment

KYIV = ZoneInfo("Europe/Kyiv")
NOON = datetime(2026, 3, 9, 10, 0, tzinfo=UTC)  # 12:00 in Kyiv


@pytest.mark.parametrize(
    ("text", "commands", "rest"),
    [
        ("#close", [("close", "")], ""),
        ("  #Close  \n\nDone.", [("close", "")], "Done."),
        ("#TAKE\n#Priority High\n\nLooking.", [("take", ""), ("priority", "High")], "Looking."),
        ("#take #resolve", [("take", ""), ("resolve", "")], ""),
        ("#queue billing #note please check", [("queue", "billing"), ("note", "please check")], ""),
        ("*#close*", [("close", "")], ""),
        ("\u200b#note\nHe is difficult.", [("note", "")], "He is difficult."),
        ("\u200b *#take*\u00a0\ufeff\n#close\u200e", [("take", ""), ("close", "")], ""),
        ("#note.\nHe is difficult.", [("note", "")], "He is difficult."),
        ("#Close, thanks", [("close", "thanks")], ""),
        ("#thanks! to all", [], "#thanks! to all"),
        ("> How do I log in?\n>\n\n#note\n\nShe is difficult.", [("note", "")], "She is difficult."),
        ("> How do I log in?\nWith your name.\n#close", [], "> How do I log in?\nWith your name.\n#close"),
        ("> How do I log in?", [], "> How do I log in?"),
        ("#escalate datacenter disk of node9 broken", [("escalate", "datacenter disk of node9 broken")], ""),
        ("#assign: Ivan Petrenko", [("assign", "Ivan Petrenko")], ""),
        ("Hello,\n#close", [], "Hello,\n#close"),
        ("#1 restart the server", [], "#1 restart the server"),
        ("# redirect to https\nRewriteEngine On", [], "# redirect to https\nRewriteEngine On"),
        ("#resolve\n\nPut this in:\n# a comment\n#close", [("resolve", "")], "Put this in:\n# a comment\n#close"),
        ("#frobnicate", [("frobnicate", "")], ""),
        ("#закрыть", [("закрыть", "")], ""),
        ("", [], ""),
        ("\n\n#wait\n\n\n#open\n", [("wait", ""), ("open", "")], ""),
    ],
)
def test_commands_stand_on_lines_of_their_own_before_the_text(
    text: str, commands: list[tuple[str, str]], rest: str
) -> None:
    said = read_commands(text)
    assert [(one.name, one.argument) for one in said.commands] == commands
    assert said.text == rest


@given(st.lists(st.sampled_from(COMMANDS), max_size=6), st.text("abc xyz", max_size=30))
@settings(max_examples=50, deadline=None)
def test_what_stands_behind_the_commands_is_kept_whole(names: list[str], text: str) -> None:
    said = read_commands("\n".join(f"#{name}" for name in names) + "\n\n" + text)
    assert [one.name for one in said.commands] == names
    assert said.text == text.strip()


@pytest.mark.parametrize(
    ("argument", "length"),
    [
        ("30m", timedelta(minutes=30)), ("30 min", timedelta(minutes=30)), ("4h", timedelta(hours=4)),
        ("4 hours", timedelta(hours=4)), ("2d", timedelta(days=2)), ("2 days", timedelta(days=2)),
        ("1W", timedelta(weeks=1)), ("0d", None), ("-2d", None), ("2", None), ("soon", None), ("2dd", None), ("", None),
        ("99999d", None),
    ],
)  # fmt: skip
def test_a_length_of_time_is_a_number_with_a_unit(argument: str, length: timedelta | None) -> None:
    assert read_duration(argument) == length


@pytest.mark.parametrize(
    ("argument", "at"),
    [
        ("16:00", datetime(2026, 3, 9, 14, 0, tzinfo=UTC)),
        ("9:30", datetime(2026, 3, 9, 7, 30, tzinfo=UTC)),  # past: the order refuses it
        ("2d", datetime(2026, 3, 11, 10, 0, tzinfo=UTC)),
        ("2026-03-30 09:00", datetime(2026, 3, 30, 6, 0, tzinfo=UTC)),  # summer time by then
        ("2026-03-30", datetime(2026, 3, 30, 9, 0, tzinfo=UTC)),
        ("2026-03-10T08:00", datetime(2026, 3, 10, 6, 0, tzinfo=UTC)),
        ("25:00", None), ("2026-13-01", None), ("tomorrow", None), ("16", None),
    ],
)  # fmt: skip
def test_a_moment_is_read_in_the_zone_of_whoever_wrote_it(argument: str, at: datetime | None) -> None:
    assert read_moment(argument, NOON, KYIV) == at


def test_tickets_that_a_merge_names_are_known_before_the_decision() -> None:
    assert numbers_named("#take\n#merge #10002\n") == (10002,)
    assert numbers_named("please #merge 10002") == ()


def test_a_megabyte_of_hashes_is_read_at_once() -> None:
    assert read_commands("#" * 1_000_000).commands == ()
    assert len(read_commands("#close " * 150_000).commands) == 150_000

"""A mail beyond the limits is quarantined in a scenario as in the daemon, and the story goes on (M4, I7)."""

from pathlib import Path
from typing import Any

from mailgate import config, phrases, templates
from mailgate.byhand import perform
from mailgate.simulate.player import Player
from mailgate.simulate.scenario import read_scenario

STORY = """
config = "flexihost"
start = 2026-06-09T10:00:00+03:00

[[step]]
name = "too_many_lines"
at = "0s"
mail = '''
From: x@shop.example
To: support@flexihost.example
Subject: x
{lines}

x
'''
expect = {{ outcome = "quarantined" }}
expect_sent = [{{ kind = "alarm", to = "managers@flexihost.example" }}]

[[step]]
name = "the_next"
at = "1m"
mail = '''
From: x@shop.example
To: support@flexihost.example
Subject: Access log

Where do I find the access log?
'''
expect = {{ outcome = "new", ticket = 10001 }}
"""


def test_a_mail_beyond_the_limits_is_quarantined_and_the_story_goes_on(tmp_path: Path) -> None:
    file = tmp_path / "story.toml"
    file.write_text(STORY.format(lines="\n".join(f"X-Line: {number}" for number in range(1100))), encoding="utf-8")
    lines: list[dict[str, Any]] = []
    desk = config.load_desk("flexihost")
    is_fine = Player(
        read_scenario(file), desk, templates.load(), phrases.load(), perform, lines.append
    ).play()  # fmt: skip
    assert is_fine, [one["why"] for one in lines if one["event"] == "step"]

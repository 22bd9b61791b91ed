"""What a command loads: a start costs what is imported, and most of it is for those who read and decide mail.

The table says what may not be loaded. A command that needs something of it imports it where it is needed, and pays then.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailgate.config.directory import write_directory

MAIL = b"From: a@b.example\r\nTo: support@flexihost.example\r\nSubject: x\r\n\r\nhello\r\n"
DATABASES = ("sqlalchemy", "msgspec")
CENTRE = ("mailgate.parse", "mailgate.understand", "mailgate.decide", "mailgate.compose", "mailgate.apply",
          "mailgate.pipeline", "jinja2")  # fmt: skip
NETWORK = ("asyncio", "dns", "aiosmtpd", "aiosmtplib", "aioimaplib", "starlette", "httpx", "dkim")
ALWAYS = ("pydantic", "sqlmodel", "sqlalchemy.orm", "uvloop", "rich")  # nobody pays for these in passing
# command → what it may not load
HEAVY = {
    "deliver --to support@flexihost.example": (*DATABASES, *CENTRE, *NETWORK),
    "ticket list": (*CENTRE, *NETWORK[1:]),  # SQLAlchemy's own SQLite dialect loads asyncio
    "stats": (*CENTRE, *NETWORK[1:]),
    "outbox list": ("mailgate.parse", *NETWORK[1:]),
    "doctor": ("mailgate.parse", "mailgate.decide", "mailgate.pipeline", "starlette", "dkim"),
    "explain -": NETWORK[1:],
    "schema": (*CENTRE, *NETWORK[1:]),
    "config check": (*DATABASES, *NETWORK),
}  # fmt: skip
_RUN = """
import sys
from mailgate.__main__ import main
try:
    main()
except SystemExit:
    pass
print("\\n".join(sys.modules), file=sys.stderr)
"""


def loaded_by(folder: Path, words: Sequence[str]) -> set[str]:
    """Return the modules that a command has loaded when it ends."""
    command = [sys.executable, "-c", _RUN, "--config", str(folder / "mailgate.toml"), *words]
    done = subprocess.run(command, input=MAIL, capture_output=True, check=False)
    return set(done.stderr.decode().split())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desk")
    write_directory(folder, ["flexihost"])
    loaded_by(folder, ["ticket", "list"])  # which makes the databases
    return folder


@pytest.mark.parametrize("line", HEAVY)
def test_a_command_loads_nothing_that_it_does_not_need(desk: Path, line: str):
    loaded = loaded_by(desk, line.split())
    assert "mailgate.config" in loaded or line == "schema"
    heavy = {name for name in (*HEAVY[line], *ALWAYS) if name in loaded}
    assert not heavy, f"`mailgate {line}` loads {', '.join(sorted(heavy))}"

"""A Request Tracker 5 of our own for tests: Debian's, on a PostgreSQL of ours, made and filled by RT itself."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from tests.store.postgresql import running as postgresql_running

PLAY = Path(__file__).with_name("play.pl")
MYSQL_SCHEMA = Path("/usr/share/request-tracker5/etc/schema.mysql")
NAME = "desk.example"
_TABLES = ("Queues", "Users", "Groups", "GroupMembers", "Tickets", "Transactions", "Attachments")


@dataclass
class Tracker:
    """RT's database, and a way to let RT do things."""

    url: str
    environ: dict[str, str] = field(repr=False)

    def play(self, steps: Sequence[dict[str, Any]]) -> list[str]:
        """Let RT do these steps, one after another; return what each came to: a mail's is its ticket's number."""
        ran = subprocess.run(
            ["perl", str(PLAY)], input="".join(json.dumps(step) + "\n" for step in steps).encode(), env=self.environ,
            capture_output=True, timeout=900, check=False,
        )  # fmt: skip
        results = [
            json.loads(line)["result"] for line in ran.stdout.decode().splitlines() if line.startswith('{"result"')
        ]
        assert ran.returncode == 0, f"step {len(results)}: {steps[len(results)]}: {ran.stderr.decode()[-2000:]}"
        return results

    def copy_to(self, other: Any) -> None:
        """Write the rows that an import reads into another database, which has RT's tables for MySQL."""
        engine = create_engine(self.url.replace("postgresql://", "postgresql+psycopg://"))
        with engine.connect() as connection, other.cursor() as cursor:
            cursor.execute("SET SESSION sql_mode = ''")  # as RT itself does: a column without a value gets its default
            for table in _TABLES:
                for row in connection.execute(text(f"SELECT * FROM {table}")).mappings():
                    names = [name for name, value in row.items() if value is not None]
                    cursor.execute(
                        f"INSERT INTO `{table}` ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))})",
                        [row[name] for name in names],
                    )
        engine.dispose()


def site_of(name: str, host: str, admin: str) -> str:
    """Return RT's configuration: its name in tags, where its database is, and who may make one there."""
    return f"""Set($rtname, '{name}');
Set($Organization, '{name}');
Set($DatabaseType, 'Pg');
Set($DatabaseHost, '{host}');
Set($DatabaseName, 'rt5');
Set($DatabaseUser, 'rt_user');
Set($DatabasePassword, 'x');
Set($DatabaseAdmin, '{admin}');
Set($MailCommand, 'mbox');
Set($ParseNewMessageForTicketCcs, 1);
Set($RTAddressRegexp, '^(support|bill)@desk[.]example$');
Set($Timezone, 'UTC');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'error');
1;
"""


@contextmanager
def running() -> Iterator[Tracker]:
    with postgresql_running() as server, tempfile.TemporaryDirectory(prefix="mailgate-rt-") as name:
        folder, host = Path(name), server.partition("host=")[2]
        for sub in ("site.d", "tmp"):
            (folder / sub).mkdir()
        (folder / "site.pm").write_text(site_of(NAME, host, "mailgate"), encoding="utf-8")
        environ = {
            **os.environ, "RT_SITE_CONFIG": str(folder / "site.pm"), "RT_SITE_CONFIG_DIR": str(folder / "site.d"),
            "TMPDIR": str(folder / "tmp"),
        }  # fmt: skip
        made = subprocess.run(
            ["rt-setup-database-5", "--action", "init", "--dba", "mailgate", "--dba-password", "x"],
            env=environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=600, check=False,
        )  # fmt: skip
        assert made.returncode == 0, (made.stdout + made.stderr).decode()[-2000:]
        yield Tracker(f"postgresql://rt_user@/rt5?host={host}", environ)

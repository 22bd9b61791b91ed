"""A real daemon in a folder of its own, and what a mail server in front of it would do."""

import json
import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, TypeVar

from mailgate import app
from mailgate.config.directory import write_directory
from mailgate.model.people import Account, Contact, Staff
from mailgate.store import people
from mailgate.store.engine import open_engine, reading, transaction

T = TypeVar("T")
AUTHSERV = {name: f"mx.{name}.example" for name in ("flexihost", "introserv", "strato")}
SECONDS = 30.0


@dataclass
class Daemon:
    """A house in `folder`; `start`, then feed it mail, then `stop` or `kill`."""

    folder: Path
    desk: str = "flexihost"
    environ: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    lines: dict[str, str] = field(default_factory=dict)

    def make(self) -> None:
        """Write the configuration, with a customer for each language and a person of the desk."""
        write_directory(self.folder, [self.desk])
        with self.built() as built, transaction(built.engine) as connection:
            for number, language in enumerate(("uk", "de", "en", "pl", "ru"), 1001):
                account = Account(id="", desk=self.desk, number=str(number), name=language, language=language)
                id_, _ = people.put_account(connection, account, built.ids)
                contact = Contact(id="", account=account, address=f"{language}@shop.example")
                people.put_contact(connection, contact, id_, built.ids)
            person = Staff(desk=self.desk, address="ivan@team.example", name="Ivan Petrenko", teams=("support",))
            people.put_staff(connection, person)

    @property
    def config(self) -> str:
        return str(self.folder / "mailgate.toml")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def port(self) -> int:
        return int(self.lines["smtp"].rpartition(":")[2])

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(encoding="utf-8")

    def start(self) -> "Daemon":
        """Run it until it says `ready`."""
        environ = {**os.environ, "MAILGATE_SMTP__LISTEN": "127.0.0.1:0", "MAILGATE_WEB__LISTEN": "",
                   "MAILGATE_RELAY__HOLD_SECONDS": "1", **self.environ}  # fmt: skip
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mailgate", "--config", self.config, "serve", *self.arguments],
                stdout=subprocess.PIPE, stderr=log, text=True, env=environ,
            )  # fmt: skip
        assert self.process.stdout is not None
        self.lines = {}
        for line in self.process.stdout:
            name, _, value = line.strip().partition(" ")
            self.lines[name] = value
            if name == "ready":
                return self
        raise AssertionError(f"it ended: {self.log[-3000:]}")

    def stop(self) -> tuple[int, float]:
        """End it as systemd would; return its exit code and the seconds it took."""
        assert self.process is not None
        begun = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        return code, time.monotonic() - begun

    def kill(self, pid: int | None = None) -> None:
        """End it, or a process of it, at once."""
        assert self.process is not None
        os.kill(pid or self.process.pid, signal.SIGKILL)
        if pid is None:
            self.process.wait(20)

    def workers(self) -> list[int]:
        """Return the worker processes that run."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii")
        return [int(pid) for pid in children.split()]

    def send(self, raw: bytes, to: str | None = None, sender: str | None = None) -> None:
        """Hand over a mail; SMTPException where it is not answered with 250."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            client.sendmail(sender or "someone@shop.example", [to or f"support@{self.desk}.example"], raw)

    def cli(self, *arguments: str) -> list[dict[str, Any]]:
        """Run a command with --json; return its lines."""
        done = subprocess.run(
            [sys.executable, "-m", "mailgate", "--config", self.config, *arguments, "--json"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    @contextmanager
    def built(self) -> Iterator[app.Built]:
        """Give the house itself, to look into it."""
        built = app.build(self.config, {})
        try:
            yield built
        finally:
            built.close()

    def rows(self, table: Any) -> list[dict[str, Any]]:
        """Return the rows of a table of the database, the inbox included."""
        name = "inbox.db" if table.name == "inbox" else "mailgate.db"
        engine = open_engine(f"sqlite:///{self.folder / name}", readonly=True)
        with reading(engine) as connection:
            found = [dict(row) for row in connection.execute(table.select()).mappings()]
        engine.dispose()
        return found

    def letters(self, to: str | None = None, kind: str | None = None) -> list[EmailMessage]:
        """Return what lies in the outgoing folder, oldest first, to that address and of that kind."""
        files = sorted((self.folder / "outgoing" / "new").glob("*.mailgate"))
        found = [BytesParser(policy=policy.default).parsebytes(file.read_bytes()) for file in files]
        return [
            one  # type: ignore[misc]
            for one in found
            if to in (None, one["Delivered-To"]) and kind in (None, one["X-Mailgate-Kind"])
        ]

    def wait_for(self, look: Callable[[], T], seconds: float = SECONDS) -> T:
        """Return what `look` finds, as soon as it finds something."""
        end = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < end, f"nothing came of it: {self.log[-3000:]}"
            time.sleep(0.05)
        return found


@contextmanager
def running(folder: Path, desk: str = "flexihost", arguments: Sequence[str] = (), **environ: str) -> Iterator[Daemon]:
    """A daemon that runs while the block does."""
    daemon = Daemon(folder, desk, environ, tuple(arguments))
    daemon.make()
    try:
        yield daemon.start()
    finally:
        if daemon.process is not None and daemon.process.poll() is None:
            daemon.stop()


def mail(
    text: str, *, sender: str, subject: str, message_id: str, desk: str = "flexihost", auth: str = "pass",
    **headers: str,
) -> bytes:  # fmt: skip
    """Return a mail as the mail server in front hands it on: its verdict stands on top."""
    lines = [f"Authentication-Results: {AUTHSERV[desk]}; dmarc={auth} header.from={sender.partition('@')[2]}"]
    lines += [f"From: <{sender}>", f"To: support@{desk}.example", f"Subject: {subject}", f"Message-ID: <{message_id}>"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Content-Transfer-Encoding: 8bit",
        "",
        text,
    ]
    return "\r\n".join(lines).encode() + b"\r\n"

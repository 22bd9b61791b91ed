"""The demo's desk: a configuration in a folder, people in its database, and the daemon on a free port."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from mailgate import app
from mailgate.config.directory import write_directory
from mailgate.demo.words import WORDS
from mailgate.errors import MailgateError
from mailgate.model.people import Account, Contact, Staff
from mailgate.store import people
from mailgate.store.engine import transaction

PROMISED_SECONDS = 6
DESK = "flexihost"
OLENA, IVAN, PETRO, STRANGER = "olena@shop.example", "ivan@team.example", "petro@team.example", "x@stranger.example"
_BEGIN_SECONDS = 20.0
# the desk of the story promises in seconds what the shipped one promises in minutes
_QUICKER = (
    ('first_response = "60m"', f'first_response = "{PROMISED_SECONDS}s"'),
    ('next_response = "60m"', 'next_response = "10m"'),
)


class DemoDesk:
    """The folder, the house in it, and the daemon over it."""

    def __init__(self, folder: Path, language: str = "en", *, with_board: bool = False) -> None:
        self.folder = folder
        self.language = language
        self.words = WORDS[language]
        self.file = write_directory(folder, [DESK])
        self._quicken()
        self._environ = {
            **os.environ, "MAILGATE_CONFIG": str(self.file), "MAILGATE_SMTP__LISTEN": "127.0.0.1:0",
            "MAILGATE_RELAY__HOLD_SECONDS": "1", "MAILGATE_WEB__LISTEN": "127.0.0.1:0" if with_board else "",
            "MAILGATE_WEB__URL": "",
        }  # fmt: skip
        self.built = app.build(str(self.file), {})
        self._introduce()
        self._daemon: subprocess.Popen[str] | None = None
        self.port = 0
        self._board = ""  # host and port

    def start(self) -> None:
        """Run the daemon; return once it listens. MailgateError where it does not begin."""
        command = [sys.executable, "-m", "mailgate", "--config", str(self.file), "serve"]
        with open(self.folder / "daemon.log", "ab") as log:
            self._daemon = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=self._environ)  # noqa: S603
        assert self._daemon.stdout is not None
        for line in self._daemon.stdout:
            name, _, rest = line.strip().partition(" ")
            if name == "smtp":
                self.port = int(rest.rpartition(":")[2])
            if name == "web":
                self._board = rest
            if name == "ready":
                return
        raise MailgateError(f"the daemon did not begin; {self.folder / 'daemon.log'} says why")

    def board_link(self) -> str:
        """Return an address that opens the board as Ivan, once: in earnest such a link goes to staff by mail alone."""
        from mailgate.web.sign_in import SignIn

        return SignIn(self.built.house, f"http://{self._board}").make_link(IVAN)

    def stop(self) -> None:
        """End the daemon as systemd would, and close the house."""
        if self._daemon is not None and self._daemon.poll() is None:
            self._daemon.send_signal(signal.SIGTERM)
            try:
                self._daemon.wait(12)
            except subprocess.TimeoutExpired:
                self._daemon.kill()
        self.built.close()

    def wait(self) -> None:
        """Stay until the daemon ends, or Ctrl-C."""
        while self._daemon is not None and self._daemon.poll() is None:
            time.sleep(0.5)

    def _quicken(self) -> None:
        desk = self.folder / f"{DESK}.toml"
        text = desk.read_text(encoding="utf-8")
        for shipped, quick in _QUICKER:
            text = text.replace(shipped, quick)
        text = re.sub(r"(?m)^languages = .*$", f'languages = ["{self.language}"]', text)
        desk.write_text(text, encoding="utf-8")

    def _introduce(self) -> None:
        ids = self.built.ids
        with transaction(self.built.engine) as connection:
            account = Account(
                id="", desk=DESK, number="1001", login="olena", name=self.words.customer, language=self.language
            )
            id_, _ = people.put_account(connection, account, ids)
            contact = Contact(id="", account=account, address=OLENA, name=self.words.customer)
            people.put_contact(connection, contact, id_, ids)
            for address, name, team in ((IVAN, "Ivan Petrenko", "support"), (PETRO, "Petro Lysenko", "admins")):
                person = Staff(desk=DESK, address=address, name=name, teams=(team,), language=self.language)
                people.put_staff(connection, person)

"""A desk in a folder of its own, whose commands run in this process; mail comes in through its real inbox."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mailgate import app
from mailgate.__main__ import main
from mailgate.intake.door import Envelope, Recipients, arrivals_of
from mailgate.pipeline import Worker


@dataclass(frozen=True)
class Ran:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class DeskFolder:
    """What `mailgate init` wrote, and hands to work with it."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], *desks: str) -> None:
        self.folder, self._capsys = folder, capsys
        self.file = str(folder / "mailgate.toml")
        assert self.run("init", str(folder), *(word for desk in desks for word in ("--desk", desk))).code == 0

    def run(self, *words: str) -> Ran:
        """Run a command; init and schema need no configuration."""
        self._capsys.readouterr()
        own = [] if words[0] in ("init", "schema") else ["--config", self.file]
        code = main([*own, *words])
        printed = self._capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    def rows(self, *words: str) -> list[dict[str, Any]]:
        """Run a command with --json; return its objects."""
        ran = self.run(*words, "--json")
        assert ran.code == 0, ran.err
        return ran.rows

    def open(self) -> app.Built:
        return app.build(self.file, {})

    def take(self, raw: bytes, to: str = "support@flexihost.example", *, read: bool = True) -> str:
        """Let mail come in from a trusted server; return the id of its arrival. `read`: a worker reads it."""
        built = self.open()
        try:
            envelope = Envelope(
                channel="smtp", sender="x@y.example", recipients=(to,), peer="127.0.0.1", is_trusted=True
            )
            incoming = arrivals_of(raw, envelope, Recipients.of(built.settings), built.ids, datetime.now(UTC))
            built.inbox.accept(incoming)
            if read:
                self.work(built)
        finally:
            built.close()
        return incoming[0].arrival.id

    def work(self, built: app.Built | None = None) -> None:
        """Read all that waits."""
        house = built or self.open()
        worker = Worker(house.house, house.inbox)
        while worker.work():
            pass
        if built is None:
            house.close()


def mail(
    subject: str = "Site shows 502",
    text: str = "Since the update shop.example shows 502 Bad Gateway.",
    *,
    sender: str = "Olena Kovalenko <olena@shop.example>",
    to: str = "support@flexihost.example",
    id_: str = "a1@shop.example",
    auth: str = "",
    more: str = "",
) -> bytes:
    """Return raw mail; `auth` is what the desk's own server says of it."""
    domain = sender.rpartition("@")[2].rstrip(">")
    top = f"Authentication-Results: mx.flexihost.example; dmarc={auth} header.from={domain}\n" if auth else ""
    head = f"From: {sender}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id_}>\n{more}"
    head += "Date: Fri, 06 Mar 2026 21:50:00 +0200\n"
    whole = f"{top}{head}MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n{text}\n"
    return whole.replace("\n", "\r\n").encode()


@pytest.fixture(name="desk")
def desk_with_people(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> DeskFolder:
    """A folder with the desk flexihost, Ivan of its support, and two customers."""
    found = DeskFolder(tmp_path / "desk", capsys, "flexihost")
    people = tmp_path / "people.csv"
    people.write_text("address,name,teams,role\nivan@team.example,Ivan Petrenko,support,lead\n", encoding="utf-8")
    customers = tmp_path / "customers.csv"
    customers.write_text(
        "number,login,name,language,address,roles,purposes,until\n"
        "1001,olena,Olena Kovalenko,en,olena@shop.example,owner,,\n"
        "1001,olena,Books,en,buh@shop.example,billing,,\n"
        "1002,sergey,Sergey Melnik,ru,sergey@sklad.example,owner;technical,,\n",
        encoding="utf-8",
    )
    assert found.run("staff", "import", str(people)).code == 0
    assert found.run("account", "import", str(customers)).code == 0
    return found

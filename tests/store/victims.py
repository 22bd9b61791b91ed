"""Processes that are killed: python -m tests.store.victims ACTION FOLDER."""

import os
import signal
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from mailgate.blobs import FolderBlobs
from mailgate.store import outbox
from mailgate.store.engine import open_engine, transaction
from mailgate.store.inbox import Inbox
from tests.store.samples import NOON, incoming


class FatalBlobs(FolderBlobs):
    """Kept, and then the process is no more."""

    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        super().put_all(blobs)
        os.kill(os.getpid(), signal.SIGKILL)


def say(line: str) -> None:
    print(line, flush=True)


def accept(folder: Path) -> None:
    """Take mail for ever, and say which is kept."""
    inbox = Inbox(open_engine(f"sqlite:///{folder}/inbox.db"), FolderBlobs(folder / "blobs"))
    while True:
        group = [incoming(), incoming(), incoming(b"x" * 300_000 + os.urandom(8))]
        inbox.accept(group)
        for item in group:
            say(item.arrival.digest)


def claim(folder: Path) -> None:
    """Take what is there, say so, and read it for ever."""
    inbox = Inbox(open_engine(f"sqlite:///{folder}/inbox.db"), FolderBlobs(folder / "blobs"))
    for taken in inbox.claim(10, NOON, 60, "worker-1"):
        say(taken.arrival.id)
    signal.pause()


def move(folder: Path) -> None:
    """Die between the blobs and the rows."""
    Inbox(open_engine(f"sqlite:///{folder}/inbox.db"), FatalBlobs(folder / "blobs")).move_to_blobs()


def send(folder: Path) -> None:
    """Take a letter, say that the relay has it, and never note it."""
    with transaction(open_engine(f"sqlite:///{folder}/inbox.db")) as connection:
        letters = outbox.claim(connection, NOON + timedelta(minutes=1), 10, 60, "sender-1")
    for letter in letters:
        say(letter.rendered.message_id)
    signal.pause()


if __name__ == "__main__":
    {"accept": accept, "claim": claim, "move": move, "send": send}[sys.argv[1]](Path(sys.argv[2]))

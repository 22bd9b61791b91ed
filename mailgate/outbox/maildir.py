"""Letters into a Maildir instead of the world: for trying out, and until a relay is named."""

import asyncio
import hashlib
import os
from pathlib import Path

from mailgate.outbox.relay import Parcel, Result, Sent, Unreachable


class MaildirRelay:
    """A Maildir. A letter that is sent again overwrites nothing and is there once."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._is_made = False

    async def send(self, parcel: Parcel) -> Result:
        """Put it into `new/`, durably."""
        try:
            await asyncio.to_thread(self._put, parcel)
        except OSError as error:
            self._is_made = False
            return Unreachable(text=f"the outgoing folder cannot be written: {error.strerror}")
        return Sent(text="put into the folder")

    async def close(self) -> None:
        """Nothing is open."""

    def _put(self, parcel: Parcel) -> None:
        if not self._is_made:
            for folder in ("tmp", "new", "cur"):
                (self.path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
            self._is_made = True
        name = _name_of(parcel)
        if not self._has(name):
            fresh = self.path / "tmp" / f"{name}.{os.getpid()}"
            with open(fresh, "wb") as out:
                # RFC 5321, 4.4: final delivery keeps the envelope sender
                out.write(f"Return-Path: <{parcel.envelope_from}>\r\nDelivered-To: {parcel.to}\r\n".encode())
                out.write(parcel.raw)
                out.flush()
                os.fsync(out.fileno())
            fresh.rename(self.path / "new" / name)
        _sync_folder(self.path / "new")

    def _has(self, name: str) -> bool:
        # a reader moves it to cur/ and adds its flags to the name
        if (self.path / "new" / name).exists():
            return True
        with os.scandir(self.path / "cur") as read:
            return any(entry.name.startswith(name) for entry in read)


def _name_of(parcel: Parcel) -> str:
    return f"{parcel.id}.{hashlib.sha256(parcel.message_id.encode()).hexdigest()[:16]}.mailgate"


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

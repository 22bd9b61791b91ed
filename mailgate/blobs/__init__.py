"""Raw mail by digest: kept once, whole, on durable storage."""

import os
import socket
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from threading import get_ident
from typing import Protocol
from urllib.parse import unquote, urlsplit

from mailgate.errors import ConfigError, TryLater

_HOST = socket.gethostname().replace("/", "_")


class Blobs(Protocol):
    """Bytes by their SHA-256 (hex). What `put` returned from survives a power cut; trouble is TryLater."""

    def put(self, digest: str, data: bytes) -> None: ...

    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None: ...

    def get(self, digest: str) -> bytes | None: ...

    def has(self, digest: str) -> bool: ...

    def remove(self, digest: str) -> None: ...


def open_blobs(url: str) -> Blobs:
    """Return the blobs at `file:///PATH`, `s3://BUCKET/PREFIX` or `memory:` (gone with us); else ConfigError."""
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FolderBlobs(Path(unquote(parts.path)))
    if parts.scheme == "memory":
        return MemoryBlobs()
    if parts.scheme == "s3" and parts.netloc:
        from mailgate.blobs.bucket import open_bucket  # its library is optional

        return open_bucket(url)
    raise ConfigError([f"blobs.url: {url!r} is no place for blobs (allowed: file:///PATH, s3://BUCKET/PREFIX)"])


class MemoryBlobs:
    """Blobs of a process that keeps nothing, as a simulation."""

    def __init__(self) -> None:
        self._data: dict[str, bytes] = {}

    def put(self, digest: str, data: bytes) -> None:
        self._data[digest] = data

    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        self._data.update(blobs)

    def get(self, digest: str) -> bytes | None:
        return self._data.get(digest)

    def has(self, digest: str) -> bool:
        return digest in self._data

    def remove(self, digest: str) -> None:
        self._data.pop(digest, None)


class FolderBlobs:
    """Blobs in a folder, `ab/cd/abcd…`; a file appears whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, digest: str, data: bytes) -> None:
        """Keep `data`; when this returns it is durable. Putting the same again changes nothing."""
        self.put_all([(digest, data)])

    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """Keep them all; a folder that took several is synchronised once."""
        try:
            folders = {self._place(digest, data) for digest, data in blobs}
            for folder in folders:
                _sync_folder(folder)
        except OSError as error:
            raise TryLater(f"the blob folder cannot be written: {error.strerror}") from error

    def get(self, digest: str) -> bytes | None:
        """Return the bytes, or None where there are none of that digest."""
        try:
            return self._file(digest).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise TryLater(f"the blob folder cannot be read: {error.strerror}") from error

    def has(self, digest: str) -> bool:
        """Say whether it is there."""
        return self._file(digest).exists()

    def remove(self, digest: str) -> None:
        """Forget it, if it is there."""
        try:
            self._file(digest).unlink(missing_ok=True)
        except OSError as error:
            raise TryLater(f"the blob folder cannot be written: {error.strerror}") from error

    def _place(self, digest: str, data: bytes) -> Path:
        file = self._file(digest)
        # a file that is there was whole before it got its name; its folder is synchronised again all the same, since
        # whoever put it may not have come so far
        if not file.exists():
            self._make_folder(file.parent)
            # several machines may share the disk
            fresh = file.with_name(f".{digest}.{_HOST}.{os.getpid()}.{get_ident()}")
            try:
                _write_durably(fresh, data)
                fresh.rename(file)
            except OSError:
                # half a mail on a full disk would keep it full
                with suppress(OSError):
                    fresh.unlink()
                raise
        return file.parent

    def _make_folder(self, folder: Path) -> None:
        if folder.is_dir():
            return
        if folder != self.path:
            self._make_folder(folder.parent)
        folder.mkdir(mode=0o700, parents=folder == self.path, exist_ok=True)
        _sync_folder(folder.parent)

    def _file(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"no SHA-256 digest: {digest!r}")
        return self.path / digest[:2] / digest[2:4] / digest


def _write_durably(file: Path, data: bytes) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""Raw mail by digest: kept once, whole, on durable storage."""

import os
import socket
from collections.abc import Iterable, Mapping
from contextlib import suppress
from itertools import islice
from pathlib import Path
from threading import get_ident
from typing import Protocol
from urllib.parse import unquote, urlsplit

from mailgate.errors import ConfigError, TryLater

_AT_ONCE = 100  # files that are written before the first of them is synchronised
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
        """Keep them all, some at once: whoever is synchronised first has the disk write down what the others need too."""
        left = iter(blobs)
        try:
            while some := dict(islice(left, _AT_ONCE)):
                self._put_some(some)
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

    def _put_some(self, blobs: Mapping[str, bytes]) -> None:
        files = [self._file(digest) for digest in blobs]
        fresh: dict[Path, Path] = {}
        written: list[int] = []
        try:
            for file, data in zip(files, blobs.values(), strict=True):
                if not file.exists():
                    self._make_folder(file.parent)
                    # several machines may share the disk
                    fresh[file] = file.with_name(f".{file.name}.{_HOST}.{os.getpid()}.{get_ident()}")
                    written.append(_written(fresh[file], data))
            for descriptor in written:
                os.fsync(descriptor)
            for file in list(fresh):  # each is whole before it gets its name
                fresh[file].rename(file)
                del fresh[file]
        finally:
            for descriptor in written:
                os.close(descriptor)
            for left in fresh.values():  # half a mail on a full disk would keep it full
                with suppress(OSError):
                    left.unlink()
        # of files that were there too: whoever put them may not have come so far
        for folder in dict.fromkeys(folder for file in files for folder in file.parents[:3]):
            _sync_folder(folder)

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            if folder != self.path:
                self._make_folder(folder.parent)
            folder.mkdir(mode=0o700, parents=folder == self.path, exist_ok=True)

    def _file(self, digest: str) -> Path:
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"no SHA-256 digest: {digest!r}")
        return self.path / digest[:2] / digest[2:4] / digest


def _written(file: Path, data: bytes) -> int:
    """Write a file; return its descriptor, still to be synchronised."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        left = memoryview(data)
        while left:
            left = left[os.write(descriptor, left) :]
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

"""A backup read back into an empty place, every blob checked against its digest."""

import hashlib
import json
import os
import sqlite3
import tarfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, select

from mailgate.blobs import Blobs
from mailgate.errors import Refused
from mailgate.model.settings import Settings
from mailgate.operations import backup, portable
from mailgate.store import schema
from mailgate.store.engine import inbox_url, open_engine, reading
from mailgate.store.inbox import INBOX
from mailgate.store.tables import ARRIVAL, SCHEMA_VERSION

_MANIFEST_BYTES = 1 << 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Restored:
    """What came back: when it was made, how many blobs, and digests of mail whose raw text is in no backup."""

    made_at: str
    blobs: int
    missing: int


def read_backup(
    settings: Settings, blobs: Blobs, file: Path, told: Callable[[int], None] = lambda done: None
) -> Restored:
    """Restore `file`. The databases come last, so that an interrupted restore leaves an empty place. Raises Refused."""
    database = backup.database_file(settings)
    require_empty(settings)
    brought = _Brought(drafts={}, digests=[])
    try:
        with tarfile.open(file) as tar:
            manifest = _manifest(tar)
            _check_engine(manifest, database)
            _unpack(tar, settings, blobs, brought, told)
        _check_complete(brought, database, file)
        _put_in_place(brought, settings)
    except BaseException as error:
        brought.take_back(blobs)
        if isinstance(error, tarfile.TarError | EOFError | OSError | zlib.error):
            raise Refused(f"{file}: {error}") from error
        raise
    missing = _missing(settings, blobs)
    return Restored(made_at=str(manifest["made_at"]), blobs=len(brought.digests), missing=missing)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Brought:
    """What has been unpacked: files that are not in their places yet, and digests of blobs."""

    drafts: dict[str, tuple[Path, Path]]
    digests: list[str]

    def take_back(self, blobs: Blobs) -> None:
        for draft, _ in self.drafts.values():
            draft.unlink(missing_ok=True)
        for digest in self.digests:
            blobs.remove(digest)


def _check_complete(brought: _Brought, database: Path | None, file: Path) -> None:
    wanted = {backup.DATABASE, backup.INBOX} if database else {backup.ROWS}
    if not wanted <= set(brought.drafts):
        raise Refused(f"{file} ends before its end: no database in it")


def require_empty(settings: Settings) -> None:
    """Raise Refused where there is anything that a restore would mix with."""
    database = backup.database_file(settings)
    if database is not None and database.exists() and not _is_empty_file(database):
        raise Refused(f"{database} is there already: restore into an empty place, or move it away")
    if database is None:
        engine = open_engine(settings.database_url)
        schema.upgrade(engine)
        is_empty = portable.is_empty(engine)
        engine.dispose()
        if not is_empty:
            raise Refused("the database is not empty: restore into an empty one")
    folder = backup.blob_folder(settings)
    if next(backup.blobs_in(folder), None) is not None:
        raise Refused(f"{folder} is not empty: restore into an empty place, or move it away")


def _is_empty_file(file: Path) -> bool:
    try:
        connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
        try:
            return not any(
                connection.execute(f"SELECT 1 FROM {name} LIMIT 1").fetchone()  # noqa: S608
                for name in ("ticket", "arrival", "account", "staff", "outbox")
            )
        finally:
            connection.close()
    except sqlite3.Error:
        return file.stat().st_size == 0


def _manifest(tar: tarfile.TarFile) -> dict[str, Any]:
    entry = tar.next()
    if entry is None or entry.name != backup.MANIFEST or entry.size > _MANIFEST_BYTES:
        raise Refused("this is no backup of mailgate")
    found = json.loads(_content(tar, entry).read())
    if found.get("format") != backup.FORMAT or found.get("schema", 0) > SCHEMA_VERSION:
        raise Refused(f"the backup was made by a newer mailgate ({found.get('mailgate')})")
    return dict(found)


def _check_engine(manifest: dict[str, Any], database: Path | None) -> None:
    here = "sqlite" if database else "postgresql"
    if manifest["engine"] != here:
        raise Refused(f"the backup is of {manifest['engine']}, database.url is {here}")


def _unpack(
    tar: tarfile.TarFile, settings: Settings, blobs: Blobs, brought: _Brought, told: Callable[[int], None]
) -> None:
    """Read the members: blobs at once, databases into drafts beside their place."""
    places = {
        backup.DATABASE: backup.database_file(settings), backup.INBOX: backup.inbox_file(settings),
        backup.ROWS: backup.blob_folder(settings).with_name(backup.ROWS),
    }  # fmt: skip
    while (entry := tar.next()) is not None:
        place = places.get(entry.name)
        folder, _, digest = entry.name.partition("/")
        if not entry.isreg():
            raise Refused(f"the backup holds what is no file: {entry.name!r}")
        if place is not None:
            brought.drafts[entry.name] = (_draft(tar, entry, place), place)
        elif folder == backup.BLOBS:
            _keep(blobs, digest, _content(tar, entry).read())
            brought.digests.append(digest)
            told(len(brought.digests))
        else:
            raise Refused(f"the backup holds something unknown: {entry.name!r}")


def _keep(blobs: Blobs, digest: str, data: bytes) -> None:
    if hashlib.sha256(data).hexdigest() != digest:
        raise Refused(f"blob {digest[:16]} is damaged")
    blobs.put(digest, data)


def _draft(tar: tarfile.TarFile, entry: tarfile.TarInfo, place: Path) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = place.with_name(f".{place.name}.restoring")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as out:
        source = _content(tar, entry)
        while chunk := source.read(1 << 20):
            out.write(chunk)
        out.flush()
        os.fsync(out.fileno())
    return draft


def _put_in_place(brought: _Brought, settings: Settings) -> None:
    if backup.ROWS in brought.drafts:
        draft, _ = brought.drafts[backup.ROWS]
        engine = open_engine(settings.database_url)
        with open(draft, "rb") as lines:
            portable.read_rows(engine, lines)
        engine.dispose()
        draft.unlink()
        return
    for draft, place in brought.drafts.values():
        for rest in ("-wal", "-shm"):  # of the empty database that was there: SQLite would read it into this one
            place.with_name(place.name + rest).unlink(missing_ok=True)
        draft.replace(place)


def _missing(settings: Settings, blobs: Blobs) -> int:
    """Return how many mails have no raw text, neither among the blobs nor in the inbox."""
    with _reading(settings.database_url) as connection:
        digests = set(connection.execute(select(ARRIVAL.c.digest)).scalars())
    with _reading(inbox_url(settings.database_url)) as connection:
        waiting = set(connection.execute(select(INBOX.c.digest)).scalars())
    return sum(not blobs.has(digest) for digest in digests - waiting)


@contextmanager
def _reading(url: str) -> Iterator[Connection]:
    engine = open_engine(url)
    try:
        with reading(engine) as connection:
            yield connection
    finally:
        engine.dispose()


def _content(tar: tarfile.TarFile, entry: tarfile.TarInfo) -> IO[bytes]:
    found = tar.extractfile(entry)
    assert found is not None  # a regular file
    return found

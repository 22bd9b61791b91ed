"""A consistent copy of databases and blobs in one tar file, taken while the daemon works.

Order matters. Mail moves from the inbox to the database and its raw text to the blobs: so the inbox is copied before
and after the database, and the blobs last. What was applied before the copy of the database is in it whole; what came
later is in the inbox, or not in the backup at all.
"""

import json
import os
import sqlite3
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from mailgate import __version__
from mailgate.errors import Refused
from mailgate.model.settings import Settings
from mailgate.operations import portable
from mailgate.store.engine import inbox_url
from mailgate.store.tables import SCHEMA_VERSION

MANIFEST, DATABASE, INBOX, ROWS, BLOBS = "mailgate.json", "mailgate.db", "inbox.db", "rows.jsonl", "blobs"
FORMAT = 1
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """What a backup holds."""

    file: Path
    size: int
    blobs: int


def write_backup(
    settings: Settings, engine: Engine, file: Path, now: datetime, told: Callable[[int], None] = lambda done: None
) -> Written:
    """Write the backup to `file` (gzipped where its name ends in gz), whole or not at all. Raises Refused."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "wb") as raw:
            with tarfile.open(fileobj=raw, mode="w:gz" if file.suffix in (".gz", ".tgz") else "w") as tar:
                _add(tar, MANIFEST, _manifest(settings, now))
                _add_databases(tar, settings, engine, file.absolute().parent)
                count = _add_blobs(tar, blob_folder(settings), told)
            raw.flush()
            os.fsync(raw.fileno())
        draft.replace(file)
    except OSError as error:
        of_draft = error.filename is None or str(error.filename) == str(draft)
        raise Refused(f"{file if of_draft else error.filename}: {error.strerror or error}") from error
    finally:
        draft.unlink(missing_ok=True)
    return Written(file=file, size=file.stat().st_size, blobs=count)


def database_file(settings: Settings) -> Path | None:
    """Return the file of an SQLite database, or None where it is another engine's."""
    return _sqlite_file(settings.database_url)


def inbox_file(settings: Settings) -> Path | None:
    return _sqlite_file(inbox_url(settings.database_url))


def blob_folder(settings: Settings) -> Path:
    """Return the folder of the blobs. Raises Refused for a bucket: that is copied by its own means."""
    parts = urlsplit(settings.blobs_url)
    if parts.scheme != "file":
        raise Refused(f"blobs at {settings.blobs_url} are not in a folder; copy the bucket by its own means")
    return Path(unquote(parts.path))


def blobs_in(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield digest and file of every blob; what is only being written is left out."""
    for file in sorted(folder.glob("??/??/*")):
        if len(file.name) == 64 and set(file.name) <= _HEX:
            yield file.name, file


def _manifest(settings: Settings, now: datetime) -> bytes:
    values = {
        "format": FORMAT, "mailgate": __version__, "schema": SCHEMA_VERSION, "made_at": now.isoformat(),
        "engine": "sqlite" if database_file(settings) else "postgresql",
    }  # fmt: skip
    return json.dumps(values, indent=1).encode() + b"\n"


def _add_databases(tar: tarfile.TarFile, settings: Settings, engine: Engine, beside: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".mailgate-backup-", dir=beside) as name:
        folder = Path(name)
        database, inbox = database_file(settings), inbox_file(settings)
        if database is None or inbox is None:
            with open(folder / ROWS, "wb") as out:
                portable.write_rows(engine, out)
            tar.add(folder / ROWS, ROWS)
            return
        _copy(inbox, folder / INBOX)
        _copy(database, folder / DATABASE)
        _copy(inbox, folder / "later.db")
        _reconcile(folder)
        tar.add(folder / DATABASE, DATABASE)
        tar.add(folder / INBOX, INBOX)


def _copy(source: Path, target: Path) -> None:
    """Copy a database that is in use, by SQLite's own means."""
    try:
        with _opened(f"file:{source}?mode=ro") as living, _opened(f"file:{target}") as copy:
            living.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise Refused(f"{source} is damaged: PRAGMA integrity_check")
    except sqlite3.Error as error:
        raise Refused(f"{source}: {error}") from error


def _reconcile(folder: Path) -> None:
    """Bring the inbox's copy to the moment of the database's: what is in one as read is in the other as applied."""
    with _opened(f"file:{folder / INBOX}") as inbox:
        inbox.execute("ATTACH ? AS later", (str(folder / "later.db"),))
        inbox.execute("ATTACH ? AS main_copy", (str(folder / DATABASE),))
        inbox.execute("INSERT OR IGNORE INTO main.inbox SELECT * FROM later.inbox")
        free = "claimer = '', lease_until = NULL"
        known = "id IN (SELECT id FROM main_copy.arrival)"
        inbox.execute(f"UPDATE main.inbox SET state = 'waiting', {free} WHERE state <> 'given_up' AND NOT {known}")  # noqa: S608
        inbox.execute(f"UPDATE main.inbox SET state = 'done', {free} WHERE state = 'waiting' AND {known}")  # noqa: S608
        inbox.commit()


def _add_blobs(tar: tarfile.TarFile, folder: Path, told: Callable[[int], None]) -> int:
    count = 0
    for digest, file in blobs_in(folder):
        try:
            tar.add(file, f"{BLOBS}/{digest}")
        except FileNotFoundError:  # retention took it meanwhile
            continue
        count += 1
        told(count)
    return count


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o600
    tar.addfile(entry, BytesIO(data))


class _opened:  # noqa: N801 (reads as a verb)
    def __init__(self, uri: str) -> None:
        self._connection = sqlite3.connect(uri, uri=True, timeout=30)

    def __enter__(self) -> sqlite3.Connection:
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _sqlite_file(url: str) -> Path | None:
    address = make_url(url)
    return Path(str(address.database)) if address.get_backend_name() == "sqlite" and address.database else None

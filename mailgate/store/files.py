"""The files of an embedded database: whether those that were opened are still the ones that stand there (P1).

A file that is removed while it is open takes every write, and loses all of it with the last who has it open.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine


class OpenedFiles:
    """The database files as they were when this was made. Safe from threads; a look costs microseconds."""

    def __init__(self, engines: Iterable[Engine]) -> None:
        files = [file for engine in engines if (file := file_of(engine)) is not None]
        self._known = {file: identity for file in files if (identity := _identity(file)) is not None}

    def trouble(self) -> str | None:
        """Return in words what has become of one of them, or None while all are there."""
        for file, known in self._known.items():
            found = _identity(file)
            if found is None:
                return f"{file} was removed while mailgate had it open"
            if found != known:
                return f"{file} was replaced by another file while mailgate had it open"
        return None


def file_of(engine: Engine) -> Path | None:
    """Return the file of an embedded database; None for a server, or for one in memory."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:":
        return None
    return Path(name)


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(file)
    except OSError:
        return None
    return found.st_dev, found.st_ino

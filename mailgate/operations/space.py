"""What is free where the data lies."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mailgate.model.settings import Settings

GIB = 1024**3
WARN_BYTES, WARN_SHARE = 2 * GIB, 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Free:
    """A folder, and what is free on its file system."""

    folder: Path
    bytes: int
    total: int

    @property
    def is_little(self) -> bool:
        """Say whether people should look: of a small disk the share counts, of a large one the size."""
        return self.bytes < min(WARN_BYTES, WARN_SHARE * self.total)

    def __str__(self) -> str:
        return f"{self.folder}: {self.bytes / GIB:.1f} of {self.total / GIB:.1f} GiB free"


def folders_of(settings: Settings) -> list[Path]:
    """Return the folders of database and blobs, where these lie in folders."""
    found = list(_folders(settings))
    return list(dict.fromkeys(found))


def free_in(folder: Path) -> Free:
    """Return what is free there, or where it will be made. Raises OSError."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    found = os.statvfs(folder)
    return Free(folder=folder, bytes=found.f_bavail * found.f_frsize, total=found.f_blocks * found.f_frsize)


def _folders(settings: Settings) -> Iterator[Path]:
    database, blobs = urlsplit(settings.database_url), urlsplit(settings.blobs_url)
    if database.scheme == "sqlite" and len(database.path) > 1:
        yield Path(unquote(database.path[1:])).parent
    if blobs.scheme == "file":
        yield Path(unquote(blobs.path))

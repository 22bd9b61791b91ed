"""Room on the disk: a door says 452 while there is still enough for all that it has said 250 to."""

import os
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from mailgate.log import Log
from mailgate.model.settings import Settings

LOG = Log("intake")
LEAST_MAILS = 4  # of full size
LOOK_SECONDS = 1.0


class Room:
    """Says whether every folder that mail goes into has `least_bytes` free; looks once a second at the most."""

    def __init__(self, folders: Iterable[Path], least_bytes: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._folders = tuple(folders)
        self._least = least_bytes
        self._clock = clock
        self._looked_at = float("-inf")
        self._has_room = True

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the room of the folders in which database and blobs lie; a server's disk is the server's business."""
        urls = [urlsplit(url) for url in (settings.database_url, settings.blobs_url)]
        paths = [Path(unquote(url.path[1:] if url.scheme == "sqlite" else url.path)) for url in urls
                 if url.scheme in ("sqlite", "file") and len(url.path) > 1]  # fmt: skip
        return cls(paths, LEAST_MAILS * settings.smtp.size_limit)

    def __call__(self) -> bool:
        now = self._clock()
        if now - self._looked_at >= LOOK_SECONDS:
            self._looked_at = now
            had, self._has_room = self._has_room, all(_free_bytes(folder) >= self._least for folder in self._folders)
            if had != self._has_room:
                LOG.warning("disk.has_room" if self._has_room else "disk.full", least=self._least)
        return self._has_room


def _free_bytes(folder: Path) -> float:
    """Return what is free where `folder` is or will be; without an answer the disk is not thought to be full."""
    while not folder.is_dir() and folder != folder.parent:
        folder = folder.parent
    with suppress(OSError):
        found = os.statvfs(folder)
        return found.f_bavail * found.f_frsize
    return float("inf")

"""What lies on this machine's disks and is mailgate's alone: configuration with its secrets, databases, mail."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mailgate.model.settings import Settings
from mailgate.operations import space

_READ, _SEARCH = 0o004, 0o001


def exposed(settings: Settings) -> Iterator[Path]:
    """Yield the files and folders that everybody on this machine can read: those of the configuration and of the data.

    A folder stands for what is in it. Whatever is behind a folder that strangers cannot enter is out of their reach; a
    secret is told all the same.
    """
    seen: set[Path] = set()
    for place in _places(settings):
        if place in seen or not place.exists() or any(parent in seen for parent in place.parents):
            continue
        if place.stat().st_mode & _READ and (_is_secret(place) or _is_reachable(place)):
            seen.add(place)
            yield place


def _places(settings: Settings) -> Iterator[Path]:
    configuration = Path(settings.source).absolute().parent
    # a configuration without secrets may lie in the open: its files count for themselves
    for file in sorted(configuration.iterdir()) if configuration.is_dir() else ():
        if file.is_file() and (_is_secret(file) or file.suffix == ".toml"):
            yield file
    blobs, relay, database = (urlsplit(one) for one in (settings.blobs_url, settings.relay.url, settings.database_url))
    if database.scheme == "sqlite":
        for folder in space.folders_of(settings):
            yield from (file for file in sorted(folder.glob("*.db*")) if file.is_file())
    if blobs.scheme == "file":
        yield Path(unquote(blobs.path))
    if relay.scheme == "maildir":
        yield Path(unquote(relay.path))


def _is_secret(path: Path) -> bool:
    return "secret" in path.name or "password" in path.name


def _is_reachable(path: Path) -> bool:
    return all(os.stat(parent).st_mode & _SEARCH for parent in path.absolute().parents)

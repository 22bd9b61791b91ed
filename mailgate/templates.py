"""Reading template folders into sources for `compose`: the shipped ones first, the operator's own over them (A4)."""

from collections.abc import Sequence
from pathlib import Path

from mailgate import resources
from mailgate.compose.templates import Templates
from mailgate.errors import ConfigError

_SUFFIXES = (".txt", ".html")


def load(folders: Sequence[Path] = ()) -> Templates:
    """Return the shipped templates with those of `folders` put over them, each named `desk/language/kind.txt`.

    Raises ConfigError where a folder or a file cannot be read.
    """
    return Templates.from_sources(read_sources([resources.path("templates"), *folders]))


def load_beside(source: str) -> Templates:
    """Return the templates for the configuration file `source`: the shipped ones, under those of the folder
    `templates` beside it."""
    shipped = resources.path("templates")
    beside = Path(source).resolve().parent / "templates" if source else shipped
    return load([beside] if beside.is_dir() and beside != shipped.resolve() else [])


def read_sources(folders: Sequence[Path]) -> dict[str, str]:
    """Return all sources below `folders`; what comes later stands in the place of what came before."""
    sources: dict[str, str] = {}
    complaints: list[str] = []
    for folder in folders:
        if not folder.is_dir():
            complaints.append(f"{folder}: no such folder of templates")
            continue
        for path in sorted(folder.rglob("*")):
            if path.suffix not in _SUFFIXES or not path.is_file():
                continue
            try:
                sources[path.relative_to(folder).as_posix()] = path.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                complaints.append(f"{path}: {error}")
    if complaints:
        raise ConfigError(complaints)
    return sources

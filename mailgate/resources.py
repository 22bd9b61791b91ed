"""Where the files beside the package are: configuration presets, templates, schema.sql."""

from pathlib import Path


def root() -> Path:
    """Return the folder that holds config, templates and schema.sql: the wheel's copy, else the checkout."""
    package = Path(__file__).resolve().parent
    carried = package / "_data"
    return carried if carried.is_dir() else package.parent


def path(name: str) -> Path:
    """Return the place of one of them: path("config"), path("templates"), path("schema.sql")."""
    return root() / name

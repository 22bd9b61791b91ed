"""A configuration directory that runs as it is: settings, desks, a fresh secret, an embedded database."""

import os
import re
import shutil
from pathlib import Path

from mailgate import resources
from mailgate.config.service import write_secret
from mailgate.errors import Refused

# what the shipped file only shows, by section and key, as it stands in a directory of its own
_SETTLED = {
    ("", "secret_file"): 'secret_file = "secret"',
    (
        "database",
        "url",
    ): 'url = "sqlite:///mailgate.db"                         # or "postgresql://mailgate@localhost/mailgate"',
    ("blobs", "url"): 'url = "file:blobs"                                    # raw mail; or "s3://bucket/prefix"',
    (
        "relay",
        "url",
    ): 'url = "maildir:outgoing"                              # or "smtp://localhost:25", "smtps://user@mail.desk.example"',
}


def write_directory(directory: Path, desks: list[str]) -> Path:
    """Write mailgate.toml, the desks, a secret and the folders into `directory`; return the path of mailgate.toml.

    Refused where one of the files is there already.
    """
    file = directory / "mailgate.toml"
    names = ["mailgate.toml", "secret", *(f"{desk}.toml" for desk in desks)]
    taken = [name for name in names if (directory / name).exists()]
    if taken:
        raise Refused(f"{directory} has {', '.join(taken)} already; nothing was written")
    try:
        _write(directory, file, desks)
    except OSError as error:
        raise Refused(f"{error.filename or directory}: {error.strerror or error}") from error
    return file


def _write(directory: Path, file: Path, desks: list[str]) -> None:
    shipped = resources.path("config")
    for folder in (directory, directory / "blobs", *(directory / "outgoing" / part for part in ("tmp", "new", "cur"))):
        folder.mkdir(parents=True, exist_ok=True)
    write_secret(directory / "secret")
    for desk in desks:
        shutil.copyfile(shipped / f"{desk}.toml", directory / f"{desk}.toml")
    text = settled((shipped / "mailgate.toml").read_text(encoding="utf-8"), desks)
    draft = directory / f".mailgate.toml.{os.getpid()}"
    draft.write_text(text, encoding="utf-8")
    draft.rename(file)  # last: a directory with a mailgate.toml is a whole one


def settled(text: str, desks: list[str]) -> str:
    """Return the shipped mailgate.toml with these desks and everything lying beside the file."""
    lines, section = [], ""
    for line in text.splitlines():
        heading = re.match(r"\[(\w+)\]", line)
        section = heading[1] if heading else section
        key = re.match(r"# (\w+) = ", line)
        lines.append(_SETTLED.get((section, key[1]), line) if key else line)
    names = ", ".join(f'"{desk}.toml"' for desk in desks)
    return re.sub(r"(?m)^desks = .*$", f"desks = [{names}]", "\n".join(lines)) + "\n"

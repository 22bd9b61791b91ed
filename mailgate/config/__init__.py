"""The configuration: TOML and environment → Settings, or every complaint at once."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailgate import resources
from mailgate.config import kinds
from mailgate.config.desk import read_desk
from mailgate.config.reading import PREFIX, Book, Entry, Section, without_password
from mailgate.config.service import (
    kept_secret,
    places_of,
    read_blobs,
    read_database,
    read_folders,
    read_imap,
    read_junk,
    read_probe,
    read_relay,
    read_retention,
    read_secret,
    read_smtp,
    read_worker,
)
from mailgate.errors import ConfigError
from mailgate.model.settings import Desk, Settings

PRESETS = ("flexihost", "introserv", "strato")
BLANK = "blank"  # the desk that is to be filled in
_WEB_URL = kinds.text_of(
    '"https://board.desk.example", or "" for http and the listener', lambda text: not text or kinds.is_web_url(text)
)
_NO_SETTINGS = ("MAILGATE_CONFIG", "MAILGATE_SHARED")


def load(path: str | None, environ: Mapping[str, str]) -> Settings:
    """Return the settings of `path`, else of $MAILGATE_CONFIG, config/mailgate.toml or the shipped default, with the
    environment's overrides. ConfigError carries all complaints, each with file, key and what is allowed."""
    return _read(path, environ)[0]


def explained(path: str | None, environ: Mapping[str, str]) -> tuple[Settings, Sequence[Entry]]:
    """Return the settings as `load` does, with every effective value and where it came from; secrets are hidden."""
    settings, book = _read(path, environ)
    return settings, tuple(book.entries.values())


def load_desk(name: str) -> Desk:
    """Return the desk of a shipped preset (`flexihost`) or of a desk file. ConfigError carries all complaints."""
    book = Book()
    file = resources.path("config") / f"{name}.toml" if name in PRESETS else Path(name)
    desk = _load_desk(file, book)
    _raise_complaints(book)
    assert desk is not None  # without complaints there is one
    return desk


def find_file(path: str | None, environ: Mapping[str, str]) -> Path:
    """Return the configuration file to use; it need not exist where it was named."""
    named = path or environ.get("MAILGATE_CONFIG")
    if named:
        return Path(named)
    here = Path("config", "mailgate.toml")
    return here if here.is_file() else resources.path("config") / "mailgate.toml"


def _read(path: str | None, environ: Mapping[str, str]) -> tuple[Settings, Book]:
    book = Book(environ=_overrides(environ))
    file = find_file(path, environ)
    data = _read_toml(file, book)
    if data is None:
        raise ConfigError(book.complaints)
    section = Section(data, book=book, file=str(file))
    settings = _read_settings(section, file, environ)
    book.complain_of_variables()
    _raise_complaints(book)
    return settings, book


def _overrides(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return the MAILGATE_ variables by the dotted key they override: MAILGATE_SMTP__LISTEN is smtp.listen."""
    return {
        name.removeprefix(PREFIX).lower().replace("__", "."): (name, value)
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and name not in _NO_SETTINGS and not name.startswith("MAILGATE_TEST_")
    }


def _read_toml(file: Path, book: Book) -> dict[str, Any] | None:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        book.complain(f"{file}: {error.strerror or error}")
    except ValueError as error:  # TOML, or no UTF-8
        book.complain(f"{file}: {error}")
    return None


def _read_settings(section: Section, file: Path, environ: Mapping[str, str]) -> Settings:
    places = places_of(file, environ)
    desks = _read_desks(section, file, places.credentials)
    secret = read_secret(section, "secret", places, credential="secret")
    if not secret and not (section.has("secret") or section.has("secret_file")):
        secret = kept_secret(section, places)
    elif not secret:
        section.complain("secret", "is empty; allowed is a long text that nobody can guess, or secret_file")
    web, dns = section.sub("web"), section.sub("dns")
    relay = read_relay(section.sub("relay"), places)
    retention = read_retention(section.sub("retention"))
    settings = Settings(
        desks={name: replace(desk, retention=desk.retention.over(retention)) for name, desk in desks.items()},
        secret=secret.encode("utf-8", "surrogateescape"),
        database_url=read_database(section.sub("database"), places),
        blobs_url=read_blobs(section.sub("blobs"), places),
        smtp=read_smtp(section.sub("smtp"), section.sub("lmtp"), places),
        relay=relay,
        worker=read_worker(section.sub("worker")),
        imap=tuple(read_imap(each, places) for each in section.subs("imap", "url")),
        web_listen=web.take("listen", kinds.LISTEN, "127.0.0.1:8025"),
        web_url=web.take("url", _WEB_URL, "").rstrip("/"),
        template_folders=read_folders(section, "template_folders", places),
        source=str(file),
        probe=read_probe(section.sub("probe"), relay, _mailboxes(desks)),
        junk=read_junk(section.sub("junk"), places),
        dns_servers=dns.take("servers", kinds.list_of(kinds.SERVER), ()),
    )
    web.finish()
    dns.finish()
    section.finish()
    _check_accounts(section, settings)
    return settings


def _read_desks(section: Section, file: Path, credentials: Path | None) -> dict[str, Desk]:
    names = section.take("desks", kinds.list_of(kinds.TEXT), (), required=True)
    desks: dict[str, Desk] = {}
    for name in names:
        folder = Path.cwd() if section.is_environ("desks") else file.parent
        place = resources.path("config") / f"{name}.toml" if name in PRESETS else folder / name
        desk = _load_desk(place, section.book, credentials)
        if desk and desk.name in desks:
            section.complain("desks", f"has two desks with the name {desk.name}")
        if desk:
            desks[desk.name] = desk
    if section.has("desks") and not names:
        section.complain("desks", 'is empty; allowed is a list of desk files such as ["flexihost.toml"]')
    _check_unique(section, desks)
    return desks


def _load_desk(file: Path, book: Book, credentials: Path | None = None) -> Desk | None:
    data = _read_toml(file, book)
    if data is None:
        return None
    name = str(data.get("name", file.stem))
    path = f"desk.{name.replace('-', '_').replace('.', '_')}"
    section = Section(data, book=book, file=str(file), path=path, owner=f"desk[{name}].")
    return read_desk(section, file.absolute().parent, credentials)


def _check_unique(section: Section, desks: Mapping[str, Desk]) -> None:
    seen: dict[str, str] = {}
    for desk in desks.values():
        words = dict.fromkeys(word.lower() for word in desk.tag_words)
        named = [
            *(f"the tag {word}" for word in words),
            *(f"the mailbox {mailbox.address}" for mailbox in desk.mailboxes),
        ]
        for what in named:
            if what in seen:
                section.complain("desks", f"has {what} twice: in {seen[what]} and in {desk.name}")
            seen[what] = desk.name


def _check_accounts(section: Section, settings: Settings) -> None:
    addresses = _mailboxes(settings.desks)
    for account in settings.imap:
        if account.mailbox and account.mailbox not in addresses:
            allowed = f"a mailbox of a desk: {', '.join(addresses)}"
            section.wrong(f"imap[{without_password(account.url)}].mailbox", account.mailbox, allowed)


def _mailboxes(desks: Mapping[str, Desk]) -> list[str]:
    return [mailbox.address for desk in desks.values() for mailbox in desk.mailboxes]


def _raise_complaints(book: Book) -> None:
    if book.complaints:
        raise ConfigError(book.complaints)

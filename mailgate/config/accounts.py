"""`[[accounts]]` of a desk file → where its accounts live (S10)."""

import os
import re
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from mailgate.config import kinds
from mailgate.config.reading import Kind, Section
from mailgate.config.service import Places, read_secret
from mailgate.model.settings import AccountSource

PRESETS = ("whmcs", "blesta", "fossbilling", "hostbill")
COLUMNS = ("number", "login", "name", "language", "address", "roles", "purposes", "until")
_KINDS = ("csv", "sql", "ldap", "http")
_OURSELVES = ("localhost", "127.0.0.1", "::1")
_SQL = kinds.text_of(
    'a database\'s address such as "mysql+pymysql://reader@localhost/whmcs"',
    lambda text: re.match(r"[a-z][a-z0-9]*(\+[a-z0-9_]+)?://", text) is not None,
)
_LDAP = kinds.text_of('"ldaps://host" or "ldap://host"', lambda text: re.match(r"ldaps?://[^/\s]", text) is not None)
_HTTP = kinds.text_of('an address such as "https://panel.desk.example/accounts.json"', kinds.is_web_url)
_QUERY = kinds.text_of("a query that gives the columns number and address", lambda text: bool(text.strip()))


def _percent(value: Any) -> int:
    found = re.fullmatch(r"\s*(\d{1,3})\s*%\s*", value) if isinstance(value, str) else None
    if not found or int(found[1]) > 100:
        raise ValueError
    return int(found[1])


_PERCENT: Kind[int] = Kind('a share such as "10 %"', _percent)


def read_accounts(section: Section, places: Places) -> AccountSource | None:
    """Return one source, or None where the table does not say what kind it is. Relative paths begin at `places`."""
    given = [kind for kind in _KINDS if section.has(kind)]
    if len(given) != 1:
        section.complain("accounts", f"needs one of {', '.join(_KINDS)}" + (f", not {len(given)}" if given else ""))
        for kind in _KINDS:
            section.skip(kind)
        return None
    kind = cast(Literal["csv", "sql", "ldap", "http"], given[0])
    query, preset = _query(section, kind)
    source = AccountSource(
        name=section.take("name", kinds.NAME, preset or kind),
        kind=kind,
        place=_place(section, kind, places),
        every_seconds=section.take("every", kinds.DURATION, 300),
        most_ended_percent=section.take("most_ended", _PERCENT, 10),
        shared_addresses=section.take("shared_addresses", kinds.FLAG, False),
        query=query,
        preset=preset,
        base=section.take("base", kinds.TEXT, "", required=True) if kind == "ldap" else "",
        filter=section.take("filter", kinds.TEXT, "(mail=*)") if kind == "ldap" else "",
        attributes=_attributes(section) if kind == "ldap" else {},
        user=section.take("user", kinds.ANY_TEXT, "") if kind == "ldap" else "",
        starttls=section.take("starttls", kinds.FLAG, False) if kind == "ldap" else False,
        ca_file=_ca_file(section, places) if kind in ("ldap", "http") else "",
        password=read_secret(section, "password", places) if kind in ("sql", "ldap") else "",
        token=read_secret(section, "token", places) if kind == "http" else "",
    )
    section.finish()
    _check_secret(section, source)
    return source


def _check_secret(section: Section, source: AccountSource) -> None:
    """A secret crosses no network in the clear; to the machine itself it may."""
    parts = urlsplit(source.place)
    if parts.hostname in _OURSELVES:
        return
    if source.kind == "ldap" and parts.scheme == "ldap" and source.password and not source.starttls:
        section.complain(
            "ldap", "would send the password in the clear; allowed is ldaps://, or starttls = true with it"
        )
    if source.kind == "http" and parts.scheme == "http" and source.token:
        section.complain("http", "would send the token in the clear; allowed is https://")


def _query(section: Section, kind: str) -> tuple[str, str]:
    if kind != "sql":
        return "", ""
    query = section.take("query", _QUERY, "")
    preset = section.take("preset", kinds.one_of(*PRESETS), "")
    if bool(query) == bool(preset):
        section.complain("query", f"or preset is needed, one of the two (preset: {', '.join(PRESETS)})")
    return query, preset


def _place(section: Section, kind: str, places: Places) -> str:
    match kind:
        case "csv":
            folder = Path.cwd() if section.is_environ("csv") else places.folder
            return str(folder / section.take("csv", kinds.TEXT, ""))
        case "sql":
            return section.take("sql", _SQL, "")
        case "ldap":
            return section.take("ldap", _LDAP, "")
        case _:
            return section.take("http", _HTTP, "")


def _attributes(section: Section) -> dict[str, str]:
    """Return the directory's attribute for each of our columns."""
    table = section.sub("attributes")
    found = {name: table.take(name, kinds.TEXT, "") for name in COLUMNS if table.has(name)}
    for name in COLUMNS:
        table.skip(name)
    table.finish()
    if found and not {"number", "address"} <= found.keys():
        section.complain("attributes", "needs number and address, and may have " + ", ".join(COLUMNS))
    return found


def _ca_file(section: Section, places: Places) -> str:
    name = section.take("ca_file", kinds.ANY_TEXT, "")
    if not name:
        return ""
    file = places.folder / name
    if not os.access(file, os.R_OK):
        section.wrong("ca_file", name, "a file that mailgate can read")
    return str(file)

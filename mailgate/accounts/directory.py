"""Accounts in a directory: an LDAP search, page by page, over TLS whose certificate is checked."""

import ssl
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import ldap3
from ldap3.core.exceptions import LDAPException

from mailgate.accounts.sources import CONNECT_SECONDS, Record, Unread
from mailgate.model.settings import AccountSource

_PAGE = 500
_MOST_PAGES = 10_000
_PAGED = "1.2.840.113556.1.4.319"  # the control of RFC 2696
_READ_SECONDS = 60
USUAL = {"number": "employeeNumber", "login": "uid", "name": "cn", "language": "preferredLanguage", "address": "mail"}


def read_directory(source: AccountSource) -> Iterator[Record]:
    """Yield a record for each address of each object that the search finds. Raises Unread where it does not answer."""
    wanted = dict(source.attributes) or USUAL
    try:
        with _connected(source) as connection:
            for entry in _found(connection, source, sorted(set(wanted.values()))):
                yield from _records(entry["raw_attributes"], wanted)
    except LDAPException as error:
        raise Unread(f"{source.place}: {str(error)[:300] or type(error).__name__}") from error
    except (OSError, ValueError) as error:
        raise Unread(f"{source.place}: {error}") from error


def _found(connection: Any, source: AccountSource, attributes: list[str]) -> Iterator[Any]:
    """Yield the entries of every page. The library raises nothing where a limit of the server cut the answer off, which
    would look like so many customers gone: the result of each page is looked at."""
    cookie: Any = None
    for page in range(_MOST_PAGES):
        connection.search(
            search_base=source.base, search_filter=source.filter, search_scope=ldap3.SUBTREE, attributes=attributes,
            paged_size=_PAGE, paged_cookie=cookie,
        )  # fmt: skip
        result = connection.result
        if result["result"] != 0:
            raise Unread(f"{source.place}: the answer is not whole, page {page + 1}: {result['description']}")
        yield from (entry for entry in connection.response if entry.get("type") == "searchResEntry")
        cookie = result.get("controls", {}).get(_PAGED, {}).get("value", {}).get("cookie")
        if not cookie:
            return
    raise Unread(f"{source.place}: more than {_MOST_PAGES} pages")


def _connected(source: AccountSource) -> Any:
    parts = urlsplit(source.place)
    is_tls = parts.scheme == "ldaps"
    # Debian's clients look at the system's authorities; a home-made one is named by ca_file
    tls = ldap3.Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=source.ca_file or None, version=ssl.PROTOCOL_TLS_CLIENT)
    server = ldap3.Server(
        parts.hostname or "localhost", port=parts.port or (636 if is_tls else 389), use_ssl=is_tls, tls=tls,
        connect_timeout=CONNECT_SECONDS, get_info=ldap3.NONE,
    )  # fmt: skip
    connection = ldap3.Connection(
        server, user=source.user or None, password=source.password or None, read_only=True, raise_exceptions=True,
        receive_timeout=_READ_SECONDS, auto_referrals=False, check_names=False, return_empty_attributes=False,
    )  # fmt: skip
    connection.open()
    if source.starttls and not is_tls:
        connection.start_tls()
    connection.bind()
    return connection


def _records(attributes: Mapping[str, list[bytes]], wanted: Mapping[str, str]) -> Iterator[Record]:
    by_name = {name.lower(): values for name, values in attributes.items()}
    values = {column: [_text(one) for one in by_name.get(name.lower(), ())] for column, name in wanted.items()}
    shared = {
        column: found if column in ("roles", "purposes") else found[0] if found else ""
        for column, found in values.items()
    }
    for address in values.get("address") or [""]:
        yield {**shared, "address": address}


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")

"""Databases of others, read and never written: their address with the password put in, and how long they are waited for."""

from typing import Any

from sqlalchemy import Engine, create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from mailgate.errors import Refused

_CONNECT_SECONDS = 20
_READ_SECONDS = 300


def open_foreign(place: str, password: str) -> Engine:
    """Return an engine for a database of somebody else, whose sessions may read alone. PostgreSQL's and MySQL's drivers
    are ours if none is named. Raises Refused where the address or its driver cannot be used; connects to nothing yet."""
    address = _address(place)
    if password:
        address = address.set(password=password)
    try:
        return create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args=_arguments(address))
    except (ImportError, NoSuchModuleError) as error:
        raise Refused(
            f"{address.get_backend_name()} needs a driver that is not installed: {error}"
            " (MariaDB and MySQL: pip install 'mailgate[mysql]'; PostgreSQL: 'mailgate[postgresql]')"
        ) from error


def shown(engine: Engine) -> str:
    """Return the database's address without its password."""
    return engine.url.render_as_string()


def said(error: BaseException) -> str:
    """Return the first line of what a database's driver says, which names no parameter of ours."""
    cause = getattr(error, "orig", None) or error
    line = (str(cause).strip() or type(cause).__name__).split("\n", 1)[0][:300]
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def _address(place: str) -> URL:
    try:
        address = make_url(place)
    except ArgumentError as error:
        raise Refused("no database address (as mysql+pymysql://reader@host/name or postgresql://…)") from error
    if address.drivername in ("postgresql", "postgres"):
        return address.set(drivername="postgresql+psycopg")
    if address.drivername in ("mysql", "mariadb"):
        return address.set(drivername=f"{address.drivername}+pymysql")
    return address


def _arguments(address: URL) -> dict[str, Any]:
    match address.get_backend_name():
        case "postgresql":
            options = f"-c default_transaction_read_only=on -c statement_timeout={_READ_SECONDS * 1000}"
            return {"connect_timeout": _CONNECT_SECONDS, "options": options}
        case "mysql" | "mariadb":
            return {
                "connect_timeout": _CONNECT_SECONDS, "read_timeout": _READ_SECONDS, "charset": "utf8mb4",
                "init_command": "SET SESSION TRANSACTION READ ONLY",
            }  # fmt: skip
        case "sqlite":
            return {"timeout": _CONNECT_SECONDS}
        case _:
            return {}

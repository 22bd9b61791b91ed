"""How a database of accounts is reached: its address with the password put in, and how long it is waited for."""

from typing import Any

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from mailgate.errors import Refused
from mailgate.model.settings import AccountSource

_CONNECT_SECONDS = 20
_READ_SECONDS = 300


def sql_address(source: AccountSource) -> URL:
    """Return the address of the database, with its password. PostgreSQL's driver is ours if none is named."""
    try:
        address = make_url(source.place)
    except ArgumentError as error:
        raise Refused("sql: no database address (as mysql+pymysql://reader@host/whmcs)") from error
    if address.drivername in ("postgresql", "postgres"):
        address = address.set(drivername="postgresql+psycopg")
    elif address.drivername in ("mysql", "mariadb"):
        address = address.set(drivername=f"{address.drivername}+pymysql")
    return address.set(password=source.password) if source.password else address


def sql_arguments(address: URL) -> dict[str, Any]:
    """Return what the driver is told beside the address: to read alone, and not to wait for ever."""
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

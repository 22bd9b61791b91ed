"""Log at the edges: an event in the past tense with its fields, `mail.accepted arrival=… size=…`, never a body."""

import json
import logging
import re
import sys
from datetime import datetime
from typing import Any

_PLAIN = re.compile(r"[\w.:@/+\-…,*<>\[\]]+\Z")
_QUIET = ("mail.log", "mail.debug", "aiosmtplib", "aioimaplib", "apscheduler", "asyncio")  # they log addresses, bodies


class Log:
    """The log of one part of the house."""

    def __init__(self, name: str) -> None:
        self._logger = logging.getLogger(f"mailgate.{name}")

    def event(self, name: str, **fields: Any) -> None:
        """Note that something happened."""
        self._logger.info("%s%s", name, _Fields(fields))

    def warning(self, name: str, **fields: Any) -> None:
        """Note what an operator may want to look at."""
        self._logger.warning("%s%s", name, _Fields(fields))

    def failed(self, name: str, error: BaseException, **fields: Any) -> None:
        """Note trouble of our own, with where it came from."""
        why = {"error": type(error).__name__, "because": str(error)}
        self._logger.error("%s%s", name, _Fields(fields | why), exc_info=error)


def set_up(level: str = "INFO", stream: Any = None) -> None:
    """Send everything to `stream` (default: stderr, where systemd reads it), a line an event."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    # what no line of ours says is not found out for each (logging's HOWTO, "Optimization")
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def short(address: str | None) -> str:
    """Return an address so that its owner knows it and the log does not tell: `o…@shop.example`."""
    if not address:
        return "<>" if address == "" else "-"
    local, at, domain = address.rpartition("@")
    return f"{local[:1]}…{at}{domain}" if at else f"{address[:1]}…"


class _Fields:
    """Fields as text, made only if the line is written."""

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    def __str__(self) -> str:
        return "".join(f" {name}={_value(value)}" for name, value in self._fields.items())


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    if value is None:
        return "-"
    text = str(value)[:500]
    # JSON keeps it on one line, whatever a peer has put into it
    return text if _PLAIN.match(text) else json.dumps(text)

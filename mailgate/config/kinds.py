"""The kinds of values a configuration file may hold, each with what is allowed in words for people."""

import ipaddress
import re
from collections.abc import Callable
from datetime import date
from ipaddress import ip_network
from typing import Any
from zoneinfo import ZoneInfo

from mailgate.config.reading import Kind
from mailgate.model.expressions import Expression, expression
from mailgate.model.settings import Promise

_UNITS = {
    "s": 1, "sec": 1, "second": 1, "seconds": 1,
    "m": 60, "min": 60, "minute": 60, "minutes": 60,
    "h": 3600, "hour": 3600, "hours": 3600,
    "d": 86400, "day": 86400, "days": 86400,
    "w": 604800, "week": 604800, "weeks": 604800,
}  # fmt: skip
_SIZES = {"": 1, "b": 1, "kib": 1024, "kb": 1000, "mib": 1024**2, "mb": 1000**2, "gib": 1024**3, "gb": 1000**3}
_AMOUNT = re.compile(r"\s*(\d{1,7})\s*([a-z]+)", re.IGNORECASE)
_BUSINESS = re.compile(r"(\d{1,3}) business days?")
_SIZE = re.compile(r"(\d{1,12})\s*([a-z]*)", re.IGNORECASE)
_ADDRESS = re.compile(r"[^\s@<>,;:\"()\[\]\\+]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}")
_HOST_PORT = re.compile(r"(?:\[[0-9a-fA-F:.%]+\]|[^\s:/\[\]]+):(\d{1,5})")
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def whole(least: int, most: int) -> Kind[int]:
    """A whole number between two bounds."""

    def read(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise ValueError
        return value

    return Kind(f"a whole number from {least} to {most}", read, _whole_of_text)


def one_of(*choices: str) -> Kind[str]:
    """One of some words."""
    return Kind(" or ".join(f'"{choice}"' for choice in choices), _matching(lambda text: text in choices))


def text_of(allowed: str, is_allowed: Callable[[str], bool]) -> Kind[str]:
    """A text that a question answers yes to."""
    return Kind(allowed, _matching(is_allowed))


def list_of(kind: Kind[str]) -> Kind[tuple[str, ...]]:
    """A list of texts of one kind."""

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            raise ValueError
        return tuple(_each(kind, element) for element in value)

    return Kind(f"a list, each {kind.allowed}", read, _list_of_text)


def seconds_of(value: Any) -> int:
    """Return the seconds of a length of time such as "30m", "14 days" or "1h 30m"; ValueError for anything else."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError
    seconds, rest = 0, value
    while rest.strip():
        found = _AMOUNT.match(rest)
        if not found or found[2].lower() not in _UNITS:
            raise ValueError
        seconds += int(found[1]) * _UNITS[found[2].lower()]
        rest = rest[found.end() :]
    return seconds


def minutes_of(text: str) -> int:
    """Return the minutes from midnight of a time of day: "09:30", up to "24:00"; ValueError for anything else."""
    if text == "24:00":
        return 1440
    found = _CLOCK.fullmatch(text)
    if not found:
        raise ValueError
    return int(found[1]) * 60 + int(found[2])


def has_zone(name: str) -> bool:
    """Is there such a time zone?"""
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def is_web_url(text: str) -> bool:
    """Is `text` an address that a browser opens?"""
    return re.fullmatch(r"https?://[^\s/]\S*", text) is not None


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError
    return value


def _flag_of_text(text: str) -> bool:
    words = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
    if text.lower() not in words:
        raise ValueError
    return words[text.lower()]


def _whole_of_text(text: str) -> int:
    if not re.fullmatch(r"-?\d{1,18}", text.strip()):
        raise ValueError
    return int(text)


def _list_of_text(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _matching(is_allowed: Callable[[str], bool]) -> Callable[[Any], str]:
    def read(value: Any) -> str:
        if not isinstance(value, str) or not is_allowed(value):
            raise ValueError
        return value

    return read


def _each(kind: Kind[str], element: Any) -> str:
    try:
        return kind.read(element)
    except ValueError as error:
        raise ValueError(f"{element!r} is none" + (f": {error}" if str(error) else "")) from None


def _duration(value: Any) -> int:
    seconds = seconds_of(value)
    if not 0 < seconds <= 3660 * 86400:
        raise ValueError
    return seconds


def _kept(value: Any) -> int:
    return 0 if isinstance(value, str) and value.strip().lower() == "always" else _duration(value)


def _day(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    return date.fromisoformat(value.strip()).isoformat()


def _promise(value: Any) -> Promise:
    business = _BUSINESS.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if business and int(business[1]):
        return Promise(amount=int(business[1]), unit="business_days")
    return Promise(amount=_duration(value), unit="seconds")


def _size(value: Any) -> int:
    found = _SIZE.fullmatch(str(value).strip()) if isinstance(value, int | str) and value is not True else None
    if not found or found[2].lower() not in _SIZES or not int(found[1]):
        raise ValueError
    return int(found[1]) * _SIZES[found[2].lower()]


def _zone(value: Any) -> ZoneInfo:
    if not isinstance(value, str) or not has_zone(value):
        raise ValueError
    return ZoneInfo(value)


def _address(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise ValueError
    return value.lower()


def _is_host_port(text: str) -> bool:
    found = _HOST_PORT.fullmatch(text)
    return found is not None and int(found[1]) < 65536


def _is_socket_path(text: str) -> bool:
    return "/" in text and ":" not in text and "\0" not in text


def _is_server(text: str) -> bool:
    host, port = (text, "53") if text.count(":") != 1 and not text.startswith("[") else text.rpartition(":")[::2]
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return port.isdecimal() and 0 < int(port) < 65536


def _is_peer(text: str) -> bool:
    if text == "unix":
        return True
    try:
        ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _one_line(text: str) -> bool:
    return bool(text.strip()) and not re.search(r"[\x00-\x1f\x7f]", text)


def checked_expression(source: str) -> Expression:
    """Return the expression; ValueError says what is wrong with it and at which letter, where that can be told."""
    try:
        return expression(source)
    except ValueError as error:
        raise ValueError(f"{error}{_where_it_breaks(source)}") from None


def _where_it_breaks(source: str) -> str:
    try:
        re.compile(source)
    except re.error as error:
        if error.pos is not None:
            return f" (at letter {error.pos + 1}, before {source[error.pos : error.pos + 20]!r}: {error.msg})"
    return ""


def _pattern(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError
    if not checked_expression(value).groups & {"number", "login"}:
        raise ValueError("it has no such group")
    return value


FLAG = Kind("true or false", _flag, _flag_of_text)
TEXT = text_of("a text of one line", _one_line)
ANY_TEXT = text_of("a text of one line, or empty", lambda text: not text or _one_line(text))
NAME = text_of("a name of small letters, digits, - _ .", lambda text: _NAME.fullmatch(text) is not None)
TAG = text_of("a word of letters, digits, - _ .", lambda text: _TAG.fullmatch(text) is not None)
DURATION = Kind('a length of time such as "30m", "4h" or "14 days"', _duration)
KEPT = Kind('a length of time such as "90 days" or "52 weeks", or "always"', _kept)
DATE = Kind('a date such as "2027-01-31"', _day)
PROMISE = Kind('a length of time such as "30m", "4h" or "3 business days"', _promise)
SIZE = Kind('a size such as 26214400 or "25 MiB"', _size)
ZONE: Kind[ZoneInfo] = Kind('a time zone such as "Europe/Berlin"', _zone)
ADDRESS = Kind('an address such as "support@desk.example", without a plus part', _address)
LISTEN = text_of('"host:port", or "" for off', lambda text: not text or _is_host_port(text))
LISTEN_LOCAL = text_of(
    '"host:port", the path of a unix socket, or "" for off',
    lambda text: not text or _is_host_port(text) or _is_socket_path(text),
)
PEER = text_of('an address or network such as "10.0.0.0/8", or "unix"', _is_peer)
PATTERN = Kind("a regular expression with a group (?P<number>...) or (?P<login>...)", _pattern)
SERVER = text_of('an address such as "192.0.2.1", "192.0.2.1:5353" or "[2001:db8::1]:5353"', _is_server)
TIME_OF_DAY = text_of('a time of day such as "08:00"', lambda text: _CLOCK.fullmatch(text) is not None)

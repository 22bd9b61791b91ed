"""Do the desk's filters answer? (M9)"""

import socket
from collections.abc import Iterator
from contextlib import closing

from mailgate.model.settings import JunkSettings


def pings(junk: JunkSettings) -> dict[str, str]:
    """Ask each configured filter whether it is there; return, by its name and place, why not, or ""."""
    return {f"{name} at {place}": _why_not(name, place, junk.seconds) for name, place in _filters(junk)}


def _filters(junk: JunkSettings) -> Iterator[tuple[str, str]]:
    if junk.rspamd:
        yield "rspamd", junk.rspamd
    if junk.clamd:
        yield "clamd", junk.clamd


def _why_not(name: str, place: str, seconds: float) -> str:
    try:
        return _ping_rspamd(place, seconds) if name == "rspamd" else _ping_clamd(place, seconds)
    except Exception as error:  # a library's many ways to say that there is no answer
        return " ".join(str(error).split())[:200] or type(error).__name__


def _ping_rspamd(url: str, seconds: float) -> str:
    import httpx  # costs memory that a desk without rspamd does not need

    answer = httpx.get(f"{url}/ping", timeout=seconds, trust_env=False)
    return "" if answer.status_code == 200 and answer.text.strip() == "pong" else f"HTTP {answer.status_code}"


def _ping_clamd(place: str, seconds: float) -> str:
    with closing(_connected(place, seconds)) as line:
        line.sendall(b"zPING\0")
        said = line.recv(100)
    return "" if said.startswith(b"PONG") else f"it says {said[:50]!r}"


def _connected(place: str, seconds: float) -> socket.socket:
    if not place.startswith("unix:"):
        host, _, port = place.rpartition(":")
        return socket.create_connection((host.strip("[]"), int(port)), timeout=seconds)
    line = socket.socket(socket.AF_UNIX)
    line.settimeout(seconds)
    line.connect(place.removeprefix("unix:"))
    return line

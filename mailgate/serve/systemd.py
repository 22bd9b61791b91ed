"""What systemd is told and what it hands over: sd_notify(3) and sd_listen_fds(3)."""

import os
import socket
from contextlib import suppress

_FIRST = 3  # SD_LISTEN_FDS_START
_SECONDS = 1.0


def notify(state: str) -> None:
    """Tell systemd `READY=1`, `STOPPING=1`, `WATCHDOG=1`; nothing where it did not ask."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if address[:1] in ("/", "@"):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            # the queue of one who does not read is full after ten; that must not stop us
            sock.settimeout(_SECONDS if state != "WATCHDOG=1" else 0.0)
            sock.sendto(state.encode(), address.replace("@", "\0", 1) if address[0] == "@" else address)


def watchdog_seconds() -> float | None:
    """Return within how many seconds systemd wants to hear of us, or None."""
    pid, microseconds = os.environ.get("WATCHDOG_PID", ""), os.environ.get("WATCHDOG_USEC", "")
    is_ours = pid in ("", str(os.getpid()))
    return int(microseconds) / 1e6 if is_ours and microseconds.isdecimal() and int(microseconds) else None


def take_sockets() -> dict[str, socket.socket]:
    """Return the listening sockets that systemd opened for us, by name; processes of ours do not inherit them."""
    count = os.environ.pop("LISTEN_FDS", "")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()) or not count.isdecimal():
        return {}
    found: dict[str, socket.socket] = {}
    for place in range(int(count)):
        os.set_inheritable(_FIRST + place, False)
        sock = socket.socket(fileno=_FIRST + place)
        sock.setblocking(False)
        found[names[place] if place < len(names) else "unknown"] = sock
    return found

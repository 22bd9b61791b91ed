"""Names of those who claim: a process of a machine, so that the claims of one that died are known for what they are."""

import os
import socket
from pathlib import Path


def name_of(role: str, pid: int | None = None) -> str:
    """Return the name under which process `pid` (default: this one) claims: `worker:HOST:PID:START`."""
    pid = os.getpid() if pid is None else pid
    return f"{role}:{_host()}:{pid}:{_started(pid) or 0}"


def is_dead(name: str) -> bool:
    """Say whether `name` is a process of this machine that is no more; of other machines nothing is known."""
    parts = name.split(":")
    if len(parts) != 4 or parts[1] != _host() or not parts[2].isdecimal():
        return False
    # a pid may be another process by now: the moment it was started tells them apart
    return _started(int(parts[2])) != parts[3]


def cpu_seconds(pid: int) -> float | None:
    """Return the CPU time that process `pid` has used, or None where that is not told."""
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else None


def _started(pid: int) -> str | None:
    fields = _stat(pid)
    return fields[19] if fields and fields[0] not in "ZX" else None


def _stat(pid: int) -> list[str] | None:
    """Return the fields of /proc/PID/stat from the third on."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


def _host() -> str:
    return socket.gethostname().replace(":", "_")

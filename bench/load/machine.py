"""Which machine it is: figures mean nothing without it."""

import os
import platform
import sqlite3
import tempfile
import time


def facts() -> str:
    """Say which machine this is."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (f"{os.cpu_count()} cores, {model}, {memory:.0f} GB, {platform.system()} {platform.release()}, Python"
            f" {platform.python_version()}, SQLite {sqlite3.sqlite_version}{_postgresql()}, load {os.getloadavg()[0]:.1f}")  # fmt: skip


def _postgresql() -> str:
    try:
        from tests.store.postgresql import programs
    except ImportError:  # a script that needs nothing of the tests has not their folder on its path
        return ""
    found = programs()
    return f", PostgreSQL {found.parent.name}" if found else ""


def fsync_ms() -> float:
    """Return how long it takes this folder's disk to have four kilobytes for good, in milliseconds."""
    with tempfile.NamedTemporaryFile() as file:
        begun = time.perf_counter()
        for _ in range(50):
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - begun) / 50 * 1000

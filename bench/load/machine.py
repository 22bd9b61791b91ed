"""Which machine it is: figures mean nothing without it."""

import os
import platform
import sqlite3

from tests.store.postgresql import programs


def facts() -> str:
    """Say which machine this is."""
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "?")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    server = f", PostgreSQL {programs().parent.name}" if programs() else ""  # type: ignore[union-attr]
    return (f"{os.cpu_count()} cores, {model}, {memory:.0f} GB, {platform.system()} {platform.release()}, Python"
            f" {platform.python_version()}, SQLite {sqlite3.sqlite_version}{server}, load {os.getloadavg()[0]:.1f}")  # fmt: skip

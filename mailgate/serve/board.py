"""The board: what a worker is busy with, in memory that its supervisor reads, and until when the doors are in a rush, which
the supervisor writes there; neither costs a system call."""

import mmap
import os
import struct
import tempfile
import time
from dataclasses import dataclass

_RECORD = struct.Struct("=Qdd64s")  # a count, when it began (monotonic, the same for all processes), CPU used by then
_RUSH = struct.Struct("=d")  # the doors are in a rush until then (monotonic)
_RUSH_AT = 128
_SIZE = mmap.PAGESIZE


@dataclass(frozen=True, kw_only=True, slots=True)
class Busy:
    """A worker is on that arrival. `count` tells two turns of the same arrival apart."""

    arrival: str
    begun_at: float
    cpu_seconds: float
    count: int


class Board:
    """One worker's board, by the descriptor of a file without a name."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._count = 0
        self._memory = mmap.mmap(descriptor, _SIZE)

    def begin(self, arrival: str) -> None:
        """The worker turns to `arrival` now."""
        self._write(arrival)

    def rest(self) -> None:
        """The worker is on no mail: it waits, or the database has it."""
        self._write("")

    def read(self) -> Busy | None:
        """Return what the worker is on, or None; a record that is just being written may come out as any."""
        count, begun_at, cpu, name = _RECORD.unpack_from(self._memory)
        arrival = name.rstrip(b"\0").decode("ascii", "replace")
        return Busy(arrival=arrival, begun_at=begun_at, cpu_seconds=cpu, count=count) if arrival else None

    def hurry(self, until: float) -> None:
        """The doors are in a rush until then."""
        _RUSH.pack_into(self._memory, _RUSH_AT, until)

    def is_rush(self) -> bool:
        """Say whether the doors are in a rush."""
        return float(_RUSH.unpack_from(self._memory, _RUSH_AT)[0]) > time.monotonic()

    def close(self) -> None:
        """Let go of the memory, and of the descriptor."""
        self._memory.close()
        os.close(self.descriptor)

    def _write(self, arrival: str) -> None:
        self._count += 1
        _RECORD.pack_into(
            self._memory, 0, self._count, time.monotonic(), time.process_time(), arrival.encode("ascii", "replace")
        )


def new_board() -> Board:
    """Return an empty board; its descriptor is the worker's to inherit."""
    with tempfile.TemporaryFile() as file:
        descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, _SIZE)
    return Board(descriptor)

"""What every way out has in common: a letter in bytes goes in, what became of it comes out as a value."""

from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, kw_only=True, slots=True)
class Parcel:
    """A letter in bytes with its envelope. A repeat has the same `id` and `message_id`."""

    id: str
    message_id: str
    envelope_from: str
    to: str
    raw: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """The relay has it."""

    text: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refused:
    """This letter was not taken: for good, or for now (A6). `code` is the reply's, 0 where there was none."""

    code: int
    text: str
    is_permanent: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Unreachable:
    """The relay itself is not to be had: no letter's fault, and nothing of this one was sent."""

    text: str


Result = Sent | Refused | Unreachable


class Relay(Protocol):
    """A way out. `send` raises nothing that is not a bug."""

    async def send(self, parcel: Parcel) -> Result: ...

    async def close(self) -> None: ...

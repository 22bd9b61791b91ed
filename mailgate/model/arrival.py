"""Arrival: a raw mail as it came through a door, before anybody has read it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from mailgate.model.verdicts import NOT_ASKED, Verdicts

Channel = Literal["smtp", "lmtp", "pipe", "imap", "panel", "import", "board"]
Source = Literal["mail", "panel", "phone", "chat", "social"]


@dataclass(frozen=True, kw_only=True, slots=True)
class PanelForm:
    """What the panel said beside the text (I4). `contact` is None where it named nobody."""

    account: str
    contact: str | None
    department: str
    priority: str
    source: Source


@dataclass(frozen=True, kw_only=True, slots=True)
class BoardForm:
    """A person of the desk, signed in to the board, acted on a ticket (W1): the mail is theirs, whatever else it proves."""

    person: str  # their address
    ticket: int


@dataclass(frozen=True, kw_only=True, slots=True)  # not `quick`: the pipe makes one, and would load a library for it
class Arrival:
    """A raw mail and its envelope. One arrival a desk: a mail to two desks arrives twice (I6)."""

    id: str  # made by the application, time-ordered
    desk: str
    channel: Channel
    received_at: datetime  # UTC
    digest: str
    size: int
    recipients: tuple[str, ...]  # the envelope's, of this desk, lower case, plus-addresses as they came
    envelope_from: str | None = None  # "": the null sender; None: the door did not learn it
    peer: str | None = None  # IP address, "unix", or a name of the door's
    helo: str | None = None
    is_trusted: bool = False  # S2: a stranger cannot write an Authentication-Results header on this way in
    verdicts: Verdicts = NOT_ASKED  # what others say of it: asked after it is durable, before it is decided
    form: PanelForm | None = None
    board: BoardForm | None = None
    wants_ack: bool = True  # an import sends none (unless asked)
    is_released: bool = False  # it had been set aside, and a person let it through (M9)
    accepted_from: str | None = None  # the held mail that a person accepted (S4): its evidence is void

    @property
    def is_let_in(self) -> bool:
        """Has a person let it through?"""
        return self.is_released or self.accepted_from is not None

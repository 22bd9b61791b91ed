"""What all doors have in common: whom they take mail for, and how they hand it over."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from mailgate.model.arrival import Arrival, Channel
from mailgate.model.settings import Settings, bare_address
from mailgate.store.incoming import Incoming

Submit = Callable[[Sequence[Incoming]], Awaitable[None]]
"""Returns once all of it is durable; raises TryLater, or whatever went wrong, if it may not be."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """What a door learns of a mail beside its bytes."""

    channel: Channel
    sender: str | None  # "": the null sender; None: unknown
    recipients: tuple[str, ...]
    peer: str | None = None
    helo: str | None = None
    is_trusted: bool = False
    wants_ack: bool = True


class Recipients:
    """The addresses that mail is taken for (I1): mailboxes, their plus-addresses, postmaster; and whose they are."""

    def __init__(self, mailboxes: Mapping[str, Iterable[str]], hostname: str = "") -> None:
        """`mailboxes` are the addresses of each desk; `hostname` is a further domain for postmaster."""
        self._desks: dict[str, str] = {}
        for desk, addresses in mailboxes.items():
            for address in addresses:
                plain = _plain(address)
                self._desks.setdefault(plain, desk)
                self._desks.setdefault(f"postmaster@{plain.rpartition('@')[2]}", desk)
                # RFC 5321, 4.5.1: <postmaster> without a domain too
                self._desks.setdefault("postmaster", desk)
                self._desks.setdefault(f"postmaster@{hostname.lower()}", desk)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return those of the configuration."""
        desks = {name: [mailbox.address for mailbox in desk.mailboxes] for name, desk in settings.desks.items()}
        return cls(desks, settings.smtp.hostname)

    def desk_of(self, address: str) -> str | None:
        """Return the desk whose mailbox `address` is, or None."""
        return self._desks.get(_plain(address))

    def by_desk(self, addresses: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the addresses in lower case, each once, by desk; those of nobody are left out."""
        found: dict[str, tuple[str, ...]] = {}
        for address in dict.fromkeys(address.lower() for address in addresses):
            desk = self.desk_of(address)
            if desk is not None:
                found[desk] = (*found.get(desk, ()), address)
        return found


def arrivals_of(
    raw: bytes, envelope: Envelope, recipients: Recipients, new_id: Callable[[], str], now: datetime
) -> list[Incoming]:
    """Return an arrival for each desk that the mail is for (I6)."""
    digest = hashlib.sha256(raw).hexdigest()
    return [
        Incoming(
            raw=raw,
            arrival=Arrival(
                id=new_id(),
                desk=desk,
                channel=envelope.channel,
                received_at=now,
                digest=digest,
                size=len(raw),
                recipients=addresses,
                envelope_from=envelope.sender,
                peer=envelope.peer,
                helo=envelope.helo,
                is_trusted=envelope.is_trusted,
                wants_ack=envelope.wants_ack,
            ),
        )
        for desk, addresses in recipients.by_desk(envelope.recipients).items()
    ]


def _plain(address: str) -> str:
    local, at, domain = bare_address(address).rpartition("@")
    if domain.isascii():
        return f"{local}{at}{domain}"
    try:
        return f"{local}{at}{domain.encode('idna').decode()}"
    except UnicodeError:
        return f"{local}{at}{domain}"

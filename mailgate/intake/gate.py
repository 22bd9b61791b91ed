"""The gate: what all SMTP and LMTP sessions share, and the limits that keep it standing."""

import asyncio
import ipaddress
import ssl
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime
from functools import lru_cache
from typing import Protocol

from mailgate.errors import TryLater
from mailgate.intake.door import Envelope, Recipients, Submit, arrivals_of
from mailgate.log import Log, short
from mailgate.model.arrival import Channel
from mailgate.model.settings import SmtpSettings
from mailgate.store.ids import utc_now

LOG = Log("intake")
MOST_RECIPIENTS = 100
MOST_COMMANDS = 1000  # of a session, without a mail that was accepted
COMMIT_SECONDS = 30
MOST_IDLE_TIMES = 10  # so many times the idle limit a session may last without a mail that was accepted
_MOST_KNOWN = 10_000  # peers that are remembered
FLOOR_BYTES_PER_SECOND = 8192  # a sender slower than this, after ten times the idle limit, is cut

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


OnEnd = Callable[[BaseException | None], None]


class Guest(Protocol):
    """A session as the gate sees it."""

    def leave(self, reply: str) -> None:
        """End the session now, if it is between two mails, else after the present one."""

    def cut(self) -> None:
        """End the session now."""


class Gate:
    """Counts sessions and bytes, knows who is trusted, and hands mails over. One for each listener's channel."""

    def __init__(
        self,
        settings: SmtpSettings,
        recipients: Recipients,
        submit: Submit,
        new_id: Callable[[], str],
        *,
        channel: Channel = "smtp",
        clock: Callable[[], datetime] = utc_now,
        tls: ssl.SSLContext | None = None,
        most_bytes: int | None = None,
        has_room: Callable[[], bool] = lambda: True,
    ) -> None:
        """`most_bytes` caps what all sessions together hold in memory (default: four mails of full size, at least
        128 MiB); `has_room` says whether the disk
        can take more."""
        self.settings = settings
        self.recipients = recipients
        self.tls = tls
        self.is_draining = False
        self.has_room = has_room
        self.guests: set[Guest] = set()
        self._submit = submit
        self._new_id = new_id
        self._channel = channel
        self._clock = clock
        self._trusted = TrustedPeers(settings.trusted_peers)
        self._peers: Counter[str] = Counter()
        self._most_bytes = most_bytes or max(4 * settings.size_limit, 128 * 1024 * 1024)
        self._bytes = 0
        self._bytes_of: Counter[str] = Counter()
        self._commits: set[asyncio.Task[None]] = set()
        self._empty = asyncio.Event()
        self._empty.set()

    def enter(self, guest: Guest, peer: str) -> str | None:
        """Count a new session; or return the reply that refuses it (I1)."""
        if self.is_draining:
            return "421 4.3.2 shutting down, try again later"
        most = self.settings.max_connections
        # a tenth is for whom we trust: strangers that fill the house do not keep our own mail server out
        if len(self.guests) >= (most if self._is_trusted(peer) else most - most // 10):
            return "421 4.7.0 too many connections, try again later"
        # all that comes over a unix socket is one peer: our own mail server
        if peer != "unix" and self._peers[_neighbours(peer)] >= self.settings.max_per_peer:
            return "421 4.7.0 too many connections from you, try again later"
        self._peers[_neighbours(peer)] += 1
        self.guests.add(guest)
        self._empty.clear()
        return None

    def exit(self, guest: Guest, peer: str) -> None:
        """A session that entered has ended."""
        self.guests.discard(guest)
        _lessen(self._peers, _neighbours(peer), 1)
        if not self.guests:
            self._empty.set()

    def hold(self, size: int, peer: str) -> bool:
        """Count `size` bytes more in memory; False, and not counted, where that would be too many, in all or of one
        stranger: half of the room is always for others."""
        who = _neighbours(peer)
        if self._bytes + size > self._most_bytes:
            return False
        if not self._is_trusted(peer) and self._bytes_of[who] + size > self._most_bytes // 2:
            return False
        self._bytes += size
        self._bytes_of[who] += size
        return True

    def free(self, size: int, peer: str) -> None:
        """These bytes are not held any more."""
        self._bytes -= size
        _lessen(self._bytes_of, _neighbours(peer), size)

    def take(
        self, raw: bytes, sender: str, to: tuple[str, ...], peer: str, helo: str, held: int, on_end: OnEnd
    ) -> None:
        """Make the mail durable; `on_end` is called with None when it is, with what went wrong (TimeoutError included)
        when it may not be. The commit goes on though the peer may go away meanwhile; `held` bytes are freed at its end."""
        loop = asyncio.get_running_loop()
        task = loop.create_task(self._commit(raw, sender, to, peer, helo))
        self._commits.add(task)
        end = _Once(on_end)
        timer = loop.call_later(COMMIT_SECONDS, end, TimeoutError())

        def ended(task: asyncio.Task[None]) -> None:
            timer.cancel()
            self.free(held, peer)
            self._commits.discard(task)
            end(TryLater("it was cut off") if task.cancelled() else task.exception())

        task.add_done_callback(ended)

    async def drain(self, seconds: float) -> None:
        """Let mails in flight end, all else leave; after `seconds`, and a quarter for commits, nobody is left."""
        self.is_draining = True
        for guest in tuple(self.guests):
            guest.leave("421 4.3.2 shutting down, try again later")
        with suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), seconds)
        for guest in tuple(self.guests):
            guest.cut()
        if self._commits:
            # what is not durable by then got no 250
            await asyncio.wait(self._commits, timeout=max(1.0, seconds / 4))

    async def _commit(self, raw: bytes, sender: str, to: tuple[str, ...], peer: str, helo: str) -> None:
        is_trusted = self._is_trusted(peer)
        envelope = Envelope(
            channel=self._channel,
            sender=sender,
            recipients=to,
            peer=peer,
            helo=helo,
            is_trusted=is_trusted,
        )
        incoming = arrivals_of(raw, envelope, self.recipients, self._new_id, self._clock())
        await self._submit(incoming)
        for item in incoming:
            LOG.event(
                "mail.accepted",
                arrival=item.arrival.id,
                channel=self._channel,
                desk=item.arrival.desk,
                digest=item.arrival.digest[:16],
                size=item.arrival.size,
                sender=short(sender),
                peer=peer,
            )

    def _is_trusted(self, peer: str) -> bool:
        # S2: no stranger reaches LMTP
        return self._channel == "lmtp" or self._trusted.has(peer)


class TrustedPeers:
    """The peers whose Authentication-Results headers may be believed (S2)."""

    def __init__(self, names: Iterable[str]) -> None:
        """`names` are networks, addresses, or `unix`."""
        self._names = frozenset(names)
        self._networks = tuple(network_of(name) for name in self._names if name != "unix")
        self._known: dict[str, bool] = {}

    def has(self, peer: str) -> bool:
        """Say whether `peer` (an address, or `unix`) is one of them."""
        known = self._known.get(peer)
        if known is None:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            known = self._known[peer] = self._has(peer)
        return known

    def _has(self, peer: str) -> bool:
        if peer == "unix":
            return "unix" in self._names
        try:
            address = ipaddress.ip_address(peer)
        except ValueError:
            return False
        return any(address in network for network in self._networks)


class _Once:
    """Calls the first time only."""

    def __init__(self, call: OnEnd) -> None:
        self._call: OnEnd | None = call

    def __call__(self, error: BaseException | None) -> None:
        call, self._call = self._call, None
        if call is not None:
            call(error)


def network_of(name: str) -> _Network:
    """Return the network that `name` means; ValueError where it means none."""
    return ipaddress.ip_network(name, strict=False)


def peer_of(transport: asyncio.BaseTransport) -> str:
    """Return the peer's IP address, without zone and as IPv4 where it is one, or `unix`."""
    name = transport.get_extra_info("peername")
    return _address(str(name[0])) if isinstance(name, tuple) else "unix"


@lru_cache(_MOST_KNOWN)
def _address(host: str) -> str:
    address = ipaddress.ip_address(host.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


@lru_cache(_MOST_KNOWN)
def _neighbours(peer: str) -> str:
    """Return what counts as one peer: an IPv4 address, or the /64 in which one customer has 2**64 of IPv6."""
    return str(ipaddress.ip_network(f"{peer}/64", strict=False)) if ":" in peer else peer


def _lessen(counter: Counter[str], key: str, by: int) -> None:
    counter[key] -= by
    if counter[key] <= 0:
        del counter[key]

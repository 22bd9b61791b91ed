"""Questions to DNS: remembered for as long as the answers say, and not asked of a resolver that is away."""

import ipaddress
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dns.exception
import dns.resolver

from mailgate.verdicts.circuit import Circuit

Resolve = Callable[[str, str], Sequence[Any]]
"""name, type (TXT, A, AAAA, MX, PTR) → the values: TXT as bytes, A, AAAA and PTR as text, MX as (preference, host).

No such name, no such record: none. Raises DnsTrouble where that is not known.
"""
QUERY_SECONDS = 3.0
_PROBE_SECONDS = 2.0
_LEAST_SECONDS, _MOST_SECONDS, _NOTHING_SECONDS, _TROUBLE_SECONDS = 5.0, 3600.0, 60.0, 20.0
_MOST_NAMES = 10_000


class DnsTrouble(Exception):
    """Nobody knows: a time-out, a server that fails."""


class DnsSilence(DnsTrouble):
    """Nobody answered at all."""


Answer = tuple[Sequence[Any], float]
"""The values, and for how many seconds they are true."""


class Nameservers:
    """The machine's resolver, or `servers` (addresses, each with a port after a colon if it is not 53)."""

    def __init__(self, servers: Sequence[str] = ()) -> None:
        self._servers = servers
        self._resolver: dns.resolver.Resolver | None = None

    def ask(self, name: str, type_: str) -> Answer:
        """Ask for the records of a name. Raises DnsTrouble."""
        try:
            found = self._made().resolve(name, type_, lifetime=QUERY_SECONDS, search=False)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            return [], _NOTHING_SECONDS
        except dns.exception.Timeout as error:
            raise DnsSilence(f"{name}: no answer") from error
        except (dns.exception.DNSException, UnicodeError, ValueError, OSError) as error:
            raise DnsTrouble(f"{name}: {type(error).__name__}") from error
        return [_value(record, type_) for record in found], float(found.rrset.ttl if found.rrset is not None else 0)

    def is_away(self) -> bool:
        """Say whether not even the root's own servers are told: then it is the resolver that is dead, not a domain."""
        try:
            self._made().resolve(".", "NS", lifetime=_PROBE_SECONDS, search=False)
        except (dns.exception.Timeout, OSError, dns.resolver.NoResolverConfiguration):
            return True
        except dns.exception.DNSException:
            return False
        return False

    def _made(self) -> dns.resolver.Resolver:
        if self._resolver is None:
            resolver = dns.resolver.Resolver(configure=not self._servers)
            if self._servers:
                places = [_place(server) for server in self._servers]
                resolver.nameservers = [dns.nameserver.Do53Nameserver(host, port) for host, port in places]
            self._resolver = resolver
        return self._resolver


class Memory:
    """`ask` with a memory by name and type, for any number of threads; callable as a Resolve. Two that want the same
    ask once."""

    def __init__(
        self,
        ask: Callable[[str, str], Answer],
        is_away: Callable[[], bool],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._is_away = is_away
        self._clock = clock
        self._circuit = Circuit(clock=clock)
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[float, Sequence[Any] | DnsTrouble]] = {}
        self._asking: dict[tuple[str, str], threading.Event] = {}

    def __call__(self, name: str, type_: str) -> Sequence[Any]:
        key = (name.lower().rstrip("."), type_)
        while True:
            with self._lock:
                found = self._known.get(key)
                if found and found[0] > self._clock():
                    return _told(found[1])
                other = self._asking.get(key)
                if other is None:
                    mine = self._asking[key] = threading.Event()
            if other is None:
                break
            if not other.wait(QUERY_SECONDS * 2):
                raise DnsSilence(f"{name}: somebody else waits for it")
        try:
            return _told(self._remembered(key))
        finally:
            with self._lock:
                del self._asking[key]
            mine.set()

    def _remembered(self, key: tuple[str, str]) -> Sequence[Any] | DnsTrouble:
        answer: Sequence[Any] | DnsTrouble
        if not self._circuit.may_try():
            # not remembered: it may be there again in a moment
            return DnsSilence(f"{key[0]}: the resolver does not answer")
        try:
            answer, seconds = self._ask(*key)
            seconds = min(max(seconds, _LEAST_SECONDS), _MOST_SECONDS)
            self._circuit.worked()
        except DnsSilence as error:
            answer, seconds = error, _TROUBLE_SECONDS
            # a domain whose servers are dead is no sign: whoever likes can have one
            if self._circuit.failed() and not self._is_away():
                self._circuit.worked()
        except DnsTrouble as error:
            answer, seconds = error, _TROUBLE_SECONDS
            self._circuit.worked()
        with self._lock:
            if len(self._known) >= _MOST_NAMES:
                self._known.clear()
            self._known[key] = (self._clock() + seconds, answer)
        return answer


def resolver_of(servers: Sequence[str] = ()) -> Resolve:
    """Return a resolver with a memory that asks `servers`, or the machine's own."""
    nameservers = Nameservers(servers)
    return Memory(nameservers.ask, nameservers.is_away)


def zone(records: Mapping[tuple[str, str], Sequence[Any]]) -> Resolve:
    """Return a resolver that knows `records` by (name in lower case, type), and nothing else."""

    def resolve(name: str, type_: str) -> Sequence[Any]:
        return records.get((name.lower().rstrip("."), type_), [])

    return resolve


def within(resolve: Resolve, seconds: float, clock: Callable[[], float] = time.monotonic) -> Resolve:
    """Return `resolve` with a memory, and trouble from `seconds` on."""
    end = clock() + seconds
    known: dict[tuple[str, str], Sequence[Any]] = {}

    def limited(name: str, type_: str) -> Sequence[Any]:
        key = (name.lower().rstrip("."), type_)
        if key not in known:
            if clock() >= end:
                raise DnsTrouble(f"{name}: no time left")
            known[key] = resolve(*key)
        return known[key]

    return limited


def _told(answer: Sequence[Any] | DnsTrouble) -> Sequence[Any]:
    if isinstance(answer, DnsTrouble):
        raise type(answer)(str(answer))
    return answer


def _place(server: str) -> tuple[str, int]:
    """Return address and port of `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1` or `[2001:db8::1]:5353`."""
    try:
        return str(ipaddress.ip_address(server)), 53
    except ValueError:
        host, _, port = server.rpartition(":")
        return str(ipaddress.ip_address(host.strip("[]"))), int(port)


def _value(record: Any, type_: str) -> Any:
    match type_:
        case "TXT":
            return b"".join(record.strings)
        case "MX":
            return record.preference, record.exchange.to_text(omit_final_dot=True)
        case "PTR":
            return record.target.to_text(omit_final_dot=True)
        case _:
            return record.address

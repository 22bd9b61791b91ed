"""Questions to DNS, with a limit of time; the answers of a test stand in for it."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dns.exception
import dns.resolver

Resolve = Callable[[str, str], Sequence[Any]]
"""name, type (TXT, A, AAAA, MX, PTR) → the values: TXT as bytes, A, AAAA and PTR as text, MX as (preference, host).

No such name, no such record: none. Raises DnsTrouble where that is not known.
"""
_QUERY_SECONDS = 3.0


class DnsTrouble(Exception):
    """Nobody knows: a time-out, a server that fails."""


def ask(name: str, type_: str) -> Sequence[Any]:
    """Ask the machine's resolver."""
    try:
        answers = dns.resolver.resolve(name, type_, lifetime=_QUERY_SECONDS, search=False)
    except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
        return []
    except (dns.exception.DNSException, UnicodeError, ValueError, OSError) as error:
        raise DnsTrouble(f"{name}: {type(error).__name__}") from error
    return [_value(record, type_) for record in answers]


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

"""Our own verdict on mail of a peer that is not trusted (S2): SPF, DKIM, and whether they speak for the From domain."""

import asyncio
import importlib.resources
import logging
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from typing import Any

import dkim
import spf
from publicsuffix2 import PublicSuffixList  # type: ignore[import-untyped]

from mailgate.intake.dns import DnsTrouble, Resolve, ask, within
from mailgate.log import Log
from mailgate.model.verdicts import Evidence, Verdict

LOG = Log("intake")
MOST_SIGNATURES = 5
SECONDS = 8.0
_HEADER_BYTES = 256 * 1024
_FROM_BYTES = 2048
_QUIET = logging.getLogger("mailgate.dkim")
_QUIET.disabled = True
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_FROM = re.compile(rb"^from[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.I | re.M)
# one address, plainly written: whoever reads the header in another way must not come to another domain
_PLAIN_FROM = re.compile(
    rb"(?:(?:\"(?:[^\"\\]|\\.)*\"|[^\"<>@,;:()\\])*(<)[ ]*)?[^\s<>@,;:()\\\"]{1,64}@([A-Za-z0-9.\-]{1,253})(?:[ ]*>)?",
    re.S,
)


class StrangerCheck:
    """The door's `check`: in threads of its own, since SPF and DKIM block, and never longer than SECONDS of DNS."""

    def __init__(self, resolve: Resolve = ask, threads: int = 4) -> None:
        self._resolve = resolve
        self._pool = ThreadPoolExecutor(threads, "stranger-check")

    async def __call__(self, raw: bytes, peer: str, helo: str, sender: str) -> Evidence:
        """Return the verdict; trouble of DNS is `none`, never `fail`."""
        loop = asyncio.get_running_loop()
        verdict, because = await loop.run_in_executor(self._pool, verdict_of, raw, peer, helo, sender, self._resolve)
        return Evidence(verdict=verdict, because=because)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Policy:
    """A domain's DMARC record (RFC 7489, 6.3), as far as it is about alignment."""

    is_there: bool = False
    strict_dkim: bool = False
    strict_spf: bool = False


def verdict_of(raw: bytes, peer: str, helo: str, sender: str, resolve: Resolve = ask) -> tuple[Verdict, str]:
    """Return `pass` where an SPF or DKIM pass is aligned with the From domain, `fail` where none is though the domain
    has a DMARC record, else `none`; and why."""
    domain = from_domain(raw)
    if domain is None:
        return "none", "the From header is not one plain address"
    limited = within(resolve, SECONDS)
    troubles: list[str] = []
    try:
        policy = _policy_of(domain, limited)
    except DnsTrouble as error:
        troubles.append(str(error))
        policy = _Policy()
    for signer in _signers(raw, limited, troubles):
        if _is_aligned(signer, domain, policy.strict_dkim):
            return "pass", f"dkim=pass header.d={signer}, aligned with {domain}"
    authorized = _authorized(peer, helo, sender, limited, troubles)
    if authorized and _is_aligned(authorized, domain, policy.strict_spf):
        return "pass", f"spf=pass for {authorized}, aligned with {domain}"
    if troubles:
        return "none", f"DNS did not tell: {troubles[0]}"
    if policy.is_there:
        return "fail", f"neither DKIM nor SPF speaks for {domain}, which has a DMARC record"
    return "none", f"neither DKIM nor SPF speaks for {domain}, which has no DMARC record"


def from_domain(raw: bytes) -> str | None:
    """Return the domain of the From address in lower case, or None where the header is not one plain address."""
    end = _END_OF_HEADER.search(raw, 0, _HEADER_BYTES)
    header = raw[: end.start() if end else _HEADER_BYTES]
    found = _FROM.findall(header)
    if len(found) != 1 or re.search(rb"\r(?!\n)", header):
        return None
    value = found[0].strip()
    plain = _PLAIN_FROM.fullmatch(value) if len(value) <= _FROM_BYTES else None
    if not plain or value.endswith(b">") != bool(plain[1]):
        return None
    return plain[2].decode().lower().strip(".") or None


def _policy_of(domain: str, resolve: Resolve) -> _Policy:
    record = _dmarc_record(domain, resolve) or _dmarc_record(_organization(domain), resolve)
    if record.get("p", "").lower() not in ("none", "quarantine", "reject"):
        return _Policy()
    return _Policy(
        is_there=True, strict_dkim=record.get("adkim", "r") == "s", strict_spf=record.get("aspf", "r") == "s"
    )


def _dmarc_record(domain: str, resolve: Resolve) -> dict[str, str]:
    texts = [bytes(text).decode("utf-8", "replace") for text in resolve(f"_dmarc.{domain}", "TXT")]
    records = [text for text in texts if re.match(r"v\s*=\s*DMARC1\s*(;|\Z)", text)]
    if len(records) != 1:  # RFC 7489, 6.6.3: several are as good as none
        return {}
    pairs = (part.partition("=") for part in records[0].split(";"))
    return {name.strip().lower(): value.strip().lower() for name, _, value in pairs}


def _signers(raw: bytes, resolve: Resolve, troubles: list[str]) -> list[str]:
    """Return the domains whose signatures hold."""

    def key(name: bytes, timeout: float = 5) -> bytes | None:
        return next(iter(resolve(name.decode("utf-8", "replace"), "TXT")), None)

    try:
        message = dkim.DKIM(raw, logger=_QUIET)
        count = sum(name.lower() == b"dkim-signature" for name, _ in message.headers)
    except Exception as error:  # a header that dkimpy cannot read is not signed
        LOG.event("check.unreadable", because=type(error).__name__)
        return []
    checked = (_signer(message, index, key, troubles) for index in range(min(count, MOST_SIGNATURES)))
    return [domain for domain in checked if domain]


def _signer(message: Any, index: int, key: Any, troubles: list[str]) -> str | None:
    try:
        holds = message.verify(index, dnsfunc=key)
    except (DnsTrouble, dkim.DnsTimeoutError, dkim.NaClNotFoundError) as error:
        troubles.append(str(error))
        return None
    except Exception:  # dkimpy has many ways to say no
        return None
    # RFC 6376, 8.2: with l= anybody may have written the rest of the mail
    if not holds or b"l" in message.signature_fields:
        return None
    return bytes(message.domain).decode("utf-8", "replace").lower()


def _authorized(peer: str, helo: str, sender: str, resolve: Resolve, troubles: list[str]) -> str | None:
    """Return the domain for which SPF lets `peer` send: that of the envelope sender, of HELO for the null sender."""
    if peer == "unix" or not (sender or helo).isascii():
        return None
    try:
        question = _SpfQuery(peer, sender, helo, resolve)
        result = question.check()[0]
    except Exception as error:  # pyspf has many ways to say no
        LOG.event("check.unreadable", because=type(error).__name__)
        return None
    if result == "temperror":
        troubles.append(f"SPF of {question.o}")
    return str(question.o).lower() if result == "pass" else None


class _SpfQuery(spf.query):  # type: ignore[misc]
    def __init__(self, peer: str, sender: str, helo: str, resolve: Resolve) -> None:
        super().__init__(i=peer, s=sender, h=helo)
        self._resolve = resolve

    def dns(self, name: str, qtype: str, cnames: Any = None, ignore_void: bool = False) -> Sequence[Any]:
        name = str(name).rstrip(".").lower()
        if not all(0 < len(label) < 64 for label in name.split(".")):
            return []
        try:
            found = self._resolve(name, qtype)
        except DnsTrouble as error:
            raise spf.TempError(str(error)) from error
        if not found and not ignore_void:
            self.void_lookups += 1
            if self.void_lookups > spf.MAX_VOID_LOOKUPS:
                raise spf.PermError("too many names that are not there")
        return [(value,) for value in found] if qtype == "TXT" else list(found)


def _is_aligned(domain: str, from_: str, strict: bool) -> bool:
    return domain == from_ or (not strict and _organization(domain) == _organization(from_))


def _organization(domain: str) -> str:
    """Return the organizational domain (RFC 7489, 3.2)."""
    found = str(_suffixes().get_public_suffix(domain))
    # the library takes an end that the list does not know for an organization; by the list's own rule it is none
    return found if "." in found else ".".join(domain.split(".")[-2:])


@cache
def _suffixes() -> Any:
    # authheaders carries a newer list than publicsuffix2 does
    file = importlib.resources.files("authheaders") / "public_suffix_list.txt"
    with file.open(encoding="utf-8") as lines:
        return PublicSuffixList(lines)

"""Our own verdict on a mail (S2): DKIM at every door, SPF and DMARC where a stranger speaks to us, and whether they
speak for the From domain."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import spf

from mailgate.log import Log
from mailgate.model.verdicts import Evidence, Verdict
from mailgate.verdicts.alignment import is_aligned, organization
from mailgate.verdicts.dns import DnsTrouble, Resolve, within
from mailgate.verdicts.signed import MOST_SIGNATURES, SignedMail, key_of

LOG = Log("verdicts")
SECONDS = 5.0  # after that no question is begun: the last one takes three at most
_HEADER_BYTES = 256 * 1024
_FROM_BYTES = 2048
_END_OF_HEADER = re.compile(rb"\r?\n\r?\n")
_FROM = re.compile(rb"^from[ \t]*:((?:[^\r\n]|\r?\n[ \t])*)", re.I | re.M)
# one address, plainly written: whoever reads the header in another way must not come to another domain
_PLAIN_FROM = re.compile(
    rb"(?:(?:\"(?:[^\"\\]|\\.)*\"|[^\"<>@,;:()\\])*(<)[ ]*)?[^\s<>@,;:()\\\"]{1,64}@([A-Za-z0-9.\-]{1,253})(?:[ ]*>)?",
    re.S,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Who handed us a mail at the open door: address, HELO name, envelope sender."""

    peer: str
    helo: str
    sender: str


@dataclass(frozen=True, kw_only=True, slots=True)
class _Policy:
    """A domain's DMARC record (RFC 7489, 6.3), as far as it is about alignment."""

    is_there: bool = False
    strict_dkim: bool = False
    strict_spf: bool = False


@dataclass(slots=True)
class _Look:
    """One look at a mail: what it is about, whom it asks, what was in the way."""

    raw: bytes
    domain: str
    at: datetime
    most_age: timedelta
    resolve: Resolve
    troubles: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def policy(self) -> _Policy | None:
        """Return what the From domain's DMARC record says, or None where DNS does not tell."""
        try:
            return _policy_of(self.domain, self.resolve)
        except DnsTrouble as error:
            self.troubles.append(str(error))
            return None

    def evidence(self, verdict: Verdict, because: str) -> Evidence:
        return Evidence(
            verdict=verdict, because=because, domain=self.domain, is_unsure=verdict == "none" and bool(self.troubles)
        )


def check(
    raw: bytes,
    at: datetime,
    resolve: Resolve,
    *,
    client: Client | None = None,
    most_age: timedelta = timedelta(days=14),
) -> Evidence:
    """Return what the mail itself proves for its From domain.

    `client` is the stranger who handed it over: then SPF counts too, and a mail for which nothing speaks though its
    domain has a DMARC record is `fail`. Without one only DKIM is looked at, and nothing is `fail`. Trouble of DNS is
    `none`, and `is_unsure`.
    """
    domain = from_domain(raw)
    if domain is None:
        return Evidence(verdict="none", because="our own check: the From header is not one plain address")
    look = _Look(raw=raw, domain=domain, at=at, most_age=most_age, resolve=within(resolve, SECONDS))
    policy = look.policy() if client else None
    found = _signer(look, policy)
    if found:
        return look.evidence("pass", f"our own check: dkim=pass header.d={found}, aligned with {domain}")
    if client:
        authorized = _authorized(client, look)
        if authorized and is_aligned(authorized, domain, strict=policy is None or policy.strict_spf):
            return look.evidence("pass", f"our own check: spf=pass for {authorized}, aligned with {domain}")
    return look.evidence(*_nothing_speaks(look, policy, has_client=client is not None))


def _nothing_speaks(look: _Look, policy: _Policy | None, *, has_client: bool) -> tuple[Verdict, str]:
    remarks = f" ({'; '.join(look.remarks[:3])})" if look.remarks else ""
    if look.troubles:
        return "none", f"our own check: DNS did not tell: {look.troubles[0]}{remarks}"
    if not has_client or policy is None:
        return "none", f"our own check: no DKIM signature speaks for {look.domain}{remarks}"
    if policy.is_there:
        return (
            "fail",
            f"our own check: neither DKIM nor SPF speaks for {look.domain}, which has a DMARC record{remarks}",
        )
    return "none", f"our own check: neither DKIM nor SPF speaks for {look.domain}, which has no DMARC record{remarks}"


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


def _signer(look: _Look, policy: _Policy | None) -> str:
    """Return the aligned domain of a signature that holds, or "". The From domain's policy is asked for only where it
    matters."""
    try:
        mail = SignedMail(look.raw, look.at, look.most_age)
    except ValueError as error:
        LOG.event("check.unreadable", because=str(error))
        look.remarks.append("the header cannot be read")
        return ""
    key = key_of(look.resolve)
    for index in range(min(len(mail.signatures), MOST_SIGNATURES)):
        try:
            domain, because = mail.check(index, key)
        except DnsTrouble as error:
            look.troubles.append(str(error))
            continue
        if because:
            look.remarks.append(because)
        if domain and _speaks(domain, look, policy):
            return domain
    return ""


def _speaks(domain: str, look: _Look, policy: _Policy | None) -> bool:
    if domain == look.domain:
        return True
    if not is_aligned(domain, look.domain, strict=False):
        look.remarks.append(f"the signature of {domain} holds, which is another organization")
        return False
    known = policy or look.policy()
    return known is not None and not known.strict_dkim  # whoever cannot be asked may want it strictly


def _policy_of(domain: str, resolve: Resolve) -> _Policy:
    record = _dmarc_record(domain, resolve) or _dmarc_record(organization(domain), resolve)
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


def _authorized(client: Client, look: _Look) -> str | None:
    """Return the domain for which SPF lets the peer send: that of the envelope sender, of HELO for the null sender."""
    if client.peer == "unix" or not (client.sender or client.helo).isascii():
        return None
    try:
        question = _SpfQuery(client.peer, client.sender, client.helo, look.resolve)
        result = question.check()[0]
    except Exception as error:  # pyspf has many ways to say no
        LOG.event("check.unreadable", because=type(error).__name__)
        return None
    if result == "temperror":
        look.troubles.append(f"SPF of {question.o}")
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

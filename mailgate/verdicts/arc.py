"""What a sealer says that the desk trusts (RFC 8617, S2): its topmost results, where the chain of seals holds."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import dkim
from dkim.util import parse_tag_value

from mailgate.decide.sender import read_results
from mailgate.model.verdicts import Evidence
from mailgate.parse.authentication import result
from mailgate.verdicts.dns import DnsTrouble, Resolve, within
from mailgate.verdicts.own import SECONDS, from_domain
from mailgate.verdicts.signed import QUIET, is_full_of_blanks, key_of, leaves_out, moment, relaxed

MOST_SEALS = 10
_INSTANCE = re.compile(r"\s*i\s*=\s*\d+\s*;")


def check_seals(
    raw: bytes, at: datetime, resolve: Resolve, sealers: Collection[str], most_age: timedelta = timedelta(days=14)
) -> Evidence | None:
    """Return what the last of the seals says of the From domain, if it is one of `sealers` and the chain holds; None
    where nobody of them sealed the mail."""
    domain = from_domain(raw)
    try:
        mail = dkim.ARC(raw, logger=QUIET)
        seals = [value for name, value in mail.headers if name.lower().startswith(b"arc-")]
        if domain is None or not seals or len(seals) > 3 * MOST_SEALS or any(map(is_full_of_blanks, seals)):
            return None
        last, headers = mail.sorted_arc_headers()
        top = {name.lower(): value for number, (name, value) in headers if number == last}
        seal, signature = parse_tag_value(top[b"arc-seal"]), parse_tag_value(top[b"arc-message-signature"])
        sealer = seal[b"d"].decode("ascii").lower()
        said = top[b"arc-authentication-results"].decode("utf-8", "surrogateescape")
    except Exception:  # dkimpy has many ways to say no
        return None
    if sealer not in sealers:
        return None
    evidence = _chain(mail, signature, at, most_age, within(resolve, SECONDS), sealer)
    if evidence.verdict == "pass":
        results = result(_INSTANCE.sub("", said, count=1))
        verdict, because = read_results(results, domain)
        evidence = Evidence(verdict=verdict, because=f"sealed by {sealer} (ARC): {because}")
    return Evidence(verdict=evidence.verdict, because=evidence.because, domain=domain, is_unsure=evidence.is_unsure)


def _chain(
    mail: Any, signature: dict[bytes, bytes], at: datetime, most_age: timedelta, resolve: Resolve, sealer: str
) -> Evidence:
    """Return `pass` where every seal holds, and the last of them covers what the mail says."""
    troubles: list[str] = []
    ask = key_of(resolve)

    def key(name: bytes, timeout: float = 5) -> bytes | None:
        try:
            return ask(name)
        except DnsTrouble as error:  # dkimpy must hear of it as of a key that is not there
            troubles.append(str(error))
            return None

    made = moment(signature.get(b"t"))
    if made is None or at - made > most_age:
        return Evidence(verdict="none", because=f"the seal of {sealer} is older than {most_age.days} days or undated")
    if because := leaves_out(signature.get(b"h", b""), mail.headers):
        return Evidence(verdict="none", because=f"the seal of {sealer} {because}")
    if b"/simple" not in signature.get(b"c", b""):
        mail.body = relaxed(mail.body)
    try:
        chain = mail.verify(dnsfunc=key)[0]
    except Exception as error:
        return Evidence(verdict="none", because=f"the seal of {sealer} does not hold ({type(error).__name__})")
    if troubles:
        return Evidence(verdict="none", because=f"DNS did not tell: {troubles[0]}", is_unsure=True)
    holds = chain == dkim.CV_Pass
    return Evidence(verdict="pass" if holds else "none", because="" if holds else f"the seal of {sealer} does not hold")

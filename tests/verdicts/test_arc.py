"""ARC (RFC 8617): the results of a sealer that the desk names, where the chain of seals holds (S2)."""

import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import dkim
import pytest

from mailgate.decide.sender import find_evidence
from mailgate.model.verdicts import Evidence, Verdicts
from mailgate.verdicts.arc import check_seals
from mailgate.verdicts.dns import DnsTrouble, zone
from tests.decide.build import OLENA, a_mail, a_scene, authenticated
from tests.verdicts.keys import KEY, RECORD

MAIL = b"From: Olena <olena@shop.example>\r\nTo: support@flexihost.example\r\nSubject: hi\r\n\r\nhello\r\n"
RECORDS = {("a._domainkey.lists.example", "TXT"): [RECORD], ("a._domainkey.evil.example", "TXT"): [RECORD]}
HEADERS = [b"from", b"to", b"subject"]


def sealed(
    results: str = "dmarc=pass header.from=shop.example", sealer: bytes = b"lists.example", mail: bytes = MAIL,
    headers: list[bytes] = HEADERS, age: int = 0, chain: str = "none",
) -> bytes:  # fmt: skip
    said = f"Authentication-Results: mx.lists.example; arc={chain}; {results}\r\n".encode() + mail
    made = str(int(time.time()) - age)
    seals = dkim.arc_sign(said, b"a", sealer, KEY, b"mx.lists.example", include_headers=headers, timestamp=made)
    return b"".join(seals) + mail


def look(raw: bytes, sealers: tuple[str, ...] = ("lists.example",), resolve: Any = None) -> Evidence | None:
    return check_seals(raw, datetime.now(UTC), resolve or zone(RECORDS), sealers)


def verdict(raw: bytes, **more: Any) -> str | None:
    found = look(raw, **more)
    return found and found.verdict


def test_the_results_of_a_sealer_that_is_named_count():
    assert verdict(sealed()) == "pass"
    assert verdict(sealed("dkim=pass header.d=shop.example")) == "pass"
    assert verdict(sealed("dmarc=fail header.from=shop.example")) == "fail"
    assert verdict(sealed("dmarc=pass header.from=other.example")) == "none"
    assert verdict(sealed("spf=none smtp.mailfrom=a(b@evil.example")) in (None, "none")


def test_nobody_else_is_asked():
    assert look(sealed(sealer=b"evil.example")) is None
    assert look(sealed(), sealers=()) is None
    assert look(MAIL) is None
    # the last one speaks, whoever was before
    twice = sealed(sealer=b"evil.example", mail=sealed(), chain="pass")
    assert look(twice) is None


def test_a_chain_that_does_not_hold_says_nothing():
    assert verdict(sealed().replace(b"hello", b"hallo")) == "none"
    assert verdict(sealed().replace(b"Subject: hi", b"Subject: ho")) == "none"
    assert verdict(sealed().replace(b"header.from=shop.example", b"header.from=shop.examples")) == "none"
    assert verdict(sealed(age=15 * 86400)) == "none"
    assert verdict(b"Subject: another\r\n" + sealed()) == "none"


def test_trouble_of_dns_is_unsure():
    def dead(name: str, type_: str) -> Sequence[Any]:
        raise DnsTrouble(f"{name}: no answer")

    found = look(sealed(), resolve=dead)
    assert found
    assert (found.verdict, found.is_unsure) == ("none", True)


def test_rubbish_in_seals_is_no_verdict():
    for raw in (
        b"ARC-Seal: i=1; cv=none\r\n" + MAIL,
        sealed() * 2,
        b"".join(b"ARC-Seal: i=%d; d=lists.example\r\n" % number for number in range(60)) + MAIL,
        sealed().replace(b"i=1;", b"i=1" + b" " * 5000 + b";"),
        b"From: a@b.example, c@d.example\r\n" + sealed(),
    ):
        assert verdict(raw) in (None, "none")


@pytest.mark.parametrize(
    ("trusted", "own", "arc", "expected"),
    [
        (True, "none", "pass", "pass"),
        (True, "none", "fail", "fail"),
        (True, "pass", "fail", "pass"),
        (False, "fail", "pass", "pass"),  # what a forwarder broke, its seal mends
        (False, "fail", "none", "fail"),
        (False, "none", "fail", "fail"),
    ],
)
def test_the_first_that_speaks_decides(trusted: bool, own: Any, arc: Any, expected: str):
    verdicts = Verdicts(own=Evidence(verdict=own, because="own"), arc=Evidence(verdict=arc, because="arc"))
    scene = a_scene(a_mail(sender=OLENA), arrival={"is_trusted": trusted, "verdicts": verdicts})
    assert find_evidence(scene)[0] == expected


def test_a_failure_in_the_header_outweighs_a_seal():
    verdicts = Verdicts(arc=Evidence(verdict="pass", because="arc"))
    scene = a_scene(authenticated(a_mail(sender=OLENA), "fail"), arrival={"verdicts": verdicts})
    assert find_evidence(scene)[0] == "fail"


def test_what_was_proved_of_another_domain_than_we_read_is_nothing():
    own = Evidence(verdict="pass", because="dkim", domain="evil.example")
    scene = a_scene(a_mail(sender=OLENA), arrival={"verdicts": Verdicts(own=own)})
    assert find_evidence(scene)[0] == "none"
    scene = replace(scene, arrival=replace(scene.arrival, verdicts=Verdicts(own=replace(own, domain="shop.example"))))
    assert find_evidence(scene)[0] == "pass"

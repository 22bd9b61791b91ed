"""Our own verdict on strangers' mail (S2)."""

from collections.abc import Sequence
from typing import Any

import dkim
import pytest

from mailgate.intake.auth import StrangerCheck, from_domain, verdict_of
from mailgate.intake.dns import DnsTrouble, Resolve, within, zone

# made for this test
KEY = b"""-----BEGIN RSA PRIVATE KEY-----
MIICXQIBAAKBgQCtzvaCMgekxtMEWk65W/Tcc9ukAhoThARLjlQruaGh9Qk0C0Ci
RbWo0gscTf4K/GUAjxcz+nRYsiB1Hn6lSq+LbaeCiprbsffq1nlvDNUHc/lefulg
RbM/JQ66piy8oGpVCgEoi96GtVGL8AEN07lEhxGx7icRfX5DrsygUbrcuQIDAQAB
AoGBAIawwwFECf5cgbx2y1kDdO697fDcHB8RiE6Q/pNf6GzcugQV0EGwacVo+Gk3
223iB9d2C9Ig/baaW2LHffdTuFK55NAW8TYeuypf270AbFwtfX0hk4AV4VajFv4r
7GexYKTzy9vVoRsNA38WCzR7l3EuoN7vxZGMTB5bKPVnbk0tAkEA3+Szh0BjcjE+
Ia+gwnS5PM8l7mDytStTiYX0SqlZnBukF/7Gkj9dzToFEY3gQzeixd6fVtTSFw9Z
BUo6yBPpSwJBAMa7mwpDO2IpeeBGBLqVofeAyT8Ou6hYjkHl6OgVkV8wVGLzh53E
HU6091+uTqwsyJe1pef8AqvCV2Cwvh7L84sCQQDdHM0cTr+nn/AfboaSZJon7uAk
CsTHnTFUCOHY9mTUIgwt0mSjPEdUDe/BhV8sov5y8chlBasyMOsWqVdiDx//AkA9
9R9RA8TvxZ6JnUq8IQpt72jOj/lRcspnIRaLxK2dz6N/dg1B0nKQpzq4Sc+dPhkL
s0YWHSt4AQ7cxj1/vHYhAkBctvOz17+Ibx6f/7GBAPGULTmOCDOSbUHfasZjtPjl
xTjUE4YJ4js3wXxsu9SOi1sfetYcABv60QgghxsPRjMe
-----END RSA PRIVATE KEY-----
"""
PUBLIC = (
    b"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCtzvaCMgekxtMEWk65W/Tcc9ukAhoThARLjlQruaGh9Qk0C0CiRbWo0gscTf4K"
    b"/GUAjxcz+nRYsiB1Hn6lSq+LbaeCiprbsffq1nlvDNUHc/lefulgRbM/JQ66piy8oGpVCgEoi96GtVGL8AEN07lEhxGx7icRfX5D"
    b"rsygUbrcuQIDAQAB"
)
MAIL = b"From: Support <a@firma.example>\r\nTo: s@x.example\r\nSubject: hi\r\n\r\nhello\r\n"
RECORD = b"v=DKIM1; k=rsa; p=" + PUBLIC
DMARC = ("_dmarc.firma.example", "TXT")
RECORDS: dict[tuple[str, str], Sequence[Any]] = {
    ("s._domainkey.firma.example", "TXT"): [RECORD],
    ("s._domainkey.news.firma.example", "TXT"): [RECORD],
    ("s._domainkey.other.example", "TXT"): [RECORD],
    DMARC: [b"unrelated", b"v=DMARC1; p=none"],
    ("firma.example", "TXT"): [b"v=spf1 ip4:203.0.113.0/24 mx -all"],
    ("firma.example", "MX"): [(10, "mx.firma.example")],
    ("mx.firma.example", "A"): ["198.51.100.7"],
    ("mail.firma.example", "TXT"): [b"v=spf1 a -all"],
    ("mail.firma.example", "A"): ["203.0.113.9"],
    ("loop.example", "TXT"): [b"v=spf1 include:loop.example -all"],
}
OUTSIDE = "192.0.2.1"


def signed(domain: bytes = b"firma.example", mail: bytes = MAIL, **options: Any) -> bytes:
    return bytes(dkim.sign(mail, b"s", domain, KEY, include_headers=[b"from", b"subject"], **options)) + mail


def verdict(
    raw: bytes, peer: str = OUTSIDE, helo: str = "x", sender: str = "b@elsewhere.example", **changes: Any
) -> str:
    records = RECORDS | changes.pop("records", {})
    return verdict_of(raw, peer, helo, sender, changes.pop("resolve", zone(records)))[0]


def without_policy() -> dict[str, Any]:
    return {"records": {DMARC: []}}


def strictly() -> dict[str, Any]:
    return {"records": {DMARC: [b"v=DMARC1;p=reject; adkim=s; aspf=s"]}}


@pytest.mark.parametrize("changes", [{}, without_policy(), strictly()])
def test_a_signature_of_the_from_domain_is_pass(changes: dict[str, Any]):
    assert verdict(signed(), **changes) == "pass"


def test_a_signature_of_a_subdomain_is_pass_unless_the_policy_is_strict():
    assert verdict(signed(b"news.firma.example")) == "pass"
    assert verdict(signed(b"news.firma.example"), **strictly()) == "fail"


def test_a_signature_of_another_domain_is_none_of_ours():
    assert verdict(signed(b"other.example")) == "fail"
    assert verdict(signed(b"other.example"), **without_policy()) == "none"


def test_the_right_signature_may_stand_behind_another():
    assert verdict(signed(b"other.example", signed())) == "pass"


def test_a_mail_that_was_changed_is_fail_or_none():
    assert verdict(signed() + b"evil") == "fail"
    assert verdict(signed() + b"evil", **without_policy()) == "none"


def test_a_signature_of_a_part_of_the_body_is_not_believed():
    assert verdict(signed(length=True)) == "fail"
    assert verdict(signed(length=True) + b"evil") == "fail"


def test_only_so_many_signatures_are_looked_at():
    junk = b"DKIM-Signature: v=1; a=rsa-sha256; d=firma.example; s=s; h=from; bh=YQ==; b=YQ==\r\n"
    assert verdict(junk * 200 + signed()) == "fail"


@pytest.mark.parametrize(
    ("peer", "helo", "sender", "expected"),
    [
        ("203.0.113.5", "x", "bounce@firma.example", "pass"),
        ("198.51.100.7", "x", "bounce@firma.example", "pass"),
        ("203.0.113.9", "x", "bounce@mail.firma.example", "pass"),
        ("203.0.113.9", "mail.firma.example", "", "pass"),
        (OUTSIDE, "x", "bounce@firma.example", "fail"),
        (OUTSIDE, "x", "bounce@loop.example", "fail"),
        (OUTSIDE, "x", "бухгалтер@firma.example", "fail"),
        ("2001:db8::1", "x", "bounce@firma.example", "fail"),
        ("unix", "x", "bounce@firma.example", "fail"),
        ("203.0.113.5", "x", "no-domain", "fail"),
    ],
)
def test_spf_speaks_for_the_envelope_sender_or_for_helo(peer: str, helo: str, sender: str, expected: str):
    assert verdict(MAIL, peer, helo, sender) == expected


def test_spf_of_a_subdomain_does_not_do_where_the_policy_is_strict():
    assert verdict(MAIL, "203.0.113.9", "x", "b@mail.firma.example", **strictly()) == "fail"


def test_the_policy_of_the_organization_holds_for_its_subdomains():
    mail = MAIL.replace(b"a@firma.example", b"a@deep.sub.firma.example")
    assert verdict(mail) == "fail"
    assert verdict(mail, "203.0.113.5", "x", "b@firma.example") == "pass"


@pytest.mark.parametrize(
    "records",
    [[], [b"v=DMARC1"], [b"v=DMARC1; p=what"], [b"v=DMARC1; p=none", b"v=DMARC1; p=reject"], [b"v=DMARC2; p=x"]],
)
def test_without_one_sound_policy_there_is_no_fail(records: list[bytes]):
    assert verdict(MAIL, records={DMARC: records}) == "none"


@pytest.mark.parametrize("failing", ["_dmarc.firma.example", "s._domainkey.firma.example", "elsewhere.example"])
def test_trouble_of_dns_is_none_and_never_fail(failing: str):
    known = zone(RECORDS)

    def resolve(name: str, type_: str) -> Sequence[Any]:
        if name == failing:
            raise DnsTrouble("time-out")
        return known(name, type_)

    assert verdict(signed() + b"evil", resolve=resolve) == "none"


def test_a_pass_needs_no_more_of_dns_than_it_needs():
    known = zone(RECORDS)

    def resolve(name: str, type_: str) -> Sequence[Any]:
        if name.startswith("_dmarc"):
            raise DnsTrouble("time-out")
        return known(name, type_)

    assert verdict(signed(), resolve=resolve) == "pass"


@pytest.mark.parametrize(
    ("header", "domain"),
    [
        (b"From: a@b.example", "b.example"),
        (b"from : A <a@B.Example>", "b.example"),
        (b'From: "Name, with <x@evil.example>" <a@b.example>', "b.example"),
        (b"From: =?utf-8?q?=D0=A2?=\r\n <a@b.example>", "b.example"),
        (b"From: \xd0\xa2\xd0\xb5 <a@b.example>", "b.example"),
        (b"From: a@b.example, c@d.example", None),
        (b"From: <x@evil.example> <a@b.example>", None),
        (b"From: a@b.example\r\nFrom: c@d.example", None),
        (b"From: a@b.example (c@d.example)", None),
        (b"From: group: a@b.example;", None),
        (b"From: a@b.example\rFrom: c@d.example", None),
        (b"From: a@b.example>", None),
        (b"From: <a@b.example", None),
        (b"From:", None),
        (b"Subject: x", None),
        (b"From: " + b"(" * 200_000, None),
        (b"From: " + b'"' * 200_000, None),
        (b"From: " + b"a" * 200_000, None),
        (b"From: " + b" " * 200_000 + b"x", None),
        (b"From:" + b"\r\n " * 60_000, None),
    ],
)
@pytest.mark.timeout(10)
def test_the_from_domain_is_that_of_one_plain_address(header: bytes, domain: str | None):
    assert from_domain(header + b"\r\n\r\nFrom: body@c.example\r\n") == domain


@pytest.mark.parametrize("raw", [b"", b"\r\n\r\n", b"\0" * 1000, b"From: a@firma.example", b"broken\r\n" + MAIL])
def test_whatever_is_sent_gets_a_verdict(raw: bytes):
    assert verdict(raw) in ("none", "fail")


def test_there_is_an_end_to_asking():
    now = 0.0

    def slow(name: str, type_: str) -> Sequence[Any]:
        nonlocal now
        now += 3
        return []

    resolve: Resolve = within(slow, 8, lambda: now)
    for number in range(3):
        assert resolve(f"{number}.example", "TXT") == []
    assert resolve("0.example", "TXT") == []
    with pytest.raises(DnsTrouble):
        resolve("3.example", "TXT")


async def test_the_door_asks_beside_its_loop():
    assert (await StrangerCheck(zone(RECORDS))(signed(), OUTSIDE, "x", "a@b.example")).verdict == "pass"

"""Our own verdict on a mail (S2): what a stranger's proves, and what one proves behind our own mail server."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dkim
import pytest

from mailgate.model.verdicts import Evidence
from mailgate.verdicts.dns import DnsTrouble, Resolve, within, zone
from mailgate.verdicts.own import Client, check, from_domain
from tests.verdicts.keys import ED_KEY, ED_PUBLIC, KEY, RECORD, SHORT_KEY, SHORT_PUBLIC

MAIL = b"From: Support <a@firma.example>\r\nTo: s@x.example\r\nSubject: hi\r\n\r\nhello\r\n"
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
    client = Client(peer=peer, helo=helo, sender=sender)
    return check(raw, datetime.now(UTC), changes.pop("resolve", zone(records)), client=client).verdict


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


# behind our own mail server: no peer, DKIM alone, and nothing fails


def inside(
    raw: bytes, at: datetime | None = None, records: dict[tuple[str, str], Sequence[Any]] | None = None
) -> Evidence:
    return check(raw, at or datetime.now(UTC), zone(RECORDS | (records or {})))


def test_behind_our_server_a_signature_is_pass_and_nothing_is_fail():
    assert inside(signed()).verdict == "pass"
    assert inside(signed() + b"evil").verdict == "none"
    assert inside(MAIL).verdict == "none"
    assert inside(signed(b"other.example")).verdict == "none"
    assert inside(signed(b"news.firma.example")).verdict == "pass"
    assert inside(signed(b"news.firma.example"), records=strictly()["records"]).verdict == "none"


@pytest.mark.parametrize("place", range(0, len(MAIL), 3))
def test_one_byte_changed_is_no_evidence(place: int):
    raw = signed()
    at = len(raw) - len(MAIL) + place
    if MAIL[place : place + 1].isspace() or place < MAIL.index(b"\r\n\r\n") and not MAIL[place:].startswith(b"hi"):
        return
    changed = raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]
    assert inside(changed).verdict == "none"


def test_ed25519_is_pass_too():
    records = {("e._domainkey.firma.example", "TXT"): [b"v=DKIM1; k=ed25519; p=" + ED_PUBLIC]}
    signature = dkim.sign(
        MAIL,
        b"e",
        b"firma.example",
        ED_KEY,
        signature_algorithm=b"ed25519-sha256",
        include_headers=[b"from", b"subject"],
    )
    assert inside(bytes(signature) + MAIL, records=records).verdict == "pass"
    assert inside(bytes(signature) + MAIL.replace(b"hello", b"hallo"), records=records).verdict == "none"


@pytest.mark.parametrize(
    ("change", "because"),
    [
        ({"mail": signed().replace(b"a=rsa-sha256", b"a=rsa-sha1")}, "SHA-256"),
        ({"mail": signed(length=True)}, "l="),
        ({"mail": bytes(dkim.sign(MAIL, b"s", b"firma.example", KEY, include_headers=[b"from"])) + MAIL}, "subject"),
        ({"mail": b"Subject: another\r\n" + signed()}, "several subject"),
        ({"mail": signed(), "at": datetime.now(UTC) + timedelta(days=15)}, "older than 14 days"),
        ({"mail": signed(), "at": datetime.now(UTC) - timedelta(days=1)}, "of the future"),
        ({"mail": signed().replace(b" t=", b" t=1; x=2; z=")}, "has expired"),
        ({"mail": signed(), "records": {("s._domainkey.firma.example", "TXT"): []}}, "does not hold"),
        ({"mail": signed(), "records": {("s._domainkey.firma.example", "TXT"): [b"v=DKIM1; p="]}}, "does not hold"),
        (
            {"mail": signed(), "records": {("s._domainkey.firma.example", "TXT"): [b"p=" + b"A" * 9000]}},
            "does not hold",
        ),
    ],
)
def test_a_signature_that_says_nothing_is_named_with_the_reason(change: dict[str, Any], because: str):
    found = inside(change["mail"], change.get("at"), change.get("records"))
    assert (found.verdict, because in found.because) == ("none", True), found.because


def test_a_key_of_less_than_1024_bits_is_no_key():
    records = {("s._domainkey.firma.example", "TXT"): [b"v=DKIM1; p=" + SHORT_PUBLIC]}
    raw = bytes(dkim.sign(MAIL, b"s", b"firma.example", SHORT_KEY, include_headers=[b"from", b"subject"])) + MAIL
    assert inside(raw, records=records).verdict == "none"


def test_a_signature_without_a_time_is_as_old_as_the_date_it_covers():
    dated = b"Date: Mon, 2 Mar 2026 10:00:00 +0000\r\n" + MAIL
    with_date = [b"from", b"subject", b"date"]
    raw = untimed(dated, with_date)
    assert inside(raw, datetime(2026, 3, 3, tzinfo=UTC)).verdict == "pass"
    assert "older" in inside(raw, datetime(2026, 4, 3, tzinfo=UTC)).because
    assert "when it was made" in inside(untimed(dated, [b"from", b"subject"]), datetime(2026, 3, 3, tzinfo=UTC)).because


def untimed(mail: bytes, headers: list[bytes]) -> bytes:
    """Sign without t=, which dkimpy always writes."""
    signer = dkim.DKIM(mail)
    make = signer.gen_header

    def without(fields: list[tuple[bytes, bytes]], *rest: Any, **more: Any) -> Any:
        return make([one for one in fields if one[0] != b"t"], *rest, **more)

    signer.gen_header = without
    return bytes(signer.sign(b"s", b"firma.example", KEY, include_headers=headers)) + mail


def test_trouble_of_dns_is_unsure_and_a_key_that_is_not_there_is_not():
    def dead(name: str, type_: str) -> Sequence[Any]:
        raise DnsTrouble(f"{name}: no answer")

    unsure = check(signed(), datetime.now(UTC), dead)
    assert (unsure.verdict, unsure.is_unsure) == ("none", True)
    assert not inside(signed(), records={("s._domainkey.firma.example", "TXT"): []}).is_unsure
    assert not check(MAIL, datetime.now(UTC), dead).is_unsure  # nothing was asked


@pytest.mark.timeout(20)
@pytest.mark.parametrize("canonical", [(b"relaxed", b"relaxed"), (b"simple", b"simple")])
def test_a_hostile_body_costs_no_more_than_its_length(canonical: tuple[bytes, bytes]):
    mail = MAIL + (b" " * 500_000 + b"x") * 4 + b"\r\n" * 200_000
    assert inside(signed(mail=mail.replace(b" " * 500_000, b" "), canonicalize=canonical)).verdict == "pass"
    start = signed(mail=MAIL, canonicalize=canonical)
    assert inside(start + mail[len(MAIL) :]).verdict == "none"


@pytest.mark.timeout(20)
def test_a_hostile_signature_is_not_read():
    blanks = (
        b"DKIM-Signature: v=1; a=rsa-sha256; d=firma.example; s=s; t=1; h=from"
        + b" \t" * 100_000
        + b"x; bh=YQ==; b=YQ==\r\n"
    )
    assert inside(blanks + signed()).verdict == "pass"

"""What all doors share: whose an address is, who is trusted."""

import pytest

from mailgate.intake.door import Recipients
from mailgate.intake.gate import TrustedPeers

OURS = Recipients({"a": ["support@bücher.example", "Bill@A.example"], "b": ["support@b.example"]}, "mx.example")


@pytest.mark.parametrize(
    ("address", "desk"),
    [
        ("support@bücher.example", "a"),
        ("support@xn--bcher-kva.example", "a"),
        ("bill+a+b@a.example", "a"),
        ("SUPPORT@B.EXAMPLE", "b"),
        ("postmaster", "a"),
        ("postmaster@b.example", "b"),
        ("postmaster+x@mx.example", "a"),
        ("postmaster@elsewhere.example", None),
        ("bill@b.example", None),
        ("", None),
        ("@", None),
        ("+@a.example", None),
        ("a@" + "ü" * 300, None),
    ],
)
def test_an_address_belongs_to_a_desk_or_to_none(address: str, desk: str | None):
    assert OURS.desk_of(address) == desk


def test_addresses_are_sorted_by_desk_in_their_order_each_once():
    addresses = ["support@b.example", "BILL@a.example", "x@y.example", "bill@A.example", "postmaster"]
    assert OURS.by_desk(addresses) == {"b": ("support@b.example",), "a": ("bill@a.example", "postmaster")}


@pytest.mark.parametrize(
    ("names", "peer", "trusted"),
    [
        (("127.0.0.0/8",), "127.9.9.9", True),
        (("127.0.0.0/8",), "128.0.0.1", False),
        (("::1/128", "unix"), "::1", True),
        (("::1/128", "unix"), "unix", True),
        (("::1/128",), "unix", False),
        (("192.0.2.7",), "192.0.2.7", True),
        (("192.0.2.7/24",), "192.0.2.200", True),
        ((), "127.0.0.1", False),
        (("0.0.0.0/0",), "fe80::1", False),
        (("0.0.0.0/0",), "nonsense", False),
    ],
)
def test_trust_is_by_network(names: tuple[str, ...], peer: str, trusted: bool):
    assert TrustedPeers(names).has(peer) is trusted

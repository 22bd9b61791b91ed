"""DKIM signatures of what leaves."""

import dkim
import pytest

from mailgate.errors import ConfigError
from mailgate.model.settings import RelaySettings
from mailgate.outbox.sign import signer
from tests.verdicts.keys import KEY, RECORD

LETTER = b"From: Support <s@firma.example>\r\nTo: o@b.example\r\nSubject: [x #1] hi\r\n\r\nhello\r\n"
SETTINGS = RelaySettings(url="", dkim_domain="firma.example", dkim_selector="s", dkim_key=KEY.decode())


def holds(raw: bytes) -> bool:
    return bool(dkim.verify(raw, dnsfunc=lambda name, timeout=5: RECORD))


def test_a_letter_is_signed_and_what_is_put_into_it_breaks_the_signature():
    signed = signer(SETTINGS)(LETTER)
    assert signed.endswith(LETTER)
    assert holds(signed)
    assert not holds(signed + b"more")
    assert not holds(b"From: evil@x.example\r\n" + signed)
    assert not holds(b"Reply-To: evil@x.example\r\n" + signed)


def test_without_a_domain_nothing_is_signed():
    assert signer(RelaySettings(url=""))(LETTER) == LETTER


def test_a_key_that_is_none_is_a_matter_of_configuration():
    with pytest.raises(ConfigError, match="dkim_key"):
        signer(RelaySettings(url="", dkim_domain="firma.example", dkim_selector="s", dkim_key="nonsense"))

"""DKIM signatures for relays that make none (RFC 6376)."""

from collections.abc import Callable

import dkim

from mailgate.errors import ConfigError
from mailgate.model.settings import RelaySettings

_SIGNED = (
    b"from", b"to", b"cc", b"subject", b"date", b"message-id", b"reply-to", b"in-reply-to", b"references",
    b"auto-submitted", b"mime-version", b"content-type", b"content-transfer-encoding",
)  # fmt: skip
# signed once more than they are there, so that nobody can put another in front
_SEALED = (b"from", b"to", b"subject", b"date", b"reply-to")


def signer(settings: RelaySettings) -> Callable[[bytes], bytes]:
    """Return what signs a letter; without `dkim_domain` it changes nothing. ConfigError for a key that is none."""
    if not settings.dkim_domain:
        return bytes
    domain, selector, key = (
        value.encode() for value in (settings.dkim_domain, settings.dkim_selector, settings.dkim_key)
    )

    def sign(raw: bytes) -> bytes:
        message = dkim.DKIM(raw)
        there = [name.lower() for name, _ in message.headers if name.lower() in _SIGNED]
        signature = message.sign(
            selector, domain, key, canonicalize=(b"relaxed", b"relaxed"), include_headers=[*there, *_SEALED]
        )
        return bytes(signature) + raw

    try:
        sign(b"From: a@b.example\r\n\r\n")
    except Exception as error:  # whatever dkimpy makes of it: it cannot be used
        raise ConfigError([f"relay.dkim_key: no RSA key in PEM form can be read ({error})"]) from error
    return sign

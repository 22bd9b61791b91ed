"""The relay that the configuration names."""

from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from mailgate.errors import ConfigError
from mailgate.model.settings import RelaySettings
from mailgate.outbox.maildir import MaildirRelay
from mailgate.outbox.relay import Relay
from mailgate.outbox.smtp import SmtpAddress, SmtpRelay, Tls

_TLS: tuple[Tls, ...] = ("required", "opportunistic", "off")
_ALLOWED = "smtp://host:port, smtps://user@host, maildir:PATH"


def open_relay(settings: RelaySettings, local_name: str = "localhost") -> Relay:
    """Return the way out at `settings.url`: `smtp://`, `smtps://`, `maildir:PATH`; connects to nothing yet.

    `smtp://host?tls=required|opportunistic|off`: with a password it is required, unless said otherwise.
    """
    parts = urlsplit(settings.url)
    if parts.scheme == "maildir" and parts.path:
        return MaildirRelay(Path(unquote(parts.path)))
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError([f"relay.url: {settings.url!r} has no port that can be (allowed: {_ALLOWED})"]) from error
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError([f"relay.url: {settings.url!r} is no way out (allowed: {_ALLOWED})"])
    address = SmtpAddress(
        host=parts.hostname,
        port=port or (465 if parts.scheme == "smtps" else 25),
        tls="implicit" if parts.scheme == "smtps" else _tls_of(settings),
        user=unquote(parts.username or ""),
        password=settings.password or unquote(parts.password or ""),
        local_name=local_name,
    )
    return SmtpRelay(address)


def _tls_of(settings: RelaySettings) -> Tls:
    parts = urlsplit(settings.url)
    named = parse_qs(parts.query).get("tls", [""])[-1]
    for known in _TLS:
        if named == known:
            return known
    if named:
        raise ConfigError([f"relay.url: tls={named} is not known (allowed: {', '.join(_TLS)})"])
    return "required" if settings.password or parts.password else "opportunistic"

"""Trying the way out without sending anything."""

import asyncio
import os
import ssl
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aiosmtplib import SMTP, SMTPException

from mailgate.errors import Refused
from mailgate.model.settings import RelaySettings


async def try_relay(settings: RelaySettings, local_name: str, seconds: float) -> str:
    """Connect as letters would, sign in, and leave; return what can be said of it. Refused: why it does not work."""
    parts = urlsplit(settings.url)
    if parts.scheme == "maildir":
        return _try_folder(Path(unquote(parts.path)))
    is_tls = parts.scheme == "smtps"
    password = settings.password or unquote(parts.password or "")
    client = SMTP(
        hostname=parts.hostname, port=parts.port or (465 if is_tls else 25), use_tls=is_tls,
        username=unquote(parts.username or "") or None, password=password or None, local_hostname=local_name,
        start_tls=False if is_tls else (True if password else None), timeout=seconds,
        tls_context=ssl.create_default_context() if is_tls or password else _any_certificate(),
    )  # fmt: skip
    try:
        await asyncio.wait_for(client.connect(), seconds)
        await client.noop()
        return f"{parts.hostname} takes mail{' over TLS' if client.get_transport_info('ssl_object') else ''}"
    except (SMTPException, OSError, TimeoutError) as error:
        raise Refused(f"{parts.hostname}: {' '.join(str(error).split())[:200] or type(error).__name__}") from error
    finally:
        with suppress(SMTPException, OSError, TimeoutError):
            await asyncio.wait_for(client.quit(), 2)
        client.close()


def _any_certificate() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # RFC 7435: as letters do without a password
    return context


def _try_folder(folder: Path) -> str:
    where = folder
    while not where.exists() and where != where.parent:
        where = where.parent
    if not os.access(where, os.W_OK):
        raise Refused(f"{where} cannot be written")
    return f"letters go into {folder}"

"""An IMAP account's address, and the spelling of what goes over the line (RFC 3501, 5.1.3; RFC 9051)."""

import base64
import re
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import unquote, urlsplit

from mailgate.errors import ConfigError
from mailgate.model.settings import ImapSettings

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_ATOM = re.compile(r"[A-Za-z0-9!#$&'+,\-./:;<=>?@^_`|~]+\Z")
_SHIFTED = re.compile(r"[^\x20-\x7e]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class ImapPlace:
    """A folder of an account, and what is done with a mail that was taken from it."""

    host: str
    port: int
    user: str
    folder: str
    is_encrypted: bool
    after: Literal["seen", "delete", "move"]
    target: str = ""  # of move
    password: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        """Return what the place is called in the ledger, in logs and in alarms."""
        return f"{self.user}@{self.host}:{self.port}/{self.folder}"


def place_of(settings: ImapSettings) -> ImapPlace:
    """Return what `imaps://user@host:993/FOLDER` means; ConfigError where a password would go about in clear."""
    parts = urlsplit(settings.url)
    is_encrypted, host = parts.scheme == "imaps", parts.hostname or ""
    if not is_encrypted and host not in _LOOPBACK:
        raise ConfigError([f"imap.url: imap://{host} would send the password in clear (allowed: imaps, or loopback)"])
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    verb, _, target = settings.after.partition(":")
    return ImapPlace(
        host=host,
        port=parts.port or (993 if is_encrypted else 143),
        user=unquote(user),
        folder=unquote(parts.path.strip("/")) or "INBOX",
        is_encrypted=is_encrypted,
        after="move" if verb == "move" else "delete" if verb == "delete" else "seen",
        target=target,
        password=settings.password or unquote(password),
    )


def folder_name(name: str) -> str:
    """Return a folder's name as a command takes it: modified UTF-7, quoted only where it must be."""
    return astring(modified_utf7(name))


def astring(text: str) -> str:
    """Return `text` as an atom or a quoted string."""
    if _ATOM.match(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def modified_utf7(name: str) -> str:
    """Return `name` in IMAP's own UTF-7: Обращения is &BB4EMQRABDAESQQ1BD0EOARP-."""
    return _SHIFTED.sub(_shifted, name.replace("&", "&-"))


def _shifted(found: re.Match[str]) -> str:
    packed = base64.b64encode(found[0].encode("utf-16-be")).decode("ascii")
    return f"&{packed.rstrip('=').replace('/', ',')}-"

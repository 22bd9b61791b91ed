"""The sections of mailgate.toml that are not a desk's: doors, relay, worker, IMAP accounts, places and secrets."""

import os
import re
import secrets
import socket
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mailgate.config import kinds
from mailgate.config.reading import Section
from mailgate.model.settings import (
    ImapSettings,
    JunkSettings,
    ProbeSettings,
    RelaySettings,
    Retention,
    SmtpSettings,
    WorkerSettings,
)

_DATABASE = kinds.text_of(
    '"sqlite:///FILE" (four slashes before an absolute path) or "postgresql://user@host/name"',
    lambda text: re.match(r"sqlite:///.|postgresql(\+psycopg)?://.", text) is not None,
)
_BLOBS = kinds.text_of(
    '"file:///FOLDER" or "s3://bucket/prefix"',
    lambda text: re.match(r"file:.*[^/]|s3://[^/]", text) is not None,
)
_RELAY = kinds.text_of(
    '"smtp://host:port", "smtps://user@host" or "maildir:FOLDER"',
    lambda text: re.match(r"(smtps?://[^/\s]+$|maildir:.)", text) is not None and _has_port(text),
)
_THROUGH = kinds.text_of(
    '"smtp://host:port"', lambda text: re.match(r"smtps?://[^/\s]+$", text) is not None and _has_port(text)
)
_RSPAMD = kinds.text_of('"http://host:port", or empty', lambda text: not text or kinds.is_web_url(text))
_CLAMD = kinds.text_of(
    '"unix:/run/clamav/clamd.ctl" or "host:port", or empty',
    lambda text: re.match(r"unix:.|[^/\s]+:\d{1,5}\Z|\Z", text) is not None,
)
_IMAP = kinds.text_of(
    '"imaps://user@host:993/INBOX"',
    lambda text: re.match(r"imaps?://[^/\s]+@[^/\s@]+(/.*)?$", text) is not None and _has_port(text),
)
_AFTER = kinds.text_of(
    '"seen", "delete" or "move:FOLDER"', lambda text: text in {"seen", "delete"} or re.match("move:.", text) is not None
)
_OAUTH_KEYS = ("token_url", "client_id", "scope")
_SECONDS = kinds.whole(1, 86400)


@dataclass(frozen=True, kw_only=True, slots=True)
class Places:
    """Where relative paths begin (`folder`), where data lies if nobody says (`state`), where systemd put secrets."""

    folder: Path
    state: Path
    credentials: Path | None


def places_of(file: Path, environ: Mapping[str, str]) -> Places:
    """Return the places for a configuration `file`; data of a service lies in systemd's StateDirectory."""
    home = environ.get("HOME")
    shared = environ.get("XDG_STATE_HOME") or (os.path.join(home, ".local", "state") if home else "/var/lib")
    state = environ.get("STATE_DIRECTORY", "").partition(":")[0] or os.path.join(shared, "mailgate")
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    return Places(
        folder=file.absolute().parent,
        state=Path(state).absolute(),
        credentials=Path(credentials) if credentials else None,
    )


def read_database(section: Section, places: Places) -> str:
    """Return the database's URL with an absolute path: sqlite:////var/lib/mailgate/mailgate.db."""
    url = section.take("url", _DATABASE, f"sqlite:///{places.state}/mailgate.db")
    section.finish()
    if not url.startswith("sqlite:///"):
        return url
    return f"sqlite:///{_base(section, 'url', places) / url.removeprefix('sqlite:///')}"


def read_blobs(section: Section, places: Places) -> str:
    """Return the blob store's URL with an absolute path: file:///var/lib/mailgate/blobs."""
    url = section.take("url", _BLOBS, f"file://{places.state}/blobs")
    section.finish()
    if not url.startswith("file:"):
        return url
    folder = re.sub(r"^/{2,}", "/", url.removeprefix("file:"))  # file:///a, and file:////a as some write it
    return f"file://{_base(section, 'url', places) / folder}"


def read_folders(section: Section, key: str, places: Places) -> tuple[str, ...]:
    """Return absolute paths of folders that must exist."""
    folders = [_base(section, key, places) / name for name in section.take(key, kinds.list_of(kinds.TEXT), ())]
    for folder in folders:
        if not folder.is_dir():
            section.wrong(key, str(folder), "a list of folders that exist")
    return tuple(map(str, folders))


def read_smtp(section: Section, lmtp: Section, places: Places) -> SmtpSettings:
    """Return what the SMTP and LMTP doors need."""
    default = SmtpSettings()
    certificate = _file(section, "tls_cert", places)
    key = _file(section, "tls_key", places)
    if bool(certificate) != bool(key):
        section.complain("tls_key" if certificate else "tls_cert", "is missing: a certificate and its key go together")
    settings = SmtpSettings(
        listen=section.take("listen", kinds.LISTEN, default.listen),
        lmtp_listen=_socket(lmtp, places),
        hostname=section.take("hostname", kinds.TEXT, socket.gethostname() or "localhost"),
        size_limit=section.take("size_limit", kinds.SIZE, default.size_limit),
        max_connections=section.take("max_connections", kinds.whole(1, 100_000), default.max_connections),
        max_per_peer=section.take("max_per_peer", kinds.whole(1, 100_000), default.max_per_peer),
        idle_seconds=section.take("idle_seconds", _SECONDS, default.idle_seconds),
        tls_cert=certificate,
        tls_key=key,
        trusted_peers=section.take("trusted_peers", kinds.list_of(kinds.PEER), default.trusted_peers),
        check_strangers=section.take("check_strangers", kinds.FLAG, default.check_strangers),
    )
    section.finish()
    lmtp.finish()
    return settings


def read_relay(section: Section, places: Places) -> RelaySettings:
    """Return where and how mail leaves."""
    url = section.take("url", _RELAY, f"maildir:{places.state}/outgoing")
    if url.startswith("maildir:"):
        url = f"maildir:{_base(section, 'url', places) / url.removeprefix('maildir:')}"
    default = RelaySettings(url=url)
    settings = RelaySettings(
        url=url,
        password=read_secret(section, "password", places, credential="relay_password"),
        hold_seconds=section.take("hold_seconds", kinds.whole(0, 3600), default.hold_seconds),
        give_up_seconds=section.take("give_up_seconds", kinds.whole(60, 30 * 86400), default.give_up_seconds),
        connections=section.take("connections", kinds.whole(1, 1000), default.connections),
        dkim_domain=section.take("dkim_domain", kinds.ANY_TEXT, ""),
        dkim_selector=section.take("dkim_selector", kinds.ANY_TEXT, ""),
        dkim_key=read_secret(section, "dkim_key", places, credential="dkim_key"),
    )
    section.finish()
    if settings.dkim_domain and not (settings.dkim_selector and settings.dkim_key):
        section.complain("dkim_domain", "is set: dkim_selector and dkim_key_file are needed with it")
    return settings


def read_worker(section: Section) -> WorkerSettings:
    """Return the worker processes and the limits of a mail (M4)."""
    default = WorkerSettings()
    settings = WorkerSettings(
        processes=section.take("processes", kinds.whole(1, 256), min(2, os.cpu_count() or 1)),
        mail_seconds=section.take("mail_seconds", kinds.whole(1, 3600), default.mail_seconds),
        mail_memory_mb=section.take("mail_memory_mb", kinds.whole(64, 1 << 20), default.mail_memory_mb),
        header_bytes=section.take("header_bytes", kinds.SIZE, default.header_bytes),
        header_lines=section.take("header_lines", kinds.whole(10, 1_000_000), default.header_lines),
        max_parts=section.take("max_parts", kinds.whole(1, 100_000), default.max_parts),
        max_depth=section.take("max_depth", kinds.whole(1, 1000), default.max_depth),
    )
    section.finish()
    return settings


def read_junk(section: Section, places: Places) -> JunkSettings:
    """Return whom the house asks about junk and malice (M9)."""
    default = JunkSettings()
    clamd = section.take("clamd", _CLAMD, "")
    if clamd.startswith("unix:"):
        clamd = f"unix:{_base(section, 'clamd', places) / clamd.removeprefix('unix:')}"
    settings = JunkSettings(
        headers=section.take("headers", kinds.FLAG, default.headers),
        rspamd=section.take("rspamd", _RSPAMD, "").rstrip("/"),
        clamd=clamd,
        seconds=section.take("seconds", kinds.whole(1, 60), default.seconds),
    )
    section.finish()
    return settings


def read_probe(section: Section, relay: RelaySettings, mailboxes: Collection[str]) -> ProbeSettings | None:
    """Return how the house sends test mails to itself, or None where the table is not there."""
    if not section.is_given():
        return None
    to = section.take("to", kinds.ADDRESS, "", required=True)
    from_ = section.take("from", kinds.ADDRESS, to)
    default = ProbeSettings(to=to, from_=from_, through="")
    settings = ProbeSettings(
        to=to,
        from_=from_,
        through=section.take("through", _THROUGH, "", required=True),
        every_seconds=section.take("every", kinds.DURATION, default.every_seconds),
        within_seconds=section.take("within", kinds.DURATION, default.within_seconds),
        failures=section.take("failures", kinds.whole(1, 100), default.failures),
        # into a folder a letter goes, and nobody brings it back
        comes_back=section.take("comes_back", kinds.FLAG, from_ in mailboxes and not relay.url.startswith("maildir:")),
    )
    section.finish()
    if to and to not in mailboxes:
        section.wrong("to", to, f"a mailbox of a desk: {', '.join(mailboxes)}")
    if settings.comes_back and from_ not in mailboxes:
        section.wrong("comes_back", True, "true only where from is a mailbox of a desk")
    if settings.within_seconds >= settings.every_seconds:
        section.complain("within", "must be shorter than every: one test mail has ended before the next is sent")
    return settings


def read_retention(section: Section) -> Retention:
    """Return how long what is done with is kept; what is left out stays open."""
    names = {"raw_mail": "raw_mail_seconds", "people": "people_seconds", "parked": "parked_seconds",
             "letters": "letters_seconds"}  # fmt: skip
    found = {field: section.take(key, kinds.KEPT, 0) if section.has(key) else None for key, field in names.items()}
    for key in names:
        section.skip(key)
    section.finish()
    return Retention(**found)


def read_imap(section: Section, places: Places) -> ImapSettings:
    """Return one IMAP account (I3)."""
    url = section.take("url", _IMAP, "imaps://user@host", required=True)
    oauth = section.sub("oauth")
    tokens = _read_oauth(oauth, places) if oauth.is_given() else {}
    password = read_secret(section, "password", places)
    if not (password or tokens or urlsplit(url).password):
        section.complain("password_file", "is missing: an account needs password_file or the table oauth")
    settings = ImapSettings(
        url=url,
        mailbox=section.take("mailbox", kinds.ADDRESS, "", required=True),
        after=section.take("after", _AFTER, "seen"),
        password=password,
        oauth=tokens,
        poll_seconds=section.take("poll_seconds", _SECONDS, 60),
    )
    section.finish()
    return settings


def read_secret(section: Section, key: str, places: Places, *, credential: str = "") -> str:
    """Return a secret: `key` itself, else the contents of the file `key`_file, else systemd's `credential`.

    The environment stands above the file. Both at one place are a complaint.
    """
    file_key = f"{key}_file"
    both = section.has(key) and section.has(file_key)
    if both and section.is_environ(key) == section.is_environ(file_key):
        section.complain(key, f"and {file_key} are both given; one is enough")
    value = section.take(key, kinds.ANY_TEXT, "", secret=True)
    name = section.take(file_key, kinds.TEXT, "")
    if name and not (value and (not both or section.is_environ(key))):
        return _secret_of_file(section, file_key, name, places)
    if not value and credential and places.credentials and (places.credentials / credential).is_file():
        section.note(key, "given", str(places.credentials / credential), is_secret=True)
        return _contents(places.credentials / credential)
    return value


def kept_secret(section: Section, places: Places) -> str:
    """Return the installation's own secret, made on first use beside its data and kept there for its owner alone."""
    file = places.state / "secret"
    try:
        places.state.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_secret(file)
    except FileExistsError:
        pass
    except OSError as error:
        section.complain("secret", f"is missing, and none can be kept in {file}: {error.strerror}; name a secret_file")
        return ""
    section.note("secret", "kept", str(file), is_secret=True)
    return _secret_of_file(section, "secret", str(file), places)


def write_secret(file: Path) -> None:
    """Write a fresh secret into a new `file` that only its owner may read; FileExistsError where there is one."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with open(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
        os.link(draft, file)  # all of it or nothing, and never over another process's
    finally:
        draft.unlink()


def _secret_of_file(section: Section, key: str, name: str, places: Places) -> str:
    file = _found(_base(section, key, places) / name, places)
    try:
        contents = _contents(file)
    except OSError as error:
        section.wrong(key, name, "a file that mailgate can read", error.strerror or "it cannot be read")
        return ""
    if not contents:
        section.wrong(key, name, "a file with a secret in it", "it is empty")
    return contents


def _contents(file: Path) -> str:
    return file.read_text(encoding="utf-8", errors="surrogateescape").strip()


def _read_oauth(section: Section, places: Places) -> dict[str, str]:
    found = {key: section.take(key, kinds.TEXT, "", required=key != "scope") for key in _OAUTH_KEYS}
    for key in ("client_secret", "refresh_token"):
        found[key] = read_secret(section, key, places)
        file_key = f"{key}_file"
        if section.has(file_key):
            # providers hand out a new refresh token now and then: who uses it must know where it is kept
            found[file_key] = str(_base(section, file_key, places) / section.take(file_key, kinds.TEXT, ""))
    found["client_secret_expires"] = section.take("client_secret_expires", kinds.DATE, "")
    if not found["refresh_token"]:
        section.complain("refresh_token_file", "is missing; allowed is a file with the refresh token")
    section.finish()
    return {key: value for key, value in found.items() if value}


def _socket(lmtp: Section, places: Places) -> str:
    listen = lmtp.take("listen", kinds.LISTEN_LOCAL, "")
    if "/" in listen and ":" not in listen:
        return str(_base(lmtp, "listen", places) / listen)
    return listen


def _file(section: Section, key: str, places: Places) -> str:
    name = section.take(key, kinds.ANY_TEXT, "")
    if not name:
        return ""
    file = _found(_base(section, key, places) / name, places)
    if not os.access(file, os.R_OK):
        section.wrong(key, name, "a file that mailgate can read")
    return str(file)


def _found(file: Path, places: Places) -> Path:
    """Return `file`, or systemd's credential of that name where the file is not ours to read."""
    credential = places.credentials / file.name if places.credentials else None
    return credential if credential and credential.is_file() and not os.access(file, os.R_OK) else file


def _base(section: Section, key: str, places: Places) -> Path:
    """Return where a relative path in `key` begins: the file's folder, or here for the environment."""
    return Path.cwd() if section.is_environ(key) else places.folder


def _has_port(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme == "maildir" or (bool(unquote(parts.hostname or "")) and parts.port != 0)
    except ValueError:
        return False

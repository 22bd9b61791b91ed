"""A Dovecot of the test's own, on loopback, in a private folder; and a proxy that cuts what runs through it."""

import asyncio
import grp
import imaplib
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tests.certificates import make_certificate
from tests.conftest import find_server

PASSWORD = 'geheim"1\\x'
# Dovecot 2.3, as Debian 12 has it, and 2.4, as Debian 13 has it, speak two languages
_CONFIG_23 = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login_user}
mail_location = maildir:{folder}/mail/%u:LAYOUT=fs
mail_max_userip_connections = 200
first_valid_uid = 1
service imap-login {{
  chroot =
  client_limit = 1000
  vsz_limit = 0
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service imap {{
  process_limit = 300
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%u
}}
"""

_CONFIG_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
instance_name = {name}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_server_cert_file = {certificate}
ssl_server_key_file = {key}
auth_allow_cleartext = yes
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {login_user}
mail_driver = maildir
mail_path = {folder}/mail/%{{user}}
mailbox_list_layout = fs
mail_max_userip_connections = 200
first_valid_uid = 1
namespace inbox {{
  inbox = yes
}}
service imap-login {{
  chroot =
  client_limit = 1000
  vsz_limit = unlimited
  process_min_avail = 1
  restart_request_count = unlimited
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service imap {{
  process_limit = 300
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
oauth2 {{
  introspection_mode = get
  introspection_url = {token_url}/info?access_token=
  username_attribute = email
  active_attribute = active
  active_value = yes
}}
passdb oauth2 {{
  mechanisms_filter = xoauth2
}}
passdb static {{
  passdb_static_password = {quoted_password}
}}
userdb static {{
  fields {{
    uid = {uid}
    gid = {gid}
    home = {folder}/mail/%{{user}}
  }}
}}
"""


@dataclass
class Dovecot:
    """A running server; every test has a user of its own."""

    folder: Path
    port: int
    tls_port: int
    certificate: str
    process: "subprocess.Popen[bytes]"

    def client(self, user: str) -> imaplib.IMAP4:
        client = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        client.login(user, PASSWORD)
        return client

    def put(self, user: str, mails: Iterable[bytes], folder: str = "INBOX", flags: str = "") -> None:
        """Append mails to a folder, whose name is as IMAP spells it."""
        client = self.client(user)
        client.create(folder)
        for mail in mails:
            answer, said = client.append(folder, flags, "", mail)
            assert answer == "OK", said
        client.logout()

    def count(self, user: str, folder: str = "INBOX", what: str = "ALL") -> int:
        """Return how many mails of the folder match."""
        client = self.client(user)
        try:
            if client.select(folder, readonly=True)[0] != "OK":
                return 0
            return len(client.search(None, what)[1][0].split())
        finally:
            client.logout()

    def renumber(self, user: str) -> None:
        """Give INBOX another UIDVALIDITY and other UIDs, as a restored mailbox has."""
        for name in (self.folder / "mail" / user).glob("dovecot*"):
            shutil.rmtree(name) if name.is_dir() else name.unlink()
        time.sleep(1.1)  # a UIDVALIDITY is made of the second


@contextmanager
def running(token_url: str = "") -> Iterator[Dovecot]:
    """Start one; its sockets have short names, since a path of a socket has 107 bytes at most."""
    program = find_server("dovecot")
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="mg-dovecot-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        # root may run it as its package means it, anybody else as himself
        owner = pwd.getpwnam("mail") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
        user = "dovecot" if os.getuid() == 0 else owner.pw_name
        (folder / "mail").mkdir()
        os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        certificate, key = make_certificate(folder)
        port, tls_port = free_port(), free_port()
        (folder / "oauth2.conf").write_text(
            f"tokeninfo_url = {token_url}/info?access_token=\nusername_attribute = email\nactive_attribute = active\n"
            "active_value = yes\n"
        )
        version = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
        config = _CONFIG_23 if version.startswith("2.3.") else _CONFIG_24
        (folder / "dovecot.conf").write_text(
            config.format(
                folder=folder, name=folder.name, certificate=certificate, key=key, port=port, tls_port=tls_port,
                user=user, group=grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name, uid=owner.pw_uid, gid=owner.pw_gid,
                login_user="dovenull" if os.getuid() == 0 else user, token_url=token_url,
                password=PASSWORD, quoted_password=_quoted(PASSWORD),
            )
        )  # fmt: skip
        process = subprocess.Popen([program, "-F", "-c", folder / "dovecot.conf"], stderr=subprocess.DEVNULL)
        try:
            _wait_for(port, folder / "log")
            yield Dovecot(folder, port, tls_port, certificate, process)
        finally:
            process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int, log: Path) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            if sock.recv(100).startswith(b"* OK"):
                return
        time.sleep(0.05)
    raise AssertionError(f"dovecot did not start: {log.read_text() if log.exists() else ''}")


class CuttingProxy:
    """Forwards to a port; `cut` aborts every connection there is."""

    def __init__(self, port: int) -> None:
        self._to = port
        self._open: set[asyncio.StreamWriter] = set()
        self.port = 0
        self.count = 0

    async def __aenter__(self) -> "CuttingProxy":
        self._server = await asyncio.start_server(self._forward, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.cut()

    def cut(self) -> None:
        for writer in tuple(self._open):
            writer.transport.abort()

    async def cut_often(self, least: float, most: float, chance: random.Random) -> None:
        """Cut every `least` to `most` seconds, until cancelled."""
        while True:
            await asyncio.sleep(chance.uniform(least, most))
            self.count += bool(self._open)
            self.cut()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
        ends = {writer, far_writer}
        self._open |= ends
        try:
            with suppress(asyncio.CancelledError):  # the end of the test
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
        finally:
            self._open -= ends
            for end in ends:
                end.transport.abort()


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()

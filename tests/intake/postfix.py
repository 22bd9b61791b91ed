"""A Postfix of the test's own, on loopback, in a private folder: it takes mail by SMTP and hands it on by LMTP."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

_MAIN = """
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.flexihost.example
mydestination =
alias_maps =
virtual_mailbox_domains = flexihost.example strato.example
virtual_mailbox_maps = static:all
virtual_transport = lmtp:{target}
smtpd_recipient_restrictions = reject_unauth_destination
smtpd_peername_lookup = no
minimal_backoff_time = 1s
maximal_backoff_time = 1s
queue_run_delay = 1s
maillog_file = {folder}/maillog
maillog_file_prefixes = {folder}
"""
_MASTER = """
127.0.0.1:{port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 1 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - discard
retry unix - - n - - error
error unix - - n - - error
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running one."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        return (self.folder / "maillog").read_text(errors="replace")

    def waiting(self) -> int:
        """Return how many mails are in its queues."""
        return sum(1 for name in ("incoming", "active", "deferred", "maildrop")
                   for one in (self.folder / "queue" / name).rglob("*") if one.is_file())  # fmt: skip


@contextmanager
def running(target: str, more: str = "") -> Iterator[Postfix]:
    """Start one that delivers to `target`: `inet:127.0.0.1:PORT` or `unix:PATH`; `more` are lines of its main.cf."""
    if os.getuid() != 0:
        pytest.skip("Postfix can be started by root alone")
    with tempfile.TemporaryDirectory(prefix="mg-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        port = _free_port()
        for part in ("etc", "queue", "data"):
            (folder / part).mkdir()
        os.chown(folder / "data", pwd.getpwnam("postfix").pw_uid, -1)
        (folder / "etc" / "main.cf").write_text(_MAIN.format(folder=folder, target=target) + more)
        (folder / "etc" / "master.cf").write_text(_MASTER.format(port=port))
        for file in ("postfix-files", "dynamicmaps.cf"):
            with suppress(FileNotFoundError):
                shutil.copy(f"/etc/postfix/{file}", folder / "etc" / file)
        _run(folder, "start")
        try:
            _wait_for(port)
            yield Postfix(folder, port)
        finally:
            _run(folder, "stop", is_checked=False)


def _run(folder: Path, what: str, *, is_checked: bool = True) -> None:
    # what it starts inherits our pipes: output goes into a file
    with open(folder / "out", "ab") as out:
        code = subprocess.run(["postfix", "-c", folder / "etc", what], stdout=out, stderr=out, timeout=60).returncode
    assert not is_checked or code == 0, (folder / "out").read_text(errors="replace")


def _wait_for(port: int) -> None:
    end = time.monotonic() + 20
    while time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5) as sock:
            if sock.recv(100).startswith(b"220"):
                return
        time.sleep(0.05)
    raise AssertionError("postfix did not start")


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])

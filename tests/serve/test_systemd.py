"""What the real daemon tells systemd and takes from it: a notify socket, a watchdog, sockets that were open before it."""

import os
import smtplib
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from mailgate.serve import systemd
from tests.serve.daemon import Daemon, mail, running

_POPEN = subprocess.Popen
# what systemd does between fork and exec: descriptors from 3 on, and the process' own id
_LAUNCHER = """
import os, sys
count = int(sys.argv[1])
for place, descriptor in enumerate(map(int, sys.argv[2:2 + count])):
    os.dup2(descriptor, 3 + place, inheritable=True)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(count)
os.execv(sys.executable, [sys.executable, "-m", "mailgate", *sys.argv[2 + count:]])
"""


class Notified:
    """The notify socket of a service manager."""

    def __init__(self, address: str) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(address.replace("@", "\0", 1) if address.startswith("@") else address)

    def next(self, seconds: float = 20.0) -> str | None:
        self.socket.settimeout(seconds)
        try:
            return self.socket.recv(4096).decode()
        except TimeoutError:
            return None


@pytest.fixture(params=["path", pytest.param("abstract", marks=pytest.mark.slow)])
def notified(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Notified]]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@mailgate-test-{os.getpid()}"
    manager = Notified(address)
    yield address, manager
    manager.socket.close()


def test_it_says_when_it_is_ready_that_it_lives_and_when_it_ends(tmp_path: Path, notified: tuple[str, Notified]):
    address, manager = notified
    with running(tmp_path / "desk", NOTIFY_SOCKET=address, WATCHDOG_USEC="400000") as daemon:
        heard: list[str | None] = []
        while heard.count("WATCHDOG=1") < 3:
            heard.append(manager.next())
            assert heard[-1] is not None, "nothing was heard for too long"
        assert heard.count("READY=1") == 1
        assert set(heard) == {"READY=1", "WATCHDOG=1"}
        assert daemon.stop()[1] < 10  # also where nobody reads what it says
        rest = [manager.next(0.1)]
        while rest[-1] is not None:
            rest.append(manager.next(0.1))
        assert rest.count("STOPPING=1") == 1
        assert "READY=1" not in rest


@pytest.mark.slow
def test_a_watchdog_of_another_process_is_not_fed(tmp_path: Path):
    address = str(tmp_path / "notify")
    manager = Notified(address)
    with running(tmp_path / "desk", NOTIFY_SOCKET=address, WATCHDOG_USEC="200000", WATCHDOG_PID="1"):
        assert manager.next() == "READY=1"
        assert manager.next(1.0) is None
    manager.socket.close()


@pytest.mark.slow
def test_a_clock_that_does_not_look_feeds_no_watchdog(tmp_path: Path):
    """Its patience is set to nothing, so that any clock has been silent for too long."""
    address = str(tmp_path / "notify")
    manager = Notified(address)
    (tmp_path / "sitecustomize.py").write_text(
        "import mailgate.serve.front as front\nfront.SILENT_SECONDS = 0.0\n", encoding="ascii"
    )
    environ = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "200000", "PYTHONPATH": str(tmp_path)}
    with running(tmp_path / "desk", **environ):
        assert manager.next() == "READY=1"
        assert manager.next(1.0) is None
    manager.socket.close()


class Activated(Daemon):
    """A daemon that is started as a socket unit does it."""

    def __init__(self, folder: Path, sockets: Sequence[tuple[str, socket.socket]]) -> None:
        super().__init__(folder)
        self.sockets = sockets

    def launch(self, monkeypatch: pytest.MonkeyPatch) -> "Activated":
        descriptors = [sock.fileno() for _, sock in self.sockets]

        def popen(command: Sequence[str], **options: Any) -> "subprocess.Popen[str]":
            words = [str(len(descriptors)), *map(str, descriptors), *command[3:]]
            return _POPEN([sys.executable, "-c", _LAUNCHER, *words], pass_fds=descriptors, **options)

        self.environ["LISTEN_FDNAMES"] = ":".join(name for name, _ in self.sockets)
        monkeypatch.setattr("tests.serve.daemon.subprocess.Popen", popen)
        self.start()
        return self


def test_sockets_that_were_there_before_it_are_served_and_stay_over_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "lmtp.sock"
    lmtp = socket.socket(socket.AF_UNIX)
    lmtp.bind(str(place))
    lmtp.listen(16)
    smtp = socket.create_server(("127.0.0.1", 0))
    daemon = Activated(tmp_path / "desk", [("lmtp", lmtp), ("smtp", smtp)])
    daemon.make()
    port = smtp.getsockname()[1]

    early = socket.create_connection(("127.0.0.1", port))  # before there is a daemon
    daemon.launch(monkeypatch)
    early.settimeout(20)
    assert early.recv(1000).startswith(b"220 ")
    early.close()
    assert daemon.lines["smtp"] == f"127.0.0.1:{port}"
    deliver(place, "first@shop.example")
    daemon.wait_for(lambda: daemon.letters("first@shop.example"))
    assert daemon.stop()[0] == 0

    waiting = socket.socket(socket.AF_UNIX)  # while it is away nobody is turned away
    waiting.connect(str(place))
    daemon.launch(monkeypatch)
    waiting.settimeout(20)
    assert waiting.recv(1000).startswith(b"220 ")
    waiting.close()
    with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
        client.sendmail("second@shop.example", ["support@flexihost.example"], a_mail("second@shop.example"))
    daemon.wait_for(lambda: daemon.letters("second@shop.example"))
    for worker in daemon.workers():
        names = [os.readlink(f"/proc/{worker}/fd/{one}") for one in os.listdir(f"/proc/{worker}/fd")]
        assert not [name for name in names if name.startswith("socket:")], "a worker has inherited a listener"
    daemon.stop()
    lmtp.close()
    smtp.close()


def test_sockets_for_another_process_are_left_alone(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LISTEN_PID", str(os.getpid() + 1))
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert systemd.take_sockets() == {}
    assert "LISTEN_FDS" not in os.environ


def deliver(place: Path, sender: str) -> None:
    with smtplib.LMTP(str(place)) as client:
        assert client.sendmail(sender, ["support@flexihost.example"], a_mail(sender)) == {}


def a_mail(sender: str) -> bytes:
    return mail("Hello, my site is slow.", sender=sender, subject="Slow site today", message_id=f"1.{sender}")

"""How long a customer waits for the acknowledgement: from 250 at the door to the relay: `python bench/latency.py`."""

import argparse
import re
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from load.mails import DESK_ADDRESS, make_mails
from load.report import Mark, Report
from smtp import _line_of, _process, make_house

sys.path[:0] = [str(Path(__file__).resolve().parent.parent)]

from load.machine import facts  # noqa: E402

_FROM = re.compile(rb"^From: [^\r]*", re.M)
_ACK = re.compile(rb"^Auto-Submitted: auto-replied", re.M | re.I)


class Relay:
    """A relay that notes when the first letter to an address came."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        content: bytes = envelope.content  # type: ignore[attr-defined]
        if _ACK.search(content):
            for address in envelope.rcpt_tos:  # type: ignore[attr-defined]
                self.came.setdefault(address, time.perf_counter())
        return "250 OK"

    def __enter__(self) -> "Relay":
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._controller.stop()


def main(argv: Sequence[str]) -> int:
    """Measure at low load, alone and beside a process that burns a core; 1 if a mail had no acknowledgement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two mails")
    parser.add_argument("--json", action="store_true", help="one object a mark")
    args = parser.parse_args(argv)
    report = Report(as_json=args.json)
    mails = questions(args.mails)
    report.say(f"{facts()}; {len(mails)} mails, {args.pause} s apart, each from a customer of its own")
    missing = 0
    for name, burners, limits in (("alone", 0, (60, 250)), ("beside a burnt core", 1, ("", 1000))):
        with burning(burners):
            waited, late = measure(mails, args.pause)
        missing += late
        for part, limit in zip((50, 99), limits, strict=True):
            value = waited[int(len(waited) * part / 100)] * 1000
            said = f"at most {limit}" if limit else ""
            report.tell(Mark(mark=f"250 to ack at the relay, p{part}, {name}", value=value, unit="ms", limit=said))
    report.tell(Mark(mark="mails without an acknowledgement", value=missing, unit="", limit="at most 0"))
    return 1 if missing else 0


def questions(count: int) -> list[bytes]:
    """Return mails that are due an acknowledgement: an absence, a bounce or a newsletter is due none (A1, M6, M7)."""
    made = (raw for sender, raw in make_mails(2 * count + 50) if sender and b"\r\nList-Id:" not in raw)
    return [raw for _, raw in zip(range(count), made, strict=False)]


def measure(mails: Sequence[bytes], pause: float) -> tuple[list[float], int]:
    """Return the seconds from each 250 to its acknowledgement at the relay, shortest first, and how many had none."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made, Relay() as relay:
        folder = Path(made)
        environ = make_house(folder) | {"MAILGATE_RELAY__URL": f"smtp://127.0.0.1:{relay.port}"}
        with _process([sys.executable, "-m", "mailgate", "--config", str(folder / "mailgate.toml"), "serve"],
                      environ, folder / "log") as server:  # fmt: skip
            port = int(_line_of(server, "smtp").rpartition(":")[2])
            _line_of(server, "ready")
            said: dict[str, float] = {}
            # the first shows that the workers are there
            deliver(port, "first@customer.example", mails[0].replace(b"bench-", b"first-"))
            wait_for(relay, {"first@customer.example"}, 60)
            for place, raw in enumerate(mails):
                # a stranger each: nothing of A3 or T6 keeps an acknowledgement back
                own = f"c{place}@customer{place}.example"
                deliver(port, own, raw.replace(b"bench-", b"late-%d-" % place))
                said[own] = time.perf_counter()
                time.sleep(pause)
            wait_for(relay, said, 20)
    came = sorted(relay.came[address] - at for address, at in said.items() if address in relay.came)
    for address in said.keys() - relay.came.keys():
        print(f"no acknowledgement: {address}", file=sys.stderr)
    return came, len(said) - len(came)


def deliver(port: int, sender: str, raw: bytes) -> None:
    """Hand a mail to the door, as from that sender."""
    own = _FROM.sub(f"From: Anna Sample <{sender}>".encode(), raw, count=1)
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo("client.example")
        client.sendmail(sender, [DESK_ADDRESS], own)


def wait_for(relay: Relay, addresses: Iterable[str], seconds: float) -> None:
    """Return once all of them have their acknowledgement, or after so many seconds."""
    end = time.monotonic() + seconds
    while not relay.came.keys() >= set(addresses) and time.monotonic() < end:
        time.sleep(0.05)


@contextmanager
def burning(processes: int) -> Iterator[None]:
    """Keep so many cores busy, as a neighbour would."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How long a customer waits for the acknowledgement: from 250 at the door to the relay: `python bench/latency.py`."""

import argparse
import re
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from aiosmtpd.controller import Controller
from load.mails import DESK_ADDRESS, make_mails
from smtp import _line_of, _process, make_house, print_facts

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
    """Measure at low load, alone and beside a process that burns a core."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=60)
    parser.add_argument("--pause", type=float, default=0.25, help="seconds between two mails")
    args = parser.parse_args(argv)
    mails = make_mails(args.mails)
    print_facts(mails)
    print(
        f"{'':>28} {'p50 ms':>8} {'p99 ms':>8} {'max ms':>8}   mails {args.pause} s apart, each from a customer of its own"
    )
    for name, burners in (("alone", 0), ("beside a burnt core", 1)):
        with burning(burners):
            waited = sorted(one * 1000 for one in measure(mails, args.pause))
        print(f"{name:>28} {waited[len(waited) // 2]:8.0f} {waited[int(len(waited) * 0.99)]:8.0f} {waited[-1]:8.0f}")
    print("mark: alone p50 at most 60 ms, p99 at most 250; beside a burnt core p99 at most 1,000")
    return 0


def measure(mails: Sequence[tuple[str, bytes]], pause: float) -> list[float]:
    """Return the seconds from each 250 to its acknowledgement at the relay."""
    with tempfile.TemporaryDirectory(prefix="mailgate-bench-") as made, Relay() as relay:
        folder = Path(made)
        environ = make_house(folder) | {"MAILGATE_RELAY__URL": f"smtp://127.0.0.1:{relay.port}"}
        with _process([sys.executable, "-m", "mailgate", "--config", str(folder / "mailgate.toml"), "serve"],
                      environ, folder / "log") as server:  # fmt: skip
            port = int(_line_of(server, "smtp").rpartition(":")[2])
            _line_of(server, "ready")
            time.sleep(3)  # until the workers are there
            said: dict[str, float] = {}
            for place, (sender, raw) in enumerate(mails):
                # a stranger each: nothing of A3 or T6 keeps an acknowledgement back
                own = f"c{place}@customer{place}.example"
                raw = raw.replace(sender.encode(), own.encode()).replace(b"bench-", b"late-%d-" % place)
                with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
                    client.ehlo("client.example")
                    client.sendmail(own, [DESK_ADDRESS], raw)
                    said[own] = time.perf_counter()
                time.sleep(pause)
            end = time.monotonic() + 20
            while len(relay.came.keys() & said.keys()) < len(said) and time.monotonic() < end:
                time.sleep(0.05)
    late = [address for address in said if address not in relay.came]
    if late:
        print(f"{len(late)} mails had no acknowledgement", file=sys.stderr)
    return [relay.came[address] - at for address, at in said.items() if address in relay.came]


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

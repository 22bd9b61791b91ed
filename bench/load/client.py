"""Feeds mails over SMTP as fast as the server takes them: `python -m load.client`; prints JSON."""

import argparse
import json
import pickle
import resource
import socket
import sys
import time
from pathlib import Path
from threading import Lock, Thread

Mail = tuple[bytes, bytes]  # MAIL FROM's address; the mail, dots doubled, with its end


class Feeder:
    """Some connections that share a stack of mails."""

    def __init__(self, port: int, to: str, mails: list[Mail], reuse: bool) -> None:
        self._port, self._to, self._reuse = port, to.encode(), reuse
        self._mails = iter(mails)
        self._lock = Lock()
        self.seconds: list[float] = []
        self.refused = 0

    def run(self, connections: int) -> float:
        """Feed all of them; return the seconds it took."""
        threads = [Thread(target=self._work) for _ in range(connections)]
        begun = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - begun

    def _work(self) -> None:
        line: _Line | None = None
        while True:
            with self._lock:
                mail = next(self._mails, None)
            if mail is None:
                break
            begun = time.perf_counter()
            line = line or _Line(self._port)
            is_taken = line.deliver(mail, self._to)
            self.seconds.append(time.perf_counter() - begun)
            self.refused += not is_taken
            if not self._reuse:
                line.quit()
                line = None
        if line is not None:
            line.quit()


class _Line:
    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._reply()
        self._say(b"EHLO client.example\r\n")

    def deliver(self, mail: Mail, to: bytes) -> bool:
        self._say(b"MAIL FROM:<%s>\r\n" % mail[0])
        self._say(b"RCPT TO:<%s>\r\n" % to)
        self._say(b"DATA\r\n")
        return self._say(mail[1]).startswith(b"250")

    def quit(self) -> None:
        self._say(b"QUIT\r\n")
        self._sock.close()

    def _say(self, data: bytes) -> bytes:
        self._sock.sendall(data)
        return self._reply()

    def _reply(self) -> bytes:
        reply = b""
        while not reply.endswith(b"\n") or reply[reply.rfind(b"\n", 0, -1) + 4 :][:1] == b"-":
            block = self._sock.recv(4096)
            if not block:
                raise ConnectionError("the server hung up")
            reply += block
        return reply


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("file", type=Path, help="pickled (sender, mail) pairs")
    parser.add_argument("--to", required=True)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--reuse", action="store_true")
    args = parser.parse_args()
    pairs = pickle.loads(args.file.read_bytes())
    mails = [(sender.encode(), raw.replace(b"\r\n.", b"\r\n..") + b".\r\n") for sender, raw in pairs]
    feeder = Feeder(args.port, args.to, mails, args.reuse)
    took = feeder.run(args.connections)
    used = resource.getrusage(resource.RUSAGE_SELF)
    taken = sorted(feeder.seconds)
    print(json.dumps({
        "count": len(mails), "refused": feeder.refused, "seconds": took, "p50": taken[len(taken) // 2],
        "p99": taken[int(len(taken) * 0.99)], "cpu": used.ru_utime + used.ru_stime,
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())

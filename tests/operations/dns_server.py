"""A name server on loopback that knows the mail servers of a few domains."""

import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class DnsServer:
    """Answers MX questions out of `records`; None: the name is there, and has no mail server."""

    def __init__(self, records: dict[str, str | None]) -> None:
        self.records = records
        self.is_broken = False
        self.asked: list[str] = []
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "DnsServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            data, peer = self._socket.recvfrom(4096)
            if not data:
                return
            self._socket.sendto(self._answer(dns.message.from_wire(data)).to_wire(), peer)

    def _answer(self, question: dns.message.Message) -> dns.message.Message:
        asked = question.question[0].name
        self.asked.append(asked.to_text())
        answer = dns.message.make_response(question)
        name = asked.to_text(omit_final_dot=True)
        if self.is_broken:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif name not in self.records:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif host := self.records[name]:
            answer.answer.append(dns.rrset.from_text(asked, 60, "IN", "MX", f"10 {host}."))
        return answer

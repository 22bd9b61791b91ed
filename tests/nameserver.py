"""A name server on loopback: TXT records, mail servers of domains, names that fail, and names that say nothing."""

import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass(frozen=True, slots=True)
class MailServer:
    """The host that takes a domain's mail."""

    host: str


# what a TXT question or an MX question gets; "nothing": the name is there, and has neither
Record = bytes | MailServer | Literal["servfail", "silent", "nothing"]


class NameServer:
    """Answers questions out of `records`; with `is_silent` it never answers anybody. Any free port, if none is given."""

    def __init__(self, records: Mapping[str, Record], *, is_silent: bool = False, ttl: int = 60, port: int = 0) -> None:
        self.records = dict(records)
        self.is_silent = is_silent
        self.asked: list[str] = []
        self._ttl = ttl
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * 1024 * 1024)
        self._socket.bind(("127.0.0.1", port))
        self.port = int(self._socket.getsockname()[1])
        self.place = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "NameServer":
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
            question = dns.message.from_wire(data)
            name = question.question[0].name.to_text(omit_final_dot=True).lower()
            self.asked.append(name)
            record = self.records.get(name)
            if not self.is_silent and record != "silent":
                self._socket.sendto(self._answer(question, record).to_wire(), peer)

    def _answer(self, question: dns.message.Message, record: Record | None) -> dns.message.Message:
        answer = dns.message.make_response(question)
        asked = question.question[0]
        if record == "servfail":
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif record is None and asked.name.to_text() != ".":
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif isinstance(record, bytes) and asked.rdtype == dns.rdatatype.TXT:
            pieces = " ".join(f'"{record[at : at + 255].decode()}"' for at in range(0, len(record), 255))
            answer.answer.append(dns.rrset.from_text(asked.name, self._ttl, "IN", "TXT", pieces))
        elif isinstance(record, MailServer) and asked.rdtype == dns.rdatatype.MX:
            answer.answer.append(dns.rrset.from_text(asked.name, self._ttl, "IN", "MX", f"10 {record.host}."))
        return answer

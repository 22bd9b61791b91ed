"""The weather of a storm: mail servers that try again until somebody says 250, and a relay that fails one time in five."""

import asyncio
import hashlib
import imaplib
import random
import smtplib
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import Event, Thread

from tests.imap import dovecot
from tests.serve.daemon import mail

FAILS = 0.2  # of what the relay is asked for
FORGETS = 0.05  # of what senders were told 250 for: they did not hear it, and send it again
FLOOD = 20  # mails of one sender, who gets five acks and no more (A3)
ANSWERED = 5  # every so manieth question has an answer to it, from a colleague in Cc


@dataclass(frozen=True)
class Sheet:
    """A mail to be sent, and the mail whose ticket it belongs to (its own, where it asks something new)."""

    id: str
    sender: str
    raw: bytes
    belongs_to: str


class Relay(Thread):
    """A mail server that fails one time in five: refuses for now, hangs up, or hangs up when it has taken the mail."""

    def __init__(self, seed: int) -> None:
        super().__init__(daemon=True)
        self.port = 0
        self.taken: list[tuple[str, str]] = []  # Message-ID, digest
        self.asked = 0
        self.failed: Counter[str] = Counter()
        self._chance = random.Random(seed)
        self._is_up = Event()
        self._loop = asyncio.new_event_loop()
        self.start()
        assert self._is_up.wait(10)

    def run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**24))
        self.port = server.sockets[0].getsockname()[1]
        self._is_up.set()
        self._loop.run_forever()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self.join(5)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await self._talk(reader, writer)
        with suppress(ConnectionError):
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 relay.example\r\n")
        way = ""
        while line := (await reader.readuntil(b"\r\n")).upper().rstrip():
            verb = line.split(b" ", 1)[0]
            if verb == b"MAIL":
                self.asked += 1
                way = (
                    self._chance.choice(["mail", "rcpt", "hang", "end", "lost"])
                    if self._chance.random() < FAILS
                    else ""
                )
                self.failed.update([way] if way else [])
            if (verb, way) in ((b"MAIL", "mail"), (b"RCPT", "rcpt")):
                writer.write(b"451 4.3.0 not now\r\n")
            elif verb == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                if way == "hang":
                    return
                if way == "end":
                    writer.write(b"452 4.3.1 no room\r\n")
                    continue
                self._take(raw)
                if way == "lost":
                    return  # it has it, and we do not know
                writer.write(b"250 2.0.0 kept\r\n")
            elif verb == b"QUIT":
                writer.write(b"221 bye\r\n")
                return
            else:
                writer.write(b"250-relay.example\r\n250 8BITMIME\r\n" if verb == b"EHLO" else b"250 ok\r\n")
            await writer.drain()

    def _take(self, raw: bytes) -> None:
        head = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
        name = next(line for line in head.splitlines() if line.lower().startswith("message-id:"))
        self.taken.append((name.partition(":")[2].strip().strip("<>"), hashlib.sha256(raw).hexdigest()))


class Senders:
    """Well-behaved mail servers: each mail is tried until somebody says 250."""

    def __init__(
        self, sheets: Sequence[Sheet], ports: Sequence[tuple[str, int]], count: int, per_second: float, end: float
    ) -> None:
        self._waiting: SimpleQueue[Sheet] = SimpleQueue()
        for sheet in sheets:
            self._waiting.put(sheet)
        self._ports, self._end, self._pause = ports, end, count / per_second
        self.repeats = 0
        self.accepted: set[str] = set()
        self.ways: Counter[str] = Counter()
        self.threads = [Thread(target=self._work, args=(place,), daemon=True) for place in range(count)]
        for thread in self.threads:
            thread.start()

    def are_busy(self) -> bool:
        return any(thread.is_alive() for thread in self.threads)

    def _work(self, place: int) -> None:
        chance = random.Random(place)
        while time.monotonic() < self._end:
            try:
                sheet = self._waiting.get_nowait()
            except Empty:
                return
            while time.monotonic() < self._end:
                way = chance.choice(self._ports)
                if self._is_taken(sheet, way) and chance.random() > FORGETS:
                    self.accepted.add(sheet.id)
                    self.ways[way[0]] += 1
                    time.sleep(self._pause)
                    break
                self.repeats += 1
                time.sleep(chance.uniform(0.05, 0.5))

    def _is_taken(self, sheet: Sheet, way: tuple[str, int]) -> bool:
        channel, port = way
        if channel == "imap":
            return self._is_put(sheet, port)
        client = smtplib.LMTP if channel == "lmtp" else smtplib.SMTP
        try:
            with client("127.0.0.1", port, timeout=20) as line:
                line.sendmail(sheet.sender, ["support@flexihost.example"], sheet.raw)
        except smtplib.SMTPServerDisconnected as error:
            # whether QUIT was heard is nobody's business; whether DATA was, is: without a 250 it comes again
            return "QUIT" in str(error)
        except (OSError, smtplib.SMTPException):
            return False
        return True

    def _is_put(self, sheet: Sheet, port: int) -> bool:
        """Into the mailbox that all daemons fetch from."""
        try:
            with imaplib.IMAP4("127.0.0.1", port, timeout=20) as client:
                client.login("storm", dovecot.PASSWORD)
                return client.append("INBOX", "", "", sheet.raw)[0] == "OK"
        except (OSError, imaplib.IMAP4.error):
            return False


def sheets_of(count: int, seed: int) -> list[Sheet]:
    """Return so many mails, in no order: questions, answers of colleagues to them, and one who writes too much."""
    found: list[Sheet] = []
    place = 0
    while len(found) < count:
        place += 1
        who, one = f"person{place}@elsewhere{place}.example", f"q{place}@elsewhere.example"
        is_flood = place % max(2, count // FLOOD) == 0
        sender = "flood@elsewhere.example" if is_flood else who
        asked = mail(f"Hello, number {place} does not work.", sender=sender, auth="none", message_id=one,
                     subject=f"Trouble with {_word(place)}", Cc=f"colleague@elsewhere{place}.example")  # fmt: skip
        found.append(Sheet(one, sender, asked, one))
        if place % ANSWERED == 0 and not is_flood and len(found) < count:
            other, two = f"colleague@elsewhere{place}.example", f"a{place}@elsewhere.example"
            answer = mail("It is still so.", sender=other, auth="none", message_id=two, In_Reply_To=f"<{one}>", Cc=who,
                          subject=f"Re: Trouble with {_word(place)}")  # fmt: skip
            found.append(Sheet(two, other, answer, one))
    random.Random(seed).shuffle(found)
    return found


def _word(place: int) -> str:
    return "".join(chr(97 + int(digit)) * 2 for digit in str(place)) + f" matter {place}"

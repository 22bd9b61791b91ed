"""Each line of the table of crashes: real processes, really killed (P1, P2)."""

import os
import random
import smtplib
import socket
import time
from collections import Counter
from pathlib import Path
from threading import Thread

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from mailgate.store.inbox import INBOX
from mailgate.store.outbox import OUTBOX
from mailgate.store.tables import ARRIVAL, TICKET
from tests.serve.daemon import Daemon, mail, running

ROUNDS = int(os.environ.get("MAILGATE_TEST_STORM_ROUNDS", "0"))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def question(place: int) -> bytes:
    return mail(f"Hello, number {place} does not work.", sender=f"person{place}@elsewhere.example", auth="none",
                subject=f"Trouble with matter {place}", message_id=f"{place}@elsewhere.example")  # fmt: skip


def is_settled(daemon: Daemon) -> bool:
    waits = any(row["state"] == "waiting" for row in daemon.rows(INBOX))
    return not waits and all(row["state"] == "sent" for row in daemon.rows(OUTBOX))


class Persistent(Thread):
    """A mail server that tries until it hears 250."""

    def __init__(self, port: int, count: int) -> None:
        super().__init__()
        self._port, self._count = port, count
        self.repeats = 0

    def run(self) -> None:
        for place in range(self._count):
            while not self._deliver(place):
                self.repeats += 1
                time.sleep(0.05)

    def _deliver(self, place: int) -> bool:
        try:
            with smtplib.SMTP("127.0.0.1", self._port, timeout=20) as client:
                client.sendmail(f"person{place}@elsewhere.example", ["support@flexihost.example"], question(place))
        except (OSError, smtplib.SMTPException):
            return False
        return True


def storm(folder: Path, count: int, kills: int, longest: float) -> None:
    """Kill the daemon, or its worker, at any moment under load; then look at what is there."""
    chance = random.Random()
    port = free_port()
    with running(folder, MAILGATE_SMTP__LISTEN=f"127.0.0.1:{port}") as daemon:
        client = Persistent(port, count)
        client.start()
        for _ in range(kills):
            time.sleep(chance.random() * longest)
            if chance.random() < 0.4 and (workers := daemon.workers()):
                daemon.kill(workers[0])
            else:
                daemon.kill()
                daemon.start()
        client.join()
        daemon.wait_for(lambda: is_settled(daemon), 120)
        assert_nothing_lost_nothing_doubled(daemon, count)


def assert_nothing_lost_nothing_doubled(daemon: Daemon, count: int) -> None:
    outcomes: dict[str, Counter[str]] = {}
    for row in daemon.rows(ARRIVAL):
        outcomes.setdefault(row["envelope_from"], Counter())[row["outcome"]] += 1
    wrong = {who: found for who, found in outcomes.items() if found["new"] != 1 or set(found) - {"new", "duplicate"}}
    assert not wrong
    assert len(outcomes) == len(daemon.rows(TICKET)) == count
    acks = [letter["Message-ID"] for letter in daemon.letters(kind="ack")]
    assert len(acks) == len(set(acks)) == count
    with daemon.built() as built:
        assert all(built.house.raw_of(row["digest"]) for row in daemon.rows(ARRIVAL))


def test_killed_at_any_moment_it_loses_nothing_and_says_nothing_twice(tmp_path: Path):
    storm(tmp_path, count=40, kills=3, longest=1.5)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.skipif(not ROUNDS, reason="MAILGATE_TEST_STORM_ROUNDS says how many kills")
def test_a_storm_of_kills_loses_nothing_and_says_nothing_twice(tmp_path: Path):
    storm(tmp_path, count=ROUNDS * 40, kills=ROUNDS, longest=4)


@pytest.mark.slow
def test_a_mail_without_its_end_is_not_there_after_a_kill(tmp_path: Path):
    with running(tmp_path) as daemon, socket.create_connection(("127.0.0.1", daemon.port)) as client:
        client.recv(1000)
        client.sendall(b"EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<support@flexihost.example>\r\nDATA\r\n")
        client.sendall(question(1))
        daemon.kill()
        daemon.start()
        assert not daemon.rows(INBOX) + daemon.rows(ARRIVAL)


def test_a_mail_that_was_kept_but_not_answered_is_a_duplicate_when_it_comes_again(tmp_path: Path):
    with running(tmp_path, arguments=["--role", "front"]) as daemon:
        daemon.send(question(1))
        daemon.kill()  # whether the peer has heard 250 by now nobody knows: it asks again
        daemon.arguments = ()
        daemon.start()
        daemon.send(question(1))
        daemon.wait_for(lambda: is_settled(daemon) and len(daemon.rows(ARRIVAL)) == 2)
        assert sorted(row["outcome"] for row in daemon.rows(ARRIVAL)) == ["duplicate", "new"]
        assert len(daemon.letters(kind="ack")) == 1


@pytest.mark.slow
def test_a_mail_that_kills_its_worker_three_times_is_quarantined(tmp_path: Path):
    with running(tmp_path, arguments=["--role", "front"]) as daemon:
        for place in (1, 2):
            daemon.send(question(place), sender=f"person{place}@elsewhere.example")
        for time_ in range(3):
            die_of_the_first(daemon, group=2 if time_ == 0 else 1)
        daemon.stop()
        daemon.arguments = ()
        daemon.start()
        daemon.wait_for(lambda: len(daemon.rows(ARRIVAL)) == 2)
        found = {row["envelope_from"]: row for row in daemon.rows(ARRIVAL)}
        assert found["person1@elsewhere.example"]["outcome"] == "quarantined"
        assert found["person1@elsewhere.example"]["reason"] == "the worker died of it, 3 times"
        assert found["person2@elsewhere.example"]["outcome"] == "new"
        assert daemon.wait_for(lambda: daemon.letters("managers@flexihost.example", "alarm"))


def die_of_the_first(daemon: Daemon, group: int) -> None:
    """Be a worker that claims and dies before it has read anything."""
    child = os.fork()
    if not child:
        with daemon.built() as built:
            built.inbox.claim(50, built.house.clock(), 600, f"worker:{socket.gethostname()}:{os.getpid()}:1")
        os._exit(0)
    os.waitpid(child, 0)
    with daemon.built() as built:
        [claimer] = built.inbox.claimers()
        assert built.inbox.bury(claimer) == group


class Killer:
    """A relay that takes a letter and ends its sender before that has heard so."""

    def __init__(self) -> None:
        self.daemon: Daemon | None = None
        self.taken: list[tuple[str, str]] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        header = content.partition(b"\r\n\r\n")[0].decode()
        message_id = next(line for line in header.splitlines() if line.startswith("Message-ID:"))
        self.taken.append((envelope.rcpt_tos[0], message_id.partition(":")[2].strip()))
        if self.daemon is not None:
            daemon, self.daemon = self.daemon, None
            os.kill(daemon.pid, 9)
        return "250 2.0.0 taken"


def test_a_letter_that_the_relay_has_but_we_do_not_know_goes_again_under_the_same_message_id(tmp_path: Path):
    killer = Killer()
    relay = Controller(killer, hostname="127.0.0.1", port=free_port())
    relay.start()
    try:
        with running(tmp_path, MAILGATE_RELAY__URL=f"smtp://127.0.0.1:{relay.port}?tls=off") as daemon:
            killer.daemon = daemon
            daemon.send(question(1))
            assert daemon.process is not None
            daemon.process.wait(30)
            daemon.start()
            daemon.wait_for(lambda: is_settled(daemon))
    finally:
        relay.stop()
    again = Counter(killer.taken)
    first = killer.taken[0]
    assert again[first] == 2
    assert max(again.values()) == 2  # what else was on its way then
    assert len({to for to, _ in again}) == len(again)

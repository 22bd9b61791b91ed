"""The inbox: nothing is lost (P1), a try is counted before it is made (I7)."""

import subprocess
import sys
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from mailgate.blobs import FolderBlobs, MemoryBlobs
from mailgate.errors import TryLater
from mailgate.model.arrival import Arrival, PanelForm
from mailgate.model.verdicts import Evidence, Junk, Malware, Verdicts
from mailgate.store.engine import open_engine, transaction
from mailgate.store.inbox import INBOX, SMALL_BYTES, Inbox, arrival_from_json, arrival_to_json
from tests.store.samples import NOON, incoming

ROOT = Path(__file__).resolve().parent.parent.parent


class BrokenBlobs(MemoryBlobs):
    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        if list(blobs):
            raise TryLater("no space left")


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


@pytest.fixture
def inbox(engine: Engine, blobs: FolderBlobs) -> Inbox:
    return Inbox(engine, blobs)


def victim(action: str, folder: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.store.victims", action, str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_what_was_accepted_is_handed_out_in_the_order_of_its_coming(inbox: Inbox):
    mails = [incoming() for _ in range(3)]
    inbox.accept(mails[:2])
    inbox.accept(mails[2:])

    taken = inbox.claim(10, NOON, 60)

    assert [item.arrival for item in taken] == [mail.arrival for mail in mails]
    assert [item.read() for item in taken] == [mail.raw for mail in mails]
    assert [item.tries for item in taken] == [1, 1, 1]


def test_large_mail_goes_to_the_blobs_and_small_mail_with_its_arrival(inbox: Inbox, blobs: FolderBlobs):
    small, large = incoming(b"s" * SMALL_BYTES), incoming(b"l" * (SMALL_BYTES + 1))
    inbox.accept([small, large])

    assert not blobs.has(small.arrival.digest)
    assert blobs.has(large.arrival.digest)
    assert [item.read() for item in inbox.claim(2, NOON, 60)] == [small.raw, large.raw]


def test_an_arrival_that_the_blobs_refuse_is_not_accepted(engine: Engine):
    inbox = Inbox(engine, BrokenBlobs())
    with pytest.raises(TryLater):
        inbox.accept([incoming(), incoming(b"l" * (SMALL_BYTES + 1))])
    assert inbox.waiting() == (0, None)


def test_a_group_is_accepted_whole_or_not_at_all(inbox: Inbox):
    first = incoming()
    inbox.accept([first])
    with pytest.raises(Exception, match=r"(?i)unique|duplicate"):
        inbox.accept([incoming(), first])
    assert inbox.waiting()[0] == 1


def test_what_is_taken_is_not_handed_out_again_before_its_lease_ends(inbox: Inbox):
    inbox.accept([incoming()])
    inbox.claim(10, NOON, 60)

    assert not inbox.claim(10, NOON + timedelta(seconds=59), 60)
    assert [item.tries for item in inbox.claim(10, NOON + timedelta(seconds=60), 60)] == [2]


def test_what_was_tried_before_comes_alone(inbox: Inbox):
    mails = [incoming() for _ in range(4)]
    inbox.accept(mails)
    first, second = (item.arrival.id for item in inbox.claim(2, NOON, 60))
    inbox.put_back([first, second])

    batches = [[item.arrival.id for item in inbox.claim(10, NOON, 60)] for _ in range(4)]

    assert batches == [[first], [second], [mails[2].arrival.id, mails[3].arrival.id], []]


def test_one_that_was_tried_does_not_join_those_before_it(inbox: Inbox):
    mails = [incoming() for _ in range(3)]
    inbox.accept(mails[1:2])
    inbox.put_back([item.arrival.id for item in inbox.claim(1, NOON, 60)])
    inbox.accept([mails[0], mails[2]])

    batches = [[item.arrival.id for item in inbox.claim(10, NOON, 60)] for _ in range(3)]

    assert batches == [[mail.arrival.id] for mail in mails]


def test_trouble_of_ours_is_no_try(inbox: Inbox):
    inbox.accept([incoming(), incoming()])
    inbox.release([item.arrival.id for item in inbox.claim(10, NOON, 60)])
    assert [item.tries for item in inbox.claim(10, NOON, 60)] == [1, 1]


def test_what_is_put_back_for_later_waits_so_long(inbox: Inbox):
    inbox.accept([incoming()])
    inbox.put_back([item.arrival.id for item in inbox.claim(1, NOON, 60)], not_before=NOON + timedelta(seconds=5))
    assert not inbox.claim(1, NOON, 60)
    assert len(inbox.claim(1, NOON + timedelta(seconds=5), 60)) == 1


def test_what_is_done_is_handed_out_no_more_and_its_raw_mail_can_still_be_read(inbox: Inbox):
    mail = incoming()
    inbox.accept([mail])
    inbox.done([item.arrival.id for item in inbox.claim(1, NOON, 60)])

    assert not inbox.claim(1, NOON + timedelta(days=1), 60)
    assert inbox.waiting() == (0, None)
    assert inbox.raw_of(mail.arrival.digest) == mail.raw


def test_what_is_given_up_is_kept_until_somebody_decides(inbox: Inbox):
    mail = incoming()
    inbox.accept([mail])
    inbox.claim(1, NOON, 60)
    inbox.give_up(mail.arrival.id, "it broke the reader")

    assert [(item.arrival, item.tries, item.reason) for item in inbox.given_up()] == [
        (mail.arrival, 1, "it broke the reader")
    ]
    assert inbox.move_to_blobs() == 0
    inbox.again(mail.arrival.id)
    assert [item.tries for item in inbox.claim(1, NOON, 60)] == [1]


def test_the_raw_mail_of_what_is_done_moves_to_the_blobs(inbox: Inbox, blobs: FolderBlobs):
    done, waiting = [incoming(), incoming(b"l" * (SMALL_BYTES + 1))], incoming()
    inbox.accept([*done, waiting])
    inbox.done([mail.arrival.id for mail in done])

    assert inbox.move_to_blobs() == 2
    assert inbox.move_to_blobs() == 0
    assert [blobs.get(mail.arrival.digest) for mail in done] == [mail.raw for mail in done]
    assert [inbox.raw_of(mail.arrival.digest) for mail in (*done, waiting)] == [m.raw for m in (*done, waiting)]
    assert inbox.raw_of("0" * 64) is None


def test_blobs_that_refuse_keep_the_rows(engine: Engine):
    inbox, mail = Inbox(engine, BrokenBlobs()), incoming()
    inbox.accept([mail])
    inbox.done([mail.arrival.id])
    with pytest.raises(TryLater):
        inbox.move_to_blobs()
    assert inbox.raw_of(mail.arrival.digest) == mail.raw


def test_a_blob_that_is_missing_is_trouble_of_ours(inbox: Inbox, blobs: FolderBlobs):
    mail = incoming(b"l" * (SMALL_BYTES + 1))
    inbox.accept([mail])
    blobs.remove(mail.arrival.digest)
    [taken] = inbox.claim(1, NOON, 60)
    with pytest.raises(TryLater):
        taken.read()


def test_waiting_tells_how_many_and_since_when(inbox: Inbox):
    inbox.accept([incoming(received_at=NOON), incoming(received_at=NOON - timedelta(hours=1))])
    assert inbox.waiting() == (2, NOON - timedelta(hours=1))


def test_several_claimers_at_once_take_each_mail_once(inbox: Inbox):
    inbox.accept([incoming() for _ in range(60)])
    taken: list[str] = []
    start = Barrier(4)

    def take() -> None:
        start.wait()
        while found := inbox.claim(7, NOON, 60):
            taken.extend(item.arrival.id for item in found)

    threads = [Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == len(set(taken)) == 60


def test_a_database_that_is_locked_is_trouble_of_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("mailgate.store.engine._SQLITE_PRAGMAS", ("journal_mode=WAL", "busy_timeout=50"))
    url = f"sqlite:///{tmp_path}/inbox.db"
    INBOX.create(open_engine(url))
    with transaction(open_engine(url)), pytest.raises(TryLater, match="locked"):
        Inbox(open_engine(url), MemoryBlobs()).accept([incoming()])


def test_a_database_without_tables_is_trouble_of_ours(tmp_path: Path):
    with pytest.raises(TryLater):
        Inbox(open_engine(f"sqlite:///{tmp_path}/none.db"), MemoryBlobs()).accept([incoming()])


def test_every_write_on_sqlite_is_synchronised_to_disk(tmp_path: Path):
    with transaction(open_engine(f"sqlite:///{tmp_path}/inbox.db")) as connection:
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1


words = st.text(max_size=20)
optional = st.none() | words
arrivals = st.builds(
    Arrival,
    id=words,
    desk=words,
    channel=st.sampled_from(["smtp", "panel"]),
    received_at=st.datetimes(timezones=st.just(NOON.tzinfo)),
    digest=words,
    size=st.integers(0, 10**9),
    recipients=st.lists(words).map(tuple),
    envelope_from=optional,
    peer=optional,
    helo=st.none() | st.text(st.characters(), max_size=20),
    is_trusted=st.booleans(),
    verdicts=st.builds(
        Verdicts,
        own=st.none() | st.builds(Evidence, verdict=st.sampled_from(["pass", "fail", "none"]), because=words),
        arc=st.none() | st.builds(Evidence, verdict=st.just("pass"), because=words, is_unsure=st.booleans()),
        junk=st.none() | st.builds(Junk, is_junk=st.booleans(), source=words, score=st.none() | st.just(7.5)),
        malware=st.lists(st.builds(Malware, finding=words, sha256=words)).map(tuple),
        unanswered=st.lists(words).map(tuple),
    ),
    form=st.none()
    | st.builds(PanelForm, account=words, contact=optional, department=words, priority=words, source=st.just("phone")),
    wants_ack=st.booleans(),
    accepted_from=optional,
)


@settings(max_examples=60)
@given(arrivals)
def test_an_arrival_survives_being_written_and_read(arrival: Arrival):
    written = arrival_to_json(arrival)
    assert written.isascii()
    assert arrival_from_json(written) == arrival


@pytest.mark.slow
def test_killed_while_it_accepts_the_inbox_has_all_that_it_said_it_has(tmp_path: Path):
    INBOX.create(open_engine(f"sqlite:///{tmp_path}/inbox.db"))
    process = victim("accept", tmp_path)
    assert process.stdout is not None
    said = [process.stdout.readline().strip() for _ in range(30)]
    process.kill()
    said += [line.strip() for line in process.stdout if len(line) == 65]
    process.wait()

    inbox = Inbox(open_engine(f"sqlite:///{tmp_path}/inbox.db"), FolderBlobs(tmp_path / "blobs"))
    taken = {item.arrival.digest: item.read() for item in inbox.claim(100_000, NOON, 60)}

    assert set(said) <= set(taken)
    assert all(taken.values())


@pytest.mark.slow
def test_killed_while_it_reads_a_worker_leaves_its_mails_to_be_read_one_by_one(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    INBOX.create(engine)
    inbox = Inbox(engine, FolderBlobs(tmp_path / "blobs"))
    inbox.accept([incoming() for _ in range(3)])
    process = victim("claim", tmp_path)
    assert process.stdout is not None
    read = [process.stdout.readline().strip() for _ in range(3)]
    process.kill()
    process.wait()

    assert not inbox.claim(10, NOON, 60)
    assert inbox.bury("worker-1") == 3
    again = [inbox.claim(10, NOON, 60) for _ in range(3)]

    assert [[(item.arrival.id, item.tries) for item in batch] for batch in again] == [[(one, 2)] for one in read]


@pytest.mark.slow
def test_killed_while_it_moves_mail_to_the_blobs_no_mail_is_lost(tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    INBOX.create(engine)
    inbox = Inbox(engine, FolderBlobs(tmp_path / "blobs"))
    mails = [incoming() for _ in range(3)]
    inbox.accept(mails)
    inbox.done([mail.arrival.id for mail in mails])

    assert victim("move", tmp_path).wait(30) == -9
    assert [inbox.raw_of(mail.arrival.digest) for mail in mails] == [mail.raw for mail in mails]
    assert inbox.move_to_blobs() == 3
    assert [inbox.raw_of(mail.arrival.digest) for mail in mails] == [mail.raw for mail in mails]


def test_raw_mail_that_nobody_keeps_is_forgotten_and_what_waits_is_not(inbox: Inbox, blobs: FolderBlobs):
    mails = [incoming(b"read"), incoming(b"given up"), incoming(b"waits"), incoming(b"w" * (SMALL_BYTES + 1))]
    inbox.accept(mails)
    inbox.done([mails[0].arrival.id])
    inbox.move_to_blobs()
    inbox.give_up(mails[1].arrival.id, "no")
    for _ in range(2):
        inbox.forget_raw([mail.arrival.digest for mail in mails])
    assert [inbox.raw_of(mail.arrival.digest) for mail in mails] == [None, None, mails[2].raw, mails[3].raw]
    assert inbox.given_up() == []

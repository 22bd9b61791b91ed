"""Raw mail in a bucket: the same promises as in a folder; a bucket that does not answer is trouble that passes."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgate.blobs import open_blobs
from mailgate.errors import ConfigError, TryLater
from mailgate.store.engine import open_engine
from mailgate.store.inbox import INBOX, Inbox
from tests.serve.daemon import mail, running
from tests.store.buckets import Bucket, bucket
from tests.store.samples import NOON, incoming

pytestmark = pytest.mark.slow
DATA = b"From: a@b.example\r\n\r\nhello"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def mails() -> Iterator[Bucket]:
    with bucket() as found:
        yield found


def test_what_is_put_can_be_read_and_removed(mails: Bucket):
    blobs = open_blobs(mails.url)
    assert blobs.get(DIGEST) is None
    blobs.put(DIGEST, DATA)
    blobs.put(DIGEST, DATA)
    assert (blobs.get(DIGEST), blobs.has(DIGEST)) == (DATA, True)
    keys = [one["Key"] for one in mails.client.list_objects_v2(Bucket="mails")["Contents"]]
    assert keys == [f"desk one/{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}"]
    blobs.remove(DIGEST)
    blobs.remove(DIGEST)
    assert (blobs.get(DIGEST), blobs.has(DIGEST)) == (None, False)


def test_many_and_large_ones_come_back_as_they_went(mails: Bucket):
    blobs = open_blobs(mails.url)
    many = [(hashlib.sha256(data).hexdigest(), data) for data in (bytes([n]) * 50_000 * n for n in range(40))]
    blobs.put_all(many)
    assert all(blobs.get(digest) == data for digest, data in many)


def test_a_bucket_that_does_not_answer_is_trouble_that_passes(mails: Bucket, tmp_path: Path):
    engine = open_engine(f"sqlite:///{tmp_path}/inbox.db")
    INBOX.create(engine)
    inbox = Inbox(engine, open_blobs(mails.url))
    small = incoming(b"Subject: small\r\n\r\n")
    inbox.accept([small])
    mails.stop()
    with pytest.raises(TryLater, match="bucket"):
        inbox.accept([incoming(b"x" * 300_000)])
    inbox.done([taken.arrival.id for taken in inbox.claim(10, NOON, 60)])
    with pytest.raises(TryLater, match="bucket"):
        inbox.move_to_blobs()
    mails.start()
    mails.client.create_bucket(Bucket="mails")
    assert inbox.move_to_blobs() == 1
    assert inbox.raw_of(small.arrival.digest) == b"Subject: small\r\n\r\n"


def test_a_bucket_that_is_not_there_is_trouble_that_passes(mails: Bucket):
    with pytest.raises(TryLater, match="bucket"):
        open_blobs(mails.url.replace("//mails", "//others")).put(DIGEST, DATA)


def test_a_daemon_keeps_its_mail_there(mails: Bucket, tmp_path: Path):
    with running(tmp_path, MAILGATE_BLOBS__URL=mails.url) as daemon:
        daemon.send(mail("Hello.", sender="en@shop.example", subject="Slow site", message_id="q@shop.example"))
        daemon.wait_for(lambda: daemon.letters("en@shop.example"))
        daemon.wait_for(lambda: mails.client.list_objects_v2(Bucket="mails").get("Contents"))
        daemon.send(mail("x" * 300_000, sender="en@shop.example", subject="Large one", message_id="r@shop.example"))
        daemon.wait_for(lambda: len(daemon.letters("en@shop.example")) == 2)


@pytest.mark.parametrize("url", ["s3://mails/x?nonsense=1", "s3://", "s3:///x", "ftp://x/y"])
def test_an_address_that_cannot_be_meant_is_a_matter_of_configuration(url: str):
    with pytest.raises(ConfigError, match=r"blobs\.url"):
        open_blobs(url)

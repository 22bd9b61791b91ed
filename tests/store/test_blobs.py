"""Blobs: whole or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from mailgate.blobs import FolderBlobs, MemoryBlobs, open_blobs
from mailgate.errors import ConfigError, TryLater

DATA = b"From: a@b.example\r\n\r\nhello"
DIGEST = hashlib.sha256(DATA).hexdigest()


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_what_is_put_can_be_read_and_removed(kind: str, tmp_path: Path):
    blobs = open_blobs(f"file://{tmp_path}/blobs" if kind == "folder" else "memory:")
    assert blobs.get(DIGEST) is None
    blobs.put(DIGEST, DATA)
    blobs.put(DIGEST, DATA)
    assert (blobs.get(DIGEST), blobs.has(DIGEST)) == (DATA, True)
    blobs.remove(DIGEST)
    blobs.remove(DIGEST)
    assert (blobs.get(DIGEST), blobs.has(DIGEST)) == (None, False)


def test_nothing_but_whole_files_is_left(tmp_path: Path):
    blobs = FolderBlobs(tmp_path / "a b" / "blobs")
    blobs.put_all([(DIGEST, DATA), ("0" * 64, b"other")])
    files = sorted(path.relative_to(blobs.path) for path in blobs.path.rglob("*") if path.is_file())
    assert files == sorted([Path(DIGEST[:2], DIGEST[2:4], DIGEST), Path("00", "00", "0" * 64)])


def test_others_cannot_read_them(tmp_path: Path):
    blobs = FolderBlobs(tmp_path / "blobs")
    blobs.put(DIGEST, DATA)
    assert not any(path.stat().st_mode & 0o077 for path in (tmp_path / "blobs").rglob("*"))


def test_what_a_crash_left_of_a_file_is_not_taken_for_one(tmp_path: Path):
    blobs = FolderBlobs(tmp_path)
    (tmp_path / DIGEST[:2] / DIGEST[2:4]).mkdir(parents=True)
    (tmp_path / DIGEST[:2] / DIGEST[2:4] / f".{DIGEST}.1.1").write_bytes(DATA[:5])
    assert blobs.get(DIGEST) is None
    blobs.put(DIGEST, DATA)
    assert blobs.get(DIGEST) == DATA


@pytest.mark.parametrize("digest", ["../../etc/passwd", "", "A" * 64, "a" * 63])
def test_what_is_no_digest_is_no_file_name(digest: str, tmp_path: Path):
    with pytest.raises(ValueError, match="digest"):
        FolderBlobs(tmp_path).get(digest)


def test_a_place_that_cannot_be_written_is_trouble_of_ours(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    blobs = FolderBlobs(tmp_path / "file" / "blobs")
    with pytest.raises(TryLater):
        blobs.put(DIGEST, DATA)


@pytest.mark.parametrize("url", ["s3://", "http://x/y", "", "blobs", "file://elsewhere/x"])
def test_a_place_that_is_not_known_is_a_matter_of_configuration(url: str):
    with pytest.raises(ConfigError, match=r"blobs\.url"):
        open_blobs(url)


def test_memory_takes_several_at_once():
    blobs = MemoryBlobs()
    blobs.put_all([(DIGEST, DATA), (os.urandom(32).hex(), b"")])
    assert blobs.get(DIGEST) == DATA

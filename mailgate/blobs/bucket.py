"""Raw mail in a bucket of S3 or of a server that speaks its protocol, through obstore."""

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from mailgate.errors import ConfigError, TryLater

if TYPE_CHECKING:
    from obstore.store import S3Store

AT_ONCE = 8
_SAID = ("endpoint", "region", "virtual_hosted_style_request")


class BucketBlobs:
    """Blobs as objects `prefix/ab/cd/abcd…`. An object is there whole or not at all: that is the protocol's promise."""

    def __init__(self, store: "S3Store") -> None:
        self._store = store

    def put(self, digest: str, data: bytes) -> None:
        """Keep `data`; when this returns the store has it. Putting the same again changes nothing."""
        import obstore

        with _temporary("written"):
            obstore.put(self._store, _key(digest), data)

    def put_all(self, blobs: Iterable[tuple[str, bytes]]) -> None:
        """Keep them all, some at a time."""
        wanted = list(blobs)
        if len(wanted) == 1:
            self.put(*wanted[0])
        elif wanted:
            with ThreadPoolExecutor(min(AT_ONCE, len(wanted))) as pool:
                for done in [pool.submit(self.put, digest, data) for digest, data in wanted]:
                    done.result()

    def get(self, digest: str) -> bytes | None:
        """Return the bytes, or None where there are none of that digest."""
        import obstore

        with _temporary("read"):
            try:
                return bytes(obstore.get(self._store, _key(digest)).bytes())
            except FileNotFoundError:
                return None

    def has(self, digest: str) -> bool:
        """Say whether it is there."""
        import obstore

        with _temporary("read"):
            try:
                obstore.head(self._store, _key(digest))
            except FileNotFoundError:
                return False
            return True

    def remove(self, digest: str) -> None:
        """Forget it, if it is there."""
        import obstore

        with _temporary("written"):
            try:
                obstore.delete(self._store, _key(digest))
            except FileNotFoundError:
                return


def open_bucket(url: str) -> BucketBlobs:
    """Return the blobs at `s3://bucket/prefix`, or `…?endpoint=https://host&region=r` of a server of one's own.

    Keys come from the environment, as every tool for S3 reads them: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_ENDPOINT_URL, AWS_REGION, or what the machine's role gives. Raises ConfigError; connects to nothing yet.
    """
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise ConfigError(["blobs.url: a bucket needs obstore; install mailgate[s3]"]) from error
    parts = urlsplit(url)
    said: dict[str, Any] = dict(parse_qsl(parts.query))
    if unknown := [name for name in said if name not in _SAID]:
        raise ConfigError([f"blobs.url: {url!r}: {unknown[0]} is not known (allowed: {', '.join(_SAID)})"])
    is_plain = said.get("endpoint", "").startswith("http://")
    try:
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            client_options={
                "connect_timeout": "3s",
                "timeout": "15s",
                **({"allow_http": True} if is_plain or _endpoint_is_plain() else {}),
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=20)},
            **said,
        )
    except (BaseError, ValueError) as error:
        raise ConfigError([f"blobs.url: {url!r}: {_first_line(error)}"]) from error
    return BucketBlobs(store)


def _endpoint_is_plain() -> bool:
    return os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")


def _key(digest: str) -> str:
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise ValueError(f"no SHA-256 digest: {digest!r}")
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


@contextmanager
def _temporary(what: str) -> Iterator[None]:
    """Trouble of the bucket is ours and passes."""
    from obstore.exceptions import BaseError

    try:
        yield
    except (BaseError, OSError) as error:
        raise TryLater(f"the bucket cannot be {what}: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]

"""A server of S3's protocol, of our own, on loopback."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
from moto.server import ThreadedMotoServer

KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}


@dataclass
class Bucket:
    """A bucket on a server that can be stopped and started again on the same port."""

    server: ThreadedMotoServer
    port: int

    @property
    def url(self) -> str:
        return f"s3://mails/desk one?endpoint=http://127.0.0.1:{self.port}"

    @property
    def client(self):  # type: ignore[no-untyped-def]
        return boto3.client(
            "s3", endpoint_url=f"http://127.0.0.1:{self.port}", region_name="us-east-1", aws_access_key_id="test",
            aws_secret_access_key="test",
        )  # fmt: skip

    def stop(self) -> None:
        self.server.stop()

    def start(self) -> None:
        self.server = ThreadedMotoServer(ip_address="127.0.0.1", port=self.port, verbose=False)
        self.server.start()


@contextmanager
def bucket() -> Iterator[Bucket]:
    """Give an empty bucket."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    found = Bucket(server, port)
    before = {name: os.environ.get(name) for name in KEYS}
    os.environ.update(KEYS)
    try:
        found.client.create_bucket(Bucket="mails")
        yield found
    finally:
        found.stop()
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})

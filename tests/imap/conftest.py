"""One Dovecot for all tests of this folder, and the token server that it asks."""

from collections.abc import Iterator

import pytest

from tests.imap.dovecot import Dovecot, running
from tests.imap.token_server import TokenServer


@pytest.fixture(scope="session")
def token_server() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot(token_server: TokenServer) -> Iterator[Dovecot]:
    with running(token_server.url) as server:
        yield server

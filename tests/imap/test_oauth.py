"""The refresh grant of RFC 6749 against a token server of the tests."""

import asyncio
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mailgate.blobs import FolderBlobs
from mailgate.errors import ConfigError, Refused, TryLater
from mailgate.intake.door import Recipients
from mailgate.intake.imap import ImapFetcher
from mailgate.intake.imap_oauth import AccessTokens
from mailgate.model.settings import ImapSettings
from mailgate.store.engine import open_engine
from mailgate.store.fetched import Ledger
from mailgate.store.inbox import Inbox
from tests.imap.token_server import TokenServer


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with TokenServer() as server:
        yield server


def oauth(server: TokenServer, **more: str) -> dict[str, str]:
    return {"token_url": server.url + "/token", "client_id": "me", "refresh_token": "refresh-1", **more}


async def test_a_token_is_asked_for_once_and_again_before_it_ends(server: TokenServer):
    now = [0.0]
    tokens = AccessTokens(oauth(server, client_secret="s", scope="imap"), now=lambda: now[0])
    assert [await tokens.get(), await tokens.get()] == ["token-1", "token-1"]
    now[0] = 3600 - 119
    assert await tokens.get() == "token-2"
    assert server.asked[0] == {
        "grant_type": "refresh_token", "refresh_token": "refresh-1", "client_id": "me", "client_secret": "s",
        "scope": "imap",
    }  # fmt: skip


async def test_a_token_that_the_mail_server_refused_is_not_used_again(server: TokenServer):
    tokens = AccessTokens(oauth(server))
    assert await tokens.get() == "token-1"
    tokens.forget()
    assert await tokens.get() == "token-2"


async def test_a_new_refresh_token_replaces_the_old_one_in_its_file(server: TokenServer, tmp_path: Path):
    server.rotates = True
    file = tmp_path / "token"
    file.write_text("refresh-1\n")
    tokens = AccessTokens(oauth(server, refresh_token_file=str(file)))
    await tokens.get()
    assert file.read_text() == "refresh-101\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    tokens.forget()
    assert await tokens.get() == "token-2"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((400, {"error": "invalid_grant"}), Refused),
        ((401, {"error": "invalid_client"}), Refused),
        ((400, {"error": "temporarily_unavailable"}), TryLater),
        ((503, b"<html>"), TryLater),
        ((200, b"not json"), TryLater),
        ((200, [1]), TryLater),
        ((200, {"token_type": "Bearer"}), TryLater),
        ((200, {"access_token": "a", "token_type": "mac"}), TryLater),
        ((200, {"access_token": "Ж", "token_type": "Bearer"}), TryLater),
        ((302, {}), TryLater),
    ],
)
async def test_what_cannot_be_used_is_told_apart_from_what_passes(server: TokenServer, answer: Any, error: type):
    server.answers.append(answer)
    with pytest.raises(error) as caught:
        await AccessTokens(oauth(server)).get()
    assert "refresh-1" not in str(caught.value)


async def test_a_server_that_is_not_there_passes():
    with pytest.raises(TryLater):
        await AccessTokens({"token_url": "http://127.0.0.1:9/", "client_id": "c", "refresh_token": "r"}).get()


def test_secrets_are_posted_over_tls_alone():
    with pytest.raises(ConfigError):
        AccessTokens({"token_url": "http://login.example/", "client_id": "c", "refresh_token": "r"})


@pytest.mark.parametrize(("answer", "seconds"), [("7776000", 7776000.0), (60, 60.0), (None, None), ("soon", None)])
async def test_how_long_the_refresh_token_is_good_is_read_where_it_is_told(
    server: TokenServer, answer: Any, seconds: Any
):
    body = {"access_token": "a", "token_type": "Bearer", "refresh_token_expires_in": answer}
    server.answers.append((200, body))
    tokens = AccessTokens(oauth(server))
    await tokens.get()
    assert tokens.refresh_token_seconds == seconds


async def test_a_refused_grant_is_told_as_such_and_not_as_a_dead_mailbox(server: TokenServer, tmp_path: Path):
    told: list[tuple[Any, ...]] = []
    async with greeting() as port:
        fetcher = a_fetcher(port, oauth(server), tmp_path, told)
        server.answers.append((400, {"error": "invalid_grant"}))
        await fetcher._attempt()
        await fetcher._attempt()  # the mail server hangs up, which is no matter of the grant
    assert [one[0] for one in told] == ["grant", "grant"]
    assert "invalid_grant" in told[0][2]
    assert told[1][2:] == ("", None)


@asynccontextmanager
async def greeting() -> AsyncIterator[int]:
    """A mail server that greets, says what it can, and hangs up when somebody logs in."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        can = b"CAPABILITY IMAP4rev1 AUTH=XOAUTH2"
        writer.write(b"* OK hello\r\n")
        while b"CAPABILITY" in (line := await reader.readline()):
            writer.write(b"* " + can + b"\r\n" + line.split()[0] + b" OK done\r\n")
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


def a_fetcher(port: int, oauth: dict[str, str], folder: Path, told: list[tuple[Any, ...]]) -> ImapFetcher:
    settings = ImapSettings(url=f"imap://me@127.0.0.1:{port}/INBOX", mailbox="support@flexihost.example", oauth=oauth)
    inbox = Inbox(open_engine(f"sqlite:///{folder}/i.db"), FolderBlobs(folder / "blobs"))
    ledger = Ledger(open_engine(f"sqlite:///{folder}/i.db"), inbox)
    return ImapFetcher(
        settings, Recipients({}), ledger, str, size_limit=1000, tell=lambda *state: told.append(("mailbox", *state)),
        tell_of_grant=lambda *state: told.append(("grant", *state)),
    )  # fmt: skip

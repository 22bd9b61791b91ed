"""The refresh grant of RFC 6749 against a token server of the tests."""

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mailgate.errors import ConfigError, Refused, TryLater
from mailgate.intake.imap_oauth import AccessTokens
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

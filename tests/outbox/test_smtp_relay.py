"""The SMTP relay: what the other side says becomes a value."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult

from mailgate.errors import ConfigError
from mailgate.intake.session import tls_context
from mailgate.model.settings import RelaySettings
from mailgate.outbox.maildir import MaildirRelay
from mailgate.outbox.relay import Parcel, Refused, Sent, Unreachable
from mailgate.outbox.smtp import SmtpAddress, SmtpRelay
from mailgate.outbox.ways import open_relay
from tests.certificates import make_certificate
from tests.outbox.relays import Scripted, relay_server

pytestmark = pytest.mark.timeout(30)
PARCEL = Parcel(
    id="1", message_id="1@a.example", envelope_from="s+t@a.example", to="o@b.example", raw=b"Subject: x\r\n\r\n.hi\r\n"
)


@pytest.fixture(params=[(), ("PIPELINING",)], ids=["in turns", "pipelined"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Scripted]:
    async with relay_server() as scripted:
        scripted.extensions += request.param
        yield scripted


@pytest.fixture
async def relay(server: Scripted) -> AsyncIterator[SmtpRelay]:
    made = SmtpRelay(SmtpAddress(host="127.0.0.1", port=server.port, seconds=0.5))
    yield made
    await made.close()


async def test_a_letter_arrives_with_its_envelope(server: Scripted, relay: SmtpRelay):
    assert await relay.send(PARCEL) == Sent(text="kept")
    assert server.mails == [("<s+t@a.example>", "<o@b.example>", PARCEL.raw)]


async def test_the_null_sender_is_sent_as_such(server: Scripted, relay: SmtpRelay):
    await relay.send(replace(PARCEL, envelope_from=""))
    assert server.mails[0][0] == "<>"


async def test_a_connection_is_used_again(server: Scripted, relay: SmtpRelay):
    for _ in range(5):
        await relay.send(PARCEL)
    assert (len(server.mails), server.connections) == (5, 1)


async def test_letters_at_once_go_over_connections_of_their_own(server: Scripted, relay: SmtpRelay):
    assert await asyncio.gather(*(relay.send(PARCEL) for _ in range(3))) == [Sent(text="kept")] * 3
    assert server.connections == 3
    await relay.send(PARCEL)
    assert server.connections == 3


async def test_a_connection_that_died_idle_is_replaced_unseen(server: Scripted, relay: SmtpRelay):
    await relay.send(PARCEL)
    server.script("MAIL", "")
    assert isinstance(await relay.send(PARCEL), Sent)
    assert (len(server.mails), server.connections) == (2, 2)


async def test_eight_bit_is_announced_where_the_relay_knows_it(server: Scripted, relay: SmtpRelay):
    await relay.send(replace(PARCEL, raw="Subject: x\r\n\r\nпривіт\r\n".encode()))
    await relay.send(PARCEL)
    assert server.options == ["BODY=8BITMIME", ""]


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "END"])
@pytest.mark.parametrize(
    ("reply", "permanent"),
    [("550 5.1.1 no such user", True), ("450 4.2.1 busy", False), ("552 5.2.2 full", True), ("451 later", False)],
)
async def test_a_refusal_of_the_letter_is_for_good_or_for_now(
    server: Scripted, relay: SmtpRelay, verb: str, reply: str, permanent: bool
):
    server.script(verb, reply)
    assert await relay.send(PARCEL) == Refused(code=int(reply[:3]), text=reply, is_permanent=permanent)
    assert isinstance(await relay.send(PARCEL), Sent)
    assert server.connections == 1


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("CONNECT", "554 5.7.1 not you"),
        ("CONNECT", "421 4.3.2 down"),
        ("CONNECT", ""),
        ("CONNECT", "wait"),
        ("MAIL", "421 4.4.2 timeout"),
        ("MAIL", "530 5.7.0 sign in first"),
        ("RCPT", "421 4.7.0 too much"),
        ("MAIL", "wait"),
        ("RCPT", ""),
    ],
)
async def test_trouble_of_the_session_is_no_letters_fault(server: Scripted, relay: SmtpRelay, verb: str, reply: str):
    server.script(verb, reply)
    assert isinstance(await relay.send(PARCEL), Unreachable)
    assert isinstance(await relay.send(PARCEL), Sent)


async def test_nobody_there_is_unreachable(server: Scripted):
    relay = SmtpRelay(SmtpAddress(host="127.0.0.1", port=1, seconds=1))
    assert isinstance(await relay.send(PARCEL), Unreachable)


@pytest.mark.parametrize("reply", ["", "wait"])
async def test_no_answer_after_the_letter_is_a_refusal_for_now(server: Scripted, relay: SmtpRelay, reply: str):
    server.script("END", reply)
    result = await relay.send(PARCEL)
    assert isinstance(result, Refused)
    assert (result.code, result.is_permanent) == (0, False)
    assert len(server.mails) == 1


async def test_an_address_beyond_ascii_needs_a_relay_that_takes_it(server: Scripted, relay: SmtpRelay):
    result = await relay.send(replace(PARCEL, to="олена@b.example"))
    assert isinstance(result, Refused)
    assert result.is_permanent
    await relay.close()
    server.extensions = ("SMTPUTF8", "8BITMIME")
    assert isinstance(await relay.send(replace(PARCEL, to="олена@b.example")), Sent)
    assert server.mails[-1][1] == "<олена@b.example>"
    assert "SMTPUTF8" in server.options[-1]


async def test_a_domain_beyond_ascii_is_written_in_ascii(server: Scripted, relay: SmtpRelay):
    assert isinstance(await relay.send(replace(PARCEL, to="o@bücher.example")), Sent)
    assert server.mails[0][1] == "<o@xn--bcher-kva.example>"


class Inbox:
    def __init__(self) -> None:
        self.mails: list[tuple[Any, Any]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append((session.ssl is not None, session.authenticated))
        return "250 ok"


async def signed_in_server(folder: Path, password: bytes) -> tuple[asyncio.Server, Inbox, str]:
    certificate, key = make_certificate(folder)
    inbox, context = Inbox(), tls_context(certificate, key)

    def authenticate(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == password, handled=False)

    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="relay", tls_context=context, authenticator=authenticate, auth_required=True),
        "127.0.0.1",
        0,
    )
    return server, inbox, certificate


async def test_a_password_goes_over_tls_to_a_proven_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    server, inbox, certificate = await signed_in_server(tmp_path, b"secret")
    port = server.sockets[0].getsockname()[1]
    settings = RelaySettings(url=f"smtp://user@127.0.0.1:{port}", password="secret")
    assert isinstance(await open_relay(settings).send(PARCEL), Unreachable)
    assert not inbox.mails

    monkeypatch.setenv("SSL_CERT_FILE", certificate)
    relay = open_relay(settings)
    assert isinstance(await relay.send(PARCEL), Sent)
    assert inbox.mails == [(True, True)]
    assert isinstance(await open_relay(replace(settings, password="wrong")).send(PARCEL), Unreachable)
    await relay.close()
    server.close()


async def test_without_a_password_any_certificate_is_better_than_none(tmp_path: Path):
    certificate, key = make_certificate(tmp_path)
    inbox = Inbox()
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(inbox, hostname="relay", tls_context=tls_context(certificate, key)), "127.0.0.1", 0
    )
    port = server.sockets[0].getsockname()[1]
    assert isinstance(await open_relay(RelaySettings(url=f"smtp://127.0.0.1:{port}")).send(PARCEL), Sent)
    assert isinstance(await open_relay(RelaySettings(url=f"smtp://127.0.0.1:{port}?tls=off")).send(PARCEL), Sent)
    required = RelaySettings(url=f"smtp://127.0.0.1:{port}?tls=required")
    assert isinstance(await open_relay(required).send(PARCEL), Unreachable)
    assert inbox.mails == [(True, None), (False, None)]
    server.close()


def test_the_url_names_the_way_out():
    assert isinstance(open_relay(RelaySettings(url="maildir:/a/b%20c")), MaildirRelay)
    assert isinstance(open_relay(RelaySettings(url="smtps://u@host")), SmtpRelay)


@pytest.mark.parametrize("url", ["", "host:25", "smtp://", "smtp://h:x", "http://h", "maildir:", "smtp://h?tls=maybe"])
def test_another_url_is_a_matter_of_configuration(url: str):
    with pytest.raises(ConfigError, match=r"relay\.url"):
        open_relay(RelaySettings(url=url))


async def test_a_maildir_takes_a_letter_once_however_often_it_is_sent(tmp_path: Path):
    relay = MaildirRelay(tmp_path / "out")
    for _ in range(2):
        assert isinstance(await relay.send(PARCEL), Sent)
    [file] = (tmp_path / "out" / "new").iterdir()
    assert file.read_bytes() == b"Return-Path: <s+t@a.example>\r\nDelivered-To: o@b.example\r\n" + PARCEL.raw
    file.rename(tmp_path / "out" / "cur" / f"{file.name}:2,S")
    await relay.send(PARCEL)
    assert not list((tmp_path / "out" / "new").iterdir())
    assert not list((tmp_path / "out" / "tmp").iterdir())
    await relay.send(replace(PARCEL, id="2"))
    assert len(list((tmp_path / "out" / "new").iterdir())) == 1


async def test_a_maildir_that_cannot_be_written_is_unreachable(tmp_path: Path):
    (tmp_path / "out").write_bytes(b"")
    assert isinstance(await MaildirRelay(tmp_path / "out").send(PARCEL), Unreachable)

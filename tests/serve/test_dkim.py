"""A key in the configuration, and what stands at the relay then: a letter that dkimpy verifies."""

import queue
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dkim
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.serve.daemon import mail, running
from tests.verdicts.keys import KEY, RECORD


class Sink:
    """A relay that keeps what it gets, byte for byte."""

    def __init__(self) -> None:
        self.mails: queue.Queue[bytes] = queue.Queue()

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        self.mails.put(envelope.content)
        return "250 kept"


@pytest.fixture
def sink() -> Iterator[tuple[Sink, int]]:
    handler = Sink()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    yield handler, port
    controller.stop()


def relayed(folder: Path, sink: tuple[Sink, int], **environ: str) -> bytes:
    handler, port = sink
    with running(folder, MAILGATE_RELAY__URL=f"smtp://127.0.0.1:{port}", **environ) as daemon:
        question = "Привіт, сайт shop.example повільний.\n.\nДякую!"
        daemon.send(mail(question, sender="uk@shop.example", subject="Сайт повільний", message_id="1@shop.example"))
        while True:
            raw = handler.mails.get(timeout=30)
            if b"uk@shop.example" in raw.partition(b"\r\n\r\n")[0]:
                return raw


def verdict(raw: bytes) -> bool:
    def answer(name: Any, timeout: int = 5) -> bytes:
        assert bytes(name) == b"s._domainkey.firma.example."
        return RECORD

    return bool(dkim.verify(raw, dnsfunc=answer))


def test_a_letter_is_signed_with_the_configured_key(tmp_path: Path, sink: tuple[Sink, int]):
    key = tmp_path / "dkim.pem"
    key.write_bytes(KEY)
    raw = relayed(
        tmp_path / "desk", sink, MAILGATE_RELAY__DKIM_DOMAIN="firma.example", MAILGATE_RELAY__DKIM_SELECTOR="s",
        MAILGATE_RELAY__DKIM_KEY_FILE=str(key),
    )  # fmt: skip
    assert raw.startswith(b"DKIM-Signature:")
    assert verdict(raw)
    assert not verdict(raw.replace(b"Auto-Submitted: auto-replied", b"Auto-Submitted: no"))
    assert not verdict(raw.replace(b"\r\n\r\n", b"\r\n\r\nAnd pay to another account.\r\n", 1))
    assert not verdict(b"Reply-To: evil@x.example\r\n" + raw)


def test_without_a_key_nothing_is_signed(tmp_path: Path, sink: tuple[Sink, int]):
    assert b"dkim-signature" not in relayed(tmp_path / "desk", sink).lower()


def test_a_key_that_is_none_ends_the_start_with_the_name_of_its_setting(tmp_path: Path):
    key = tmp_path / "dkim.pem"
    key.write_text("nonsense")
    with (
        pytest.raises(AssertionError, match=r"dkim_key"),
        running(
            tmp_path / "desk", MAILGATE_RELAY__DKIM_DOMAIN="firma.example", MAILGATE_RELAY__DKIM_SELECTOR="s",
            MAILGATE_RELAY__DKIM_KEY_FILE=str(key),
        ),
    ):  # fmt: skip
        pass

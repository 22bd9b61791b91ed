"""What a desk in a root of Debian has come to: asked of its commands, of Postfix, and of the folder of its letters."""

import json
import time
from collections.abc import Callable
from typing import Any

from tests.install.debian_root import DebianRoot

CONFIG = "/etc/mailgate/mailgate.toml"
AS_MAILGATE = f"MAILGATE_CONFIG={CONFIG} runuser -u mailgate -- mailgate"


def logs(root: DebianRoot) -> str:
    return root.run("journalctl --no-pager -n 60; ls /run/mailgate; tail -n 30 /var/log/stand-in/*").out


def until(what: Callable[[], Any], root: DebianRoot, seconds: float = 30) -> Any:
    """Return what `what` returns, once it is something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what} came to nothing\n{logs(root)}")


def rows(root: DebianRoot, words: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in root.must(f"{AS_MAILGATE} {words} --json").splitlines()]


def ticket(root: DebianRoot, number: int) -> dict[str, Any]:
    return rows(root, f"ticket show {number}")[0]


def subjects(root: DebianRoot) -> set[str]:
    return {str(row["subject"]) for row in rows(root, "ticket list")}


def letters(root: DebianRoot) -> list[str]:
    return [file.read_text() for file in (root.folder / "var/lib/mailgate/outgoing/new").glob("*")]


def smtp(root: DebianRoot, lines: str) -> str:
    """Talk to Postfix at its port, `relay` being the connection; return what is printed."""
    program = f"import smtplib\nrelay = smtplib.SMTP('127.0.0.1', 25, timeout=20)\n{lines}\nrelay.quit()\n"
    root.write("/root/talk.py", program)
    return root.must("python3 /root/talk.py")


def from_outside(root: DebianRoot, sender: str, to: str, raw: bytes) -> None:
    """Hand a mail to Postfix as a server of somebody else's would, which Postfix lets this test say."""
    root.must("postconf -e smtpd_authorized_xclient_hosts=127.0.0.1 && postfix reload")
    (root.folder / "root/mail").write_bytes(raw)
    smtp(
        root,
        "relay.ehlo()\n"
        "assert relay.docmd('XCLIENT', 'ADDR=192.0.2.7 NAME=mail.elsewhere.example')[0] == 220\n"
        "relay.ehlo('mail.elsewhere.example')\n"
        f"relay.sendmail('{sender}', ['{to}'], open('/root/mail', 'rb').read())",
    )

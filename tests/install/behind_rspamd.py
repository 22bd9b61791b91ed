"""rspamd in front of an installed desk, as docs/providers.md has it: what it says of a mail counts (S2)."""

import json
import re
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import dkim

from tests.install.asking import AS_MAILGATE, from_outside, rows, ticket, until
from tests.install.debian_root import ROOT, DebianRoot
from tests.install.document import Command, steps_of
from tests.verdicts.keys import KEY

ANNA, OLGA, TO = "anna@team.example", "olga@shop.example", "support@desk.example"
_TAG = re.compile(r"\[desk #(\d+)\]")
PYTHON = "/usr/lib/mailgate/bin/python3"
# the domains of those who write: keys and policies; who takes their mail is not said, so letters to them wait
_NAMES = """
import pathlib, threading
from tests.nameserver import NameServer
from tests.verdicts.keys import RECORD
records = {}
for domain in ("team.example", "shop.example"):
    records |= {f"s._domainkey.{domain}": RECORD, f"_dmarc.{domain}": b"v=DMARC1; p=reject", domain: "servfail"}
with NameServer(records, port=53):
    pathlib.Path("/run/names").touch()
    threading.Event().wait()
"""


def somebody_answers_for_the_world(root: DebianRoot) -> None:
    """A name server in the root, which every program there asks from now on; apt would find no mirror any more."""
    root.write("/root/names.py", _NAMES)
    root.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    root.must(f"PYTHONPATH=. nohup {PYTHON} /root/names.py >/root/names.log 2>&1 &")
    until(lambda: root.run("[ -e /run/names ]").code == 0, root)
    root.must("systemctl restart rspamd postfix mailgate")
    # its first start takes 11 s of CPU before it listens; until then Postfix does without it
    until(lambda: root.run("exec 3<>/dev/tcp/127.0.0.1/11332").code == 0, root, seconds=180)


def mail(sender: str, subject: str, text: str, *, is_signed: bool = True, **more: str) -> bytes:
    message, domain = EmailMessage(), sender.rpartition("@")[2].rstrip(">")
    message["From"], message["To"], message["Subject"] = sender, TO, subject
    message["Message-ID"] = f"<{time.time_ns()}@{domain}>"
    message["Date"] = format_datetime(datetime.now(UTC))
    for name, value in more.items():
        message[name.replace("_", "-")] = value
    message.set_content(text)
    raw = message.as_bytes().replace(b"\n", b"\r\n")
    return bytes(dkim.sign(raw, b"s", domain.encode(), KEY)) + raw if is_signed else raw


def what_rspamd_says_counts(root: DebianRoot) -> None:
    """A customer's signed mail, a colleague's, one that somebody has written in the colleague's name, and a reply by token."""
    somebody_answers_for_the_world(root)
    from_outside(root, OLGA, TO, mail(OLGA, "Behind rspamd", "Since noon it is slow."))
    (opened,) = until(lambda: [one for one in rows(root, "ticket list") if one["subject"] == "Behind rspamd"], root)
    number = opened["number"]
    tagged = f"Re: [desk #{number}] Behind rspamd"
    from_outside(root, ANNA, TO, mail(ANNA, tagged, "Written by nobody of ours.", is_signed=False))
    until(lambda: rows(root, "held list"), root)
    from_outside(root, ANNA, TO, mail(ANNA, tagged, "It is fast again."))
    until(lambda: ticket(root, number)["status"] == "waiting", root)
    asked, answered = ticket(root, number)["messages"]
    assert (answered["kind"], answered["visible_text"].strip()) == ("staff", "It is fast again.")
    for one in (asked, answered):
        said = root.must(f"{AS_MAILGATE} trace '{one['message_id']}'")
        assert "pass by mail.desk.example" in said, said
    _a_reply_by_token_comes_through(root)
    until(lambda: {10001, number} <= _relayed(root), root, seconds=90)


def _a_reply_by_token_comes_through(root: DebianRoot) -> None:
    """As the document lets Anna answer, from the machine itself."""
    steps = steps_of((ROOT / "docs/install.md").read_text(encoding="utf-8"), "6. The way out")
    typed = [
        step.text for step in steps if isinstance(step, Command) and step.text.startswith(("notice=", "to=", "printf"))
    ]
    assert len(typed) == 3
    for text in typed:
        root.must(
            text.replace("/mailgate/outgoing", "/mailgate*/outgoing").replace("It works again.", "And it stays so.")
        )
    until(lambda: "And it stays so." in ticket(root, 10001)["messages"][-1]["visible_text"], root)
    assert ticket(root, 10001)["messages"][-1]["kind"] == "staff"


def _relayed(root: DebianRoot) -> set[int]:
    """Return the tickets of which Postfix has an answer for Olga in its queue: nobody takes her mail here."""
    ids = [one["queue_id"] for line in root.must("postqueue -j").splitlines() for one in [json.loads(line)]
           if any(to["address"] == OLGA for to in one["recipients"])]  # fmt: skip
    texts = [root.must(f"postcat -q {id_}") for id_ in ids]
    wanted = ("And it stays so.", "It is fast again.")
    return {int(found[1]) for text in texts if any(one in text for one in wanted) and (found := _TAG.search(text))}

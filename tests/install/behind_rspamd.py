"""rspamd in front of an installed desk, as docs/providers.md has it: what it says of a mail counts (S2)."""

import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

import dkim

from tests.install.asking import AS_MAILGATE, from_outside, rows, ticket, until
from tests.install.debian_root import DebianRoot
from tests.verdicts.keys import KEY

ANNA, OLGA, TO = "anna@team.example", "olga@shop.example", "support@desk.example"
PYTHON = "/usr/lib/mailgate/bin/python3"
# the domains of those who write: keys and policies; who takes their mail is not said, so letters to them wait
_NAMES = """
import threading
from tests.nameserver import NameServer
from tests.verdicts.keys import RECORD
records = {}
for domain in ("team.example", "shop.example"):
    records |= {f"s._domainkey.{domain}": RECORD, f"_dmarc.{domain}": b"v=DMARC1; p=reject", domain: "servfail"}
with NameServer(records, port=53):
    threading.Event().wait()
"""


def somebody_answers_for_the_world(root: DebianRoot) -> None:
    """A name server in the root, which every program there asks from now on; apt would find no mirror any more."""
    root.write("/root/names.py", _NAMES)
    root.write("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    root.must(f"PYTHONPATH=. nohup {PYTHON} /root/names.py >/root/names.log 2>&1 &")
    time.sleep(1)
    root.must("systemctl restart rspamd postfix mailgate")


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
    """A customer's signed mail, a colleague's, and one that somebody has written in the colleague's name."""
    from_outside(root, OLGA, TO, mail(OLGA, "Behind rspamd", "Since noon it is slow."))
    (opened,) = until(lambda: [one for one in rows(root, "ticket list") if one["subject"] == "Behind rspamd"], root)
    said = root.must(f"{AS_MAILGATE} trace '{ticket(root, opened['number'])['messages'][0]['message_id']}'")
    print(said)
    assert "S2" in said
    tagged = f"Re: [desk #{opened['number']}] Behind rspamd"
    from_outside(root, ANNA, TO, mail(ANNA, tagged, "Written by nobody of ours.", is_signed=False))
    until(lambda: rows(root, "held list"), root)
    from_outside(root, ANNA, TO, mail(ANNA, tagged, "It is fast again."))
    until(lambda: ticket(root, opened["number"])["status"] == "waiting", root)
    texts = [
        one["visible_text"].strip() for one in ticket(root, opened["number"])["messages"] if one["kind"] == "staff"
    ]
    assert texts == ["It is fast again."]
    until(lambda: root.must("postqueue -j").count(OLGA) >= 2, root, seconds=90)

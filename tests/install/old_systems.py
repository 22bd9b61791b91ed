"""What a desk had before: customers in WHMCS's tables on Debian's MariaDB, tickets in Debian's Request Tracker 5."""

import json
import mailbox
import re
from typing import Any

from tests.accounts.panels import PANELS
from tests.install.asking import from_outside, rows, ticket, until
from tests.install.behind_rspamd import ANNA, TO, mail
from tests.install.debian_root import ROOT, DebianRoot
from tests.takeover.tracker import site_of

PASSWORD = "geheim-42"
SEAN = "sean@shop.example"  # client 12 of the tables
_PACKAGES = "mariadb-server postgresql rt5-db-postgresql request-tracker5"
_RT = "cd /root/rt && RT_SITE_CONFIG=/root/rt/site.pm RT_SITE_CONFIG_DIR=/root/rt/site.d TMPDIR=/root/rt/tmp"
_QUESTION = "From: Sean <sean@shop.example>\nTo: {to}\nSubject: {subject}\nMessage-ID: <{id}@shop.example>\n\n{text}\n"
OLD = 2


def somebody_has_whmcs_and_rt(root: DebianRoot) -> None:
    """Debian's servers as its packages start them; RT plays two tickets, and answers one by mail."""
    root.must("echo request-tracker5 request-tracker5/dbconfig-install boolean false | debconf-set-selections")
    ran = root.run(f"apt-get install -y --no-install-recommends {_PACKAGES}", seconds=900)
    print(f"$ apt-get install {_PACKAGES}   [{ran.seconds:.0f} s]", flush=True)
    assert ran.code == 0, ran.out[-2000:]
    root.must("service mariadb start; pg_ctlcluster $(pg_lsclusters -h | cut -d ' ' -f 1,2) start || true")
    _fill_whmcs(root)
    _fill_rt(root)


def _fill_whmcs(root: DebianRoot) -> None:
    tables = PANELS["whmcs"][0].replace("books@shop.example", "accounts@shop.example")  # which is Olga's here
    reader = _sql_of("accounts.md")
    script = f"CREATE DATABASE whmcs CHARACTER SET utf8mb4; USE whmcs;\n{tables};\n{reader}\n"
    root.write("/root/whmcs.sql", script)
    root.must("mariadb --default-character-set=utf8mb4 < /root/whmcs.sql")


def _fill_rt(root: DebianRoot) -> None:
    for sub in ("site.d", "tmp"):
        (root.folder / "root/rt" / sub).mkdir(parents=True)
    root.write("/root/rt/site.pm", site_of("flexihost", "127.0.0.1", "postgres"))
    root.must("cd / && runuser -u postgres -- psql -c \"ALTER USER postgres PASSWORD 'x'\"")
    root.must(f"{_RT} rt-setup-database-5 --action init --dba postgres --dba-password x </dev/null", seconds=600)
    root.write("/root/rt/reader.sql", _sql_of("takeover.md"))
    root.must("cd / && runuser -u postgres -- psql -v ON_ERROR_STOP=1 rt5", typed=_sql_of("takeover.md"))
    answer = (
        f"From: {ANNA}\nTo: {TO}\nSubject: Re: [flexihost #{OLD}] Old site shows 502\nMessage-ID: <a1@team.example>\n"
        f"In-Reply-To: <old@shop.example>\n\nIt works again.\n"
    )
    steps: list[dict[str, Any]] = [
        {"do": "queue", "name": "General", "address": TO},
        {"do": "queue", "name": "Billing", "address": "billing@desk.example"},
        {"do": "everyone", "rights": ["CreateTicket", "ReplyToTicket"]},
        {"do": "staff", "name": "anna", "real": "Anna Berg", "address": ANNA},
        {"do": "mail", "queue": "Billing", "mail": _QUESTION.format(
            to="billing@desk.example", subject="Bill", id="bill", text="What is it for?")},
        {"do": "mail", "queue": "General", "mail": _QUESTION.format(
            to=TO, subject="Old site shows 502", id="old", text="Since noon.")},
        {"do": "mail", "queue": "General", "mail": answer},
    ]  # fmt: skip
    root.write("/root/rt/steps", "".join(json.dumps(step) + "\n" for step in steps))
    said = root.must(f"{_RT}; perl /root/mailgate/tests/takeover/play.pl < steps", seconds=300)
    assert [json.loads(line)["result"] for line in said.splitlines()][-3:] == ["1", "2", "2"], said


def _sql_of(page: str) -> str:
    """Return the lines with which the page makes a user that may read, with our password."""
    blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0].replace("…", PASSWORD))


def clients_and_old_tickets_are_known(root: DebianRoot) -> None:
    """A client of WHMCS's writes, and answers what RT sent; both mails are signed as a provider's are."""
    from_outside(root, SEAN, TO, mail(f"Sean <{SEAN}>", "Another site", "It is slow."))
    (opened,) = until(lambda: [one for one in rows(root, "ticket list") if one["subject"] == "Another site"], root)
    assert (opened["account"], opened["requestor"]) == ("12", SEAN)
    (file,) = (root.folder / "var/lib/request-tracker5").glob("*.mbox")
    sent = next(one for one in mailbox.mbox(file) if "It works again." in str(one))
    reply = mail(
        f"Sean <{SEAN}>", f"Re: {sent['Subject']}", "It is broken again.", In_Reply_To=sent["Message-ID"],
        References=f"{sent['References'] or ''} {sent['Message-ID']}".strip(),
    )  # fmt: skip
    from_outside(root, SEAN, TO, reply)
    until(lambda: ticket(root, OLD)["messages"][-1]["visible_text"].strip() == "It is broken again.", root)
    landed = ticket(root, OLD)
    assert [one["kind"] for one in landed["messages"]] == ["customer", "staff", "customer"]
    assert (landed["status"], landed["account"]) == ("open", "12")

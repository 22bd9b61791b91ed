"""The documents, word by word, on a Debian that nobody has touched: every command and every setting as it stands there.

docs/install.md, then a desk that takes over (docs/takeover.md), then rspamd in front of it (docs/providers.md).

After each section the desk is asked whether it works. `-s` shows what was typed and how long it took.
"""

import json
import os
import re
import time
from collections.abc import Callable, Iterator
from email.header import Header
from pathlib import Path

import pytest

from tests.install import behind_rspamd, old_systems
from tests.install.asking import AS_MAILGATE, CONFIG, letters, logs, rows, smtp, subjects, ticket, until
from tests.install.debian_root import RELEASES, CannotBuild, DebianRoot, cache_folder, copy_checkout, debian_root
from tests.install.document import Block, Command, steps_of, with_settings

ROOT = Path(__file__).resolve().parents[2]
CHECKOUT = "/root/mailgate"
NEWEST, QUARTER_OF_AN_HOUR = RELEASES[-1], 900
ENCODED = "Сайт не відкривається"
NAMES = "imap.desk.example board.desk.example whmcs.desk.example rt.desk.example"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server("debootstrap"),
    pytest.mark.timeout(1200),
    pytest.mark.skipif(not os.environ.get("MAILGATE_TEST_INSTALL"), reason="takes minutes: make install-test"),
]


@pytest.fixture(params=RELEASES)
def root(request: pytest.FixtureRequest) -> Iterator[DebianRoot]:
    """A clean root of a release with the checkout in it, and what the document takes for granted."""
    if os.getuid() != 0:
        pytest.skip("a root of Debian can be made by root alone")
    begun = time.monotonic()
    try:
        with debian_root(
            cache_folder(),
            request.param,
            "mail.desk.example",
            stand_in=os.environ["MAILGATE_TEST_INSTALL"] == "stand-in",
        ) as made:
            _prepare(made)
            runs = (
                "systemd runs in it" if made.has_systemd else "no systemd runs in it: a stand-in starts what units say"
            )
            print(f"\na clean {request.param} after {time.monotonic() - begun:.0f} s; {runs}", flush=True)
            yield made
    except CannotBuild as error:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(str(error))


def _prepare(root: DebianRoot) -> None:
    root.write(
        "/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 mail.desk.example mail\n127.0.0.1 {NAMES}\n::1 localhost\n"
    )
    root.write("/etc/mailname", "desk.example\n")  # the answer to what the package postfix asks
    copy_checkout(root, CHECKOUT)


def test_the_document_followed_word_by_word_makes_a_desk_that_works(root: DebianRoot):
    begun = time.monotonic()
    typed = _follow_page(root, "install.md", begun)
    if root.release == NEWEST:
        typed += _follow_page(root, "takeover.md", begun, "Example: a desk with WHMCS and Request Tracker")
    typed += _follow_page(root, "providers.md", begun, "Postfix with rspamd")
    print(f"\nfollowed in {time.monotonic() - begun:.0f} s, of which commands took {typed:.0f} s", flush=True)
    assert typed < QUARTER_OF_AN_HOUR
    _nothing_is_left_after_a_purge(root)


def _follow_page(root: DebianRoot, page: str, begun: float, only: str = "") -> float:
    """Do all that the page says, or a section of it; return how many seconds its commands took."""
    seconds = 0.0
    steps = steps_of((ROOT / "docs" / page).read_text(encoding="utf-8"), only)
    sections = list(dict.fromkeys(step.section for step in steps))
    titles = {section: re.sub(r"^\d+\. ", "", section) for section in sections}
    assert {title for known, title in (*BEFORE, *AFTER) if known == page} <= set(titles.values())
    for section, title in titles.items():
        print(f"\n## {section} ({time.monotonic() - begun:.0f} s)", flush=True)
        BEFORE.get((page, title), _nothing)(root)
        for step in (step for step in steps if step.section == section):
            seconds += _follow(root, step, page)
        AFTER.get((page, title), _nothing)(root)
    return seconds


@pytest.mark.parametrize("root", RELEASES[:1], indirect=True)
def test_the_way_without_a_package_leads_to_the_same_program(root: DebianRoot):
    root.must("apt-get update")
    root.must("apt-get install -y python3-venv")
    _follow_page(root, "install-pip.md", time.monotonic())
    root.must("mailgate init /etc/mailgate && systemd-tmpfiles --create mailgate.conf")
    assert root.must(f"{AS_MAILGATE} config check").startswith("ok")
    assert root.exists("/usr/local/share/man/man1/mailgate-ticket.1.gz")
    assert "ticket" in root.must(_COMPLETED)


# what bash offers after `mailgate ti` and Tab
_OFFERS = ". /usr/share/bash-completion/completions/mailgate"
_COMPLETED = _OFFERS + "; COMP_WORDS=(mailgate ti) COMP_CWORD=1; _mailgate; echo ${COMPREPLY[*]}"


def _nothing_is_left_after_a_purge(root: DebianRoot) -> None:
    root.must("apt-get purge -y mailgate")
    for path in ("/usr/lib/mailgate", "/usr/bin/mailgate", "/etc/mailgate", "/var/lib/mailgate"):
        assert not root.exists(path), path


def _the_package_starts_nothing_and_is_whole(root: DebianRoot) -> None:
    assert not root.exists("/etc/mailgate/mailgate.toml")
    assert not root.must("find /proc -maxdepth 1 -user mailgate")
    assert "ticket" in root.must(_COMPLETED)
    assert root.exists("/usr/share/man/man1/mailgate-ticket.1.gz")
    ran = root.run("apt-get install -y --no-install-recommends lintian")
    assert ran.code == 0, ran.out[-2000:]
    said = root.run("lintian --fail-on error dist/mailgate_*.deb")
    print(said.out[-3000:])
    assert said.code == 0


def _nothing(root: DebianRoot) -> None:
    """Most sections need nothing else."""


def _follow(root: DebianRoot, step: Command | Block, page: str) -> float:
    """Do a step; return the seconds that it took."""
    if isinstance(step, Block):
        _put(root, step, page)
        return 0.0
    if page == "install.md" and any(
        word in step.text for word in ("mailgate ticket list", "/outgoing/new/")
    ):  # "within seconds"
        until(lambda: len(letters(root)) >= 2, root)
    typed = f"{old_systems.PASSWORD}\n" if "/dev/stdin" in step.text else ""
    ran = root.run(step.text, typed=typed)
    print(f"$ {step.text}   [{ran.seconds:.1f} s]", flush=True)
    is_long = step.text.startswith("apt-get ") or "pip install" in step.text or step.text == "make deb"
    print("".join(f"  {line}\n" for line in ran.out.splitlines()[-3 if is_long else -20 :]), end="", flush=True)
    assert ran.code == 0, f"docs/{page}:{step.line}: {step.text}\n{ran.out[-3000:]}\n{logs(root)}"
    if step.text.endswith("mailgate doctor"):
        assert "WRONG" not in ran.out
    return ran.seconds


def _put(root: DebianRoot, block: Block, page: str) -> None:
    if block.text.startswith("[imap.oauth]"):
        _try_instead_of_a_password(root, block)
    elif block.language == "toml":
        root.write(block.path, with_settings(root.read(block.path), block.text))
    else:
        assert not root.exists(block.path), f"docs/{page}:{block.line}: {block.path} would be overwritten"
        root.write(block.path, block.text)
    print(f"→ {block.path} (line {block.line})", flush=True)


def _try_instead_of_a_password(root: DebianRoot, block: Block) -> None:
    """What the document shows for other people's providers is a configuration; there is no such provider here."""
    kept = [line for line in root.read(CONFIG).splitlines() if not line.startswith("password_file")]
    root.must("cp -a /etc/mailgate /root/oauth && echo x | tee /root/oauth/oauth-secret /var/lib/mailgate/oauth-token")
    root.write("/root/oauth/mailgate.toml", "\n".join(kept) + "\n" + block.text)
    assert root.must("mailgate --config /root/oauth/mailgate.toml config check").startswith("ok")
    root.must("rm -r /root/oauth /var/lib/mailgate/oauth-token")


def _the_service_runs_as_its_user(root: DebianRoot) -> None:
    assert "mailgate" in root.must("ps -o user= -C mailgate || stat -c %U /var/lib/mailgate/mailgate.db")
    assert root.must("stat -c '%U:%G %a' /run/mailgate/lmtp").strip() == "mailgate:mailgate 660"
    assert root.must("stat -c '%U:%G %a' /etc/mailgate/secret /etc/mailgate").split("\n")[:2] == [
        "root:mailgate 640", "root:mailgate 750",
    ]  # fmt: skip


def _mail_by_lmtp_became_a_ticket_with_an_ack(root: DebianRoot) -> None:
    until(lambda: len(letters(root)) >= 2, root)
    ack = next(letter for letter in letters(root) if "Delivered-To: olga@shop.example" in letter)
    assert "Subject: [desk #10001] Site shows 502" in ack
    assert any("Delivered-To: anna@team.example" in letter for letter in letters(root))
    trace = rows(root, "ticket list")
    assert [row["number"] for row in trace] == [10001]
    said = smtp(
        root,
        "for to in ('support', 'support+r123', 'billing', 'olga'):\n"
        "    relay.mail('olga@shop.example')\n"
        "    print(to, *relay.rcpt(f'{to}@desk.example'))\n"
        "    relay.rset()",
    )
    codes = dict(line.split()[:2] for line in said.splitlines())
    assert codes == {"support": "250", "support+r123": "250", "billing": "250", "olga": "550"}
    assert "SIZE 26000000" in smtp(root, "print(relay.ehlo()[1].decode())")


def _encoded_words_are_read(root: DebianRoot) -> None:
    """By the Python that the release ships; what programs of mail write around any letter beyond ASCII."""
    new = Header(ENCODED, "utf-8").encode()
    reply = "=?utf-8?q?Re=3A_=5Bdesk_=2310001=5D_?= =?utf-8?b?U2l0ZSBzaG93cyA1MDI=?="
    for subject in (new, reply):
        text = (
            "From: Olga <olga@shop.example>\\r\\nTo: support@desk.example\\r\\n"
            f"Subject: {subject}\\r\\n\\r\\nPlease look: {subject[-9:]}\\r\\n"
        )
        smtp(root, f"relay.sendmail('olga@shop.example', ['support@desk.example'], '{text}')")
    until(lambda: ENCODED in subjects(root), root)
    until(
        lambda: sum("Please look" in one["visible_text"] for one in ticket(root, 10001)["messages"]),
        root,
    )
    assert subjects(root) == {"Site shows 502", "Invoice 7", ENCODED}


def _letters_leave_by_postfix(root: DebianRoot) -> None:
    before = len(letters(root))
    text = "From: Olga <books@shop.example>\\r\\nTo: billing@desk.example\\r\\nSubject: Invoice 7\\r\\n\\r\\nIt is wrong.\\r\\n"
    smtp(root, f"relay.sendmail('books@shop.example', ['billing@desk.example'], '{text}')")
    until(lambda: "Invoice 7" in subjects(root), root)  # until then she is in the queue as the sender
    until(lambda: "books@shop.example" in root.must("postqueue -j"), root)
    assert len(letters(root)) == before
    _a_staff_reply_reaches_the_customer(root)
    _encoded_words_are_read(root)


def _a_staff_reply_reaches_the_customer(root: DebianRoot) -> None:
    """By the reply token alone: there is no filter, no DNS, and nobody signs."""
    until(lambda: ticket(root, 10001)["status"] == "waiting", root)
    assert [one["kind"] for one in ticket(root, 10001)["messages"] if one["from"] == "anna@team.example"] == ["staff"]
    until(lambda: root.must("postqueue -j").count("olga@shop.example") >= 1, root, seconds=90)
    assert rows(root, "held list") == []


def _somebody_has_an_imap_server(root: DebianRoot) -> None:
    """A Dovecot with the mailbox, its folder Done, a letter in it, and a certificate that the root believes."""
    ran = root.run("apt-get install -y --no-install-recommends dovecot-imapd")
    assert ran.code == 0, ran.out[-2000:]
    _certificate(root, "imap.desk.example", "/etc/dovecot/imap")
    users = f"support@desk.example:{{PLAIN}}{old_systems.PASSWORD}:1500:1500::/srv/imap/support::\n"
    root.write("/etc/dovecot/users", users)
    is_23 = root.must("dovecot --version").startswith("2.3.")
    root.write("/etc/dovecot/dovecot.conf", _DOVECOT_23 if is_23 else _DOVECOT_24)
    root.must("groupadd -g 1500 vmail; useradd -u 1500 -g 1500 vmail")
    letter = "From: Olga <olga@shop.example>\nTo: support@desk.example\nSubject: By IMAP\nMessage-ID: <i1@shop.example>\n\nHello?\n"
    root.write("/srv/imap/support/Maildir/new/1.letter", letter)
    root.must(
        "cd /srv/imap/support/Maildir; mkdir -p cur tmp .Done/cur .Done/new .Done/tmp; chown -R vmail:vmail /srv/imap"
    )
    root.must("systemctl restart dovecot")


_DOVECOT_24 = """
dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_server_cert_file = /etc/dovecot/imap.pem
ssl_server_key_file = /etc/dovecot/imap.key
log_path = /var/log/dovecot.log
mail_driver = maildir
mail_path = ~/Maildir
namespace inbox {
  inbox = yes
  separator = .
}
passdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
userdb passwd-file {
  passwd_file_path = /etc/dovecot/users
}
"""
_DOVECOT_23 = """
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = </etc/dovecot/imap.pem
ssl_key = </etc/dovecot/imap.key
log_path = /var/log/dovecot.log
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
"""


def _certificate(root: DebianRoot, name: str, stem: str) -> None:
    """Make one that the root's programs believe."""
    root.must(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30"
        f" -subj /CN={name} -addext subjectAltName=DNS:{name} -keyout {stem}.key -out {stem}.pem"
    )
    root.must(f"cp {stem}.pem /usr/local/share/ca-certificates/{name}.crt && update-ca-certificates")


def _mail_was_fetched_and_moved(root: DebianRoot) -> None:
    until(lambda: "By IMAP" in subjects(root), root)
    done = root.folder / "srv/imap/support/Maildir/.Done"
    until(lambda: [*done.glob("cur/*"), *done.glob("new/*")], root)
    assert not [*done.parent.glob("cur/*"), *done.parent.glob("new/*")]


def _somebody_has_a_certificate(root: DebianRoot) -> None:
    folder = "/etc/letsencrypt/live/board.desk.example"
    root.must(f"mkdir -p {folder}")
    _certificate(root, "board.desk.example", f"{folder}/made")
    root.must(f"cd {folder} && mv made.pem fullchain.pem && mv made.key privkey.pem")


def _the_board_is_served(root: DebianRoot) -> None:
    program = (
        "import urllib.request, urllib.error\n"
        "for path in ('/', '/metrics'):\n"
        "    try:\n"
        "        print(path, urllib.request.urlopen('https://board.desk.example' + path, timeout=20).status)\n"
        "    except urllib.error.HTTPError as error:\n"
        "        print(path, error.code)\n"
    )
    root.write("/root/get.py", program)
    said = until(lambda: (ran := root.run("python3 /root/get.py")).code == 0 and ran.out, root)
    assert said.splitlines() == ["/ 200", "/metrics 403"]


def _what_was_there_is_there_again(root: DebianRoot) -> None:
    assert subjects(root) == {"Site shows 502", ENCODED, "Invoice 7", "By IMAP"}
    assert root.exists("/var/lib/mailgate.before/mailgate.db")
    assert "WRONG" not in root.must(f"{AS_MAILGATE} doctor")


def _the_upgraded_desk_takes_mail(root: DebianRoot) -> None:
    text = "From: Olga <olga@shop.example>\\r\\nTo: support@desk.example\\r\\nSubject: Afterwards\\r\\n\\r\\nStill there?\\r\\n"
    smtp(root, f"relay.sendmail('olga@shop.example', ['support@desk.example'], '{text}')")
    until(lambda: "Afterwards" in subjects(root), root)
    if root.has_systemd:
        _a_killed_service_is_started_again(root)


def _a_killed_service_is_started_again(root: DebianRoot) -> None:
    """The door by LMTP is open all the while: the socket is systemd's."""
    root.must("systemctl kill --signal=KILL mailgate.service")
    text = "From: Olga <olga@shop.example>\\r\\nTo: support@desk.example\\r\\nSubject: Once more\\r\\n\\r\\nStill there?\\r\\n"
    smtp(root, f"relay.sendmail('olga@shop.example', ['support@desk.example'], '{text}')")
    until(lambda: "Once more" in subjects(root), root)
    assert root.must("systemctl show --value -p NRestarts mailgate.service").strip() == "1"
    assert json.loads(root.must("postqueue -j | grep -c support@desk.example || true")) == 0


def _strict_tls_takes_it(root: DebianRoot) -> None:
    assert "imap.pem: OK" in root.must("openssl verify -x509_strict -CAfile ca.pem imap.pem")


BEFORE: dict[tuple[str, str], Callable[[DebianRoot], None]] = {
    ("install.md", "A mailbox elsewhere, by IMAP"): _somebody_has_an_imap_server,
    ("install.md", "The web port"): _somebody_has_a_certificate,
    ("takeover.md", "Example: a desk with WHMCS and Request Tracker"): old_systems.somebody_has_whmcs_and_rt,
}
AFTER: dict[tuple[str, str], Callable[[DebianRoot], None]] = {
    ("install.md", "The program"): _the_package_starts_nothing_and_is_whole,
    ("install.md", "The service"): _the_service_runs_as_its_user,
    ("install.md", "Postfix in front, by LMTP"): _mail_by_lmtp_became_a_ticket_with_an_ack,
    ("install.md", "The way out"): _letters_leave_by_postfix,
    ("install.md", "A mailbox elsewhere, by IMAP"): _mail_was_fetched_and_moved,
    ("install.md", "The web port"): _the_board_is_served,
    ("install.md", "Backup"): _what_was_there_is_there_again,
    ("install.md", "Upgrade"): _the_upgraded_desk_takes_mail,
    ("install.md", "A CA of your own"): _strict_tls_takes_it,
    ("takeover.md", "Example: a desk with WHMCS and Request Tracker"): old_systems.clients_and_old_tickets_are_known,
    ("providers.md", "Postfix with rspamd"): behind_rspamd.what_rspamd_says_counts,
}

"""Print what would happen to a mail now, and why. Changes nothing."""

import argparse
import hashlib
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

from sqlalchemy.engine import make_url

from mailgate import app, config
from mailgate.cli.printing import print_json
from mailgate.errors import Refused
from mailgate.intake.door import Recipients
from mailgate.intake.pipe import sender_of
from mailgate.model.arrival import Arrival
from mailgate.model.decision import Decision, LeaveOut, Reason, Send
from mailgate.model.mail import Mail
from mailgate.model.quick import replace
from mailgate.model.settings import Settings
from mailgate.parse import LimitExceeded
from mailgate.store import schema
from mailgate.verdicts.asking import Asker

_ASKING_SECONDS = 5.0  # for DNS, rspamd and clamd together
_FACTS = ("outcome", "queue", "priority", "request", "class", "language")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate explain` takes."""
    parser.add_argument("file", metavar="FILE", help="a mail; - is stdin")
    parser.add_argument(
        "--to", metavar="ADDRESS", help="the mailbox it came to (default: the first desk address in To or Cc)"
    )
    parser.add_argument(
        "--from", dest="sender", metavar="ADDRESS", help="the envelope sender (default: Return-Path, else From)"
    )
    parser.add_argument(
        "--auth", choices=("pass", "fail", "none"), help="as though the desk's mail server had said so of it"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(args: argparse.Namespace) -> int:
    """Explain one mail."""
    raw = _read(args.file)
    built = _look(config.load(args.config, os.environ))
    try:
        decision = explain(built, raw, to=args.to, sender=args.sender, auth=args.auth)
    finally:
        built.close()
    shown = {**decision.as_received(), "sent": _letters(decision)}
    if args.json:
        print_json(shown)
    else:
        _print(shown, decision)
    return 0


def explain(
    built: app.Built, raw: bytes, *, to: str | None, sender: str | None = None, auth: str | None = None
) -> Decision:
    """Return what would become of the mail, as though it came from a trusted server just now. Raises Refused where it
    is for nobody here."""
    try:
        mail = built.house.read(raw)
    except LimitExceeded as error:
        reason = Reason(rule="I7", verdict="quarantined", because=f"exceeds a limit: {error}")
        return Decision(outcome="quarantined", reasons=(reason,))
    desk, recipient = _mailbox(built.settings, mail, to)
    if auth is not None:
        raw = _vouched(raw, mail, built.settings.desks[desk].authserv_ids, auth)
    envelope = sender if sender is not None else sender_of(raw)
    arrival = Arrival(
        id=built.ids(), desk=desk, channel="smtp", received_at=built.house.clock(), size=len(raw),
        digest=hashlib.sha256(raw).hexdigest(), recipients=(recipient,), peer="127.0.0.1", is_trusted=True,
        envelope_from=envelope if envelope is not None else (mail.from_[0].address if mail.from_ else None),
    )  # fmt: skip
    asker = Asker(built.settings, seconds=_ASKING_SECONDS)
    try:
        arrival = replace(arrival, verdicts=asker.ask(arrival, raw, mail))
    finally:
        asker.close()
    return built.house.explain(arrival, raw)


def _look(settings: Settings) -> app.Built:
    """Return a house to look at; a database that is not there yet is an empty one, and is not made."""
    address = make_url(settings.database_url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        built = app.Built(replace(settings, database_url="sqlite://"))
        built.upgrade()
        return built
    built = app.Built(settings)
    schema.require(built.engine)
    return built


def _read(file: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise Refused(f"{file}: {error.strerror or error}") from error


def _mailbox(settings: Settings, mail: Mail, to: str | None) -> tuple[str, str]:
    """Return the desk and the recipient."""
    recipients = Recipients.of(settings)
    named = [to] if to else [one.address for one in (*mail.to, *mail.cc)]
    for address in named:
        if desk := recipients.desk_of(address):
            return desk, address.lower()
    mailboxes = ", ".join(box.address for desk in settings.desks.values() for box in desk.mailboxes)
    said = f"{to} is no mailbox" if to else "neither To nor Cc names a mailbox of ours: say which with --to"
    raise Refused(f"{said} (there are {mailboxes})")


def _vouched(raw: bytes, mail: Mail, authserv_ids: tuple[str, ...], auth: str) -> bytes:
    """Put the verdict of the desk's own mail server on top; `none`: it said nothing of use."""
    if not authserv_ids or not mail.from_:
        return raw
    address = mail.from_[0].key
    domain = address.rpartition("@")[2]
    end = b"\r\n" if b"\r\n" in raw[:2000] else b"\n"
    verdict = f"dmarc={auth} header.from={domain}; dkim={auth} header.d={domain}; spf={auth} smtp.mailfrom={address}"
    line = (
        f"Authentication-Results: {authserv_ids[0]}; {verdict}"
        if auth != "none"
        else f"Authentication-Results: {authserv_ids[0]}; none"
    )
    return line.encode("utf-8", "replace") + end + raw


def _letters(decision: Decision) -> list[dict[str, Any]]:
    """Return what would be sent to whom, and what would be left out."""
    found = []
    for effect in decision.effects:
        if isinstance(effect, Send | LeaveOut):
            letter = effect.letter
            found.append({
                "kind": letter.kind, "to": letter.to, "language": letter.language, "not_before": letter.not_before,
                "left_out": effect.reason if isinstance(effect, LeaveOut) else None,
            })  # fmt: skip
    return found


def _print(shown: dict[str, Any], decision: Decision) -> None:
    for name in _FACTS:
        if shown[name]:
            print(f"{name:<10} {shown[name]}")
    number = "a new one" if shown["outcome"] in ("new", "split") else shown["ticket"]
    if number:
        print(f"ticket     {number}" + (f", from {shown['from_ticket']}" if shown["from_ticket"] else ""))
    who = decision.identity
    if who:
        account = f", account {who.account}" if who.account else ""
        print(f"writer     {who.address or 'nobody'}: {who.level}{account}; evidence {who.evidence}")
    for name in ("flags", "missing"):
        if shown[name]:
            print(f"{name:<10} {', '.join(shown[name])}")
    for key, value in shown["fields"].items():
        print(f"{key:<10} {value}")
    for step in shown["trace"]:
        print(f"\n{step['rule']}: {step['verdict']}.")
        if step["because"]:
            print(textwrap.fill(step["because"], 100, initial_indent="    ", subsequent_indent="    "))
    print("\nWould be sent:" if shown["sent"] else "\nNothing would be sent.")
    for letter in shown["sent"]:
        when = f", not before {letter['not_before']:%Y-%m-%d %H:%M} UTC" if letter["not_before"] else ""
        why = f", left out: {letter['left_out']}" if letter["left_out"] else ""
        print(f"    {letter['kind']} to {letter['to'] or 'nobody'} in {letter['language']}{when}{why}")

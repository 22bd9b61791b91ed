"""Announcements by hand (N4): to accounts by purpose address, once each, throttled; said again it goes on."""

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailgate.apply import apply
from mailgate.byhand.chosen import choose_desk
from mailgate.byhand.incidents import language_and_text
from mailgate.decide.announce import PURPOSES, Addressee, announcement, choose_addressees
from mailgate.errors import Refused
from mailgate.model.decision import Decision, Reason, Send
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.pipeline import House
from mailgate.store import people
from mailgate.store.announcements import failed_addresses, note_announced, read_announced
from mailgate.store.engine import reading, transaction
from mailgate.store.incidents import blocked_addresses

PER_SECOND = 10
_GROUP = 200

Progress = Callable[[int, int], None]
"""Is told how many letters of how many are written."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """An announcement and those who have not got it yet. `key` tells it from every other."""

    key: str
    desk: Desk
    purpose: str
    subjects: dict[str, str]
    texts: dict[str, str]
    addressees: tuple[Addressee, ...]
    done: int
    blocked: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `announce` takes."""
    parser.add_argument("--desk", help="needed where there are several")
    parser.add_argument("--purpose", required=True, choices=PURPOSES, help="which address of an account it goes to")
    parser.add_argument(
        "--account", action="append", default=[], metavar="NUMBER", help="this account alone, repeatable"
    )
    for name in ("--subject", "--text"):
        parser.add_argument(
            name, action="append", required=True, type=language_and_text, metavar="LANGUAGE=TEXT",
            help="in each language, as en='…', repeatable",
        )  # fmt: skip
    parser.add_argument("--name", default="", help="tells it from an earlier announcement with the same words")
    parser.add_argument("--dry-run", action="store_true", help="say who would get it, send nothing")


def perform(args: argparse.Namespace, house: House, on_progress: Progress = lambda done, total: None) -> list[str]:
    """Write the letters into the outbox, or say who would get one; return what to print."""
    plan = make_plan(args, house)
    if args.dry_run:
        lines = [f"{one.address}  {one.language}  account {one.account}  {one.because}" for one in plan.addressees]
        return [*lines, _summary(plan, "would be written to")]
    total, start = len(plan.addressees), house.clock()
    for place in range(0, total, _GROUP):
        _write(plan, place, plan.addressees[place : place + _GROUP], house, start)
        on_progress(min(total, place + _GROUP), total)
    return [_summary(plan, "is written to" if len(plan.addressees) == 1 else "are written to")]


def make_plan(args: argparse.Namespace, house: House) -> Plan:
    """Return who is to get the announcement and has not got it. Raises Refused where it cannot be meant."""
    desk = choose_desk(house.settings, args.desk)
    subjects, texts = dict(args.subject), dict(args.text)
    if set(subjects) != set(texts):
        odd = ", ".join(sorted(set(subjects) ^ set(texts)))
        raise Refused(f"a language needs both --subject and --text: {odd} has one of them")
    key = args.name or _key(desk.name, args.purpose, subjects, texts)
    with reading(house.engine) as connection:
        contacts = people.list_contacts(connection, desk.name, args.account)
        done, blocked = read_announced(connection, desk.name, key), blocked_addresses(connection, desk.name)
        failed = failed_addresses(connection, desk.name)
    missing = [number for number in args.account if number not in {one.account.number for one in contacts}]
    if missing:
        raise Refused(f"no account with an address: {', '.join(missing)}")
    today = house.clock().astimezone(desk.timezone).date()
    reached = [one for one in contacts if one.address not in failed]  # A6: the next of the same purpose instead
    chosen = choose_addressees(reached, args.purpose, list(texts), desk, today)
    return Plan(
        key=key, desk=desk, purpose=args.purpose, subjects=subjects, texts=texts,
        addressees=tuple(one for one in chosen if one.address not in done and one.address not in blocked),
        done=sum(one.address in done for one in chosen),
        blocked=tuple(one.address for one in chosen if one.address in blocked),
    )  # fmt: skip


def _write(plan: Plan, place: int, addressees: Sequence[Addressee], house: House, start: datetime) -> None:
    """Write letters `place` and following, ten of them for each second (N4), and remember them with it."""
    letters = [
        replace(
            announcement(one, plan.purpose, plan.desk, plan.subjects, plan.texts),
            not_before=start + timedelta(seconds=(place + offset) // PER_SECOND),
        )
        for offset, one in enumerate(addressees)
    ]
    with transaction(house.engine) as connection:
        # another run of the same announcement may have been quicker
        fresh = note_announced(connection, plan.desk.name, plan.key, [one.address for one in addressees], house.clock())
        decision = Decision(
            outcome=None, reasons=(Reason(rule="N4", verdict="announced"),), desk=plan.desk.name,
            effects=tuple(Send(letter=letter) for letter in letters if letter.to in fresh),
        )  # fmt: skip
        apply(connection, decision, house.tools, house.clock())


def _summary(plan: Plan, verb: str) -> str:
    seconds = (len(plan.addressees) - 1) // PER_SECOND if plan.addressees else 0
    count = len(plan.addressees)
    parts = [f"{count} address{'es' if count != 1 else ''} {verb}"]
    parts += [f"within {seconds} s"] if seconds else []
    parts += [f"{plan.done} have it already"] if plan.done else []
    parts += [f"blocked: {', '.join(plan.blocked)}"] if plan.blocked else []
    return "; ".join(parts)


def _key(desk: str, purpose: str, subjects: dict[str, str], texts: dict[str, str]) -> str:
    written = json.dumps([desk, purpose, sorted(subjects.items()), sorted(texts.items())])
    return hashlib.sha256(written.encode()).hexdigest()[:32]

"""`mailgate account sync`: accounts brought in from where they live (S10), and what that would change."""

import argparse
import sys
from collections.abc import Sequence

from mailgate.accounts.sync import Change, Outcome
from mailgate.app import Built
from mailgate.cli.options import progress
from mailgate.cli.printing import print_json
from mailgate.errors import MailgateError, Refused, TryLater
from mailgate.model.settings import AccountSource, Desk
from mailgate.operations.accounts import synchronise
from mailgate.operations.alarms import Alarms
from mailgate.store import accounts
from mailgate.store.engine import reading

_MOST_SHOWN = 50
_SIGNS = {"added": "+", "changed": "~", "ended": "-", "removed": "-"}


def sync(built: Built, args: argparse.Namespace) -> int:
    """Bring in what differs; 1 where a source could not be read, or holds what cannot be taken."""
    code = 0
    for desk, source in _chosen(built, args.desk, args.source):
        name = f"{desk.name}: {source.name}"
        try:
            outcome = _bring(built, desk, source, args)
        except TryLater as error:
            print(f"mailgate: {name}: {error}; nothing was changed", file=sys.stderr)
            code = 75 if code in (0, 75) else 1
            continue
        except MailgateError as error:
            print(f"mailgate: {name}: {error}", file=sys.stderr)
            code = 1
            continue
        _print(name, outcome, args)
        if outcome.complaints.count or outcome.blocked:
            code = 1
    return code


def print_history(built: Built, args: argparse.Namespace) -> None:
    """Print what happened to accounts, the newest first."""
    with reading(built.engine) as connection:
        events = accounts.events_of(connection, args.desk, args.number, args.limit)
    for event in events:
        if args.json:
            print_json({name: value for name, value in event.items() if name != "id"})
        else:
            change = Change(event["kind"], event["account"], event["address"], event["detail"])
            print(f"{event['at']:%Y-%m-%d %H:%M:%S}  {event['actor']:<20}  {event['kind']:<7}  {_line(change)[3:]}")
    if not events and not args.json:
        print("nothing has changed")


def _bring(built: Built, desk: Desk, source: AccountSource, args: argparse.Namespace) -> Outcome:
    """Read one source; a bar appears once it is known how much is to be written."""
    alarms = Alarms(built.house)
    with progress(f"{desk.name}: {source.name}", 10**6) as told:
        return synchronise(
            built.house, alarms, desk, source, is_trial=args.dry_run, is_forced=args.force,
            told=lambda done, total: told(done * 10**6 // max(1, total)),
        )  # fmt: skip


def _print(name: str, outcome: Outcome, args: argparse.Namespace) -> None:
    for change in outcome.changes:
        print_json(_keys(name, change)) if args.json else print(_line(change))
    for complaint in outcome.complaints.texts[:_MOST_SHOWN]:
        print(f"mailgate: {name}: {complaint}", file=sys.stderr)
    if outcome.complaints.count > _MOST_SHOWN:
        print(f"mailgate: {name}: and {outcome.complaints.count - _MOST_SHOWN} more", file=sys.stderr)
    if outcome.blocked:
        print(f"mailgate: {name}: {outcome.blocked.partition(':')[0]} (--force does it)", file=sys.stderr)
    if args.json:
        return
    if outcome.is_same:
        print(f"{name}: not changed since it was last read")
        return
    would = " would be" if args.dry_run else ""
    print(
        f"{name}: {outcome.contacts} contacts:{would} {outcome.added} added, {outcome.changed} changed, {outcome.ended}"
        f" ended, {outcome.same} as before"
        + (f"; {outcome.complaints.count} left out" if outcome.complaints.count else "")
    )


def _keys(name: str, change: Change) -> dict[str, object]:
    desk, _, source = name.partition(": ")
    return {
        "desk": desk, "source": source, "kind": change.kind, "account": change.account, "address": change.address,
        "detail": change.detail,
    }  # fmt: skip


def _line(change: Change) -> str:
    values = (
        f"{name} {_text(value[0])} → {_text(value[1])}" if change.kind == "changed" else f"{name} {_text(value)}"
        for name, value in change.detail.items()
    )
    return "  ".join((_SIGNS[change.kind], change.account, change.address or "(account)", *values))


def _text(value: object) -> str:
    if isinstance(value, list):
        return ";".join(map(str, value)) or "–"
    return str(value) if value else "–"


def _chosen(built: Built, desk: str | None, source: str | None) -> Sequence[tuple[Desk, AccountSource]]:
    """Return the sources that are meant. Raises Refused where there is none."""
    desks = built.settings.desks
    if desk is not None and desk not in desks:
        raise Refused(f"there is no desk {desk} (there are {', '.join(desks)})")
    there = [(one, each) for one in desks.values() if desk in (None, one.name) for each in one.accounts]
    found = [pair for pair in there if source in (None, pair[1].name)]
    if not there:
        raise Refused("no desk has a source of accounts: [[accounts]] in the desk file names one (docs/accounts.md)")
    if not found:
        raise Refused(f"there is no source {source} (there are {', '.join(one.name for _, one in there)})")
    return found

"""Tokens for the control panel's API: create, list, revoke."""

import argparse
import secrets
from datetime import UTC, date, datetime, timedelta

from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import add_config, add_desk, add_json, new_actions, opened
from mailgate.cli.printing import print_json, print_rows
from mailgate.config.kinds import seconds_of
from mailgate.errors import Refused
from mailgate.model.settings import Desk
from mailgate.store import tokens
from mailgate.store.engine import reading, transaction

_COLUMNS = ("id", "desk", "name", "created_at", "expires_at", "revoked_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate token` takes."""
    actions = new_actions(parser)
    create = actions.add_parser("create", help="print a new token; it is shown this once")
    create.add_argument("--name", default="", help="what it is for")
    create.add_argument(
        "--expires", metavar="WHEN", help="a date (2027-01-31) or a length of time (90d) after which it opens nothing"
    )
    listing = actions.add_parser("list", help="the tokens there are, without their secrets")
    listing.add_argument("--all", action="store_true", help="the revoked ones too")
    revoke = actions.add_parser("revoke", help="let it open nothing any more, at once")
    revoke.add_argument("id")
    add_desk(create, revoke)
    add_desk(listing, is_filter=True)
    add_json(create, listing)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        match args.action:
            case "create":
                _create(built, args)
            case "list":
                with reading(built.engine) as connection:
                    rows = tokens.list_tokens(connection, args.desk, is_open=not args.all)
                print_rows(rows, _COLUMNS, as_json=args.json, empty="no tokens")
            case _:
                _revoke(built, args)
    return 0


def _create(built: Built, args: argparse.Namespace) -> None:
    desk = choose_desk(built.settings, args.desk)
    token, id_, now = secrets.token_urlsafe(32), built.ids(), built.house.clock()
    expires_at = _expiry(args.expires, desk, now) if args.expires else None
    with transaction(built.engine) as connection:
        tokens.add_token(
            connection, id_=id_, desk=desk.name, token=token, name=args.name, at=now, expires_at=expires_at
        )  # fmt: skip
    if args.json:
        print_json({"id": id_, "desk": desk.name, "name": args.name, "expires_at": expires_at, "token": token})
    else:
        print(token)


def _expiry(text: str, desk: Desk, now: datetime) -> datetime:
    """Return when a token expires: after a length of time, or at the end of a day in the desk's zone."""
    try:
        day = date.fromisoformat(text) + timedelta(days=1)
        expiry = datetime(day.year, day.month, day.day, tzinfo=desk.timezone).astimezone(UTC)
    except ValueError:
        try:
            expiry = now + timedelta(seconds=seconds_of(text))
        except (ValueError, OverflowError):
            raise Refused(f"--expires {text}: allowed is a date such as 2027-01-31, or a length such as 90d") from None
    if expiry <= now:
        raise Refused(f"--expires {text}: that is past")
    return expiry


def _revoke(built: Built, args: argparse.Namespace) -> None:
    with transaction(built.engine) as connection:
        if not tokens.revoke_token(connection, args.id, args.desk, built.house.clock()):
            raise Refused(f"there is no token {args.id} to revoke; `mailgate token list` shows those there are")
    print(f"{args.id} revoked")

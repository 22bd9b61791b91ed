"""Held mail by hand (S4): accepted, it goes through the house again without its evidence; or rejected."""

import argparse
from typing import Any, Literal

from sqlalchemy import Connection

from mailgate.apply import apply
from mailgate.errors import Refused
from mailgate.model.decision import DecideHeld, Decision, Reason
from mailgate.pipeline import House
from mailgate.store import views
from mailgate.store.engine import transaction


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands that decide a held mail."""
    actions = parser.add_subparsers(dest="action", required=True)
    for name, help_ in (("accept", "let it through, as mail without evidence"), ("reject", "let nothing come of it")):
        one = actions.add_parser(name, help=help_)
        one.add_argument("id", nargs="?", help="as `held list` gives it; may be left out where one mail alone is held")


def perform(args: argparse.Namespace, house: House) -> list[str]:
    """Carry out one of them; return what to print."""
    return decide_held(house, args.id, "accepted" if args.action == "accept" else "rejected")


def decide_held(
    house: House, which: str | None, verdict: Literal["accepted", "rejected"], actor: str = "command line"
) -> list[str]:
    """Decide a held mail; an accepted one is taken up in the same transaction. Raises Refused where it cannot be."""
    with transaction(house.engine) as connection:
        row = _get(connection, which)
        decision = Decision(
            outcome=None, reasons=(Reason(rule="S4", verdict=verdict, because=f"by {actor}"),), desk=row["desk"],
            effects=(DecideHeld(held=row["id"], verdict=verdict, actor=actor),),
        )  # fmt: skip
        house.gatherer.forget_people()
        applied = apply(connection, decision, house.tools, house.clock())
        lines = [f"held mail {row['id']} of {row['from']} {verdict}"]
        for held in applied.released:
            for received in house.take_up(connection, held):
                number = received.shown["ticket"]
                lines.append(f"{received.shown['outcome']}" + (f", ticket {number}" if number else ""))
    return lines


def _get(connection: Connection, which: str | None) -> dict[str, Any]:
    if which is None:
        found = views.list_held(connection)
        if len(found) != 1:
            raise Refused(f"{len(found)} mails are held: say which, by the id that `mailgate held list` gives")
        return found[0]
    row = views.find_held(connection, which)
    if row is None:
        raise Refused(f"there is no held mail {which}; `mailgate held list` shows those there are")
    if row["state"] != "held":
        raise Refused(f"held mail {which} is {row['state']} already")
    return row

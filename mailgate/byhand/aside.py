"""Mail that was set aside, by hand (M9): released, it is an ordinary mail."""

import argparse
import json
from typing import Any

from sqlalchemy import Connection, select, update

from mailgate.apply import apply
from mailgate.decide.guards import decide_mail
from mailgate.errors import Refused
from mailgate.model.decision import Reason
from mailgate.model.quick import replace
from mailgate.pipeline import House, Received, trace_of
from mailgate.store import views
from mailgate.store.engine import transaction
from mailgate.store.inbox import arrival_from_json
from mailgate.store.tables import ARRIVAL

_OF_MACHINES = {
    "loop": "our own mail come back", "report": "a receipt or report", "bounce": "a delivery report",
    "auto_reply": "an automatic reply", "probe": "our own test mail",
}  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands that decide what was set aside."""
    actions = parser.add_subparsers(dest="action", required=True)
    one = actions.add_parser("release", help="let it through, as an ordinary mail")
    one.add_argument("id", help="as `aside list` gives it")


def perform(args: argparse.Namespace, house: House) -> list[str]:
    """Carry out one of them; return what to print."""
    return release(house, args.id)


def release(house: House, which: str, actor: str = "command line") -> list[str]:
    """Let a mail through that was set aside; return what to say. Refused where nobody could want that, with the reason."""
    with transaction(house.engine) as connection:
        row = views.find_parked(connection, which)
        if row is None or row["outcome"] != "set_aside":
            raise Refused(f"no mail {which} was set aside; `mailgate aside list` shows those there are")
        if what := _OF_MACHINES.get(row["reason"]):
            raise Refused(f"mail {which} is {what}: nobody's mail, and never answered")
        house.gatherer.forget_people()
        shown = _let_through(connection, house, which, actor)
    lines = [f"mail {which} of {row['from']} released"]
    for one in shown:
        number = one.shown["ticket"]
        lines.append(f"{one.shown['outcome']}" + (f", ticket {number}" if number else ""))
    return lines


def _let_through(connection: Connection, house: House, which: str, actor: str) -> list[Received]:
    """Decide and apply the mail once more; it keeps its evidence, and its record says what came of it."""
    row = connection.execute(select(ARRIVAL.c.arrival, ARRIVAL.c.trace).where(ARRIVAL.c.id == which)).one()
    arrival = replace(arrival_from_json(json.dumps(row.arrival)), is_released=True)
    raw = house.raw_of(arrival.digest)
    if raw is None:
        raise Refused(f"the raw mail of {which} is not kept any more")
    decision = decide_mail(house.scene(connection, arrival, house.read(raw)))
    if decision.outcome == "set_aside":
        last = decision.reasons[-1]
        raise Refused(f"mail {which} would be set aside again: {last.because or last.verdict} ({last.rule})")
    applied = apply(connection, decision, house.tools, house.clock(), arrival=arrival.id)
    by = Reason(rule="M9", verdict="released", because=f"by {actor}")
    values: dict[str, Any] = {
        "outcome": decision.outcome, "ticket": applied.number or decision.ticket or None,
        "state": applied.held or "released",
        "trace": [*row.trace, *trace_of(replace(decision, reasons=(by, *decision.reasons)), house.clock())],
    }  # fmt: skip
    connection.execute(update(ARRIVAL).where(ARRIVAL.c.id == arrival.id).values(**values))
    received = [
        Received(arrival=arrival, decision=decision, applied=applied, shown=decision.as_received(applied.number))
    ]
    for held in applied.released:
        received += house.take_up(connection, held)
    return received

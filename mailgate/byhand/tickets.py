"""Tickets by hand: close, merge, split, assign, and any staff command, decided as a mail of staff would be."""

import argparse

from sqlalchemy import Connection

from mailgate.apply import Applied, apply
from mailgate.byhand.arguments import add_arguments
from mailgate.decide.orders import Work, carry_out
from mailgate.decide.scene import Scene
from mailgate.decide.staff import settle_by_hand
from mailgate.errors import Refused
from mailgate.model.arrival import Arrival
from mailgate.model.facts import Clues, Facts
from mailgate.model.mail import Mail
from mailgate.model.people import Staff
from mailgate.model.quick import replace
from mailgate.model.ticket import Case
from mailgate.pipeline import House
from mailgate.store.engine import transaction
from mailgate.store.gather import read_cases, read_messages
from mailgate.understand.commands import numbers_named, read_commands

__all__ = ["add_arguments", "command_in", "command_ticket", "get_case", "perform"]
_WHY = {
    "no_such_person": "nobody of the desk is called so",
    "several_persons": "several people are called so",
    "no_such_ticket": "there is no such ticket",
    "other_account": "the tickets belong to two accounts",
    "other_requestor": "the tickets are of two requestors who share no account",
    "itself": "a ticket cannot go into itself",
    "nothing_to_split": "there is only one mail on it; with --subject a second ticket gets a copy of it",
}


def perform(args: argparse.Namespace, house: House) -> Applied:
    """Carry out one of them; return what it came to."""
    match args.action:
        case "close":
            line = "#close"
        case "merge":
            line = f"#merge {args.into}"
        case "split":
            line = f"#split {args.subject}".strip()
        case _:
            line = f"#assign {' '.join(args.name)}"
    return command_ticket(house, args.number, line)


def command_ticket(house: House, number: int, line: str, actor: str = "command line") -> Applied:
    """Carry out one staff command, as `#close`, on a ticket. Raises Refused with the reason where it cannot be."""
    with transaction(house.engine) as connection:
        return command_in(connection, house, number, line, actor)


def command_in(connection: Connection, house: House, number: int, line: str, actor: str) -> Applied:
    """As `command_ticket`, in a transaction of the caller's."""
    case = get_case(connection, number)
    scene = _scene(connection, house, case, line)
    person = next((one for one in scene.facts.people if one.address == actor), None)
    work = Work(
        scene=scene, person=person or Staff(desk=scene.desk.name, address=actor, role="manager"), before=case, case=case
    )
    carry_out(work, read_commands(line).commands)
    if work.errors:
        error = work.errors[0]
        if error["code"] == "itself" and case.ticket.number != number:
            raise Refused(f"ticket {number} has gone into {case.ticket.number} already")
        allowed = f" ({', '.join(error['allowed'])})" if error["allowed"] else ""
        raise Refused(f"{error['line']}: {_WHY.get(error['code'], error['code'].replace('_', ' '))}{allowed}")
    return apply(connection, settle_by_hand(work), house.tools, house.clock())


def get_case(connection: Connection, number: int) -> Case:
    """Return the case that stands for ticket `number`. Raises Refused where there is none."""
    cases, survivors = read_cases(connection, None, [number])
    if number not in survivors:
        raise Refused(f"there is no ticket {number}; `mailgate ticket list` shows those there are")
    return cases[survivors[number]]


def _scene(connection: Connection, house: House, case: Case, line: str) -> Scene:
    """Return a scene as of an empty mail on the ticket: what a command looks at."""
    now, desk = house.clock(), house.settings.desks.get(case.ticket.desk)
    if desk is None:
        raise Refused(f"ticket {case.ticket.number} is of desk {case.ticket.desk}, which is not configured")
    others, survivors = read_cases(connection, desk.name, numbers_named(line))
    facts: Facts = house.gatherer.gather_for_ticket(connection, case, now)
    facts = replace(
        facts, cases={**others, **facts.cases}, survivors={**survivors, **facts.survivors},
        messages={**read_messages(connection, list(others)), **facts.messages},
    )  # fmt: skip
    arrival = Arrival(
        id="",
        desk=desk.name,
        channel="pipe",
        received_at=now,
        digest="",
        size=0,
        recipients=(desk.mailboxes[0].address,),
    )
    clues = Clues(desk=desk.name, sender=None, reply_to=None, content_key="")
    return Scene(
        mail=Mail(digest="", content_key="", size=0), arrival=arrival, clues=clues, facts=facts, desk=desk,
        secret=house.settings.secret, now=now, hold_seconds=0,
    )  # fmt: skip

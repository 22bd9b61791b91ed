"""Known outages by hand (N1): opened, updated, resolved; each change is told once to each requestor it touches."""

import argparse
import re
from collections.abc import Sequence

from sqlalchemy import Connection

from mailgate.apply import apply
from mailgate.byhand.chosen import choose_desk
from mailgate.decide.incidents import Change, decide_change, matches
from mailgate.errors import Refused
from mailgate.model.facts import Incident
from mailgate.model.quick import replace
from mailgate.model.settings import Desk
from mailgate.pipeline import House
from mailgate.store import incidents
from mailgate.store.engine import transaction
from mailgate.store.gather import read_cases

_TEXT = re.compile(r"([A-Za-z]{2})\s*=(.*)", re.DOTALL)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the sub-commands that change incidents."""
    actions = parser.add_subparsers(dest="action", required=True)
    opening = actions.add_parser("open", help="make an outage known: those it touches are told, new acks carry it")
    opening.add_argument("--desk", help="needed where there are several")
    update = actions.add_parser("update", help="tell those it touches what is new")
    update.add_argument("number", type=int)
    resolve = actions.add_parser("resolve", help="tell them that it is over")
    resolve.add_argument("number", type=int)
    for one in (opening, update):
        one.add_argument("--host", action="append", default=[], help="a host or an IP address it touches, repeatable")
        one.add_argument("--service", action="append", default=[], help="a service, as customers call it, repeatable")
        one.add_argument("--domain", action="append", default=[], help="a domain, repeatable")
    for one in (opening, update, resolve):
        one.add_argument(
            "--text", action="append", default=[], type=language_and_text, metavar="LANGUAGE=TEXT",
            help="what to tell, as en='Storage failure on node9', repeatable",
        )  # fmt: skip


def language_and_text(value: str) -> tuple[str, str]:
    """Read `en=Storage failure`."""
    found = _TEXT.match(value)
    if not found or not found.group(2).strip():
        raise argparse.ArgumentTypeError(f"{value!r} is no LANGUAGE=TEXT, as en='Storage failure'")
    return found.group(1).lower(), found.group(2).strip()


def perform(args: argparse.Namespace, house: House) -> list[str]:
    """Carry out one of them; return what to print: for `open` the number of the incident alone."""
    with transaction(house.engine) as connection:
        if args.action == "open":
            return _open(args, house, connection)
        return _change(args, house, connection)


def _open(args: argparse.Namespace, house: House, connection: Connection) -> list[str]:
    desk = choose_desk(house.settings, args.desk)
    if not (args.host or args.service or args.domain):
        raise Refused("say what it touches: --host, --service or --domain")
    if not args.text:
        raise Refused("say what to tell the customers: --text en='…'")
    _check_languages(args, desk)
    incident = Incident(
        number=0, desk=desk.name, state="open", hosts=_names(args.host), services=_names(args.service),
        domains=_names(args.domain), texts=dict(args.text), opened_at=house.clock(),
    )  # fmt: skip
    incident = incidents.open_incident(connection, incident)
    _tell(connection, house, desk, incident, "open")
    return [str(incident.number)]


def _change(args: argparse.Namespace, house: House, connection: Connection) -> list[str]:
    incident = incidents.find_incident(connection, args.number)
    if incident is None:
        raise Refused(f"there is no incident {args.number}; `mailgate incident list --all` shows those there are")
    if incident.state != "open":
        raise Refused(f"incident {args.number} is resolved already")
    desk = choose_desk(house.settings, incident.desk)
    change: Change = "resolved" if args.action == "resolve" else "update"
    if change == "update":
        if not args.text:
            raise Refused("say what is new: --text en='…'")
        _check_languages(args, desk)
        incident = replace(
            incident, hosts=_names((*incident.hosts, *args.host)), services=_names((*incident.services, *args.service)),
            domains=_names((*incident.domains, *args.domain)),
        )  # fmt: skip
    else:
        incident = replace(incident, state="resolved")
    # all texts are replaced at once: what an older one says in another language is no longer true
    incident = replace(incident, texts=dict(args.text) or incident.texts)
    incidents.change_incident(connection, incident, house.clock() if change == "resolved" else None)
    told = _tell(connection, house, desk, incident, change)
    tickets = f"{told} ticket{'s' if told != 1 else ''}"
    return [f"incident {incident.number} {'resolved' if change == 'resolved' else 'updated'}; it touches {tickets}"]


def _check_languages(args: argparse.Namespace, desk: Desk) -> None:
    """Raise Refused where none of the texts is in a language that the desk writes to its customers in."""
    given = [language for language, _ in args.text]
    if not set(given) & set(desk.languages):
        raise Refused(
            f"--text: no text for {', '.join(given)}: desk {desk.name} writes in {', '.join(desk.languages)} alone"
        )


def _tell(connection: Connection, house: House, desk: Desk, incident: Incident, change: Change) -> int:
    """Link what it touches, tell the requestors; return how many tickets it touches."""
    numbers = set(incident.tickets)
    if change != "resolved":
        said = incidents.read_sayings(connection, desk.name)
        numbers |= {one.ticket for one in said if matches(incident, one.hosts, one.words)}
    cases, _ = read_cases(connection, desk.name, numbers)
    decision = decide_change(
        incident, change, list(cases.values()), desk, blocked=incidents.blocked_addresses(connection, desk.name),
        silent=incidents.silent_tickets(connection, list(cases)),
    )  # fmt: skip
    apply(connection, decision, house.tools, house.clock())
    return len(cases)


def _names(values: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value.strip().lower() for value in values if value.strip()))

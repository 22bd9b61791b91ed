"""The people of a desk: list, add, import, remove."""

import argparse
from collections.abc import Sequence

from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import add_config, add_desk, add_json, new_actions, opened, progress
from mailgate.cli.printing import print_rows
from mailgate.cli.sheet import Sheet, read_sheet
from mailgate.errors import Refused
from mailgate.model.people import Staff
from mailgate.store import people
from mailgate.store.engine import reading, transaction

COLUMNS = ("desk", "address", "name", "teams", "role", "language", "timezone")
_ROLES = ("staff", "lead", "manager")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate staff` takes."""
    actions = new_actions(parser)
    listing = actions.add_parser("list", help="everybody of every desk")
    add = actions.add_parser("add", help="add a person, or change what is said of them")
    add.add_argument("address")
    add.add_argument("--team", action="append", default=[], help="repeatable")
    for name, help_ in (("name", None), ("role", "staff, lead, manager"), ("language", None), ("timezone", None)):
        add.add_argument(f"--{name}", default="", help=help_)
    read = actions.add_parser("import", help=f"a CSV with a header line: {','.join(COLUMNS)}")
    read.add_argument("file", metavar="FILE.csv", help="lists by ;  - is stdin")
    remove = actions.add_parser("remove", help="remove a person; what they wrote stays")
    remove.add_argument("address")
    add_json(listing)
    add_desk(listing, is_filter=True)
    add_desk(add, read, remove)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        match args.action:
            case "list":
                with reading(built.engine) as connection:
                    rows = [_row(one) for one in people.list_staff(connection, args.desk)]
                print_rows(rows, COLUMNS, as_json=args.json, empty="nobody")
            case "add":
                print(_add(built, args))
            case "import":
                sheet = read_sheet(args.file, COLUMNS, ("address",), built.settings, args.desk)
                found = read_staff(sheet)
                sheet.check(args.file)
                changes = _put(built, found)
                print(f"{len(found)} rows: {changes.added} added, {changes.changed} changed, {changes.same} as before")
            case _:
                print(_remove(built, args))
    return 0


def read_staff(sheet: Sheet) -> list[Staff]:
    """Return the people of a sheet; what is wrong goes to its complaints, each with its line."""
    found: dict[tuple[str, str], int] = {}
    people_: list[Staff] = []
    for row in sheet.rows:
        person = Staff(
            desk=row.desk(), address=row.address(), name=row.text("name"), teams=row.teams(),
            role=row.one_of("role", _ROLES),  # type: ignore[arg-type]
            language=row.language(), timezone=row.zone("timezone"),
        )  # fmt: skip
        before = found.setdefault((person.desk, person.address), row.line)
        if person.address and before != row.line:
            row.complain(f"{person.address} is in line {before} already")
        people_.append(person)
    return people_


def _row(person: Staff) -> dict[str, object]:
    return {
        "desk": person.desk, "address": person.address, "name": person.name, "teams": list(person.teams),
        "role": person.role, "language": person.language, "timezone": person.timezone,
    }  # fmt: skip


def _add(built: Built, args: argparse.Namespace) -> str:
    desk = choose_desk(built.settings, args.desk).name
    with reading(built.engine) as connection:
        known = next((one for one in people.list_staff(connection, desk) if one.address == args.address.lower()), None)
    values = {
        "desk": desk, "address": args.address, "name": args.name or (known.name if known else ""),
        "teams": ";".join(args.team or (known.teams if known else ())),
        "role": args.role or (known.role if known else ""),
        "language": args.language or (known.language if known else "") or "",
        "timezone": args.timezone or (known.timezone if known else "") or "",
    }  # fmt: skip
    sheet = Sheet.of_one(values, built.settings)
    found = read_staff(sheet)
    sheet.check(args.address)
    return f"{found[0].address} {_put(built, found).told()}"


def _put(built: Built, found: Sequence[Staff]) -> people.Changes:
    changes = people.Changes()
    with progress("importing", len(found)) as told, transaction(built.engine) as connection:
        for place, person in enumerate(found, 1):
            changes.count(people.put_staff(connection, person))
            told(place)
    return changes


def _remove(built: Built, args: argparse.Namespace) -> str:
    desk = choose_desk(built.settings, args.desk).name
    with transaction(built.engine) as connection:
        if not people.remove_staff(connection, desk, args.address):
            raise Refused(f"desk {desk} has no {args.address}; `mailgate staff list` shows those there are")
    return f"{args.address} removed"

"""Customers and their addresses: list, add, import, remove."""

import argparse
from collections.abc import Sequence

from mailgate.app import Built
from mailgate.byhand.chosen import choose_desk
from mailgate.cli.options import add_config, add_desk, add_json, new_actions, opened, progress
from mailgate.cli.printing import print_rows
from mailgate.cli.sheet import Sheet, read_sheet
from mailgate.errors import Refused
from mailgate.model.people import Account, Contact
from mailgate.model.quick import replace
from mailgate.store import people
from mailgate.store.accounts import History
from mailgate.store.engine import reading, transaction

COLUMNS = ("desk", "number", "login", "name", "language", "address", "roles", "purposes", "until")
_GROUP = 500


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `mailgate account` takes."""
    actions = new_actions(parser)
    listing = actions.add_parser("list", help="every address of every account")
    listing.add_argument("--account", action="append", default=[], metavar="NUMBER")
    add = actions.add_parser("add", help="add an account or an address of it, or change what is there")
    add.add_argument("number", help="as invoices and contracts bear it")
    add.add_argument(
        "address", nargs="?", default="", help="a mail address of the account; without it the account alone"
    )
    for name in ("login", "name", "language", "until"):
        add.add_argument(f"--{name}", default="")
    add.add_argument("--role", action="append", default=[], help="owner, billing, technical; repeatable")
    add.add_argument("--purpose", action="append", default=[], help="invoices, support, abuse; repeatable")
    read = actions.add_parser("import", help=f"a CSV with a header line: {','.join(COLUMNS)}")
    read.add_argument("file", metavar="FILE.csv", help="lists by ;  - is stdin")
    remove = actions.add_parser("remove", help="remove an account, or one address of it; tickets stay")
    remove.add_argument("number")
    remove.add_argument("--address")
    sync = actions.add_parser("sync", help="bring in accounts from where they live ([[accounts]] of the desk file)")
    sync.add_argument("--source", metavar="NAME", help="this source alone")
    sync.add_argument("--dry-run", action="store_true", help="print the difference, change nothing")
    sync.add_argument("--force", action="store_true", help="also where more contacts would end than most_ended allows")
    past = actions.add_parser("history", help="who changed which account or address, and when")
    past.add_argument("number", nargs="?")
    past.add_argument("--limit", type=int, default=100)
    add_json(listing, sync, past)
    add_desk(listing, sync, past, is_filter=True)
    add_desk(add, read, remove)
    add_config(parser)


def run(args: argparse.Namespace) -> int:
    """Carry out the sub-command."""
    with opened(args.config, desk=getattr(args, "desk", None)) as built:
        match args.action:
            case "list":
                print_rows(_rows(built, args), COLUMNS, as_json=args.json, empty="no accounts")
            case "add":
                print(_add(built, args))
            case "import":
                print(_import(built, args))
            case "sync":
                from mailgate.cli.sync import sync

                return sync(built, args)
            case "history":
                from mailgate.cli.sync import print_history

                print_history(built, args)
            case _:
                print(_remove(built, args))
    return 0


def read_accounts(sheet: Sheet) -> list[tuple[Account, Contact | None]]:
    """Return the accounts and contacts of a sheet; what is wrong goes to its complaints, each with its line."""
    found: list[tuple[Account, Contact | None]] = []
    accounts: dict[tuple[str, str], Account] = {}
    addresses: dict[tuple[str, str, str], int] = {}
    for row in sheet.rows:
        desk, number = row.desk(), row.required("number")
        account = Account(
            id="", desk=desk, number=number, login=row.text("login"), name=row.text("name"), language=row.language()
        )
        first = accounts.setdefault((desk, number), account)
        for name in ("login", "language"):
            if getattr(account, name) not in (None, "", getattr(first, name)):
                row.complain(f"account {number} has another {name} in an earlier line")
        contact = Contact(
            id="", account=first, address=row.address(required=False), name=account.name,
            roles=row.several("roles", ("owner", "billing", "technical")) or ("owner",),
            purposes=row.several("purposes", ("invoices", "support", "abuse")), until=row.day("until"),
        )  # fmt: skip
        before = addresses.setdefault((desk, number, contact.address), row.line)
        if contact.address and before != row.line:
            row.complain(f"{contact.address} is in line {before} already")
        found.append((first, contact if contact.address else None))
    return found


def _rows(built: Built, args: argparse.Namespace) -> list[dict[str, object]]:
    with reading(built.engine) as connection:
        accounts = people.list_accounts(connection, args.desk)
        contacts: dict[str, list[Contact]] = {}
        for contact in people.list_contacts(connection, args.desk):
            contacts.setdefault(contact.account.id, []).append(contact)
    chosen = [one for one in accounts if not args.account or one.number in args.account]
    return [_row(one, contact) for one in chosen for contact in contacts.get(one.id, [None])]


def _row(account: Account, contact: Contact | None) -> dict[str, object]:
    return {
        "desk": account.desk, "number": account.number, "login": account.login,
        "name": (contact.name if contact else "") or account.name, "language": account.language,
        "address": contact.address if contact else None, "roles": list(contact.roles) if contact else [],
        "purposes": list(contact.purposes) if contact else [],
        "until": contact.until.isoformat() if contact and contact.until else None,
    }  # fmt: skip


def _add(built: Built, args: argparse.Namespace) -> str:
    """Add or change; what is not said stays as it is."""
    desk, address = choose_desk(built.settings, args.desk).name, args.address.lower()
    with reading(built.engine) as connection:
        account = next((one for one in people.list_accounts(connection, desk) if one.number == args.number), None)
        contacts = people.list_contacts(connection, desk, [args.number])
    contact = next((one for one in contacts if one.address == address), None)
    values = {
        "desk": desk, "number": args.number, "address": address,
        "login": args.login or (account.login if account else ""),
        "name": args.name or (contact.name if contact else ""),
        "language": args.language or (account.language if account else "") or "",
        "roles": ";".join(args.role or (contact.roles if contact else ())),
        "purposes": ";".join(args.purpose or (contact.purposes if contact else ())),
        "until": args.until or (contact.until.isoformat() if contact and contact.until else ""),
    }  # fmt: skip
    sheet = Sheet.of_one(values, built.settings)
    fresh, person = read_accounts(sheet)[0]
    sheet.check(f"account {args.number}")
    if account and (person or not args.name):
        fresh = replace(fresh, name=account.name)  # the name given is the person's
    of_account, of_person = _put(built, [(fresh, person)])
    return f"account {args.number} {of_account.told()}" + (f", {person.address} {of_person.told()}" if person else "")


def _import(built: Built, args: argparse.Namespace) -> str:
    sheet = read_sheet(args.file, COLUMNS, ("number",), built.settings, args.desk)
    found = read_accounts(sheet)
    sheet.check(args.file)
    accounts, contacts = _put(built, found)
    return f"{len(found)} rows; accounts: {_told(accounts)}; contacts: {_told(contacts)}"


def _put(built: Built, found: Sequence[tuple[Account, Contact | None]]) -> tuple[people.Changes, people.Changes]:
    """Store them, in groups, so that a daemon beside us never waits long; return what became of accounts and contacts."""
    accounts, contacts, ids = people.Changes(), people.Changes(), {}
    history = _history(built)
    with progress("importing", len(found)) as told:
        for start in range(0, len(found), _GROUP):
            with transaction(built.engine) as connection:
                for account, contact in found[start : start + _GROUP]:
                    key = (account.desk, account.number)
                    if key not in ids:
                        ids[key], verdict = people.put_account(connection, account, built.ids, history)
                        accounts.count(verdict)
                    if contact:
                        contacts.count(people.put_contact(connection, contact, ids[key], built.ids, history))
            told(min(len(found), start + _GROUP))
    return accounts, contacts


def _remove(built: Built, args: argparse.Namespace) -> str:
    desk = choose_desk(built.settings, args.desk).name
    with transaction(built.engine) as connection:
        if args.address:
            count, what = (
                people.remove_contact(connection, desk, args.number, args.address, _history(built)),
                f"{args.address} of account",
            )
        else:
            count, what = people.remove_account(connection, desk, args.number, _history(built)), "account"
    if not count:
        raise Refused(f"desk {desk} has no {what} {args.number}; `mailgate account list` shows those there are")
    return f"{what} {args.number} removed"


def _history(built: Built) -> History:
    return History("command line", built.house.clock(), built.ids)


def _told(changes: people.Changes) -> str:
    return f"{changes.added} added, {changes.changed} changed, {changes.same} as before"

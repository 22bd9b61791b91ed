"""The commands: a table of their modules, which are imported when they are asked for.

Each module has `add_arguments(parser)` and `run(args) -> int`; `args.command` is the name it was called by.
"""

from typing import NamedTuple


class Command(NamedTuple):
    """A command's module in this package and its line in the help. `codes`: the only exit codes it may end with; any
    other becomes 75."""

    module: str
    summary: str
    codes: tuple[int, ...] = ()


COMMANDS = {
    "init": Command("init", "write a configuration directory that runs as it is"),
    "serve": Command("serve", "run the daemon: doors, IMAP, worker, outbox, scheduler, web"),
    "demo": Command("demo", "a desk with sample accounts on loopback that plays a short story"),
    "parse": Command("parse", "print what a mail says"),
    "explain": Command("explain", "print what would happen to a mail now, and why"),
    "simulate": Command("simulate", "play scenarios on a virtual clock"),
    "deliver": Command("deliver", "take a mail on stdin, as a mail server's pipe", (0, 65, 67, 75)),
    "import": Command("import_", "take an mbox, a Maildir or a folder of mails"),
    "trace": Command("trace", "print every step that a mail took"),
    "ticket": Command("ticket", "list, show, close, merge, split, assign and export tickets"),
    "held": Command("held", "mail kept for a person to decide"),
    "quarantine": Command("quarantine", "mail that could not be processed"),
    "outbox": Command("outbox", "mail to be sent"),
    "aside": Command("aside", "automatic mail that belongs to no ticket"),
    "account": Command("account", "customers and their addresses"),
    "staff": Command("staff", "the people of a desk"),
    "incident": Command("incident", "open, update and resolve a known outage"),
    "announce": Command("announce", "write to the customers of a desk"),
    "template": Command("template", "check and render letter templates"),
    "config": Command("config", "check the configuration, or show what is in force"),
    "doctor": Command("doctor", "try everything that mailgate needs, and say what to do"),
    "probe": Command("probe", "send one test mail through the public door, and time it"),
    "db": Command("db", "bring the database to this version, or check it"),
    "schema": Command("schema", "print the database's DDL"),
    "token": Command("token", "tokens for the control panel"),
    "backup": Command("backup", "write a consistent copy of database and blobs"),
    "restore": Command("restore", "read such a copy back"),
    "erase": Command("erase", "remove a person's data"),
    "retention": Command("retention", "let go of what the configuration no longer keeps"),
    "stats": Command("stats", "counts, rates and promises kept"),
}

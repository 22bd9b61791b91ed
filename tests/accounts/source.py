"""A source of accounts in a desk's folder, and what became of it."""

from pathlib import Path
from typing import Any

from sqlalchemy import select

from mailgate.store.engine import reading
from mailgate.store.outbox import OUTBOX
from tests.cli.desk_folder import DeskFolder

HEADER = "number,login,name,language,address,roles,purposes,until"
PEOPLE = (
    "1001,olena,Olena Kovalenko,uk,olena@shop.example,owner,,",
    "1001,olena,Buchhaltung,uk,buh@shop.example,billing,invoices,",
    "1002,sergey,Sergey Melnik,ru,sergey@sklad.example,,,",
)
CROWD = tuple(f"{2000 + n},c{n},Customer {n},en,c{n}@crowd.example,owner,," for n in range(20))


def configure(desk: DeskFolder, table: str) -> None:
    """Put an `[[accounts]]` table, and what else is given, at the end of the desk file."""
    file = desk.folder / "flexihost.toml"
    text = file.read_text(encoding="utf-8").partition("\n[[accounts]]")[0]
    file.write_text(f"{text}\n[[accounts]]\n{table}\n", encoding="utf-8")


def write(desk: DeskFolder, *lines: str) -> Path:
    """Write the CSV that `csv_source` names."""
    file = desk.folder / "accounts.csv"
    file.write_text("\n".join((HEADER, *lines)) + "\n", encoding="utf-8")
    return file


def csv_source(desk: DeskFolder, *lines: str, more: str = "") -> None:
    write(desk, *lines)
    configure(desk, f'csv = "accounts.csv"\n{more}')


def contacts(desk: DeskFolder) -> dict[str, dict[str, Any]]:
    """Return the desk's contacts by address."""
    return {row["address"]: row for row in desk.rows("account", "list") if row["address"]}


def alarms(desk: DeskFolder) -> list[str]:
    """Return the texts of the alarms to the managers, in their order."""
    built = desk.open()
    try:
        with reading(built.engine) as connection:
            query = select(OUTBOX.c.text).where(OUTBOX.c.kind == "alarm").order_by(OUTBOX.c.id)
            return list(connection.execute(query).scalars())
    finally:
        built.close()

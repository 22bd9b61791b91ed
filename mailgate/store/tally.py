"""How many rows there are of each kind and state, kept by triggers in the transaction that writes the rows: whoever shows
a number of mails, letters or tickets reads some hundred rows instead of all. No way of writing passes a trigger by.

SQLite has one writer: its rows hold the numbers. On PostgreSQL several workers write at once, and a row that all of them
change would stay locked to the end of each one's transaction: there every change is a row of its own (+1, -1), the number is
their sum, and `settle` adds them up from time to time.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from mailgate.store.engine import hold_alone

# ruff: noqa: S608 (every part of these statements is ours)
_MANY = 5000  # rows of changes on PostgreSQL; a sum of so many takes a millisecond

Key = tuple[str, str, str]  # desk, and what else a kind is told apart by; "" where there is no more


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """Rows of a table that are counted, apart by up to three columns; `condition`: of a row, which of them."""

    table: str
    columns: tuple[str, ...]
    condition: str = ""

    def key(self, row: str) -> str:
        """Return the SQL of a row's key."""
        named = [f"{row}.{column}" if column else "''" for column in (*self.columns, "", "")[:3]]
        return ", ".join(named)

    def holds(self, row: str) -> str:
        """Return the SQL of whether a row counts."""
        return self.condition.format(row=row)

    def watched(self) -> tuple[str, ...]:
        """Return the columns that a change of would move a row to another number."""
        return (*self.columns, *(name for name in ("outcome", "state") if f"{{row}}.{name} " in self.condition
                                 and name not in self.columns))  # fmt: skip


# our own test mails go again, and no figure has them: `probes.ARRIVAL_STATE`
_NO_PROBE = "{row}.state <> 'probe'"
KINDS: Mapping[str, Kind] = {
    "mails": Kind(table="arrival", columns=("desk", "channel", "outcome"), condition=_NO_PROBE),
    "set_aside": Kind(
        table="arrival", columns=("desk", "reason"), condition=f"{{row}}.outcome = 'set_aside' AND {_NO_PROBE}"
    ),
    "letters": Kind(table="outbox", columns=("desk", "kind", "state")),
    "tickets": Kind(table="ticket", columns=("desk", "queue", "status")),
    "deadlines": Kind(table="deadline", columns=("desk", "kind", "state")),
    "held": Kind(table="held", columns=("desk", "state")),
}


def read(connection: Connection, kind: str) -> dict[Key, int]:
    """Return how many rows of a kind there are, by key; what there is none of is left out."""
    query = (
        "SELECT desk, one, two, sum(number) FROM tally WHERE what = {} GROUP BY desk, one, two HAVING sum(number) <> 0"
    )
    rows = connection.exec_driver_sql(query.format(_mark(connection)), (kind,))
    return {(desk, one, two): int(number) for desk, one, two, number in rows}


def scan(connection: Connection, kind: str) -> dict[Key, int]:
    """Return the same, counted row by row: what `read` is held to."""
    return {(desk, one, two): int(number) for desk, one, two, number in connection.exec_driver_sql(_counted(kind))}


def differences(connection: Connection) -> Iterator[tuple[str, Key, int, int]]:
    """Yield each number that is not what a count of all rows gives: its kind and key, as it is kept, as it should be. To be
    asked within one consistent look."""
    for kind in KINDS:
        kept, real = read(connection, kind), scan(connection, kind)
        for key in sorted(kept.keys() | real.keys()):
            if kept.get(key, 0) != real.get(key, 0):
                yield kind, key, kept.get(key, 0), real.get(key, 0)


def settle(connection: Connection) -> int:
    """PostgreSQL: make of many changes one number each; return how many rows that took away. To be called by any process,
    now and then, in a transaction of its own."""
    if connection.dialect.name == "sqlite":
        return 0
    if not connection.exec_driver_sql(f"SELECT 1 FROM tally OFFSET {_MANY} LIMIT 1").first():
        return 0
    if not hold_alone(connection, "tally"):
        return 0
    # what others have not committed yet is not seen, and stays
    gone = "WITH gone AS (DELETE FROM tally RETURNING what, desk, one, two, number), added AS ("
    added = (
        "INSERT INTO tally SELECT what, desk, one, two, sum(number) FROM gone GROUP BY what, desk, one, two"
        " HAVING sum(number) <> 0 RETURNING 1)"
    )
    counts = connection.exec_driver_sql(
        f"{gone}{added} SELECT (SELECT count(*) FROM gone) - (SELECT count(*) FROM added)"
    )
    return int(counts.scalar_one())


def statements(dialect_name: str) -> list[str]:
    """Return the DDL, each statement without its semicolon. It stands behind the tables that are counted."""
    return _postgresql() if dialect_name == "postgresql" else _sqlite()


def make(connection: Connection) -> None:
    """Make the numbers, all nought, in the place of any that are there: beside tables that are empty too, or `fill` comes."""
    for statement in [*_gone(connection.dialect.name), *statements(connection.dialect.name)]:
        connection.exec_driver_sql(statement)


def fill(connection: Connection, told: Callable[[int, int], None] = lambda done, total: None) -> None:
    """Count what is there, and write it in the place of what is kept; nobody else may write meanwhile. `told` hears how
    many kinds of how many are done."""
    connection.exec_driver_sql("DELETE FROM tally")
    for done, kind in enumerate(KINDS, 1):
        connection.exec_driver_sql(f"INSERT INTO tally (what, desk, one, two, number) SELECT '{kind}', c.* FROM"
                                   f" ({_counted(kind)}) AS c")  # fmt: skip
        told(done, len(KINDS))


def mend(connection: Connection) -> None:
    """Count anew, while daemons work: they wait meanwhile."""
    if connection.dialect.name == "postgresql":
        tables = ", ".join(sorted({kind.table for kind in KINDS.values()}))
        connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        connection.exec_driver_sql(f"LOCK TABLE tally, {tables} IN SHARE ROW EXCLUSIVE MODE")
    fill(connection)


def _counted(name: str) -> str:
    kind = KINDS[name]
    where = f" WHERE {kind.holds(kind.table)}" if kind.condition else ""
    names = zip(kind.key(kind.table).split(", "), ("desk", "one", "two"), strict=True)
    keys = ", ".join(f"{key} AS {as_}" for key, as_ in names)
    grouped = ", ".join(f"{kind.table}.{column}" for column in kind.columns)
    return f"SELECT {keys}, count(*) AS number FROM {kind.table}{where} GROUP BY {grouped}"


def _gone(dialect_name: str) -> list[str]:
    if dialect_name == "postgresql":
        return [f"DROP FUNCTION IF EXISTS tally_{kind}() CASCADE" for kind in KINDS] + ["DROP TABLE IF EXISTS tally"]
    triggers = [
        f"DROP TRIGGER IF EXISTS tally_{kind}_{when}" for kind in KINDS for when in ("insert", "delete", "update")
    ]
    return [*triggers, "DROP TABLE IF EXISTS tally"]


_COLUMNS = ("what", "desk", "one", "two")


def _sqlite() -> list[str]:
    columns = "".join(f"    {name} VARCHAR NOT NULL,\n" for name in _COLUMNS)
    made = [f"CREATE TABLE tally (\n{columns}    number INTEGER NOT NULL,\n    PRIMARY KEY ({', '.join(_COLUMNS)})\n)"
            " WITHOUT ROWID"]  # fmt: skip
    for name, kind in KINDS.items():
        changed = " OR ".join(f"old.{column} IS NOT new.{column}" for column in kind.watched())
        takes, adds = _changed(name, kind, "old", -1), _changed(name, kind, "new", 1)
        made += [
            _trigger(name, "insert", f"INSERT ON {kind.table}", kind.holds("new"), adds),
            _trigger(name, "delete", f"DELETE ON {kind.table}", kind.holds("old"), takes),
            _trigger(name, "update", f"UPDATE OF {', '.join(kind.watched())} ON {kind.table}", changed, takes, adds),
        ]
    return made


def _changed(name: str, kind: Kind, row: str, by: int) -> str:
    condition = kind.holds(row) or "true"
    return (f"INSERT INTO tally (what, desk, one, two, number) SELECT '{name}', {kind.key(row)}, {by} WHERE {condition}"
            f" ON CONFLICT ({', '.join(_COLUMNS)}) DO UPDATE SET number = number + ({by})")  # fmt: skip


def _trigger(name: str, when: str, on: str, condition: str, *statements: str) -> str:
    limited = f" WHEN {condition}" if condition else ""
    body = "".join(f"    {one};\n" for one in statements)
    return f"CREATE TRIGGER tally_{name}_{when} AFTER {on}{limited} BEGIN\n{body}END"


def _postgresql() -> list[str]:
    columns = "".join(f"    {name} VARCHAR NOT NULL,\n" for name in _COLUMNS)
    made = [f"CREATE TABLE tally (\n{columns}    number BIGINT NOT NULL\n)"]
    for name, kind in KINDS.items():
        parts = []
        for operation, row, by in (("INSERT", "OLD", -1), ("DELETE", "NEW", 1)):
            added = f"INSERT INTO tally VALUES ('{name}', {kind.key(row)}, {by});"
            added = f"IF {kind.holds(row)} THEN {added} END IF;" if kind.condition else added
            parts.append(f"    IF TG_OP <> '{operation}' THEN\n        {added}\n    END IF;\n")
        pairs = [f"({', '.join(f'{row}.{column}' for column in kind.watched())})" for row in ("OLD", "NEW")]
        on = f"{kind.table} FOR EACH ROW"
        made += [
            f"CREATE FUNCTION tally_{name}() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n{''.join(parts)}"
            "    RETURN NULL;\nEND\n$$",
            f"CREATE TRIGGER tally_{name} AFTER INSERT OR DELETE ON {on} EXECUTE FUNCTION tally_{name}()",
            f"CREATE TRIGGER tally_{name}_moved AFTER UPDATE OF {', '.join(kind.watched())} ON {on}"
            f" WHEN ({pairs[0]} IS DISTINCT FROM {pairs[1]}) EXECUTE FUNCTION tally_{name}()",
        ]
    return made


def _mark(connection: Connection) -> str:
    return "?" if connection.dialect.name == "sqlite" else "%s"

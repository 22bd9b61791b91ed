"""The full-text index of messages (W2): SQLite's FTS5, PostgreSQL's tsvector, kept by triggers in the transaction that
writes the text. No way of writing, changing or erasing a message can pass it by.

A word is folded here and in `model.search` alike: case, accents off (ä is ae), ё as е, punctuation as blanks.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from mailgate.model.search import LETTERS, PAIRS, PUNCTUATION

# ruff: noqa: S608 (every part of these statements is ours)
_MOST_TEXT = 200_000  # letters of a message that are indexed; PostgreSQL refuses a vector above a megabyte
_GROUP = 2000
_COLUMNS = ("subject", "people", "words")
_CHANGED = ("subject", "author", "author_name", "visible_text")
_ACCENTED, _BARE = "".join(LETTERS), "".join(LETTERS.values())


_GONE = {
    "sqlite": [
        *(f"DROP TRIGGER IF EXISTS search_{name}" for name in ("insert", "before", "after", "delete")),
        "DROP VIEW IF EXISTS search_source", "DROP TABLE IF EXISTS search_text", "DROP TABLE IF EXISTS search_entry",
    ],
    "postgresql": [
        "DROP FUNCTION IF EXISTS search_changed() CASCADE", "DROP FUNCTION IF EXISTS search_vector(text)",
        "DROP TABLE IF EXISTS search_entry",
    ],
}  # fmt: skip


def statements(dialect_name: str) -> list[str]:
    """Return the DDL of the index, each statement without its semicolon. It stands behind the table of messages."""
    return _postgresql() if dialect_name == "postgresql" else _sqlite()


def make(connection: Connection) -> None:
    """Make the index, empty, in the place of any that is there: beside a table of messages that is empty too, or is then
    given to `fill`."""
    for statement in [*_GONE[connection.dialect.name], *statements(connection.dialect.name)]:
        connection.exec_driver_sql(statement)


def fill(connection: Connection, told: Callable[[int, int], None]) -> None:
    """Index the messages that are there, oldest first; `told` hears how many of how many are done."""
    total = int(connection.exec_driver_sql("SELECT count(*) FROM message").scalar_one())
    last, done = "", 0
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    while True:
        query = f"SELECT id FROM message WHERE id > {mark} ORDER BY id LIMIT {_GROUP}"
        ids = [row[0] for row in connection.exec_driver_sql(query, (last,))]
        if not ids:
            return
        for statement in _filling(connection.dialect.name, mark):
            connection.exec_driver_sql(statement, (last, ids[-1]))
        last, done = ids[-1], done + len(ids)
        told(done, total)


def _filling(dialect_name: str, mark: str) -> list[str]:
    within = f"message > {mark} AND message <= {mark}"
    if dialect_name == "postgresql":
        row = "message.id > %s AND message.id <= %s ORDER BY message.id"
        return [f"INSERT INTO search_entry (message, words) SELECT id, {_vector('message')} FROM message WHERE {row}"]
    return [
        f"INSERT INTO search_entry (message) SELECT message FROM search_source WHERE {within} ORDER BY message",
        f"{_ADD} SELECT search_entry.id, subject, people, words FROM search_source"
        f" JOIN search_entry USING (message) WHERE {within}",
    ]


_ADD = "INSERT INTO search_text (rowid, subject, people, words)"


def _sqlite() -> list[str]:
    texts = ", ".join(
        f"{_written_out(f'substr({text}, 1, {_MOST_TEXT})')} AS {name}"
        for text, name in zip(_texts("message"), _COLUMNS, strict=True)
    )
    source = "subject, people, words FROM search_source JOIN search_entry USING (message)"
    # FTS5 takes an entry of an index without content out by being told what was in it
    take = "INSERT INTO search_text (search_text, rowid, subject, people, words) SELECT 'delete', search_entry.id,"
    changed = " OR ".join(f"old.{name} IS NOT new.{name}" for name in _CHANGED)
    update = f"UPDATE OF {', '.join(_CHANGED)} ON message WHEN {changed}"
    return [
        "CREATE TABLE search_entry (\n    id INTEGER PRIMARY KEY,\n    message VARCHAR NOT NULL,\n    UNIQUE (message)\n)",
        "CREATE VIRTUAL TABLE search_text USING fts5"
        " (subject, people, words, content='', tokenize='unicode61 remove_diacritics 2')",
        f"CREATE VIEW search_source AS SELECT id AS message, {texts} FROM message",
        _trigger("search_insert", "AFTER INSERT ON message", "INSERT INTO search_entry (message) VALUES (new.id)",
                 f"{_ADD} SELECT search_entry.id, {source} WHERE message = new.id"),
        _trigger("search_before", f"BEFORE {update}", f"{take} {source} WHERE message = old.id"),
        _trigger("search_after", f"AFTER {update}", f"{_ADD} SELECT search_entry.id, {source} WHERE message = new.id"),
        _trigger("search_delete", "BEFORE DELETE ON message", f"{take} {source} WHERE message = old.id",
                 "DELETE FROM search_entry WHERE message = old.id"),
    ]  # fmt: skip


def _trigger(name: str, when: str, *statements: str) -> str:
    return f"CREATE TRIGGER {name} {when} BEGIN\n" + "".join(f"    {one};\n" for one in statements) + "END"


def _postgresql() -> list[str]:
    quoted = PUNCTUATION.replace("'", "''")
    plain = f"translate(left(said, {_MOST_TEXT}), '{quoted}', '{' ' * len(PUNCTUATION)}')"
    # lower case by ICU: a database in the C locale knows ASCII alone
    lower = f'lower({plain} COLLATE "und-x-icu")'
    folded = f"translate({_written_out(lower)}, '{_ACCENTED}', '{_BARE}')"
    return [
        "CREATE TABLE search_entry (\n    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,\n"
        "    message VARCHAR NOT NULL UNIQUE,\n    words TSVECTOR NOT NULL\n)",
        "CREATE INDEX search_words ON search_entry USING gin (words)",
        f"CREATE FUNCTION search_vector(said text) RETURNS tsvector LANGUAGE sql IMMUTABLE AS $$\n"
        f"SELECT to_tsvector('simple', {folded})\n$$",
        "CREATE FUNCTION search_changed() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n"
        "    IF TG_OP = 'INSERT' THEN\n"
        f"        INSERT INTO search_entry (message, words) VALUES (NEW.id, {_vector('NEW')});\n"
        "    ELSIF TG_OP = 'UPDATE' THEN\n"
        f"        UPDATE search_entry SET words = {_vector('NEW')} WHERE message = NEW.id;\n"
        "    ELSE\n        DELETE FROM search_entry WHERE message = OLD.id;\n    END IF;\n    RETURN NULL;\nEND\n$$",
        "CREATE TRIGGER search_changed AFTER INSERT OR DELETE ON message"
        " FOR EACH ROW EXECUTE FUNCTION search_changed()",
        f"CREATE TRIGGER search_updated AFTER UPDATE OF {', '.join(_CHANGED)} ON message"
        " FOR EACH ROW EXECUTE FUNCTION search_changed()",
    ]


def _vector(row: str) -> str:
    pairs = zip(_texts(row), "ABC", strict=True)
    return " || ".join(f"setweight(search_vector({text}), '{weight}')" for text, weight in pairs)


def _texts(row: str) -> tuple[str, str, str]:
    return f"{row}.subject", f"{row}.author || ' ' || {row}.author_name", f"{row}.visible_text"


def _written_out(expression: str) -> str:
    """Return the expression that writes letters of two sounds out; what else is to be folded the engine folds."""
    for letter, pair in PAIRS.items():
        expression = f"replace({expression}, '{letter}', '{pair}')"
    return expression
